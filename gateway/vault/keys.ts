// The key hierarchy at rest (D6, D7, SEC-06, SEC-07): the master key (file) wraps the gateway's own MAC keys and a key per
// DiGA; a DiGA's key wraps its log key, one data key per export (content) and one per insured (KVNR). Master, DiGA and log
// keys rotate while the gateway runs (exports/key-rotation.ts); look-up and body key do not (docs/data-at-rest.md).
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { GatewayError } from '../errors.ts';
import { type AuditKeys, auditKeys } from './audit-keys.ts';
import { generationOf, KEY_BYTES, type Parent, type Random, unwrapKey, wrapKey } from './wrap.ts';

export type NamedKey = { name: string; wrapped: Uint8Array };

/** Where the named wrapped keys lie (exports/key-store.ts). */
export type WrappedKeys = {
  all(): Promise<NamedKey[]>;
  /** Answers what lies there afterwards. */
  insertIfAbsent(name: string, wrapped: Uint8Array): Promise<Uint8Array>;
  /** Every one of them or none, durably. */
  replace(keys: readonly NamedKey[]): Promise<void>;
};

/** A new data key; `under` names the DiGA's key that wraps it, as it stands in the store. */
export type DataKey = { key: Uint8Array; wrapped: Uint8Array; under: string };

export type Vault = {
  /** HMAC(K_lookup, diga ‖ 0 ‖ kvnr), hex: finds an insured again after the KVNR is erased (D6). */
  lookupKey(diga: string, kvnr: string): string;
  /** HMAC with the DiGA's own log key, which rotates: names a person in log lines only (D6, SEC-10). */
  pseudonym(diga: string, kvnr: string): string;
  /** HMAC of a request body: the KVNR space is small, a bare hash would give it away (D6). */
  bodyMac(body: Uint8Array | string): Uint8Array;
  /** HMAC that seals a row of the store (exports/row-seals.ts); its key does not rotate. */
  rowMac(text: string): Uint8Array;
  /** What makes ids and digests of the documents built here: secret to the installation, never rotated (D6). */
  readonly documents: DocumentSecrets;
  /** Signs the audit trail's checkpoints and names persons in it (SEC-09). */
  readonly audit: AuditKeys;
  /** `key`: one that exists already and is wrapped nowhere. */
  newDataKey(diga: string, name: string, key?: Uint8Array): DataKey;
  /** Reads the keys anew when the blob's generation is not known here. STORE_BROKEN, KEYS_OUTDATED. Not inside a transaction. */
  openDataKey(diga: string, name: string, wrapped: Uint8Array): Promise<Uint8Array>;
  /** The same data key under the newest generation; errors as `openDataKey`. */
  rewrapDataKey(diga: string, name: string, wrapped: Uint8Array): Promise<Omit<DataKey, 'key'>>;
  /** Names of the DiGA's keys in the store, the newest and those that still open something. */
  generations(diga: string): { newest: string; older: string[] };
  /** A fresh generation and a fresh log key under it, to be stored together; used only after `reload`. */
  nextGeneration(diga: string): { data: NamedKey; log: NamedKey };
  /** Reads the DiGAs' keys anew. Whether a newest one is another now. Not inside a transaction. */
  reload(): Promise<boolean>;
};

/** `namespace`: of UUIDv5, so that ids of content stay and tell nothing of whom they are (mio-diga.md section 10). */
export type DocumentSecrets = { namespace: string; digestKey: Uint8Array };

type DigaKeys = {
  newest: number;
  data: ReadonlyMap<number, Uint8Array>;
  unreadable: ReadonlySet<number>;
  log: Uint8Array;
};

/** The 32 bytes of the master key file; its mode was checked with the settings. */
export function readMasterKey(path: string): Uint8Array {
  const key = readFileSync(path);
  if (key.length !== KEY_BYTES) throw new GatewayError('CONFIG_INVALID', 'masterKeyFile must hold exactly 32 bytes');
  return key;
}

/**
 * Opens or makes every named key. What only the previous master key opens is wrapped anew under the present one, all of it
 * or nothing. A master key that opens nothing ends here, before anything is accepted: STORE_BROKEN.
 */
