// PIN operations over the whole way (KON-07, KON-08, D23): an operator asks, a person types at the simulated terminal, the gateway shows
// how it ended. One at a time, only where the state calls for it, never by itself.
import { afterEach, describe, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { exportBody, TestWorld } from './support/world.ts';

type Operation = {
  id: string;
  kind: string;
  state: string;
  result: string | null;
  leftTries: number | null;
  code: string | null;
  askedBy: string;
  heldUntil: string | null;
};
type Problem = { code: string; pin?: { state: string; leftTries: number | null }; operation?: Operation };
type SimCard = { iccsn: string; cardType: string; pinStatus: string; leftTries: number };

let world: TestWorld;
afterEach(() => world.stop());

const start = async () => {
  world = await TestWorld.start();
  await world.call('GET', '/admin/v1/cards', { admin: true });
};
const smcb = async () => {
  const card = (await world.control<SimCard[]>('GET', '/sim/cards')).find(({ cardType }) => cardType === 'SMC-B');
  return card ?? expect.unreachable('no SMC-B');
};
const change = async (patch: object) => world.control('PATCH', `/sim/cards/${(await smcb()).iccsn}`, patch);
const ask = async (kind: string, body: object = {}) =>
  world.call('POST', `/admin/v1/cards/${(await smcb()).iccsn}/pin/${kind}`, {
    admin: true,
    body: JSON.stringify(body),
  });
const verifications = () => world.sim.operations().VerifyPin ?? 0;

/** The operation when it has ended: the gateway says so in its log. */
async function ended(location: string | null, from: number): Promise<Operation> {
  await world.logged('pin operation ended', from);
  return (await world.call('GET', location ?? '', { admin: true })).json() as Operation;
}
async function done(kind: string, body: object = {}): Promise<Operation> {
  const from = world.logs.length;
  const answer = await ask(kind, body);
  expect([answer.status, answer.body]).toEqual([202, expect.stringContaining('"state":"running"')]);
  return ended(answer.headers.get('location'), from);
}
async function refused(kind: string, body: object = {}): Promise<Problem> {
  const answer = await ask(kind, body);
  expect(answer.status).toBe(409);
  return answer.json() as Problem;
}

describe('an operator asks for an entry at the terminal', () => {
  test('the right PIN: VerifyPin is called once, the card works, and the trail says who', async () => {
    await start();
    await change({ pinStatus: 'VERIFIABLE' });
    const operation = await done('verify');
    expect(operation).toMatchObject({ kind: 'verify', state: 'ended', result: 'OK', code: null });
    expect(verifications()).toBe(1);
    expect((await smcb()).pinStatus).toBe('VERIFIED');
    const trail = (await world.call('GET', '/admin/v1/audit?limit=200', { admin: true })).body;
    for (const action of ['pin.asked', 'pin.ended']) expect(trail).toContain(`"action":"${action}"`);
    expect(trail).toContain(`"actor":{"kind":"operator","id":"${operation.askedBy}"`);
  });

  test('three wrong entries block exactly once; the last one needs a confirmation; nothing asks again', async () => {
    await start();
    await change({ pinStatus: 'VERIFIABLE', enteredPin: 'wrong' });
    expect(await done('verify')).toMatchObject({ result: 'REJECTED', leftTries: 2, code: 'PIN_REJECTED' });
    expect(await done('verify')).toMatchObject({ result: 'REJECTED', leftTries: 1 });
    expect(await refused('verify')).toMatchObject({ code: 'PIN_CONFIRM_NEEDED', pin: { leftTries: 1 } });
    expect(await done('verify', { confirm: true })).toMatchObject({ result: 'NOWBLOCKED', code: 'SMCB_PIN_BLOCKED' });
    expect(await refused('verify', { confirm: true })).toMatchObject({
      code: 'PIN_STATE_UNFIT',
      pin: { state: 'blocked' },
    });
    expect(verifications()).toBe(3);
    expect(await smcb()).toMatchObject({ pinStatus: 'BLOCKED', leftTries: 0 });
  });

  test.each([
    ['cancel', 'PIN_ENTRY_ENDED'],
    ['timeout', 'PIN_ENTRY_ENDED'],
  ])('an entry that ends by %s costs no try and is not repeated', async (enteredPin, code) => {
    await start();
    await change({ pinStatus: 'VERIFIABLE', enteredPin });
    expect(await done('verify')).toMatchObject({ state: 'ended', code });
    expect([verifications(), (await smcb()).leftTries]).toEqual([1, 3]);
  });
});

test('the alarm of a card stands while somebody types, and ends when the PIN is right', async () => {
  await start();
  const { iccsn } = await smcb();
  const open = async () =>
    (
      (await world.call('GET', '/admin/v1/alarms?open=true', { admin: true })).json() as { alarms: { key: string }[] }
    ).alarms.map(({ key }) => key);
  await change({ pinStatus: 'VERIFIABLE', enteredPin: 'none' });
  await world.call('GET', '/admin/v1/cards?fresh=true', { admin: true });
  await expect.poll(open).toEqual([`card.${iccsn}.pin.k1`]);
  const from = world.logs.length;
  expect((await ask('verify')).status).toBe(202);
  const cards = await world.call('GET', '/admin/v1/cards?fresh=true', { admin: true });
  expect(cards.json()).toMatchObject({ cards: [{ iccsn, pin: { state: 'verifiable' } }] });
  expect(world.logs.slice(from).filter(({ event }) => event === 'alarm ended')).toEqual([]);
  // An export that needs a login does not wait for the person with one of the worker's places in its hands.
  const kvnr = world.insured(0);
  const waiting = await world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
  expect(waiting).toMatchObject({ status: 'waiting', reason: { code: 'SMCB_PIN_NOT_VERIFIED' } });
  await change({ enteredPin: 'right' });
  await world.logged('alarm ended', from);
  expect(await open()).toEqual([]);
  expect(await world.settled(waiting.id, new Set(['written']))).toMatchObject({ status: 'written' });
});

describe('what is refused', () => {
  test('a second one while one runs: 409 with the running one, and the terminal is asked once', async () => {
    await start();
    await change({ pinStatus: 'VERIFIABLE', enteredPin: 'none' });
    const first = await ask('verify');
    const second = await refused('verify');
    const { id } = first.json() as Operation;
    expect(second).toMatchObject({ code: 'PIN_OPERATION_RUNNING', operation: { id, state: 'running' } });
    const from = world.logs.length;
    await change({ enteredPin: 'right' });
    expect(await ended(first.headers.get('location'), from)).toMatchObject({ id, result: 'OK' });
    expect(verifications()).toBe(1);
  });

  test.each([
    ['verify', 'VERIFIED', 'verified'],
    ['verify', 'TRANSPORT_PIN', 'transport-pin'],
    ['verify', 'BLOCKED', 'blocked'],
    ['unblock', 'VERIFIABLE', 'verifiable'],
    ['unblock', 'VERIFIED', 'verified'],
    ['change', 'BLOCKED', 'blocked'],
  ])('%s of a PIN that is %s', async (kind, pinStatus, state) => {
    await start();
    await change({ pinStatus });
    expect(await refused(kind)).toMatchObject({ code: 'PIN_STATE_UNFIT', pin: { state } });
    const { VerifyPin = 0, ChangePin = 0, UnblockPin = 0 } = world.sim.operations();
    expect([VerifyPin, ChangePin, UnblockPin]).toEqual([0, 0, 0]);
  });

  test('who is no operator, a body with a PIN in it (KON-08), a card that is not there', async () => {
    await start();
    const { iccsn } = await smcb();
    const path = `/admin/v1/cards/${iccsn}/pin/verify`;
    expect((await world.call('POST', path, { admin: true, key: null })).status).toBe(401);
    expect((await world.call('POST', path, { admin: true, key: world.gateway.ready.apiKey ?? '' })).status).toBe(401);
    expect((await ask('verify', { pin: '123456' })).status).toBe(422);
    for (const other of ['80276883110000099999', 'x'])
      expect((await world.call('POST', `/admin/v1/cards/${other}/pin/verify`, { admin: true })).status).toBe(404);
    expect(verifications()).toBe(0);
  });
});

test('a card that was pulled and a terminal without its plug are told as that, to an operator', async () => {
  await start();
  const terminal = (await smcb()) as SimCard & { ctId: string };
  const verify = async () => {
    const answer = await ask('verify');
    return [answer.status, answer.json()];
  };
  await world.control('PATCH', `/sim/terminals/${terminal.ctId}`, { connected: false });
  expect(await verify()).toEqual([503, expect.objectContaining({ code: 'TERMINAL_OFFLINE', who: 'operator' })]);
  await world.control('PATCH', `/sim/terminals/${terminal.ctId}`, { connected: true });
  await change({ inserted: false });
  expect(await verify()).toEqual([404, expect.objectContaining({ code: 'SMCB_NOT_FOUND', who: 'operator' })]);
  const { iccsn } = await smcb();
  const state = await world.call('GET', `/admin/v1/cards/${iccsn}/pin`, { admin: true });
  expect([state.status, state.json()]).toEqual([404, expect.objectContaining({ code: 'SMCB_NOT_FOUND' })]);
  expect(verifications()).toBe(0);
});

test.each([
  ['different', 'PIN_NEW_DIFFERS', '4067'],
  ['short', 'PIN_LENGTH_WRONG', '4068'],
])('a new PIN that is %s changes nothing and says which entry was wrong', async (enteredPin, code, konnektorCode) => {
  await start();
  await change({ pinStatus: 'VERIFIABLE', enteredPin });
  expect(await done('change')).toMatchObject({ state: 'ended', code, konnektorCode });
  expect(await smcb()).toMatchObject({ pinStatus: 'VERIFIABLE', leftTries: 3 });
});

test('a connection lost while somebody types: the answer says until when the card is held, and nobody is prompted again', async () => {
  await start();
  await change({ pinStatus: 'VERIFIABLE', enteredPin: 'none' });
  await world.control('POST', '/sim/faults', { at: 'konnektor.VerifyPin', kind: 'reset-request' });
  const from = world.logs.length;
  const asked = await ask('verify');
  const lost = await ended(asked.headers.get('location'), from);
  expect(lost).toMatchObject({ state: 'unknown', result: null, code: 'PIN_OUTCOME_UNKNOWN' });
  const until = Date.parse(lost.heldUntil ?? '') - Date.now();
  expect(until).toBeGreaterThan(60_000);
  expect(until).toBeLessThanOrEqual(180_000);
  const prompts = verifications();
  const { heldUntil, id } = lost;
  expect(await refused('verify', { confirm: true })).toMatchObject({
    code: 'PIN_OPERATION_RUNNING',
    operation: { id, state: 'unknown', heldUntil },
  });
  const state = await world.call('GET', `/admin/v1/cards/${(await smcb()).iccsn}/pin`, { admin: true });
  expect(state.json()).toMatchObject({ state: 'verifiable', operation: { id, state: 'unknown', heldUntil } });
  expect(verifications()).toBe(prompts);
});

test('the state of one session is asked by its Konnektor', async () => {
  await start();
  const path = `/admin/v1/cards/${(await smcb()).iccsn}/pin`;
  const of = (query: string) => world.call('GET', `${path}${query}`, { admin: true });
  expect((await of('?konnektor=k1')).json()).toMatchObject({ konnektor: 'k1', state: 'verified' });
  expect((await of('?konnektor=k9')).status).toBe(404);
  expect((await of('?other=k1')).status).toBe(422);
});

test('exports that wait for the PIN are written at once when it is verified', async () => {
  await start();
  await change({ pinStatus: 'VERIFIABLE' });
  const kvnr = world.insured(0);
  const waiting = await world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
  expect(waiting).toMatchObject({ status: 'waiting', reason: { code: 'SMCB_PIN_NOT_VERIFIED' } });
  await done('verify');
  expect(await world.settled(waiting.id, new Set(['written']))).toMatchObject({ status: 'written' });
  expect(verifications()).toBe(1);
});
