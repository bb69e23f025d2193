// Two gateways on one PostgreSQL, in this process: claims belong to one of them, what nobody renews is taken up, what one does
// the other hears, and neither loses its place when the database goes away for a moment (D9, D22, EXP-03, EXP-07).
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { claimDue, isClaimLost, markSent } from '../../../../gateway/exports/claims.ts';
import { type Lease, nextExpiry, renewLeases } from '../../../../gateway/exports/leases.ts';
import { hearNeighbours } from '../../../../gateway/exports/neighbours.ts';
import { readEvents } from '../../../../gateway/exports/outbox.ts';
import { recoverAfterCrash, recoverExpired } from '../../../../gateway/exports/recovery.ts';
import { settle } from '../../../../gateway/exports/settle.ts';
import { silentLogger } from '../../../../gateway/log.ts';
import { mioBundle, type TestHouse, temporaryDirectory, testHouse } from '../../../support/gateway-fakes.ts';
import { withPostgres } from '../../../support/schemas-of-tests.ts';
import { onPostgres, shareStore, storeOf } from '../../../support/stores.ts';

describe.runIf(onPostgres)('two gateways on one PostgreSQL', () => {
  let a: TestHouse;
  let b: TestHouse;
  const directories: ReturnType<typeof temporaryDirectory>[] = [];
  beforeEach(async () => {
    const [one, two] = [temporaryDirectory(), temporaryDirectory()];
    directories.push(one, two);
    a = await testHouse({ directory: one.path });
    shareStore(one.path, two.path);
    b = await testHouse({ directory: two.path, masterKey: a.masterKey, clock: a.clock });
  });
  afterEach(async () => {
    await a.close();
    await b.close();
    for (const directory of directories.splice(0)) directory.remove();
  });

  const lease = (house: TestHouse, ms = 60_000): Lease => ({ holder: house.directory, ms });
  const claimOne = async (house: TestHouse, ms?: number) => {
    const [claim] = await claimDue(house.db, house.clock.now(), 1, { lease: lease(house, ms) });
    if (claim === undefined) throw new Error('nothing is due');
    return claim;
  };
  const content = (name: string) => ({ document: { mimeType: 'application/fhir+xml', content: mioBundle(name) } });
  const sent = { version: 1, replaces: null, recordSystem: 'epa-as-1', at: 0, steps: [] };
  const settling = () => ({ now: a.clock.now(), random: () => 0, failedContentDays: 14, steps: [], bytesLeft: true });

  test('of claims at once each export belongs to one of them, and never two of a series', async () => {
    for (let n = 0; n < 24; n++) await a.accept({ ...content(`v${n}`), series: `s${n % 8}`, queue: 'all' });
    const all = await Promise.all([a, b, a, b].map((h) => claimDue(h.db, h.clock.now(), 16, { lease: lease(h) })));
    const claimed = all.flat().map((c) => c.row);
    expect(new Set(claimed.map((r) => r.id)).size).toBe(claimed.length);
    expect(claimed.map((r) => r.series).sort()).toEqual(Array.from({ length: 8 }, (_, n) => `s${n}`));
  });

  test('a start takes back its own claims at once, and leaves those of a gateway that lives', async () => {
    const mine = await a.accept({ series: 'a' });
    const claim = await claimOne(a);
    await markSent(a.db, claim, sent);
    const other = await a.accept({ series: 'b' });
    await claimOne(b);
    expect(await recoverAfterCrash(a.db, a.clock.now(), { holder: a.directory })).toEqual({ requeued: 0, unclear: 1 });
    expect((await a.read(mine)).row).toMatchObject({ status: 'unclear', next_attempt_at: a.clock.now(), holder: null });
    expect((await a.read(other)).row).toMatchObject({ status: 'running', holder: b.directory });
    expect(await recoverExpired(a.db, a.clock.now())).toBe(0);
  });

  test('who stood still past its lease can neither send nor settle: the other has taken the export up', async () => {
    const id = await a.accept();
    const claim = await claimOne(a, 0);
    expect(await nextExpiry(b.db, [])).toBe(0);
    expect(await recoverExpired(b.db, b.clock.now())).toBe(1);
    expect((await b.read(id)).row).toMatchObject({ status: 'queued', claim: null, lease_until: null });
    await expect(markSent(a.db, claim, sent)).rejects.toSatisfy(isClaimLost);
    const worker = b.worker();
    await worker.start();
    await worker.idle();
    await worker.stop(0);
    await expect(settle(a.db, claim, { kind: 'written', recordSystem: 'epa-as-1' }, settling())).rejects.toSatisfy(
      isClaimLost,
    );
    expect(b.outside.writes).toHaveLength(1);
    expect(a.outside.writes).toHaveLength(0);
    expect((await a.read(id)).row).toMatchObject({ status: 'written', attempts: 1 });
  });

  test('who wakes while the other has the export on its way changes nothing: the token is the fence', async () => {
    const id = await a.accept();
    const slept = await claimOne(a, 0);
    expect(await recoverExpired(b.db, b.clock.now())).toBe(1);
    const theirs = await claimOne(b);
    await expect(markSent(a.db, slept, sent)).rejects.toSatisfy(isClaimLost);
    const refused = { kind: 'ends', code: 'DOCUMENT_REJECTED', definite: true } as const;
    await expect(settle(a.db, slept, refused, settling())).rejects.toSatisfy(isClaimLost);
    expect((await a.read(id)).row).toMatchObject({ status: 'running', phase: 'claimed', attempts: 0 });
    await markSent(b.db, theirs, sent);
    await settle(b.db, theirs, { kind: 'written', recordSystem: 'epa-as-1' }, settling());
    expect((await a.read(id)).row).toMatchObject({ status: 'written', attempts: 1 });
  });

  test('sent and not renewed is unclear and repeated by the other at once, with the same ids', async () => {
    const id = await a.accept();
    const claim = await claimOne(a, 0);
    await markSent(a.db, claim, sent);
    const worker = b.worker();
    await worker.start();
    await worker.idle();
    await worker.stop(0);
    expect(b.outside.writes[0]?.order).toMatchObject({ entryUuid: claim.document.entry_uuid, repeat: true });
    expect((await a.read(id)).row).toMatchObject({ status: 'written', attempts: 2 });
  });

  test('a renewed lease is not over; a token that is not its own renews nothing', async () => {
    await a.accept();
    const claim = await claimOne(a, 0);
    await renewLeases(a.db, lease(a), ['another']);
    expect(await nextExpiry(b.db, [])).toBe(0);
    await renewLeases(a.db, lease(a), [claim.token]);
    expect(await recoverExpired(b.db, b.clock.now())).toBe(0);
    expect(await nextExpiry(b.db, [])).toBeGreaterThan(30_000);
    expect(await nextExpiry(b.db, [claim.token])).toBeNull();
  });

  test('of versions accepted at both at once only the newest of a series is left', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? a : b).accept(content(`v${n}`))));
    const rows = await Promise.all(ids.map(async (id) => (await a.read(id)).row));
    const open = rows.filter((row) => row.status === 'queued');
    expect(open.map((row) => row.seq)).toEqual([Math.max(...rows.map((row) => row.seq))]);
    expect(rows.filter((row) => row.status === 'superseded')).toHaveLength(19);
  });

  test('a reader that follows the events of both while they write misses none', async () => {
    const seen: number[] = [];
    let writing = true;
    const read = async () => {
      for (let after = 0; ; ) {
        const last = !writing;
        const page = await readEvents(b.db, { after, limit: 7 });
        seen.push(...page.map((event) => event.seq));
        after = seen.at(-1) ?? after;
        if (last && page.length === 0) return;
      }
    };
    const reading = read();
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? a : b).accept({ ...content(`v${n}`), series: `s${n}` })),
    );
    writing = false;
    await reading;
    const all = await readEvents(a.db, { after: 0, limit: 1000 });
    expect(all).toHaveLength(40);
    expect(seen).toEqual(all.map((event) => event.seq));
  });

  test('what one has done the other hears once it is committed, and nobody hears himself', async () => {
    const settings = storeOf(a.directory);
    if (settings === undefined) throw new Error('no PostgreSQL');
    const heard: string[] = [];
    const ended = Promise.withResolvers<string>();
    const ears = [a, b].map((house) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const ear = hearNeighbours({
        settings,
        name: house === a ? 'epa-gateway' : 'somebody-else',
        hears: {
          changed: () => heard.push(house === a ? 'a' : 'b'),
          ended: ended.resolve,
          missed: resolve,
        },
        timer: () => () => {},
        log: silentLogger,
      });
      return { ear, listens: promise };
    });
    await Promise.all(ears.map((e) => e.listens));
    const id = await a.accept();
    const worker = a.worker();
    await worker.start();
    expect(await ended.promise).toBe(id);
    await worker.idle();
    await worker.stop(0);
    for (const { ear } of ears) await ear.stop();
    expect(new Set(heard)).toEqual(new Set(['b']));
  });

  test('a connection that breaks is no fault of an export: the next call finds the database again', async () => {
    await a.accept({ series: 'a' });
    const { url, schema } = storeOf(a.directory) ?? { url: '', schema: '' };
    const cut = () =>
      withPostgres(url, (client) =>
        client.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'epa-gateway' AND pid IN
             (SELECT pid FROM pg_locks JOIN pg_class c ON c.oid = relation JOIN pg_namespace n ON n.oid = relnamespace
              WHERE nspname = $1)`,
          [schema],
        ),
      );
    const broken = a.db.transaction().execute(async (tx) => {
      await tx.updateTable('exports').set({ updated_at: 1 }).execute();
      await cut();
      await tx.selectFrom('exports').select('id').execute();
    });
    await expect(broken).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    expect((await a.db.selectFrom('exports').select('updated_at').execute())[0]?.updated_at).not.toBe(1);
    const id = await b.accept({ series: 'b' });
    expect((await a.read(id)).row.status).toBe('queued');
  });

  test('a gateway that stands still in a transaction keeps the others waiting for a moment only', async () => {
    const id = await a.accept();
    const awake = Promise.withResolvers<void>();
    const still = Promise.withResolvers<void>();
    const paused = a.db.transaction().execute(async (tx) => {
      await tx.updateTable('exports').set({ updated_at: 1 }).where('id', '=', id).execute();
      still.resolve();
      await awake.promise;
      await tx.selectFrom('exports').select('id').execute();
    });
    const ending = expect(paused).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    await still.promise;
    // Ends only because PostgreSQL ends the transaction that stands still.
    const second = await b.accept({ series: 'b' });
    awake.resolve();
    await ending;
    expect((await b.read(second)).row.status).toBe('queued');
    expect((await b.read(id)).row.updated_at).not.toBe(1);
  });
});
