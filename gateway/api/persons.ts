// `POST /v1/persons/…` (api.md section 2): what concerns an insured person of one DiGA as a whole. The KVNR comes in the body
// only and never goes out again: not in an answer, an address, a log line or an event (EXP-20, D15).
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { appendAudit } from '../exports/audit.ts';
import { forgetPerson } from '../exports/forget.ts';
import { readHoldings } from '../exports/holdings.ts';
import type { LocatePort } from '../exports/ports.ts';
import { checkRecord } from '../exports/record-check.ts';
import { revokePerson } from '../exports/revocation.ts';
import { type Caller, digaOf, type Role } from './authentication.ts';
import { parseBody } from './export-body.ts';
import { asking, bodyOf, type ExportsApi, send } from './exports.ts';
import { readJson } from './json-body.ts';
import { readQuery } from './list-query.ts';
import { holdingsBody, personBody } from './persons-answers.ts';
import { viewCheck, viewHoldings, viewReceipt, viewRevocation } from './persons-view.ts';
import { languageOf } from './problem.ts';

/** `locator` is all of the outside that these calls reach. */
export type PersonsApi = ExportsApi & { locator: LocatePort; recordSystems: ReadonlySet<string> };

/** `callerOf` authenticates and asks for one of the roles. */
export function registerPersons(
  app: FastifyInstance,
  api: PersonsApi,
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
    return send(request, reply, viewRevocation(diga, revoked));
  });

  app.post('/v1/persons/forget', async (request, reply) => {
    const caller = callerOf(request, 'writer');
    const { diga, lookupKey, person, entry } = about({ api, caller, request }, personBody);
    const forgotten = await api.db.transaction().execute(async (tx) => {
      const done = await forgetPerson(tx, { diga, lookupKey, now: api.now() });
      const details = { receipt: done.receipt, exports: done.erased.exports, unclear: done.unclear };
      await appendAudit(tx, { ...entry, at: done.at, action: 'person.forgotten', details });
      return done;
    });
    api.locator.forget(lookupKey);
    for (const id of forgotten.ended) api.finalWaits.ended(id);
    api.log.info('person forgotten', { diga, person, client: caller.id, count: forgotten.erased.exports });
    api.erased();
    return send(request, reply, viewReceipt(diga, forgotten, languageOf(request.headers['accept-language'])));
  });

  app.post('/v1/persons/holdings', async (request, reply) => {
    const caller = callerOf(request, 'reader');
    const { body, diga, lookupKey, entry } = about({ api, caller, request }, holdingsBody);
    const before = body.after === undefined ? undefined : Number(body.after);
    const holdings = await api.db.transaction().execute(async (tx) => {
      const read = await readHoldings(tx, { lookupKey, before, limit: body.limit });
      await appendAudit(tx, { ...entry, at: api.now(), action: 'person.holdings-read' });
      return read;
    });
    return send(request, reply, viewHoldings(diga, holdings, languageOf(request.headers['accept-language'])));
  });

  app.post('/v1/persons/check', async (request, reply) => {
    const caller = callerOf(request, 'writer');
    const { body, diga, lookupKey, entry } = about({ api, caller, request }, personBody);
    const check = await checkRecord(api.locator, { kvnr: body.kvnr, lookupKey });
    const result = check.code ?? 'ok';
    await api.db
      .transaction()
      .execute((tx) => appendAudit(tx, { ...entry, at: api.now(), action: 'person.checked', result }));
    return send(request, reply, viewCheck(diga, check, languageOf(request.headers['accept-language'])));
  });
}

/** Who is asked about, as each part of the house may know them (D6): look-up key, log pseudonym, name in the audit trail. */
function about<Schema extends z.ZodType<z.output<typeof personBody>>>(
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
