// When a Konnektor is looked at (KON-06, KON-11, MON-04): by its time, soon after a hint and never twice at once, often while something is
// amiss; and what becomes of calls to one that has fallen silent.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { type KonnektorSight, KonnektorWatch } from '../../../../gateway/cards/konnektor-watch.ts';
import { EgressError } from '../../../../gateway/egress.ts';
import { GatewayError } from '../../../../gateway/errors.ts';
import { KonnektorHealth } from '../../../../gateway/konnektor/konnektor-health.ts';
import type { Survey } from '../../../../gateway/konnektor/survey.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { handClock } from '../../../support/hand-clock.ts';

const SURVEY: Survey = { connector: undefined, terminals: [], cards: [] };
const withCards = (...iccsns: string[]): Survey => ({
  ...SURVEY,
  cards: iccsns.map((iccsn) => ({ iccsn })) as unknown as Survey['cards'],
});
const away = new GatewayError('KONNEKTOR_UNREACHABLE', 'away');

function bench() {
  const clock = handClock();
  const state = { amiss: false, answers: true, looks: 0, running: 0, most: 0, survey: SURVEY };
  const sights: KonnektorSight[] = [];
  const watch = new KonnektorWatch({
    id: 'k1',
    survey: async () => {
      state.looks += 1;
      state.running += 1;
      state.most = Math.max(state.most, state.running);
      await Promise.resolve();
      state.running -= 1;
      if (!state.answers) throw away;
      return state.survey;
    },
    now: clock.now,
    timer: clock.timer,
    pollMs: 60_000,
    probeMs: 5_000,
    amiss: () => state.amiss,
    seen: (sight) => void sights.push(sight),
  });
  const settled = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  return { clock, state, sights, watch, settled };
}

describe('when it is looked at', () => {
  test('by its time while it is well', async () => {
    const { clock, state, watch, settled } = bench();
    await watch.look();
    clock.passed(59_999);
    await settled();
    expect(state.looks).toBe(1);
    clock.passed(1);
    await settled();
    expect(state.looks).toBe(2);
  });

  test('often while it does not answer, or something there is amiss; what was seen before is kept', async () => {
    const { clock, state, sights, watch, settled } = bench();
    await watch.look();
    state.answers = false;
    await watch.look();
    expect(sights.at(-1)).toMatchObject({ answers: false, error: { code: 'KONNEKTOR_UNREACHABLE' }, survey: SURVEY });
    clock.passed(5_000);
    await settled();
    state.answers = true;
    state.amiss = true;
    clock.passed(5_000);
    await settled();
    clock.passed(5_000);
    await settled();
    expect(state.looks).toBe(5);
    expect(sights.at(-1)).toMatchObject({ answers: true, error: null });
  });

  test('a card that is not there any more is remembered for a day, not one that is there again', async () => {
    const { clock, state, watch } = bench();
    const pulled = () => watch.sight.pulled.map(({ card }) => card.iccsn);
    const look = async (...iccsns: string[]) => {
      state.survey = withCards(...iccsns);
      await watch.look();
      return pulled();
    };
    expect(await look('1', '2')).toEqual([]);
    expect(await look('2')).toEqual(['1']);
    // What does not answer pulls nothing.
    state.answers = false;
    await watch.look();
    expect(pulled()).toEqual(['1']);
    state.answers = true;
    expect(await look()).toEqual(['1', '2']);
    expect(await look('1')).toEqual(['2']);
    clock.passed(86_400_000);
    expect(await look('1')).toEqual([]);
    const many = Array.from({ length: 30 }, (_, n) => `${n}`);
    await look(...many);
    expect(await look()).toHaveLength(20);
  });

  test('a hundred hints are one look, and those that come during a look are one more behind it', async () => {
    const { clock, state, watch, settled } = bench();
    await watch.look();
    for (let n = 0; n < 100; n++) watch.hint();
    clock.passed(1_000);
    for (let n = 0; n < 100; n++) watch.hint();
    await settled();
    clock.passed(1_000);
    await settled();
    expect([state.looks, state.most]).toEqual([3, 1]);
  });

  test('never after the stop', async () => {
    const { clock, state, watch, settled } = bench();
    await watch.look();
    watch.stop();
    watch.hint();
    await watch.look();
    clock.passed(600_000);
    await settled();
    expect([state.looks, clock.waiting()]).toEqual([1, 0]);
  });
});

