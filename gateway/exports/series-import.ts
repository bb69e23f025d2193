// Document IDs known elsewhere are brought in (OPS-03, OPS-04): after a loss of the store, from another client's table, or to
// end a doubt that only a look into the record could end (D1, D2). One list, all or nothing; a KVNR is used for its look-up
// key and not kept. What an import is believed: its newest document becomes the target of the next, `frozen` ends, and the
// series is doubtful until the record system takes a replacement of it (settle.ts), which proves that it was the newest.
import type { Database, Queries } from './database.ts';
import type { Finding } from './finding.ts';
import { recordEvent } from './outbox.ts';
import { tidyMemories } from './part-memory.ts';
import { readSealedInsured, sealInsured, sealSeries } from './row-seals-series.ts';
import type { SeriesRow } from './schema.ts';
import { applyToEnded, applyToOpen, type OpenDocument, openDocuments } from './series-import-open.ts';
import { judgeList, judgePlace, type Known, knownDocuments } from './series-import-rules.ts';

/** `document` null: the record holds nothing of the series. */
export type ImportEntry = {
  diga: string;
  lookupKey: string;
  series: string;
  /** '' for the document itself. */
  part: string;
  document: ImportedDocument | null;
};

export type ImportedDocument = {
  entryUuid: string;
  version: number;
  recordSystem: string;
  sha256: string | null;
  writtenAt: number | null;
};

/** All entries of one series (and part). */
export type ImportPlace = {
  diga: string;
  lookup_key: string;
  series: string;
  part: string;
  /** Newest first; `index` is the place in the list. Empty: nothing is in the record. */
  documents: { index: number; document: ImportedDocument }[];
  /** Of the first entry about the place. */
  index: number;
  /** Entries that say that nothing is in the record. */
  nothing: number[];
};

export type ImportedPlace = {
  place: ImportPlace;
  /** The newest document of the series was not known as such before. */
  changed: boolean;
  /** Exports whose document is in the record, as the import says. */
  written: string[];
  /** Exports that go on now. */
  resumed: string[];
};

/** What stands against the list; nothing of it is stored. */
export class ImportRefused extends Error {
  readonly findings: readonly Finding[];
  constructor(findings: readonly Finding[]) {
    super('the list contradicts what is known');
    this.findings = findings;
  }
}

/** One transaction with `also` as its last part (audit). ImportRefused with every contradiction. */
export async function importSeries(
  db: Database,
  o: { entries: readonly ImportEntry[]; now: number },
  also: (tx: Queries, places: readonly ImportedPlace[]) => Promise<void> = async () => {},
): Promise<ImportedPlace[]> {
  const places = placesOf(o.entries);
  return db.transaction().execute(async (tx) => {
    await holdInsured(tx, places, o.now);
    const known = await knownDocuments(tx, places);
    const judged: { place: ImportPlace; head: SeriesRow | undefined; open: OpenDocument[] }[] = [];
    const findings: Finding[] = judgeList(places);
    for (const place of places) {
      const head = await headOf(tx, place);
      const open = await openDocuments(tx, place);
      findings.push(...judgePlace({ place, head, open, known }));
      judged.push({ place, head, open });
    }
    if (findings.length > 0) throw new ImportRefused(findings);
    const done: ImportedPlace[] = [];
    const told: string[] = [];
    for (const { place, head, open } of judged) {
      const changed = await setHead(tx, { place, head, known, now: o.now });
      const applied = await applyToOpen(tx, { place, open, now: o.now });
      await applyToEnded(tx, place, o.now);
      await tidyMemories(tx, place);
      told.push(...applied.told);
      done.push({ place, changed, written: applied.written, resumed: applied.resumed });
    }
    // An event says how its export stands when all of the list is done.
    for (const id of told) await recordEvent(tx, id, o.now);
    await also(tx, done);
    return done;
  });
}

function placesOf(entries: readonly ImportEntry[]): ImportPlace[] {
  const places = new Map<string, ImportPlace>();
  for (const [index, entry] of entries.entries()) {
    const { diga, lookupKey, series, part, document } = entry;
    const place = places.getOrInsertComputed(JSON.stringify([lookupKey, series, part]), () => ({
      diga,
      lookup_key: lookupKey,
      series,
      part,
      documents: [],
      index,
      nothing: [],
    }));
    if (document === null) place.nothing.push(index);
    else place.documents.push({ index, document });
  }
  for (const place of places.values()) place.documents.sort((a, b) => b.document.version - a.document.version);
  return [...places.values()];
}

/** Series stand under their insured; no KVNR is kept. */
async function holdInsured(tx: Queries, places: readonly ImportPlace[], now: number): Promise<void> {
  const digas = new Map(places.map((place) => [place.lookup_key, place.diga]));
  for (const [lookup_key, diga] of digas) {
    await readSealedInsured(tx, lookup_key);
    await tx
      .insertInto('insured')
      .values({ lookup_key, diga, wrapped_key: null, kvnr_sealed: null, created_at: now })
      .onConflict((c) => c.column('lookup_key').doNothing())
      .execute();
    await sealInsured(tx, lookup_key);
  }
}

async function headOf(tx: Queries, place: ImportPlace): Promise<SeriesRow | undefined> {
  return tx
    .selectFrom('series')
    .selectAll()
    .where('lookup_key', '=', place.lookup_key)
    .where('series', '=', place.series)
    .where('part', '=', place.part)
    .executeTakeFirst();
}

/** Whether the head is another one than before. */
async function setHead(
  tx: Queries,
  o: { place: ImportPlace; head: SeriesRow | undefined; known: Known; now: number },
): Promise<boolean> {
  const { place, head, now } = o;
  const newest = place.documents[0]?.document;
  if (newest === undefined) {
    await tx
      .deleteFrom('series')
      .where('lookup_key', '=', place.lookup_key)
      .where('series', '=', place.series)
      .where('part', '=', place.part)
      .execute();
    await sealSeries(tx, place);
    return head !== undefined;
  }
  const same = head?.entry_uuid === newest.entryUuid && head.version === newest.version;
  // Known for certain: the import says nothing new.
  if (same && head.frozen === 0 && head.doubtful === 0) return false;
  const own = o.known.get(newest.entryUuid);
  const row = {
    entry_uuid: newest.entryUuid,
    version: newest.version,
    record_system: newest.recordSystem,
    sha256: newest.sha256 ?? own?.sha256 ?? (same ? head.sha256 : ''),
    export_id: own?.export_id ?? (same ? head.export_id : ''),
    // Told, not proven (D1).
    doubtful: 1,
    frozen: 0,
    written_at: newest.writtenAt ?? (same ? head.written_at : null),
    updated_at: now,
  };
  await tx
    .insertInto('series')
    .values({ lookup_key: place.lookup_key, series: place.series, part: place.part, ...row })
    .onConflict((c) => c.columns(['lookup_key', 'series', 'part']).doUpdateSet(row))
    .execute();
  await sealSeries(tx, place);
  return !same;
}
