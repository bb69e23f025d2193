// The challenge of the simulated IDP (epa-record-system.md 2.3): parameters of the authorization request, the challenge JWS
// and its single use within 3 minutes; and the challenge with exactly one thing wrong.
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import type { Fault } from '../faults.ts';
import { type IdpKeys, signByIdp } from './idp-keys.ts';

/** A record system as client of the IDP; addresses are known when the first request comes. */
export type IdpClient = { clientId: string; redirectUri: () => string; scope: string };

/** What an authorization request said, kept with the challenge made from it. */
export type AuthorizationRequest = {
  clientId: string;
  redirectUri: string;
  state: string;
  nonce: string;
  codeChallenge: string;
  scope: string;
};
export type Challenge = { compact: string; exp: number; request: AuthorizationRequest; used: boolean };

export const CHALLENGE_LIFE_S = 180;

/**
 * Why the IDP refuses. `redirect` carries the error to the redirect_uri by 302, as parameter errors do once client and
 * redirect_uri are known; all others are JSON. The numbers' ranges are those of epa-record-system.md 2.3.
 */
export class IdpRefusal extends Error {
  readonly rule: string;
  readonly gematikCode: string;
  readonly error: string;
  readonly redirect: { uri: string; state: string } | undefined;

  constructor(o: {
    rule: string;
    code: string;
    error: string;
    text: string;
    redirect?: { uri: string; state: string };
  }) {
    super(o.text);
    this.name = 'IdpRefusal';
    this.rule = o.rule;
    this.gematikCode = o.code;
    this.error = o.error;
    this.redirect = o.redirect;
  }
}

/** Judges the query that send_authorization_request_sc made. Throws IdpRefusal. */
export function readAuthorizationRequest(
  query: URLSearchParams,
  clients: ReadonlyMap<string, IdpClient>,
): AuthorizationRequest {
  const direct = (rule: string, code: string, text: string) =>
    new IdpRefusal({ rule, code, error: 'invalid_request', text });
  const clientId = single(query, 'client_id');
  if (clientId === undefined) throw direct('idp.client-id', '1002', 'client_id fehlt');
  const client = clients.get(clientId);
  if (client === undefined) throw direct('idp.client-id', '2012', 'client_id ist ungültig');
  const redirectUri = single(query, 'redirect_uri');
  if (redirectUri === undefined) throw direct('idp.redirect-uri', '1004', 'redirect_uri fehlt');
  if (redirectUri !== client.redirectUri()) throw direct('idp.redirect-uri', '1020', 'redirect_uri ist ungültig');

  const state = single(query, 'state') ?? '';
  const bad = (rule: string, code: string, text: string, error = 'invalid_request') =>
    new IdpRefusal({ rule, code, error, text, redirect: { uri: redirectUri, state } });
  if (state === '') throw bad('idp.state', '2002', 'state fehlt');
  if (single(query, 'response_type') !== 'code')
    throw bad('idp.response-type', '2005', 'response_type wird nicht unterstützt', 'unsupported_response_type');
  const nonce = single(query, 'nonce') ?? '';
  if (!/^[\x21-\x7e]{1,512}$/.test(nonce)) throw bad('idp.nonce', '2007', 'nonce ist ungültig');
  if (single(query, 'code_challenge_method') !== 'S256')
    throw bad('idp.pkce', '2008', 'code_challenge_method ist ungültig');
  const codeChallenge = single(query, 'code_challenge') ?? '';
  if (!/^[A-Za-z0-9_-]{43}$/.test(codeChallenge)) throw bad('idp.pkce', '2010', 'code_challenge ist ungültig');
  const scope = single(query, 'scope') ?? '';
  if (scope !== client.scope) throw bad('idp.scope', '1022', 'scope ist ungültig', 'invalid_scope');
  return { clientId, redirectUri, state, nonce, codeChallenge, scope };
}

function single(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name);
  return values.length === 1 ? values[0] : undefined;
}

/** Challenge JWS with the claims of 2.3, valid for 3 minutes, or with the one thing wrong that `fault` names. */
export function createChallenge(o: {
  issuer: string;
  request: AuthorizationRequest;
  keys: IdpKeys;
  now: number;
  fault: Fault | undefined;
}): Challenge {
  const { request, fault } = o;
  const iat = Math.floor(o.now / 1000);
  const exp = iat + CHALLENGE_LIFE_S;
  const claims: Record<string, unknown> = {
    iss: o.issuer,
    iat,
    exp,
    token_type: 'challenge',
    jti: randomUUID(),
    snc: randomBytes(16).toString('base64url'),
    scope: request.scope,
    code_challenge: request.codeChallenge,
    code_challenge_method: 'S256',
    response_type: 'code',
    redirect_uri: request.redirectUri,
    client_id: request.clientId,
    state: request.state,
    nonce: request.nonce,
  };
  if (fault?.kind === 'expired') Object.assign(claims, { iat: iat - 600, exp: iat - 600 + CHALLENGE_LIFE_S });
  // the true challenge of another IDP: its issuer, its key, all else as asked
  if (fault?.kind === 'wrong-key' && fault.params?.what === 'other-idp') claims.iss = 'https://idp.example.invalid';
  if (fault?.kind === 'wrong-claim') Object.assign(claims, wrongClaim(String(fault.params?.what ?? 'iss'), iat));
  const key =
    fault?.kind === 'wrong-key'
      ? generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }).privateKey
      : o.keys.sig.privateKey;
  const compact = signByIdp({
    kid: fault?.kind === 'wrong-claim' && fault.params?.what === 'kid' ? 'puk_other' : 'puk_idp_sig',
    key,
    header: {
      typ: 'JWT',
      ...(fault?.kind === 'wrong-signature' && fault.params?.what === 'alg' ? { alg: 'none' } : {}),
    },
    payload: claims,
    spoiled: fault?.kind === 'wrong-signature' && fault.params?.what !== 'alg',
  });
  return { compact, exp, request, used: false };
}

function wrongClaim(what: string, iat: number): object {
  const claims: Record<string, object> = {
    iss: { iss: 'https://idp.example.invalid' },
    token_type: { token_type: 'code' },
    state: { state: 'another-state' },
    nonce: { nonce: 'another-nonce' },
    client_id: { client_id: 'another-client' },
    redirect_uri: { redirect_uri: 'https://record.example.invalid/' },
    code_challenge: { code_challenge: randomBytes(32).toString('base64url') },
    code_challenge_method: { code_challenge_method: 'plain' },
    response_type: { response_type: 'token' },
    scope: { scope: 'openid' },
    future: { iat: iat + 3600, exp: iat + 3600 + CHALLENGE_LIFE_S },
    'no-exp': { exp: undefined },
    kid: {},
  };
  return claims[what] ?? { iss: 'https://idp.example.invalid' };
}
