// Who calls: bearer API keys, kept as SHA-256 and compared in constant time, access tokens (access-token.ts), client
// certificates, with roles and one DiGA each (SEC-13, SEC-14, SEC-15). Failures are limited per presented key and per
// address (D19); a good key never suffers from another's failures.
import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { looksLikeToken, readAccessToken, type TokenHolder, type TokenIssuer } from './access-token.ts';
import { RequestError } from './problem.ts';

export type Role = 'writer' | 'reader' | 'monitor' | 'operator' | 'security';
/** `diga` null: every DiGA (operators). */
export type Caller = { id: string; diga: string | null; roles: readonly Role[] };

/** What a caller must present: of `keyHash` and `token` one that is there, and a certificate where some are named. */
export type Credential = Caller & {
  keyHash: Uint8Array | undefined;
  token: TokenHolder | undefined;
  /** SHA-256 fingerprints. */
  certificates: readonly string[];
};

/** Credentials of the settings; the keys themselves are not kept. */
export function readCredentials(
  entries: readonly {
    id: string;
    diga?: string;
    roles: readonly Role[];
    keyFile?: string | undefined;
    token?: TokenHolder | undefined;
    certificateFiles: readonly string[];
  }[],
): Credential[] {
  return entries.map((e) => ({
    id: e.id,
    diga: e.diga ?? null,
    roles: e.roles,
    keyHash: e.keyFile === undefined ? undefined : sha256(readFileSync(e.keyFile, 'utf8').trim()),
    token: e.token,
    certificates: certificatesIn(e.certificateFiles),
  }));
}

/** SHA-256 fingerprints of the first certificate of each file. */
export const certificatesIn = (files: readonly string[]): string[] =>
  files.map((file) => new X509Certificate(readFileSync(file)).fingerprint256);

/** `certificate`: the one with which the TLS connection was made, whoever issued it; its owner has proven the key. */
export type Presented = {
  authorization: string | undefined;
  address: string;
  certificate?: X509Certificate | undefined;
};
export type Authenticate = (presented: Presented) => Promise<Caller>;

const MINUTE_MS = 60_000;
/** Bound of the memory for failures: presented keys are an attacker's choice. */
const MAX_REMEMBERED = 10_000;

/** Throws RequestError UNAUTHENTICATED, or TOO_MANY_REQUESTS with Retry-After. */
export function createAuthentication(o: {
  /** Those of now. */
  credentials: () => readonly Credential[];
  tokenIssuers: readonly TokenIssuer[];
  failedPerKeyPerMinute: number;
  failedPerAddressPerMinute: number;
  now: () => number;
}): Authenticate {
  const byKey = new FailureWindow(o.failedPerKeyPerMinute, o.now);
  const byAddress = new FailureWindow(o.failedPerAddressPerMinute, o.now);
  return async ({ authorization, address, certificate }) => {
    const bearer = /^Bearer +([\x21-\x7e]{1,8192})$/i.exec(authorization ?? '')?.[1];
    const presented = sha256(bearer ?? '');
    const credentials = o.credentials();
    let named = authorization === undefined ? byCertificateAlone(credentials) : byKeyHash(credentials, presented);
    if (named.length === 0 && bearer !== undefined && looksLikeToken(bearer)) {
      const holder = await readAccessToken(bearer, { issuers: o.tokenIssuers, now: o.now });
      named = credentials.filter((c) => holder !== undefined && isSameHolder(c.token, holder));
    }
    const found = named.find((c) => c.certificates.length === 0 || shows(c, certificate, o.now()));
    if (found !== undefined) return { id: found.id, diga: found.diga, roles: found.roles };
    // A wrong key is known by its hash only; no key at all counts for the address alone.
    const keyId = bearer === undefined ? undefined : Buffer.from(presented).toString('base64url');
    const wait = Math.max(keyId === undefined ? 0 : byKey.wait(keyId), byAddress.wait(address));
    if (wait > 0)
      throw new RequestError('TOO_MANY_REQUESTS', 'too many failed authentications', {
        headers: { 'retry-after': String(Math.ceil(wait / 1000)) },
      });
    if (keyId !== undefined) byKey.add(keyId);
    byAddress.add(address);
    const challenge = bearer === undefined ? '' : ', error="invalid_token"';
    throw new RequestError('UNAUTHENTICATED', wordsOf(bearer, named), {
      headers: { 'www-authenticate': `Bearer realm="epa-gateway"${challenge}` },
    });
  };
}

