// How the simulated IDP changes keys, signer and paths (D28): hard, with an overlap, and as a certain request comes.
import { describe, expect, test } from 'vitest';
import { decodeJws, publicKeyFromJwk, verifyJws } from '../../../../wire/jose.ts';
import { discover, fetchChallenge, startLogin } from '../../../support/login-test-client.ts';
import { ask, createTestSim, jsonOf, type TestSim } from '../../../support/sim-services.ts';
import { openChannel } from '../../../support/vau-test-client.ts';
import { codeOf } from '../../../support/wire-error.ts';

const rotate = (sim: TestSim, params: object) => sim.faults.add({ at: 'idp.discovery', kind: 'rotate', params });
const pathOf = (value: unknown) => new URL(String(value)).pathname;

async function challengeOf(sim: TestSim): Promise<string> {
  const { location } = await startLogin(await openChannel(sim.recordSystem));
  return String(jsonOf(await fetchChallenge(sim, location)).challenge);
}
async function sigKeyOf(sim: TestSim) {
  const document = await discover(sim);
  return publicKeyFromJwk(jsonOf(await ask(sim.idp, { url: pathOf(document.uri_puk_idp_sig) })));
}
async function announcedKeys(sim: TestSim) {
  const document = await discover(sim);
  const answer = await ask(sim.idp, { url: pathOf(document.signed_jwks_uri) });
  const jws = decodeJws(String(answer.body));
  return { jws, keys: (jws.payload.keys as Record<string, unknown>[]).map((jwk) => publicKeyFromJwk(jwk)) };
}
const fits = (challenge: string, key: Parameters<typeof verifyJws>[1]) =>
  codeOf(() => verifyJws(decodeJws(challenge), key)) === 'nothing thrown';
const signerOf = async (sim: TestSim) => {
  const answer = await ask(sim.idp, { url: '/.well-known/openid-configuration' });
  return String((decodeJws(String(answer.body)).header.x5c as string[])[0]);
};

describe('keys', () => {
  test('change as the fault is switched on, and nothing announces it', async () => {
    const sim = createTestSim();
    const old = await sigKeyOf(sim);
    rotate(sim, { what: 'keys' });
    expect((await discover(sim)).signed_jwks_uri).toBeUndefined();
    expect((await sigKeyOf(sim)).equals(old)).toBe(false);
    const challenge = await challengeOf(sim);
    expect([fits(challenge, old), fits(challenge, await sigKeyOf(sim))]).toEqual([false, true]);
  });

  test('with an overlap are announced first, signed, and sign once the fault is switched off', async () => {
    const sim = createTestSim();
    const old = await sigKeyOf(sim);
    const { id } = rotate(sim, { what: 'keys', overlap: true });
    const { jws, keys } = await announcedKeys(sim);
    expect(jws.header.kid).toBe('puk_disc_sig');
    expect(keys).toHaveLength(2);
    const [now, coming] = keys;
    if (now === undefined || coming === undefined) throw new Error('a key is missing');
    expect([now.equals(old), coming.equals(old)]).toEqual([true, false]);
    expect(fits(await challengeOf(sim), old)).toBe(true);
    sim.faults.clear(id);
    const after = await challengeOf(sim);
    expect([fits(after, old), fits(after, coming)]).toEqual([false, true]);
    expect((await discover(sim)).signed_jwks_uri).toBeUndefined();
  });

  test('change as the answer comes, when that is asked for, and the answer cannot be opened any more', async () => {
    const sim = createTestSim();
    const old = await sigKeyOf(sim);
    rotate(sim, { what: 'keys', when: 'idp.auth' });
    expect(fits(await challengeOf(sim), old)).toBe(true);
    await ask(sim.idp, { method: 'POST', url: '/auth' });
    expect(fits(await challengeOf(sim), old)).toBe(false);
  });

  test('do not change later when the fault is gone before', async () => {
    const sim = createTestSim();
    const old = await sigKeyOf(sim);
    sim.faults.clear(rotate(sim, { when: 'idp.auth' }).id);
    await ask(sim.idp, { method: 'POST', url: '/auth' });
    expect((await sigKeyOf(sim)).equals(old)).toBe(true);
  });
});

describe('the signer of the discovery document', () => {
  test('changes at once', async () => {
    const sim = createTestSim();
    const old = await signerOf(sim);
    rotate(sim, { what: 'discovery' });
    const seen = [await signerOf(sim), await signerOf(sim)];
    expect(seen[0]).not.toBe(old);
    expect(seen[1]).toBe(seen[0]);
  });

  test('takes turns with the old one in an overlap', async () => {
    const sim = createTestSim();
    const old = await signerOf(sim);
    const { id } = rotate(sim, { what: 'discovery', overlap: true });
    const seen = [await signerOf(sim), await signerOf(sim), await signerOf(sim)];
    expect(new Set(seen).size).toBe(2);
    expect(seen).toContain(old);
    sim.faults.clear(id);
    const after = [await signerOf(sim), await signerOf(sim)];
    expect(new Set(after).size).toBe(1);
    expect(after).not.toContain(old);
  });
});

describe('paths', () => {
  test.each([false, true])(
    'change, and with an overlap (%s) the old ones are served until it ends',
    async (overlap) => {
      const sim = createTestSim();
      const before = await discover(sim);
      const { id } = rotate(sim, { what: 'paths', overlap });
      const after = await discover(sim);
      for (const name of ['authorization_endpoint', 'uri_puk_idp_sig', 'uri_puk_idp_enc'])
        expect(after[name]).not.toBe(before[name]);
      const status = async (value: unknown) => (await ask(sim.idp, { url: pathOf(value) })).status;
      expect(await status(after.uri_puk_idp_enc)).toBe(200);
      expect(await status(before.uri_puk_idp_enc)).toBe(overlap ? 200 : 404);
      sim.faults.clear(id);
      expect(await status(before.uri_puk_idp_enc)).toBe(404);
      expect((await discover(sim)).authorization_endpoint).toBe(after.authorization_endpoint);
      expect((await startLogin(await openChannel(sim.recordSystem))).location).toContain(
        pathOf(after.authorization_endpoint),
      );
    },
  );
});

test('the fault lasts: it counts no exchanges, and the state says how often what changed', () => {
  const sim = createTestSim();
  expect(() => sim.faults.add({ at: 'idp.discovery', kind: 'rotate', times: 1 })).toThrow(/lasts until/);
  rotate(sim, { what: 'paths' });
  rotate(sim, { what: 'keys', overlap: true });
  expect(sim.idp.view?.()).toMatchObject({ changes: { keys: 1, discovery: 0, paths: 1 }, overlap: true });
});
