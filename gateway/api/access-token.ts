// OAuth 2.0 access tokens as JWT (RFC 9068; SEC-13): which client a token names, or a refusal. Keys come from the issuer's own
// key set alone: what a token says about its keys (jku, x5u, jwk) is never looked at (D18). The npm package jose judges.
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import { RequestError } from './problem.ts';

export type TokenIssuer = {
  issuer: string;
  audience: string;
  algorithms: readonly string[];
  clockSkewSeconds: number;
  /** The issuer's public keys; `anew`: not those that were remembered. Throws where they cannot be had. */
  keys: (o: { anew: boolean }) => Promise<JSONWebKeySet>;
};

/** What a valid token says: who issued it, and to which client. */
export type TokenHolder = { issuer: string; client: string };

/** Three base64url parts with dots, the first a JSON header. */
export const looksLikeToken = (bearer: string) => /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(bearer);

/** Undefined for everything that is no valid token of a known issuer; 503 TOKEN_KEYS_UNREACHABLE without its keys. */
export async function readAccessToken(
  token: string,
  o: { issuers: readonly TokenIssuer[]; now: () => number },
): Promise<TokenHolder | undefined> {
  const from = issuerOf(token, o.issuers);
  if (from === undefined) return undefined;
  const remembered = await verify(token, from, o.now(), false);
  // A key that is not known may be a new one of the issuer (rotation without a restart).
  return remembered === 'key-unknown' ? asHolder(await verify(token, from, o.now(), true)) : remembered;
}

const asHolder = (result: TokenHolder | 'key-unknown' | undefined) => (result === 'key-unknown' ? undefined : result);

/** What the token claims, not believed yet: only says whose keys are to judge it. */
function issuerOf(token: string, issuers: readonly TokenIssuer[]): TokenIssuer | undefined {
  try {
    // An ID token or another kind of JWT is no access token (RFC 9068 section 4); many issuers still write plain JWT.
    const type = (decodeProtectedHeader(token).typ ?? 'JWT').toLowerCase().replace(/^application\//, '');
    if (type !== 'at+jwt' && type !== 'jwt') return undefined;
    const { iss } = decodeJwt(token);
    return issuers.find((known) => known.issuer === iss);
  } catch {
    return undefined;
  }
}

async function verify(token: string, from: TokenIssuer, now: number, anew: boolean) {
  let keys: JSONWebKeySet;
  try {
    keys = await from.keys({ anew });
  } catch (cause) {
    throw new RequestError('TOKEN_KEYS_UNREACHABLE', 'the keys of the token issuer cannot be read', {
      headers: { 'retry-after': '10' },
      cause,
    });
  }
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      issuer: from.issuer,
      audience: from.audience,
      // Asymmetric ones by settings; `none` and HMAC can never be among them.
      algorithms: [...from.algorithms],
      clockTolerance: from.clockSkewSeconds,
      currentDate: new Date(now),
      requiredClaims: ['iss', 'aud', 'exp', 'iat'],
    });
    const client = payload.client_id ?? payload.azp;
    return typeof client === 'string' ? { issuer: from.issuer, client } : undefined;
  } catch (thrown) {
    return thrown instanceof errors.JWKSNoMatchingKey ? 'key-unknown' : undefined;
  }
}
