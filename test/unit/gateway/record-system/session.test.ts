// Sign-on and session pool (SES-01, SES-02, D10–D12) over a whole VAU and IDP made for the test: what a login costs, what is
// shared, what a refusal at each step becomes, and when a session is taken, renewed or given up.
import { createPublicKey } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { Idp } from '../../../../gateway/record-system/idp.ts';
import { SessionPool, type SessionPoolOptions } from '../../../../gateway/record-system/session.ts';
import { VauTrust } from '../../../../gateway/record-system/vau-trust.ts';
import type { HttpRequest } from '../../../../wire/http-message.ts';
import { decodeJws, verifyJws } from '../../../../wire/jose.ts';
import { ISSUER, idpPeer, locationOf } from './idp-peer.ts';
import {
  type Answer,
  createPki,
  errorOf,
  failsWith,
  fakeEgress,
  NOW,
  type Pki,
  RECORD_SYSTEM,
  type Route,
  refusalOf,
  smcbSigner,
  TELEMATIK_ID,
  USER_AGENT,
  vauPeer,
} from './peers.ts';

let pki: Pki;
beforeAll(() => {
  pki = createPki();
});

const json = (value: unknown, status = 200): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});
const NONCE = '7721435277f5d0137b17ef8b835ca03cf09dc23926aa1766e4f8132433ff37d6';

/** Operations by their last path segment; the first answer that is defined counts, else the honest one. */
type Instead = (operation: string, request: HttpRequest) => Answer | undefined;

/** A record system's authorization service; its state is per VAU channel only as far as the tests look. */
function setUp(
  instead: Instead = () => undefined,
  options: Partial<SessionPoolOptions> = {},
  before: Route = () => undefined,
) {
  const world = { now: NOW, user: 'None', log: [] as string[], attests: [] as string[], dropped: false };
  const honest: Record<string, (request: HttpRequest) => Answer> = {
    'VAU-Status': () =>
      json({
        'VAU-Type': 'epa',
        'VAU-Version': '1',
        'User-Authentication': world.user,
        KeyID: 'x',
        'Connection-Start': '',
      }),
    getNonce: () => json({ nonce: NONCE }),
    send_authorization_request_sc: () => ({ status: 302, headers: { Location: locationOf() } }),
    send_authcode_sc: ({ body }) => {
      world.attests.push(String(JSON.parse(Buffer.from(body).toString()).clientAttest));
      world.user = `Telematik-ID: ${TELEMATIK_ID}`;
      return json({ 'vau-np': 'c9a7', actorId: TELEMATIK_ID, displayName: 'Demo' });
    },
  };
  const peer = vauPeer(pki, (request) => {
    const operation = request.path.split('/').at(-1) ?? '';
    world.log.push(operation);
    return instead(operation, request) ?? honest[operation]?.(request) ?? json({ ok: operation });
  });
  const idp = idpPeer(pki);
  // Each handshake begins with an unknown user, as on a real VAU.
  const watch: Route = ({ request }) => {
    if (request.url.endsWith('/VAU')) world.user = 'None';
    return undefined;
  };
  const egress = fakeEgress(watch, before, peer.route, idp.route);
  const now = () => world.now;
  const anchors = () => pki.anchors;
  const pool = new SessionPool({
    recordSystems: [RECORD_SYSTEM, { id: 'epa-as-2', url: 'https://as2.test' }],
    egress,
    trust: new VauTrust({ egress, anchors, userAgent: USER_AGENT, now }),
    idp: new Idp({ idp: { issuer: ISSUER }, egress, anchors, userAgent: USER_AGENT, now }),
    userAgent: USER_AGENT,
    pu: false,
    now,
    ...options,
  });
  const signer = smcbSigner(pki);
  const order = {
    recordSystem: 'epa-as-1',
    diga: { id: 'demo', telematikId: TELEMATIK_ID },
    signer: async () => signer,
  };
  const acquire = (more: { freshAfter?: number } = {}) => pool.acquire({ ...order, ...more });
  return { world, peer, egress, pool, signer, order, acquire };
}

const count = (log: string[], operation: string) => log.filter((one) => one === operation).length;

