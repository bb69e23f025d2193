// One sign-on (SES-01; epa-record-system.md 2): the order of its calls, its two card signatures, and what a refusal at each
// step becomes.
import { createPublicKey } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { decodeJws, verifyJws } from '../../../../wire/jose.ts';
import { count, createSignOn, type Instead, json, NONCE, type SignOnChanges } from './authorization-peer.ts';
import { createPki, NOW, type Pki, refusalOf, TELEMATIK_ID } from './peers.ts';

let pki: Pki;
beforeAll(() => {
  pki = createPki();
});

const setUp = (...[instead, options, before]: SignOnChanges) => createSignOn(pki, instead, options, before);

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
    ['no nonce', 'RECORD_BUSY login.nonce', 1, (o) => (o === 'getNonce' ? json({}) : undefined)],
    [
      'a short nonce',
      'RECORD_BUSY login.nonce',
      1,
      (o) => (o === 'getNonce' ? json({ nonce: NONCE.slice(2) }) : undefined),
    ],
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
      'RECORD_BUSY login.location',
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
      'a page in place of what comes for the code',
      'RECORD_BUSY login.authcode',
      1,
      (o) => (o === 'send_authcode_sc' ? { status: 200, body: '<html>' } : undefined),
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
    ['a status without user', 'RECORD_BUSY login.vau-status', 1, (o) => (o === 'VAU-Status' ? json({}) : undefined)],
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

  it('409 at getNonce in a session that is signed on already (3.1.3) is no login and no signature', async () => {
    const { acquire, signer, world } = setUp((o) => {
      if (o !== 'getNonce') return undefined;
      world.user = `Telematik-ID: ${TELEMATIK_ID}`;
      return json({ errorCode: 'statusMismatch' }, 409);
    });
    await acquire();
    expect([signer.signatures, count(world.log, 'getNonce')]).toEqual([0, 1]);
  });

  it('409 at getNonce where nobody is signed on is worth one fresh handshake', async () => {
    const { acquire, peer, signer } = setUp((o) =>
      o === 'getNonce' ? json({ errorCode: 'statusMismatch' }, 409) : undefined,
    );
    expect(await refusalOf(acquire())).toBe('RECORD_LOGIN_REFUSED');
    expect([peer.seen.handshakes, signer.signatures]).toEqual([2, 0]);
  });

  it.each([403, 409])('one %s at the code costs one fresh handshake and login (SES-01)', async (status) => {
    let refusals = 1;
    const { acquire, peer, signer } = setUp((o) =>
      o === 'send_authcode_sc' && refusals-- > 0 ? json({ errorCode: 'statusMismatch' }, status) : undefined,
    );
    await acquire();
    expect([peer.seen.handshakes, signer.signatures]).toEqual([2, 4]);
  });

  it('another actor is not us, whatever the status says then (EXP-26)', async () => {
    const { acquire, world } = setUp((o) => {
      if (o !== 'send_authcode_sc') return undefined;
      world.user = `Telematik-ID: ${TELEMATIK_ID}`;
      return json({ 'vau-np': 'aa', actorId: '9-OTHER' });
    });
    expect(await refusalOf(acquire())).toBe('RECORD_LOGIN_REFUSED session.telematik-id');
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
