// Who calls: bearer API keys, kept as SHA-256 and compared in constant time, with roles and one DiGA each (SEC-13, SEC-14).
// Failures are limited per presented key and per address (D19); a good key never suffers from another's failures.
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { RequestError } from './problem.ts';

export type Role = 'writer' | 'reader' | 'monitor' | 'operator' | 'security';
/** `diga` null: every DiGA (operators). */
export type Caller = { id: string; diga: string | null; roles: readonly Role[] };

export type Credential = Caller & { keyHash: Uint8Array };

/** Credentials of the settings; the keys themselves are not kept. */
export function readCredentials(
  entries: readonly { id: string; diga?: string; roles: readonly Role[]; keyFile?: string | undefined }[],
): Credential[] {
  return entries.flatMap((e) =>
    e.keyFile === undefined
      ? []
      : [{ id: e.id, diga: e.diga ?? null, roles: e.roles, keyHash: sha256(readFileSync(e.keyFile, 'utf8').trim()) }],
  );
}

export type Authenticate = (o: { authorization: string | undefined; address: string }) => Caller;

const MINUTE_MS = 60_000;
/** Bound of the memory for failures: presented keys are an attacker's choice. */
const MAX_REMEMBERED = 10_000;

/** Throws RequestError UNAUTHENTICATED, or TOO_MANY_REQUESTS with Retry-After. */
export function createAuthentication(o: {
  credentials: readonly Credential[];
  failedPerKeyPerMinute: number;
  failedPerAddressPerMinute: number;
  now: () => number;
}): Authenticate {
  const byKey = new FailureWindow(o.failedPerKeyPerMinute, o.now);
  const byAddress = new FailureWindow(o.failedPerAddressPerMinute, o.now);
  return ({ authorization, address }) => {
    const key = /^Bearer +([\x21-\x7e]{1,4096})$/i.exec(authorization ?? '')?.[1];
    const presented = sha256(key ?? '');
    let found: Credential | undefined;
    // Every credential is compared, so that the time says nothing about which one came near.
    for (const credential of o.credentials)
      if (timingSafeEqual(credential.keyHash, presented) && key !== undefined) found = credential;
    if (found !== undefined) return { id: found.id, diga: found.diga, roles: found.roles };
    // A wrong key is known by its hash only; no key at all counts for the address alone.
    const keyId = key === undefined ? undefined : Buffer.from(presented).toString('base64url');
    const wait = Math.max(keyId === undefined ? 0 : byKey.wait(keyId), byAddress.wait(address));
    if (wait > 0)
      throw new RequestError('TOO_MANY_REQUESTS', 'too many failed authentications', {
        headers: { 'retry-after': String(Math.ceil(wait / 1000)) },
      });
    if (keyId !== undefined) byKey.add(keyId);
    byAddress.add(address);
    throw new RequestError(
      'UNAUTHENTICATED',
      key === undefined ? 'the API key is missing' : 'the API key is not known',
      {
        headers: { 'www-authenticate': 'Bearer realm="epa-gateway"' },
      },
    );
  };
}

/** FORBIDDEN unless the caller has one of the roles (deny by default, SEC-14). */
export function requireRole(caller: Caller, ...roles: Role[]): void {
  if (!roles.some((role) => caller.roles.includes(role)))
    throw new RequestError('FORBIDDEN', `this call needs the role ${roles.join(' or ')}`);
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
