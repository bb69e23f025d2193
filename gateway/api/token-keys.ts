// The public keys of a token issuer (RFC 7517): from a file, read once, or from its address through egress (D18),
// remembered, and asked for again when a token names a key that is not among them, but not more often than a stranger's
// tokens may cost.
import { readFileSync } from 'node:fs';
import type { JSONWebKeySet } from 'jose';
import { z } from 'zod';
import { GatewayError } from '../errors.ts';

const REMEMBERED_MS = 3_600_000;
const ANEW_MS = 30_000;

const keySet = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) });

/** Keys of a file; CONFIG_INVALID when it holds none. */
export function keysOfFile(path: string): () => Promise<JSONWebKeySet> {
  const keys = readKeys(readFileSync(path));
  return async () => keys;
}

/** Keys of an address. A set that was read once is used until a newer one can be read. */
export function keysOfAddress(o: { fetch: () => Promise<Uint8Array>; now: () => number }) {
  let known: { keys: JSONWebKeySet; at: number } | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<JSONWebKeySet> | undefined;
  const ask = async () => {
    try {
      const keys = readKeys(await o.fetch());
      known = { keys, at: o.now() };
      return keys;
    } catch (thrown) {
      if (known === undefined) throw thrown;
      return known.keys;
    } finally {
      asking = undefined;
    }
  };
  return async ({ anew }: { anew: boolean }): Promise<JSONWebKeySet> => {
    const age = anew ? ANEW_MS : REMEMBERED_MS;
    const fresh = known !== undefined && o.now() - known.at < age;
    if (known !== undefined && (fresh || o.now() - askedAt < ANEW_MS)) return known.keys;
    if (asking === undefined) {
      askedAt = o.now();
      asking = ask();
    }
    return asking;
  };
}

function readKeys(bytes: Uint8Array): JSONWebKeySet {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new GatewayError('CONFIG_INVALID', 'the key set of the token issuer is not JSON', { cause });
  }
  const parsed = keySet.safeParse(value);
  if (!parsed.success) throw new GatewayError('CONFIG_INVALID', 'the key set of the token issuer is no JWK set');
  return parsed.data;
}

type IssuerSettings = { issuer: string; jwksFile?: string | undefined; jwksUrl?: string | undefined };

/** The issuers of the settings, each with its keys: of a file, or of an address that `fetch` may ask. */
export const issuersWithKeys = <Issuer extends IssuerSettings>(
  issuers: readonly Issuer[],
  o: { fetch: (of: { issuer: string; url: string }) => Promise<Uint8Array>; now: () => number },
) =>
  issuers.map((one) => {
    const { issuer, jwksFile, jwksUrl: url = '' } = one;
    const fetch = () => o.fetch({ issuer, url });
    return { ...one, keys: jwksFile === undefined ? keysOfAddress({ fetch, now: o.now }) : keysOfFile(jwksFile) };
  });
