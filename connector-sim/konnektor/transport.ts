// How a Konnektor lets its clients in (konnektor.md 7: levels 1 to 4): TLS or none, no authentication, a password or a client
// certificate, the service directory open or not (ANCL_TLS_MANDATORY, ANCL_CAUT_MODE, ANCL_DVD_OPEN), and which TLS it speaks.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { type HttpAnswer, type HttpRequestIn, headerOf } from '../http-server.ts';
import { Refusal } from '../refusal.ts';

export const CERTIFICATE_KINDS = ['brainpool', 'p256', 'rsa'] as const;
export type CertificateKind = (typeof CERTIFICATE_KINDS)[number];

export type Transport = {
  /** false: level 1, plain HTTP. */
  tls: boolean;
  /** Levels 2, 3 and 4. */
  authentication: 'none' | 'basic' | 'mtls';
  /** The ClientSystemId that certificate and user are bound to (konnektor.md 7); null: every one the model has may use them. */
  boundTo: string | null;
  /** The directory may be read by anybody; the services may not. */
  sdsOpen: boolean;
  /** A client that is not let in at a service: fault 4204, or the HTTP status. Without an open directory mutual TLS refuses the connection itself (KON TIP1-A_4516). */
  refusedAs: 'fault' | 'status';
  tlsVersions: readonly ('TLSv1.2' | 'TLSv1.3')[];
  /** Keys of its certificates: a client is shown one it knows. Of the two elliptic curves OpenSSL holds one only. */
  certificates: readonly CertificateKind[];
  /** The one DNS name in them. */
  serverName: string;
  /** `konnektor`: the CA all simulated Konnektors have; `imported`: a local PKI of its own, as an administrator may import. */
  issuer: 'konnektor' | 'imported';
};

export const DEFAULT_TRANSPORT: Transport = {
  tls: true,
  authentication: 'mtls',
  boundTo: 'c1',
  sdsOpen: false,
  refusedAs: 'fault',
  tlsVersions: ['TLSv1.2', 'TLSv1.3'],
  certificates: ['brainpool', 'rsa'],
  serverName: 'konnektor.konlan',
  issuer: 'konnektor',
};

/** A change: what is not named stays. */
export const transportSchema = z
  .strictObject({
    tls: z.boolean().optional(),
    authentication: z.enum(['none', 'basic', 'mtls']).optional(),
    boundTo: z.string().min(1).max(64).nullable().optional(),
    sdsOpen: z.boolean().optional(),
    refusedAs: z.enum(['fault', 'status']).optional(),
    tlsVersions: z
      .array(z.enum(['TLSv1.2', 'TLSv1.3']))
      .min(1)
      .optional(),
    certificates: z
      .array(z.enum(CERTIFICATE_KINDS))
      .min(1)
      .refine((kinds) => !(kinds.includes('brainpool') && kinds.includes('p256')), 'one elliptic curve only')
      .optional(),
    serverName: z
      .string()
      .regex(/^[A-Za-z0-9.-]{1,253}$/, 'a DNS name')
      .optional(),
    issuer: z.enum(['konnektor', 'imported']).optional(),
  })
  .refine((t) => t.tls !== false || t.authentication !== 'mtls', 'mutual TLS needs TLS');
export type TransportChange = z.infer<typeof transportSchema>;

/** With plain HTTP nobody can show a certificate: without TLS mutual TLS is off. Refusal where it is asked for all the same. */
export function changedTransport(before: Transport, change: TransportChange): Transport {
  const named = Object.entries(change).filter(([, value]) => value !== undefined);
  const after: Transport = { ...before, ...Object.fromEntries(named) };
  if (change.authentication === 'mtls' && !after.tls) {
    const message = 'mutual TLS needs TLS, which is switched off';
    const findings = [{ pointer: '/transport/authentication', code: 'contradiction', message }];
    throw new Refusal({ status: 422, code: 'BODY_INVALID', message, findings });
  }
  return after.tls || after.authentication !== 'mtls' ? after : { ...after, authentication: 'none' };
}

export type Credentials = { user: string; password: string };

/** As secunet's manual demands it: at least 20 characters of several classes (konnektor.md 9). */
export function inventCredentials(user: string): Credentials {
  return { user, password: `Aa1-${randomBytes(18).toString('base64url')}` };
}

/** Whether this request may go on; else why not, in words of the rule. Over plain HTTP no certificate is asked for. */
export function refusalOf(
  request: HttpRequestIn,
  { transport, credentials }: { transport: Transport; credentials: Credentials },
  door: 'tls' | 'plain' = 'tls',
): 'certificate' | 'password' | null {
  if (door === 'plain' && transport.authentication === 'mtls') return null;
  if (transport.sdsOpen && request.path === '/connector.sds') return null;
  if (transport.authentication === 'none') return null;
  // Where the directory is not open, a connection without a certificate never came so far.
  if (transport.authentication === 'mtls')
    return transport.sdsOpen && request.clientAuthorized !== true ? 'certificate' : null;
  const given = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(headerOf(request, 'Authorization')?.trim() ?? '')?.[1] ?? '';
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const wanted = Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64');
  return timingSafeEqual(digest(given), digest(wanted)) ? null : 'password';
}

/** 401 with its challenge, or 403 where no other certificate can be shown on this connection. */
export function refusedByStatus(why: 'certificate' | 'password'): HttpAnswer {
  const challenge: [string, string][] = why === 'password' ? [['WWW-Authenticate', 'Basic realm="Konnektor"']] : [];
  return {
    status: why === 'password' ? 401 : 403,
    headers: [['Content-Type', 'text/plain'], ...challenge],
    body: 'client system not authenticated',
    operation: 'http',
    rule: `konnektor.authentication: no ${why}`,
  };
}
