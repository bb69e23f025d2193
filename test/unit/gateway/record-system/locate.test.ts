// The enquiry for the record system (EXP-22): who is asked, who is waited for, what is remembered and how long. What the
// answers mean together: locate-decision.test.ts.
import { describe, expect, it } from 'vitest';
import { RecordLocator } from '../../../../gateway/record-system/locate.ts';
import { type Answer, errorOf, failsWith, fakeEgress, NOW, type Route, USER_AGENT } from './peers.ts';

const KVNR = 'X110411675';
const SYSTEMS = [
  { id: 'epa-as-1', url: 'https://as1.test' },
  { id: 'epa-as-2', url: 'https://as2.test' },
];
type Said = number | 'UNREACHABLE' | 'TIMEOUT' | 'RESET' | 'TLS_UNTRUSTED' | Promise<number>;
const CODES: Record<number, string> = { 400: 'malformedRequest', 404: 'noHealthRecord', 409: 'statusMismatch' };

const route = (said: () => readonly [Said, Said]): Route => {
  return async ({ request }): Promise<Answer> => {
    const one = said()[request.url.startsWith('https://as1.test') ? 0 : 1];
    if (typeof one === 'string') return failsWith(one, false);
    const status = await one;
    return { status, body: JSON.stringify({ errorCode: CODES[status] ?? 'internalError' }) };
  };
};