export async function openVault(o: {
  masterKey: Uint8Array;
  previousMasterKey?: Uint8Array | undefined;
  keys: WrappedKeys;
  digas: readonly string[];
  random?: Random;
}): Promise<Vault> {
  const random = o.random ?? randomBytes;
  const master: Parent = { key: o.masterKey, generation: null };
  const openUnderMaster = ({ name, wrapped }: NamedKey): { key: Uint8Array; previous: boolean } => {
    try {
      return { key: unwrapKey(o.masterKey, name, wrapped), previous: false };
    } catch (thrown) {
      if (o.previousMasterKey === undefined) throw thrown;
      return { key: unwrapKey(o.previousMasterKey, name, wrapped), previous: true };
    }
  };
  const fresh = (parent: Parent, name: string) => wrapKey({ parent, name, key: random(KEY_BYTES), random });
  const named = async (name: string) =>
    openUnderMaster({ name, wrapped: await o.keys.insertIfAbsent(name, fresh(master, name)) }).key;

  await underPresentMaster();
  // Keys apart (D6): none of those here can rotate while what they were used on is compared with.
  const lookup = await named('lookup');
  const body = await named('body');
  const rows = await named('rows');
  const documents = documentSecrets(await named('documents'));
  const audit = auditKeys(await named('audit'));
  let digaKeys = new Map<string, DigaKeys>();
  for (const diga of o.digas) {
    const stored = await o.keys.all();
    if (generationsOf(stored, diga).size === 0)
      await o.keys.insertIfAbsent(dataName(diga, 1), fresh(master, dataName(diga, 1)));
  }
  for (const diga of o.digas) digaKeys.set(diga, await open(diga, await o.keys.all()));
  const of = (diga: string) => {
    const keys = digaKeys.get(diga);
    if (keys === undefined) throw new GatewayError('INTERNAL', 'no key for this DiGA');
    return keys;
  };
  const newestOf = (diga: string): Parent => ({ key: parentOf(diga, of(diga).newest), generation: of(diga).newest });

  async function underPresentMaster(): Promise<void> {
    const stored = (await o.keys.all()).filter((k) => !k.name.startsWith('log/'));
    const opened = stored.map((k) => ({ ...k, ...openUnderMaster(k) }));
    const moved = opened.filter((k) => k.previous);
    if (moved.length > 0)
      await o.keys.replace(
        moved.map(({ name, key }) => ({ name, wrapped: wrapKey({ parent: master, name, key, random }) })),
      );
  }

  async function open(diga: string, stored: readonly NamedKey[]): Promise<DigaKeys> {
    const data = new Map<number, Uint8Array>();
    const unreadable = new Set<number>();
    for (const [generation, key] of generationsOf(stored, diga)) {
      try {
        data.set(generation, openUnderMaster(key).key);
      } catch {
        // Of a gateway that has another master key already; said where something under it is to be opened.
        const known = digaKeys.get(diga)?.data.get(generation);
        if (known === undefined) unreadable.add(generation);
        else data.set(generation, known);
      }
    }
    const newest = Math.max(0, ...data.keys());
    const key = data.get(newest);
    if (key === undefined)
      throw digaKeys.has(diga) && unreadable.size > 0
        ? outdated()
        : new GatewayError('STORE_BROKEN', 'the key of a DiGA does not open');
    const name = `log/${diga}`;
    const wrapped =
      stored.find((k) => k.name === name)?.wrapped ??
      (await o.keys.insertIfAbsent(name, fresh({ key, generation: newest }, name)));
    const parent = data.get(generationOf(wrapped));
    // A log key under an unreadable generation: the one in use stays until this gateway has the other master key.
    const log = parent === undefined ? digaKeys.get(diga)?.log : unwrapKey(parent, name, wrapped);
    if (log === undefined) throw new GatewayError('STORE_BROKEN', 'the log key of a DiGA does not open');
    return { newest, data, unreadable, log };
  }

  async function reload(): Promise<boolean> {
    const stored = await o.keys.all();
    const next = new Map<string, DigaKeys>();
    for (const diga of o.digas) next.set(diga, await open(diga, stored));
    const changed = o.digas.some((diga) => next.get(diga)?.newest !== of(diga).newest);
    digaKeys = next;
    return changed;
  }

  function parentOf(diga: string, generation: number): Uint8Array {
    const keys = of(diga);
    const parent = keys.data.get(generation);
    if (parent !== undefined) return parent;
    if (keys.unreadable.has(generation)) throw outdated();
    throw new GatewayError('STORE_BROKEN', 'the key that opens this is no longer held');
  }

  async function openDataKey(diga: string, name: string, wrapped: Uint8Array): Promise<Uint8Array> {
    const generation = generationOf(wrapped);
    if (!of(diga).data.has(generation)) await reload();
    return unwrapKey(parentOf(diga, generation), name, wrapped);
  }

  return {
    lookupKey: (diga, kvnr) => createHmac('sha256', lookup).update(`${diga}\0${kvnr}`).digest('hex'),
    pseudonym: (diga, kvnr) => createHmac('sha256', of(diga).log).update(kvnr).digest('hex').slice(0, 16),
    rowMac: rowMacOf(rows),
    bodyMac: (bytes) => createHmac('sha256', body).update(bytes).digest(),
    documents,
    audit,
    newDataKey: (diga, name, key = random(KEY_BYTES)) => {
      const wrapped = wrapKey({ parent: newestOf(diga), name, key, random });
      return { key, wrapped, under: dataName(diga, of(diga).newest) };
    },
    openDataKey,
    rewrapDataKey: async (diga, name, wrapped) => {
      const key = await openDataKey(diga, name, wrapped);
      return {
        wrapped: wrapKey({ parent: newestOf(diga), name, key, random }),
        under: dataName(diga, of(diga).newest),
      };
    },
    generations: (diga) => {
      const { newest, data, unreadable } = of(diga);
      const older = [...data.keys(), ...unreadable].filter((generation) => generation < newest);
      return { newest: dataName(diga, newest), older: older.map((generation) => dataName(diga, generation)) };
    },
    nextGeneration: (diga) => {
      const { newest, unreadable } = of(diga);
      const parent = { key: random(KEY_BYTES), generation: Math.max(newest, ...unreadable) + 1 };
      const name = dataName(diga, parent.generation);
      return {
        data: { name, wrapped: wrapKey({ parent: master, name, key: parent.key, random }) },
        log: { name: `log/${diga}`, wrapped: fresh(parent, `log/${diga}`) },
      };
    },
    reload,
  };
}

