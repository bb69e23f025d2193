// The simulated trust-service list and its faults, by the reader of the certificate layer and by time (docs/faults.md).
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CertError } from '../../../certs/error.ts';
import { readTrustList } from '../../../certs/tsl.ts';
import { type Simulator, startSimulator } from '../../../connector-sim/main.ts';

let sim: Simulator;
beforeAll(async () => {
  sim = await startSimulator({ seed: 1 });
});
afterAll(() => sim.stop());

async function read() {
  const { tsl } = sim.settings({ tsl: true }).trust;
  const answer = await fetch(tsl?.url ?? '');
  expect(answer.headers.get('content-type')).toBe('application/xml');
  const { tslCa } = sim.world.pki;
  const at = new Date(sim.world.now());
  try {
    return readTrustList(await answer.bytes(), { anchors: [tslCa.certificate], at });
  } catch (thrown) {
    if (thrown instanceof CertError) return thrown.code;
    throw thrown;
  }
}
const listed = async () => {
  const list = await read();
  if (typeof list === 'string') throw new Error(list);
  return list;
};

test('names the CAs and the OCSP responder of the simulator, is in time, and grows in number', async () => {
  const { smcbCa, componentCa, ocspSigner } = sim.world.pki;
  const list = await listed();
  expect(list.cas.map((one) => one.subject)).toEqual([smcbCa, componentCa].map((one) => one.certificate.subject));
  expect(list.ocspSigners.map((one) => one.subject)).toEqual([ocspSigner.certificate.subject]);
  expect(list.issued.getTime()).toBeLessThan(sim.world.now());
  expect(list.nextUpdate.getTime()).toBeGreaterThan(sim.world.now());
  sim.world.advance(2 * 3_600_000);
  expect((await listed()).sequence).toBe(list.sequence + 2);
});

test('GET /sim/settings?tsl=true names it in the place of the two files', async () => {
  const { trust } = (await (await fetch(`${sim.ready.control}/sim/settings?tsl=true&ocsp=false`)).json()) as {
    trust: object;
  };
  expect(Object.keys(trust).sort()).toEqual(['rootsFile', 'tsl']);
  expect(Object.keys(sim.settings().trust).sort()).toEqual(['intermediatesFile', 'ocspSignersFile', 'rootsFile']);
});

test.each([
  ['wrong-signature', {}, 'TSL_SIGNATURE'],
  ['wrong-certificate', {}, 'TSL_SIGNER_UNTRUSTED'],
  ['wrong-certificate', { which: 'root' }, 'TSL_SIGNER_UNTRUSTED'],
  ['wrong-certificate', { which: 'role' }, 'TSL_SIGNER_UNTRUSTED'],
])('fault %s %o at tsl breaks one check', async (kind, params, code) => {
  sim.faults.add({ at: 'tsl', kind, params, times: 1 });
  expect(await read()).toBe(code);
  expect(typeof (await read())).toBe('object');
});

test('fault expired is past its NextUpdate, stale of a lower number, revoked without the CA of the components', async () => {
  const right = await listed();
  const under = async (kind: string) => {
    sim.faults.add({ at: 'tsl', kind, times: 1 });
    return await listed();
  };
  expect((await under('expired')).nextUpdate.getTime()).toBeLessThan(sim.world.now());
  expect((await under('stale')).sequence).toBeLessThan(right.sequence);
  const { componentCa } = sim.world.pki;
  expect((await under('revoked')).cas.map((one) => one.subject)).not.toContain(componentCa.certificate.subject);
});
