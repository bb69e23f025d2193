// What an import may not say (OPS-04): every contradiction to what this gateway knows for certain, all at once with its place
// in the list. What is frozen, doubtful or in doubt is not known for certain: there the import is believed (D1, D2).
import type { Queries } from './database.ts';
import type { Finding } from './finding.ts';
import type { SeriesRow } from './schema.ts';
import type { ImportedDocument, ImportPlace } from './series-import.ts';
import type { OpenDocument } from './series-import-open.ts';

/** Documents of the same DiGA by entryUUID: what another DiGA has is nobody's business here (EXP-27). */
export type Known = ReadonlyMap<
  string,
  { export_id: string; lookup_key: string; series: string; part: string; sha256: string; version: number | null }
>;

const AT_ONCE = 500;

export async function knownDocuments(tx: Queries, places: readonly ImportPlace[]): Promise<Known> {
  const uuids = [...new Set(places.flatMap((p) => p.documents.map((d) => d.document.entryUuid)))];
  const digas = [...new Set(places.map((p) => p.diga))];
  const known = new Map<string, Known extends ReadonlyMap<string, infer Row> ? Row : never>();
  for (let from = 0; from < uuids.length; from += AT_ONCE) {
    const some = uuids.slice(from, from + AT_ONCE);
    // Imported heads of others first, so that what an export wrote goes before them.
    const heads = await tx
      .selectFrom('series as s')
      .innerJoin('insured as i', 'i.lookup_key', 's.lookup_key')
      .select(['s.entry_uuid', 's.export_id', 's.lookup_key', 's.series', 's.part', 's.sha256'])
      .where('s.entry_uuid', 'in', some)
      .where('i.diga', 'in', digas)
      .execute();
    for (const row of heads) known.set(row.entry_uuid, { ...row, version: null });
    const documents = await tx
      .selectFrom('documents as d')
      .innerJoin('exports as e', 'e.id', 'd.export_id')
      .select([
        'd.entry_uuid',
        'd.export_id',
        'e.lookup_key',
        'e.series',
        'd.part',
        'd.sha256',
        'd.version',
        'd.status',
      ])
      .where('d.entry_uuid', 'in', some)
      .where('e.diga', 'in', digas)
      .execute();
    for (const { status, version, ...row } of documents)
      known.set(row.entry_uuid, { ...row, version: status === 'written' ? version : null });
  }
  return known;
}

/** One document stands in one series only, also within the list. */
export function judgeList(places: readonly ImportPlace[]): Finding[] {
  const seen = new Map<string, ImportPlace>();
  return places.flatMap((place) =>
    place.documents.flatMap(({ index, document }) =>
      seen.getOrInsert(document.entryUuid, place) === place ? [] : [taken(index)],
    ),
  );
}

const taken = (index: number) =>
  finding(index, 'entryUuid', 'ENTRY_UUID_TAKEN', 'is a document of another series or another person');

export function judgePlace(o: {
  place: ImportPlace;
  head: SeriesRow | undefined;
  open: readonly OpenDocument[];
  known: Known;
}): Finding[] {
  const { place, head } = o;
  const findings = [...withinTheList(place), ...againstKnown(place, o.known)];
  const top = place.documents[0];
  const index = top?.index ?? place.index;
  if (o.open.some((d) => d.current && (d.phase === 'sent' || (d.status === 'running' && d.unanswered > 0))))
    findings.push(finding(index, null, 'WRITE_ON_ITS_WAY', 'a document of this series is on the wire: ask again soon'));
  const certain = head !== undefined && head.frozen === 0 && head.doubtful === 0;
  if (!certain || o.open.some((d) => d.unanswered > 0)) return findings;
  if (top === undefined)
    findings.push(
      finding(index, 'entryUuid', 'SERIES_KNOWN', `the record holds version ${head.version} of this series`),
    );
  else if (top.document.version < head.version)
    findings.push(finding(index, 'version', 'VERSION_OLDER', `version ${head.version} of this series is known`));
  else if ((top.document.version === head.version) !== (top.document.entryUuid === head.entry_uuid))
    findings.push(
      finding(
        index,
        'version',
        'VERSION_CONFLICT',
        `version ${head.version} of this series is known with its document`,
      ),
    );
  return findings;
}

/** One version is one document, and nothing is not something. */
function withinTheList(place: ImportPlace): Finding[] {
  const findings: Finding[] = [];
  const byVersion = new Map<number, ImportedDocument>();
  const byUuid = new Map<string, ImportedDocument>();
  for (const { index, document } of place.documents) {
    const version = byVersion.getOrInsert(document.version, document);
    const uuid = byUuid.getOrInsert(document.entryUuid, document);
    if (version.entryUuid !== document.entryUuid)
      findings.push(finding(index, 'version', 'VERSION_TWICE', 'another entry has this version with another document'));
    if (uuid.version !== document.version)
      findings.push(
        finding(index, 'entryUuid', 'ENTRY_UUID_TWICE', 'another entry has this document as another version'),
      );
  }
  if (place.documents.length > 0)
    for (const index of place.nothing)
      findings.push(finding(index, 'entryUuid', 'SERIES_KNOWN', 'another entry has a document of this series'));
  return findings;
}

/** An entryUUID belongs to one series of one insured, for ever. */
function againstKnown(place: ImportPlace, known: Known): Finding[] {
  return place.documents.flatMap(({ index, document }) => {
    const own = known.get(document.entryUuid);
    if (own === undefined) return [];
    if (own.lookup_key !== place.lookup_key || own.series !== place.series || own.part !== place.part)
      return [taken(index)];
    const findings: Finding[] = [];
    if (own.version !== null && own.version !== document.version)
      findings.push(
        finding(index, 'version', 'VERSION_CONFLICT', `this document was written as version ${own.version}`),
      );
    if (document.sha256 !== null && own.sha256 !== '' && own.sha256 !== document.sha256)
      findings.push(finding(index, 'sha256', 'SHA256_CONFLICT', 'is not the hash of the document with this entryUuid'));
    return findings;
  });
}

function finding(index: number, member: string | null, code: string, message: string): Finding {
  const path = ['entries', String(index), ...(member === null ? [] : [member])];
  return { pointer: `/${path.join('/')}`, path: path.join('.'), code, message };
}
