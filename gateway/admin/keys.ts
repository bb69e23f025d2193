// Keys on the admin listener, for the security officer (SEC-14): which generations there are and how a rotation stands, and the
// order to rotate (D6, D7, SEC-07). No key, wrapped or not, ever leaves.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller, Role } from '../api/authentication.ts';
import { text } from '../api/export-body.ts';
import { readQuery } from '../api/list-query.ts';
import { RequestError } from '../api/problem.ts';
import type { KeyRotation, RotationState } from '../exports/key-rotation.ts';
import type { Vault } from '../vault/keys.ts';

export type KeysAdmin = { vault: Vault; rotation: KeyRotation };

/** `callerOf` authenticates and asks for one of the roles. */
export function registerKeys(
  admin: FastifyInstance,
  o: KeysAdmin & { digas: readonly string[] },
  callerOf: (request: FastifyRequest, ...roles: Role[]) => Caller,
): void {
  const view = (state: RotationState | null) =>
    state === null
      ? null
      : {
          ...state,
          running: state.finishedAt === null,
          startedAt: new Date(state.startedAt).toISOString(),
          finishedAt: state.finishedAt === null ? null : new Date(state.finishedAt).toISOString(),
        };

  admin.get('/admin/v1/keys', async (request) => {
    callerOf(request, 'security');
    readQuery(z.strictObject({}), request.query);
    await o.vault.reload();
    return {
      digas: o.digas.map((diga) => {
        const { newest, older } = o.vault.generations(diga);
        return { diga, newest: numberOf(newest), older: older.map(numberOf) };
      }),
      rotation: view(await o.rotation.latest()),
    };
  });

  admin.post('/admin/v1/keys/rotate', async (request, reply) => {
    const caller = callerOf(request, 'security');
    const { diga } = readQuery(z.strictObject({ diga: text(64).optional() }), request.query);
    if (request.body instanceof Uint8Array && request.body.length > 0)
      throw new RequestError('BODY_INVALID', 'this call takes no body');
    if (diga !== undefined && !o.digas.includes(diga))
      throw new RequestError('EXPORT_INVALID', 'a query parameter has a wrong value', {
        findings: [{ pointer: '', path: '?diga', code: 'QUERY_INVALID', message: 'names no DiGA of the settings' }],
      });
    const digas = diga === undefined ? o.digas : [diga];
    const state = await o.rotation.start({ digas, by: caller.id, requestId: request.id });
    return reply.code(202).header('location', '/admin/v1/keys').send(view(state));
  });
}

const numberOf = (name: string) => Number(name.split('/')[2] ?? '1');
