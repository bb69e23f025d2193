// An order with its documents on their way to be accepted: what it is named for its Idempotency-Key, and how its documents are
// judged or built, which is done only when it is no repeat (D5). JSON and multipart bring both in ways of their own.
import type { DigaApp } from '../../mio/build/app.ts';
import type { BuildOrder } from '../documents/build.ts';
import { type OpenedContent, unknownVersion } from '../documents/content.ts';
import { verdictOf } from '../documents/verdict.ts';
import { createWorkshop, type Workshop } from '../documents/workshop.ts';
import { GatewayError } from '../errors.ts';
import type { ExportOrder } from '../exports/accept.ts';
import { beginning } from '../exports/calendar.ts';
import type { Finding } from '../exports/finding.ts';
import { factsOf, type OrderedDocument, type Part } from '../exports/ordered-document.ts';
import { GroundsChanged, readMemories } from '../exports/part-memory.ts';
import type { Settings } from '../tables/settings-manifest.ts';
import { type Caller, digaOf } from './authentication.ts';
import { bounded, type ExportBody, type ExportPart } from './export-body.ts';
import type { ExportsApi } from './exports.ts';
import { canonicalJson } from './json-body.ts';
import { RequestError } from './problem.ts';

/** What is known of the documents of the configured DiGAs. */
export type Documents = {
  workshop: Workshop;
  /** By DiGA: versions of the toolkit, the default first (D25). */
  versions: Readonly<Record<string, readonly string[]>>;
  defaultVersion: string;
  apps: ReadonlyMap<string, DigaApp>;
};

/** Its workshop is to be stopped. */
export function documentsOf({
  digas,
  mioTables,
  limits,
}: Pick<Settings, 'digas' | 'mioTables'> & { limits: Pick<Settings['limits'], 'waitingBytes'> }): Documents {
  const workshop = createWorkshop({ folder: mioTables, waitingBytes: limits.waitingBytes });
  const versions = Object.fromEntries(digas.map(({ id, mioVersions }) => [id, mioVersions]));
  const apps = digas.flatMap(({ id, name, manufacturer, app }): [string, DigaApp][] => {
    if (app === undefined) return [];
    const { name: own = name, manufacturer: maker, ...rest } = app;
    return [[id, { ...rest, name: own, manufacturer: { ...maker, name: maker.name ?? manufacturer } }]];
  });
  return { workshop, versions, defaultVersion: digas[0]?.mioVersions[0] ?? '', apps: new Map(apps) };
}

/** The order without its documents. */
export type Terms = Omit<ExportOrder, 'document' | 'part' | 'further' | 'pdf' | 'memories'>;

export type Prepared = Pick<ExportOrder, 'document' | 'part' | 'further' | 'pdf' | 'memories'> & {
  warnings: Finding[];
};

export type Submission = {
  terms: Terms;
  /** The same text for the same order, in whatever kind of body it came (D6). */
  named: string;
  /** RequestError APP_NOT_CONFIGURED; MIO_INVALID, EXPORT_INVALID, DOCUMENT_TOO_LARGE with all that is wrong, `also` among it. */
  prepare: (also: readonly Finding[]) => Promise<Prepared>;
};

export function termsOf(body: ExportBody | ExportPart, caller: Caller, digas: ReadonlySet<string>): Terms {
  const { content: _content, diga: asked, reference, ...rest } = body;
  return { ...rest, diga: digaOf(caller, asked, digas), client: caller.id, reference: reference ?? null };
}

/** Finished documents count by their hash, a content that is built by that of its canonical form. */
export function nameOf(
  terms: Terms,
  o: { documents: readonly [Part, OrderedDocument][]; content?: OpenedContent | undefined },
): string {
  const documents = o.documents.map(([part, d]) => ({ part, mimeType: d.mimeType, ...factsOf(d) }));
  const { mode, version, sha256 } = o.content ?? {};
  return canonicalJson({ ...terms, documents, ...(o.content !== undefined && { content: { mode, version, sha256 } }) });
}

/** Of a finished document; a content that is built was asked for it when it was opened. */
export function versionFaults({ diga }: Terms, mioVersion: string | undefined, { versions }: Documents): Finding[] {
  const allowed = versions[diga] ?? [];
  if (mioVersion === undefined || allowed.includes(mioVersion)) return [];
  return [{ ...unknownVersion(allowed), pointer: '/content/mioVersion', path: 'content.mioVersion' }];
}

