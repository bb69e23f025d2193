// The thread beside the gateway's own (D5, D8): a document comes to it piece by piece, what goes wrong with one is nobody else's
// trouble, and it is ended when it was large and nothing comes.
import { afterEach, expect, test } from 'vitest';
import { createJobThread, type JobThread } from '../../../../gateway/documents/job-thread.ts';
import { judgeXml } from '../../../../gateway/documents/judge.ts';
import { openToolkits } from '../../../../gateway/documents/toolkits.ts';
import { GatewayError } from '../../../../gateway/errors.ts';
import { KVNR, mioBundle, OTHER_KVNR } from '../../../support/gateway-fakes.ts';

const order = { versions: ['1.1.0'], maxBytes: 25_000_000, kvnr: KVNR };
const LARGE = 1_000_000;

let thread: JobThread;
const timers: { ms: number; fire: () => void; taken: boolean }[] = [];
let ended = Promise.withResolvers<void>();
function open(): JobThread {
  ended = Promise.withResolvers();
  timers.length = 0;
  thread = createJobThread({
    folder: undefined,
    heapMb: 512,
    timer: (ms, fire) => {
      const timer = { ms, fire, taken: false };
      timers.push(timer);
      return () => {
        timer.taken = true;
      };
    },
    ended: () => ended.resolve(),
  });
  return thread;
}
afterEach(() => thread.stop());

/** Pieces as they are asked for; `failing` is thrown behind them. */
function source(bytes: Uint8Array, size: number, failing?: Error) {
  const seen = { asked: 0, closed: Promise.withResolvers<void>() };
  async function* pieces() {
    try {
      for (let at = 0; at < bytes.length; at += size) {
        seen.asked += 1;
        yield bytes.slice(at, at + size);
      }
      if (failing !== undefined) throw failing;
    } finally {
      seen.closed.resolve();
    }
  }
  return { seen, chunks: pieces() };
}
const judge = (chunks: AsyncIterable<Uint8Array>, bytes = 1, change = {}) =>
  thread.run('judgeChunks', { ...order, ...change, chunks }, bytes);

test.each([1000, 7, 1_000_000])('a document in pieces of %i bytes gets the verdict of the whole', async (size) => {
  open();
  const bytes = mioBundle('äöü€', OTHER_KVNR);
  const whole = judgeXml(bytes, openToolkits(), order);
  expect(whole.findings).not.toEqual([]);
  expect(await judge(source(bytes, size).chunks)).toEqual(whole);
});

test('pieces that share their memory with others are not taken from them', async () => {
  open();
  const bytes = mioBundle('a');
  const before = Buffer.from(bytes);
  async function* views() {
    for (let at = 0; at < bytes.length; at += 999) yield bytes.subarray(at, at + 999);
  }
  expect((await judge(views())).findings).toEqual([]);
  expect(Buffer.compare(before, bytes)).toBe(0);
});

test('a document that is no document is not read to its end, and its source is closed', async () => {
  open();
  const { seen, chunks } = source(Buffer.alloc(100_000, '<<'), 1000);
  const { findings } = await judge(chunks);
  expect(findings.map((f) => f.code)).toEqual(['XML_MALFORMED']);
  await seen.closed.promise;
  expect(seen.asked).toBeLessThan(5);
});

test('a document above the limit is not read to its end', async () => {
  open();
  const { seen, chunks } = source(mioBundle('x'.repeat(200_000)), 1000);
  expect((await judge(chunks, 1, { maxBytes: 5000 })).findings.map((f) => f.code)).toEqual(['MIO_TOO_LARGE']);
  await seen.closed.promise;
  expect(seen.asked).toBeLessThan(10);
});

test('a document that cannot be read any more throws what its source threw, and the next one is judged', async () => {
  open();
  const bytes = mioBundle('a');
  const broken = new GatewayError('STORE_BROKEN', 'a chunk of the content is missing');
  await expect(judge(source(bytes, 500, broken).chunks)).rejects.toBe(broken);
  expect((await judge(source(bytes, 500).chunks)).findings).toEqual([]);
});

test('who stops closes what is being read and what waits', async () => {
  open();
  const sources = [source(mioBundle('a'), 10), source(mioBundle('b'), 10)];
  const going = Promise.allSettled(sources.map(({ chunks }) => judge(chunks)));
  await thread.stop();
  expect(await going).toMatchObject([
    { status: 'rejected', reason: { code: 'NOT_READY' } },
    { status: 'rejected', reason: { code: 'NOT_READY' } },
  ]);
  expect(sources.map(({ seen }) => seen.asked)[1]).toBe(0);
});

test('a thread that had a large document is ended when nothing comes, and the next one gets a new thread', async () => {
  open();
  await judge(source(mioBundle('a'), 500).chunks, LARGE);
  expect(timers).toMatchObject([{ ms: 100, taken: false }]);
  timers[0]?.fire();
  await ended.promise;
  expect((await judge(source(mioBundle('a'), 500).chunks, LARGE)).findings).toEqual([]);
});

test('it is not ended while there is something to do, nor for documents that are not that large', async () => {
  open();
  await judge(source(mioBundle('a'), 500).chunks, LARGE - 1);
  expect(timers).toEqual([]);
  await Promise.all([judge(source(mioBundle('a'), 500).chunks, LARGE), judge(source(mioBundle('b'), 500).chunks, 1)]);
  expect(timers).toMatchObject([{ taken: false }]);
  const next = judge(source(mioBundle('a'), 500).chunks, 1);
  expect(timers).toMatchObject([{ taken: true }]);
  await next;
});

test('who asks whether it is ready has one started, and it is once it has answered', async () => {
  const one = open();
  expect(one.ready()).toBe(false);
  const bytes = mioBundle('a', OTHER_KVNR);
  expect(await one.run('judge', { ...order, bytes }, bytes.length)).toEqual(judgeXml(bytes, openToolkits(), order));
  expect(one.ready()).toBe(true);
  // What was sent is still whose it was.
  expect(bytes.length).toBeGreaterThan(0);
  await one.stop();
  expect(one.ready()).toBe(false);
});