/** Every credential is compared, so that the time says nothing about which one came near. */
const byKeyHash = (credentials: readonly Credential[], presented: Uint8Array) =>
  credentials.filter((c) => timingSafeEqual(c.keyHash ?? NO_HASH, presented) && c.keyHash !== undefined);

const byCertificateAlone = (credentials: readonly Credential[]) =>
  credentials.filter((c) => c.keyHash === undefined && c.token === undefined && c.certificates.length > 0);

const isSameHolder = (a: TokenHolder | undefined, b: TokenHolder) => a?.issuer === b.issuer && a.client === b.client;

/** One of the pinned certificates, within its validity. */
const shows = (credential: Credential, certificate: X509Certificate | undefined, now: number) =>
  certificate !== undefined &&
  credential.certificates.includes(certificate.fingerprint256) &&
  certificate.validFromDate.getTime() <= now &&
  now <= certificate.validToDate.getTime();

function wordsOf(bearer: string | undefined, named: readonly Credential[]): string {
  if (bearer === undefined) return 'the API key is missing';
  if (named.length > 0) return 'the client certificate is missing or not the right one';
  return looksLikeToken(bearer) ? 'the token is not accepted' : 'the API key is not known';
}

/** FORBIDDEN unless the caller has one of the roles (deny by default, SEC-14). */
export function requireRole(caller: Caller, ...roles: Role[]): void {
  if (!roles.some((role) => caller.roles.includes(role)))
    throw new RequestError('FORBIDDEN', `this call needs the role ${roles.join(' or ')}`);
}

/** The one DiGA that a body is about; FORBIDDEN when the key does not cover it, or covers several and none is named. */
export function digaOf(caller: Caller, asked: string | undefined, digas: ReadonlySet<string>): string {
  const diga = asked ?? caller.diga;
  if (diga === null || !digas.has(diga) || (caller.diga !== null && caller.diga !== diga))
    throw new RequestError('FORBIDDEN', 'this key does not cover the DiGA of the export');
  return diga;
}

/** The DiGA of a reading; undefined: all that the key covers, which are all. FORBIDDEN when it does not cover it. */
export function coveredDiga(caller: Caller, asked: string | undefined): string | undefined {
  if (asked !== undefined && caller.diga !== null && asked !== caller.diga)
    throw new RequestError('FORBIDDEN', 'this key does not cover the DiGA');
  return asked ?? caller.diga ?? undefined;
}

/** Counts per name within a sliding minute. */
class FailureWindow {
  readonly #limit: number;
  readonly #now: () => number;
  readonly #times = new Map<string, number[]>();

  constructor(limit: number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /** Milliseconds until the next failure is answered as one; 0: now. */
  wait(name: string): number {
    const times = this.#recent(name);
    const oldest = times.at(-this.#limit);
    return oldest === undefined ? 0 : oldest + MINUTE_MS - this.#now();
  }

  add(name: string): void {
    const times = this.#recent(name);
    times.push(this.#now());
    this.#times.delete(name);
    this.#times.set(name, times.slice(-this.#limit));
    const first = this.#times.keys().next();
    if (this.#times.size > MAX_REMEMBERED && !first.done) this.#times.delete(first.value);
  }

  #recent(name: string): number[] {
    const from = this.#now() - MINUTE_MS;
    return (this.#times.get(name) ?? []).filter((t) => t > from);
  }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const NO_HASH = Buffer.alloc(32);
