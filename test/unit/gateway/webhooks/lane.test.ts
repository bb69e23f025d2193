// What the targets of webhooks are told (MON-06): every event at least once and nothing else, no target waits for another, and nothing
// of who was forgotten. In which order: lane-order.test.ts; what is not taken: lane-retries.test.ts.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { catalogue } from '../../../../gateway/errors.ts';
import { forgetPerson } from '../../../../gateway/exports/forget.ts';
import { readEvents } from '../../../../gateway/exports/outbox.ts';
import { sealEvent } from '../../../../gateway/exports/row-seals-event.ts';
import { KVNR, OTHER_KVNR, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { content } from '../../../support/house-steps.ts';
import { seqsOf, seriesOf, state, webhookLanes } from '../../../support/webhook-lanes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(async () => {
  await close();
  await h.close();
});

const { close, bench, exportsOf, go } = webhookLanes(() => h);

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
