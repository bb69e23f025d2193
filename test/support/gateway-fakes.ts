// A gateway house for tests: real store and vault in a temporary directory, the outside as programmable fakes, a clock that
// moves only when told.
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoDocument } from '../../demo/document.ts';
import { GatewayError } from '../../gateway/errors.ts';
import { acceptExport, type ExportOrder } from '../../gateway/exports/accept.ts';
import { createChainHealth } from '../../gateway/exports/chain-health.ts';
import { wrappedKeys } from '../../gateway/exports/key-store.ts';
import type { OpenSession, OuterPorts, WriteOrder, WriteOutcome } from '../../gateway/exports/ports.ts';
import { createRenewals } from '../../gateway/exports/renewals.ts';
import { sealRowsOfBefore } from '../../gateway/exports/row-audit.ts';
import { withRowSeals } from '../../gateway/exports/row-seals.ts';
import { type Database, openStore, readExport } from '../../gateway/exports/store.ts';
import type { House } from '../../gateway/exports/trip.ts';
import { type Slots, Worker } from '../../gateway/exports/worker.ts';
import { KonnektorHealth } from '../../gateway/konnektor/konnektor-health.ts';
import type { KonnektorParts } from '../../gateway/konnektor-parts.ts';
import { silentLogger } from '../../gateway/log.ts';
import { createMetrics } from '../../gateway/metrics.ts';
import { openVault, type Vault } from '../../gateway/vault/keys.ts';
import { dropStores, storeOf } from './stores.ts';

export const KVNR = 'X110411675';
export const OTHER_KVNR = 'A123456780';
export const TELEMATIK_ID = '9-DEMO-DIGA-0001';
/** 2026-11-25, noon in Berlin. */
export const NOON = Date.parse('2026-11-25T11:00:00Z');

/** A clock that stands until told. */
export function standingClock(at = NOON) {
  let time = at;
  return {
    now: () => time,
    advance: (ms: number) => {
      time += ms;
    },
  };
}

/** A directory that is gone after the test. */
export function temporaryDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'epa-gateway-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A file with mode 0600. */
export function secretFile(directory: string, name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  chmodSync(path, 0o600);
  return path;
}

const TEMPLATE_AT = new Date('2026-11-20T08:00:00Z');
const KVNR_IDENTIFIER = /<identifier>(?:(?!<\/identifier>).)*kvid-10.*?<\/identifier>/;
let template: string | undefined;

/** A small valid document with `text` (free of XML's own characters) in its diary; about `kvnr` where one is given. */
export function mioBundle(text: string, kvnr?: string): Buffer {
  template ??= Buffer.from(demoDocument(KVNR, 1, TEMPLATE_AT)).toString('utf8');
  const about = kvnr === undefined ? template.replace(KVNR_IDENTIFIER, '') : template.replace(KVNR, kvnr);
  return Buffer.from(about.replace(/(<valueString value=")[^"]*/, `$1${text}`));
}

/** An order as the API makes it. */
export function exportOrder(change: Partial<ExportOrder> = {}): ExportOrder {
  return {
    diga: 'demo',
    client: 'demo-backend',
    reference: null,
    kvnr: KVNR,
    kvnrSource: { issuer: 'https://idp.kasse.example', authenticatedAt: '2026-11-20T08:00:00Z' },
    series: 'main',
    queue: 'latest',
    priority: 'user',
    consent: { id: 'c-4711', version: '2026-05', grantedAt: '2026-10-01T08:00:00Z' },
    prescriptionEnds: '2026-12-31',
    notBefore: null,
    notAfter: null,
    onTargetGone: 'fail',
    document: { mimeType: 'application/fhir+xml', content: mioBundle('one') },
    ...change,
  };
}

export type Write = { order: WriteOrder; content: Buffer; session: OpenSession };
/** What the record system does with one write; `sent` has not been called when it throws at once. */
export type Answer = (write: Write) => WriteOutcome | Promise<WriteOutcome>;

