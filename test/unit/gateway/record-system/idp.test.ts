// The IDP's half of a login (epa-record-system.md 2.2, 2.3): the way through, each trust check broken alone before the card
// signs anything, key changes survived (D28), and what the IDP's own refusals become.
import { beforeAll, describe, expect, it } from 'vitest';
import { Idp } from '../../../../gateway/record-system/idp.ts';
import { type IdpTwist, ISSUER, idpPeer, locationOf } from './idp-peer.ts';
import {
  createPki,
  errorOf,
  failsWith,
  fakeEgress,
  NOW,
  type Pki,
  type Route,
  refusalOf,
  smcbSigner,
  USER_AGENT,
} from './peers.ts';

let pki: Pki;
beforeAll(() => {
  pki = createPki();
});

function setUp(twist: IdpTwist = {}, before: Route = () => undefined) {
  const peer = idpPeer(pki, twist);
  const egress = fakeEgress(before, peer.route);
  const clock = { now: NOW };
  const idp = new Idp({
    idp: { issuer: ISSUER },
    egress,
    anchors: () => pki.anchors,
    userAgent: USER_AGENT,
    now: () => clock.now,
  });
  const signer = smcbSigner(pki);
  return { peer, egress, clock, signer, authorize: (location = locationOf()) => idp.authorize(location, signer) };
}

const claim = (name: string, value: unknown): IdpTwist => ({ challenge: (claims) => ({ ...claims, [name]: value }) });

describe('an honest IDP', () => {
  it('gives a code for one signature of the card', async () => {
    const { authorize, signer, egress } = setUp();
    expect(await authorize()).toBe('code-1');
    expect(signer.signatures).toBe(1);
    expect(egress.paths()).toEqual([
      'GET /.well-known/openid-configuration',
      'GET /idpSig',
      'GET /idpEnc',
      'GET /auth',
      'POST /sign_response',
    ]);
  });

  it('is asked with a User-Agent and for JSON, at the Location unchanged', async () => {
    const { authorize, egress } = setUp();
    await authorize();
    expect(
      egress.calls.every((call) => call.purpose === 'idp' && call.request.headers?.['user-agent'] === USER_AGENT),
    ).toBe(true);
    const challenge = egress.calls.find((call) => call.request.url.includes('/auth'));
    expect(challenge?.request.url).toBe(locationOf());
    expect(challenge?.request.headers?.accept).toBe('application/json');
  });
});

describe('each check broken alone stops the login before the card signs', () => {
  const cases: [check: string, title: string, twist: () => IdpTwist][] = [
    [
      'idp.challenge-format',
      'no challenge',
      () => ({ answer: (p) => (p === '/auth' ? { status: 200, body: '{}' } : undefined) }),
    ],
    [
      'idp.challenge-format',
      'a challenge that is no JWS',
      () => ({ answer: (p) => (p === '/auth' ? { status: 200, body: '{"challenge":"x"}' } : undefined) }),
    ],
    ['idp.challenge-alg', 'a challenge with another alg', () => ({ challengeHeader: (h) => ({ ...h, alg: 'ES256' }) })],
    ['idp.challenge-signature', 'a challenge of another key', () => ({ challengeKey: pki.vau.privateKey })],
    ['idp.challenge-issuer', 'a challenge of another IDP', () => claim('iss', 'https://evil.test')],
    ['idp.challenge-type', 'another token', () => claim('token_type', 'access')],
    ['idp.challenge-expired', 'an old challenge', () => claim('exp', NOW / 1000)],
    ['idp.challenge-expired', 'a challenge without end', () => claim('exp', undefined)],
    ['idp.challenge-not-yet', 'a challenge of tomorrow', () => claim('iat', NOW / 1000 + 86_400)],
    ['idp.challenge-not-yet', 'a challenge without beginning', () => claim('iat', undefined)],
    ['idp.challenge-state', 'another state', () => claim('state', 'state-2')],
    ['idp.challenge-state', 'no state', () => claim('state', undefined)],
    ['idp.challenge-nonce', 'another nonce', () => claim('nonce', 'nonce-2')],
    ['idp.challenge-client-id', 'another client', () => claim('client_id', 'GEMOther')],
    ['idp.challenge-redirect-uri', 'another redirect_uri', () => claim('redirect_uri', 'https://evil.test/')],
    ['idp.challenge-code-challenge', 'another code_challenge', () => claim('code_challenge', 'YmFy')],
    ['idp.challenge-code-challenge-method', 'a plain code_challenge', () => claim('code_challenge_method', 'plain')],
    ['idp.challenge-scope', 'another scope', () => claim('scope', 'openid')],
    ['idp.challenge-scope', 'no scope', () => claim('scope', undefined)],
    ['idp.challenge-response-type', 'another response_type', () => claim('response_type', 'token')],
  ];

  it.each(cases)('%s: %s', async (check, _title, twist) => {
    const { authorize, signer, peer } = setUp(twist());
    expect(await refusalOf(authorize())).toBe(`IDP_UNTRUSTED ${check}`);
    expect(signer.signatures).toBe(0);
    expect(peer.seen.answered).toBe(0);
  });

  const locations: [check: string, title: string, location: () => string][] = [
    ['idp.location-origin', 'another host', () => locationOf({}, 'https://evil.test/auth')],
    ['idp.location-origin', 'plain http', () => locationOf({}, 'http://idp.test/auth')],
    ['idp.location-origin', 'no address', () => '/auth?state=1'],
    ['idp.location-parameters', 'no state', () => locationOf({ state: undefined })],
    ['idp.location-parameters', 'an empty nonce', () => locationOf({ nonce: '' })],
    ['idp.location-parameters', 'two states', () => `${locationOf()}&state=other`],
    ['idp.location-parameters', 'no PKCE', () => locationOf({ code_challenge_method: undefined })],
    ['idp.location-parameters', 'an implicit flow', () => locationOf({ response_type: 'token' })],
  ];
  it.each(locations)('%s: a Location with %s is not even fetched', async (check, _title, location) => {
    const { authorize, egress } = setUp();
    expect(await refusalOf(authorize(location()))).toBe(`IDP_UNTRUSTED ${check}`);
    expect(egress.calls).toEqual([]);
  });
});

