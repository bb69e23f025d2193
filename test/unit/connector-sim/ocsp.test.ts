// The simulated OCSP responder by POST and GET, judged by our reader as a client judges it, and what each of its faults breaks.
import { describe, expect, test } from 'vitest';
import { createOcspRequest, judgeOcspResponse } from '../../../certs/ocsp.ts';
import { ask, bytesOf, createTestSim, sharedPki, type TestSim } from '../../support/sim-services.ts';
import { certCodeOf } from '../../support/test-pki.ts';
import { DAY } from '../../support/vau-test-judge.ts';

function judge(sim: TestSim, response: Uint8Array): string {
  const pki = sharedPki();
  const anchors = {
    roots: [pki.tiRoot.certificate],
    intermediates: [pki.smcbCa.certificate, pki.componentCa.certificate],
    ocspSigners: [pki.ocspSigner.certificate],
  };
  const at = new Date(sim.world.now());
  const asked = { certificate: sim.card.certificate, issuer: pki.smcbCa.certificate };
  return certCodeOf(() => judgeOcspResponse({ ...asked, response, anchors, at, maxAgeMs: DAY, requireCertHash: true }));
}

const requestFor = (sim: TestSim): Uint8Array =>
  createOcspRequest(sim.card.certificate, sharedPki().smcbCa.certificate);

async function post(sim: TestSim): Promise<Uint8Array> {
  const headers: [string, string][] = [['Content-Type', 'application/ocsp-request']];
  const answer = await ask(sim.ocsp, { method: 'POST', url: '/ocsp', headers, body: requestFor(sim) });
  expect(answer.headers).toEqual([['Content-Type', 'application/ocsp-response']]);
  return bytesOf(answer);
}

describe('OCSP responder', () => {
  test('says good about the SMC-B by POST and by GET', async () => {
    const sim = createTestSim();
    expect(judge(sim, await post(sim))).toBe('nothing thrown');
    const encoded = encodeURIComponent(Buffer.from(requestFor(sim)).toString('base64'));
    expect(judge(sim, bytesOf(await ask(sim.ocsp, { url: `/ocsp/${encoded}` })))).toBe('nothing thrown');
  });

  test.each([
    ['revoked', 'OCSP_REVOKED'],
    ['stale', 'OCSP_STALE'],
    ['wrong-signature', 'OCSP_SIGNATURE'],
    ['wrong-certificate', 'OCSP_RESPONDER_UNTRUSTED'],
  ])('fault %s is seen as %s', async (kind, code) => {
    const sim = createTestSim();
    sim.faults.add({ at: 'ocsp', kind, times: 1 });
    expect(judge(sim, await post(sim))).toBe(code);
    expect(judge(sim, await post(sim))).toBe('nothing thrown');
  });

  test('refuses what is no request, and a certificate it does not know', async () => {
    const sim = createTestSim();
    const headers: [string, string][] = [['Content-Type', 'application/ocsp-request']];
    const noise = await ask(sim.ocsp, { method: 'POST', url: '/', headers, body: 'noise' });
    expect(noise.rule).toBe('ocsp.request');
    expect(judge(sim, bytesOf(noise))).toBe('OCSP_NOT_SUCCESSFUL');
    const typed = await ask(sim.ocsp, { method: 'POST', url: '/', body: requestFor(sim) });
    expect(typed.rule).toBe('ocsp.request');
    const pki = sharedPki();
    const body = createOcspRequest(pki.smcbCa.certificate, pki.tiRoot.certificate);
    const unknown = await ask(sim.ocsp, { method: 'POST', url: '/', headers, body });
    expect(unknown.rule).toBe('ocsp.unknown-certificate');
  });
});
