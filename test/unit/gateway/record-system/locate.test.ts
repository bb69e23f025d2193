// D12 and EXP-22, EXP-23 as a table: what two record systems say, and what it means.
import { describe, expect, it } from 'vitest';
import { RecordLocator } from '../../../../gateway/record-system/locate.ts';
import { type Answer, errorOf, failsWith, fakeEgress, NOW, type Route, USER_AGENT } from './peers.ts';

const KVNR = 'X110411675';
const SYSTEMS = [
  { id: 'epa-as-1', url: 'https://as1.test' },
  { id: 'epa-as-2', url: 'https://as2.test' },
];
type Said = number | 'UNREACHABLE' | 'TIMEOUT' | 'RESET' | 'TLS_UNTRUSTED';

const route = (said: () => readonly [Said, Said]): Route => {
  return ({ request }): Answer => {
    const one = said()[request.url.startsWith('https://as1.test') ? 0 : 1];
    return typeof one === 'number' ? { status: one, body: '{"errorCode":"x"}' } : failsWith(one, false);
  };
};

function locator(said: readonly [Said, Said], maxAgeSeconds?: number) {
  const world = { said, now: NOW };
  const egress = fakeEgress(route(() => world.said));
  const found = new RecordLocator({
    recordSystems: SYSTEMS,
    egress,
    userAgent: USER_AGENT,
    now: () => world.now,
    ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
  });
  return { world, egress, locate: (key = 'k') => found.locate(KVNR, key), forget: () => found.forget('k') };
}

describe('where the record is', () => {
  const found: [Said, Said, string][] = [
    [204, 404, 'epa-as-1'],
    [404, 204, 'epa-as-2'],
    [409, 204, 'epa-as-2'],
    [204, 409, 'epa-as-1'],
  ];
  it.each(found)('%s and %s: %s', async (one, two, id) => {
    expect(await locator([one, two]).locate()).toBe(id);
  });

  const notFound: [Said, Said, string][] = [
    [404, 404, 'RECORD_NOT_FOUND'],
    [204, 204, 'RECORD_AMBIGUOUS'],
    [404, 409, 'RECORD_SUSPENDED'],
    [409, 409, 'RECORD_SUSPENDED'],
    [404, 500, 'RECORD_BUSY'],
    [409, 500, 'RECORD_BUSY'],
    [204, 500, 'RECORD_BUSY'],
    [204, 503, 'RECORD_BUSY'],
    [204, 200, 'RECORD_BUSY'],
    [204, 302, 'RECORD_BUSY'],
    [404, 400, 'INTERNAL'],
    [204, 400, 'INTERNAL'],
    [404, 'UNREACHABLE', 'RECORD_SYSTEM_UNREACHABLE'],
    [204, 'UNREACHABLE', 'RECORD_SYSTEM_UNREACHABLE'],
    [204, 'TIMEOUT', 'RECORD_SYSTEM_UNREACHABLE'],
    ['RESET', 204, 'RECORD_SYSTEM_UNREACHABLE'],
    [409, 'UNREACHABLE', 'RECORD_SYSTEM_UNREACHABLE'],
    [500, 'UNREACHABLE', 'RECORD_SYSTEM_UNREACHABLE'],
    [404, 'TLS_UNTRUSTED', 'RECORD_SYSTEM_TLS_UNTRUSTED'],
  ];
  it.each(notFound)('%s and %s: %s', async (one, two, code) => {
    const { locate, egress } = locator([one, two]);
    const error = await errorOf(locate());
    expect(error.code).toBe(code);
    expect(JSON.stringify([error.message, error.foreign])).not.toContain(KVNR);
    // A failure is not remembered.
    await errorOf(locate());
    expect(egress.calls.length).toBe(4);
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

  it('is made once for all who wait', async () => {
    const { locate, egress } = locator([404, 204]);
    expect(await Promise.all(Array.from({ length: 50 }, () => locate()))).toEqual(Array(50).fill('epa-as-2'));
    expect(egress.calls.length).toBe(2);
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