describe('the redirect with the code', () => {
  const with_ = (change: (url: URL) => void): IdpTwist => ({
    redirect: (url) => {
      change(url);
      return url.href;
    },
  });
  const cases: [refusal: string, title: string, twist: IdpTwist][] = [
    ['IDP_UNTRUSTED idp.code-state', 'another state', with_((url) => url.searchParams.set('state', 'x'))],
    ['IDP_UNTRUSTED idp.code-state', 'no state', with_((url) => url.searchParams.delete('state'))],
    ['IDP_UNTRUSTED idp.code-state', 'two states', with_((url) => url.searchParams.append('state', 'state-1'))],
    ['IDP_UNTRUSTED idp.code-missing', 'an empty code', with_((url) => url.searchParams.set('code', ''))],
    ['IDP_UNTRUSTED idp.code-missing', 'no code', with_((url) => url.searchParams.delete('code'))],
    ['IDP_UNTRUSTED idp.code-missing', 'two codes', with_((url) => url.searchParams.append('code', 'b'))],
    [
      'IDP_UNTRUSTED idp.code-missing',
      'a code of 2001 characters',
      with_((url) => url.searchParams.set('code', 'a'.repeat(2001))),
    ],
    ['IDP_UNTRUSTED idp.code-redirect', 'another host', { redirect: (url) => url.href.replace('e4a.', 'evil.') }],
    ['IDP_UNTRUSTED idp.code-redirect', 'plain http', { redirect: (url) => url.href.replace('https:', 'http:') }],
    [
      'IDP_UNTRUSTED idp.code-redirect',
      'another port',
      { redirect: (url) => url.href.replace('.test/', '.test:8443/') },
    ],
    ['IDP_UNTRUSTED idp.code-redirect', 'another path', { redirect: (url) => url.href.replace('/?', '/x?') }],
    ['IDP_UNTRUSTED idp.code-redirect', 'no address', { redirect: () => 'nonsense' }],
    ['IDP_REFUSED', 'an error', with_((url) => url.searchParams.set('error', 'access_denied'))],
  ];
  it.each(cases)('%s: %s', async (refusal, _title, twist) => {
    expect(await refusalOf(setUp(twist).authorize())).toBe(refusal);
  });

  it.each([
    ['host', 'app://one.', 'app://evil.'],
    ['scheme', 'app:', 'other:'],
  ])(
    'IDP_UNTRUSTED idp.code-redirect: another %s, where the address of the record system is none of http',
    async (_what, from, to) => {
      const location = locationOf({ redirect_uri: 'app://one.test/code' });
      expect(await setUp().authorize(location)).toBe('code-1');
      const led = setUp({ redirect: (url) => url.href.replace(from, to) });
      expect(await refusalOf(led.authorize(location))).toBe('IDP_UNTRUSTED idp.code-redirect');
    },
  );
});

describe('what the IDP refuses', () => {
  it('keeps gematik_code and text of a JSON error', async () => {
    const body = JSON.stringify({
      error: 'invalid_request',
      gematik_code: '1004',
      gematik_error_text: 'unknown client',
    });
    const error = await errorOf(
      setUp({ answer: (p) => (p === '/auth' ? { status: 400, body } : undefined) }).authorize(),
    );
    expect([error.code, error.foreign]).toEqual(['IDP_REFUSED', { status: 400, code: '1004', text: 'unknown client' }]);
  });

  it('keeps gematik_code of a redirect', async () => {
    const location = 'https://e4a.as1.test/?error=invalid_request&gematik_code=2002&gematik_error_text=state';
    const error = await errorOf(
      setUp({ answer: (p) => (p === '/auth' ? { status: 302, headers: { location } } : undefined) }).authorize(),
    );
    expect([error.code, error.foreign?.code]).toEqual(['IDP_REFUSED', '2002']);
  });

  it.each([500, 502, 429])('status %s without gematik_code passes by itself', async (status) => {
    const { authorize } = setUp({ answer: (p) => (p === '/sign_response' ? { status } : undefined) });
    expect(await refusalOf(authorize())).toBe('IDP_UNREACHABLE');
  });

  it('metadata that cannot be had', async () => {
    expect(await refusalOf(setUp({ answer: (p) => (p === '/idpEnc' ? { status: 404 } : undefined) }).authorize())).toBe(
      'IDP_UNREACHABLE',
    );
  });

  it.each([
    ['UNREACHABLE', 'IDP_UNREACHABLE'],
    ['TLS_UNTRUSTED', 'IDP_UNTRUSTED'],
    ['NOT_ALLOWED', 'IDP_UNTRUSTED'],
  ] as const)('%s becomes %s', async (code, expected) => {
    expect((await errorOf(setUp({}, () => failsWith(code, false)).authorize())).code).toBe(expected);
  });
});
