// The inventory of certificates on the admin listener (CRT-01), and the RSA migration report (CRT-08). Names of the settings, ICCSNs
// and what certificates say of their holders, who are organisations.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller, Role } from '../api/authentication.ts';
import { readQuery } from '../api/list-query.ts';
import { languageOf } from '../api/problem.ts';
import { rsaReport } from '../certificates/rsa-report.ts';
import type { Certificates } from '../certificates/service.ts';

const query = z.strictObject({ report: z.enum(['rsa']).optional(), fresh: z.enum(['true', 'false']).optional() });

/** `callerOf` authenticates and asks for one of the roles. */
export function registerCertificates(
  admin: FastifyInstance,
  o: { certificates: Pick<Certificates, 'list'> },
  callerOf: (request: FastifyRequest, ...roles: Role[]) => Caller,
): void {
  admin.get('/admin/v1/certificates', async (request) => {
    callerOf(request, 'operator', 'monitor');
    const { report, fresh } = readQuery(query, request.query);
    const certificates = await o.certificates.list({ fresh: fresh === 'true' });
    return report === 'rsa'
      ? rsaReport(certificates, languageOf(request.headers['accept-language']))
      : { certificates };
  });
}
