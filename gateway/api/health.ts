// GET /v1/health (api.md section 2, MON-01): the chain to the record for the caller's DiGA, for those who watch over its backend.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { HealthOfDiga } from '../health-of-diga.ts';
import { type Caller, coveredDiga, type Role } from './authentication.ts';
import { text } from './export-body.ts';
import { readQuery } from './list-query.ts';
import { languageOf } from './problem.ts';

export const healthQuery = z.strictObject({ diga: text(64).optional() });

/** `callerOf` authenticates and asks for one of the roles. */
export function registerHealthOfDiga(
  app: FastifyInstance,
  health: HealthOfDiga,
  callerOf: (request: FastifyRequest, ...roles: Role[]) => Caller,
): void {
  app.get('/v1/health', async (request, reply) => {
    const caller = callerOf(request, 'monitor');
    const { diga } = readQuery(healthQuery, request.query);
    const language = languageOf(request.headers['accept-language']);
    return reply
      .headers({ 'cache-control': 'no-store', vary: 'Accept-Language' })
      .send(health(coveredDiga(caller, diga) ?? '', language));
  });
}
