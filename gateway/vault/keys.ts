// The key hierarchy at rest (D6, D7, SEC-06, SEC-07): master key (file) wraps one key per DiGA and the gateway's own MAC
// keys; a DiGA's key wraps one data key per export (content) and one per insured (KVNR). Wrapping is AES-256-GCM with the
// key's name as additional data, so that a wrapped key cannot be moved to another name.
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { GatewayError } from '../errors.ts';
import { type AuditKeys, auditKeys } from './audit-keys.ts';

/** Where the named wrapped keys lie (exports/store.ts). `insertIfAbsent` answers what lies there afterwards. */
export type WrappedKeys = {
  get(name: string): Promise<Uint8Array | undefined>;
  insertIfAbsent(name: string, wrapped: Uint8Array): Promise<Uint8Array>;
};

export type Vault = {
  /** HMAC(K_lookup, diga ‖ 0 ‖ kvnr), hex: finds an insured again after the KVNR is erased (D6). */
  lookupKey(diga: string, kvnr: string): string;
  /** HMAC with the DiGA's own log key, which may rotate: names a person in log lines only (D6, SEC-10). */
  pseudonym(diga: string, kvnr: string): string;
  /** HMAC of a request body: the KVNR space is small, a bare hash would give it away (D6). */
  bodyMac(body: Uint8Array | string): Uint8Array;
  /** Signs the audit trail's checkpoints and names persons in it (SEC-09). */
  readonly audit: AuditKeys;
  newDataKey(diga: string, name: string): { key: Uint8Array; wrapped: Uint8Array };
  openDataKey(diga: string, name: string, wrapped: Uint8Array): Uint8Array;
};

const VERSION = 1;
const KEY_BYTES = 32;

/** The 32 bytes of the master key file; its mode was checked with the settings. */
export function readMasterKey(path: string): Uint8Array {
  const key = readFileSync(path);
  if (key.length !== KEY_BYTES) throw new GatewayError('CONFIG_INVALID', 'masterKeyFile must hold exactly 32 bytes');
  return key;
}

/** Opens or makes every named key. A wrong master key ends here, before anything is accepted. */
export async function openVault(o: {
  masterKey: Uint8Array;
  keys: WrappedKeys;
  digas: readonly string[];
  random?: (bytes: number) => Uint8Array;
}): Promise<Vault> {
  const random = o.random ?? randomBytes;
  const named = async (name: string, parent: Uint8Array): Promise<Uint8Array> => {
    const stored = (await o.keys.get(name)) ?? (await o.keys.insertIfAbsent(name, wrap(parent, name, random)));
    return unwrap(parent, name, stored);
  };
  // Three keys apart: the look-up key never rotates, the others may (D6).
  const lookup = await named('lookup', o.masterKey);
  const body = await named('body', o.masterKey);
  const audit = auditKeys(await named('audit', o.masterKey));
  const digaKeys = new Map<string, { data: Uint8Array; log: Uint8Array }>();
  for (const diga of o.digas) {
    const data = await named(`diga/${diga}`, o.masterKey);
    digaKeys.set(diga, { data, log: await named(`log/${diga}`, data) });
  }
  const of = (diga: string) => {
    const keys = digaKeys.get(diga);
    if (keys === undefined) throw new GatewayError('INTERNAL', 'no key for this DiGA');
    return keys;
  };
  return {
    lookupKey: (diga, kvnr) => createHmac('sha256', lookup).update(`${diga}\0${kvnr}`).digest('hex'),
    pseudonym: (diga, kvnr) => createHmac('sha256', of(diga).log).update(kvnr).digest('hex').slice(0, 16),
    bodyMac: (bytes) => createHmac('sha256', body).update(bytes).digest(),
    audit,
    newDataKey: (diga, name) => {
      const wrapped = wrap(of(diga).data, name, random);
      return { key: unwrap(of(diga).data, name, wrapped), wrapped };
    },
    openDataKey: (diga, name, wrapped) => unwrap(of(diga).data, name, wrapped),
  };
}

/** The keys of the audit trail alone, for whoever verifies it beside a gateway. `wrapped`: the row `audit` of the keys. */
export function openAuditKeys(masterKey: Uint8Array, wrapped: Uint8Array): AuditKeys {
  return auditKeys(unwrap(masterKey, 'audit', wrapped));
}

/** version ‖ IV ‖ ciphertext ‖ tag of a fresh random key. */
function wrap(parent: Uint8Array, name: string, random: (n: number) => Uint8Array): Uint8Array {
  const iv = random(12);
  const cipher = createCipheriv('aes-256-gcm', parent, iv).setAAD(aad(name));
  return Buffer.concat([
    Uint8Array.of(VERSION),
    iv,
    cipher.update(random(KEY_BYTES)),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}

function unwrap(parent: Uint8Array, name: string, wrapped: Uint8Array): Uint8Array {
  if (wrapped.length !== 1 + 12 + KEY_BYTES + 16 || wrapped[0] !== VERSION) throw broken();
  try {
    const decipher = createDecipheriv('aes-256-gcm', parent, wrapped.subarray(1, 13)).setAAD(aad(name));
    decipher.setAuthTag(wrapped.subarray(-16));
    return Buffer.concat([decipher.update(wrapped.subarray(13, -16)), decipher.final()]);
  } catch (cause) {
    throw broken(cause);
  }
}

const aad = (name: string) => Buffer.from(`epa-gateway key v1\0${name}`);
const broken = (cause?: unknown) =>
  new GatewayError('STORE_BROKEN', 'a stored key does not open: wrong master key or changed data', { cause });
