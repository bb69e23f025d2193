// What a failed opening costs those who wait: nothing, for a while that depends on what it was.
import { describe, expect, it } from 'vitest';
import { type ErrorCode, GatewayError } from '../../../../gateway/errors.ts';
import { FailedOpenings } from '../../../../gateway/record-system/failed-openings.ts';

/** How long, in ms, `check` goes on throwing after each of these failures. */
function pauses(...failures: [code: ErrorCode, signatures?: number][]): number[] {
  const memory = new FailedOpenings();
  let now = 1_000_000;
  return failures.map(([code, signatures = 0]) => {
    memory.failed(new GatewayError(code, 'x'), { now, signatures });
    let pause = 0;
    for (let step = 1 << 20; step >= 1; step >>= 1) if (throws(memory, now + pause + step - 1)) pause += step;
    now += pause;
    return pause;
  });
}
const throws = (memory: FailedOpenings, now: number): boolean => {
  try {
    memory.check(now);
    return false;
  } catch {
    return true;
  }
};

describe('the pause after a failed opening', () => {
  it('doubles from 1 s to 30 s', () => {
    const failures = Array.from({ length: 8 }, (): [ErrorCode] => ['RECORD_SYSTEM_UNREACHABLE']);
    expect(pauses(...failures)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it.each(['SMCB_PIN_NOT_VERIFIED', 'RECORD_LOGIN_REFUSED', 'VAU_SERVER_UNTRUSTED', 'CONFIG_INVALID'] as const)(
    'is 15 s after %s where the card had signed, and none where it had not: somebody must act',
    (code) => expect(pauses([code, 1], [code, 2], [code], [code, 1])).toEqual([15_000, 15_000, 0, 15_000]),
  );

  it('is ten minutes where the login failed after both signatures, and only then', () => {
    expect(pauses(['RECORD_BUSY', 2])).toEqual([600_000]);
    expect(pauses(['RECORD_BUSY', 1])).toEqual([1000]);
    expect(pauses(['RECORD_BUSY', 4], ['RECORD_BUSY', 0])).toEqual([600_000, 30_000]);
    expect(pauses(['IDP_UNREACHABLE', 2])).toEqual([1000]);
  });

  it('begins anew after a success', () => {
    const memory = new FailedOpenings();
    for (const _ of [1, 2, 3]) memory.failed(new GatewayError('SESSION_LOST', 'x'), { now: 0, signatures: 0 });
    memory.succeeded();
    expect(memory.code).toBeNull();
    memory.failed(new GatewayError('SESSION_LOST', 'x'), { now: 0, signatures: 0 });
    expect([throws(memory, 999), throws(memory, 1000)]).toEqual([true, false]);
  });

  it('ends when something has changed, and is not forgotten: the next one is longer', () => {
    const memory = new FailedOpenings();
    memory.failed(new GatewayError('KONNEKTOR_UNREACHABLE', 'x'), { now: 0, signatures: 0 });
    memory.forgive();
    expect([throws(memory, 0), memory.code]).toEqual([false, 'KONNEKTOR_UNREACHABLE']);
    memory.failed(new GatewayError('KONNEKTOR_UNREACHABLE', 'x'), { now: 0, signatures: 0 });
    expect([throws(memory, 1999), throws(memory, 2000)]).toEqual([true, false]);
  });

  it('is of a thing of our own, too', () => {
    const memory = new FailedOpenings();
    memory.failed(new TypeError('a bug'), { now: 0, signatures: 0 });
    expect(() => memory.check(0)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });
});
