// What the pool does beside handing out: several channels (D13), sessions that end with their last user (SEC-18), the life it
// learns (D12), the memory of failures, and what it says about its costs.
import { beforeAll, describe, expect, it } from 'vitest';
import type { GatewayError } from '../../../../gateway/errors.ts';
import { count, createSignOn, json, type SignOnChanges } from './authorization-peer.ts';
import { createPki, NOW, type Pki, refusalOf, TELEMATIK_ID } from './peers.ts';

let pki: Pki;
beforeAll(() => {
  pki = createPki();
});

const setUp = (...[instead, options, before]: SignOnChanges) => createSignOn(pki, instead, options, before);
const GET = { method: 'GET', path: '/x', headers: [] } as const;
const failing = (operation: string, status = 500) => {
  const state = { fails: true };
  const instead = (o: string) => (o === operation && state.fails ? json({}, status) : undefined);
  return { state, instead };
};

const counting = () => {
  const counts = { handshake: 0, login: 0 };
  const one = (what: keyof typeof counts) => () => {
    counts[what] += 1;
  };
  return { counts, events: { handshake: one('handshake'), login: one('login') } };
};

describe('several channels for small documents', () => {
  it('are opened one by one, each beside the use of the others, and only while all have a queue', async () => {
    const { acquire, pool, peer } = setUp(undefined, { channels: 2 });
    const first = await acquire();
    await acquire();
    await acquire();
    await pool.settled();
    expect(peer.seen.handshakes).toBe(1);
    expect(await acquire()).toBe(first);
    await pool.settled();
    expect(peer.seen.handshakes).toBe(2);
    // The new one has no users yet: it takes the next three.
    const second = await acquire();
    expect(second).not.toBe(first);
    expect([await acquire(), await acquire()]).toEqual([second, second]);
    await pool.settled();
    expect(peer.seen.handshakes).toBe(2);
  });

  it('share the load by who has fewest users', async () => {
    const { acquire, pool } = setUp(undefined, { channels: 2 });
    const first = await acquire();
    for (let n = 0; n < 3; n++) await acquire();
    await pool.settled();
    const second = await acquire();
    for (let n = 0; n < 4; n++) first.release();
    expect([await acquire(), await acquire(), await acquire()]).toEqual([first, first, second]);
  });

  it('stay one by default, however many wait', async () => {
    const { acquire, pool, peer } = setUp();
    const sessions = await Promise.all(Array.from({ length: 50 }, () => acquire()));
    await acquire();
    await pool.settled();
    expect([new Set(sessions).size, peer.seen.handshakes]).toEqual([1, 1]);
  });

  it('that cannot be opened harm nobody', async () => {
    const { state, instead } = failing('getNonce');
    const told: GatewayError[] = [];
    const { acquire, pool } = setUp(instead, { channels: 2, events: { notRenewed: (_, error) => told.push(error) } });
    state.fails = false;
    const first = await acquire();
    state.fails = true;
    for (let n = 0; n < 4; n++) expect(await acquire()).toBe(first);
    await pool.settled();
    expect(await acquire()).toBe(first);
    expect(told.map(({ code }) => code)).toContain('RECORD_BUSY');
  });
});

describe('a session that is replaced', () => {
  it('ends after its last user, with every request that they still make', async () => {
    const { acquire, world } = setUp();
    const old = await acquire();
    expect(await acquire()).toBe(old);
    world.now += 1000;
    const fresh = await acquire({ freshAfter: NOW + 500 });
    expect((await old.request(GET)).status).toBe(200);
    old.release();
    expect([old.lost, fresh.lost]).toEqual([false, false]);
    expect((await old.request(GET)).status).toBe(200);
    old.release();
    expect([old.lost, fresh.lost]).toEqual([true, false]);
    expect(await refusalOf(old.request(GET))).toBe('SESSION_LOST');
  });

  it('ends at once where nobody has it, at its age limit, too', async () => {
    const { acquire, world } = setUp(undefined, { maxAgeSeconds: 60, probeAfterIdleSeconds: 1000 });
    const old = await acquire();
    old.release();
    world.now += 60_000;
    await acquire();
    expect(old.lost).toBe(true);
  });

  it('without reuse ends with the export it was made for', async () => {
    const { acquire } = setUp(undefined, { reuse: false });
    const session = await acquire();
    expect((await session.request(GET)).status).toBe(200);
    session.release();
    expect(session.lost).toBe(true);
  });
});

describe('the channel for large documents', () => {
  it('ends when nobody has used it for a minute, and not while somebody does', async () => {
    const { acquire, passed, peer } = setUp(undefined, { largeBytes: 1000 });
    const large = await acquire({ bytes: 1000 });
    passed(60_000);
    expect(large.lost).toBe(false);
    large.release();
    passed(59_999);
    expect([await acquire({ bytes: 1000 }), large.lost]).toEqual([large, false]);
    large.release();
    passed(60_000);
    expect(large.lost).toBe(true);
    expect(await acquire({ bytes: 1000 })).not.toBe(large);
    expect(peer.seen.handshakes).toBe(2);
  });

  it('is not renewed ahead of its time', async () => {
    const { acquire, pool, world, peer } = setUp(undefined, {
      largeBytes: 1000,
      maxAgeSeconds: 60,
      probeAfterIdleSeconds: 1000,
    });
    const large = await acquire({ bytes: 1000 });
    world.now += 59_000;
    expect(await acquire({ bytes: 1000 })).toBe(large);
    await pool.settled();
    expect(peer.seen.handshakes).toBe(1);
  });
});

