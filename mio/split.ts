// One document while it fits, else parts by Betrachtungszeitraum at borders of the calendar (mio-diga.md section 9, D4). The same
// drafts in any order give the same parts. What a part refers to is repeated in it; every content stands in exactly one.
import type { Draft, Part } from './build/draft.ts';
import { type Finding, MioError } from './error.ts';
import { isObject, type Resource } from './model.ts';
import type { Shapes } from './shapes.ts';
import { piecesOf, tooLarge } from './split/borders.ts';
import { firstSecond, lastSecond, momentsOf, type Span, startOfDay } from './split/calendar.ts';
import { type Chain, type Named, namedPieces, spansOf, stretchOf } from './split/chains.ts';
import { type Cover, coverOf, DRAFT_BYTES } from './split/cover.ts';
import { byTime, type Drafts, type Item, surveyOf } from './split/survey.ts';
import { xmlLength } from './xml-write.ts';

/** EXP-11: what the Konnektor takes in one document, bytes of XML. */
export const DOCUMENT_LIMIT = 25_000_000;

export type SplitOptions = {
  limit?: number;
  /** What a draft takes of a document at most: `measureXml`. Asked once for each. */
  measure(draft: Draft): number;
  /** What all drafts together take at most, where that is known: nothing is measured where it fits anyway. */
  atMost?: number | undefined;
  /** The documents there are of this series, by name; what is not given here is taken to be not in the record. */
  before?: readonly Chain[];
  /** Betrachtungszeitraum of the caller or of all data; undefined where neither is. */
  period?: Part['period'] | undefined;
  /** FHIR instant, for a document without any date. */
  now: string;
};

export type Split = {
  /** Errors say why there are no parts; information, what was changed. */
  findings: Finding[];
  /**
   * In the order to write them, each made when it is asked for: newest first, then what has no data any more. What moves
   * stands in its new place before it is taken out of the old one, so an export that ends half way leaves nothing out.
   */
  parts(): Generator<Part>;
  count: number;
};

/** The size of its XML, with what the document adds; what cannot be written is measured roughly, for the validator to refuse. */
export function measureXml(shapes: Shapes): SplitOptions['measure'] {
  return ({ resource }) => DRAFT_BYTES + sizeOf(resource, shapes);
}

function sizeOf(resource: Resource, shapes: Shapes): number {
  try {
    return xmlLength(resource, shapes);
  } catch (error) {
    if (error instanceof MioError) return JSON.stringify(resource).length;
    throw error;
  }
}

type Covered = Named & { cover: Cover };

export function splitDrafts(drafts: Drafts, options: SplitOptions): Split {
  const { limit = DOCUMENT_LIMIT, before = [] } = options;
  // Provenances follow the times of many exports; one in a hundred bytes is kept free for them.
  const room = limit - limit / 100;
  const fits = options.atMost !== undefined && options.atMost <= room && spansOf(before).length === 0;
  const survey = surveyOf(drafts, fits ? () => 0 : options.measure);
  const cutting = { survey, limit, room, before: spansOf(before).map((one) => one.span) };
  const all = [...survey.dated.map((one) => one.item), ...survey.undated];
  const whole = coverOf(all, survey);
  if (cutting.before.length === 0 && (whole.bytes <= cutting.room || survey.dated.length === 0)) {
    const findings = whole.bytes <= cutting.room ? [] : [tooLarge(all, limit)];
    return splitOf(findings, 1, function* () {
      yield { name: null, period: wholePeriod(options), drafts: draftsOf(whole, drafts) };
    });
  }
  const { pieces, findings } = piecesOf(cutting);
  const named = namedPieces(pieces, before, survey.undated).map((one) => ({
    ...one,
    cover: coverOf(one.members, survey),
  }));
  if (findings.length === 0) {
    const large = named.filter(({ cover }) => cover.bytes > cutting.room);
    findings.push(...large.map(({ members }) => tooLarge(members, limit)), ...dividedProvenances(named));
  }
  return splitOf(findings, named.length, function* () {
    for (const { name, span, cover } of inOrderOfWriting(named)) {
      const end = span === named.at(-1)?.span ? newestEnd(span, options) : lastSecond(span.last);
      const period = { start: firstSecond(span.first), end };
      yield { name, stretch: stretchOf(span), period, drafts: draftsOf(cover, drafts) };
    }
  });
}

function inOrderOfWriting(named: readonly Covered[]): Covered[] {
  const empty = ({ members }: Covered) => Number(members.length === 0);
  return named.toReversed().sort((a, b) => empty(a) - empty(b));
}

function splitOf(findings: Finding[], count: number, parts: () => Generator<Part>): Split {
  const refused = findings.some((one) => one.severity === 'error');
  return refused ? { findings, count: 0, parts: function* () {} } : { findings, count, parts };
}

/** The start of a document without any date stays what it was; another start would make it another document every time. */
function wholePeriod({ period, before = [], now }: SplitOptions): Part['period'] {
  return period ?? { start: before.find((one) => one.name === null)?.period?.start || now, end: now };
}

/** The newest part is still open: it ends where the caller or the data end. */
function newestEnd(span: Span, { period }: SplitOptions): string {
  const end = momentsOf(period?.end ?? '')?.end;
  const within = end !== undefined && end >= startOfDay(span.first) && end < startOfDay(span.last + 1);
  return period !== undefined && within ? period.end : lastSecond(span.last);
}

function draftsOf(cover: Cover, drafts: Drafts): Draft[] {
  const inside = new Set([...cover.members, ...cover.support, ...cover.provenances]);
  return [
    ...cover.members.map((item) => draftAt(item, drafts)),
    ...cover.support.sort(byTime).map((item) => supportOf(draftAt(item, drafts))),
    ...cover.provenances.sort(byTime).map((item) => provenanceFor(inside, item, drafts)),
  ];
}

/** Content that is only referred to here stands in a section of another part. Questionnaires are the form, not the content. */
function supportOf(draft: Draft): Draft {
  return draft.section === undefined || draft.profile === QUESTIONNAIRE ? draft : { ...draft, section: undefined };
}

/** Of its targets only those that this document has; what leads nowhere at all is left for the validator to find. */
function provenanceFor(inside: ReadonlySet<Item>, item: Item, drafts: Drafts): Draft {
  const draft = draftAt(item, drafts);
  const away = new Set(item.targets?.filter((one) => !inside.has(one)).map((one) => `urn:uuid:${one.id}`));
  const { target } = draft.resource;
  if (away.size === 0 || !Array.isArray(target)) return draft;
  const left = target.filter((one) => !isObject(one) || !away.has(String(one.reference)));
  return { ...draft, resource: { ...draft.resource, target: left } };
}

function dividedProvenances(named: readonly { cover: Cover }[]): Finding[] {
  const counts = new Map<Item, number>();
  for (const one of named.flatMap(({ cover }) => cover.provenances)) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].flatMap(([{ pointer }, count]) =>
    count === 1
      ? []
      : [{ severity: 'information', code: 'MIO_PROVENANCE_DIVIDED', path: '', message: DIVIDED, pointer }],
  );
}

const DIVIDED = 'stands in several documents, in each with the targets that are in it';
const QUESTIONNAIRE = 'KBV_PR_MIO_DIGA_Questionnaire';

function draftAt(item: Item, drafts: Drafts): Draft {
  const draft = drafts.at(item.index);
  if (draft === undefined) throw new TypeError('drafts that were there are gone');
  return draft;
}
