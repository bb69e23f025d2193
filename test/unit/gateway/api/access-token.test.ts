// OAuth 2.0 access tokens (SEC-13, RFC 9068): a signed token of a known issuer names a client; everything else is a 401.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { KVNR } from '../../../support/gateway-fakes.ts';
import { exportBody, type TestGateway, testGateway } from '../../../support/gateway-server.ts';

const ISSUER = 'https://login.maker.example';
const URL_ISSUER = 'https://login.other.example';
const JWKS_URL = `${URL_ISSUER}/keys`;

type Pair = { privateKey: CryptoKey; publicKey: CryptoKey };
let pair: Pair;
let strange: Pair;
let g: TestGateway;

beforeAll(async () => {
  pair = await generateKeyPair('ES256', { extractable: true });
  strange = await generateKeyPair('ES256', { extractable: true });
});
const jwkOf = async (key: CryptoKey, kid: string) => ({ ...(await exportJWK(key)), kid, alg: 'ES256', use: 'sig' });

beforeEach(async () => {
  const keys = { keys: [await jwkOf(pair.publicKey, 'one')] };
  g = await testGateway((raw) => {
    const jwksFile = join(raw.masterKeyFile, '..', 'jwks.json');
    writeFileSync(jwksFile, JSON.stringify(keys));
    return {
      ...raw,
      tokenIssuers: [
        { issuer: ISSUER, audience: 'epa-gateway', jwksFile },
        { issuer: URL_ISSUER, audience: 'epa-gateway', jwksUrl: JWKS_URL, caFile: raw.trust.rootsFile },
      ],
      clients: [
        ...raw.clients,
        { id: 'by-token', diga: 'demo', roles: ['reader', 'writer'], token: { issuer: ISSUER, client: 'app-1' } },
        { id: 'looks', diga: 'demo', roles: ['reader'], token: { issuer: ISSUER, client: 'app-2' } },
        { id: 'by-url', diga: 'demo', roles: ['reader'], token: { issuer: URL_ISSUER, client: 'app-1' } },
      ],
    };
  });
});
afterEach(() => g.close());

type Change = { claims?: JWTPayload; header?: Record<string, unknown>; key?: CryptoKey | Uint8Array };
function token({ claims = {}, header = {}, key = pair.privateKey }: Change = {}) {
  const now = Math.floor(g.clock.now() / 1000);
  const all = { iss: ISSUER, aud: 'epa-gateway', iat: now, exp: now + 300, client_id: 'app-1', ...claims };
  return new SignJWT(all)
    .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'at+jwt', ...header })
    .sign(key, { crit: { 'urn:unknown': true } });
}
const list = (key: string) => g.call('/v1/exports', { key });

test('a token of the issuer lets its client post and read; another client has its own roles', async () => {
  expect((await g.call('/v1/exports', { key: await token(), body: exportBody() })).status).toBe(202);
  expect((await list(await token())).json.exports).toHaveLength(1);
  const looks = await token({ claims: { client_id: 'app-2' } });
  expect((await list(looks)).status).toBe(200);
  expect((await g.call('/v1/exports', { key: looks, body: exportBody() })).status).toBe(403);
});

test.each<[string, Change]>([
  ['azp instead of client_id', { claims: { client_id: undefined, azp: 'app-1' } }],
  ['typ JWT', { header: { typ: 'JWT' } }],
  ['no typ', { header: { typ: undefined } }],
  ['typ application/at+jwt', { header: { typ: 'application/at+jwt' } }],
  ['an audience among several', { claims: { aud: ['x', 'epa-gateway'] } }],
])('%s is accepted', async (_what, change) => {
  expect((await list(await token(change))).status).toBe(200);
});

const at = (seconds: number) => Math.floor(g.clock.now() / 1000) + seconds;
test.each<[string, () => Change]>([
  ['expired', () => ({ claims: { exp: at(-31) } })],
  ['not yet valid', () => ({ claims: { nbf: at(31) } })],
  ['issued in the future', () => ({ claims: { iat: at(3600), nbf: at(3600) } })],
  ['without an end', () => ({ claims: { exp: undefined } })],
  ['without iat', () => ({ claims: { iat: undefined } })],
  ['for another audience', () => ({ claims: { aud: 'another' } })],
  ['without an audience', () => ({ claims: { aud: undefined } })],
  ['of an unknown issuer', () => ({ claims: { iss: 'https://evil.example' } })],
  ['of an issuer with a slash more', () => ({ claims: { iss: `${ISSUER}/` } })],
  ['of a client that is not configured', () => ({ claims: { client_id: 'app-3' } })],
  ['without a client', () => ({ claims: { client_id: undefined } })],
  ['with a client that is no text', () => ({ claims: { client_id: ['app-1'] } })],
  ['that names the client in sub only', () => ({ claims: { client_id: undefined, sub: 'app-1' } })],
  ['signed by a strange key', () => ({ key: strange.privateKey })],
  ['with a kid that is not there', () => ({ header: { kid: 'two' } })],
  ['of type id_token', () => ({ header: { typ: 'id_token+jwt' } })],
  ['of type logout', () => ({ header: { typ: 'logout+jwt' } })],
  ['with HMAC under the public key', () => ({ header: { alg: 'HS256' }, key: Buffer.from('k'.repeat(32)) })],
  ['with a critical header nobody knows', () => ({ header: { crit: ['urn:unknown'], 'urn:unknown': 1 } })],
])('a token %s is refused with 401 and nothing of it in the answer', async (_what, change) => {
  const wrong = await token(change());
  const answer = await list(wrong);
  expect([answer.status, answer.json.code]).toEqual([401, 'UNAUTHENTICATED']);
  expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
  expect(answer.text).not.toContain(wrong.slice(0, 20));
});

