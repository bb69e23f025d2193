// What `params` of a fault may hold, by place and kind (docs/faults.md names the same): nothing else, since a misspelt one would be
// played as if it were not there, and a test would pass without its fault.
import { z } from 'zod';
import { FAULT_POINTS } from './tables/fault-points.ts';
import { FRAME_BREAKS } from './tables/frame-breaks.ts';

type Params = Readonly<Record<string, z.ZodType>>;
type ByKind = Readonly<Record<string, Params>>;

const oneOf = (...values: [string, ...string[]]) => z.enum(values).optional();
const what = (...values: [string, ...string[]]): Params => ({ what: oneOf(...values) });
const which = (...values: [string, ...string[]]): Params => ({ which: oneOf(...values) });
const flag = z.boolean().optional();
const text = z.string().max(10_000).optional();
/** As HTTP carries it in a header. */
const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'not the value of a header');
const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'not the name of a header');
const dnsName = z
  .string()
  .regex(/^[A-Za-z0-9.-]{1,253}$/, 'not a DNS name')
  .optional();
/** Of an answer that ends an exchange. */
const status = z.int().min(200).max(599).optional();
const ms = z.int().min(0).max(3_600_000).optional();

/** On the wire, at every place that plays them. */
const WIRE: ByKind = {
  truncate: { inBody: flag },
  garbage: { inBody: flag, bytes: z.int().min(1).max(1_000_000).optional() },
  delay: { ms },
  'http-status': {
    status,
    type: headerValue.optional(),
    body: z.string().optional(),
    headers: z.record(headerName, headerValue).optional(),
  },
};

const SIGNERS = ['root', 'role', 'expired', 'key-usage', 'foreign'] as const;
const KEYS = ['other', 'curve', 'name', 'unsigned'] as const;
const VAU_CODE: Params = { code: z.int().min(0).max(10).optional() };
const GEMATIK: Params = {
  // any whole number: a client must cope with codes nobody has told it of
  code: z.int().min(1).max(999_999).optional(),
  status,
  vendorCode: z.int().min(10_000).max(40_999).optional(),
};

/** What M2, the signed keys and M4 can have wrong, and what else with it. */
const HANDSHAKE: ByKind = {
  'wrong-signature': what('keys', 'der', 'ocsp'),
  'wrong-key': what(
    ...(['curve', 'ml-kem', 'aead', 'signed-curve', 'crv', 'kyber', 'kyber-length', 'm4', 'm4-key'] as const),
  ),
  'wrong-certificate': {
    ...which('other-vau', 'genuine-idp', 'hash', ...SIGNERS),
    ...what('other-vau', 'genuine-idp', 'hash', ...SIGNERS),
  },
  'wrong-claim': what('future', 'life', 'no-exp'),
  'wrong-ocsp': what('responder', 'other-certificate', 'cert-hash', 'no-cert-hash', 'unreadable'),
  revoked: what('unknown'),
  stale: what('future'),
  expired: {},
};
const also = z
  .array(
    z.union(Object.entries(HANDSHAKE).map(([kind, params]) => z.strictObject({ kind: z.literal(kind), ...params }))),
  )
  .optional();
const withMore = (kinds: ByKind): ByKind =>
  Object.fromEntries(Object.entries(kinds).map(([kind, params]) => [kind, { ...params, also }]));

const IDP_OPERATIONS = [...Object.keys(FAULT_POINTS).filter((at) => at.startsWith('idp.')), 'idp.jwks'];
const idpOperation = z.enum(IDP_OPERATIONS).optional();
/** Connections that stand are kept when the fault is switched on. */
const keep: Params = { keep: flag };

const OWN: Readonly<Record<string, ByKind>> = {
  'konnektor.tls': { 'wrong-certificate': { name: dnsName }, 'tls-version': { version: oneOf('TLSv1.2', 'TLSv1.3') } },
  'konnektor.ReadCardCertificate': { 'wrong-certificate': which('role', 'root', 'expired', 'key-usage') },
  'konnektor.ExternalAuthenticate': { 'wrong-signature': what('other-card') },
  cetp: { garbage: what('length', 'xml', 'doctype', 'schema'), truncate: {} },
  'idp.discovery': {
    'wrong-signature': what('alg'),
    'wrong-certificate': which(...SIGNERS),
    'wrong-claim': what('issuer', 'future', 'endpoint', 'no-endpoint', 'key-uri', 'no-key-uri', 'x5c'),
    rotate: { ...what('keys', 'discovery', 'paths'), overlap: flag, when: idpOperation },
  },
  'idp.puk_idp_sig': { 'wrong-key': what(...KEYS), 'wrong-certificate': which(...SIGNERS) },
  'idp.puk_idp_enc': { 'wrong-key': what(...KEYS) },
  'idp.challenge': {
    'wrong-signature': what('alg'),
    'wrong-key': what('other-idp'),
    'wrong-claim': what(
      ...(['iss', 'token_type', 'state', 'nonce', 'client_id', 'redirect_uri', 'code_challenge'] as const),
      ...(['code_challenge_method', 'response_type', 'scope', 'future', 'no-exp', 'kid'] as const),
    ),
  },
  'idp.auth': {
    'wrong-claim': what('state', 'no-state', 'no-code', 'long-code', 'redirect-uri', 'error'),
    'idp-error': { code: z.union([z.int().min(0).max(99_999), z.string().regex(/^\d{1,5}$/)]).optional() },
  },
  'record-system.tls': {
    'wrong-certificate': { name: dnsName, ...keep },
    expired: keep,
    'drop-request': keep,
    reset: keep,
    hang: keep,
  },
  certdata: { 'wrong-certificate': which('ca') },
  'vau.handshake': {
    ...withMore(HANDSHAKE),
    'wrong-cid': what('chars', 'long', 'url', 'relative', 'query', 'missing'),
    restart: what('foreign'),
  },
  'vau.m3': { restart: what('instance', 'foreign') },
  'vau.data': {
    restart: what('instance', 'foreign'),
    'drop-channel': { when: oneOf('before', 'after'), answer: oneOf('error', 'cut') },
  },
  'authz.getNonce': { 'wrong-claim': what('missing') },
  'authz.send_authorization_request_sc': { 'wrong-claim': what('origin', 'plain', 'parameters', 'missing') },
  'authz.send_authcode_sc': { 'wrong-claim': what('actor', 'no-session') },
  'xds.iti41': {
    'registry-error': { code: z.string().min(1).max(200).optional(), text },
    'soap-fault': { code: oneOf('Client', 'Server'), text },
  },
  tsl: { 'wrong-certificate': which('root', 'role') },
};

/** Of kinds that are played alike wherever they are. */
const ANYWHERE: ByKind = {
  ...WIRE,
  'soap-fault': GEMATIK,
  'cbor-error': VAU_CODE,
  'wrong-frame': what(...FRAME_BREAKS),
};

/** Members of `params` at this place under this kind, strict: `{}` where there are none. */
export function paramsOf(at: string, kind: string): z.ZodObject<Record<string, z.ZodType>> {
  return z.strictObject({ ...(OWN[at]?.[kind] ?? ANYWHERE[kind]) });
}
