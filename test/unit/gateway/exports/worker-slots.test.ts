// Large documents have slots of their own: they never take those of the small ones, nor the other way round (D13, EXP-07).
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimDue } from '../../../../gateway/exports/claims.ts';
import { mioBundle, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const FROM = 10_000;
const MIO = 'application/fhir+xml';
const small = { document: { mimeType: MIO, content: mioBundle('small') } };
const large = (bytes = FROM) => ({ document: { mimeType: MIO, content: Buffer.alloc(bytes, 'x') } });
const claimed = async (budget: Parameters<typeof claimDue>[2]) =>
  (await claimDue(h.db, h.clock.now(), budget)).map(({ row, document }) => [row.series, document.bytes >= FROM]);

/** Writes of documents from FROM on end when they are let go; all are counted. */
function heldLarge() {
  const gone = Promise.withResolvers<void>();
  const seen = { large: 0, mostLarge: 0, small: 0, started: Promise.withResolvers<void>(), letGo: gone.resolve };
  const { write } = h.outside.ports;
  h.outside.ports.write = async (session, order) => {
    if (order.content.length < FROM) {
      seen.small += 1;
      return write(session, order);
    }
    seen.large += 1;
    seen.mostLarge = Math.max(seen.mostLarge, seen.large);
    seen.started.resolve();
    await gone.promise;
    seen.large -= 1;
    return write(session, order);
  };
  return seen;
}

test('small exports are written while more large ones wait than there are slots for', async () => {
  for (let n = 0; n < 4; n++) await h.accept({ ...large(), series: `large${n}` });
  const seen = heldLarge();
  const worker = h.worker({ small: 2, large: 1, fromBytes: FROM });
  await worker.start();
  await seen.started.promise;
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push(await h.accept({ ...small, series: `small${n}` }));
  const written = new Promise<void>((resolve) => {
    h.outside.answers.push(...Array.from({ length: 4 }, () => () => ({ kind: 'stored' as const })), () => {
      resolve();
      return { kind: 'stored' };
    });
  });
  worker.wake();
  await written;
  expect(seen).toMatchObject({ small: 5, large: 1 });
  seen.letGo();
  await worker.idle();
  expect(seen.mostLarge).toBe(1);
  expect(h.outside.writes).toHaveLength(9);
});

test('a large export goes while all slots of the small ones are taken', async () => {
  for (let n = 0; n < 3; n++) await h.accept({ ...small, series: `small${n}` });
  await h.accept({ ...large(), series: 'large', priority: 'batch' });
  const gone = Promise.withResolvers<void>();
  const { write } = h.outside.ports;
  h.outside.ports.write = async (session, order) => {
    // Small ones end only when the large one was written: behind them it would wait for ever.
    if (order.content.length < FROM) await gone.promise;
    const outcome = await write(session, order);
    if (order.content.length >= FROM) gone.resolve();
    return outcome;
  };
  const worker = h.worker({ small: 1, large: 1, fromBytes: FROM });
  await worker.start();
  await worker.idle();
  expect(h.outside.writes).toHaveLength(4);
  expect(h.outside.writes[0]?.content.length).toBe(FROM);
});

test('large ones that are due and have no slot do not keep the worker awake', async () => {
  for (let n = 0; n < 3; n++) await h.accept({ ...large(), series: `large${n}` });
  const seen = heldLarge();
  const worker = h.worker({ small: 1, large: 1, fromBytes: FROM });
  await worker.start();
  await seen.started.promise;
  await h.accept({ ...small, series: 'small' });
  const written = h.outside.writing();
  worker.wake();
  await written;
  seen.letGo();
  await worker.idle();
  expect(h.timers.filter((at) => at <= h.clock.now())).toEqual([]);
  expect(h.outside.writes).toHaveLength(4);
});

test('a document exactly as large as the limit is large, one byte less is not', async () => {
  await h.accept({ ...large(FROM), series: 'at' });
  await h.accept({ ...large(FROM - 1), series: 'below' });
  expect(await claimed({ small: 9, large: 0, fromBytes: FROM })).toEqual([['below', false]]);
  expect(await claimed({ small: 0, large: 9, fromBytes: FROM })).toEqual([['at', true]]);
});

test('user before batch, and no more than there are slots, in each of the two', async () => {
  for (const priority of ['batch', 'user'] as const) {
    await h.accept({ ...large(), series: `large ${priority}`, priority });
    await h.accept({ ...small, series: `small ${priority}`, priority });
  }
  const one = { small: 1, large: 1, fromBytes: FROM };
  expect(await claimed(one)).toEqual([
    ['small user', false],
    ['large user', true],
  ]);
  expect(await claimed({ ...one, small: -1, large: 0 })).toEqual([]);
  expect(await claimed(one)).toEqual([
    ['small batch', false],
    ['large batch', true],
  ]);
});

test('a small export behind a large one of its series stays behind it (EXP-07)', async () => {
  await h.accept({ ...large(), queue: 'all' });
  await h.accept({ ...small, queue: 'all' });
  expect(await claimed({ small: 9, large: 0, fromBytes: FROM })).toEqual([]);
  expect(await claimed({ small: 9, large: 9, fromBytes: FROM })).toHaveLength(1);
  expect(await claimed({ small: 9, large: 9, fromBytes: FROM })).toEqual([]);
});

test('of an export of several documents the one that is next counts', async () => {
  const pdf = { mimeType: 'application/pdf', content: Buffer.from('%PDF-1.7') };
  const id = await h.accept({ ...large(), pdf });
  const worker = h.worker({ small: 0, large: 1, fromBytes: FROM });
  await worker.start();
  await worker.idle();
  await worker.stop(0);
  expect((await h.read(id)).documents.map((d) => d.status)).toEqual(['written', 'queued']);
  expect(await claimed({ small: 1, large: 0, fromBytes: FROM })).toEqual([[expect.any(String), false]]);
});
