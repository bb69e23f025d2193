// From a content of mode "simple" to drafts (mio-diga.md section 13): the insured, the app, every entry by its kind, and the
// devices that entries name and nobody declared.
import type { Finding } from '../error.ts';
import { Decimal, type FhirObject, type FhirValue, type Resource } from '../model.ts';
import type { ToolkitTables } from '../tables.ts';
import { appOf, type DigaApp } from './app.ts';
import { codeListsOf } from './code-lists.ts';
import type { SimpleContent } from './content.ts';
import { contextOf } from './context.ts';
import { deviceOf } from './devices.ts';
import type { Agent, Draft } from './draft.ts';
import { keyOf, namesOf } from './entries.ts';
import { findingAt, limited, pointerOf } from './findings.ts';
import type { Identify } from './identity.ts';
import type { BuildContext, Built, Entry } from './kind.ts';
import { kindNamed } from './kinds.ts';
import { PATIENT_PROFILE, patientOf } from './patient.ts';
import { type Span, spanOf } from './span.ts';

export type SimpleSetting = {
  tables: ToolkitTables;
  app: DigaApp;
  /** The export's KVNR; without it the Patient has the content's, or none. */
  insured: { kvnr?: string | undefined };
  identify: Identify;
};

export type SimpleDrafts = {
  drafts: Draft[];
  /** Undefined when it is not given and no entry has a time: then it is the time of the export. */
  period: Span | undefined;
  findings: Finding[];
};

/** Of a content that `readSimple` let through. */
export function draftsOfSimple(content: SimpleContent, setting: SimpleSetting): SimpleDrafts {
  const { entries, patient = {} } = content;
  const kvnr = setting.insured.kvnr ?? patient.kvnr;
  const declared = new Map(entries.map((entry) => [keyOf(entry.kind, entry.id), entry]));
  const context = contextOf({
    lists: codeListsOf(setting.tables),
    identify: setting.identify,
    entry: (kind, id) => declared.get(keyOf(kind, id)),
    practitioner: entries.find(({ kind }) => kind === 'contact')?.id,
  });
  const drafts = [
    ...draftsOf([{ resource: patientOf(patient, kvnr, context), profile: PATIENT_PROFILE }], '/patient'),
    ...draftsOf(appOf(setting.app, context), ''),
  ];
  const named = namedIn(entries);
  const findings = kvnr === patient.kvnr || patient.kvnr === undefined ? [] : [otherInsured()];
  for (const [index, entry] of entries.entries()) {
    const pointer = pointerOf(['entries', index]);
    const kind = kindNamed(entry.kind);
    if (kind === undefined) throw new TypeError('an entry of a kind that the schema does not know');
    // A document holds what its Composition leads to.
    if (kind.section === undefined && !named.has(keyOf(entry.kind, entry.id))) {
      const message = 'is named by no other entry, so it is not in the document';
      findings.push(findingAt(['entries', index], 'ENTRY_UNUSED', message, 'warning'));
      continue;
    }
    const built = kind.build(entry, context);
    const all = Array.isArray(built) ? built : [{ resource: built, profile: kind.profile, section: kind.section }];
    const { from, until } = kind.times(entry);
    const agent = kind.section === undefined ? undefined : agentOf(entry, context);
    drafts.push(...draftsOf(all, pointer, { section: kind.section, from, until, agent }));
  }
  for (const { id, path, kinds, undeclared } of named.values()) {
    if (undeclared === undefined || kinds.some((kind) => declared.has(keyOf(kind, id)))) continue;
    findings.push(findingAt(path, 'ENTRY_UNDECLARED', UNDECLARED[undeclared], undeclared));
    if (kinds.includes('device')) drafts.push(...draftsOf(deviceOf({ id }, context), pointerOf(path)));
  }
  const span = spanOf(drafts);
  if (content.period !== undefined && span !== undefined && !covers(content.period, span)) {
    const message = 'does not cover the times of all entries';
    findings.push(findingAt(['period'], 'PERIOD_NARROW', message, 'warning'));
  }
  return { drafts, period: content.period ?? span, findings: limited(findings) };
}

const UNDECLARED = {
  warning: 'names no entry of kind device: the document says only that there was a device',
  information: 'names no entry of kind questionnaire: readers see the questions only where the answers have text',
};

const otherInsured = (): Finding => findingAt(['patient', 'kvnr'], 'KVNR_DIFFERS', "is not the export's KVNR");

type Named = ReturnType<typeof namesOf>[number];

/** What entries name, each once with the place where it is named first. */
function namedIn(entries: readonly Entry[]): Map<string, Named> {
  const all = new Map<string, Named>();
  for (const [index, entry] of entries.entries()) {
    for (const name of namesOf(entry)) {
      for (const kind of name.kinds) {
        const key = keyOf(kind, name.id);
        if (!all.has(key)) all.set(key, { ...name, path: ['entries', index, ...name.path] });
      }
    }
  }
  return all;
}

type Rest = Partial<Pick<Draft, 'section' | 'from' | 'until' | 'agent'>>;

/** The first is the entry's own and stands in its section; others only where they say so. */
function draftsOf(built: readonly Built[], pointer: string, rest: Rest = {}): Draft[] {
  return built.map(({ resource, profile, section }, index) => ({
    resource: withoutGaps(resource) as Resource,
    profile,
    section: section ?? (index === 0 ? rest.section : undefined),
    from: rest.from,
    until: rest.until,
    pointer,
    agent: rest.agent,
  }));
}

/** Builders leave members undefined; a resource has none. What has no gaps is kept as it is. */
export function withoutGaps(value: FhirValue): FhirValue {
  if (Array.isArray(value)) {
    const all = value.map(withoutGaps);
    return all.every((one, index) => one === value[index]) ? value : all;
  }
  if (typeof value !== 'object' || value === null || value instanceof Decimal) return value;
  const members: FhirObject = {};
  let same = true;
  for (const [name, member] of Object.entries(value)) {
    const kept = member === undefined ? undefined : withoutGaps(member);
    if (kept !== undefined) members[name] = kept;
    if (kept !== member || kept === undefined) same = false;
  }
  return same ? value : members;
}

/** docs/decisions.md: what the insured told is `informant`, what app and practitioner wrote `author`, a device measured. */
function agentOf(entry: Entry, context: BuildContext): Agent {
  const role = typeof entry.by === 'object' ? (Object.keys(entry.by)[0] ?? '') : (entry.by ?? 'patient');
  return { type: ROLES[role] ?? 'author', who: String(context.bringer(entry).reference) };
}

const ROLES: Readonly<Record<string, string>> = {
  patient: 'informant',
  relatedPerson: 'informant',
  device: 'performer',
};

function covers(period: Span, span: Span): boolean {
  return Date.parse(period.start) <= Date.parse(span.start) && Date.parse(span.end) <= Date.parse(period.end);
}
