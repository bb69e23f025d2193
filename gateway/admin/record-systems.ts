// How each record system stands, for operators (api.md section 3): whether it answers, how many exports may be on their way to
// it, and the sessions held there. Names of the settings and times only.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RecordSystemView } from '../outside.ts';

type CallerOf = (request: FastifyRequest, ...roles: ('operator' | 'monitor')[]) => unknown;

const time = (at: number): string => new Date(at).toISOString();

export function registerRecordSystems(
  admin: FastifyInstance,
  o: { recordSystems: () => RecordSystemView[]; now: () => number },
  callerOf: CallerOf,
): void {
  admin.get('/admin/v1/record-systems', async (request) => {
    callerOf(request, 'operator', 'monitor');
    const now = o.now();
    return {
      recordSystems: o.recordSystems().map(({ recordSystem, since, sessions, ...state }) => ({
        id: recordSystem,
        ...state,
        since: since === null ? null : time(since),
        sessions: sessions.map(({ diga, openedAt, users, large, lifeMs }) => ({
          diga,
          large,
          users,
          openedAt: time(openedAt),
          ageSeconds: Math.floor((now - openedAt) / 1000),
          // How long sessions there were seen to live.
          lifeSeconds: lifeMs === null ? null : Math.floor(lifeMs / 1000),
        })),
      })),
    };
  });
}
