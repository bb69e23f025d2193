// Discovery document and keys of the simulated IDP as a client checks them, and each fault that breaks one check
// (epa-record-system.md 2.2).
import { describe, expect, test } from 'vitest';
import { ROLE } from '../../../../certs/admission.ts';
import { readCertificate } from '../../../../certs/certificate.ts';
import { requireKeyUsage, requireRole, verifyChain } from '../../../../certs/trust.ts';
import { decodeJws, publicKeyFromJwk, verifyJws } from '../../../../wire/jose.ts';
import { discover, fetchChallenge, startLogin } from '../../../support/login-test-client.ts';
import { ask, createTestSim, jsonOf, START, sharedPki, type TestSim } from '../../../support/sim-services.ts';
import { openChannel } from '../../../support/vau-test-client.ts';
import { codeOf } from '../../../support/wire-error.ts';

const seconds = START / 1000;

async function begin(sim: TestSim): Promise<{ location: string; challenge: string }> {
  const { location } = await startLogin(await openChannel(sim.recordSystem));
  return { location, challenge: String(jsonOf(await fetchChallenge(sim, location)).challenge) };
}

/** Every check a client makes on the discovery document that fails. */
async function failedDiscovery(sim: TestSim): Promise<string[]> {
  const answer = await ask(sim.idp, { url: '/.well-known/openid-configuration' });
  const jws = decodeJws(String(answer.body));
  const der = Buffer.from(String((jws.header.x5c as string[] | undefined)?.[0] ?? ''), 'base64');
  if (der.length === 0) return ['x5c'];
  const certificate = readCertificate(der);
  const pki = sharedPki();
  const anchors = { roots: [pki.tiRoot.certificate], intermediates: [pki.componentCa.certificate], ocspSigners: [] };
  const { payload } = jws;
  const checks: Record<string, () => unknown> = {
    chain: () => verifyChain({ leaf: certificate, anchors, at: new Date(START) }),
    role: () => requireRole(certificate, ROLE.idpd),
    usage: () => requireKeyUsage(certificate, 'digitalSignature'),
    signature: () => verifyJws(jws, certificate.publicKey),
    issuer: () => assert(payload.issuer === 'https://idp.test'),
    times: () => assert(Number(payload.iat) <= seconds && Number(payload.exp) > seconds),
    origin: () =>
      assert(
        ['authorization_endpoint', 'uri_puk_idp_sig', 'uri_puk_idp_enc'].every((name) =>
          String(payload[name]).startsWith('https://idp.test/'),
        ),
      ),
  };
  return Object.entries(checks)
    .filter(([, check]) => throws(check))
    .map(([name]) => name);
}

function assert(holds: boolean): void {
  if (!holds) throw new Error('does not hold');
}

function throws(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch {
    return true;
  }
}

describe('discovery and keys', () => {
  test('pass every check of a client, for 24 hours', async () => {
    const sim = createTestSim();
    expect(await failedDiscovery(sim)).toEqual([]);
    const document = await discover(sim);
    expect(Number(document.exp) - Number(document.iat)).toBe(86_400);
    const sig = jsonOf(await ask(sim.idp, { url: new URL(String(document.uri_puk_idp_sig)).pathname }));
    expect(sig).toMatchObject({ kty: 'EC', crv: 'BP-256', kid: 'puk_idp_sig' });
    const { challenge } = await begin(sim);
    expect(codeOf(() => verifyJws(decodeJws(challenge), publicKeyFromJwk(sig)))).toBe('nothing thrown');
    expect(jsonOf(await ask(sim.idp, { url: new URL(String(document.jwks_uri)).pathname })).keys).toHaveLength(3);
  });

  test('stand at other paths for other seeds, and an unknown path is 404', async () => {
    const endpoints = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(async (seed) => (await discover(createTestSim({ seed }))).authorization_endpoint),
    );
    expect(new Set(endpoints).size).toBeGreaterThan(1);
    expect(await ask(createTestSim().idp, { url: '/authorize' })).toMatchObject({ status: 404, rule: 'idp.path' });
  });

  test('the path of the real IDP answers beside the announced one, since one client in production never asks', async () => {
    const sim = createTestSim();
    const { location } = await startLogin(await openChannel(sim.recordSystem));
    const url = new URL(location);
    expect(url.pathname).not.toBe('/auth');
    url.pathname = '/auth';
    expect(await fetchChallenge(sim, url.href)).toMatchObject({ status: 200, operation: 'idp.challenge' });
    expect(await ask(sim.idp, { method: 'POST', url: '/auth' })).toMatchObject({ rule: 'idp.form' });
  });

  test('change at once with rotateKeys, and old answers are refused', async () => {
    const sim = createTestSim();
    const { challenge } = await begin(sim);
    const before = await discover(sim);
    const old = jsonOf(await ask(sim.idp, { url: new URL(String(before.uri_puk_idp_sig)).pathname }));
    sim.idp.rotateKeys();
    expect(jsonOf(await ask(sim.idp, { url: new URL(String(before.uri_puk_idp_sig)).pathname })).x).not.toBe(old.x);
    const fresh = await begin(sim);
    expect(codeOf(() => verifyJws(decodeJws(fresh.challenge), publicKeyFromJwk(old)))).toBe('JOSE_SIGNATURE');
    expect(challenge).not.toBe(fresh.challenge);
  });

  test.each([
    ['wrong-signature', {}, 'signature'],
    ['wrong-signature', { what: 'alg' }, 'signature'],
    ['wrong-certificate', { which: 'role' }, 'role'],
    ['wrong-certificate', { which: 'root' }, 'chain'],
    ['wrong-certificate', { which: 'expired' }, 'chain'],
    ['wrong-certificate', { which: 'key-usage' }, 'usage'],
    ['wrong-certificate', { which: 'foreign' }, 'chain'],
    ['expired', {}, 'times'],
    ['wrong-claim', { what: 'issuer' }, 'issuer'],
    ['wrong-claim', { what: 'future' }, 'times'],
    ['wrong-claim', { what: 'endpoint' }, 'origin'],
    ['wrong-claim', { what: 'no-endpoint' }, 'origin'],
    ['wrong-claim', { what: 'key-uri' }, 'origin'],
    ['wrong-claim', { what: 'no-key-uri' }, 'origin'],
    ['wrong-claim', { what: 'x5c' }, 'x5c'],
  ])('fault %s %o at idp.discovery breaks one check', async (kind, params, failed) => {
    const sim = createTestSim();
    sim.faults.add({ at: 'idp.discovery', kind, params, times: 1 });
    expect(await failedDiscovery(sim)).toEqual([failed]);
  });

  test.each([
    ['other', 'nothing thrown'],
    ['curve', 'JOSE_KEY'],
    ['name', 'JOSE_KEY'],
  ])('fault wrong-key %s at the key endpoints gives no usable key', async (what, expected) => {
    const sim = createTestSim();
    const document = await discover(sim);
    for (const use of ['sig', 'enc']) {
      sim.faults.add({ at: `idp.puk_idp_${use}`, kind: 'wrong-key', params: { what }, times: 1 });
      const url = new URL(String(document[`uri_puk_idp_${use}`])).pathname;
      const [broken, good] = [jsonOf(await ask(sim.idp, { url })), jsonOf(await ask(sim.idp, { url }))];
      expect(broken).not.toEqual(good);
      expect(codeOf(() => publicKeyFromJwk(broken)) === 'nothing thrown').toBe(expected === 'nothing thrown');
    }
  });
});
