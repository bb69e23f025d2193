// The seals of events, which lie in their own rows, and of idempotency keys (row-seals.ts).
import type { Queries } from './database.ts';
import { prepared } from './prepared.ts';
import { broken, equal, inOneView, matches, putSeal, readSeal, sealingOf, sealText, textOf } from './row-seals.ts';
import type { StoreTables } from './schema.ts';
import { EVENT_COLUMNS, IDEMPOTENCY_COLUMNS } from './sealed-columns.ts';

type Idempotency = StoreTables['idempotency'];
type EventRow = { [Column in Exclude<keyof StoreTables['events'], 'mac'>]: unknown } & { mac?: unknown };

export const idempotencyKeyOf = (of: Pick<Idempotency, 'client' | 'diga' | 'key_mac'>) =>
  JSON.stringify([of.client, of.diga, Buffer.from(of.key_mac).toString('hex')]);

export async function sealIdempotency(tx: Queries, row: Idempotency): Promise<void> {
  await putSeal(tx, {
    kind: 'idempotency',
    key: idempotencyKeyOf(row),
    rev: 0,
    text: textOf(IDEMPOTENCY_COLUMNS, row),
  });
}

/** Also where nothing lies under the key: a row that was taken away has left its seal. STORE_BROKEN. */
export async function readSealedIdempotency(
  db: Queries,
  of: Pick<Idempotency, 'client' | 'diga' | 'key_mac'>,
): Promise<Idempotency | undefined> {
  const key = idempotencyKeyOf(of);
  let row: Idempotency | undefined;
  const sound = await inOneView(db, async (view) => {
    row = await view
      .selectFrom('idempotency')
      .selectAll()
      .where('client', '=', of.client)
      .where('diga', '=', of.diga)
      .where('key_mac', '=', of.key_mac)
      .executeTakeFirst();
    const seal = await readSeal(view, 'idempotency', key);
    if (row === undefined) return seal === undefined;
    return matches(view, 'idempotency', key, seal, textOf(IDEMPOTENCY_COLUMNS, row));
  });
  if (sound) return row;
  sealingOf(db).broken('idempotency', '');
  throw broken();
}

/** Right after the event was inserted, as the store has it. */
export async function sealEvent(tx: Queries, row: EventRow & { seq: number }): Promise<void> {
  await setMac(tx, eventMac(tx, row), row.seq);
}

const setMac = prepared((tx, mac: Uint8Array, seq: number) =>
  tx.updateTable('events').set({ mac }).where('seq', '=', seq),
);

export function eventIsSound(db: Queries, row: EventRow): boolean {
  return row.mac instanceof Uint8Array && equal(eventMac(db, row), row.mac);
}

/** STORE_BROKEN for the first of them that is not what was told. */
export function requireSoundEvents(db: Queries, rows: readonly EventRow[]): void {
  if (rows.every((row) => eventIsSound(db, row))) return;
  sealingOf(db).broken('event', '');
  throw broken();
}

const COLUMNS = { ...EVENT_COLUMNS, mac: 'free' } as const;
const eventMac = (db: Queries, row: EventRow) =>
  sealingOf(db).mac(sealText('event', String(row.seq), 0, textOf<EventRow>(COLUMNS, row)));
