// CheckCertificateExpiration and VerifyCertificate of the simulated Konnektor (konnektor.md 2.4): which certificates are listed, and
// what is valid when.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Certificate } from '../../../../certs/certificate.ts';
import { mintCa, mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import { addCard, addTerminal } from '../../../../connector-sim/konnektor/inventory.ts';
import { mintSmcb } from '../../../../connector-sim/pki.ts';
import { renew } from '../../../../connector-sim/renewals.ts';
import { context, find, findText, type KonnektorBench, startKonnektorBench } from '../../../support/konnektor-bench.ts';

let bench: KonnektorBench;
beforeAll(async () => {
  bench = await startKonnektorBench();
});
beforeEach(() => {
  bench.world.reset();
  bench.faults.clear();
});
afterAll(() => bench.stop());

const DAY = 86_400_000;
const konnektor = () => bench.world.konnektor;
const add = (seed: Parameters<typeof addCard>[1]) =>
  addCard(konnektor(), seed, { pki: bench.pki, now: bench.world.now(), random: bench.world.random });
const crypt = (kind: string) => `<CERT:Crypt>${kind}</CERT:Crypt>`;
const handleOf = (card: { cardHandle: string | null }) => `<CONN:CardHandle>${card.cardHandle}</CONN:CardHandle>`;
const smcb = () => {
  const found = konnektor().cards.get(bench.pki.smcb.iccsn);
  if (found === undefined) throw new Error('no SMC-B in the world');
  return found;
};
const expirations = async (content: string) => {
  const { soap, code } = await bench.call('CheckCertificateExpiration', content);
  if (code !== null) return code;
  const lines = soap.body?.children.filter((e) => e.name === 'CertificateExpiration') ?? [];
  return lines.map((line) => Object.fromEntries(line.children.map((e) => [e.name, e.text])));
};

describe('CheckCertificateExpiration', () => {
  test('of one card: its C.AUT, by name and number', async () => {
    const certificate = smcb().certificates.get('C.AUT')?.certificate;
    expect(await expirations(`${handleOf(smcb())}${context()}${crypt('ECC')}`)).toEqual([
      {
        CtID: smcb().ctId,
        CardHandle: smcb().cardHandle,
        ICCSN: smcb().iccsn,
        subject_commonName: certificate?.commonName,
        serialNumber: BigInt(`0x${certificate?.serialNumber}`).toString(),
        validity: certificate?.notAfter.toISOString().slice(0, 10),
      },
    ]);
  });

  test('without a card: the Konnektor’s own, and every HBAx and SM-B of the Mandant', async () => {
    addTerminal(konnektor(), { ctId: 'CT_2' });
    const hba = add({ cardType: 'HBA' });
    const hsm = add({ cardType: 'HSM-B', telematikId: '9-X' });
    add({ cardType: 'EGK' });
    const foreign = add({ cardType: 'SMC-B', telematikId: '9-Y', ctId: 'CT_2' });
    for (const mandant of konnektor().model.mandants)
      mandant.smbs = mandant.smbs.filter((one) => one !== foreign.iccsn);
    const lines = await expirations(`${context()}${crypt('ECC')}`);
    const listed = Array.isArray(lines) ? lines : [];
    expect(
      listed
        .map((line) => line.ICCSN)
        .slice(1)
        .sort(),
    ).toEqual([smcb().iccsn, hba.iccsn, hsm.iccsn].sort());
    expect(listed[0]).toMatchObject({
      CtID: '',
      CardHandle: '',
      subject_commonName: bench.pki.tls.konnektor.certificate.commonName,
    });
    expect(listed[0]?.ICCSN).toMatch(/^\d{20}$/);
    const [own] = (await expirations(`${context()}${crypt('RSA')}`)) as Record<string, string>[];
    expect([own?.ICCSN, own?.serialNumber]).toEqual([
      listed[0]?.ICCSN,
      expect.not.stringMatching(listed[0]?.serialNumber ?? ''),
    ]);
  });

  test('of a kind of key that the card does not have: no line', async () => {
    expect(await expirations(`${handleOf(smcb())}${context()}${crypt('RSA')}`)).toEqual([]);
    const both = add({ cardType: 'SMC-B', telematikId: '9-X', keys: 'both' });
    const rsa = await expirations(`${handleOf(both)}${context()}${crypt('RSA')}`);
    const ecc = await expirations(`${handleOf(both)}${context()}${crypt('ECC')}`);
    expect([rsa, ecc].map((lines) => (lines as unknown[]).length)).toEqual([1, 1]);
    expect(rsa).not.toEqual(ecc);
  });

  test.each(['RSA', 'ECC'] as const)('without Crypt means %s where the Konnektor is of that kind', async (meant) => {
    bench.world.choices.defaultCrypt = meant;
    expect(((await expirations(`${handleOf(smcb())}${context()}`)) as unknown[]).length).toBe(meant === 'ECC' ? 1 : 0);
  });

  test('a card without certificates is 4209', async () => {
    const kt = konnektor().cards.get(bench.pki.smcktIccsn);
    if (kt === undefined) throw new Error('no SMC-KT');
    expect(await expirations(`${handleOf(kt)}${context()}`)).toBe(4209);
    expect(await expirations(`${handleOf(add({ cardType: 'EGK' }))}${context()}`)).toBe(4209);
  });
});

describe('VerifyCertificate', () => {
  const verify = async (certificate: Certificate, at?: Date) => {
    const time = at === undefined ? '' : `<CERT:VerificationTime>${at.toISOString()}</CERT:VerificationTime>`;
    const der = Buffer.from(certificate.der).toString('base64');
    const { soap } = await bench.call(
      'VerifyCertificate',
      `${context()}<CERTCMN:X509Certificate>${der}</CERTCMN:X509Certificate>${time}`,
    );
    const roles = find(soap.body, 'RoleList')?.children.map((e) => e.text);
    return [findText(soap.body, 'VerificationResult'), findText(soap.body, 'Code'), roles];
  };
  const aut = () => {
    const found = bench.pki.smcb.certificates.get('C.AUT')?.certificate;
    if (found === undefined) throw new Error('no C.AUT');
    return found;
  };
  const DIGA = ['1.2.276.0.76.4.282'];

  test('an SMC-B is valid, and its role is named', async () => {
    expect(await verify(aut())).toEqual(['VALID', undefined, DIGA]);
  });

  test('an HBA’s is valid, too, whichever card it is and after its CA was renewed', async () => {
    const auts = [add({ cardType: 'HBA' }), add({ cardType: 'HBA' })].map((card) => card.certificates.get('C.AUT'));
    renew(bench.pki, 'hba-ca', { now: bench.world.now() });
    for (const found of auts) {
      if (found === undefined) throw new Error('no C.AUT');
      expect((await verify(found.certificate)).slice(0, 2)).toEqual(['VALID', undefined]);
    }
  });

  test('a CA of the name of the HBAs’ under another root proves nothing', async () => {
    const ca = mintCa(mintRoot('TI Root CA'), 'HBA-CA');
    const { certificate } = mintLeaf(ca, { commonName: 'X' });
    expect((await verify(certificate)).slice(0, 2)).toEqual(['INVALID', '1024']);
  });

  test('a VAU’s is valid, too; one of the Konnektor’s own PKI is of no CA of the TI', async () => {
    expect((await verify(bench.pki.vau['epa-as-1'].certificate))[0]).toBe('VALID');
    expect(await verify(bench.pki.tls.konnektor.certificate)).toEqual(['INVALID', '1027', ['']]);
  });

  test('by the time that is asked for, else by the simulated clock', async () => {
    expect(await verify(aut(), new Date(aut().notAfter.getTime() + DAY))).toEqual(['INVALID', '1021', DIGA]);
    expect(await verify(aut(), new Date(aut().notBefore.getTime() - DAY))).toEqual(['INVALID', '1021', DIGA]);
    const short = mintSmcb({
      smcbCa: bench.pki.smcbCa,
      organization: 'X',
      telematikId: '9-X',
      life: { notBefore: new Date(bench.world.now() - DAY), notAfter: new Date(bench.world.now() + DAY) },
    }).get('C.AUT');
    if (short === undefined) throw new Error('no C.AUT');
    expect((await verify(short.certificate))[0]).toBe('VALID');
    bench.world.advance(2 * DAY);
    expect(await verify(short.certificate)).toEqual(['INVALID', '1021', DIGA]);
  });

  test('a CA of the same name under another root proves nothing', async () => {
    const ca = mintCa(mintRoot('TI Root CA'), 'SMC-B CA');
    const { certificate } = mintLeaf(ca, { commonName: 'X' });
    expect((await verify(certificate)).slice(0, 2)).toEqual(['INVALID', '1024']);
  });

  test('revoked is INVALID with 1047, no status INCONCLUSIVE with 1032', async () => {
    bench.faults.add({ at: 'konnektor.VerifyCertificate', kind: 'revoked', times: 1 });
    expect(await verify(aut())).toEqual(['INVALID', '1047', DIGA]);
    bench.faults.add({ at: 'konnektor.VerifyCertificate', kind: 'stale', times: 1 });
    expect(await verify(aut())).toEqual(['INCONCLUSIVE', '1032', DIGA]);
    expect((await verify(aut()))[0]).toBe('VALID');
  });
});
