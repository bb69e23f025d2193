// What runs out and is renewed (D17, CRT-02): follow-up cards, certificates of the TI by the clock and on demand, and what the
// OCSP responder and the trust-service list say of them.
import { readFileSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Certificate, readPem } from '../../../../certs/certificate.ts';
import { createOcspRequest, judgeOcspResponse } from '../../../../certs/ocsp.ts';
import { verifyChain } from '../../../../certs/trust.ts';
import { readTrustList } from '../../../../certs/tsl.ts';
import { type Simulator, startSimulator } from '../../../../connector-sim/main.ts';
import { certificateNamed, RENEWABLE } from '../../../../connector-sim/renewals.ts';
import { certCodeOf } from '../../../support/test-pki.ts';

const DAY = 86_400_000;
let sim: Simulator;
beforeEach(async () => {
  sim = await startSimulator({ seed: 1, pinEntryMs: 0 });
});
afterEach(() => sim.stop());

type Card = {
  iccsn: string;
  telematikId: string;
  ctId: string;
  slotId: number;
  inserted: boolean;
  pinStatus: string | null;
};
async function ask<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown) {
  const answer = await fetch(`${sim.ready.control}${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: answer.status, json: (await answer.json()) as T };
}
const followUp = (body: object = {}, iccsn = sim.world.pki.smcb.iccsn) =>
  ask<Card>('POST', `/sim/cards/${iccsn}/follow-up`, body);
const cardOf = (iccsn: string) => {
  const card = sim.world.konnektorOfCard(iccsn)?.cards.get(iccsn);
  const certificate = card?.certificates.get('C.AUT')?.certificate;
  if (card === undefined || certificate === undefined) throw new Error('no card');
  return { card, certificate };
};

/** As a client asks and judges, with the anchors of now. */
async function ocsp(certificate: Certificate, issuer = sim.world.pki.smcbCa.certificate): Promise<string> {
  const { pki } = sim.world;
  const answer = await fetch(`${sim.ocsp}/ocsp`, {
    method: 'POST',
    headers: { 'content-type': 'application/ocsp-request' },
    body: Buffer.from(createOcspRequest(certificate, issuer)),
  });
  const response = await answer.bytes();
  const anchors = {
    roots: [pki.tiRoot.certificate],
    intermediates: [pki.smcbCa.certificate, pki.componentCa.certificate],
    ocspSigners: [pki.ocspSigner.certificate],
  };
  const at = new Date(sim.world.now());
  const asked = { certificate, issuer, response, anchors, at, maxAgeMs: DAY, requireCertHash: true };
  return certCodeOf(() => judgeOcspResponse(asked));
}

describe('the follow-up card', () => {
  test('has another ICCSN and keys of its own, the same Telematik-ID, a transport PIN, and lies in another slot', async () => {
    const before = cardOf(sim.world.pki.smcb.iccsn);
    const { status, json } = await followUp();
    expect(status).toBe(201);
    expect(json).toMatchObject({ telematikId: before.card.telematikId, inserted: true, pinStatus: 'TRANSPORT_PIN' });
    expect(json.iccsn).not.toBe(before.card.iccsn);
    expect([json.ctId, json.slotId]).not.toEqual([before.card.ctId, before.card.slotId]);
    const { certificate } = cardOf(json.iccsn);
    expect(certificate.serialNumber).not.toBe(before.certificate.serialNumber);
    expect(certificate.admission?.registrationNumber).toBe(before.card.telematikId);
    expect(certificate.notAfter.getTime()).toBeGreaterThan(before.certificate.notAfter.getTime() - 60_000);
    expect(before.card.inserted).toBe(true);
  });

  test('goes where it is put, and stays in the drawer where it is not', async () => {
    const { json } = await followUp({ slotId: 3, pinStatus: 'VERIFIED' });
    expect(json).toMatchObject({ slotId: 3, pinStatus: 'VERIFIED' });
    const { json: second } = await followUp({ slotId: 2, inserted: false });
    expect(second.inserted).toBe(false);
    expect(cardOf(second.iccsn).card.cardHandle).toBeNull();
  });

  test('made years later it is valid from then on, the first one is not', async () => {
    await ask('POST', '/sim/clock', { advance: 'P5Y1D' });
    const at = new Date(sim.world.now());
    const { json } = await followUp();
    const { pki } = sim.world;
    const anchors = { roots: [pki.tiRoot.certificate], intermediates: [pki.smcbCa.certificate], ocspSigners: [] };
    const judged = (leaf: Certificate) => certCodeOf(() => verifyChain({ leaf, anchors, at }));
    expect(judged(cardOf(json.iccsn).certificate)).toBe('nothing thrown');
    expect(judged(cardOf(pki.smcb.iccsn).certificate)).toBe('CERT_EXPIRED');
  });

  test('may be of somebody else, put in by mistake', async () => {
    expect((await followUp({ telematikId: '9-OTHER' })).json.telematikId).toBe('9-OTHER');
  });

  test.each([
    [{ slotId: 1 }, 422],
    [{ slotId: 9 }, 422],
    [{ ctId: 'nowhere' }, 422],
    [{ pinStatus: 'BLOCKED' }, 422],
    [{ colour: 'red' }, 422],
  ])('%j is refused', async (body, status) => {
    expect((await followUp(body)).status).toBe(status);
  });

  test('of no card, and of one that is no SM-B, there is none', async () => {
    expect((await followUp({}, '0'.repeat(20))).status).toBe(404);
    expect((await followUp({}, sim.world.pki.smcktIccsn)).status).toBe(409);
  });

  test('OCSP knows it, and can be told that one card alone is revoked', async () => {
    const { json } = await followUp();
    const first = cardOf(sim.world.pki.smcb.iccsn).certificate;
    const second = cardOf(json.iccsn).certificate;
    sim.faults.add({ at: 'ocsp', kind: 'revoked', match: { iccsn: sim.world.pki.smcb.iccsn } });
    expect([await ocsp(first), await ocsp(second)]).toEqual(['OCSP_REVOKED', 'nothing thrown']);
  });
});

describe('the TI', () => {
  test('after five years in steps of 30 days everything but the cards was renewed in time', async () => {
    const start = Object.fromEntries(RENEWABLE.map((name) => [name, certificateNamed(sim.world.pki, name)]));
    const renewed = new Set<string>();
    for (let month = 0; month < 61; month += 1) {
      const { json } = await ask<{ renewed: string[] }>('POST', '/sim/clock', { advance: 'P30D' });
      for (const name of json.renewed) renewed.add(name);
      const now = sim.world.now();
      for (const name of RENEWABLE)
        expect(certificateNamed(sim.world.pki, name).certificate.notAfter.getTime(), name).toBeGreaterThan(now);
    }
    expect([...renewed].toSorted()).toEqual([
      'idp-signer',
      'ocsp-signer',
      'tsl-signer',
      'vau-epa-as-1',
      'vau-epa-as-2',
    ]);
    for (const name of renewed) expect(certificateNamed(sim.world.pki, name as 'idp-signer')).not.toBe(start[name]);
    // the card runs out with nobody doing anything about it
    expect(cardOf(sim.world.pki.smcb.iccsn).certificate.notAfter.getTime() - sim.world.now()).toBeLessThan(30 * DAY);
  });

  test('renewed signers sign what is believed: OCSP and trust-service list, and the files name them', async () => {
    await ask('POST', '/sim/clock', { advance: 'P5Y' });
    const { pki } = sim.world;
    const { json } = await followUp();
    expect(await ocsp(cardOf(json.iccsn).certificate)).toBe('nothing thrown');
    const { trust } = sim.settings();
    expect(readPem(readFileSync(trust.ocspSignersFile ?? '', 'utf8')).map((one) => one.serialNumber)).toEqual([
      pki.ocspSigner.certificate.serialNumber,
    ]);
    expect(statSync(trust.ocspSignersFile ?? '').mode & 0o777).toBe(0o600);
    const list = await (await fetch(sim.settings({ tsl: true }).trust.tsl?.url ?? '')).bytes();
    const read = readTrustList(list, { anchors: [pki.tslCa.certificate], at: new Date(sim.world.now()) });
    expect(read.ocspSigners.map((one) => one.serialNumber)).toEqual([pki.ocspSigner.certificate.serialNumber]);
  });

  test('renew: false lets everything run out', async () => {
    const before = sim.world.pki.ocspSigner;
    const { json } = await ask<{ renewed: string[] }>('POST', '/sim/clock', { advance: 'P5Y1D', renew: false });
    expect(json.renewed).toEqual([]);
    expect(sim.world.pki.ocspSigner).toBe(before);
    expect(await ocsp(cardOf(sim.world.pki.smcb.iccsn).certificate)).not.toBe('nothing thrown');
  });

  test.each(RENEWABLE)(
    '%s renewed on demand: another certificate, and what it issued or signs is believed',
    async (name) => {
      const { pki } = sim.world;
      const before = certificateNamed(pki, name);
      const notAfter = new Date(Math.floor(sim.world.now() / 1000) * 1000 + 100 * DAY);
      const { status, json } = await ask<{ notAfter: string }>('POST', `/sim/certificates/${name}/renew`, {
        notAfter: notAfter.toISOString(),
      });
      expect([status, json.notAfter]).toEqual([200, notAfter.toISOString()]);
      const after = certificateNamed(pki, name);
      expect(after.certificate.serialNumber).not.toBe(before.certificate.serialNumber);
      expect(after.certificate.subject).toBe(before.certificate.subject);
      // authorities keep their key, signers do not
      expect(after.privateKey.equals(before.privateKey)).toBe(/root|ca$/.test(name));
      expect(await ocsp(cardOf(pki.smcb.iccsn).certificate)).toBe('nothing thrown');
      const anchors = {
        roots: [pki.tiRoot.certificate],
        intermediates: [pki.smcbCa.certificate, pki.componentCa.certificate],
        ocspSigners: [],
      };
      const at = new Date(sim.world.now());
      for (const leaf of [pki.vau['epa-as-1'], pki.vau['epa-as-2'], pki.idpSigner, pki.ocspSigner])
        expect(certCodeOf(() => verifyChain({ leaf: leaf.certificate, anchors, at }))).toBe('nothing thrown');
    },
  );

  test('one that is already out is judged so', async () => {
    const { pki } = sim.world;
    await ask('POST', '/sim/certificates/ocsp-signer/renew', {
      notAfter: new Date(sim.world.now() - DAY).toISOString(),
    });
    expect(pki.ocspSigner.certificate.notAfter.getTime()).toBeLessThan(sim.world.now());
    expect(await ocsp(cardOf(pki.smcb.iccsn).certificate)).not.toBe('nothing thrown');
  });

  test('GET /sim/certificates names each with its dates; others are not known', async () => {
    const { json } = await ask<{ name: string; notAfter: string }[]>('GET', '/sim/certificates');
    expect(json.map((one) => one.name)).toEqual([...RENEWABLE]);
    expect(json.every((one) => Date.parse(one.notAfter) > sim.world.now())).toBe(true);
    expect((await ask('POST', '/sim/certificates/moon/renew', {})).status).toBe(404);
    expect((await ask('POST', '/sim/certificates/ti-root/renew', { notAfter: 'soon' })).status).toBe(422);
  });
});
