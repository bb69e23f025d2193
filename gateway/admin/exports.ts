// Exports at the admin listener (api.md section 3): every DiGA's, with retry and cancel. An operator sees what the DiGA sees
// and neither KVNR nor content (D15); what they do stands in the audit trail under their name (SEC-09).
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller, Role } from '../api/authentication.ts';
import { readListQuery } from '../api/list-query.ts';
import { languageOf, RequestError } from '../api/problem.ts';
import type { Asking } from '../exports/audit.ts';
import { retryExport } from '../exports/claims.ts';
import { viewExport } from '../exports/export-view.ts';
import type { FinalWaits } from '../exports/final-waits.ts';
import { type Database, listExports, readExport } from '../exports/store.ts';
import { cancelExport } from '../exports/sweep.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';

export type AdminExports = {
  db: Database;
  now: () => number;
  log: Logger;
  metrics: Metrics;
  /** Something may be due. */
  wake: () => void;
  /** Content was erased, and another of its series may be due. */
  erased: () => void;
  finalWaits: FinalWaits;
};

type ById = { Params: { id: string } };

/** `callerOf` authenticates and demands one of the roles. */
export function registerAdminExports(
  admin: FastifyInstance,
  o: AdminExports,
  callerOf: (request: FastifyRequest, ...roles: Role[]) => Caller,
): void {
  const by = (request: FastifyRequest): Asking => ({
    actor: { kind: 'operator', id: callerOf(request, 'operator').id },
    requestId: request.id,
  });
  const show = async (request: FastifyRequest, reply: FastifyReply, id: string) => {
    const stored = await readExport(o.db, id);
    if (stored === undefined) throw new RequestError('NOT_FOUND', 'there is no such export');
    return reply.send(viewExport(stored, languageOf(request.headers['accept-language'])));
  };

  admin.get('/admin/v1/exports', async (request) => {
    callerOf(request, 'operator');
    const query = readListQuery(request.query);
    const page = await listExports(o.db, { ...query, limit: query.limit + 1 });
    const shown = page.slice(0, query.limit);
    const last = shown.at(-1);
    const language = languageOf(request.headers['accept-language']);
    return {
      exports: shown.map((e) => viewExport(e, language)),
      next: page.length > query.limit && last !== undefined ? String(last.row.seq) : null,
    };
  });

  admin.get<ById>('/admin/v1/exports/:id', async (request, reply) => {
    callerOf(request, 'operator');
    return show(request, reply, request.params.id);
  });

  admin.post<ById>('/admin/v1/exports/:id/retry', async (request, reply) => {
    const { id } = request.params;
    await retryExport(o.db, { id, diga: undefined, now: o.now(), by: by(request) });
    o.wake();
    return show(request, reply.code(202), id);
  });

  admin.post<ById>('/admin/v1/exports/:id/cancel', async (request, reply) => {
    const { id } = request.params;
    const cancelling = { id, diga: undefined, now: o.now(), by: by(request) };
    await o.db.transaction().execute((tx) => cancelExport(tx, cancelling));
    o.finalWaits.ended(id);
    o.metrics.exportEntered('cancelled', 'CANCELLED');
    o.log.info('export cancelled', { export: id, code: 'CANCELLED' });
    o.erased();
    return show(request, reply, id);
  });
}