describe('the life of sessions (D12)', () => {
  it('once learnt, is not waited for: renewed beside its use before the end', async () => {
    let signedOff = false;
    const { acquire, pool, world, peer } = setUp((o) => (o === 'x' && signedOff ? json({}, 401) : undefined));
    const first = await acquire();
    world.now += 60_000;
    await first.request(GET);
    signedOff = true;
    expect(await refusalOf(first.request(GET))).toBe('SESSION_LOST');
    signedOff = false;
    const second = await acquire();
    world.now += 54_999;
    await acquire();
    await pool.settled();
    expect(peer.seen.handshakes).toBe(2);
    world.now += 1;
    expect(await acquire()).toBe(second);
    await pool.settled();
    expect(peer.seen.handshakes).toBe(3);
  });

  it('is not learnt from a dropped channel', async () => {
    const { acquire, pool, world, peer } = setUp();
    const first = await acquire();
    world.now += 60_000;
    peer.forgetAll();
    expect(await refusalOf(first.request(GET))).toBe('WRITE_UNANSWERED');
    await acquire();
    world.now += 59_000;
    await acquire();
    await pool.settled();
    expect(peer.seen.handshakes).toBe(2);
  });
});

describe('an opening that failed', () => {
  it('is not repeated for each of those who wait', async () => {
    const { state, instead } = failing('send_authcode_sc');
    const { acquire, signer, world, peer } = setUp(instead);
    for (let n = 0; n < 20; n++) expect(await refusalOf(acquire())).toBe('RECORD_BUSY');
    expect(signer.signatures).toBe(2);
    world.now += 599_999;
    expect(await refusalOf(acquire())).toBe('RECORD_BUSY');
    expect(signer.signatures).toBe(2);
    world.now += 1;
    state.fails = false;
    expect(peer.seen.handshakes).toBe(1);
    // The IDP of this test has no challenge of that hour: what counts is that it was asked.
    await refusalOf(acquire());
    expect(peer.seen.handshakes).toBe(2);
  });

  it('is tried anew by who was told that something has changed, and for all once a card works again', async () => {
    const { state, instead } = failing('send_authcode_sc', 400);
    const { acquire, pool, peer } = setUp(instead);
    await refusalOf(acquire());
    expect([await refusalOf(acquire({ anew: true })), peer.seen.handshakes]).toEqual(['RECORD_LOGIN_REFUSED', 2]);
    await refusalOf(acquire());
    expect(peer.seen.handshakes).toBe(2);
    state.fails = false;
    pool.wake('9-OTHER');
    await refusalOf(acquire());
    pool.wake(TELEMATIK_ID);
    await acquire();
    expect(peer.seen.handshakes).toBe(3);
  });

  it('does not end the session in use', async () => {
    const { state, instead } = failing('getNonce');
    state.fails = false;
    const { acquire } = setUp(instead);
    const session = await acquire();
    state.fails = true;
    expect(await refusalOf(acquire({ freshAfter: NOW + 1 }))).toBe('RECORD_BUSY');
    expect(await acquire()).toBe(session);
  });

  it('is told where no export meets it (SEC-11)', async () => {
    const { state, instead } = failing('getNonce', 403);
    state.fails = false;
    const told: string[] = [];
    const notRenewed = ({ recordSystem }: { recordSystem: string }, { code }: GatewayError) =>
      told.push(`${recordSystem} ${code}`);
    const options = { maxAgeSeconds: 60, probeAfterIdleSeconds: 1000, events: { notRenewed } };
    const { acquire, pool, world } = setUp(instead, options);
    await acquire();
    state.fails = true;
    world.now += 55_000;
    await acquire();
    await pool.settled();
    expect(told).toEqual(['epa-as-1 RECORD_LOGIN_REFUSED']);
  });
});

describe('what sessions cost', () => {
  it('is counted when it happens: second and failed tries, too, and a login that was spared is none', async () => {
    const { counts, events } = counting();
    let refusals = 1;
    const instead = (o: string) => (o === 'send_authcode_sc' && refusals-- > 0 ? json({}, 409) : undefined);
    const { acquire, world } = setUp(instead, { events, maxAgeSeconds: 60, probeAfterIdleSeconds: 1000 });
    await acquire();
    expect(counts).toEqual({ handshake: 2, login: 1 });
    world.now += 60_000;
    const { log } = world;
    const logins = count(log, 'send_authcode_sc');
    await acquire();
    expect([counts, count(log, 'send_authcode_sc') - logins]).toEqual([{ handshake: 3, login: 2 }, 1]);
  });

  it('is nothing where the VAU knows the user already', async () => {
    const { counts, events } = counting();
    const known = json({ 'User-Authentication': TELEMATIK_ID });
    const { acquire } = setUp((o) => (o === 'VAU-Status' ? known : undefined), { events });
    await acquire();
    expect(counts).toEqual({ handshake: 1, login: 0 });
  });
});
