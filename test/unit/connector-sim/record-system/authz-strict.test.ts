// Each check of send_authcode_sc at the simulated record system broken alone, with the documented error and the rule in the
// journal, and the session gone after it (TST-03; epa-record-system.md 2.4).
import { describe, expect, test } from 'vitest';
import {
  attestation as attest,
  obtainCode,
  sendAuthCode,
  signedBy,
  signIn,
  startLogin,
  x5cOf,
} from '../../../support/login-test-client.ts';
import { createTestSim, jsonOf, mintCard, START } from '../../../support/sim-services.ts';
import { openChannel } from '../../../support/vau-test-client.ts';
import { attestation } from '../tables/authz-strict.ts';

const DEMO = '9-DEMO-DIGA-0001';
const seconds = START / 1000;

async function userOf(channel: Awaited<ReturnType<typeof openChannel>>): Promise<string> {
  return String(jsonOf((await channel.exchange({ path: '/VAU-Status' })).response)['User-Authentication']);
}

describe('strict: send_authcode_sc refuses', () => {
  test.each(attestation)('%s', async (_what, edits, status, error, rule) => {
    const sim = createTestSim();
    sim.world.choices.release = '3.1.2'; // the last that checks all of it
    const channel = await openChannel(sim.recordSystem);
    const refused = await signIn(sim, channel, edits());
    expect({
      status: refused.response.status,
      errorCode: jsonOf(refused.response).errorCode,
      rule: refused.rule,
    }).toEqual({
      status,
      errorCode: error,
      rule,
    });
    expect(await userOf(channel)).toBe('None');
    const again = await sendAuthCode(channel, { authorizationCode: 'x', clientAttest: attest(sim, 'x') });
    expect(again.rule).toBe('authz.no-nonce'); // session and nonce are gone
  });

  test.each([
    ['iat 15 s in the future', { iat: seconds + 15, exp: seconds + 1215 }],
    ['exp 14 s in the past', { iat: seconds - 1214, exp: seconds - 14 }],
  ])('nothing within the tolerance: %s', async (_what, attestationClaims) => {
    const sim = createTestSim();
    expect((await signIn(sim, await openChannel(sim.recordSystem), { attestationClaims })).response.status).toBe(200);
  });

  test('a body that is no JSON of the schema, and another content type', async () => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    for (const body of [
      'no json',
      '{}',
      '{"authorizationCode":1,"clientAttest":"a"}',
      '{"authorizationCode":"a","clientAttest":"a","x":1}',
    ]) {
      const { response, rule } = await sendAuthCode(channel, body);
      expect({ status: response.status, rule }).toEqual({ status: 400, rule: 'authz.schema' });
    }
    const typed = await channel.exchange({
      method: 'POST',
      path: '/epa/authz/v1/send_authcode_sc',
      headers: [['Content-Type', 'text/plain']],
      body: '{}',
    });
    expect(typed.rule).toBe('authz.content-type');
  });

  test('an attestation that is no JWS in base64url', async () => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    for (const clientAttest of ['a.b', 'a+b.c/d.e=', 'e30.e30.']) {
      await startLogin(channel);
      const { response, rule } = await sendAuthCode(channel, { authorizationCode: 'x', clientAttest });
      expect({ status: response.status, rule }).toEqual({ status: 400, rule: 'authz.attestation-form' });
    }
  });

  test('a nonce that was never asked for, is 20 minutes old, or belongs to another session', async () => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    const none = await sendAuthCode(channel, { authorizationCode: 'x', clientAttest: attest(sim, 'x') });
    expect({ status: none.response.status, errorCode: jsonOf(none.response).errorCode, rule: none.rule }).toEqual({
      status: 409,
      errorCode: 'statusMismatch',
      rule: 'authz.no-nonce',
    });
    const { nonce, location } = await startLogin(channel);
    sim.advance(20 * 60_000 + 1);
    const late = await sendAuthCode(channel, {
      authorizationCode: await obtainCode(sim, location),
      clientAttest: attest(sim, nonce),
    });
    expect(late.rule).toBe('authz.nonce-outdated');
    const other = await openChannel(sim.recordSystem);
    const [mine, theirs] = [await startLogin(channel), await startLogin(other)];
    const stolen = {
      authorizationCode: await obtainCode(sim, mine.location),
      clientAttest: attest(sim, theirs.nonce),
    };
    expect((await sendAuthCode(channel, stolen)).rule).toBe('authz.attestation-nonce');
  });

  test('a code used twice, of another login, or older than a minute', async () => {
    const sim = createTestSim();
    const [one, two] = [await openChannel(sim.recordSystem), await openChannel(sim.recordSystem)];
    const first = await startLogin(one);
    const code = await obtainCode(sim, first.location);
    const second = await startLogin(two);
    const crossed = await sendAuthCode(two, { authorizationCode: code, clientAttest: attest(sim, second.nonce) });
    expect(crossed.rule).toBe('authz.code'); // PKCE: the code_verifier is another session's
    const reused = await sendAuthCode(one, { authorizationCode: code, clientAttest: attest(sim, first.nonce) });
    expect(reused.rule).toBe('authz.code');
    const third = await startLogin(one);
    const old = await obtainCode(sim, third.location);
    sim.advance(61_000);
    expect((await sendAuthCode(one, { authorizationCode: old, clientAttest: attest(sim, third.nonce) })).rule).toBe(
      'authz.code',
    );
  });

  test('a code without an authorization request of this session', async () => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    const nonce = String(jsonOf((await channel.exchange({ path: '/epa/authz/v1/getNonce' })).response).nonce);
    expect((await sendAuthCode(channel, { authorizationCode: 'x', clientAttest: attest(sim, nonce) })).rule).toBe(
      'authz.no-request',
    );
  });

  test('an attestation signed by a key that is not in its certificate', async () => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    const { nonce, location } = await startLogin(channel);
    const authorizationCode = await obtainCode(sim, location);
    const claims = { nonce, iat: seconds, exp: seconds + 1200 };
    const clientAttest = signedBy(
      mintCard({ telematikId: DEMO }),
      { typ: 'JWT', alg: 'ES256', x5c: x5cOf(sim.card) },
      claims,
    );
    expect((await sendAuthCode(channel, { authorizationCode, clientAttest })).rule).toBe('authz.attestation-signature');
  });
});
