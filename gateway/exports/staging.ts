// Documents that are sealed into the store before there is an export, piece by piece: while they come in as a stream (D5, D8),
// or when they are large and were built here, so that nobody waits for all of one. They lie under the future export's id and a
// data key that is nowhere but in memory until the transaction that accepts the export, which moves no byte of them. What a
// crash leaves behind is noise without a key, and is erased when no request can want it any more.
import { createHash, randomUUIDv7 } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import type { Vault } from '../vault/keys.ts';
import { CHUNK_BYTES, openContent, openSealer } from '../vault/seal.ts';
import type { Checkpoint } from './checkpoints.ts';
import type { Database, Queries } from './database.ts';
import { type DocumentFacts, type OrderedDocument, type Part, partsOf, withDocuments } from './ordered-document.ts';
import { readChunk } from './store.ts';

/** Longer than the listener lets a request take (api/server.ts). */
export const STAGED_MS = 15 * 60_000;

/** One request's documents; `id` and `key` become the export's. */
export type Staging = {
  readonly id: string;
  /** Wrapped with the export only: the DiGA's key may rotate meanwhile. */
  readonly key: Uint8Array;
  /** Chunks that lie in the store, all parts together. */
  readonly chunks: number;
  open(part: Part): StagedDocument;
  /** What was staged, proven chunk by chunk. STORE_BROKEN. */
  read(part: Part): AsyncGenerator<Uint8Array>;
  /** Nothing of one part is left, unless it was adopted. */
  discard(part: Part): Promise<void>;
  /** Nothing of it is left, unless it was adopted. */
  drop(): Promise<void>;
};

export type StagedDocument = {
  write(bytes: Uint8Array): Promise<void>;
  /** After the last byte. */
  end(): Promise<DocumentFacts>;
};

export type StagingOrder = {
  db: Database;
  vault: Vault;
  diga: string;
  now: () => number;
  checkpoint?: Checkpoint | undefined;
};

export function openStaging(o: StagingOrder): Staging {
  const { db } = o;
  const id = randomUUIDv7();
  const { key } = o.vault.newDataKey(o.diga, `export/${id}`);
  const held = new Map<Part, number>();
  const store = async (part: Part, n: number, sealed: Uint8Array) => {
    await db.transaction().execute(async (tx) => {
      const staged_at = o.now();
      // With every chunk: whatever was erased meanwhile, no chunk is ever there that no staging names.
      await tx
        .insertInto('stagings')
        .values({ export_id: id, staged_at })
        .onConflict((c) => c.column('export_id').doUpdateSet({ staged_at }))
        .execute();
      await tx.insertInto('sealed_chunks').values({ export_id: id, part, n, sealed }).execute();
    });
    held.set(part, n + 1);
    await o.checkpoint?.('stage.chunk');
  };
  return {
    id,
    key,
    get chunks() {
      return [...held.values()].reduce((sum, n) => sum + n, 0);
    },
    open: (part) => {
      const sealer = openSealer(key, `${id}/${part}`);
      const hash = createHash('sha256');
      let bytes = 0;
      let n = 0;
      return {
        write: async (piece) => {
          hash.update(piece);
          bytes += piece.length;
          for (const sealed of sealer.write(piece)) await store(part, n++, sealed);
        },
        end: async () => {
          await store(part, n, sealer.end());
          return { bytes, sha256: hash.digest('hex') };
        },
      };
    },
    read: (part) => openContent(key, `${id}/${part}`, (n) => readChunk(db, id, part, n)),
    discard: async (part) => {
      const mine = db.selectFrom('stagings').select('export_id').where('export_id', '=', id);
      await db.deleteFrom('sealed_chunks').where('export_id', 'in', mine).where('part', '=', part).execute();
      held.delete(part);
    },
    drop: async () => {
      if (held.size === 0) return;
      await db.transaction().execute((tx) => eraseStagings(tx, { export_id: id }));
    },
  };
}