/** A fake of everything outside; answers are taken from `answers` in order, then everything is stored. */
export class FakeOutside {
  readonly writes: Write[] = [];
  readonly answers: Answer[] = [];
  /** Thrown at acquire, in order; undefined: a session. */
  readonly sessionFaults: (GatewayError | undefined)[] = [];
  readonly locateFaults: (GatewayError | undefined)[] = [];
  /** Thrown before a byte leaves, in order. */
  readonly sendFaults: (GatewayError | undefined)[] = [];
  readonly opened: number[] = [];
  readonly forgotten: string[] = [];
  /** Where each enquiry was told to stay, and where the record is found. */
  readonly stays: (string | undefined)[] = [];
  place = (_stay: string | undefined): string => 'epa-as-1';
  /** Key sets that token issuers answer, by address; what is not there cannot be reached. */
  readonly tokenKeys = new Map<string, object>();
  readonly tokenKeysAsked: string[] = [];
  readonly fetchTokenKeys = async ({ url }: { url: string }) => {
    this.tokenKeysAsked.push(url);
    const keys = this.tokenKeys.get(url);
    if (keys === undefined) throw new GatewayError('TOKEN_KEYS_UNREACHABLE', 'away');
    return Buffer.from(JSON.stringify(keys));
  };
  readonly settled = async () => {};
  readonly recordSystems = () => [];
  /** No Konnektor to look at: cards are what `ports.cards` says. */
  readonly konnektors: KonnektorParts = noKonnektors();
  readonly listen = () => {};
  readonly #now: () => number;
  #session: OpenSession | undefined;

  #written = Promise.withResolvers<void>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Resolves with the next write that has arrived, before it is answered. */
  writing(): Promise<void> {
    return this.#written.promise;
  }

