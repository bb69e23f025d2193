// The simulated IDP's challenge and its answer (epa-record-system.md 2.3): each rule broken alone, and every fault a client has
// to notice.
import { describe, expect, test } from 'vitest';
import { mintLeaf } from '../../../../certs/mint.ts';
import type { HttpAnswer } from '../../../../connector-sim/http-server.ts';
import { decodeJws, publicKeyFromJwk, verifyJws } from '../../../../wire/jose.ts';
import {
  discover,
  fetchChallenge,
  type LoginEdits,
  locationOf,
  obtainCode,
  postAnswer,
  startLogin,
} from '../../../support/login-test-client.ts';
import { ask, createTestSim, jsonOf, mintCard, START, sharedPki, type TestSim } from '../../../support/sim-services.ts';
import { openChannel } from '../../../support/vau-test-client.ts';

const seconds = START / 1000;

async function begin(sim: TestSim): Promise<{ location: string; challenge: string }> {
  const { location } = await startLogin(await openChannel(sim.recordSystem));
  return { location, challenge: String(jsonOf(await fetchChallenge(sim, location)).challenge) };
}

function throws(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch {
    return true;
  }
}

describe('strict: the authorization request is refused', () => {
  const rows: [
    what: string,
    change: (query: URLSearchParams) => void,
    status: number,
    gematikCode: string,
    rule: string,
  ][] = [
    ['without client_id', (q) => q.delete('client_id'), 400, '1002', 'idp.client-id'],
    ['of an unknown client', (q) => q.set('client_id', 'x'), 400, '2012', 'idp.client-id'],
    ['without redirect_uri', (q) => q.delete('redirect_uri'), 400, '1004', 'idp.redirect-uri'],
    ['with another redirect_uri', (q) => q.set('redirect_uri', 'https://x.test/'), 400, '1020', 'idp.redirect-uri'],
    ['without state', (q) => q.delete('state'), 302, '2002', 'idp.state'],
    ['with another response_type', (q) => q.set('response_type', 'token'), 302, '2005', 'idp.response-type'],
    ['without nonce', (q) => q.delete('nonce'), 302, '2007', 'idp.nonce'],
    ['with code_challenge_method plain', (q) => q.set('code_challenge_method', 'plain'), 302, '2008', 'idp.pkce'],
    ['with a short code_challenge', (q) => q.set('code_challenge', 'abc'), 302, '2010', 'idp.pkce'],
    ['with another scope', (q) => q.set('scope', 'openid'), 302, '1022', 'idp.scope'],
  ];
  test.each(rows)('%s', async (_what, query, status, gematikCode, rule) => {
    const sim = createTestSim();
    const { location } = await startLogin(await openChannel(sim.recordSystem));
    const answer = await fetchChallenge(sim, location, { query });
    expect({ status: answer.status, rule: answer.rule, code: gematikCodeOf(answer) }).toEqual({
      status,
      rule,
      code: gematikCode,
    });
  });

  test('without a User-Agent', async () => {
    const sim = createTestSim();
    const url = new URL((await startLogin(await openChannel(sim.recordSystem))).location);
    const answer = await ask(sim.idp, { url: `${url.pathname}${url.search}` });
    expect({ status: answer.status, rule: answer.rule }).toEqual({ status: 400, rule: 'idp.user-agent' });
    expect(Object.keys(jsonOf(answer))).toEqual([
      'error',
      'gematik_code',
      'gematik_timestamp',
      'gematik_uuid',
      'gematik_error_text',
    ]);
  });
});

