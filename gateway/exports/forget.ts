// Forgetting a person for one DiGA (RET-05, D7): first the wrapped keys, without which everything sealed is noise also in a
// backup, then every row. What is in the record stays there: a DiGA cannot delete it (EXP-28). The chain is gone with the
// rest, so a later export of the same person is version 1 of a new one. Two things stay: the audit trail, and the block of
// a revocation (look-up key and time), without which a late post would bring the person back against their will.
import { randomUUIDv7 } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { Queries } from './database.ts';
import { eraseKvnr } from './kvnr-retention.ts';
import { recordPersonEvent } from './outbox.ts';
import { dropSeals } from './row-seals.ts';
import { idempotencyKeyOf } from './row-seals-event.ts';
import { seriesKey } from './row-seals-series.ts';

export type Forgotten = {
  receipt: string;
  at: number;
  /** Rows that are gone. */
  erased: {
    kvnr: number;
    exports: number;
    documents: number;
    series: number;
    events: number;
    timelineEntries: number;
    idempotencyKeys: number;
  };
  /** Exports among them of which nobody knows whether their document is in the record. */
  unclear: number;
  revocationKept: boolean;
  /** The exports that had not ended. */
  ended: string[];
};

/** In the caller's transaction. STATE_CONFLICT while bytes of an export of this person are on the wire. */
export async function forgetPerson(
  tx: Queries,
  o: { diga: string; lookupKey: string; now: number },
): Promise<Forgotten> {
  const held = await tx
    .selectFrom('insured')
    .select(['revoked_at', 'kvnr_sealed'])
    .where('lookup_key', '=', o.lookupKey)
    .executeTakeFirst();
  // The key of the KVNR before the keys of content.
  await eraseKvnr(tx, o.lookupKey);
  await tx
    .updateTable('insured')
    .set({ memory_key: null, memory_under: null })
    .where('lookup_key', '=', o.lookupKey)
    .execute();
  const open = await tx
    .selectFrom('exports')
    .select(['id', 'phase', 'unanswered'])
    .where('lookup_key', '=', o.lookupKey)
    .where('status', 'in', ['queued', 'running', 'waiting', 'unclear'])
    .orderBy('seq')
    .execute();
  if (open.some((row) => row.phase === 'sent'))
    throw new GatewayError('STATE_CONFLICT', 'a document of this person is on the wire: ask again in a moment');
  await tx
    .updateTable('exports')
    .set({ wrapped_key: null, wrapped_under: null })
    .where('lookup_key', '=', o.lookupKey)
    .execute();
  const erased = await eraseRows(tx, o.lookupKey);
  const revocationKept = typeof held?.revoked_at === 'number';
  if (!revocationKept) {
    await tx.deleteFrom('insured').where('lookup_key', '=', o.lookupKey).execute();
    await dropSeals(tx, 'insured', [o.lookupKey]);
  }
  const forgotten: Forgotten = {
    receipt: randomUUIDv7(),
    at: o.now,
    erased: { kvnr: held?.kvnr_sealed == null ? 0 : 1, ...erased },
    unclear: open.filter((row) => row.unanswered > 0).length,
    revocationKept,
    ended: open.map((row) => row.id),
  };
  await recordPersonEvent(tx, {
    type: 'person.forgotten',
    at: o.now,
    diga: o.diga,
    lookupKey: null,
    data: { receipt: forgotten.receipt, exports: erased.exports, unclear: forgotten.unclear },
  });
  return forgotten;
}

/** Children before what they refer to. */
async function eraseRows(tx: Queries, lookupKey: string): Promise<Omit<Forgotten['erased'], 'kvnr'>> {
  const mine = tx.selectFrom('exports').select('id').where('lookup_key', '=', lookupKey);
  const ofExports = async (
    table: 'part_memories' | 'sealed_chunks' | 'timeline' | 'idempotency' | 'events' | 'documents',
  ) => {
    const done = await tx.deleteFrom(table).where('export_id', 'in', mine).executeTakeFirst();
    return Number(done.numDeletedRows);
  };
  const ofPerson = async (table: 'events' | 'series' | 'exports') => {
    const done = await tx.deleteFrom(table).where('lookup_key', '=', lookupKey).executeTakeFirst();
    return Number(done.numDeletedRows);
  };
  await dropSealsOf(tx, lookupKey);
  await ofExports('part_memories');
  await ofExports('sealed_chunks');
  const timelineEntries = await ofExports('timeline');
  const idempotencyKeys = await ofExports('idempotency');
  // Whoever was still to be told of them is not; a stream is one series of one person, so nobody waits behind them.
  await tx
    .deleteFrom('webhook_deliveries')
    .where('seq', 'in', tx.selectFrom('events').select('seq').where('export_id', 'in', mine))
    .execute();
  const events = (await ofExports('events')) + (await ofPerson('events'));
  const documents = await ofExports('documents');
  const series = await ofPerson('series');
  const exports = await ofPerson('exports');
  return { exports, documents, series, events, timelineEntries, idempotencyKeys };
}

async function dropSealsOf(tx: Queries, lookupKey: string): Promise<void> {
  const mine = tx.selectFrom('exports').select('id').where('lookup_key', '=', lookupKey);
  const exports = await mine.execute();
  const series = await tx.selectFrom('series').selectAll().where('lookup_key', '=', lookupKey).execute();
  const keys = await tx.selectFrom('idempotency').selectAll().where('export_id', 'in', mine).execute();
  await dropSeals(
    tx,
    'export',
    exports.map(({ id }) => id),
  );
  await dropSeals(tx, 'series', series.map(seriesKey));
  await dropSeals(tx, 'idempotency', keys.map(idempotencyKeyOf));
}
