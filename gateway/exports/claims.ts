// The durable turns of an export on its way, each one transaction: claimed, sent, and what a crash in between means
// (EXP-03 to EXP-05, D9, D22). A claim has a fencing token; who lost it can mark nothing. Settling: settle.ts.
import { randomUUID } from 'node:crypto';
import { sql, type UpdateObject } from 'kysely';
import { type ErrorCode, GatewayError } from '../errors.ts';
import { type Asking, appendAudit } from './audit.ts';
import { type Checkpoint, durably } from './checkpoints.ts';
import type { Database, Queries } from './database.ts';
import { type Lease, leaseEnd } from './leases.ts';
import { recordEvent } from './outbox.ts';
import { firstOpenBytes, firstOpenPart } from './parts.ts';
import { prepared, preparedOne } from './prepared.ts';
import { isRevoked } from './revocation.ts';
import { requireSoundExport, sealExport } from './row-seals-export.ts';
import { type DocumentRow, type ExportRow, type ExportStatus, OPEN, type StoreTables } from './schema.ts';
import { appendTimeline } from './store.ts';
import { soundOnly } from './sweep.ts';

export type Claim = { row: ExportRow; document: DocumentRow; token: string };

export type TimelineStep = { at: number; step: string; ms?: number; code?: string };

/** How many may be claimed; `large`: of those whose next document has at least `fromBytes`, which then do not count elsewhere. */
export type Budget = number | { small: number; large: number; fromBytes: number };

/** Claims due exports, the first open one of each series (EXP-07), `user` before `batch`. */
export async function claimDue(
  db: Database,
  now: number,
  budget: Budget,
  o: { lease?: Lease; checkpoint?: Checkpoint | undefined } = {},
): Promise<Claim[]> {
  const { lease } = o;
  // Looked at without a transaction first: mostly there is none.
  if (!(await isAnyDue(db, now))) return [];
  return durably(db, { turn: 'claim', checkpoint: o.checkpoint }, async (tx) => {
    const rows = await dueRows(tx, now, budget);
    const claims: Claim[] = [];
    for (const row of await soundOnly(tx, rows, now)) {
      const token = randomUUID();
      await tx
        .updateTable('exports')
        .set({
          status: 'running',
          phase: 'claimed',
          claim: token,
          ...(lease !== undefined && { holder: lease.holder, lease_until: leaseEnd(tx, lease, now) }),
          retry_requested: 0,
          updated_at: now,
        })
        .where('id', '=', row.id)
        .execute();
      await recordEvent(tx, row.id, now);
      claims.push({ row, document: await firstOpenPart(tx, row.id), token });
    }
    return claims;
  });
}

async function dueRows(tx: Queries, now: number, budget: Budget): Promise<ExportRow[]> {
  if (typeof budget === 'number') return dueQuery(tx, now).limit(budget).execute();
  const { small, large, fromBytes } = budget;
  const rows = small <= 0 ? [] : (await dueSmall(tx, now, fromBytes, small)).rows;
  return large <= 0 ? rows : [...rows, ...(await dueLarge(tx, now, fromBytes, large)).rows];
}

// Without an open part it contradicts its seal: soundOnly ends it.
const dueSmall = prepared((tx, now: number, fromBytes: number, limit: number) =>
  dueQuery(tx, now)
    .where((x) => x(x.fn.coalesce(firstOpenBytes(x), x.lit(0)), '<', fromBytes))
    .limit(limit),
);
const dueLarge = prepared((tx, now: number, fromBytes: number, limit: number) =>
  dueQuery(tx, now)
    .where((x) => x(x.fn.coalesce(firstOpenBytes(x), x.lit(0)), '>=', fromBytes))
    .limit(limit),
);

/** Also true where all that are due stand behind others of their series. */
const isAnyDue = async (db: Queries, now: number): Promise<boolean> => (await firstDue(db, now)) !== undefined;

const firstDue = preparedOne((db, now: number) =>
  db
    .selectFrom('exports')
    .select('seq')
    .where('status', 'in', ['queued', 'waiting', 'unclear'])
    .where('next_attempt_at', '<=', now)
    .limit(1),
);

function dueQuery(tx: Queries, now: number) {
  return tx
    .selectFrom('exports as e')
    .selectAll('e')
    .where('e.status', 'in', ['queued', 'waiting', 'unclear'])
    .where('e.next_attempt_at', '<=', now)
    .where((x) =>
      x.not(
        x.exists(
          x
            .selectFrom('exports as b')
            .select('b.seq')
            .whereRef('b.lookup_key', '=', 'e.lookup_key')
            .whereRef('b.series', '=', 'e.series')
            .where('b.status', 'in', [...OPEN])
            .whereRef('b.seq', '<', 'e.seq'),
        ),
      ),
    )
    .orderBy('e.priority', 'desc')
    .orderBy('e.next_attempt_at')
    .orderBy('e.seq');
}

/**
 * Before the first byte leaves: from here a crash means unclear. Compared and set with the claim's token (D9). REVOKED: the
 * consent was taken back and nothing of this export is in doubt, so nothing leaves (EXP-16).
 */
