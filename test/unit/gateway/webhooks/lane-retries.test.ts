// What a target of webhooks does not take is put off by schedule, or as the target asks, and dropped with an alarm when it is too
// old; a target that answers 410 is told nothing more.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { type WebhookBench, webhookBench } from '../../../support/webhook-bench.ts';
import { DAY, HOUR, seqsOf, state, webhookLanes } from '../../../support/webhook-lanes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(async () => {
  await close();
  await h.close();
});

const { close, opened, bench, exportsOf } = webhookLanes(() => h);

describe('what is not taken', () => {
  const tries = async (b: WebhookBench, ms: number) => {
    const at: number[] = [];
    const begun = h.clock.now();
    const before = b.receivers.a;
    b.receivers.a = (told) => {
      at.push((h.clock.now() - begun) / 1000);
      return before?.(told) ?? 204;
    };
    await b.rest();
    await b.pass(ms);
    return at;
  };
  test('is tried again after 5 s, 1 min, 5 min, 30 min, 2 h, 6 h, then every 12 h, for as long as the event is kept', async () => {
    const b = await bench({ a: {} }, { a: () => 500 });
    await h.accept();
    const at = await tries(b, 31 * DAY);
    const waits = at.map((time, n) => time - (at[n - 1] ?? 0));
    expect(waits.slice(0, 9)).toEqual([0, 5, 60, 300, 1800, 7200, 21_600, 43_200, 43_200]);
    expect(at.at(-1)).toBeLessThan((30 * DAY) / 1000);
    expect(b.logs.filter((line) => line.event === 'webhook not delivered')).toHaveLength(at.length);
    expect(b.logs.at(-2)?.fields).toEqual({
      diga: 'demo',
      name: 'a',
      code: 'WEBHOOK_REFUSED',
      status: 500,
      attempt: at.length,
      ms: 0,
    });
  }, 120_000);
  test('is dropped at 30 days with an alarm and a count, and the next of its series goes', async () => {
    const b = await bench({ a: {} }, { a: (told) => (told.body.seq <= 2 ? 500 : 204) });
    await exportsOf(['s'], 2);
    h.clock.advance(DAY);
    await exportsOf(['s'], 1);
    await b.rest();
    await b.pass(29 * DAY - 1);
    expect((await state(b))?.backlog).toBe(3);
    await b.pass(1);
    expect(b.logs.filter((line) => line.level === 'error').map((line) => line.fields)).toEqual([
      { diga: 'demo', name: 'a', code: 'WEBHOOK_DROPPED', count: 2 },
    ]);
    expect(seqsOf(b.told).at(-1)).toBe(3);
    expect(await state(b)).toMatchObject({ backlog: 0 });
    expect((await b.metrics.text()).body).toContain('epa_webhook_messages_total{target="demo/a",result="dropped"} 2');
  }, 120_000);
  test.each([429, 503])('waits as long as a receiver asks with %i, everything else for it too', async (status) => {
    const b = await bench({ a: {} }, { a: () => ({ status, headers: { 'retry-after': '600' } }) });
    await exportsOf(['x', 'y'], 1);
    const at = await tries(b, 1199_000);
    // Both were on their way at once; then one at a time.
    expect(at).toEqual([0, 0, 600]);
  });
  test.each([
    ['of another status', { status: 500, headers: { 'retry-after': '600' } }, 5],
    ['that is no time', { status: 503, headers: { 'retry-after': 'soon' } }, 5],
    ['that is over', { status: 503, headers: { 'retry-after': 'Wed, 25 Nov 2026 10:00:00 GMT' } }, 5],
    ['that is a date', { status: 503, headers: { 'retry-after': 'Wed, 25 Nov 2026 11:10:00 GMT' } }, 600],
    ['of a year: no longer than 12 hours', { status: 503, headers: { 'retry-after': '31536000' } }, 43_200],
  ] as const)('a Retry-After %s', async (_name, answer, seconds) => {
    const b = await bench({ a: {} }, { a: () => answer });
    await h.accept();
    expect((await tries(b, 13 * HOUR))[1]).toBe(seconds);
  });
  test('comes back with a little chance, so that not all come back together', async () => {
    const made = webhookBench({ ...h, targets: { a: {} }, receivers: { a: () => 500 }, random: () => 0.5 });
    opened.push(made);
    await made.start();
    await h.accept();
    await made.rest();
    expect((await h.db.selectFrom('webhook_deliveries').select('next_at').executeTakeFirst())?.next_at).toBe(
      h.clock.now() + 5250,
    );
  });
  test('by a target that is down: one message at a time is tried, ever more seldom, and with the first that is taken all go', async () => {
    let down = true;
    const b = await bench({ a: {} }, { a: () => (down ? 'UNREACHABLE' : 204) });
    await exportsOf(
      Array.from({ length: 40 }, (_, n) => `s${n}`),
      1,
    );
    await b.rest();
    expect(b.told).toHaveLength(8);
    await b.pass(HOUR);
    expect(b.told.length).toBeLessThan(8 + 13);
    expect(await state(b)).toMatchObject({ state: 'failing', backlog: 40 });
    down = false;
    const before = b.told.length;
    await b.pass(300_000);
    expect(b.told).toHaveLength(before + 40);
    expect(await state(b)).toMatchObject({ state: 'ok', failures: 0, backlog: 0 });
  });
});

describe('a target that answers 410', () => {
  test('is told nothing more, is shown as gone, and a test that it takes brings it everything', async () => {
    let gone = true;
    const b = await bench({ a: {}, b: {} }, { a: () => (gone ? 410 : 204) });
    await h.accept({ series: 'x' });
    await b.rest();
    await h.accept({ series: 'y' });
    await b.rest();
    await b.pass(3 * DAY);
    expect(seqsOf(b.told)).toEqual([1]);
    expect(seqsOf(b.told, 'demo/b')).toEqual([1, 2]);
    expect(await state(b)).toMatchObject({
      state: 'gone',
      code: 'WEBHOOK_GONE',
      status: 410,
      backlog: 2,
      nextAttemptAt: null,
    });
    expect((await b.hooks.test('demo', 'a'))[0]).toMatchObject({ id: 'a', delivered: false, status: 410 });
    await b.pass(DAY);
    expect((await state(b))?.state).toBe('gone');
    gone = false;
    expect((await b.hooks.test('demo', 'a'))[0]).toMatchObject({ id: 'a', delivered: true, status: 204, code: null });
    await b.rest();
    expect(seqsOf(b.told.filter((one) => one.body.seq !== null)).sort()).toEqual([1, 1, 2]);
    expect(await state(b)).toMatchObject({ state: 'ok', backlog: 0 });
  });
  test('still loses what becomes too old, with an alarm', async () => {
    const b = await bench({ a: {} }, { a: () => 410 });
    await h.accept();
    await b.rest();
    await b.pass(31 * DAY);
    expect(b.told).toHaveLength(1);
    expect(b.logs.at(-1)?.fields.code).toBe('WEBHOOK_DROPPED');
  });
});