describe('one login', () => {
  it('asks in the order of the interface and costs two card signatures', async () => {
    const { acquire, world, signer, peer } = setUp();
    const session = await acquire();
    expect(world.log).toEqual([
      'VAU-Status',
      'getNonce',
      'send_authorization_request_sc',
      'send_authcode_sc',
      'VAU-Status',
    ]);
    expect([signer.signatures, peer.seen.handshakes]).toEqual([2, 1]);
    expect(session).toMatchObject({ recordSystem: 'epa-as-1', telematikId: TELEMATIK_ID, openedAt: NOW, lost: false });
  });

  it('attests the nonce with ES256 for 20 minutes, signed by the card', async () => {
    const { acquire, world } = setUp();
    await acquire();
    const jws = decodeJws(world.attests[0] ?? '');
    expect(jws.header).toEqual({
      typ: 'JWT',
      alg: 'ES256',
      x5c: [Buffer.from(pki.smcb.certificate.der).toString('base64')],
    });
    expect(jws.payload).toEqual({ nonce: NONCE, iat: NOW / 1000, exp: NOW / 1000 + 1200 });
    expect(() => verifyJws(jws, createPublicKey(pki.smcb.privateKey))).not.toThrow();
  });

  it('gives VAU-NP to later frames and to the next handshake of the same user', async () => {
    const { acquire, egress } = setUp();
    const session = await acquire();
    await session.request({ method: 'GET', path: '/x', headers: [] });
    expect(egress.calls.at(-1)?.request.headers?.['vau-np']).toBe('c9a7');
    session.drop();
    await acquire();
    const handshakes = egress.calls.filter((call) => call.request.url.endsWith('/VAU'));
    expect(handshakes.map((call) => call.request.headers?.['vau-np'])).toEqual([undefined, 'c9a7']);
  });

  it('is spared where the VAU knows the user already', async () => {
    const { acquire, signer } = setUp((operation) =>
      operation === 'VAU-Status' ? json({ 'User-Authentication': TELEMATIK_ID }) : undefined,
    );
    await acquire();
    expect(signer.signatures).toBe(0);
  });

  it('accepts 409 at the authorization request when it turns out to be our own session', async () => {
    const { acquire, signer, world } = setUp((operation) => {
      if (operation !== 'send_authorization_request_sc') return undefined;
      world.user = TELEMATIK_ID;
      return json({ errorCode: 'statusMismatch' }, 409);
    });
    await acquire();
    expect(signer.signatures).toBe(0);
  });
});

describe('what a refusal becomes', () => {
  const cases: [title: string, code: string, logins: number, instead: Instead][] = [
    ['no nonce', 'RECORD_BUSY', 1, (o) => (o === 'getNonce' ? json({}) : undefined)],
    ['a short nonce', 'RECORD_BUSY', 1, (o) => (o === 'getNonce' ? json({ nonce: NONCE.slice(2) }) : undefined)],
    [
      'an error at getNonce',
      'RECORD_BUSY',
      1,
      (o) => (o === 'getNonce' ? json({ errorCode: 'internalError' }, 500) : undefined),
    ],
    [
      'a malformed request',
      'RECORD_LOGIN_REFUSED',
      1,
      (o) => (o === 'getNonce' ? json({ errorCode: 'malformedRequest' }, 400) : undefined),
    ],
    [
      'no Location',
      'RECORD_LOGIN_REFUSED',
      1,
      (o) => (o === 'send_authorization_request_sc' ? { status: 302 } : undefined),
    ],
    [
      '403 at the request, twice',
      'RECORD_LOGIN_REFUSED',
      2,
      (o) => (o === 'send_authorization_request_sc' ? json({ errorCode: 'invalAuth' }, 403) : undefined),
    ],
    [
      '403 at the code, twice',
      'RECORD_LOGIN_REFUSED',
      2,
      (o) => (o === 'send_authcode_sc' ? json({ errorCode: 'invalAuth' }, 403) : undefined),
    ],
    [
      '409 at the code, twice',
      'RECORD_LOGIN_REFUSED',
      2,
      (o) => (o === 'send_authcode_sc' ? json({ errorCode: 'statusMismatch' }, 409) : undefined),
    ],
    [
      '500 at the code',
      'RECORD_BUSY',
      1,
      (o) => (o === 'send_authcode_sc' ? json({ errorCode: 'internalError' }, 500) : undefined),
    ],
    [
      'another actor',
      'RECORD_LOGIN_REFUSED session.telematik-id',
      1,
      (o) => (o === 'send_authcode_sc' ? json({ 'vau-np': 'aa', actorId: '9-OTHER' }) : undefined),
    ],
    [
      'another user in the status',
      'RECORD_LOGIN_REFUSED session.telematik-id',
      1,
      (o) => (o === 'VAU-Status' ? json({ 'User-Authentication': '9-OTHER' }) : undefined),
    ],
    [
      'a user whose id only begins like ours',
      'RECORD_LOGIN_REFUSED session.telematik-id',
      1,
      (o) => (o === 'VAU-Status' ? json({ 'User-Authentication': `${TELEMATIK_ID}2` }) : undefined),
    ],
    ['a status without user', 'RECORD_BUSY', 1, (o) => (o === 'VAU-Status' ? json({}) : undefined)],
    [
      'a login that leaves nobody signed on',
      'RECORD_LOGIN_REFUSED session.telematik-id',
      1,
      (o) => (o === 'VAU-Status' ? json({ 'User-Authentication': 'None' }) : undefined),
    ],
  ];
  it.each(cases)('%s: %s', async (_title, refusal, handshakes, instead) => {
    const { acquire, peer } = setUp(instead);
    expect(await refusalOf(acquire())).toBe(refusal);
    expect(peer.seen.handshakes).toBe(handshakes);
  });

  it.each([403, 409])('one %s at the code costs one fresh handshake and login (SES-01)', async (status) => {
    let refusals = 1;
    const { acquire, peer, signer } = setUp((o) =>
      o === 'send_authcode_sc' && refusals-- > 0 ? json({ errorCode: 'statusMismatch' }, status) : undefined,
    );
    await acquire();
    expect([peer.seen.handshakes, signer.signatures]).toEqual([2, 4]);
  });

  it('a card of another Telematik-ID is not even used (EXP-26)', async () => {
    const { pool, order, signer, egress } = setUp();
    const diga = { id: 'other', telematikId: '9-OTHER' };
    expect(await refusalOf(pool.acquire({ ...order, diga }))).toBe('SMCB_WRONG_ROLE');
    expect([signer.signatures, egress.calls.length]).toEqual([0, 0]);
  });

  it('a card that cannot sign ends the login with its own error', async () => {
    const { pool, order, signer } = setUp();
    const broken = async () => ({
      ...signer,
      sign: () => Promise.reject(new GatewayError('SMCB_PIN_NOT_VERIFIED', 'PIN')),
    });
    expect(await refusalOf(pool.acquire({ ...order, signer: broken }))).toBe('SMCB_PIN_NOT_VERIFIED');
  });

  it('an unknown record system is our own mistake', async () => {
    const { pool, order } = setUp();
    expect(await refusalOf(pool.acquire({ ...order, recordSystem: 'epa-as-9' }))).toBe('INTERNAL');
  });
});

