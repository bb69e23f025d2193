// Where documents are worked on (D5): a real thread for the large ones, in which one document is nobody else's trouble.
import { expect, test } from 'vitest';
import { judgeXml } from '../../../../gateway/documents/judge.ts';
import { openToolkits } from '../../../../gateway/documents/toolkits.ts';
import { createWorkshop } from '../../../../gateway/documents/workshop.ts';
import { KVNR, mioBundle, OTHER_KVNR } from '../../../support/gateway-fakes.ts';

const order = { versions: ['1.1.0'], maxBytes: 25_000_000, kvnr: KVNR };
const judge = (bytes: Uint8Array) => judgeXml(bytes, openToolkits(), order);

test('a large document is judged in a thread, with the same verdict, while others have their turn', async () => {
  const workshop = createWorkshop({ waitingBytes: 1e9, smallBytes: 1000 });
  const bytes = mioBundle('a', OTHER_KVNR);
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 1);
  try {
    expect(await workshop.run('judge', { ...order, bytes }, bytes.length)).toEqual(judge(bytes));
    expect(turns).toBeGreaterThan(1);
  } finally {
    clearInterval(timer);
    await workshop.stop();
  }
});

test('what fails in the thread fails alone: its message is kept back, and the next job is done', async () => {
  const workshop = createWorkshop({ waitingBytes: 1e9, smallBytes: 0 });
  try {
    const bad = workshop.run('judge', { ...order, versions: ['secret'], bytes: mioBundle('a') }, 1);
    await expect(bad).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(bad).rejects.not.toThrow(/secret/);
    const good = await workshop.run('judge', { ...order, bytes: mioBundle('a') }, 1);
    expect(good.findings).toEqual([]);
  } finally {
    await workshop.stop();
  }
});

test('two large documents have a place at a time, a third waits for one of them', async () => {
  const workshop = createWorkshop({ waitingBytes: 1e9, smallBytes: 0 });
  const doors = [1, 2, 3].map(() => Promise.withResolvers<void>());
  const entered: number[] = [];
  const all = doors.map((door, n) =>
    workshop.place(1, async () => {
      entered.push(n);
      await door.promise;
    }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(entered).toEqual([0, 1]);
  doors[1]?.resolve();
  await all[1];
  await new Promise((resolve) => setImmediate(resolve));
  expect(entered).toEqual([0, 1, 2]);
  for (const door of doors) door.resolve();
  await Promise.all(all);
});

/** As FHIR JSON: of so many empty objects that reading them takes more than a small heap. */
const huge = Buffer.from(`{"resourceType":"Bundle","entry":[${'{"a":[{}]},'.repeat(400_000)}{}]}`);
const HEAP_MB = 64;

test('a document that takes more memory than there is is refused alone: what waits beside it is done by a new thread', async () => {
  const workshop = createWorkshop({ waitingBytes: 1e9, smallBytes: 0, heapMb: HEAP_MB });
  const good = () => workshop.run('judge', { ...order, bytes: mioBundle('a') }, 1);
  try {
    const before = good();
    const bad = workshop.run('judgeJson', { ...order, bytes: huge }, huge.length);
    const beside = [good(), workshop.run('judgeJson', { ...order, bytes: huge }, huge.length), good()];
    await expect(bad).rejects.toMatchObject({ code: 'DOCUMENT_TOO_LARGE' });
    const ends = await Promise.allSettled([before, ...beside]);
    expect(ends.map((end) => (end.status === 'fulfilled' ? end.value.findings : end.reason.code))).toEqual([
      [],
      [],
      'DOCUMENT_TOO_LARGE',
      [],
    ]);
  } finally {
    await workshop.stop();
  }
});

test('one after the other, in the order in which they came', async () => {
  const workshop = createWorkshop({ waitingBytes: 1e9, smallBytes: 0 });
  const ended: number[] = [];
  try {
    await Promise.all(
      [1, 2, 3, 4].map(async (n) => {
        await workshop.run('judge', { ...order, bytes: mioBundle('a') }, 1);
        ended.push(n);
      }),
    );
    expect(ended).toEqual([1, 2, 3, 4]);
  } finally {
    await workshop.stop();
  }
});

test('who stops refuses what is not done, and what comes after', async () => {
  const workshop = createWorkshop({ waitingBytes: 1e9, smallBytes: 0 });
  const run = () => workshop.run('judge', { ...order, bytes: mioBundle('a') }, 1);
  const going = Promise.allSettled([run(), run()]);
  await workshop.stop();
  const refused = { status: 'rejected', reason: { code: 'NOT_READY' } };
  expect(await going).toMatchObject([refused, refused]);
  await expect(run()).rejects.toMatchObject({ code: 'NOT_READY' });
});

test('more than can wait is refused at once, and taken again when there is room', async () => {
  const workshop = createWorkshop({ smallBytes: 10, waitingBytes: 100 });
  const entered: string[] = [];
  const doors = new Map<string, () => void>();
  const work = (name: string, bytes: number) =>
    workshop.place(bytes, async () => {
      entered.push(name);
      await new Promise<void>((open) => doors.set(name, open));
      return name;
    });
  const [one, two] = [work('one', 500), work('two', 500)];
  // The only one that waits may be of any length.
  const three = work('three', 500);
  await expect(work('four', 11)).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });
  expect(await workshop.place(10, async () => 'small')).toBe('small');
  doors.get('one')?.();
  await one;
  const waiting = [work('five', 60), work('six', 40)];
  await expect(work('seven', 11)).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });
  expect(entered).toEqual(['one', 'two', 'three']);
  for (const name of ['two', 'three']) doors.get(name)?.();
  await Promise.all([two, three]);
  const eight = work('eight', 100);
  expect(entered).toEqual(['one', 'two', 'three', 'five', 'six']);
  for (const name of ['five', 'six']) doors.get(name)?.();
  await Promise.all(waiting);
  doors.get('eight')?.();
  expect(await eight).toBe('eight');
});

test('a place that ends badly is free again', async () => {
  const workshop = createWorkshop({ smallBytes: 0, waitingBytes: 1 });
  const failing = [1, 2, 3].map(() => workshop.place(1, async () => Promise.reject(new Error('bad'))));
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(await Promise.all([1, 2].map((n) => workshop.place(1, async () => n)))).toEqual([1, 2]);
});

test('what lies in the store may wait twice as much, beside what is held in memory', async () => {
  const workshop = createWorkshop({ smallBytes: 10, waitingBytes: 100 });
  const door = Promise.withResolvers<void>();
  const wait = (bytes: number, staged?: 'staged') => workshop.place(bytes, () => door.promise, staged);
  const taken = [wait(500), wait(500), wait(150, 'staged'), wait(50, 'staged'), wait(60), wait(40)];
  await expect(wait(11, 'staged')).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });
  await expect(wait(11)).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });
  door.resolve();
  await Promise.all(taken);
  await Promise.all([wait(500), wait(500), wait(100), wait(200, 'staged')]);
});
