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
import type { OpenSession, WriteOutcome } from '../../gateway/exports/ports.ts';
import { createRenewals } from '../../gateway/exports/renewals.ts';
import { sealRowsOfBefore } from '../../gateway/exports/row-audit.ts';
import { withRowSeals } from '../../gateway/exports/row-seals.ts';
import { type Database, openStore, readExport } from '../../gateway/exports/store.ts';
import type { House } from '../../gateway/exports/trip.ts';
import { type Slots, Worker } from '../../gateway/exports/worker.ts';
import { silentLogger } from '../../gateway/log.ts';
import { createMetrics } from '../../gateway/metrics.ts';
import { openVault, type Vault } from '../../gateway/vault/keys.ts';
import { FakeOutside } from './fake-outside.ts';
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
