// Alarms (MON-03): a cause with a beginning and an end, told once per channel, across restarts; nothing else is told.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AlarmCause } from '../../../../gateway/alarms/alarms.ts';
import { type AlarmBench, alarmBench } from '../../../support/alarm-bench.ts';
import { KVNR, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';

let house: TestHouse;
const benches: AlarmBench[] = [];
beforeEach(async () => {
  house = await testHouse();
});
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.alarms.stop();
  await house.close();
});
const bench = async (channels?: readonly string[], language?: 'de' | 'en', gateway?: string) => {
  const { db, clock, directory } = house;
  const made = alarmBench({
    db,
    clock,
    directory,
    ...(channels && { channels }),
    ...(language && { language }),
    ...(gateway && { gateway }),
  });
  benches.push(made);
  await made.alarms.start();
  return made;
};
const pin: AlarmCause = { key: 'card.1.pin', code: 'SMCB_PIN_NOT_VERIFIED', subject: 'card 1', diga: 'demo' };

test('a cause is told with its remedy, and so is its end', async () => {
  const b = await bench(undefined, 'en');
  await b.alarms.raise(pin);
  await b.alarms.idle();
  expect(b.alarms.open()).toMatchObject([{ key: 'card.1.pin', code: 'SMCB_PIN_NOT_VERIFIED', clearedAt: null }]);
  house.clock.advance(60_000);
  await b.alarms.clear('card.1.pin');
  await b.alarms.idle();
  expect(b.heard()).toEqual(['alarm.raised SMCB_PIN_NOT_VERIFIED', 'alarm.cleared SMCB_PIN_NOT_VERIFIED']);
  const [raised, cleared] = b.told;
  expect(raised?.body).toMatchObject({ environment: 'SIM', data: { subject: 'card 1', clearedAt: null } });
  expect(raised?.body.data.remedy).toContain('PIN');
  expect(cleared?.body.data.clearedAt).toBe('2026-11-25T11:01:00.000Z');
  expect(raised?.webhookId).not.toBe(cleared?.webhookId);
  expect(b.alarms.open()).toEqual([]);
  expect(await b.alarms.list()).toMatchObject([{ key: 'card.1.pin', clearedAt: house.clock.now() }]);
});

test('raised again it changes nothing, and an end without a beginning neither', async () => {
  const b = await bench();
  await b.alarms.clear('card.1.pin');
  await Promise.all([b.alarms.raise(pin), b.alarms.raise(pin), b.alarms.raise({ ...pin, subject: 'the same' })]);
  await b.alarms.raise(pin);
  await b.alarms.idle();
  expect(b.heard()).toEqual(['alarm.raised SMCB_PIN_NOT_VERIFIED']);
  expect(await b.alarms.list()).toMatchObject([{ subject: 'card 1' }]);
});

test('after its end the same cause is a new alarm', async () => {
  const b = await bench();
  await b.alarms.raise(pin);
  await b.alarms.clear(pin.key);
  await b.alarms.raise(pin);
  await b.alarms.idle();
  expect(b.heard().map((line) => line.split(' ')[0])).toEqual(['alarm.raised', 'alarm.cleared', 'alarm.raised']);
  expect(new Set((await b.alarms.list()).map(({ id }) => id)).size).toBe(2);
});

test('a further stage and a worse code are told, the stage of before is not', async () => {
  const b = await bench();
  const level = (stage: string) => b.alarms.raise({ ...pin, code: 'CERTIFICATE_EXPIRES', stage });
  for (const stage of ['90', '90', '60', '90', '60']) await level(stage);
  await b.alarms.raise({ ...pin, code: 'CERTIFICATE_EXPIRED', stage: '60' });
  await b.alarms.idle();
  // Back to a stage that was told: the store remembers it.
  expect(b.heard()).toEqual([
    'alarm.raised CERTIFICATE_EXPIRES 90',
    'alarm.reminded CERTIFICATE_EXPIRES 60',
    'alarm.reminded CERTIFICATE_EXPIRED 60',
  ]);
});