describe('the pool', () => {
  it('opens one session for a hundred who wait', async () => {
    const { acquire, peer, signer } = setUp();
    const sessions = await Promise.all(Array.from({ length: 100 }, () => acquire()));
    expect(new Set(sessions).size).toBe(1);
    expect([peer.seen.handshakes, signer.signatures]).toEqual([1, 2]);
  });

  it('shares one failure among those who wait and lets the next try anew', async () => {
    let fails = true;
    const { acquire, peer } = setUp((o) => (o === 'getNonce' && fails ? json({}, 500) : undefined));
    const all = await Promise.allSettled(Array.from({ length: 10 }, () => acquire()));
    expect(all.every((one) => one.status === 'rejected' && one.reason.code === 'RECORD_BUSY')).toBe(true);
    expect(peer.seen.handshakes).toBe(1);
    fails = false;
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

  it('does the work once more on a new session when the first one was lost with surely nothing done', async () => {
    let lost = 1;
    const { pool, order, peer } = setUp((o) =>
      o === 'x' && lost-- > 0 ? json({ errorCode: 'invalAuth' }, 403) : undefined,
    );
    const answer = await pool.withSession(order, (session) =>
      session.request({ method: 'GET', path: '/x', headers: [] }),
    );
    expect([answer.status, peer.seen.handshakes]).toEqual([200, 2]);
  });

  it('does not do it a third time, nor after an answer that is unknown', async () => {
    const always = setUp((o) => (o === 'x' ? json({ errorCode: 'invalAuth' }, 403) : undefined));
    const work = (pool: SessionPool, order: typeof always.order) =>
      pool.withSession(order, (session) => session.request({ method: 'GET', path: '/x', headers: [] }));
    expect(await refusalOf(work(always.pool, always.order))).toBe('SESSION_LOST');
    expect(count(always.world.log, 'x')).toBe(2);

    let cut = false;
    const unknown = setUp(undefined, {}, ({ request }) =>
      cut && request.headers?.['content-type'] === 'application/octet-stream' ? failsWith('RESET') : undefined,
    );
    await unknown.acquire();
    cut = true;
    expect((await errorOf(work(unknown.pool, unknown.order))).code).toBe('WRITE_UNANSWERED');
    expect(unknown.peer.seen.handshakes).toBe(1);
  });

  it('without reuse makes a login for each', async () => {
    const { acquire, signer } = setUp(undefined, { reuse: false });
    await acquire();
    await acquire();
    expect(signer.signatures).toBe(4);
  });

  it('gives up every session when it closes', async () => {
    const { acquire, pool } = setUp();
    const session = await acquire();
    pool.close();
    expect(await refusalOf(session.request({ method: 'GET', path: '/x', headers: [] }))).toBe('SESSION_LOST');
  });
});