function locator(said: readonly [Said, Said], maxAgeSeconds?: number) {
  const world = { said, now: NOW };
  const timers: { ms: number; fire: () => void }[] = [];
  const egress = fakeEgress(route(() => world.said));
  const found = new RecordLocator({
    recordSystems: SYSTEMS,
    egress,
    userAgent: USER_AGENT,
    now: () => world.now,
    timer: (ms, fire) => {
      const timer = { ms, fire };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
    ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
  });
  /** The grace passes: as soon as somebody has said 204. */
  const graceOver = async () => {
    await expect.poll(() => timers.length).toBe(1);
    expect(timers[0]?.ms).toBe(2000);
    timers[0]?.fire();
  };
  return {
    ...{ world, egress, timers, graceOver },
    locate: (key = 'k', stay?: string) => found.locate(KVNR, key, stay),
    forget: () => found.forget('k'),
    settled: () => found.settled(),
  };
}

describe('where the record is', () => {
  const places: [Said, Said, string][] = [
    [204, 404, 'epa-as-1'],
    [404, 204, 'epa-as-2'],
    [409, 204, 'epa-as-2'],
    [204, 409, 'epa-as-1'],
    // A record system that is ill does not hold up the insured of the other one.
    [204, 500, 'epa-as-1'],
    ['UNREACHABLE', 204, 'epa-as-2'],
    [204, 'TIMEOUT', 'epa-as-1'],
    ['TLS_UNTRUSTED', 204, 'epa-as-2'],
  ];
  it.each(places)('%s and %s: %s', async (one, two, id) => {
    const { locate, timers } = locator([one, two]);
    expect([await locate(), timers.length]).toEqual([id, 0]);
  });

  const nowhere: [Said, Said, string][] = [
    [404, 404, 'RECORD_NOT_FOUND'],
    [204, 204, 'RECORD_AMBIGUOUS'],
    [404, 409, 'RECORD_SUSPENDED'],
    [404, 500, 'RECORD_BUSY'],
    [404, 400, 'INTERNAL'],
    [404, 'UNREACHABLE', 'RECORD_SYSTEM_UNREACHABLE'],
    [409, 'TIMEOUT', 'RECORD_SYSTEM_UNREACHABLE'],
    [404, 'TLS_UNTRUSTED', 'RECORD_SYSTEM_TLS_UNTRUSTED'],
  ];
  it.each(nowhere)('%s and %s: %s', async (one, two, code) => {
    const { locate, egress } = locator([one, two]);
    const error = await errorOf(locate());
    expect(error.code).toBe(code);
    expect(JSON.stringify([error.message, error.foreign])).not.toContain(KVNR);
    // A failure is not remembered.
    await errorOf(locate());
    expect(egress.calls.length).toBe(4);
  });
});

describe('one that says nothing', () => {
  const silent = () => Promise.withResolvers<number>();

  it('is waited for two seconds from the 204 of the other, then that one counts', async () => {
    const late = silent();
    const { locate, graceOver, settled } = locator([late.promise, 204]);
    const located = locate();
    await graceOver();
    expect(await located).toBe('epa-as-2');
    late.resolve(404);
    await settled();
  });

  it('is waited for as long as nobody has said 204', async () => {
    const late = silent();
    const { locate, timers } = locator([late.promise, 404]);
    const located = locate();
    late.resolve(204);
    expect([await located, timers.length]).toEqual(['epa-as-1', 0]);
  });

  it('is asked again after a minute', async () => {
    const late = silent();
    const { locate, graceOver, world, egress } = locator([late.promise, 204]);
    const located = locate();
    await graceOver();
    await located;
    world.said = [404, 204];
    world.now += 59_999;
    await locate();
    expect(egress.calls).toHaveLength(2);
    world.now += 1;
    await locate();
    expect(egress.calls).toHaveLength(4);
  });

  it('confirms late: the answer counts for its full time', async () => {
    const late = silent();
    const { locate, graceOver, world, egress, settled } = locator([late.promise, 204]);
    const located = locate();
    await graceOver();
    await located;
    late.resolve(404);
    await settled();
    world.now += 3_600_000;
    expect([await locate(), egress.calls.length]).toEqual(['epa-as-2', 2]);
  });

  it('contradicts late: nothing is written until only one says so', async () => {
    const late = silent();
    const { locate, graceOver, world, settled } = locator([late.promise, 204]);
    const located = locate();
    await graceOver();
    await located;
    late.resolve(204);
    await settled();
    expect((await errorOf(locate())).code).toBe('RECORD_AMBIGUOUS');
    world.now += 60_000;
    world.said = [404, 204];
    expect(await locate()).toBe('epa-as-2');
  });

  it.each([500, 503])('and then says %i: the answer stays unsure', async (status) => {
    const late = silent();
    const { locate, graceOver, world, egress, settled } = locator([late.promise, 204]);
    const located = locate();
    await graceOver();
    await located;
    late.resolve(status);
    await settled();
    world.now += 60_000;
    world.said = [404, 204];
    await locate();
    expect(egress.calls).toHaveLength(4);
  });

  it('says nothing about what was forgotten meanwhile', async () => {
    const late = silent();
    const { locate, forget, graceOver, world, egress, settled } = locator([late.promise, 204]);
    const located = locate();
    await graceOver();
    await located;
    forget();
    late.resolve(404);
    await settled();
    world.said = [204, 404];
    expect([await locate(), egress.calls.length]).toEqual(['epa-as-1', 4]);
  });
});

describe('an own repeat', () => {
  it.each<[Said, Said, string]>([
    [500, 204, 'epa-as-1'],
    ['TIMEOUT', 204, 'epa-as-1'],
    [204, 404, 'epa-as-1'],
    [404, 204, 'epa-as-2'],
    [409, 204, 'epa-as-2'],
  ])('that went to epa-as-1, which now says %s while the other says %s, goes to %s', async (one, two, id) => {
    expect(await locator([one, two]).locate('k', 'epa-as-1')).toBe(id);
  });

  it('follows what was remembered, too, only where the first place has spoken', async () => {
    const unsure = locator([500, 204]);
    expect([await unsure.locate(), await unsure.locate('k', 'epa-as-1')]).toEqual(['epa-as-2', 'epa-as-1']);
    const sure = locator([404, 204]);
    expect([await sure.locate(), await sure.locate('k', 'epa-as-1')]).toEqual(['epa-as-2', 'epa-as-2']);
  });

  it('of a record system that is no longer configured goes where the record is', async () => {
    expect(await locator([500, 204]).locate('k', 'epa-as-9')).toBe('epa-as-2');
  });
});

describe('the enquiry', () => {
  it('carries the KVNR in its header alone', async () => {
    const { locate, egress } = locator([204, 404]);
    await locate();
    for (const { request, purpose } of egress.calls) {
      expect(purpose).toBe('record-system');
      expect(request.headers).toMatchObject({ 'x-insurantid': KVNR, 'x-useragent': USER_AGENT });
      expect(request.url).not.toContain(KVNR);
      expect(new URL(request.url).pathname).toBe('/information/api/v1/ehr');
    }
  });

  it('is made once for all who wait, and so is its failure', async () => {
    const { locate, egress, world } = locator([404, 204]);
    expect(await Promise.all(Array.from({ length: 50 }, () => locate()))).toEqual(Array(50).fill('epa-as-2'));
    expect(egress.calls.length).toBe(2);
    world.said = [404, 404];
    const all = await Promise.allSettled(Array.from({ length: 50 }, () => locate('other')));
    expect(new Set(all.map((one) => (one.status === 'rejected' ? one.reason.code : 'found')))).toEqual(
      new Set(['RECORD_NOT_FOUND']),
    );
    expect(egress.calls.length).toBe(4);
  });

  it('is remembered until its time is over, then made again', async () => {
    const { locate, egress, world } = locator([404, 204], 60);
    await locate();
    world.now += 59_999;
    await locate();
    expect(egress.calls.length).toBe(2);
    world.now += 1;
    world.said = [204, 404];
    expect(await locate()).toBe('epa-as-1');
  });

  it('is not remembered longer than the setting says, sure or not', async () => {
    const { locate, egress, world } = locator([500, 204], 10);
    await locate();
    world.now += 10_000;
    await locate();
    expect(egress.calls.length).toBe(4);
  });

  it('is made again when the record has moved', async () => {
    const { locate, forget, world } = locator([204, 404]);
    expect(await locate()).toBe('epa-as-1');
    world.said = [404, 204];
    expect(await locate()).toBe('epa-as-1');
    forget();
    expect(await locate()).toBe('epa-as-2');
  });

  it('is made for each person', async () => {
    const { locate, egress } = locator([204, 404]);
    await locate('a');
    await locate('b');
    expect(egress.calls.length).toBe(4);
  });
});
