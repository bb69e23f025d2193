// What each record system may cost the others: two services shut apart, places that shrink and grow, and who is told.
import { describe, expect, it } from 'vitest';
import { type ErrorCode, GatewayError } from '../../../../gateway/errors.ts';
import { Availability, type Change, NO_PLACE } from '../../../../gateway/record-system/availability.ts';
import { Concurrency } from '../../../../gateway/record-system/concurrency.ts';
import { FailedOpenings } from '../../../../gateway/record-system/failed-openings.ts';
import type { StatusAnswer } from '../../../../gateway/record-system/locate-decision.ts';
import type { WriteOutcome } from '../../../../gateway/record-system/registry-response.ts';
import type { Session } from '../../../../gateway/record-system/session.ts';
import { createVisits } from '../../../../gateway/record-system/visits.ts';
import { handClock } from '../../../support/hand-clock.ts';
import { errorOf } from './peers.ts';

const error = (code: ErrorCode, more: ConstructorParameters<typeof GatewayError>[2] = {}) =>
  new GatewayError(code, 'x', more);
const lost = (cause: GatewayError): WriteOutcome => ({
  kind: 'no-answer',
  error: new GatewayError('WRITE_UNANSWERED', 'x', { cause }),
});
const STORED: WriteOutcome = { kind: 'stored' };

function setUp(concurrency = 4) {
  const clock = handClock();
  const changes: Change[] = [];
  const availability = new Availability({
    recordSystems: [{ id: 'a' }, { id: 'b' }],
    concurrency,
    now: clock.now,
    timer: clock.timer,
    onChange: (change) => changes.push(change),
  });
  const go = (recordSystem: string, result: Parameters<ReturnType<Availability['enter']>['ended']>[0]) => {
    const visit = availability.enter(recordSystem);
    visit.ended(result);
    visit.leave();
  };
  const state = (id: string) => availability.states().find(({ recordSystem }) => recordSystem === id);
  const gone = (id = 'a', code: ErrorCode = 'RECORD_SYSTEM_UNREACHABLE') => {
    for (let n = 0; n < 3; n++) go(id, { kind: 'failed', thrown: error(code) });
  };
  return { availability, clock, changes, go, state, gone };
}
const refusal = (act: () => unknown) => {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof GatewayError) return [thrown.code, thrown.check];
    throw thrown;
  }
  throw new Error('nothing thrown');
};

describe('the VAU of a record system', () => {
  it.each<[title: string, result: Parameters<ReturnType<typeof setUp>['go']>[1]]>([
    ['cannot be reached', { kind: 'failed', thrown: error('RECORD_SYSTEM_UNREACHABLE') }],
    ['does not finish a handshake', { kind: 'failed', thrown: error('VAU_HANDSHAKE_FAILED', { check: 'vau.cid' }) }],
    ['does not answer a write', lost(error('RECORD_SYSTEM_UNREACHABLE', { check: 'egress.timeout' }))],
  ])('that %s three times is left alone, and the other one is not', (_title, result) => {
    const { availability, go, state } = setUp();
    for (let n = 0; n < 3; n++) go('a', result);
    expect(refusal(() => availability.enter('a'))[0]).toMatch(/RECORD_SYSTEM_UNREACHABLE|VAU_HANDSHAKE_FAILED/);
    expect([state('a')?.state, state('b')?.state, state('a')?.location]).toEqual(['unavailable', 'ok', 'ok']);
    availability.enter('b').leave();
  });

  it.each<[code: ErrorCode, foreign?: { code: string }]>([
    ['VAU_HANDSHAKE_FAILED', { code: 'VAU 10' }],
    ['VAU_SERVER_UNTRUSTED'],
    ['RECORD_SYSTEM_TLS_UNTRUSTED'],
    ['SMCB_PIN_NOT_VERIFIED'],
    ['IDP_UNREACHABLE'],
    ['RECORD_LOGIN_REFUSED'],
    ['RECORD_NOT_FOUND'],
    ['SESSION_LOST'],
    ['STORE_BROKEN'],
  ])('is not left alone because of %s', (code, foreign) => {
    const { go, state } = setUp();
    for (let n = 0; n < 10; n++) go('a', { kind: 'failed', thrown: error(code, foreign ? { foreign } : {}) });
    expect(state('a')?.state).toBe('ok');
  });

  it('is not judged by failures that are only told again', () => {
    const { go, state } = setUp();
    const memory = new FailedOpenings();
    memory.failed(error('RECORD_SYSTEM_UNREACHABLE'), { now: 0, signatures: 0 });
    const remembered = () => {
      try {
        memory.check(0);
      } catch (thrown) {
        return thrown;
      }
      throw new Error('not remembered');
    };
    for (let n = 0; n < 10; n++) go('a', { kind: 'failed', thrown: remembered() });
    expect(state('a')?.state).toBe('ok');
  });

  it('is probed by one export after the pause; with its session everybody who waits is woken', () => {
    const { availability, changes, clock, gone, state } = setUp();
    gone();
    changes.length = 0;
    clock.passed(1000);
    expect(changes).toEqual([{ kind: 'probe', recordSystem: 'a', service: 'vau' }]);
    const probe = availability.enter('a');
    expect(probe.probe).toBe(true);
    expect(refusal(() => availability.enter('a'))).toEqual(['RECORD_SYSTEM_UNREACHABLE', undefined]);
    probe.reached();
    expect(changes.at(-1)).toEqual({ kind: 'recovered', recordSystem: 'a' });
    expect([availability.enter('a').probe, state('a')?.state]).toEqual([false, 'ok']);
  });

  it('waits for another probe where that one met something of our own', () => {
    const { availability, clock, gone, go } = setUp();
    gone();
    clock.passed(1000);
    go('a', { kind: 'failed', thrown: error('SMCB_PIN_NOT_VERIFIED') });
    expect(availability.enter('a').probe).toBe(true);
  });

  it('that only refuses has answered', () => {
    const { clock, gone, go, state } = setUp();
    gone();
    clock.passed(1000);
    go('a', { kind: 'failed', thrown: error('RECORD_LOGIN_REFUSED') });
    expect(state('a')?.state).toBe('ok');
  });
});