describe('across restarts', () => {
  test('nothing is told twice, and what is open stays open', async () => {
    const before = await bench();
    await before.alarms.raise(pin);
    await before.alarms.idle();
    await before.alarms.stop();
    const after = await bench();
    await after.alarms.raise(pin);
    await after.alarms.idle();
    expect(after.alarms.open()).toMatchObject([{ key: pin.key }]);
    expect(after.heard()).toEqual([]);
    await after.alarms.clear(pin.key);
    await after.alarms.idle();
    expect(after.heard()).toEqual(['alarm.cleared SMCB_PIN_NOT_VERIFIED']);
  });

  test('what was not taken yet is told by the next', async () => {
    const before = await bench();
    before.answers.set('ops', () => 'UNREACHABLE');
    await before.alarms.raise(pin);
    await before.alarms.idle();
    await before.alarms.stop();
    const after = await bench();
    await after.pass(5_000);
    expect(after.heard()).toEqual(['alarm.raised SMCB_PIN_NOT_VERIFIED']);
  });

  test('a channel that is new is told of what is open, the other is not told again', async () => {
    const before = await bench();
    await before.alarms.raise(pin);
    await before.alarms.idle();
    await before.alarms.stop();
    const after = await bench(['ops', 'night']);
    await after.alarms.idle();
    expect([after.heard('ops'), after.heard('night')]).toEqual([[], ['alarm.raised SMCB_PIN_NOT_VERIFIED']]);
  });

  test('an alarm that ended long ago is forgotten, one that is open never', async () => {
    const before = await bench();
    await before.alarms.raise(pin);
    await before.alarms.raise({ ...pin, key: 'other' });
    await before.alarms.clear('other');
    await before.alarms.stop();
    house.clock.advance(91 * 86_400_000);
    const after = await bench();
    expect(await after.alarms.list()).toMatchObject([{ key: pin.key }]);
  });
});

describe('a channel that does not take it', () => {
  test('is told again, in order, and keeps no other waiting', async () => {
    const b = await bench(['ops', 'dead']);
    let dead: number | 'UNREACHABLE' = 'UNREACHABLE';
    b.answers.set('dead', () => dead);
    await b.alarms.raise(pin);
    await b.alarms.clear(pin.key);
    await b.alarms.idle();
    expect(b.heard('ops')).toHaveLength(2);
    expect(b.heard('dead')).toEqual(['alarm.raised SMCB_PIN_NOT_VERIFIED']);
    expect(await b.alarms.channels()).toEqual([
      { id: 'webhook/ops', kind: 'webhook', waiting: 0, since: null, code: null },
      { id: 'webhook/dead', kind: 'webhook', waiting: 2, since: house.clock.now(), code: 'WEBHOOK_UNREACHABLE' },
    ]);
    dead = 204;
    await b.pass(5_000);
    expect(b.heard('dead').slice(1)).toEqual([
      'alarm.raised SMCB_PIN_NOT_VERIFIED',
      'alarm.cleared SMCB_PIN_NOT_VERIFIED',
    ]);
  });

  test('for a week is given up on that message, and told the next', async () => {
    const b = await bench();
    b.answers.set('ops', () => 500);
    await b.alarms.raise(pin);
    await b.pass(8 * 86_400_000);
    expect((await b.alarms.channels())[0]).toMatchObject({ waiting: 0 });
    b.answers.delete('ops');
    await b.alarms.clear(pin.key);
    await b.alarms.idle();
    expect(b.heard().at(-1)).toBe('alarm.cleared SMCB_PIN_NOT_VERIFIED');
  });
});

test('two gateways on one store tell each message once', async () => {
  const [a, b] = [await bench(), await bench()];
  await Promise.all([a.alarms.raise(pin), b.alarms.raise(pin)]);
  await Promise.all([a.alarms.idle(), b.alarms.idle()]);
  expect([...a.heard(), ...b.heard()]).toEqual(['alarm.raised SMCB_PIN_NOT_VERIFIED']);
});

