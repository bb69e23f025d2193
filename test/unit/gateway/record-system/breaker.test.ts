// The circuit breaker of one service, on a clock moved by hand: when nobody asks any more, who is the probe, who is told.
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { Breaker, type Gate } from '../../../../gateway/record-system/breaker.ts';
import { handClock } from '../../../support/hand-clock.ts';

function breaker() {
  const clock = handClock();
  const told: string[] = [];
  const made = new Breaker({
    now: clock.now,
    timer: clock.timer,
    onProbe: () => told.push('probe'),
    onRecovery: () => told.push('recovered'),
  });
  const fail = (as: Gate = 'open') => {
    const error = new GatewayError('RECORD_SYSTEM_UNREACHABLE', 'x');
    made.failed(error, as);
    return error;
  };
  const shut = () => [fail(), fail(), fail()].at(-1);
  return { clock, told, breaker: made, fail, shut };
}

describe('a breaker', () => {
  it('shuts after three failures in a row and answers with the last of them', () => {
    const { breaker: b, fail } = breaker();
    fail();
    fail();
    expect(b.gate()).toBe('open');
    const last = fail();
    expect(b.gate()).toBe(last);
  });

  it('does not where an answer came in between, whatever it said', () => {
    const { breaker: b, fail, told } = breaker();
    for (let n = 0; n < 5; n++) {
      fail();
      fail();
      b.answered();
    }
    expect([b.gate(), told]).toEqual(['open', []]);
  });

  it('lets one probe through after 1, 2, 4, 8, 16, 30, 30 s and nobody beside it', () => {
    const { breaker: b, fail, shut, clock, told } = breaker();
    let error = shut();
    for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
      clock.passed(seconds * 1000 - 1);
      expect(b.gate()).toBe(error);
      clock.passed(1);
      expect([b.gate(), b.gate()]).toEqual(['probe', error]);
      error = fail('probe');
    }
    expect(told).toEqual(Array(7).fill('probe'));
  });

  it('opens with an answer to the probe, and tells it', () => {
    const { breaker: b, shut, clock, told } = breaker();
    shut();
    clock.passed(1000);
    b.gate();
    b.answered();
    expect([b.gate(), told, b.shut, clock.waiting()]).toEqual(['open', ['probe', 'recovered'], undefined, 0]);
  });

  it('opens with an answer to somebody who had asked before, too', () => {
    const { breaker: b, shut, told } = breaker();
    shut();
    b.answered();
    expect([b.gate(), told]).toEqual(['open', ['recovered']]);
  });

  it('is not shut longer by those who had asked before', () => {
    const { breaker: b, fail, shut, clock } = breaker();
    shut();
    for (let n = 0; n < 20; n++) fail();
    clock.passed(1000);
    expect(b.gate()).toBe('probe');
  });

  it('lets the next one be the probe where the first never asked', () => {
    const { breaker: b, shut, clock } = breaker();
    shut();
    clock.passed(1000);
    const as = b.gate();
    b.undecided('open');
    expect(b.gate()).not.toBe('probe');
    b.undecided(as);
    expect(b.gate()).toBe('probe');
  });

  it('tells again and again that a probe is wanted while nobody comes, and not while one is on its way', () => {
    const { breaker: b, shut, clock, told } = breaker();
    shut();
    clock.passed(1000 + 30_000 + 30_000);
    expect(told).toHaveLength(3);
    b.gate();
    clock.passed(60_000);
    expect(told).toHaveLength(3);
  });

  it('wants a probe at once when the other service answers again, and nothing where it is open', () => {
    const { breaker: b, fail, shut, clock, told } = breaker();
    b.probeNow();
    expect(told).toEqual([]);
    shut();
    clock.passed(1000);
    b.gate();
    fail('probe');
    b.probeNow();
    expect([told, b.gate()]).toEqual([['probe', 'probe'], 'probe']);
  });

  it('says since when', () => {
    const { breaker: b, fail, shut, clock } = breaker();
    const since = clock.now();
    shut();
    clock.passed(1000);
    b.gate();
    fail('probe');
    expect(b.shut).toMatchObject({ since, error: { code: 'RECORD_SYSTEM_UNREACHABLE' } });
    b.stop();
    expect(clock.waiting()).toBe(0);
  });
});
