// The doctor on the admin listener (OPS-06): a run beside the gateway at work, with connections of its own; one at a time. It costs
// two card signatures for each record system.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller, Role } from '../api/authentication.ts';
import { RequestError } from '../api/problem.ts';
import type { DoctorReport } from '../doctor/doctor.ts';
import { readBody } from './cards.ts';

export type RunDoctor = (of: { diga?: string | undefined; konnektor?: string | undefined }) => Promise<DoctorReport>;

const name = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/)
  .optional();
const body = z.strictObject({ diga: name, konnektor: name });

/** `callerOf` authenticates and asks for one of the roles. */
export function registerDoctor(
  admin: FastifyInstance,
  o: { doctor: RunDoctor },
  callerOf: (request: FastifyRequest, ...roles: Role[]) => Caller,
): void {
  let running = false;
  admin.post('/admin/v1/doctor', async (request) => {
    callerOf(request, 'operator');
    const of = readBody(body, request);
    if (running) throw new RequestError('STATE_CONFLICT', 'the doctor is at work already');
    running = true;
    try {
      return await o.doctor(of);
    } finally {
      running = false;
    }
  });
}
