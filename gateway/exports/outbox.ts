// The outbox (style.md B7 step 10, api.md section 2): every change of an export's state is an event, written in the
// transaction of the change itself, so both are durable or neither (EXP-03). The snapshot in it holds no KVNR, no key to
// the insured and no content (D15): only what its DiGA may read about the export anyway.
import { randomUUIDv7 } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import { type AuditAction, appendAudit, GATEWAY } from './audit.ts';
import type { Queries } from './database.ts';
import { tellNeighbours } from './neighbours.ts';
import { newestOf } from './parts.ts';
import { preparedOne } from './prepared.ts';
import { requireSoundEvents, sealEvent } from './row-seals-event.ts';
import { readForSeal, sealRead } from './row-seals-export.ts';
import type { DocumentRow, ExportRow, ExportStatus, PersonEventType } from './schema.ts';
import { exportBefore } from './store.ts';

const ROW = [
  'id',
  'reference',
  'status',
  'diga',
  'series',
  'created_at',
  'updated_at',
  'attempts',
  'reason_code',
  'reason_check',
  'reason_foreign',
  'reason_export',
  'reason_since',
  'next_attempt_at',
] as const satisfies readonly (keyof ExportRow)[];

const DOCUMENT = [
  'part',
  'mime_type',
  'entry_uuid',
  'unique_id',
  'version',
  'replaces',
  'record_system',
  'bytes',
  'sha256',
  'status',
  'written_at',
  'held_uuid',
  'held_version',
] as const satisfies readonly (keyof DocumentRow)[];

/** An export as it stood at an event; what of it is shown and in which language is the API's business. */
export type ExportSnapshot = {
  row: Pick<ExportRow, (typeof ROW)[number]>;
  documents: Pick<DocumentRow, (typeof DOCUMENT)[number]>[];
  behind: string | null;
};

export type ExportEvent = {
  /** Strictly rising in the whole gateway, in the order of commits; numbers in between belong to other DiGAs. */
  seq: number;
  id: string;
  type: `export.${ExportStatus}`;
  at: number;
  diga: string;
  snapshot: ExportSnapshot;
};

/** What became of a person as a whole; `data` holds neither KVNR nor look-up key (D15). */
export type PersonEvent = {
  seq: number;
  id: string;
  type: PersonEventType;
  at: number;
  diga: string;
  data: Record<string, unknown>;
};

export type GatewayEvent = ExportEvent | PersonEvent;

/** Events are kept 30 days (api.md section 2). */
export const EVENTS_KEPT_MS = 30 * 86_400_000;
/** Erased at once; more of them are due right after. */
const ERASED_AT_ONCE = 5000;

/** Writes down the state that the export has now and seals its row, in the caller's transaction: call it last. */
export async function recordEvent(tx: Queries, exportId: string, at: number): Promise<void> {
  const found = await readForSeal(tx, exportId);
  const row = only(found.row, ROW);
  const documents = found.documents.map((document) => only(document, DOCUMENT));
  const behind = row.status === 'queued' ? await exportBefore(tx, found.row) : null;
  const snapshot: ExportSnapshot = { row, documents, behind };
  const told = [`export.${row.status}`, at, row.diga, exportId, JSON.stringify(snapshot)] as const;
  const event = await insertEvent(tx, randomUUIDv7(), ...told);
  if (event === undefined) throw new GatewayError('INTERNAL', 'the event was not stored');
  await sealEvent(tx, event);
  await sealRead(tx, found, event.seq);
  await tellNeighbours(tx, row.status, exportId);
  await auditEnd(tx, snapshot, at);
}

const insertEvent = preparedOne(
  (tx, id: string, type: ExportEvent['type'], at: number, diga: string, exportId: string, data: string) =>
    tx.insertInto('events').values({ id, type, at, diga, export_id: exportId, data }).returningAll(),
);

const ENDS: Partial<Record<ExportStatus, AuditAction>> = {
  written: 'export.written',
  unchanged: 'export.unchanged',
  superseded: 'export.superseded',
  refused: 'export.refused',
  failed: 'export.failed',
  cancelled: 'export.cancelled',
};

/** Where an export ends, the audit trail says how (SEC-09). */
async function auditEnd(tx: Queries, { row, documents }: ExportSnapshot, at: number): Promise<void> {
  const action = ENDS[row.status];
  if (action === undefined) return;
  const document = newestOf(documents);
  await appendAudit(tx, {
    at,
    actor: GATEWAY,
    action,
    object: { kind: 'export', id: row.id },
    diga: row.diga,
    result: row.reason_code ?? 'ok',
    details: {
      series: row.series,
      ...(row.status === 'written' && {
        version: document?.version ?? null,
        recordSystem: document?.record_system ?? null,
      }),
      ...(row.reason_export !== null && { export: row.reason_export }),
    },
  });
}

const only = <Row extends object, Name extends keyof Row>(row: Row, names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, row[name]])) as Pick<Row, Name>;

/** An event about a person, in the caller's transaction, last. `lookupKey` null: nothing ties it to the person. */
export async function recordPersonEvent(
  tx: Queries,
  o: { type: PersonEventType; at: number; diga: string; lookupKey: string | null; data: Record<string, unknown> },
): Promise<void> {
  const event = await tx
    .insertInto('events')
    .values({
      id: randomUUIDv7(),
      type: o.type,
      at: o.at,
      diga: o.diga,
      export_id: '',
      data: JSON.stringify(o.data),
      lookup_key: o.lookupKey,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await sealEvent(tx, event);
  await tellNeighbours(tx, o.type, '');
}

/** Oldest first, those behind `after`; of every DiGA when `diga` is undefined. */
export async function readEvents(
  db: Queries,
  o: { diga?: string | undefined; after: number; limit: number },
): Promise<GatewayEvent[]> {
  let query = db.selectFrom('events').selectAll().where('seq', '>', o.after).orderBy('seq').limit(o.limit);
  if (o.diga !== undefined) query = query.where('diga', '=', o.diga);
  const rows = await query.execute();
  requireSoundEvents(db, rows);
  return rows.map(({ seq, id, type, at, diga, data }) => {
    const told = { seq, id, at, diga };
    return type === 'person.revoked' || type === 'person.forgotten'
      ? { ...told, type, data: JSON.parse(data) }
      : { ...told, type, snapshot: JSON.parse(data) };
  });
}

/** Drops events whose 30 days are over. Their number. */
export async function eraseEvents(db: Queries, now: number): Promise<number> {
  const due = db
    .selectFrom('events')
    .select('seq')
    .where('at', '<=', now - EVENTS_KEPT_MS)
    .orderBy('at')
    .limit(ERASED_AT_ONCE);
  const done = await db.deleteFrom('events').where('seq', 'in', due).executeTakeFirst();
  return Number(done.numDeletedRows);
}

/** When the next event is to be erased, or null. */
export async function nextEventErasure(db: Queries): Promise<number | null> {
  const oldest = await db
    .selectFrom('events')
    .select((e) => e.fn.min('at').as('at'))
    .executeTakeFirst();
  return oldest?.at == null ? null : oldest.at + EVENTS_KEPT_MS;
}

/** Tells whoever waits for events that there may be new ones. It carries nothing: they are read from the store. */
export type EventBell = {
  ring(): void;
  /** Until the answered function is called. */
  listen(heard: () => void): () => void;
};

export function createEventBell(): EventBell {
  const listeners = new Set<() => void>();
  return {
    ring: () => {
      for (const heard of listeners) heard();
    },
    listen: (heard) => {
      const mine = () => heard();
      listeners.add(mine);
      return () => {
        listeners.delete(mine);
      };
    },
  };
}