describe('a Konnektor that has fallen silent (MON-04)', () => {
  const timeout = () =>
    new GatewayError('KONNEKTOR_UNREACHABLE', 'Konnektor k1: x', {
      cause: new EgressError('TIMEOUT', 'x', { bytesSent: true }),
    });
  const request = {
    url: 'https://k1.example/',
    target: 'k1',
    method: 'POST' as const,
    timeoutMs: 30_000,
    maxResponseBytes: 1,
  };
  const never = new Promise<never>(() => {});

  function health() {
    const clock = handClock();
    const told: string[] = [];
    const one = new KonnektorHealth(clock.timer);
    one.listen({ silent: (id) => void told.push(`silent ${id}`), slow: (id) => void told.push(`slow ${id}`) });
    return { clock, told, one };
  }

  test('is passed over until a probe is answered', async () => {
    const { one, told } = health();
    one.failed('k1', timeout());
    one.failed('k1', timeout());
    expect((await gatewayErrorOf(async () => one.check('k1'))).code).toBe('KONNEKTOR_UNREACHABLE');
    one.check('k2');
    one.answered('k1');
    one.check('k1');
    expect(told).toEqual(['silent k1']);
  });

  test.each([
    [
      'a refused connection',
      new GatewayError('KONNEKTOR_UNREACHABLE', 'x', {
        cause: new EgressError('UNREACHABLE', 'x', { bytesSent: false }),
      }),
    ],
    ['a fault', new GatewayError('KONNEKTOR_BUSY', 'x')],
    ['a mistake of ours', new TypeError('x')],
  ])('is not one that answered by %s', (_name, thrown) => {
    const { one, told } = health();
    one.failed('k1', thrown);
    one.check('k1');
    expect(told).toEqual([]);
  });

  test('keeps nobody waiting: a slow call asks for a probe, and ends with its failure', async () => {
    const { one, clock, told } = health();
    const way = one.guard({ request: () => never });
    const waiting = way.request('konnektor', request).catch((thrown: unknown) => thrown);
    clock.passed(3_000);
    expect(told).toEqual(['slow k1']);
    one.failed('k1', timeout());
    expect(await waiting).toMatchObject({ code: 'TIMEOUT' });
    expect(clock.waiting()).toBe(0);
  });

  test('leaves nothing behind of calls that were answered while it is well', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const { one, clock } = health();
    const way = one.guard({ request: async () => ({ status: 200, headers: {}, body: new Uint8Array() }) });
    const held = async (calls: number) => {
      for (let n = 0; n < calls; n++) await way.request('konnektor', request);
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = await held(1_000);
    // At a promise that all calls shared each left some 270 bytes.
    expect((await held(20_000)) - before).toBeLessThan(20_000 * 100);
    expect([clock.waiting(), one.isSilent('k1')]).toEqual([0, false]);
  });

  test('does not end a PIN entry, and its probe goes through', async () => {
    const { one, clock, told } = health();
    const answer = { status: 200, headers: {}, body: new Uint8Array() };
    const entry = Promise.withResolvers<typeof answer>();
    const way = one.guard({ request: () => entry.promise });
    const typing = way.request('konnektor', { ...request, timeoutMs: 90_000 });
    one.failed('k1', timeout());
    const probe = way.request('konnektor', { ...request, timeoutMs: 5_000 });
    clock.passed(60_000);
    entry.resolve(answer);
    expect([await typing, await probe, told]).toEqual([answer, answer, ['silent k1']]);
  });
});
