// A record system comes back while an export's try is on its way to a failure: the try has no wait yet that could be cut short,
// and nobody comes a second time. It must run again at once and not after its full wait (D22).
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const statusOf = async (id: string) => (await h.read(id)).row.status;
const busy = () => new GatewayError('RECORD_BUSY', 'HTTP 500');
const RECOVERED = { kind: 'recovered', recordSystem: 'epa-as-1' } as const;

/** The next `times` locations fail, each after `first`. */
function locationsFail(times: number, first: () => void = () => {}): void {
  const { locate } = h.outside.ports.locator;
  let left = times;
  h.outside.ports.locator.locate = async (...args) => {
    if (left <= 0) return locate(...args);
    left -= 1;
    first();
    throw busy();
  };
}

test('it comes back after the try has failed and before that is stored: tried again at once', async () => {
  const id = await h.accept();
  locationsFail(1);
  let recovered = false;
  h.house.checkpoint = async (point) => {
    if (point !== 'settle.before' || recovered) return;
    recovered = true;
    worker.wakeThese(h.house.health.toWake(RECOVERED));
  };
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  expect(recovered).toBe(true);
  expect(await statusOf(id)).toBe('written');
});

test('it comes back while the location is being asked, and the answer is still an error: tried again at once', async () => {
  const id = await h.accept();
  const worker = h.worker();
  locationsFail(1, () => worker.wakeThese(h.house.health.toWake(RECOVERED)));
  await worker.start();
  await worker.idle();
  expect(await statusOf(id)).toBe('written');
});

test('the same where a session was being opened', async () => {
  const id = await h.accept();
  const { acquire } = h.outside.ports.sessions;
  const worker = h.worker();
  let failed = false;
  h.outside.ports.sessions.acquire = async (o) => {
    if (failed) return acquire(o);
    failed = true;
    worker.wakeThese(h.house.health.toWake(RECOVERED));
    throw new GatewayError('RECORD_SYSTEM_UNREACHABLE', 'reset');
  };
  await worker.start();
  await worker.idle();
  expect(await statusOf(id)).toBe('written');
});

test('nothing has come back: it waits its time', async () => {
  const id = await h.accept();
  locationsFail(1);
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  expect((await h.read(id)).row).toMatchObject({ status: 'queued', reason_code: 'RECORD_BUSY' });
  expect((await h.read(id)).row.next_attempt_at).toBeGreaterThan(h.clock.now());
});

test('each try needs a recovery of its own: one that fails again afterwards waits', async () => {
  const id = await h.accept();
  let asked = 0;
  const worker = h.worker();
  locationsFail(2, () => {
    asked += 1;
    if (asked === 1) worker.wakeThese(h.house.health.toWake(RECOVERED));
  });
  await worker.start();
  await worker.idle();
  expect(asked).toBe(2);
  expect(await statusOf(id)).toBe('queued');
});

test('who opened the channel itself and is refused then is not woken by its own success', async () => {
  const id = await h.accept();
  h.outside.sessionFaults.push(new GatewayError('RECORD_SYSTEM_UNREACHABLE', 'reset'));
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  h.outside.answers.push(() => ({
    kind: 'registry-error',
    errorCode: 'XDSRegistryBusy',
    codeContext: 'busy',
    meaning: 'busy',
  }));
  h.clock.advance(3_600_000);
  worker.wake();
  await worker.idle();
  expect(h.outside.writes).toHaveLength(1);
  expect(await statusOf(id)).toBe('queued');
});
