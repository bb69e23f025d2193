// The inventory of certificates against the whole simulator (CRT-01, CRT-08): everything the gateway depends on, as it was seen, and
// what was not seen says why.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPem } from '../certs/certificate.ts';
import { demoDocument } from '../demo/document.ts';
import type { CertificateUse, CertificateView } from '../gateway/certificates/entry.ts';
import { exportBody, TestWorld } from './support/world.ts';

let world: TestWorld;
beforeAll(async () => {
  world = await TestWorld.start({ settingsFlags: { ocsp: true, tsl: true } });
}, 60_000);
afterAll(() => world.stop());

const list = async (query = '') =>
  (await world.call('GET', `/admin/v1/certificates${query}`, { admin: true })).json() as {
    certificates: CertificateView[];
  };
const ofUse = async (use: CertificateUse) => (await list('?fresh=true')).certificates.filter((one) => one.use === use);

describe('before any connection', () => {
  test('what was not seen says why, and what lies in files is there', async () => {
    const { certificates } = await list();
    const why = (use: CertificateUse) => certificates.filter((one) => one.use === use).map((one) => one.why);
    expect(why('vau')).toEqual(['NOT_CONNECTED_YET', 'NOT_CONNECTED_YET']);
    expect(why('record-system-tls')).toEqual(['NOT_CONNECTED_YET', 'NOT_CONNECTED_YET']);
    expect(why('idp-signer')).toEqual(['NOT_CONNECTED_YET']);
    expect(why('own-server')).toEqual(['NO_TLS', 'NO_TLS']);
    expect(certificates.filter(({ use }) => use === 'vau').map(({ status }) => status)).toEqual([
      'not-seen',
      'not-seen',
    ]);
  });
});

describe('after an export (CRT-01)', () => {
  beforeAll(async () => {
    const kvnr = world.insured(0);
    const written = await world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date('2026-11-20T08:00:00Z'))));
    expect(written.status).toBe('written');
  });

  test('the three of the SMC-B, with the OCSP answer about each', async () => {
    for (const use of ['smcb-aut', 'smcb-enc', 'smcb-osig'] as const) {
      const [one, ...more] = await ofUse(use);
      expect(more).toEqual([]);
      expect(one).toMatchObject({
        holder: 'demo',
        konnektor: 'k1',
        iccsn: world.sim.world.pki.smcb.iccsn,
        keyType: 'brainpoolP256r1',
        status: 'valid',
        why: null,
        ocsp: { status: 'good' },
      });
      expect(one?.ocsp?.ageSeconds).toBeLessThan(60);
    }
    const { 'C.AUT': aut } = Object.fromEntries(world.sim.world.pki.smcb.certificates);
    expect((await ofUse('smcb-aut'))[0]?.notAfter).toBe(aut?.certificate.notAfter.toISOString());
  });

  test('TLS of the Konnektor, the record system and the IDP, as the connections showed them', async () => {
    const { pki } = world.sim.world;
    const expected = {
      'konnektor-tls': pki.tls.konnektor,
      'record-system-tls': pki.tls['epa-as-1'],
      'idp-tls': pki.tls.idp,
    };
    for (const [use, issued] of Object.entries(expected)) {
      const [one] = await ofUse(use as CertificateUse);
      expect([use, one?.serialNumber]).toEqual([use, issued.certificate.serialNumber]);
      expect(one).toMatchObject({ status: 'valid', why: null });
    }
    const systems = await ofUse('record-system-tls');
    expect(systems.find(({ holder }) => holder === 'epa-as-1')?.daysLeft).toBeGreaterThan(1800);
  });

  test('the VAU with its stapled answer, the signers of IDP and trust-service list', async () => {
    const { pki } = world.sim.world;
    const [vau] = await ofUse('vau');
    expect(vau).toMatchObject({ holder: 'epa-as-1', keyType: 'P-256', ocsp: { status: 'good' } });
    expect((await ofUse('idp-signer'))[0]?.serialNumber).toBe(pki.idpSigner.certificate.serialNumber);
    expect((await ofUse('tsl-signer'))[0]?.serialNumber).toBe(pki.tslSigner.certificate.serialNumber);
  });

  test("our own at the Konnektor, the Konnektor's own by its report, no terminal's: it reports none", async () => {
    const settings = world.sim.settings();
    const [own] = readPem(readFileSync(settings.konnektors[0]?.clientCertificate ?? '', 'utf8'));
    expect((await ofUse('konnektor-client'))[0]?.serialNumber).toBe(own?.serialNumber);
    expect((await ofUse('konnektor-card'))[0]).toMatchObject({ konnektor: 'k1', status: 'valid', fingerprint: null });
    expect((await ofUse('terminal-card'))[0]).toMatchObject({ status: 'not-seen', why: 'NOT_REPORTED' });
  });

  test('days left and ages are metrics', async () => {
    const { body } = await world.call('GET', '/metrics', { admin: true });
    expect(body).toMatch(
      /^epa_certificate_days_left\{use="smcb-aut",holder="demo",konnektor="k1",iccsn="\d{20}"\} 182\d$/m,
    );
    expect(body).toMatch(/^epa_ocsp_age_seconds\{use="smcb-aut",holder="demo",iccsn="\d{20}"\} \d+$/m);
    expect(body).toMatch(/^epa_tsl_age_seconds \d+$/m);
    expect(body).toMatch(/^epa_tsl_left_seconds \d+$/m);
  });

  test('a Konnektor that is gone leaves what was seen there, and says why it is not seen again', async () => {
    await world.control('PATCH', '/sim/konnektors/k1', { running: false });
    const [aut] = await ofUse('smcb-aut');
    expect(aut).toMatchObject({ iccsn: world.sim.world.pki.smcb.iccsn, status: 'valid', why: 'KONNEKTOR_UNREACHABLE' });
    await world.control('PATCH', '/sim/konnektors/k1', { running: true });
    expect((await ofUse('smcb-aut'))[0]?.why).toBeNull();
  });

  test('the report on RSA counts each entry once and says what stops (CRT-08)', async () => {
    const report = (await world.call('GET', '/admin/v1/certificates?report=rsa', { admin: true })).json() as {
      rsa: number;
      ecc: number;
      unknown: number;
      certificates: (CertificateView & { withoutRsa: string | null })[];
    };
    const { certificates } = await list();
    expect(report.rsa + report.ecc + report.unknown).toBe(certificates.length);
    expect(report.rsa).toBe(0);
    expect(report.certificates.every(({ rsa, withoutRsa }) => (rsa === true) === (withoutRsa !== null))).toBe(true);
  });
});

describe('who may ask', () => {
  test.each(['?report=ecc', '?fresh=yes', '?all=true'])('%s is refused', async (query) => {
    expect((await world.call('GET', `/admin/v1/certificates${query}`, { admin: true })).status).toBe(422);
  });
  test('nobody without a key, and no backend', async () => {
    expect((await world.call('GET', '/admin/v1/certificates', { admin: true, key: null })).status).toBe(401);
    expect((await world.call('GET', '/admin/v1/certificates')).status).toBe(404);
  });
});