test('an unsigned token is refused (alg none)', async () => {
  const now = at(0);
  const claims = { iss: ISSUER, aud: 'epa-gateway', iat: now, exp: now + 300, client_id: 'app-1' };
  expect((await list(new UnsecuredJWT(claims).encode())).status).toBe(401);
});

test('a token whose header brings or points to its own key is judged by the known keys alone (jku, x5u, jwk)', async () => {
  const jwk = await jwkOf(strange.publicKey, 'one');
  const header = { jwk, jku: 'https://evil.example/keys', x5u: 'https://evil.example/x5u' };
  expect((await list(await token({ header, key: strange.privateKey }))).status).toBe(401);
  expect(g.outside.tokenKeysAsked).toEqual([]);
});

test.each(['signature', 'payload', 'header'] as const)('a token with a changed %s is refused', async (part) => {
  const parts = (await token()).split('.');
  const n = { header: 0, payload: 1, signature: 2 }[part];
  const text = parts[n] ?? '';
  parts[n] = text.slice(0, 8) + (text[8] === 'A' ? 'B' : 'A') + text.slice(9);
  expect((await list(parts.join('.'))).status).toBe(401);
});

test('keys from an address: remembered, and a new key of the issuer is found without a restart', async () => {
  g.outside.tokenKeys.set(JWKS_URL, { keys: [await jwkOf(pair.publicKey, 'one')] });
  const claims = { iss: URL_ISSUER };
  expect((await list(await token({ claims }))).status).toBe(200);
  expect((await list(await token({ claims }))).status).toBe(200);
  expect(g.outside.tokenKeysAsked).toHaveLength(1);
  g.outside.tokenKeys.set(JWKS_URL, { keys: [await jwkOf(strange.publicKey, 'two')] });
  const next = { claims, header: { kid: 'two' }, key: strange.privateKey };
  g.clock.advance(30_000);
  expect((await list(await token(next))).status).toBe(200);
  expect(g.outside.tokenKeysAsked).toHaveLength(2);
});

test("strangers' tokens with made-up key ids make the gateway ask at most twice a minute", async () => {
  g.outside.tokenKeys.set(JWKS_URL, { keys: [await jwkOf(pair.publicKey, 'one')] });
  for (let n = 0; n < 8; n++) {
    const made = await token({ claims: { iss: URL_ISSUER }, header: { kid: `made-up-${n}` }, key: strange.privateKey });
    expect((await list(made)).status).toBe(401);
  }
  expect(g.outside.tokenKeysAsked).toHaveLength(1);
});

test('without the keys of the issuer nobody is let in: 503 with who must act; known keys outlive an outage', async () => {
  const claims = { iss: URL_ISSUER };
  const answer = await list(await token({ claims }));
  expect([answer.status, answer.json.code, answer.json.who]).toEqual([503, 'TOKEN_KEYS_UNREACHABLE', 'operator']);
  expect(answer.headers.get('retry-after')).toBe('10');
  g.outside.tokenKeys.set(JWKS_URL, { keys: [await jwkOf(pair.publicKey, 'one')] });
  expect((await list(await token({ claims }))).status).toBe(200);
  g.outside.tokenKeys.delete(JWKS_URL);
  g.clock.advance(3_600_000);
  expect((await list(await token({ claims }))).status).toBe(200);
  expect((await list(await token({ claims, key: strange.privateKey }))).status).toBe(401);
});

test('a key set that is none is no key set', async () => {
  g.outside.tokenKeys.set(JWKS_URL, { keys: 'all' });
  expect((await list(await token({ claims: { iss: URL_ISSUER } }))).status).toBe(503);
});

test('a KVNR in a token reaches no answer', async () => {
  const answer = await list(await token({ claims: { client_id: KVNR } }));
  expect(answer.text).not.toContain(KVNR);
});
