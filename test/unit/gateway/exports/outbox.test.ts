// The outbox against a witness of its own: triggers in the database write down every change of a status as it happens, and
// each has exactly one event, in the same order, also across crashes; without its event no change happens (B7 step 10).
import { randomBytes } from 'node:crypto';
import { cpSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { claimDue, markSent, retryExport } from '../../../../gateway/exports/claims.ts';
import { type ExportEvent, readEvents } from '../../../../gateway/exports/outbox.ts';
import { recoverAfterCrash, releaseClaim } from '../../../../gateway/exports/recovery.ts';
import { settle } from '../../../../gateway/exports/settle.ts';
import {
  mioBundle,
  noAnswer,
  registryError,
  standingClock,
  type TestHouse,
  temporaryDirectory,
  testHouse,
} from '../../../support/gateway-fakes.ts';
import { breakStore, seenStatuses, watchStatuses } from '../../../support/store-triggers.ts';
import { moveStore } from '../../../support/stores.ts';

const DAY = 86_400_000;

let h: TestHouse;
let directory: ReturnType<typeof temporaryDirectory>;
const masterKey = randomBytes(32);

const open = async (clock = standingClock()) => {
  h = await testHouse({ directory: directory.path, masterKey, clock });
};
/** As after kill -9: goes on with the files as they lay there, write-ahead log included, while the old store was open. */
const crash = async () => {
  const left = directory;
  directory = temporaryDirectory();
  cpSync(left.path, directory.path, { recursive: true });
  moveStore(left.path, directory.path);
  await h.close();
  left.remove();
  await open(h.clock);
};
beforeEach(async () => {
  directory = temporaryDirectory();
  await open();
  await watchStatuses(h.db);
});
afterEach(async () => {
  await h.close();
  directory.remove();
});

const all = async () =>
  (await readEvents(h.db, { after: 0, limit: 100_000 })).filter((e): e is ExportEvent => 'snapshot' in e);
const typesOf = async (id: string) =>
  (await all()).filter((e) => e.snapshot.row.id === id).map((e) => e.type.slice('export.'.length));
const go = async () => {
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(0);
};
const content = (name: string) => ({ document: { mimeType: 'application/fhir+xml', content: mioBundle(name) } });
const sent = () => ({ version: 1, replaces: null, recordSystem: 'epa-as-1', at: h.clock.now(), steps: [] });
const claimOne = async () => {
  const claim = (await claimDue(h.db, h.clock.now(), 1))[0];
  if (claim === undefined) throw new Error('nothing is due');
  return claim;
};

/** What the witness saw of each export, beside what its events say. */
async function compare(): Promise<number> {
  const seen = await seenStatuses(h.db);
  const statuses = new Map<string, string[]>();
  for (const row of seen) statuses.set(row.export, [...(statuses.get(row.export) ?? []), row.status]);
  for (const [id, expected] of statuses) expect(await typesOf(id)).toEqual(expected);
  const events = await all();
  expect(events.map((e) => e.seq)).toEqual(events.map((_, n) => n + 1));
  expect(new Set(events.map((e) => e.id)).size).toBe(events.length);
  expect(events).toHaveLength(seen.length);
  return events.length;
}

describe('every change of a status has its event exactly once and in order (MON-06, RET-08)', () => {
  test('on the straight way: queued, running, written', async () => {
    const id = await h.accept();
    await go();
    expect(await typesOf(id)).toEqual(['queued', 'running', 'written']);
    expect(await compare()).toBe(3);
  });

  test('waiting, retried, written', async () => {
    h.outside.answers.push(...[1, 2].map(() => () => registryError('not-entitled', 'NotEntitled')));
    const id = await h.accept();
    await go();
    await retryExport(h.db, { id, diga: 'demo', now: h.clock.now() });
    await expect(retryExport(h.db, { id, diga: 'demo', now: h.clock.now() })).rejects.toMatchObject({
      code: 'STATE_CONFLICT',
    });
    await go();
    expect(await typesOf(id)).toEqual(['queued', 'running', 'waiting', 'queued', 'running', 'written']);
    await compare();
  });

  test('unclear, then written by its own repeat', async () => {
    h.outside.answers.push(noAnswer, () => registryError('duplicate', 'XDSDuplicateUniqueIdInRegistry'));
    const id = await h.accept();
    await go();
    h.clock.advance(DAY);
    await go();
    expect(await typesOf(id)).toEqual(['queued', 'running', 'unclear', 'running', 'written']);
    await compare();
  });

  test('superseded, unchanged, refused', async () => {
    const old = await h.accept();
    await h.accept();
    await go();
    const same = await h.accept();
    await go();
    h.outside.answers.push(() => registryError('rejected', 'XDSRepositoryMetadataError'));
    const bad = await h.accept(content('two'));
    await go();
    expect(await typesOf(old)).toEqual(['queued', 'superseded']);
    expect(await typesOf(same)).toEqual(['queued', 'running', 'unchanged']);
    expect(await typesOf(bad)).toEqual(['queued', 'running', 'refused']);
    await compare();
  });

  test('superseded at the end of a try that a newer export overtook', async () => {
    const old = await h.accept();
    const claim = await claimOne();
    await h.accept(content('two'));
    const ending = { kind: 'ends', code: 'IDP_UNREACHABLE', definite: true } as const;
    const o = { now: h.clock.now(), random: () => 0, failedContentDays: 14, steps: [], bytesLeft: false };
    expect(await settle(h.db, claim, ending, o)).toMatchObject({ status: 'superseded' });
    expect(await typesOf(old)).toEqual(['queued', 'running', 'superseded']);
    await compare();
  });

  test('deferred until notBefore, then superseding who waited before it', async () => {
    h.outside.answers.push(...[1, 2].map(() => () => registryError('not-entitled', 'NotEntitled')));
    const old = await h.accept();
    await go();
    const later = await h.accept({ ...content('two'), notBefore: '2026-11-27' });
    h.clock.advance(3 * DAY);
    await go();
    expect(await typesOf(old)).toEqual(['queued', 'running', 'waiting', 'superseded']);
    expect(await typesOf(later)).toEqual(['waiting', 'queued', 'running', 'written']);
    await compare();
  });

  test('cancelled when its time is over', async () => {
    h.outside.answers.push(...[1, 2].map(() => () => registryError('not-entitled', 'NotEntitled')));
    const id = await h.accept({ notAfter: '2026-11-27' });
    await go();
    h.clock.advance(9 * DAY);
    await go();
    expect(await typesOf(id)).toEqual(['queued', 'running', 'waiting', 'cancelled']);
    await compare();
  });

  test('a claim given back because its end could not be stored', async () => {
    const id = await h.accept();
    const claim = await claimOne();
    await releaseClaim(h.db, claim, h.clock.now());
    await releaseClaim(h.db, claim, h.clock.now());
    expect(await typesOf(id)).toEqual(['queued', 'running', 'queued']);
    await compare();
  });

  test('across crashes: claimed goes back, sent is unclear, and a recovery that finds nothing tells nothing', async () => {
    const claimed = await h.accept({ series: 'a' });
    const sentOne = await h.accept({ series: 'b' });
    for (const claim of await claimDue(h.db, h.clock.now(), 2))
      if (claim.row.id === sentOne) await markSent(h.db, claim, sent());
    await crash();
    await recoverAfterCrash(h.db, h.clock.now());
    await recoverAfterCrash(h.db, h.clock.now());
    expect(await typesOf(claimed)).toEqual(['queued', 'running', 'queued']);
    expect(await typesOf(sentOne)).toEqual(['queued', 'running', 'unclear']);
    await crash();
    await go();
    expect(await typesOf(claimed)).toEqual(['queued', 'running', 'queued', 'running', 'written']);
    expect(await typesOf(sentOne)).toEqual(['queued', 'running', 'unclear', 'running', 'written']);
    await compare();
  });

  test('with 60 exports, faults and a crash after every few turns', async () => {
    for (let n = 0; n < 60; n++)
      await h.accept({ ...content(`v${n}`), series: `s${n % 7}`, queue: n % 3 === 0 ? 'latest' : 'all' });
    for (let turn = 0; turn < 6; turn++) {
      const claims = await claimDue(h.db, h.clock.now(), 4);
      for (const [n, claim] of claims.entries()) if (n % 2 === 0) await markSent(h.db, claim, sent());
      await crash();
      h.outside.answers.push(
        noAnswer,
        () => registryError('busy'),
        () => registryError('not-entitled', 'NotEntitled'),
      );
      await go();
      h.clock.advance(DAY);
    }
    await go();
    expect(await compare()).toBeGreaterThan(180);
  });
});

test('a retry of an export in doubt is an event though its status stays', async () => {
  h.outside.answers.push(noAnswer, ...[1, 2].map(() => () => registryError('not-entitled', 'NotEntitled')));
  const id = await h.accept();
  await go();
  h.clock.advance(DAY);
  await go();
  const before = await typesOf(id);
  await retryExport(h.db, { id, diga: 'demo', now: h.clock.now() });
  expect(await typesOf(id)).toEqual([...before, 'unclear']);
});

describe('where the event cannot be written nothing has changed', () => {
  const broken = () => breakStore(h.db, { table: 'events', on: 'INSERT' });

  test('an export is not accepted', async () => {
    await broken();
    await expect(h.accept()).rejects.toThrow();
    expect(await h.db.selectFrom('exports').selectAll().execute()).toEqual([]);
  });
  test('a superseded one stays as it was', async () => {
    const id = await h.accept();
    await broken();
    await expect(h.accept(content('two'))).rejects.toThrow();
    expect((await h.read(id)).row.status).toBe('queued');
  });
  test('nothing is claimed', async () => {
    const id = await h.accept();
    await broken();
    await expect(claimDue(h.db, h.clock.now(), 1)).rejects.toThrow();
    expect((await h.read(id)).row).toMatchObject({ status: 'queued', claim: null });
  });
  test('nothing is settled: the export is recovered and repeated', async () => {
    const id = await h.accept();
    const claim = await claimOne();
    await markSent(h.db, claim, sent());
    await broken();
    const o = { now: h.clock.now(), random: () => 0, failedContentDays: 14, steps: [], bytesLeft: true };
    await expect(settle(h.db, claim, { kind: 'written', recordSystem: 'epa-as-1' }, o)).rejects.toThrow();
    expect((await h.read(id)).row).toMatchObject({ status: 'running', phase: 'sent' });
    await expect(recoverAfterCrash(h.db, h.clock.now())).rejects.toThrow();
    expect((await h.read(id)).row).toMatchObject({ status: 'running', phase: 'sent' });
  });
  test('nothing is retried', async () => {
    h.outside.answers.push(...[1, 2].map(() => () => registryError('not-entitled', 'NotEntitled')));
    const id = await h.accept();
    await go();
    await broken();
    await expect(retryExport(h.db, { id, diga: 'demo', now: h.clock.now() })).rejects.toThrow();
    expect((await h.read(id)).row).toMatchObject({ status: 'waiting', retried_at: null });
  });
});