const rowMacOf = (key: Uint8Array) => (text: string) => createHmac('sha256', key).update(text).digest();

/** Two uses of one key apart; the namespace is a UUID of version 8 (RFC 9562). */
function documentSecrets(key: Uint8Array): DocumentSecrets {
  const of = (use: string) => createHmac('sha256', key).update(`epa-gateway documents ${use}`).digest();
  const uuid = of('namespace').subarray(0, 16);
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x80;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  const namespace = uuid.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { namespace, digestKey: of('digest') };
}

/** What verifies the seals of rows, beside a gateway. `wrapped`: the row `rows` of the keys. */
export function openRowMac(masterKey: Uint8Array, wrapped: Uint8Array): (text: string) => Uint8Array {
  return rowMacOf(unwrapKey(masterKey, 'rows', wrapped));
}

/** The keys of the audit trail alone, for whoever verifies it beside a gateway. `wrapped`: the row `audit` of the keys. */
export function openAuditKeys(masterKey: Uint8Array, wrapped: Uint8Array): AuditKeys {
  return auditKeys(unwrapKey(masterKey, 'audit', wrapped));
}

const outdated = () =>
  new GatewayError('KEYS_OUTDATED', 'a key of this DiGA is wrapped under a master key that is not known here');

/** The first generation bears the DiGA's name alone: stores of before have no other. Ids of DiGAs hold no slash. */
const dataName = (diga: string, generation: number) =>
  generation === 1 ? `diga/${diga}` : `diga/${diga}/${generation}`;

function generationsOf(stored: readonly NamedKey[], diga: string): Map<number, NamedKey> {
  const found = new Map<number, NamedKey>();
  for (const key of stored) {
    const [kind, id, number = '1'] = key.name.split('/');
    if (kind === 'diga' && id === diga) found.set(Number(number), key);
  }
  return found;
}