export async function markSent(
  db: Database,
  claim: Claim,
  sent: { version: number; replaces: string | null; recordSystem: string; at: number; steps: TimelineStep[] },
  checkpoint?: Checkpoint,
): Promise<void> {
  await durably(db, { turn: 'sent', checkpoint }, async (tx) => {
    if (claim.row.unanswered === 0 && (await isRevoked(tx, claim.row)))
      throw new GatewayError('REVOKED', 'the consent was revoked before a byte left');
    await own(tx, claim, { phase: 'sent', attempts: sql<number>`attempts + 1`, updated_at: sent.at });
    await tx
      .updateTable('documents')
      .set({ version: sent.version, replaces: sent.replaces, record_system: sent.recordSystem })
      .where('export_id', '=', claim.row.id)
      .where('part', '=', claim.document.part)
      .execute();
    await appendTimeline(tx, claim.row.id, [...sent.steps, { at: sent.at, step: 'sent' }]);
    await sealExport(tx, claim.row.id);
  });
}

/** A definite refusal came back and the journey goes on: nothing of this try is on the wire any more. */
export async function markRefused(
  db: Database,
  claim: Claim,
  o: { at: number; code: ErrorCode; withoutTarget?: boolean },
  checkpoint?: Checkpoint,
): Promise<void> {
  await durably(db, { turn: 'refused', checkpoint }, async (tx) => {
    await own(tx, claim, { phase: 'claimed', updated_at: o.at });
    if (o.withoutTarget === true)
      await tx
        .updateTable('documents')
        .set({ without_target: 1 })
        .where('export_id', '=', claim.row.id)
        .where('part', '=', claim.document.part)
        .execute();
    await appendTimeline(tx, claim.row.id, [{ at: o.at, step: 'answered', code: o.code }]);
    await sealExport(tx, claim.row.id);
  });
}

/** Changes the export only while this claim holds it; a lost claim ends the journey before anything leaves (D9). */
export async function own(
  db: Queries,
  claim: Claim,
  change: UpdateObject<StoreTables, 'exports', 'exports'>,
): Promise<void> {
  await requireSoundExport(db, claim.row.id);
  const done = await db
    .updateTable('exports')
    .set(change)
    .where('id', '=', claim.row.id)
    .where('claim', '=', claim.token)
    .where('status', '=', 'running')
    .executeTakeFirst();
  if (done.numUpdatedRows !== 1n)
    throw new GatewayError('INTERNAL', 'the claim on this export was lost', { check: CLAIM_LOST });
}

const CLAIM_LOST = 'claim.lost';

/** Somebody else has ended this export or taken it back: its journey has nothing more to do or to say. */
export function isClaimLost(thrown: unknown): boolean {
  return thrown instanceof GatewayError && thrown.check === CLAIM_LOST;
}

/** Exports that waited for a channel that works again run at once (D22). */
export async function wakeExports(db: Database, ids: readonly string[], now: number): Promise<void> {
  if (ids.length === 0) return;
  await db.transaction().execute((tx) =>
    tx
      .updateTable('exports')
      .set({ next_attempt_at: now, retry_step: -1 })
      .where('id', 'in', [...ids])
      .where('status', 'in', ['queued', 'waiting', 'unclear'])
      .where('next_attempt_at', '>', now)
      .execute(),
  );
}

/** Earliest time after `now` at which an export is due, or null. What is due already waits for another of its series. */
export async function nextDue(db: Database, now: number): Promise<number | null> {
  let earliest: number | null = null;
  for (const status of ['queued', 'waiting', 'unclear'] as const) {
    const row = await nextOf(db, status, now);
    if (row?.at != null && (earliest === null || row.at < earliest)) earliest = row.at;
  }
  return earliest;
}

const nextOf = preparedOne((db, status: ExportStatus, now: number) =>
  db
    .selectFrom('exports')
    .select((e) => e.fn.min('next_attempt_at').as('at'))
    .where('status', '=', status)
    .where('next_attempt_at', '>', now),
);

/** `POST /{id}/retry`: a waiting export runs now; at most once a minute (api.md, D11). `by` stands in the audit trail. */
export async function retryExport(
  db: Database,
  o: { id: string; diga: string | undefined; now: number; by?: Asking },
): Promise<void> {
  const { id, diga, now } = o;
  await db.transaction().execute(async (tx) => {
    let query = tx.selectFrom('exports').selectAll().where('id', '=', id);
    if (diga !== undefined) query = query.where('diga', '=', diga);
    const row = await query.executeTakeFirst();
    if (row === undefined) throw new GatewayError('NOT_FOUND', 'there is no such export');
    await requireSoundExport(tx, id);
    // An own repeat that met NotEntitled stays unclear (D3) and waits for the same approval.
    const inDoubt = row.status === 'unclear' && row.reason_code === 'RECORD_NOT_ENTITLED';
    if (!inDoubt && (row.status !== 'waiting' || row.reason_code === 'NOT_BEFORE'))
      throw new GatewayError('STATE_CONFLICT', 'only a waiting export can be retried, and not before its notBefore');
    if (row.retried_at !== null && now - row.retried_at < RETRY_EVERY_MS)
      throw new GatewayError('TOO_MANY_REQUESTS', 'an export can be retried once a minute');
    await tx
      .updateTable('exports')
      .set({
        status: inDoubt ? 'unclear' : 'queued',
        next_attempt_at: now,
        retry_requested: 1,
        retried_at: now,
        reason_code: null,
        reason_since: null,
        reason_check: null,
        reason_foreign: null,
        updated_at: now,
      })
      .where('id', '=', id)
      .execute();
    await appendTimeline(tx, id, [{ at: now, step: 'retried' }]);
    await recordEvent(tx, id, now);
    if (o.by !== undefined) {
      const object = { kind: 'export', id } as const;
      await appendAudit(tx, { ...o.by, at: now, action: 'export.retry-asked', object, diga: row.diga });
    }
  });
}

export const RETRY_EVERY_MS = 60_000;
