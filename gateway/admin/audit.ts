// The audit trail for the security officer (SEC-09, SEC-12, SEC-14): a right of its own. Whoever reads or verifies it stands in
// it, too.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller, Role } from '../api/authentication.ts';
import { readQuery } from '../api/list-query.ts';
import { type AuditEntry, appendAudit, readAudit } from '../exports/audit.ts';
import { checkpointFileIn, readCheckpointFile } from '../exports/audit-checkpoint-file.ts';
import { verifyAudit } from '../exports/audit-verify.ts';
import type { Database } from '../exports/database.ts';
import type { AuditRow } from '../exports/schema.ts';
import type { Logger } from '../log.ts';
import type { AuditKeys } from '../vault/audit-keys.ts';

export type AuditAdmin = {
  db: Database;
  keys: AuditKeys;
  /** Where the checkpoint file lies. */
  directory: string;
  now: () => number;
  log: Logger;
  /** Told of what each verification has found (MON-03). */
  judged: (report: { ok: boolean; firstBroken: number | null }) => Promise<void>;
};

const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^(0|[1-9][0-9]{0,14})$/)
    .transform(Number)
    .pipe(z.int().min(least).max(most));
const query = z.strictObject({
  after: whole(0, Number.MAX_SAFE_INTEGER).default(0),
  limit: whole(1, 1000).default(100),
});

/** `callerOf` authenticates and asks for one of the roles. */
export function registerAudit(
  app: FastifyInstance,
  o: AuditAdmin,
  callerOf: (request: FastifyRequest, ...roles: Role[]) => Caller,
): void {
  const note = (request: FastifyRequest, entry: Pick<AuditEntry, 'action' | 'result' | 'details'>) => {
    const actor = { kind: 'operator', id: callerOf(request).id } as const;
    const whole = { ...entry, actor, at: o.now(), requestId: request.id };
    return o.db.transaction().execute((tx) => appendAudit(tx, whole));
  };

  app.get('/admin/v1/audit', async (request) => {
    callerOf(request, 'security');
    const { after, limit } = readQuery(query, request.query);
    const page = await readAudit(o.db, { after, limit: limit + 1 });
    const shown = page.slice(0, limit);
    await note(request, { action: 'audit.read', details: { after, limit } });
    return { entries: shown.map(view), next: page.length > limit ? (shown.at(-1)?.seq ?? null) : null };
  });

  app.post('/admin/v1/audit/verify', async (request) => {
    callerOf(request, 'security');
    const report = await verifyAudit({ ...o, file: readCheckpointFile(checkpointFileIn(o.directory)) });
    await o.judged(report);
    if (!report.ok) o.log.error('audit trail broken', { code: 'AUDIT_BROKEN', count: report.findings.length });
    await note(request, { action: 'audit.verified', result: report.ok ? 'ok' : 'AUDIT_BROKEN' });
    return report;
  });
}

function view(row: AuditRow) {
  return {
    seq: row.seq,
    at: new Date(row.at).toISOString(),
    actor: { kind: row.actor_kind, id: row.actor },
    action: row.action,
    object: row.object === null ? null : { kind: row.object_kind, id: row.object },
    diga: row.diga,
    result: row.result,
    requestId: row.request_id,
    details: row.details === null ? null : JSON.parse(row.details),
    hash: row.hash,
  };
}