describe('strict: the signed challenge is refused', () => {
  const day = 86_400_000;
  const rows: [what: string, edits: () => LoginEdits, gematikCode: string, rule: string][] = [
    ['with a broken signature', () => ({ jwsSpoiled: true }), '2013', 'idp.signature'],
    ['with text in place of the inner JWS', () => ({ jws: 'signed' }), '2030', 'idp.jws'],
    ['with alg ES256', () => ({ jwsHeader: { alg: 'ES256' } }), '2013', 'idp.jws-alg'],
    ['with alg none', () => ({ jwsHeader: { alg: 'none' } }), '2013', 'idp.jws-alg'],
    ['without cty NJWT in the JWS', () => ({ jwsHeader: { cty: 'JWT' } }), '2030', 'idp.jws-header'],
    ['without typ', () => ({ jwsHeader: { typ: undefined } }), '2030', 'idp.jws-header'],
    ['without x5c', () => ({ jwsHeader: { x5c: undefined } }), '2020', 'idp.certificate'],
    ['with an unreadable certificate', () => ({ jwsHeader: { x5c: ['AAAA'] } }), '2020', 'idp.certificate'],
    [
      'with an expired certificate',
      () => ({
        card: mintCard({ telematikId: '9-X', notBefore: new Date(START - 9 * day), notAfter: new Date(START - day) }),
      }),
      '2020',
      'idp.certificate',
    ],
    ['with a certificate that is no SMC-B', () => ({ card: sharedPki().konnektorCa }), '2020', 'idp.certificate'],
    [
      'with a certificate of the TI without a Telematik-ID',
      () => ({ card: sharedPki().idpSigner }),
      '2020',
      'idp.certificate',
    ],
    [
      'with a certificate of an SMC-B CA without a Telematik-ID',
      () => ({ card: mintLeaf(sharedPki().smcbCa, { commonName: 'No admission' }) }),
      '2020',
      'idp.admission',
    ],
    ['with cty missing in the JWE', () => ({ jweHeader: { cty: undefined } }), '2030', 'idp.jwe-cty'],
    ['with another exp in the JWE', () => ({ jweHeader: { exp: seconds + 100 } }), '2030', 'idp.jwe-exp'],
    ['with a changed challenge', () => ({ njwt: (c) => `${c.slice(0, -4)}AAAA` }), '2030', 'idp.challenge'],
    ['with more than the challenge inside', () => ({ jwsPayload: { njwt: 'x', more: 1 } }), '2030', 'idp.challenge'],
  ];
  test.each(rows)('%s', async (_what, edits, gematikCode, rule) => {
    const sim = createTestSim();
    const { challenge } = await begin(sim);
    const answer = await postAnswer(sim, challenge, edits());
    expect({ status: answer.status, rule: answer.rule, code: gematikCodeOf(answer) }).toEqual({
      status: 400,
      rule,
      code: gematikCode,
    });
  });

  test('a second time, after three minutes, or when it is no JWE or no form', async () => {
    const sim = createTestSim();
    const { challenge } = await begin(sim);
    expect((await postAnswer(sim, challenge)).status).toBe(302);
    expect((await postAnswer(sim, challenge)).rule).toBe('idp.challenge');
    const late = await begin(sim);
    sim.advance(180_000);
    const answer = await postAnswer(sim, late.challenge);
    expect({ rule: answer.rule, code: gematikCodeOf(answer) }).toEqual({ rule: 'idp.challenge-expired', code: '2032' });
    const url = new URL(String((await discover(sim)).authorization_endpoint)).pathname;
    const post = (type: string, body: string) =>
      ask(sim.idp, { method: 'POST', url, headers: [['Content-Type', type]], body });
    expect((await post('application/x-www-form-urlencoded', 'signed_challenge=abc')).rule).toBe('idp.jwe');
    expect((await post('application/json', '{}')).rule).toBe('idp.form');
  });
});

