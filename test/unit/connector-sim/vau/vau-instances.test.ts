// A VAU of several instances behind one address (A_24757): VAU-NP leads to the one that knows its user.
import { expect, test } from 'vitest';
import { decodeCborMap } from '../../../../wire/cbor.ts';
import { signIn } from '../../../support/login-test-client.ts';
import { bytesOf, createTestSim, jsonOf, type TestSim } from '../../../support/sim-services.ts';
import { openChannel, startHandshake } from '../../../support/vau-test-client.ts';
import { innerGet } from '../../../support/vau-test-judge.ts';

const instanceOf = (cid: string) => /^\/c-(\d+)-/.exec(cid)?.[1];

const several = () => createTestSim({ recordSystems: { 'epa-as-1': 'rise' } });

/** A channel signed on at an instance that is wanted. */
async function signedOnAt(sim: TestSim, wanted: (instance: string | undefined) => boolean) {
  for (;;) {
    const channel = await openChannel(sim.recordSystem);
    if (!wanted(instanceOf(channel.cid))) continue;
    const { response } = await signIn(sim, channel);
    return { channel, vauNp: String(jsonOf(response)['vau-np']) };
  }
}

test('leads M1 with a VAU-NP to the instance of its user', async () => {
  const sim = several();
  const { channel, vauNp } = await signedOnAt(sim, () => true);
  for (let n = 0; n < 8; n += 1)
    expect(instanceOf((await startHandshake(sim.recordSystem, { vauNp })).cid)).toBe(instanceOf(channel.cid));
});

test('gives a user at two instances a VAU-NP for each, and the same again at the same', async () => {
  const sim = several();
  const first = await signedOnAt(sim, () => true);
  const at = instanceOf(first.channel.cid);
  const same = await signedOnAt(sim, (instance) => instance === at);
  const other = await signedOnAt(sim, (instance) => instance !== at);
  expect([same.vauNp === first.vauNp, other.vauNp === first.vauNp]).toEqual([true, false]);
});

test('answers error 9 to a frame that its VAU-NP leads to another instance, and keeps the channel', async () => {
  const sim = several();
  const { channel } = await signedOnAt(sim, () => true);
  const { vauNp } = await signedOnAt(sim, (instance) => instance !== instanceOf(channel.cid));
  const frame = await channel.frame(innerGet('/VAU-Status'));
  const astray = await channel.send(frame, 'application/octet-stream', [['VAU-NP', vauNp]]);
  expect(decodeCborMap(bytesOf(astray))).toMatchObject({ ErrorCode: 9 });
  expect((await channel.exchange({ path: '/VAU-Status' })).response.status).toBe(200);
});

test('may restart one of them: the users of the others notice nothing', async () => {
  const sim = several();
  const struck = await signedOnAt(sim, () => true);
  const at = instanceOf(struck.channel.cid);
  const beside = await signedOnAt(sim, (instance) => instance === at);
  const spared = await signedOnAt(sim, (instance) => instance !== at);
  sim.faults.add({ at: 'vau.data', kind: 'restart', params: { what: 'instance' }, times: 1 });
  const restart = await struck.channel.send(await struck.channel.frame(innerGet('/VAU-Status')));
  expect(decodeCborMap(bytesOf(restart))).toMatchObject({ MessageType: 'Restart' });
  const lost = await beside.channel.send(await beside.channel.frame(innerGet('/VAU-Status')));
  expect(decodeCborMap(bytesOf(lost))).toMatchObject({ ErrorCode: 9 });
  expect((await spared.channel.exchange({ path: '/VAU-Status' })).response.status).toBe(200);
});
