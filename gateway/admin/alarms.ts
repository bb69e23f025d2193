// Alarms on the admin listener (MON-03): those that are open and those that have ended, how each channel stands, and the order to
// fire one as a test. No content, no person.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AlarmService, ChannelState } from '../alarms/service.ts';
import { viewAlarm } from '../alarms/text.ts';
import type { Caller, Role } from '../api/authentication.ts';
import { readQuery } from '../api/list-query.ts';
import { languageOf, RequestError } from '../api/problem.ts';
import { catalogue, type ErrorCode, type Language } from '../errors.ts';
import { appendAudit } from '../exports/audit.ts';
import type { Database } from '../exports/database.ts';

export type AlarmsAdmin = Pick<AlarmService, 'list' | 'channels' | 'test'>;

const codes = new Set(Object.keys(catalogue));
const isCode = (text: string): text is ErrorCode => codes.has(text);
const testQuery = z.strictObject({ code: z.string().refine(isCode, 'must be a code of the catalogue').optional() });
const listQuery = z.strictObject({ open: z.enum(['true', 'false']).optional() });

/** `callerOf` authenticates and asks for one of the roles. */
export function registerAlarms(
  admin: FastifyInstance,
  o: { alarms: AlarmsAdmin; db: Database; now: () => number },
  callerOf: (request: FastifyRequest, ...roles: Role[]) => Caller,
): void {
  admin.get('/admin/v1/alarms', async (request) => {
    callerOf(request, 'operator', 'monitor');
    const { open } = readQuery(listQuery, request.query);
    const language = languageOf(request.headers['accept-language']);
    const shown = await o.alarms.list(open === undefined ? {} : { open: open === 'true' });
    return {
      alarms: shown.map((alarm) => viewAlarm(alarm, language)),
      channels: (await o.alarms.channels()).map((one) => viewChannel(one, language)),
    };
  });

  admin.post('/admin/v1/alarms/test', async (request) => {
    const caller = callerOf(request, 'operator');
    const { code = 'ALARM_TEST' } = readQuery(testQuery, request.query);
    if (request.body instanceof Uint8Array && request.body.length > 0)
      throw new RequestError('BODY_INVALID', 'this call takes no body');
    const results = await o.alarms.test(code);
    const told = results.filter(({ delivered }) => delivered).length;
    await o.db.transaction().execute((tx) =>
      appendAudit(tx, {
        actor: { kind: 'operator', id: caller.id },
        requestId: request.id,
        at: o.now(),
        action: 'alarm.tested',
        details: { code, channels: results.length, told },
      }),
    );
    const language = languageOf(request.headers['accept-language']);
    return {
      code,
      results: results.map((one) => ({
        ...one,
        remedy: one.code === null ? null : catalogue[one.code].remedy[language],
      })),
    };
  });
}

/** A channel that takes nothing says since when and what to do. */
function viewChannel({ since, ...state }: ChannelState, language: Language) {
  return {
    ...state,
    since: since === null ? null : new Date(since).toISOString(),
    remedy: state.code === null ? null : catalogue[state.code].remedy[language],
  };
}