test('what has the shape of a KVNR is masked in subject and details', async () => {
  const b = await bench();
  await b.alarms.raise({ ...pin, subject: `about ${KVNR}`, details: { who: KVNR, n: 1 } });
  await b.alarms.idle();
  expect(b.told).toHaveLength(1);
  expect(b.told[0]?.text).not.toContain(KVNR);
});

test('a test alarm of any code reaches every channel and is no alarm (MON-03)', async () => {
  const b = await bench(['ops', 'dead']);
  b.answers.set('dead', () => 403);
  expect(await b.alarms.test('SMCB_PIN_BLOCKED')).toMatchObject([
    { channel: 'webhook/ops', delivered: true, status: 204, code: null },
    { channel: 'webhook/dead', delivered: false, status: 403, code: 'WEBHOOK_REFUSED' },
  ]);
  expect(b.heard()).toEqual(['alarm.test SMCB_PIN_BLOCKED']);
  expect([b.alarms.open(), await b.alarms.list()]).toEqual([[], []]);
});

test('a store that fails is an error in the log, never of the caller', async () => {
  const b = await bench();
  await house.db.schema.dropTable('alarm_messages').execute();
  await house.db.schema.dropTable('alarm_sights').execute();
  await house.db.schema.dropTable('alarms').execute();
  await expect(b.alarms.raise(pin)).resolves.toBeUndefined();
  await expect(b.alarms.clear(pin.key)).resolves.toBeUndefined();
});

describe('several gateways on one store', () => {
  const HOUR = 3_600_000;
  const two = async () => [await bench(), await bench(undefined, undefined, 'gateway-2')] as const;
  const heard = async (...all: AlarmBench[]) => {
    for (const { alarms } of all) await alarms.idle();
    return all.flatMap((one) => one.heard().map((line) => line.split(' ')[0]));
  };
  test('what one sees and the other does not stands, and ends when nobody sees it', async () => {
    const [a, b] = await two();
    await a.alarms.raise(pin);
    await b.alarms.clear(pin.key);
    await a.alarms.raise(pin);
    await b.alarms.raise(pin);
    await a.alarms.clear(pin.key);
    expect(await heard(a, b)).toEqual(['alarm.raised']);
    expect(await b.alarms.list({ open: true })).toMatchObject([{ key: pin.key }]);
    await b.alarms.clear(pin.key);
    expect((await heard(a, b)).sort()).toEqual(['alarm.cleared', 'alarm.raised']);
    await a.alarms.tend();
    expect([a.alarms.open(), b.alarms.open()]).toEqual([[], []]);
  });
  test('what only one has seen that is gone for good ends by another, hours after it was last seen', async () => {
    const [a, b] = await two();
    await a.alarms.raise(pin);
    house.clock.advance(HOUR);
    await a.alarms.raise(pin);
    await b.alarms.tend();
    expect(b.alarms.open()).toMatchObject([{ key: pin.key }]);
    house.clock.advance(3 * HOUR - 1);
    await b.alarms.clear(pin.key);
    expect(await b.alarms.list({ open: true })).toHaveLength(1);
    house.clock.advance(1);
    await b.alarms.clear(pin.key);
    expect(await b.alarms.list({ open: true })).toEqual([]);
  });
});

test('the list hides no open alarm behind those that have ended since', async () => {
  const b = await bench();
  await b.alarms.raise(pin);
  for (let n = 0; n < 4; n++) {
    house.clock.advance(60_000);
    await b.alarms.raise({ ...pin, key: 'other' });
    await b.alarms.clear('other');
  }
  const keys = async (o: { open?: boolean; limit: number }) => (await b.alarms.list(o)).map(({ key }) => key);
  expect(await keys({ limit: 2 })).toEqual(['other', 'other', pin.key]);
  expect(await keys({ open: true, limit: 2 })).toEqual([pin.key]);
  expect(await keys({ open: false, limit: 2 })).toEqual(['other', 'other']);
});
