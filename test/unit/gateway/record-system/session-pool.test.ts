import { beforeAll, describe, expect, it } from 'vitest';
import type { Session } from '../../../../gateway/record-system/session.ts';
import { count, createSignOn, json, type SignOnChanges } from './authorization-peer.ts';
import { createPki, errorOf, NOW, type Pki, refusalOf } from './peers.ts';

let pki: Pki;
beforeAll(() => {
  pki = createPki();
});

const setUp = (...[instead, options, before]: SignOnChanges) => createSignOn(pki, instead, options, before);

/** Drops the session when the request's first byte is about to leave. */
const droppedOnTheWay = (session: Session) =>
  session.request({ method: 'GET', path: '/x', headers: [], beforeFirstByte: () => session.drop() });

describe('the pool', () => {
  it('opens one session for a hundred who wait', async () => {
    const { acquire, peer, signer } = setUp();
    const sessions = await Promise.all(Array.from({ length: 100 }, () => acquire()));
    expect(new Set(sessions).size).toBe(1);
    expect([peer.seen.handshakes, signer.signatures]).toEqual([1, 2]);
  });

  it('shares one failure among those who wait and lets the next try anew', async () => {
    let fails = true;
    const { acquire, peer, world } = setUp((o) => (o === 'getNonce' && fails ? json({}, 500) : undefined));
    const all = await Promise.allSettled(Array.from({ length: 10 }, () => acquire()));
    expect(all.every((one) => one.status === 'rejected' && one.reason.code === 'RECORD_BUSY')).toBe(true);
    expect(peer.seen.handshakes).toBe(1);
    fails = false;
    world.now += 1000;
    await expect(acquire()).resolves.toBeDefined();
  });

  it('makes a session of its own for another Telematik-ID', async () => {
    const { pool, order, acquire, peer } = setUp();
    await acquire();
    const diga = { id: 'other', telematikId: '9-OTHER' };
    await errorOf(pool.acquire({ ...order, diga }));
    expect(peer.seen.handshakes).toBe(1);
  });

  it('hands out a younger channel when asked for one, and once for all who ask (D11)', async () => {
    const { acquire, peer, world } = setUp();
    const old = await acquire();
    world.now += 1000;
    const freshAfter = NOW + 500;
    const fresh = await Promise.all([acquire({ freshAfter }), acquire({ freshAfter }), acquire()]);
    expect([fresh[0] === fresh[1], fresh[0] === old, fresh[2] === old]).toEqual([true, false, true]);
    expect(peer.seen.handshakes).toBe(2);
    // Make before break: the old one goes on for who holds it.
    expect(old.lost).toBe(false);
    expect(await acquire({ freshAfter })).toBe(fresh[0]);
    expect(await acquire()).toBe(fresh[0]);
  });

  it('gives large documents a channel beside that of the small ones, one for all of them (D13)', async () => {
    const { acquire, peer } = setUp(undefined, { largeBytes: 1000 });
    const small = await acquire({ bytes: 999 });
    const large = await Promise.all([acquire({ bytes: 1000 }), acquire({ bytes: 20_000_000 })]);
    expect([large[0] === large[1], large[0] === small, await acquire()]).toEqual([true, false, small]);
    expect(peer.seen.handshakes).toBe(2);
  });

  it('does not take an opening that began before the refusal for a younger channel', async () => {
    const waiting: Promise<unknown>[] = [];
    const { acquire, peer, world } = setUp(undefined, {}, ({ request }) => {
      if (!request.url.endsWith('/VAU') || waiting.length > 0) return undefined;
      world.now += 10;
      waiting.push(acquire({ freshAfter: NOW + 5 }));
      return undefined;
    });
    const first = await acquire();
    expect(await waiting[0]).not.toBe(first);
    expect(peer.seen.handshakes).toBe(2);
  });

  it('replaces a session at its age limit', async () => {
    const { acquire, peer, world } = setUp(undefined, { maxAgeSeconds: 60, probeAfterIdleSeconds: 1000 });
    const first = await acquire();
    world.now += 53_000;
    expect(await acquire()).toBe(first);
    world.now += 7_000;
    expect(await acquire()).not.toBe(first);
    expect(peer.seen.handshakes).toBe(2);
  });

  it('renews shortly before, beside the use of the old one', async () => {
    const { acquire, peer, world } = setUp(undefined, { maxAgeSeconds: 60, probeAfterIdleSeconds: 1000 });
    const first = await acquire();
    world.now += 55_000;
    expect(await acquire()).toBe(first);
    world.now += 5_000;
    const next = await acquire();
    expect(next).not.toBe(first);
    expect([next.openedAt, peer.seen.handshakes]).toEqual([NOW + 55_000, 2]);
  });

  it('is settled once the renewal beside the use has signed on, and at once where nothing is on its way', async () => {
    const { acquire, pool, world } = setUp(undefined, { maxAgeSeconds: 60, probeAfterIdleSeconds: 1000 });
    await pool.settled();
    const first = await acquire();
    world.now += 55_000;
    expect(await acquire()).toBe(first);
    expect(count(world.log, 'send_authcode_sc')).toBe(1);
    await pool.settled();
    expect(count(world.log, 'send_authcode_sc')).toBe(2);
    expect(await acquire()).not.toBe(first);
  });

  it('is settled, too, once the renewal beside the use has failed', async () => {
    let fails = false;
    const { acquire, pool, world, peer } = setUp((o) => (o === 'getNonce' && fails ? json({}, 500) : undefined), {
      maxAgeSeconds: 60,
      probeAfterIdleSeconds: 1000,
    });
    const first = await acquire();
    fails = true;
    world.now += 55_000;
    await acquire();
    await pool.settled();
    expect([await acquire(), peer.seen.handshakes]).toEqual([first, 2]);
  });

  it('keeps the old one when renewing ahead fails, and does not ask the card at each export', async () => {
    let fails = false;
    const { acquire, world, peer } = setUp((o) => (o === 'getNonce' && fails ? json({}, 500) : undefined), {
      maxAgeSeconds: 60,
      probeAfterIdleSeconds: 1000,
    });
    const first = await acquire();
    fails = true;
    world.now += 55_000;
    expect(await acquire()).toBe(first);
    // Who needs a younger channel waits for the renewal and shares its failure; from then on it has failed.
    expect(await refusalOf(acquire({ freshAfter: NOW + 1 }))).toBe('RECORD_BUSY');
    for (let i = 0; i < 5; i++) expect(await acquire()).toBe(first);
    expect(peer.seen.handshakes).toBe(2);
  });

  it('asks VAU-Status before it trusts a document to an idle session', async () => {
    const { acquire, world, peer } = setUp(undefined, { probeAfterIdleSeconds: 60 });
    const first = await acquire();
    const before = count(world.log, 'VAU-Status');
    world.now += 61_000;
    const again = await Promise.all([acquire(), acquire()]);
    expect(again).toEqual([first, first]);
    expect([count(world.log, 'VAU-Status') - before, peer.seen.handshakes]).toEqual([1, 1]);
  });

  it('rebuilds an idle session that the server has forgotten', async () => {
    const { acquire, world, peer } = setUp(undefined, { probeAfterIdleSeconds: 60 });
    const first = await acquire();
    world.now += 61_000;
    peer.forgetAll();
    const second = await acquire();
    expect(second).not.toBe(first);
    expect([first.lost, second.lost]).toEqual([true, false]);
  });

  it('rebuilds an idle session whose user is gone', async () => {
    const { acquire, world } = setUp(undefined, { probeAfterIdleSeconds: 60 });
    const first = await acquire();
    world.now += 61_000;
    world.user = 'None';
    expect(await acquire()).not.toBe(first);
  });

  it.each([
    [401, {}],
    [403, { errorCode: 'invalAuth' }],
  ])('inner %s %j is SESSION_LOST, and the next session is new', async (status, body) => {
    const { acquire } = setUp((o) => (o === 'x' ? json(body, status) : undefined));
    const first = await acquire();
    expect(await refusalOf(first.request({ method: 'GET', path: '/x', headers: [] }))).toBe('SESSION_LOST');
    expect(await acquire()).not.toBe(first);
  });

  it('inner 403 notEntitled is about the record: the session stays', async () => {
    const { acquire } = setUp((o) => (o === 'x' ? json({ errorCode: 'notEntitled' }, 403) : undefined));
    const first = await acquire();
    expect((await first.request({ method: 'GET', path: '/x', headers: [] })).status).toBe(403);
    expect(await acquire()).toBe(first);
  });

  it('without reuse makes a login for each', async () => {
    const { acquire, signer } = setUp(undefined, { reuse: false });
    await acquire();
    await acquire();
    expect(signer.signatures).toBe(4);
  });

  it('lets the exchange on the wire end when its session is dropped, and no other', async () => {
    const { acquire } = setUp();
    const session = await acquire();
    const running = session.request({ method: 'GET', path: '/x', headers: [] });
    session.drop();
    // Its turn had not come: nothing of it left.
    expect(await refusalOf(running)).toBe('SESSION_LOST');
    const next = await acquire();
    const answer = await droppedOnTheWay(next);
    expect(answer.status).toBe(200);
    expect(next.lost).toBe(true);
  });

  it('gives up what a stopped card has signed on, also what it is signing on, and nothing else (CRT-04)', async () => {
    const { acquire, pool, signer, peer } = setUp();
    const session = await acquire();
    expect(pool.dropSignedBy(new Uint8Array([1, 2, 3]))).toBe(0);
    expect([session.lost, await acquire()]).toEqual([false, session]);
    expect(pool.dropSignedBy(signer.certificateDer)).toBe(1);
    expect(session.lost).toBe(true);
    const opening = acquire();
    expect(pool.dropSignedBy(signer.certificateDer)).toBe(0);
    expect((await opening).lost).toBe(true);
    expect((await acquire()).lost).toBe(false);
    expect(peer.seen.handshakes).toBe(3);
  });

  it('gives up every session when it closes', async () => {
    const { acquire, pool } = setUp();
    const session = await acquire();
    pool.close();
    expect(await refusalOf(session.request({ method: 'GET', path: '/x', headers: [] }))).toBe('SESSION_LOST');
  });
});