describe('challenge, code and faults', () => {
  test('the challenge carries the claims of the request for three minutes, the code at most 2000 characters and the state', async () => {
    const sim = createTestSim();
    const { location, challenge } = await begin(sim);
    const { header, payload } = decodeJws(challenge);
    const query = new URL(location).searchParams;
    expect(header).toMatchObject({ alg: 'BP256R1', kid: 'puk_idp_sig', typ: 'JWT' });
    expect(payload).toMatchObject({
      iss: 'https://idp.test',
      token_type: 'challenge',
      iat: seconds,
      exp: seconds + 180,
    });
    for (const name of [
      'state',
      'nonce',
      'client_id',
      'redirect_uri',
      'code_challenge',
      'code_challenge_method',
      'response_type',
      'scope',
    ])
      expect(payload[name]).toBe(query.get(name));
    const answer = locationOf(await postAnswer(sim, challenge));
    expect(answer.searchParams.get('state')).toBe(query.get('state'));
    expect((answer.searchParams.get('code') ?? '').length).toBeLessThan(2001);
  });

  test.each([
    ...[
      'iss',
      'token_type',
      'state',
      'nonce',
      'client_id',
      'redirect_uri',
      'code_challenge',
      'code_challenge_method',
      'response_type',
      'scope',
    ].map((what) => ['wrong-claim', what] as const),
    ['wrong-claim', 'future'],
    ['wrong-claim', 'no-exp'],
    ['expired', ''],
    ['wrong-key', ''],
    ['wrong-signature', ''],
    ['wrong-signature', 'alg'],
  ] as const)('fault %s %s at idp.challenge breaks one thing in the challenge', async (kind, what) => {
    const sim = createTestSim();
    const { location } = await startLogin(await openChannel(sim.recordSystem));
    sim.faults.add({ at: 'idp.challenge', kind, params: what === '' ? {} : { what }, times: 1 });
    const jws = decodeJws(String(jsonOf(await fetchChallenge(sim, location)).challenge));
    const sig = publicKeyFromJwk(
      jsonOf(await ask(sim.idp, { url: new URL(String((await discover(sim)).uri_puk_idp_sig)).pathname })),
    );
    const query = new URL(location).searchParams;
    const wrong: string[] = [];
    if (throws(() => verifyJws(jws, sig))) wrong.push('signature');
    if (jws.payload.iss !== 'https://idp.test') wrong.push('iss');
    if (jws.payload.token_type !== 'challenge') wrong.push('token_type');
    if (!(Number(jws.payload.iat) <= seconds && Number(jws.payload.exp) > seconds)) wrong.push('times');
    for (const [name, value] of query) if (jws.payload[name] !== value) wrong.push(name);
    const signature = kind === 'wrong-key' || kind === 'wrong-signature';
    const times = kind === 'expired' || what === 'future' || what === 'no-exp';
    expect(wrong).toEqual([signature ? 'signature' : times ? 'times' : what]);
  });

  test.each(['state', 'no-state', 'no-code', 'long-code', 'redirect-uri', 'error'])(
    'fault wrong-claim %s at idp.auth spoils the redirect',
    async (what) => {
      const sim = createTestSim();
      const { location, challenge } = await begin(sim);
      sim.faults.add({ at: 'idp.auth', kind: 'wrong-claim', params: { what }, times: 1 });
      const answer = locationOf(await postAnswer(sim, challenge));
      const expected = new URL(location).searchParams;
      const sound =
        answer.searchParams.get('state') === expected.get('state') &&
        answer.href.startsWith(String(expected.get('redirect_uri'))) &&
        /^.{1,2000}$/.test(answer.searchParams.get('code') ?? '') &&
        !answer.searchParams.has('error');
      expect(sound).toBe(false);
    },
  );

  test('fault idp-error answers the gematik_code asked for', async () => {
    const sim = createTestSim();
    const { challenge, location } = await begin(sim);
    sim.faults.add({ at: 'idp.auth', kind: 'idp-error', params: { code: '1500' }, times: 1 });
    expect(gematikCodeOf(await postAnswer(sim, challenge))).toBe('1500');
    expect(await obtainCode(sim, location)).not.toBe('');
  });
});

function gematikCodeOf(answer: HttpAnswer): string | null {
  if (answer.status === 302) return locationOf(answer).searchParams.get('gematik_code');
  return String(jsonOf(answer).gematik_code);
}
