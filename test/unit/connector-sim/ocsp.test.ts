// The simulated OCSP responder by POST and GET, judged by our reader as a client judges it, and what each of its faults breaks.
import { X509Certificate } from 'node:crypto';
import * as pkijs from 'pkijs';
import { describe, expect, test } from 'vitest';
import { encodeDer } from '../../../certs/der.ts';
import { createOcspRequest, judgeOcspResponse } from '../../../certs/ocsp.ts';
import { readOcspAnswer } from '../../../certs/ocsp-answer.ts';
import { type CertId, certIdOf, writeCertId } from '../../../certs/ocsp-cert-id.ts';
import { mintSmcb } from '../../../connector-sim/pki.ts';
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

async function post(sim: TestSim, body = requestFor(sim)): Promise<Uint8Array> {
  const headers: [string, string][] = [['Content-Type', 'application/ocsp-request']];
  const answer = await ask(sim.ocsp, { method: 'POST', url: '/ocsp', headers, body });
  expect(answer.headers).toEqual([['Content-Type', 'application/ocsp-response']]);
  return bytesOf(answer);
}

/** A request about this very CertID. */
const requestAbout = (id: CertId): Uint8Array => {
  const requestList = [new pkijs.Request({ reqCert: writeCertId(id) })];
  return encodeDer(new pkijs.OCSPRequest({ tbsRequest: new pkijs.TBSRequest({ requestList }) }).toSchema(true));
};

describe('the CertID of a request (RFC 6960 4.2.1)', () => {
  test.each(['sha1', 'sha256'] as const)('comes back as it was asked, by %s', async (hash) => {
    const sim = createTestSim();
    const id = certIdOf(sim.card.certificate, sharedPki().smcbCa.certificate, hash);
    const response = await post(sim, requestAbout(id));
    expect(readOcspAnswer(response).certId).toEqual(id);
    expect(judge(sim, response)).toBe('nothing thrown');
  });

  test.each(['sha1', 'sha256'] as const)('of another issuer is nobody’s here, by %s', async (hash) => {
    const sim = createTestSim();
    const { smcbCa, componentCa } = sharedPki();
    const id = certIdOf(sim.card.certificate, smcbCa.certificate, hash);
    const other = certIdOf(sim.card.certificate, componentCa.certificate, hash);
    for (const foreign of [
      other,
      { ...id, issuerNameHash: other.issuerNameHash },
      { ...id, issuerKeyHash: other.issuerKeyHash },
    ])
      expect(judge(sim, await post(sim, requestAbout(foreign)))).toBe('OCSP_NOT_SUCCESSFUL');
  });
});

test('what a CA with a known responder issues to a card names it (RFC 5280 4.2.2.1)', () => {
  const { smcbCa } = sharedPki();
  const life = { notBefore: new Date(), notAfter: new Date(Date.now() + DAY) };
  const accessOf = (ocsp?: string) => {
    const card = mintSmcb({ smcbCa: { ...smcbCa, ocsp }, organization: 'X', telematikId: '9-X', life });
    return [...card.values()].map(({ certPem }) => new X509Certificate(certPem).infoAccess);
  };
  expect(accessOf('http://127.0.0.1:18087')).toEqual(Array(3).fill('OCSP - URI:http://127.0.0.1:18087'));
  expect(accessOf()).toEqual(Array(3).fill(undefined));
});

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

  test.each(['/', '/ocsp/', '/ocspx', '/nowhere/ocsp'])('is not at home at %s', async (url) => {
    const sim = createTestSim();
    const headers: [string, string][] = [['Content-Type', 'application/ocsp-request']];
    const answer = await ask(sim.ocsp, { method: 'POST', url, headers, body: requestFor(sim) });
    expect([answer.status, answer.rule]).toEqual([404, 'ocsp.path']);
    const encoded = encodeURIComponent(Buffer.from(requestFor(sim)).toString('base64'));
    expect((await ask(sim.ocsp, { url: `/${encoded}` })).status).toBe(404);
  });

  test('refuses what is no request, and a certificate it does not know', async () => {
    const sim = createTestSim();
    const headers: [string, string][] = [['Content-Type', 'application/ocsp-request']];
    const noise = await ask(sim.ocsp, { method: 'POST', url: '/ocsp', headers, body: 'noise' });
    expect(noise.rule).toBe('ocsp.request');
    expect(judge(sim, bytesOf(noise))).toBe('OCSP_NOT_SUCCESSFUL');
    const typed = await ask(sim.ocsp, { method: 'POST', url: '/ocsp', body: requestFor(sim) });
    expect(typed.rule).toBe('ocsp.request');
    const pki = sharedPki();
    const body = createOcspRequest(pki.smcbCa.certificate, pki.tiRoot.certificate);
    const unknown = await ask(sim.ocsp, { method: 'POST', url: '/ocsp', headers, body });
    expect(unknown.rule).toBe('ocsp.unknown-certificate');
  });
});
