// The test PKI judged from outside: openssl verifies its chains, prints its admission, and checks names and purposes.
import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ROLE } from '../../../certs/admission.ts';
import { readPem } from '../../../certs/certificate.ts';
import { type LeafProfile, mintCa, mintLeaf, mintRoot } from '../../../certs/mint.ts';
import { testWithOpenssl } from '../../support/openssl.ts';
import { inOpensslFolder } from '../../support/openssl-pki.ts';
import { createTestPki, DAY, DIGA_ADMISSION } from '../../support/test-pki.ts';

const pki = createTestPki();

/** `openssl verify` of a leaf under the test CA, with further words (purpose, name). */
function opensslVerifies(profile: LeafProfile, ...words: string[]): { ok: boolean; output: string } {
  return inOpensslFolder((folder) => {
    folder.write('root.pem', pki.root.certPem);
    folder.write('ca.pem', pki.ca.certPem);
    folder.write('leaf.pem', mintLeaf(pki.ca, profile).certPem);
    return folder.run('verify', '-x509_strict', ...words, '-CAfile', 'root.pem', '-untrusted', 'ca.pem', 'leaf.pem');
  });
}

const roleOnly = (oid: string) => ({ professionItems: [], professionOids: [oid], registrationNumber: undefined });

describe('openssl verifies', () => {
  const profiles: [name: string, profile: LeafProfile, ...words: string[]][] = [
    ['an SMC-B AUT certificate', { commonName: 'Muster DiGA GmbH', admission: DIGA_ADMISSION }],
    ['a VAU AUT certificate on P-256', { commonName: 'VAU', curve: 'P-256', admission: roleOnly(ROLE.epaVau) }],
    ['an IDP signer', { commonName: 'IDP', admission: roleOnly(ROLE.idpd) }],
    [
      'a TLS server by its name',
      { commonName: 'k', dns: ['konnektor.konlan'], extendedKeyUsage: ['serverAuth'] },
      ...['-purpose', 'sslserver', '-verify_hostname', 'konnektor.konlan'],
    ],
    [
      'a TLS server by its address',
      { commonName: 'k', ip: ['127.0.0.1'], extendedKeyUsage: ['serverAuth'] },
      ...['-purpose', 'sslserver', '-verify_ip', '127.0.0.1'],
    ],
    ['a TLS client', { commonName: 'c', extendedKeyUsage: ['clientAuth'] }, '-purpose', 'sslclient'],
    ['an OCSP signer', { commonName: 'o', extendedKeyUsage: ['OCSPSigning'] }],
  ];
  for (const [name, profile, ...words] of profiles) {
    testWithOpenssl(name, () => expect(opensslVerifies(profile, ...words)).toMatchObject({ ok: true }));
  }
});

describe('openssl refuses', () => {
  const server: LeafProfile = { commonName: 'k', dns: ['konnektor.konlan'], extendedKeyUsage: ['serverAuth'] };
  const wrong: [name: string, profile: LeafProfile, ...words: string[]][] = [
    ['a TLS server under another name', server, '-verify_hostname', 'konnektor.example'],
    ['a TLS server as a client', server, '-purpose', 'sslclient'],
    ['a TLS client as a server', { commonName: 'c', extendedKeyUsage: ['clientAuth'] }, '-purpose', 'sslserver'],
    ['an expired certificate', { commonName: 'x', notAfter: new Date(Date.now() - DAY / 2) }],
    ['one that is not yet valid', { commonName: 'x', notBefore: new Date(Date.now() + DAY) }],
  ];
  for (const [name, profile, ...words] of wrong) {
    testWithOpenssl(name, () => expect(opensslVerifies(profile, ...words)).toMatchObject({ ok: false }));
  }

  testWithOpenssl('a chain under another root of the same name', () =>
    inOpensslFolder((folder) => {
      folder.write('root.pem', mintRoot('Root CA').certPem);
      folder.write('ca.pem', pki.ca.certPem);
      folder.write('leaf.pem', pki.leaf.certPem);
      const judged = folder.run('verify', '-CAfile', 'root.pem', '-untrusted', 'ca.pem', 'leaf.pem');
      expect(judged.ok).toBe(false);
    }),
  );
});

describe('minted certificates', () => {
  testWithOpenssl('show their admission, marks and critical extensions to openssl', () =>
    inOpensslFolder((folder) => {
      folder.write('leaf.pem', pki.leaf.certPem);
      const { output } = folder.run('x509', '-in', 'leaf.pem', '-noout', '-text');
      expect(output).toContain('registrationNumber: 9-DEMO-DIGA-0001');
      expect(output).toContain('DiGA-Hersteller und -Anbieter');
      expect(output).toContain('(1.2.276.0.76.4.282)');
      expect(output).toContain('ASN1 OID: brainpoolP256r1');
      expect(output).toContain('Signature Algorithm: ecdsa-with-SHA256');
      expect(output).toMatch(/Subject: C = DE, O = DiGA ePA gateway TEST-ONLY, CN = Muster DiGA GmbH TEST-ONLY/);
      expect(output).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
      expect(output).toMatch(/Key Usage: critical\s+Digital Signature/);
    }),
  );

  testWithOpenssl('come with a private key that openssl finds to be theirs', () =>
    inOpensslFolder((folder) => {
      folder.write('key.pem', pki.leaf.keyPem);
      folder.write('leaf.pem', pki.leaf.certPem);
      const ofKey = folder.run('pkey', '-in', 'key.pem', '-pubout').output;
      expect(folder.run('x509', '-in', 'leaf.pem', '-noout', '-pubkey').output).toBe(ofKey);
    }),
  );

  test('all say TEST-ONLY in every name, once', () => {
    const marked = mintRoot('TI Root TEST-ONLY').certificate.subject;
    expect(marked).toBe('CN=TI Root TEST-ONLY,O=DiGA ePA gateway TEST-ONLY,C=DE');
    expect(pki.leaf.certificate.issuer).toContain('CN=SMC-B CA TEST-ONLY');
  });

  test('have positive serial numbers of 20 bytes that do not repeat', () => {
    const serials = Array.from({ length: 40 }, () => mintLeaf(pki.ca, { commonName: 'x' }).certificate.serialNumber);
    expect(new Set(serials).size).toBe(40);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9a-f]{39}$/);
  });

  test('name their own key and that of their issuer', () => {
    expect(pki.leaf.certificate.authorityKeyIdentifier).toEqual(pki.ca.certificate.keyIdentifier);
    expect(pki.root.certificate.authorityKeyIdentifier).toEqual(pki.root.certificate.keyIdentifier);
  });

  test('of a root are old enough for a VAU anchor (A_24958)', () => {
    expect(Date.now() - pki.root.certificate.notBefore.getTime()).toBeGreaterThan(2 * 366 * DAY);
  });

  test('may live beyond 2049, where the form of the time changes', () => {
    const notAfter = new Date('2061-01-02T03:04:05.678Z');
    const { certificate } = mintLeaf(pki.ca, { commonName: 'x', notAfter });
    expect(certificate.notAfter).toEqual(new Date('2061-01-02T03:04:05Z'));
  });

  test('of a CA take over the issuer name byte for byte', () => {
    const ca = mintCa(pki.root, 'Zweite CA');
    expect(ca.certificate.issuerDer).toEqual(pki.root.certificate.subjectDer);
  });

  test('are what Node reads from their PEM', () => {
    const node = new X509Certificate(pki.leaf.certPem);
    expect(node.checkPrivateKey(pki.leaf.privateKey)).toBe(true);
    expect(readPem(pki.leaf.certPem)[0]?.der).toEqual(new Uint8Array(node.raw));
  });
});
