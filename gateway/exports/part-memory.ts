// What is remembered of the documents built here (mio-diga.md section 10), so that the next build knows versions, ids and old
// parts: one per document, stored in the transaction that accepts its export. It counts only for what may be in the record: of
// the series' newest document, or of an open export that will be; a version that never got there changes nothing. UUIDs and
// keyed digests under a data key of the insured that outlives the KVNR (D6) and goes when the person is forgotten (RET-05).
import type { Vault } from '../vault/keys.ts';
import { openContent, sealContent } from '../vault/seal.ts';
import type { Database, Queries } from './database.ts';
import { prepared } from './prepared.ts';
import { OPEN } from './schema.ts';

type Place = { lookup_key: string; series: string };

/** What the next document of a part stands on. `exportId` null: it was not built here, only its version is known. */
type Ground = { part: string; exportId: string | null; version: number };

/** Of documents that were not built here only the version is known. `memory`: as whoever builds documents gave it. */
export type Remembered = { kind: 'built'; memory: Uint8Array } | { kind: 'foreign'; version: number };

export type Memories = {
  /** By part. */
  parts: ReadonlyMap<string, Remembered>;
  key: { key: Uint8Array; wrapped: Uint8Array; under: string; fresh: boolean };
  /** Compared when the export is accepted: another may have come in between. */
  grounds: string;
};

/** Something came in between reading the memories and accepting what was built on them: build again. */
export class GroundsChanged extends Error {}

type Reading = { db: Database; vault: Vault; diga: string; place: Place; supersedes: boolean };

/** `supersedes`: an export that would take the place of those that were never sent (D3). Not inside a transaction. */
export async function readMemories(o: Reading): Promise<Memories> {
  for (let left = RETRIES; ; left--)
    try {
      return await readOnce(o);
    } catch (thrown) {
      // What was found was tidied away before it was read: look again.
      if (!(thrown instanceof GroundsChanged) || left === 0) throw thrown;
    }
}

const RETRIES = 5;

async function readOnce(o: Reading): Promise<Memories> {
  const { db, vault, diga, place } = o;
  const key = await memoryKey(db, vault, { diga, lookupKey: place.lookup_key });
  const grounds = await groundsOf(db, place, o.supersedes);
  const parts = new Map<string, Remembered>();
  for (const { part, exportId, version } of grounds)
    parts.set(
      part,
      exportId === null
        ? { kind: 'foreign', version }
        : { kind: 'built', memory: await readOne(db, key.key, exportId, part) },
    );
  return { parts, key, grounds: JSON.stringify(grounds) };
}

/** In the transaction that accepts the export, after its insured is held. GroundsChanged. */
export async function keepMemories(
  tx: Queries,
  o: {
    exportId: string;
    place: Place;
    supersedes: boolean;
    memories: Memories;
    built: readonly { part: string; memory: Uint8Array }[];
  },
): Promise<void> {
  const { key, grounds } = o.memories;
  if (JSON.stringify(await groundsOf(tx, o.place, o.supersedes)) !== grounds) throw new GroundsChanged();
  const insured = tx.selectFrom('insured').select('memory_key').where('lookup_key', '=', o.place.lookup_key);
  const held = (await insured.executeTakeFirst())?.memory_key ?? null;
  if ((held === null) !== key.fresh) throw new GroundsChanged();
  if (key.fresh)
    await tx
      .updateTable('insured')
      .set({ memory_key: key.wrapped, memory_under: key.under })
      .where('lookup_key', '=', o.place.lookup_key)
      .execute();
  for (const { part, memory } of o.built)
    for (const [n, sealed] of sealContent(key.key, nameOf(o.exportId, part), memory).entries())
      await tx.insertInto('part_memories').values({ export_id: o.exportId, part, n, sealed }).execute();
}

/** After an export ended or a document became its series' newest: what can be no ground any more goes. */
export async function tidyMemories(tx: Queries, of: Place): Promise<void> {
  const candidates = await candidatesOf(tx, of);
  for (const { exportId, part, open, newest } of candidates)
    if (!open && !newest)
      await tx.deleteFrom('part_memories').where('export_id', '=', exportId).where('part', '=', part).execute();
}

const nameOf = (exportId: string, part: string) => `${exportId}/${part}/memory`;

