// How the targets of webhooks are told (MON-06): every event at least once, in order within a series and side by side across
// them, put off by schedule, and no target waits for another.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { catalogue } from '../../../../gateway/errors.ts';
import { forgetPerson } from '../../../../gateway/exports/forget.ts';
import { readEvents } from '../../../../gateway/exports/outbox.ts';
import { sealEvent } from '../../../../gateway/exports/row-seals-event.ts';
import { KVNR, mioBundle, OTHER_KVNR, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { type Receiver, type Told, type WebhookBench, webhookBench } from '../../../support/webhook-bench.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let h: TestHouse;
let opened: WebhookBench[];
beforeEach(async () => {
  h = await testHouse();
  opened = [];
});
afterEach(async () => {
  for (const bench of opened) await bench.hooks.stop(0);
  await h.close();
});

const bench = async (
  targets: Parameters<typeof webhookBench>[0]['targets'],
  receivers: Record<string, Receiver> = {},
) => {
  const made = webhookBench({ ...h, targets, receivers });
  opened.push(made);
  await made.start();
  return made;
};
const content = (name: string) => ({ document: { mimeType: 'application/fhir+xml', content: mioBundle(name) } });
/** `count` exports of each series, one event each. */
const exportsOf = async (series: readonly string[], count: number, more = {}) => {
  for (let n = 0; n < count; n++)
    for (const one of series) await h.accept({ ...content(`${one}-${n}`), series: one, queue: 'all', ...more });
};
const go = async () => {
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(0);
};
const seqsOf = (told: readonly Told[], target = 'demo/a') =>
  told.filter((one) => one.target === target).map((one) => one.body.seq);
const seriesOf = (told: Told) => String(told.body.data.series);
const state = async (b: WebhookBench, id = 'a') => (await b.hooks.states()).find((s) => s.id === id);

describe('a target is told', () => {
  test('what GET /v1/events tells, each event once, signed and in order (MON-06)', async () => {
    const b = await bench({ a: {} });
    await h.accept({ reference: 'user-1' });
    await go();
    await b.rest();
    expect(b.told.map((one) => one.body.type)).toEqual(['export.queued', 'export.running', 'export.written']);
    const events = await readEvents(h.db, { after: 0, limit: 100 });
    expect(b.told.map((one) => [one.webhookId, one.body.id, one.body.seq])).toEqual(
      events.map((e) => [e.id, e.id, e.seq]),
    );
    expect(b.told[2]?.body).toMatchObject({ diga: 'demo', data: { reference: 'user-1', status: 'written' } });
    expect(b.told[0]?.headers['content-type']).toBe('application/json');
    expect(await state(b)).toMatchObject({ state: 'ok', backlog: 0, failures: 0, nextAttemptAt: null });
  });
  test('nothing of another DiGA, and nothing from before it was named', async () => {
    await h.accept({ series: 'before' });
    const b = await bench({ a: {}, other: { diga: 'second' } });
    await h.accept({ series: 'mine' });
    await h.accept({ series: 'theirs', diga: 'second' });
    await b.rest();
    expect(b.told.map((one) => [one.target, seriesOf(one)]).sort()).toEqual([
      ['demo/a', 'mine'],
      ['second/other', 'theirs'],
    ]);
  });
  test('only the types it asks for, with remedies in its language', async () => {
    h.outside.answers.push(
      ...[1, 2].map(
        () => () =>
          ({ kind: 'registry-error', errorCode: 'NotEntitled', codeContext: KVNR, meaning: 'not-entitled' }) as const,
      ),
    );
    const b = await bench({ a: { events: ['export.waiting'], language: 'en' }, b: { events: ['export.waiting'] } });
    await h.accept();
    await go();
    await b.rest();
    expect(b.told).toHaveLength(2);
    const remedyOf = (target: string) => {
      const told = b.told.find((one) => one.target === target);
      return (told?.body.data.reason as { remedy: string } | undefined)?.remedy;
    };
    expect(remedyOf('demo/a')).toBe(catalogue.RECORD_NOT_ENTITLED.remedy.en);
    expect(remedyOf('demo/b')).toBe(catalogue.RECORD_NOT_ENTITLED.remedy.de);
    expect(await state(b)).toMatchObject({ backlog: 0 });
  });
  test('nothing about who it is (D15), not even where a registry names them', async () => {
    h.outside.answers.push(
      ...[1, 2].map(
        () => () =>
          ({
            kind: 'registry-error',
            errorCode: 'NotEntitled',
            codeContext: `about ${KVNR}`,
            meaning: 'not-entitled',
          }) as const,
      ),
    );
    const b = await bench({ a: {} });
    await h.accept(content('a-marked-text'));
    await go();
    await b.rest();
    expect(b.told.length).toBeGreaterThan(2);
    const lookup = (await h.db.selectFrom('insured').select('lookup_key').executeTakeFirstOrThrow()).lookup_key;
    const text = JSON.stringify([b.told, b.logs]);
    for (const mark of [KVNR, 'a-marked-text', lookup]) expect(text).not.toContain(mark);
    // Nor is there anything of them in what is remembered of a delivery.
    await exportsOf(['x'], 1);
    b.receivers.a = () => 500;
    await b.rest();
    const kept = JSON.stringify(await h.db.selectFrom('webhook_deliveries').selectAll().execute());
    expect(kept).toContain('stream');
    for (const mark of [KVNR, lookup, '"x"']) expect(kept).not.toContain(mark);
  });
  test('an event that somebody changed in the store is told to nobody, the next of its series is', async () => {
    const b = await bench({ a: { events: ['export.queued'] } });
    await exportsOf(['s'], 2);
    await h.db.updateTable('events').set({ diga: 'demo', at: 1 }).where('seq', '=', 1).execute();
    await b.rest();
    expect(seqsOf(b.told)).toEqual([2]);
    expect(h.broken).toContain('event');
  });
  test('what lies behind more than one read of the outbox', async () => {
    const b = await bench({ a: { events: ['export.queued'] } });
    await exportsOf(['s'], 3);
    const row = await h.db.selectFrom('events').selectAll().orderBy('seq').executeTakeFirstOrThrow();
    // All but the last are of a type that it does not ask for.
    const many = Array.from({ length: 1200 }, (_, n) => ({
      ...row,
      seq: 1000 + n,
      id: `e${n}`,
      type: n < 1199 ? ('export.running' as const) : row.type,
    }));
    for (let n = 0; n < many.length; n += 100)
      await h.db
        .insertInto('events')
        .values(many.slice(n, n + 100))
        .execute();
    await h.db.transaction().execute(async (tx) => {
      for (const row of many) await sealEvent(tx, row);
    });
    await b.rest();
    expect(seqsOf(b.told)).toEqual([1, 2, 3, 2199]);
  });
});

describe('order', () => {
  test('in a series the next waits for the one before; eight series go side by side, the ninth waits for a place', async () => {
    const gates = new Map<number, PromiseWithResolvers<number>>();
    const arrived: Told[] = [];
    let wanted = 8;
    let enough = Promise.withResolvers<void>();
    const b = await bench(
      { a: {} },
      {
        a: (told) => {
          const gate = Promise.withResolvers<number>();
          gates.set(told.body.seq, gate);
          arrived.push(told);
          if (arrived.length === wanted) enough.resolve();
          return gate.promise;
        },
      },
    );
    await exportsOf([...'ABCDEFGHI'], 2);
    b.bell.ring();
    await enough.promise;
    expect(arrived.map(seriesOf).sort()).toEqual([...'ABCDEFGH']);
    wanted = 9;
    enough = Promise.withResolvers();
    gates.get(1)?.resolve(204);
    await enough.promise;
    // A's second is due since then, but I has waited longer.
    expect(arrived.map(seriesOf).sort()).toEqual([...'ABCDEFGHI']);
    b.receivers.a = () => 204;
    for (const gate of gates.values()) gate.resolve(204);
    await b.rest();
    for (const series of 'ABCDEFGHI') expect(seqsOf(b.told.filter((one) => seriesOf(one) === series))).toHaveLength(2);
  });

  test('under failures by chance: no event of a series overtakes another, none is left out, ids stay', async () => {
    let chance = 7;
    const random = () => {
      chance = (chance * 16_807) % 2_147_483_647;
      return chance / 2_147_483_647;
    };
    const taken: Told[] = [];
    const fates: Receiver = (told) => {
      const fate = random();
      if (fate < 0.3) return fate < 0.15 ? 500 : 'RESET';
      taken.push(told);
      // Taken, but the answer is lost: it comes again.
      return fate < 0.4 ? 'TIMEOUT' : 200;
    };
    const b = await bench({ a: {} }, { a: fates });
    await exportsOf([...'ABCDEF'], 10);
    await b.rest();
    for (let n = 0; n < 400 && (await state(b))?.backlog !== 0; n++) await b.pass(HOUR);
    expect((await state(b))?.backlog).toBe(0);
    expect(b.told.length).toBeGreaterThan(75);
    for (const series of 'ABCDEF') {
      const mine = taken.filter((one) => seriesOf(one) === series);
      const firsts = [...new Map(mine.map((one) => [one.webhookId, one.body.seq])).values()];
      expect(firsts).toEqual([...firsts].sort((x, y) => x - y));
      expect(firsts).toHaveLength(10);
      // A repeat comes before anything newer of its series.
      expect(mine.map((one) => one.body.seq)).toEqual(mine.map((one) => one.body.seq).sort((x, y) => x - y));
    }
  });

  test('a message that is always refused holds up its series alone', async () => {
    const b = await bench({ a: {} }, { a: (told) => (told.body.seq === 1 ? 500 : 204) });
    await exportsOf(['bad', 'good'], 3);
    await b.rest();
    await b.pass(DAY);
    expect([...new Set(seqsOf(b.told))].sort()).toEqual([1, 2, 4, 6]);
    expect(await state(b)).toMatchObject({ backlog: 3 });
    b.receivers.a = () => 204;
    await b.pass(13 * HOUR);
    expect(seqsOf(b.told.filter((one) => seriesOf(one) === 'bad')).slice(-3)).toEqual([1, 3, 5]);
    expect(await state(b)).toMatchObject({ state: 'ok', backlog: 0 });
  });
});

test('a dead target holds up neither the living one beside it nor the exports', async () => {
  const gate = Promise.withResolvers<number>();
  const b = await bench({ dead: {}, hangs: {}, a: {} }, { dead: () => 'UNREACHABLE', hangs: () => gate.promise });
  const all: number[] = [];
  const done = Promise.withResolvers<void>();
  b.receivers.a = (told) => {
    all.push(told.body.seq);
    if (all.length === 30) done.resolve();
    return 204;
  };
  await exportsOf([...'ABCDE'], 2);
  await go();
  b.bell.ring();
  await Promise.all([done.promise, b.logged('webhook not delivered')]);
  expect((await readEvents(h.db, { after: 0, limit: 100 })).filter((e) => e.type === 'export.written')).toHaveLength(
    10,
  );
  expect(await state(b, 'dead')).toMatchObject({ state: 'failing', code: 'WEBHOOK_UNREACHABLE', backlog: 30 });
  expect(b.told.filter((one) => one.target === 'demo/hangs')).toHaveLength(5);
  const stopped = b.hooks.stop(0);
  gate.resolve(204);
  await stopped;
});

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

test('a person who is forgotten leaves nothing that was still to be told about them; who forgot is told', async () => {
  const b = await bench({ a: {} }, { a: () => 500 });
  await exportsOf(['s', 't'], 2);
  await exportsOf(['s'], 1, { kvnr: OTHER_KVNR });
  await b.rest();
  const lookupKey = h.vault.lookupKey('demo', KVNR);
  const o = { diga: 'demo', lookupKey, now: h.clock.now() };
  const { receipt } = await h.db.transaction().execute((tx) => forgetPerson(tx, o));
  expect(await h.db.selectFrom('webhook_deliveries').select('seq').execute()).toEqual([{ seq: 5 }]);
  b.receivers.a = () => 204;
  await b.rest();
  const before = b.told.length;
  await b.pass(300_000);
  const told = b.told.slice(before).map((one) => [one.body.seq, one.body.type, one.body.data.receipt]);
  expect(told.sort()).toEqual([
    [5, 'export.queued', undefined],
    [6, 'person.forgotten', receipt],
  ]);
  expect(await state(b)).toMatchObject({ backlog: 0 });
});

test('an event that was forgotten meanwhile is told to nobody, and the next of its series goes (RET-05)', async () => {
  const b = await bench({ a: {} }, { a: () => 500 });
  await exportsOf(['s'], 3);
  await b.rest();
  await h.db.deleteFrom('events').where('seq', '<=', 2).execute();
  b.receivers.a = () => 204;
  await b.pass(5000);
  expect(seqsOf(b.told)).toEqual([1, 3]);
  expect(await state(b)).toMatchObject({ backlog: 0 });
  expect(b.logs.filter((line) => line.level === 'error')).toEqual([]);
});

test('the metrics say what was taken, what failed and what waits', async () => {
  const b = await bench({ a: {}, b: {} }, { b: () => 'RESET' });
  await exportsOf(['x'], 2);
  await b.rest();
  h.clock.advance(4000);
  const text = (await b.metrics.text()).body;
  for (const line of [
    'epa_webhook_messages_total{target="demo/a",result="delivered"} 2',
    'epa_webhook_messages_total{target="demo/b",result="failed"} 1',
    'epa_webhook_backlog{target="demo/a"} 0',
    'epa_webhook_backlog{target="demo/b"} 2',
    'epa_webhook_backlog_oldest_seconds{target="demo/b"} 4',
  ])
    expect(text.split('\n')).toContain(line);
});
