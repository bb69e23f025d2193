// A large export that was built here: accepted piece by piece, so that nobody else waits for it, and stored whole or not at all
// (D5, D8, EXP-03). Forms are staged while they come in (staging.test.ts).
import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Acceptance, acceptExport } from '../../../../gateway/exports/accept.ts';
import type { CheckpointName } from '../../../../gateway/exports/checkpoints.ts';
import { readContent } from '../../../../gateway/exports/content.ts';
import { forgetPerson } from '../../../../gateway/exports/forget.ts';
import type { OrderedDocument } from '../../../../gateway/exports/ordered-document.ts';
import { openStaging, STAGED_FROM_BYTES, STAGED_MS } from '../../../../gateway/exports/staging.ts';
import { CHUNK_BYTES } from '../../../../gateway/vault/seal.ts';
import { exportOrder, KVNR, sha256, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { lowerStore } from '../../../support/old-store.ts';
import { breakStore } from '../../../support/store-triggers.ts';
import { onPostgres } from '../../../support/stores.ts';

/** The schema in which what was staged lay in a table of its own. */
const BEFORE_STAGINGS = 11;

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const mimeType = 'application/fhir+xml';
const made = (bytes: number): Extract<OrderedDocument, { content: Uint8Array }> => ({
  mimeType,
  content: randomBytes(bytes),
});
const rows = async (table: 'exports' | 'stagings' | 'sealed_chunks') => {
  const found = await h.db
    .selectFrom(table)
    .select((e) => e.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return Number(found.n);
};
type More = Partial<Omit<Parameters<typeof acceptExport>[0], 'order'>>;
const accept = (order: Parameters<typeof exportOrder>[0], more: More = {}): Promise<Acceptance> =>
  acceptExport({ db: h.db, vault: h.vault, order: exportOrder(order), key: null, now: h.clock.now(), ...more });
const held = async (id: string, part: string) => sha256((await readContent(h, { id, diga: 'demo', part })).content);

/** Counts the turns of the event loop until it is stopped; `longest`: processor time of the longest one in ms. */
function countTurns() {
  const turns = { count: 0, longest: 0, stop: () => clearImmediate(next) };
  let before = process.threadCpuUsage();
  const look = () => {
    const { user, system } = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    turns.longest = Math.max(turns.longest, (user + system) / 1000);
    turns.count += 1;
    next = setImmediate(look);
  };
  let next = setImmediate(look);
  return turns;
}

describe('20 MB in parts', () => {
  const parts = () => {
    const [first, document, pdf] = [made(8_000_000), made(8_000_000), made(4_000_000)];
    return {
      first,
      document,
      pdf,
      order: { document, pdf, further: [{ part: '2026-10-01', first: true, document: first }] },
    };
  };
  const chunks = 2 * Math.ceil(8_000_000 / CHUNK_BYTES) + Math.ceil(4_000_000 / CHUNK_BYTES);

  test('let the event loop turn for every piece, and the transaction moves none of them', async () => {
    const large = parts();
    const at = new Map<CheckpointName, number>();
    const turns = countTurns();
    const { id } = await accept(large.order, {
      checkpoint: (name) => void (name !== 'stage.chunk' && at.set(name, turns.count)),
    });
    await turn();
    turns.stop();
    // What is bound in the transaction was there before it.
    expect([...at.keys()]).toEqual(['accept.before', 'accept.committing', 'accept.committed']);
    expect(at.get('accept.before')).toBeGreaterThanOrEqual(chunks);
    expect(await rows('sealed_chunks')).toBe(chunks);
    expect(await rows('stagings')).toBe(0);
    for (const [part, document] of [
      ['2026-10-01', large.first],
      ['', large.document],
      ['pdf', large.pdf],
    ] as const)
      expect(await held(id, part)).toBe(sha256(document.content));
    // Of the processor, not of the clock, so that others on the machine change little. A piece takes about 2 ms, and 20 with the
    // pages of the write-ahead log that SQLite moves into the file now and then; all at once they took 400.
    expect(turns.longest).toBeLessThan(100);
  });

  test.runIf(!onPostgres)('are not copied by accepting them: the transaction writes a few pages', async () => {
    const pages = async () => {
      const { rows: found } = await sql<{ busy: number; log: number }>`PRAGMA wal_checkpoint(PASSIVE)`.execute(h.db);
      return Number(found[0]?.log);
    };
    let before = 0;
    const checkpoint = async (name: CheckpointName) => {
      if (name !== 'accept.before') return;
      await sql`PRAGMA wal_checkpoint(TRUNCATE)`.execute(h.db);
      before = await pages();
    };
    await accept(parts().order, { checkpoint });
    const written = (await pages()) - before;
    expect(written).toBeGreaterThan(0);
    expect(written * 4096).toBeLessThan(CHUNK_BYTES);
  });
});

test.each([
  ['as much as is sealed at once', STAGED_FROM_BYTES, 0],
  ['a byte more', STAGED_FROM_BYTES + 1, 3],
])('%s', async (_, bytes, staged) => {
  const document = made(bytes);
  let pieces = 0;
  const { id } = await accept({ document }, { checkpoint: (name) => void (name === 'stage.chunk' && pieces++) });
  expect(pieces).toBe(staged);
  expect(await held(id, '')).toBe(sha256(document.content));
  expect([await rows('sealed_chunks'), await rows('stagings')]).toEqual([Math.ceil(bytes / CHUNK_BYTES), 0]);
});

test('what was built goes beside what was staged while it came in', async () => {
  const staging = openStaging({ db: h.db, vault: h.vault, diga: 'demo', now: h.clock.now });
  const content = randomBytes(CHUNK_BYTES + 1);
  const form = staging.open('pdf');
  await form.write(content);
  const pdf = { mimeType: 'application/pdf', ...(await form.end()) };
  const document = made(3 * CHUNK_BYTES);
  const { id } = await accept({ document, pdf }, { staging });
  await staging.drop();
  expect(id).toBe(staging.id);
  expect([await held(id, ''), await held(id, 'pdf')]).toEqual([sha256(document.content), sha256(content)]);
  expect([await rows('sealed_chunks'), await rows('stagings')]).toEqual([5, 0]);
});

describe('nothing is left of what is not accepted', () => {
  const large = () => ({ document: made(3 * CHUNK_BYTES) });
  const nothing = async () => [await rows('exports'), await rows('sealed_chunks'), await rows('stagings')];

  test('where the store refuses the export', async () => {
    const mend = await breakStore(h.db, { table: 'exports', on: 'INSERT' });
    await expect(accept(large())).rejects.toThrow();
    await mend();
    expect(await nothing()).toEqual([0, 0, 0]);
  });

  test('where the store refuses a piece', async () => {
    let mend = async () => {};
    let pieces = 0;
    const checkpoint = async (name: CheckpointName) => {
      if (name === 'stage.chunk' && ++pieces === 2)
        mend = await breakStore(h.db, { table: 'sealed_chunks', on: 'INSERT' });
    };
    await expect(accept(large(), { checkpoint })).rejects.toThrow();
    await mend();
    expect([pieces, ...(await nothing())]).toEqual([2, 0, 0, 0]);
  });

  test('where the order stands already', async () => {
    const key = { keyMac: Buffer.from('k'), bodyMac: Buffer.from('b') };
    const { id } = await accept(large(), { key });
    expect(await accept(large(), { key })).toEqual({ id, replayed: true, superseded: [] });
    expect(await nothing()).toEqual([1, 3, 0]);
  });

  test('of the parts that were built, where a form was staged: that can be accepted still', async () => {
    const staging = openStaging({ db: h.db, vault: h.vault, diga: 'demo', now: h.clock.now });
    const pdf = { mimeType: 'application/pdf', ...(await staging.open('pdf').end()) };
    const mend = await breakStore(h.db, { table: 'exports', on: 'INSERT' });
    await expect(accept({ ...large(), pdf }, { staging })).rejects.toThrow();
    await mend();
    expect([await nothing(), staging.chunks]).toEqual([[0, 1, 1], 1]);
    const again = large();
    const { id } = await accept({ ...again, pdf }, { staging });
    expect(await held(id, '')).toBe(sha256(again.document.content));
  });

  test('after a crash between its pieces and its acceptance: noise, and erased by the next start when it is old', async () => {
    const here = Promise.withResolvers<void>();
    // Nothing comes after it in this process.
    const checkpoint = async (name: CheckpointName) => {
      if (name !== 'accept.before') return;
      here.resolve();
      await new Promise(() => {});
    };
    void accept(large(), { checkpoint });
    await here.promise;
    expect(await nothing()).toEqual([0, 3, 1]);
    h.clock.advance(STAGED_MS);
    const worker = h.worker();
    await worker.start();
    await worker.idle();
    await worker.stop(1000);
    expect(await nothing()).toEqual([0, 0, 0]);
  });

  test('of a person who is forgotten', async () => {
    await accept(large());
    const forgetting = { diga: 'demo', lookupKey: h.vault.lookupKey('demo', KVNR), now: h.clock.now() };
    await h.db.transaction().execute((tx) => forgetPerson(tx, forgetting));
    expect(await nothing()).toEqual([0, 0, 0]);
  });
});

test.runIf(!onPostgres)('content of before the schema that stages so is there afterwards', async () => {
  const document = made(CHUNK_BYTES + 1);
  const { id } = await accept({ document });
  const before = h;
  await before.db.destroy();
  await lowerStore(before.directory, BEFORE_STAGINGS);
  h = await testHouse(before);
  const { close } = h;
  h.close = async () => {
    await close();
    await before.close();
  };
  expect(await held(id, '')).toBe(sha256(document.content));
});