async function memoryKey(db: Database, vault: Vault, o: { diga: string; lookupKey: string }): Promise<Memories['key']> {
  const name = `memory/${o.lookupKey}`;
  const row = await db
    .selectFrom('insured')
    .select(['memory_key', 'memory_under'])
    .where('lookup_key', '=', o.lookupKey)
    .executeTakeFirst();
  const wrapped = row?.memory_key ?? null;
  if (wrapped === null) return { ...vault.newDataKey(o.diga, name), fresh: true };
  const key = await vault.openDataKey(o.diga, name, wrapped);
  return { key, wrapped, under: row?.memory_under ?? '', fresh: false };
}

async function readOne(db: Queries, key: Uint8Array, exportId: string, part: string): Promise<Uint8Array> {
  const rows = await db
    .selectFrom('part_memories')
    .select(['n', 'sealed'])
    .where('export_id', '=', exportId)
    .where('part', '=', part)
    .execute();
  const chunks = new Map(rows.map((row) => [row.n, row.sealed]));
  // Tidied away between two readings: accepting would find other grounds, too.
  if (chunks.size === 0) throw new GroundsChanged();
  const pieces: Uint8Array[] = [];
  for await (const piece of openContent(key, nameOf(exportId, part), async (n) => chunks.get(n))) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** In the order of the parts. */
async function groundsOf(db: Queries, of: Place, supersedes: boolean): Promise<Ground[]> {
  const candidates = await candidatesOf(db, of);
  const heads = (await headsOf(db, of.lookup_key, of.series)).rows;
  const parts = [...new Set([...candidates.map((c) => c.part), ...heads.map((h) => h.part)])].sort();
  return parts.flatMap((part): Ground[] => {
    const mine = candidates.filter((c) => c.part === part);
    const open = mine.find((c) => c.open && !(supersedes && c.neverSent));
    const newest = mine.find((c) => c.newest);
    const exportId = (open ?? newest)?.exportId ?? null;
    const head = heads.find((h) => h.part === part);
    if (exportId === null && head === undefined) return [];
    return [{ part, exportId, version: exportId === null ? (head?.version ?? 0) : 0 }];
  });
}

const headsOf = prepared((db, lookupKey: string, series: string) =>
  db
    .selectFrom('series')
    .select(['part', 'export_id', 'version'])
    .where('lookup_key', '=', lookupKey)
    .where('series', '=', series)
    .where('part', '!=', 'pdf'),
);

type Candidate = { exportId: string; part: string; open: boolean; newest: boolean; neverSent: boolean };

/** Every memory of a series, newest export first. */
async function candidatesOf(db: Queries, of: Place): Promise<Candidate[]> {
  const { rows } = await memoriesOf(db, of.lookup_key, of.series);
  return rows.map((row) => ({
    exportId: row.exportId,
    part: row.part,
    open: OPEN.includes(row.status),
    newest: row.head !== null,
    // What supersedeOlder asks (sweep.ts).
    neverSent:
      (row.status === 'queued' || row.status === 'waiting') &&
      row.queue === 'latest' &&
      row.unanswered === 0 &&
      Number(row.written ?? 0) === 0,
  }));
}

const memoriesOf = prepared((db, lookupKey: string, series: string) =>
  db
    .selectFrom('part_memories as m')
    .innerJoin('exports as e', 'e.id', 'm.export_id')
    .leftJoin('series as s', (join) =>
      join
        .onRef('s.lookup_key', '=', 'e.lookup_key')
        .onRef('s.series', '=', 'e.series')
        .onRef('s.part', '=', 'm.part')
        .onRef('s.export_id', '=', 'm.export_id'),
    )
    .select(['m.export_id as exportId', 'm.part as part', 'e.status as status', 'e.queue as queue'])
    .select(['e.unanswered as unanswered', 's.export_id as head'])
    .select((x) =>
      x
        .selectFrom('documents as d')
        .select((y) => y.fn.countAll<number>().as('n'))
        .whereRef('d.export_id', '=', 'e.id')
        .where('d.status', '=', 'written')
        .as('written'),
    )
    .where('m.n', '=', 0)
    .where('e.lookup_key', '=', lookupKey)
    .where('e.series', '=', series)
    .orderBy('e.seq', 'desc'),
);
