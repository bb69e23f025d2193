// The login at the simulated record system when all goes well, its life, and its faults (epa-record-system.md 2.1, 2.5).
import { describe, expect, test } from 'vitest';
import { locationOf, signIn, startLogin } from '../../../support/login-test-client.ts';
import { createTestSim, jsonOf } from '../../../support/sim-services.ts';
import { openChannel } from '../../../support/vau-test-client.ts';

const DEMO = '9-DEMO-DIGA-0001';

async function userOf(channel: Awaited<ReturnType<typeof openChannel>>): Promise<string> {
  return String(jsonOf((await channel.exchange({ path: '/VAU-Status' })).response)['User-Authentication']);
}

describe('login', () => {
  test('ends with a VAU-NP and the Telematik-ID in /VAU-Status', async () => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    const { response, rule } = await signIn(sim, channel);
    expect({ status: response.status, rule }).toEqual({ status: 200, rule: null });
    expect(jsonOf(response)['vau-np']).toMatch(/^[0-9a-f]{64}$/);
    expect(await userOf(channel)).toContain(DEMO);
  });

  test('gives the same VAU-NP for the same user, and record system 2 says more', async () => {
    const sim = createTestSim();
    const first = jsonOf((await signIn(sim, await openChannel(sim.recordSystem))).response);
    const again = jsonOf((await signIn(sim, await openChannel(sim.recordSystem))).response);
    expect(again['vau-np']).toBe(first['vau-np']);
    const other = jsonOf((await signIn(sim, await openChannel(sim.otherSystem))).response);
    expect(other).toMatchObject({ actorId: DEMO });
  });

  test('is over after the life the seed drew, and is refused as a second one before', async () => {
    const sim = createTestSim();
    sim.world.choices.sessionLifeMs = 60_000;
    const channel = await openChannel(sim.recordSystem);
    await signIn(sim, channel);
    const { response, rule } = await channel.exchange({ path: '/epa/authz/v1/send_authorization_request_sc' });
    expect({ status: response.status, error: jsonOf(response).errorCode, rule }).toEqual({
      status: 409,
      error: 'statusMismatch',
      rule: 'authz.already-authorised',
    });
    sim.advance(60_000);
    expect(await userOf(channel)).toBe('None');
    expect((await signIn(sim, channel)).response.status).toBe(200);
  });

  test('follows an authorization request on the IDP with PKCE, state and nonce', async () => {
    const sim = createTestSim();
    const { location } = await startLogin(await openChannel(sim.recordSystem));
    const url = new URL(location);
    expect(url.origin).toBe('https://idp.test');
    expect([...url.searchParams.keys()].sort()).toEqual(
      [
        'client_id',
        'code_challenge',
        'code_challenge_method',
        'nonce',
        'redirect_uri',
        'response_type',
        'scope',
        'state',
      ].sort(),
    );
  });
});

describe('faults', () => {
  test('wrong-claim gives a nonce or a Location no client may use', async () => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    sim.faults.add({ at: 'authz.getNonce', kind: 'wrong-claim', times: 1 });
    expect((await startLogin(channel)).nonce).not.toMatch(/^[0-9a-f]{64}$/);
    sim.faults.add({
      at: 'authz.send_authorization_request_sc',
      kind: 'wrong-claim',
      params: { what: 'origin' },
      times: 1,
    });
    expect(locationOf({ headers: [['Location', (await startLogin(channel)).location]] }).origin).not.toBe(
      'https://idp.test',
    );
    sim.faults.add({
      at: 'authz.send_authorization_request_sc',
      kind: 'wrong-claim',
      params: { what: 'missing' },
      times: 1,
    });
    expect((await startLogin(channel)).location).toBe('');
    sim.faults.add({
      at: 'authz.send_authorization_request_sc',
      kind: 'wrong-claim',
      params: { what: 'parameters' },
      times: 1,
    });
    expect(new URL((await startLogin(channel)).location).searchParams.has('state')).toBe(false);
  });

  test.each([
    ['actor', '9-OTHER-DIGA-0001', `Authenticated: ${DEMO}`],
    ['no-session', undefined, 'None'],
  ])('wrong-claim %s at send_authcode_sc says that all is well when it is not', async (what, actorId, user) => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    sim.faults.add({ at: 'authz.send_authcode_sc', kind: 'wrong-claim', params: { what }, times: 1 });
    const { response } = await signIn(sim, channel);
    expect([response.status, jsonOf(response).actorId, await userOf(channel)]).toEqual([200, actorId, user]);
  });

  test('http-status answers inside the frame without acting', async () => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    sim.faults.add({ at: 'authz.getNonce', kind: 'http-status', params: { status: 500 }, times: 1 });
    expect((await channel.exchange({ path: '/epa/authz/v1/getNonce' })).response.status).toBe(500);
  });
});
