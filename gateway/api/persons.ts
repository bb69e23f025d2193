// `POST /v1/persons/…` (api.md section 2): what concerns an insured person of one DiGA as a whole. The KVNR comes in the body
// only and never goes out again: not in an answer, an address, a log line or an event (EXP-20, D15).
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { appendAudit } from '../exports/audit.ts';
import { revokePerson } from '../exports/revocation.ts';
import type { Caller, Role } from './authentication.ts';
import { parseBody } from './export-body.ts';
import { asking, bodyOf, digaOf, type ExportsApi, send } from './exports.ts';
import { readJson } from './json-body.ts';
import { readQuery } from './list-query.ts';
import { personBody } from './persons-answers.ts';

/** `callerOf` authenticates and asks for one of the roles. */
export function registerPersons(
  app: FastifyInstance,
  api: ExportsApi,
  callerOf: (request: FastifyRequest, ...roles: Role[]) => Caller,
): void {
  app.post('/v1/persons/revoke', async (request, reply) => {
    const caller = callerOf(request, 'writer');
    const { diga, lookupKey, person, entry } = about({ api, caller, request }, personBody);
    const revoked = await api.db.transaction().execute(async (tx) => {
      const done = await revokePerson(tx, { diga, lookupKey, now: api.now() });
      const details = { cancelled: done.cancelled.length, finishing: done.finishing.length };
      await appendAudit(tx, { ...entry, at: done.at, action: 'person.revoked', details });
      return done;
    });
    for (const id of revoked.cancelled) {
      api.finalWaits.ended(id);
      api.metrics.exportEntered('cancelled', 'REVOKED');
      api.log.info('export cancelled', { export: id, code: 'REVOKED', client: caller.id });
    }
    api.log.info('person revoked', { diga, person, client: caller.id, count: revoked.cancelled.length });
    api.erased();
    return send(request, reply, {
      diga,
      revokedAt: new Date(revoked.at).toISOString(),
      cancelled: revoked.cancelled,
      finishing: revoked.finishing,
    });
  });
}

/** Who is asked about, as each part of the house may know them (D6): look-up key, log pseudonym, name in the audit trail. */
function about<Schema extends typeof personBody>(
  { api, caller, request }: { api: ExportsApi; caller: Caller; request: FastifyRequest },
  schema: Schema,
) {
  readQuery(z.strictObject({}), request.query);
  const body = parseBody(schema, readJson(bodyOf(request)));
  const diga = digaOf(caller, body.diga, api.digas);
  return {
    body,
    diga,
    lookupKey: api.vault.lookupKey(diga, body.kvnr),
    person: api.vault.pseudonym(diga, body.kvnr),
    entry: {
      ...asking(caller, request),
      object: { kind: 'person', id: api.vault.audit.person(diga, body.kvnr) },
      diga,
    } as const,
  };
}