/** Sealing and storing so much takes about 10 ms: it is done in the transaction that accepts, which spares others. */
export const STAGED_FROM_BYTES = 2 * CHUNK_BYTES;

type Staged<Order> = { order: Order; staging: Staging | undefined };

/**
 * An order whose documents in memory are staged where they are large, in the staging that it has or in one of its own; nothing of
 * them is left in the store when `use` is over and has not adopted them.
 */
export async function withLargeStaged<Order extends Parameters<typeof partsOf>[0] & { diga: string }, T>(
  o: Omit<StagingOrder, 'diga' | 'now'> & { order: Order; now: number; staging?: Staging | undefined },
  use: (staged: Staged<Order>) => Promise<T>,
): Promise<T> {
  const { order, now, ...rest } = o;
  const inMemory = partsOf(order).flatMap(([part, document]) => ('content' in document ? [{ part, document }] : []));
  const bytes = inMemory.reduce((sum, { document }) => sum + document.content.length, 0);
  if (bytes <= STAGED_FROM_BYTES) return use({ order, staging: o.staging });
  const staging = o.staging ?? openStaging({ ...rest, diga: order.diga, now: () => now });
  try {
    const staged = new Map<Part, OrderedDocument>();
    for (const { part, document } of inMemory) {
      const { content, ...told } = document;
      staged.set(part, { ...told, ...(await stageContent(staging, part, content)) });
    }
    return await use({ order: withDocuments(order, staged), staging });
  } finally {
    if (staging !== o.staging) await staging.drop();
    else for (const { part } of inMemory) await staging.discard(part);
  }
}

/** A turn of the event loop for each chunk: others are answered between them. */
async function stageContent(staging: Staging, part: Part, content: Uint8Array): Promise<DocumentFacts> {
  const document = staging.open(part);
  for (let at = 0; at < content.length; at += CHUNK_BYTES) {
    await document.write(content.subarray(at, at + CHUNK_BYTES));
    await turn();
  }
  return document.end();
}

/** The chunks are those of the export from now on. INTERNAL when one is missing: nothing is accepted then. */
export async function adoptStaged(tx: Queries, staging: Staging): Promise<void> {
  const { id, chunks } = staging;
  if (chunks === 0) return;
  // First: whoever erases what is left behind waits for this row, or has it already.
  const adopted = await tx.deleteFrom('stagings').where('export_id', '=', id).executeTakeFirst();
  const there = await tx
    .selectFrom('sealed_chunks')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('export_id', '=', id)
    .executeTakeFirst();
  if (Number(adopted.numDeletedRows) !== 1 || Number(there?.n ?? 0) !== chunks)
    throw new GatewayError('INTERNAL', 'staged content is no longer whole');
}

/** What a crash has left behind, in the caller's transaction. Number of stagings. */
export function eraseStaged(tx: Queries, now: number): Promise<number> {
  return eraseStagings(tx, { before: now - STAGED_MS });
}

/** The staging goes first: an export that adopts it in this instant has taken that row, and keeps its chunks. */
async function eraseStagings(tx: Queries, of: { export_id: string } | { before: number }): Promise<number> {
  const erased = await tx
    .deleteFrom('stagings')
    .where((e) => ('before' in of ? e('staged_at', '<=', of.before) : e('export_id', '=', of.export_id)))
    .returning('export_id')
    .execute();
  for (const { export_id } of erased) await tx.deleteFrom('sealed_chunks').where('export_id', '=', export_id).execute();
  return erased.length;
}

/** When the next of it is to be erased, or null. */
export async function nextStagedErasure(db: Queries): Promise<number | null> {
  const oldest = await db
    .selectFrom('stagings')
    .select((e) => e.fn.min('staged_at').as('at'))
    .executeTakeFirst();
  return oldest?.at == null ? null : Number(oldest.at) + STAGED_MS;
}