  readonly ports: OuterPorts<OpenSession> = {
    cards: {
      signerFor: async (diga) => ({
        telematikId: diga.telematikId,
        iccsn: '80276883110000000001',
        certificateDer: new Uint8Array(),
        sign: async () => new Uint8Array(64),
      }),
    },
    locator: {
      locate: async (_kvnr, _key, stay) => {
        this.stays.push(stay);
        const fault = this.locateFaults.shift();
        if (fault !== undefined) throw fault;
        return this.place(stay);
      },
      forget: (lookupKey) => {
        this.forgotten.push(lookupKey);
      },
    },
    sessions: {
      acquire: async (o) => {
        const fault = this.sessionFaults.shift();
        if (fault !== undefined) throw fault;
        const known = this.#session;
        if (known !== undefined && (o.freshAfter === undefined || known.openedAt > o.freshAfter)) return known;
        const openedAt = Math.max(this.#now(), (o.freshAfter ?? 0) + 1);
        this.opened.push(openedAt);
        this.#session = { recordSystem: o.recordSystem, telematikId: o.diga.telematikId, openedAt, release() {} };
        return this.#session;
      },
    },
    write: async (session, order) => {
      const fault = this.sendFaults.shift();
      if (fault !== undefined) throw fault;
      await order.beforeFirstByte();
      const parts: Uint8Array[] = [];
      for await (const chunk of order.content.chunks()) parts.push(chunk);
      const write = { order, session, content: Buffer.concat(parts) };
      this.writes.push(write);
      this.#written.resolve();
      this.#written = Promise.withResolvers();
      return (await this.answers.shift()?.(write)) ?? { kind: 'stored' };
    },
  };
}

function noKonnektors(): KonnektorParts {
  const away = async () => {
    throw new GatewayError('KONNEKTOR_UNREACHABLE', 'there is no Konnektor in this test');
  };
  return {
    clients: [],
    health: new KonnektorHealth(() => () => {}),
    smcb: {
      certificateOf: away,
      atCard: (_iccsn, work) => work(),
      silence: () => undefined,
      probe: () => {},
      lookAnew: () => {},
      inUse: () => undefined,
      queueLength: () => 0,
    },
    desk: {
      find: async () => undefined,
      pin: away,
      enter: away,
      requireUsable: away,
      judge: away,
      ocsp: away,
      testSignature: away,
    },
    onTrouble: () => {},
  };
}

export const registryError = (
  meaning: Extract<WriteOutcome, { kind: 'registry-error' }>['meaning'],
  errorCode = 'XDSRepositoryError',
): WriteOutcome => ({ kind: 'registry-error', errorCode, codeContext: 'as the registry says', meaning });

export const noAnswer = (): WriteOutcome => ({
  kind: 'no-answer',
  error: new GatewayError('WRITE_UNANSWERED', 'the connection ended'),
});

export type TestHouse = {
  db: Database;
  /** Rows that were met and are not what was sealed. */
  broken: string[];
  vault: Vault;
  outside: FakeOutside;
  house: Omit<House<OpenSession>, 'onChannel'>;
  clock: ReturnType<typeof standingClock>;
  directory: string;
  masterKey: Uint8Array;
  /** Due times that the worker asked its timer for. */
  timers: number[];
  /** Nothing is large for it where no slots are given but a number. */
  worker(slots?: number | Slots): Worker<OpenSession>;
  accept(change?: Partial<ExportOrder>): Promise<string>;
  read(id: string): Promise<NonNullable<Awaited<ReturnType<typeof readExport>>>>;
  close(): Promise<void>;
};

/** Everything a journey needs. */
export async function testHouse(
  o: {
    directory?: string;
    masterKey?: Uint8Array;
    clock?: ReturnType<typeof standingClock>;
    renewalsEveryMs?: number;
  } = {},
): Promise<TestHouse> {
  const temporary = o.directory === undefined ? temporaryDirectory() : { path: o.directory, remove: () => {} };
  const clock = o.clock ?? standingClock();
  const masterKey = o.masterKey ?? randomBytes(32);
  const store = await openStore(temporary.path, storeOf(temporary.path));
  const vault = await openVault({ masterKey, keys: wrappedKeys(store, clock), digas: ['demo', 'second'] });
  const broken: string[] = [];
  const db = withRowSeals(store, { mac: vault.rowMac, broken: (kind, id) => void broken.push(`${kind} ${id}`.trim()) });
  const old = await db.selectFrom('exports').select('id').limit(1).executeTakeFirst();
  const seal = await db.selectFrom('row_seals').select('kind').limit(1).executeTakeFirst();
  if (old !== undefined && seal === undefined) await sealRowsOfBefore(db, clock.now());
  const outside = new FakeOutside(clock.now);
  const timers: number[] = [];
  const diga = (id: string, telematikId: string) => ({
    id,
    name: 'Demo DiGA',
    manufacturer: 'Demo DiGA GmbH',
    telematikId,
    konnektors: ['k1'],
    webhooks: [],
    mioVersions: ['1.1.0'],
  });
  const house = {
    db,
    vault,
    outer: outside.ports,
    digas: new Map([
      ['demo', diga('demo', TELEMATIK_ID)],
      ['second', diga('second', '9-SECOND-0002')],
    ]),
    renewals: createRenewals(o.renewalsEveryMs ?? 900_000),
    health: createChainHealth(),
    log: silentLogger,
    metrics: createMetrics(),
    now: clock.now,
    random: () => 0,
    retrySeconds: {},
    failedContentDays: 14,
    kvnrGraceDays: 92,
    ageLimits: { approvalDays: 30, unclearDays: 90 },
    limits: { documentBytes: 25_000_000, requestBytes: 250_000_000 },
    ended: () => {},
    lease: { holder: temporary.path, ms: 30_000 },
  };
  return {
    db,
    broken,
    vault,
    outside,
    house,
    clock,
    directory: temporary.path,
    masterKey,
    timers,
    worker: (slots = 16) =>
      new Worker({
        house,
        slots: typeof slots === 'number' ? { small: slots, large: 1, fromBytes: Number.MAX_SAFE_INTEGER } : slots,
        timer: (ms) => {
          timers.push(clock.now() + ms);
          return () => {};
        },
      }),
    accept: async (change = {}) =>
      (await acceptExport({ db, vault, order: exportOrder(change), key: null, now: clock.now() })).id,
    read: async (id) => {
      const stored = await readExport(db, id);
      if (stored === undefined) throw new Error('no such export');
      return stored;
    },
    close: async () => {
      await db.destroy();
      if (o.directory === undefined) await dropStores(temporary.path);
      temporary.remove();
    },
  };
}

export const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');
