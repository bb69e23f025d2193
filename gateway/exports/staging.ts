// Documents that come in as a stream (D5, D8): sealed chunk by chunk into the store before there is an export, under its
// future id and a data key that lies nowhere but in memory until then; adopted in the transaction that accepts the export.
// What a crash leaves behind is noise without a key, and is erased when no request can want it any more.
import { createHash, randomUUIDv7 } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { Vault } from '../vault/keys.ts';
import { openContent, openSealer } from '../vault/seal.ts';
import type { Queries } from './database.ts';
import type { DocumentFacts, Part } from './ordered-document.ts';

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
  /** Nothing of it is left, unless it was adopted. */
  drop(): Promise<void>;
};

export type StagedDocument = {
  write(bytes: Uint8Array): Promise<void>;
  /** After the last byte. */
  end(): Promise<DocumentFacts>;
};

export function openStaging(o: { db: Queries; vault: Vault; diga: string; now: () => number }): Staging {
  const id = randomUUIDv7();
  const { key } = o.vault.newDataKey(o.diga, `export/${id}`);
  let chunks = 0;
  const store = async (part: Part, n: number, sealed: Uint8Array) => {
    await o.db.insertInto('staged_chunks').values({ export_id: id, part, n, sealed, staged_at: o.now() }).execute();
    chunks += 1;
  };
  return {
    id,
    key,
    get chunks() {
      return chunks;
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
    read: (part) =>
      openContent(key, `${id}/${part}`, async (n) => {
        const row = await o.db
          .selectFrom('staged_chunks')
          .select('sealed')
          .where('export_id', '=', id)
          .where('part', '=', part)
          .where('n', '=', n)
          .executeTakeFirst();
        return row?.sealed;
      }),
    drop: async () => {
      if (chunks > 0) await o.db.deleteFrom('staged_chunks').where('export_id', '=', id).execute();
    },
  };
}

/** The chunks become those of the export, whose row is there. INTERNAL when one is missing: nothing is accepted then. */
export async function adoptStaged(tx: Queries, staging: Staging): Promise<void> {
  const adopted = await tx
    .insertInto('sealed_chunks')
    .columns(['export_id', 'part', 'n', 'sealed'])
    .expression((e) =>
      e.selectFrom('staged_chunks').select(['export_id', 'part', 'n', 'sealed']).where('export_id', '=', staging.id),
    )
    .executeTakeFirst();
  if (Number(adopted.numInsertedOrUpdatedRows ?? 0) !== staging.chunks)
    throw new GatewayError('INTERNAL', 'staged content is no longer whole');
  await tx.deleteFrom('staged_chunks').where('export_id', '=', staging.id).execute();
}

/** What a crash has left behind. Number of chunks. */
export async function eraseStaged(db: Queries, now: number): Promise<number> {
  const done = await db
    .deleteFrom('staged_chunks')
    .where('staged_at', '<=', now - STAGED_MS)
    .executeTakeFirst();
  return Number(done.numDeletedRows);
}

/** When the next of it is to be erased, or null. */
export async function nextStagedErasure(db: Queries): Promise<number | null> {
  const oldest = await db
    .selectFrom('staged_chunks')
    .select((e) => e.fn.min('staged_at').as('at'))
    .executeTakeFirst();
  return oldest?.at == null ? null : Number(oldest.at) + STAGED_MS;
}