/** A finished MIO: in memory, or to be read when there is a place for it, piece by piece. */
export async function judgeDocument(
  { documents, documentBytes }: ExportsApi,
  o: {
    terms: Pick<Terms, 'diga' | 'kvnr'>;
    mioVersion: string | undefined;
    pointer: string;
    content: Uint8Array | { bytes: number; read: () => AsyncIterable<Uint8Array> };
  },
) {
  const { terms, content, pointer } = o;
  const versions = o.mioVersion === undefined ? (documents.versions[terms.diga] ?? []) : [o.mioVersion];
  const order = { versions, maxBytes: documentBytes, kvnr: terms.kvnr };
  const { workshop } = documents;
  const inMemory = content instanceof Uint8Array;
  const bytes = inMemory ? content.length : content.bytes;
  const { findings, period } = inMemory
    ? await workshop.place(bytes, () => workshop.run('judge', { ...order, bytes: content }, bytes))
    : await workshop.place(
        bytes,
        () => workshop.run('judgeChunks', { ...order, chunks: content.read() }, bytes),
        'staged',
      );
  return { ...verdictOf(findings, { pointer }), period };
}

/** The documents of a content, on what is remembered of those before. `bytes`: the body that it stands in. */
export async function buildContent(
  api: ExportsApi,
  o: { terms: Pick<Terms, 'diga' | 'kvnr' | 'series' | 'notBefore'>; content: OpenedContent; bytes: Uint8Array },
) {
  const { terms, content, bytes } = o;
  const { db, vault, documents, documentBytes } = api;
  const now = api.now();
  const patientKey = vault.lookupKey(terms.diga, terms.kvnr);
  const supersedes = terms.notBefore === null || beginning(terms.notBefore) <= now;
  const place = { lookup_key: patientKey, series: terms.series };
  const memories = await readMemories({ db, vault, diga: terms.diga, place, supersedes });
  const before = [...memories.parts].map(([part, remembered]): BuildOrder['before'][number] =>
    remembered.kind === 'built' ? { part, memory: remembered.memory } : { part, version: remembered.version },
  );
  const order = {
    version: content.version,
    app: documents.apps.get(terms.diga),
    kvnr: terms.kvnr,
    ids: { namespace: vault.documents.namespace, diga: terms.diga, patientKey },
    digestKey: vault.documents.digestKey,
    now,
    documentBytes,
    before,
  };
  // A small body may stand on much.
  const work = before.reduce((sum, one) => sum + ('memory' in one ? one.memory.length : 0), bytes.length);
  const built = await documents.workshop.place(work, () => documents.workshop.run('build', { ...order, bytes }, work));
  if (built.broken) throw new GatewayError('STORE_BROKEN', 'a memory of a document is not readable');
  return { ...verdictOf(built.findings, { pointer: '/content', inside: true }), parts: built.parts, memories };
}

/** Whoever is overtaken by another export of the same series so often is so by no accident. */
const TRIES = 10;

/** Does it again where another export came in between what is remembered and what is made of it. */
export async function onGrounds<T>(work: () => Promise<T>): Promise<T> {
  for (let left = TRIES; ; left--)
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof GroundsChanged) || left === 0) throw thrown;
    }
}

/** The parts as an order has them, in the order in which they are to be written. */
export function orderedParts(
  built: Pick<Awaited<ReturnType<typeof buildContent>>, 'parts' | 'memories'>,
): Pick<ExportOrder, 'document' | 'part' | 'further' | 'memories'> {
  const ordered = built.parts.map(({ part, bytes, memory, period }) => ({
    part,
    document: { mimeType: 'application/fhir+xml', content: bytes, memory, period },
  }));
  const whole = ordered.findIndex(({ part }) => part === '');
  const at = whole === -1 ? ordered.length - 1 : whole;
  const main = ordered[at];
  if (main === undefined) throw new TypeError('a built document has no part');
  return {
    document: main.document,
    ...(main.part !== '' && { part: main.part }),
    further: ordered.flatMap((one, n) => (one === main ? [] : [{ ...one, first: n < at }])),
    ...(built.parts.some(({ memory }) => memory !== undefined) && { memories: built.memories }),
  };
}

/** Nobody changes settings within seconds. */
const SETTINGS_SECONDS = '600';

/** Of a document that is read, and of one that is built. */
const TOO_LARGE = ['MIO_TOO_LARGE', 'MIO_DOCUMENT_TOO_LARGE'];

/** Everything at once: what could never go first, then what is wrong with the documents. */
export function refuseFaulty(
  also: readonly Finding[],
  faults: readonly Finding[],
  code: 'EXPORT_INVALID' | 'MIO_INVALID',
): void {
  const findings = bounded([...also, ...faults]);
  if (also.length > 0)
    throw new RequestError('EXPORT_INVALID', 'the export could never go as it is, see findings', { findings });
  if (faults.length === 0) return;
  if (faults.some((one) => one.code === 'APP_NOT_CONFIGURED'))
    throw new RequestError('APP_NOT_CONFIGURED', 'the settings of the DiGA do not describe its app', {
      headers: { 'retry-after': SETTINGS_SECONDS },
    });
  const large = faults.every((one) => TOO_LARGE.includes(one.code));
  throw new RequestError(large ? 'DOCUMENT_TOO_LARGE' : code, 'the document has faults, each named in findings', {
    findings,
  });
}
