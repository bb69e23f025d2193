// The audit trail (SEC-09, EXP-15, D15): who did what when to what with which result. An entry is appended in the transaction
// of what it tells, so both are durable or neither. No entry holds a KVNR, content, a token or a key; of what callers write
// only their own ids stand in it, masked. Entries are kept: nothing erases them, forgetting a person neither (RET-05).

import { maskPersonal } from '../log.ts';
import type { auditActions } from '../tables/audit-actions.ts';
import { entryHash, GENESIS } from './audit-chain.ts';
import type { Queries } from './database.ts';
import { preparedOne } from './prepared.ts';
import type { AuditRow } from './schema.ts';

export type AuditAction = keyof typeof auditActions;

export type AuditActor = { kind: 'client' | 'operator' | 'gateway' | 'card' | 'command'; id: string };

/** Who asks from outside, and in which request (X-Request-Id). */
export type Asking = { actor: AuditActor; requestId?: string };

export type AuditEntry = Asking & {
  at: number;
  action: AuditAction;
  /** Persons by `vault.audit.person(diga, kvnr)` only. */
  object?: { kind: 'export' | 'person' | 'series' | 'key' | 'webhook' | 'settings' | 'audit' | 'card'; id: string };
  diga?: string;
  /** `ok`, or the code of the error catalogue. */
  result?: string;
  details?: Readonly<Record<string, string | number | null>>;
};

/** What the gateway does by itself. */
export const GATEWAY: AuditActor = { kind: 'gateway', id: 'gateway' };

/** Appends in the caller's transaction; call it as the last thing there. Answers the entry's number. */
export async function appendAudit(tx: Queries, entry: AuditEntry): Promise<number> {
  const head = await readHead(tx);
  const row: Omit<AuditRow, 'hash'> = {
    seq: head.seq + 1,
    at: entry.at,
    actor_kind: entry.actor.kind,
    actor: harmless(entry.actor.id),
    action: entry.action,
    object_kind: entry.object?.kind ?? null,
    object: entry.object === undefined ? null : harmless(entry.object.id),
    diga: entry.diga ?? null,
    result: entry.result ?? 'ok',
    request_id: entry.requestId ?? null,
    details: detailsOf(entry.details),
  };
  await tx
    .insertInto('audit')
    .values({ ...row, hash: entryHash(row, head.hash) })
    .execute();
  return row.seq;
}

/** The newest entry's place in the chain; number 0 before the first. */
export async function readHead(db: Queries): Promise<{ seq: number; at: number; hash: string }> {
  return (await newest(db)) ?? { seq: 0, at: 0, hash: GENESIS };
}

const newest = preparedOne((db) =>
  db.selectFrom('audit').select(['seq', 'at', 'hash']).orderBy('seq', 'desc').limit(1),
);

/** Oldest first, those behind `after`. */
export function readAudit(db: Queries, o: { after: number; limit: number }): Promise<AuditRow[]> {
  return db.selectFrom('audit').selectAll().where('seq', '>', o.after).orderBy('seq').limit(o.limit).execute();
}

/** Half a surrogate pair is not the same bytes after it was stored. */
const harmless = (text: string) => maskPersonal(text.toWellFormed());

function detailsOf(details: AuditEntry['details']): string | null {
  if (details === undefined) return null;
  const masked = Object.entries(details).map(([name, value]) => [
    name,
    typeof value === 'string' ? maskPersonal(value) : value,
  ]);
  return JSON.stringify(Object.fromEntries(masked));
}
