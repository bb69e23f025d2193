// Alarms that are looked for by time (MON-03), each fired and ended over a real store: stalled exports, an outcome long unknown, a
// broken audit trail, and what other parts name.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AlarmCause } from '../../../../gateway/alarms/alarms.ts';
import { type StandingCause, watchAlarms } from '../../../../gateway/alarms/watch.ts';
import { GatewayError } from '../../../../gateway/errors.ts';
import { startAuditCheckpoints } from '../../../../gateway/exports/audit-checkpoints.ts';
import { silentLogger } from '../../../../gateway/log.ts';
import { type AlarmBench, alarmBench, alarmSettings } from '../../../support/alarm-bench.ts';
import { noAnswer, OTHER_KVNR, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';

const HOUR = 3_600_000;
let house: TestHouse;
let bench: AlarmBench;
let standing: Map<string, StandingCause>;
let cards: AlarmCause[];
let untold: Set<string>;
let watch: ReturnType<typeof watchAlarms>;
beforeEach(async () => {
  house = await testHouse();
  const { db, clock, directory, vault } = house;
  bench = alarmBench({ db, clock, directory });
  await bench.alarms.start();
  standing = new Map();
  cards = [];
  untold = new Set();
  const timer = () => () => {};
  await startAuditCheckpoints({
    ...{ db, directory, timer, now: clock.now, log: silentLogger },
    keys: vault.audit,
    settings: {},
    environment: 'SIM',
  });
  watch = watchAlarms({
    ...{ db, alarms: bench.alarms, standing, timer, now: clock.now, log: silentLogger },
    levels: alarmSettings(),
    audit: { keys: vault.audit, directory },
    groups: [{ ours: /^card\.\w+\.revoked$/, causes: () => cards, untold: (key) => untold.has(key) }],
  });
});
afterEach(async () => {
  watch.stop();
  await bench.alarms.stop();
  await house.close();
});
const open = async () => {
  await watch.look();
  return bench.alarms.open().map(({ code }) => code);
};
const worked = async () => {
  const worker = house.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(0);
};

describe('no export was written for hours while one waits', () => {
  test('is an alarm that ends with the next one written', async () => {
    house.outside.sessionFaults.push(new GatewayError('SMCB_PIN_NOT_VERIFIED', 'x'));
    await house.accept();
    await worked();
    expect(await open()).toEqual([]);
    house.clock.advance(24 * HOUR);
    expect(await open()).toEqual(['EXPORTS_STALLED']);
    expect(bench.alarms.open()[0]?.details).toEqual({ hours: 24, reason: 'SMCB_PIN_NOT_VERIFIED' });
    await worked();
    expect(await open()).toEqual([]);
  });
  test('not while others are written', async () => {
    house.outside.sessionFaults.push(new GatewayError('SMCB_PIN_NOT_VERIFIED', 'x'));
    await house.accept();
    await worked();
    house.clock.advance(24 * HOUR);
    await house.accept({ kvnr: OTHER_KVNR });
    await worked();
    expect(await open()).toEqual([]);
  });
  test('not where the insured must act, or its time has not come', async () => {
    house.outside.answers.push(() => ({
      ...{ kind: 'registry-error', errorCode: 'x', codeContext: '', meaning: 'not-entitled' },
    }));
    house.outside.answers.push(() => ({
      ...{ kind: 'registry-error', errorCode: 'x', codeContext: '', meaning: 'not-entitled' },
    }));
    await house.accept();
    await house.accept({ kvnr: OTHER_KVNR, notBefore: new Date(house.clock.now() + 20 * 24 * HOUR).toISOString() });
    await worked();
    house.clock.advance(48 * HOUR);
    expect(await open()).toEqual([]);
  });
});

test('an outcome that stays unknown is an alarm, and ends with it', async () => {
  house.outside.answers.push(noAnswer);
  const id = await house.accept();
  await worked();
  expect((await house.read(id)).row.status).toBe('unclear');
  house.clock.advance(23 * HOUR);
  expect(await open()).toEqual([]);
  house.clock.advance(HOUR);
  expect((await open()).sort()).toEqual(['EXPORTS_STALLED', 'UNCLEAR_TOO_LONG']);
  await worked();
  expect(await open()).toEqual([]);
});

describe('the audit trail', () => {
  test('that somebody changed is an alarm at the next daily look', async () => {
    await house.accept();
    expect(await open()).toEqual([]);
    const raw = new DatabaseSync(join(house.directory, 'gateway.db'));
    raw.exec("DROP TRIGGER audit_no_update; UPDATE audit SET actor = 'somebody' WHERE seq = 1");
    raw.close();
    house.clock.advance(23 * HOUR);
    expect(await open()).toEqual([]);
    house.clock.advance(HOUR);
    expect((await open()).filter((code) => code === 'AUDIT_BROKEN')).toEqual(['AUDIT_BROKEN']);
    expect(bench.alarms.open().find(({ code }) => code === 'AUDIT_BROKEN')?.subject).toBe('entry 1');
  });
  test('is one at once where an operator has it verified, until it is found whole', async () => {
    await watch.auditJudged({ ok: false, firstBroken: null });
    expect(bench.alarms.open()).toMatchObject([{ code: 'AUDIT_BROKEN', subject: 'checkpoints' }]);
    await watch.auditJudged({ ok: true, firstBroken: null });
    expect(bench.alarms.open()).toEqual([]);
  });
});

test('what other parts name is raised while they name it: a trust-service list, a revoked card', async () => {
  let check: string | null = 'tsl.expired';
  standing.set('tsl', () =>
    check === null ? null : { key: 'tsl', code: 'TRUST_LIST_UNUSABLE', subject: check, stage: check },
  );
  cards = [{ key: 'card.1.revoked', code: 'CERTIFICATE_REVOKED', subject: 'SMC-B 1 (demo)', diga: 'demo' }];
  expect((await open()).sort()).toEqual(['CERTIFICATE_REVOKED', 'TRUST_LIST_UNUSABLE']);
  check = 'tsl.grace';
  cards = [];
  expect(await open()).toEqual(['TRUST_LIST_UNUSABLE']);
  await bench.alarms.idle();
  expect(bench.heard()).toEqual([
    'alarm.raised TRUST_LIST_UNUSABLE tsl.expired',
    'alarm.raised CERTIFICATE_REVOKED',
    'alarm.reminded TRUST_LIST_UNUSABLE tsl.grace',
    'alarm.cleared CERTIFICATE_REVOKED',
  ]);
  check = null;
  expect(await open()).toEqual([]);
});

describe('an alarm that an earlier process has left', () => {
  const revoked: AlarmCause = { key: 'card.1.revoked', code: 'CERTIFICATE_REVOKED', subject: 'SMC-B 1 (demo)' };
  test('ends once its cause is seen to be gone, and stands while nobody can tell', async () => {
    await bench.alarms.raise(revoked);
    untold.add(revoked.key);
    expect(await open()).toEqual(['CERTIFICATE_REVOKED']);
    untold.clear();
    expect(await open()).toEqual([]);
  });
  test('and has ended long ago is forgotten while the gateway runs', async () => {
    await bench.alarms.raise(revoked);
    await bench.alarms.clear(revoked.key);
    house.clock.advance(89 * 24 * HOUR);
    await watch.look();
    expect(await bench.alarms.list()).toHaveLength(1);
    house.clock.advance(2 * 24 * HOUR);
    await watch.look();
    expect(await bench.alarms.list()).toEqual([]);
  });
});