describe('the location', () => {
  const ask = (answer: StatusAnswer) => async () => answer;
  const notAsked = (): StatusAnswer => ({ status: 'not-asked', error: error('RECORD_SYSTEM_UNREACHABLE') });
  const internal = (): StatusAnswer => ({ status: 'busy', foreign: { status: 500 } });

  it.each([
    ['cannot be reached', notAsked],
    ['answers 500', internal],
  ])('that %s three times is not asked, and nobody waits for it', async (_title, answer) => {
    const { availability, state } = setUp();
    for (let n = 0; n < 3; n++) await availability.located('a', ask(answer()));
    expect(await availability.located('a', () => expect.unreachable('asked'))).toMatchObject({ status: 'not-asked' });
    expect([state('a')?.location, state('a')?.state]).toEqual(['unavailable', 'ok']);
    expect(await availability.located('b', ask({ status: 'active' }))).toEqual({ status: 'active' });
  });

  it.each<StatusAnswer>([
    { status: 'none', foreign: { status: 404 } },
    { status: 'suspended', foreign: { status: 409 } },
    { status: 'busy', foreign: { status: 404 } },
    { status: 'busy', foreign: { status: 429 } },
  ])('that says %j is asked on', async (answer) => {
    const { availability } = setUp();
    for (let n = 0; n < 10; n++) expect(await availability.located('a', ask(answer))).toBe(answer);
  });

  it('is asked again at once when the VAU of the same record system answers', async () => {
    const { availability, clock, changes, gone } = setUp();
    gone();
    for (let n = 0; n < 3; n++) await availability.located('a', ask(notAsked()));
    clock.passed(1000);
    await availability.located('a', ask(notAsked()));
    const probe = availability.enter('a');
    probe.reached();
    expect(changes.at(-2)).toEqual({ kind: 'probe', recordSystem: 'a', service: 'location' });
    expect(await availability.located('a', ask({ status: 'active' }))).toEqual({ status: 'active' });
  });

  it('lets another probe through where our own code failed', async () => {
    const { availability, clock } = setUp();
    for (let n = 0; n < 3; n++) await availability.located('a', ask(notAsked()));
    clock.passed(1000);
    await expect(availability.located('a', () => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
    expect(await availability.located('a', ask({ status: 'active' }))).toEqual({ status: 'active' });
  });
});

describe('places', () => {
  it('are as many as the worker has, and one more is told so', () => {
    const { availability, changes } = setUp(2);
    const first = availability.enter('a');
    availability.enter('a');
    expect(refusal(() => availability.enter('a'))).toEqual(['RECORD_BUSY', NO_PLACE]);
    first.leave();
    expect(changes).toEqual([{ kind: 'places', recordSystem: 'a', free: 1 }]);
    availability.enter('a');
  });

  it.each([
    ['says that it is busy', { kind: 'failed', thrown: error('RECORD_BUSY') } as const],
    ['takes too long', lost(error('RECORD_SYSTEM_UNREACHABLE', { check: 'egress.timeout' }))],
    ['has a busy registry', { kind: 'registry-error', errorCode: 'x', codeContext: '', meaning: 'busy' } as const],
  ])('are halved when it %s, once for all that were on their way', (_title, result) => {
    const { availability, state } = setUp(16);
    const visits = Array.from({ length: 16 }, () => availability.enter('a'));
    for (const visit of visits) visit.ended(result);
    expect([state('a')?.limit, state('b')?.limit]).toEqual([8, 16]);
  });

  it('are never none', () => {
    const { go, state } = setUp(16);
    for (let n = 0; n < 20; n++) go('a', { kind: 'failed', thrown: error('RECORD_BUSY') });
    expect(state('a')?.limit).toBe(1);
  });

  it('come back one for each twenty that went well, and no more than there were', () => {
    const places = new Concurrency(4);
    places.overloaded(places.enter() ?? expect.unreachable());
    expect(places.limit).toBe(2);
    for (let n = 0; n < 19; n++) places.succeeded();
    expect(places.limit).toBe(2);
    for (let n = 0; n < 100; n++) places.succeeded();
    expect(places.limit).toBe(4);
  });
});

describe('the visit of an export', () => {
  const session = (released: string[]): Session => ({
    ...{ recordSystem: 'a', telematikId: '9-1', openedAt: 1, origin: 'https://a.test' },
    get lost() {
      return released.length > 0;
    },
    request: () => Promise.reject(new Error('not asked')),
    drop: () => {},
    release: () => void released.push('released'),
  });

  it('ends when it gives its session back, and each user of one session has their own', async () => {
    const { availability, state } = setUp();
    const visits = createVisits(availability);
    const released: string[] = [];
    const shared = session(released);
    const [one, two] = await Promise.all([
      visits.acquire('a', async () => shared),
      visits.acquire('a', async () => shared),
    ]);
    expect([state('a')?.running, one.recordSystem, one.lost]).toEqual([2, 'a', false]);
    await visits.write(one, async () => STORED);
    one.release();
    expect([state('a')?.running, released.length, two.lost]).toEqual([1, 1, true]);
  });

  it('ends where no session could be had, and where there is no place none is asked for', async () => {
    const { availability, state } = setUp(1);
    const visits = createVisits(availability);
    const failed = visits.acquire('a', () => Promise.reject(error('KONNEKTOR_UNREACHABLE')));
    expect((await errorOf(failed)).code).toBe('KONNEKTOR_UNREACHABLE');
    expect(state('a')?.running).toBe(0);
    await visits.acquire('a', async () => session([]));
    const second = visits.acquire('a', () => expect.unreachable('asked'));
    expect((await errorOf(second)).check).toBe(NO_PLACE);
  });

  it('as a probe asks for a session that is asked first, and one that fails leaves it shut', async () => {
    const { availability, clock, gone, state } = setUp();
    const visits = createVisits(availability);
    gone();
    clock.passed(1000);
    const asked: object[] = [];
    const failing = visits.acquire('a', (as) => {
      asked.push(as);
      return Promise.reject(error('RECORD_SYSTEM_UNREACHABLE'));
    });
    await errorOf(failing);
    expect([asked, state('a')?.state]).toEqual([[{ anew: true, probe: true }], 'unavailable']);
    clock.passed(2000);
    const own = await visits.acquire('a', async () => session([]));
    expect(state('a')?.state).toBe('ok');
    own.release();
  });

  it('tells a write that threw before a byte left', async () => {
    const { availability, state } = setUp(16);
    const visits = createVisits(availability);
    const own = await visits.acquire('a', async () => session([]));
    await errorOf(visits.write(own, () => Promise.reject(error('RECORD_BUSY'))));
    expect(state('a')?.limit).toBe(8);
  });
});
