// Reading certificates: what openssl and official sources made is read by us, and broken bytes are refused.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Certificate, readCertificate, readPem, signedBy, toPem } from '../../../certs/certificate.ts';
import { extension } from '../../../certs/extensions.ts';
import { mintLeaf } from '../../../certs/mint.ts';
import { testWithOpenssl } from '../../support/openssl.ts';
import { inOpensslFolder, type OpensslFolder } from '../../support/openssl-pki.ts';
import { describeWithSchemas } from '../../support/schemas.ts';
import { certCodeOf, createTestPki } from '../../support/test-pki.ts';
import { flipped } from '../../support/wire-error.ts';

/** A test that tries every byte of a structure may take this long on a busy machine. */
const EVERY_BIT_MS = 120_000;

const pki = createTestPki();
const { der } = pki.leaf.certificate;

/** A self-signed certificate made by openssl from a request section of its own. */
function madeByOpenssl(folder: OpensslFolder, subject: string, extensions: string, key: string[]): Certificate {
  folder.write(
    'made.cnf',
    `[req]\ndistinguished_name=dn\nutf8=yes\nstring_mask=utf8only\n[dn]\n[ext]\n${extensions}\n`,
  );
  const words = ['req', '-x509', '-config', 'made.cnf', '-extensions', 'ext', '-nodes', '-days', '30', '-utf8'];
  const made = folder.run(...words, ...key, '-keyout', 'made.key', '-subj', subject, '-out', 'made.pem');
  expect(made).toMatchObject({ ok: true });
  const [certificate] = readPem(folder.read('made.pem').toString());
  if (certificate === undefined) throw new Error('openssl made no certificate');
  return certificate;
}

const BRAINPOOL = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:brainpoolP256r1'];

describe('certificates made by openssl', () => {
  testWithOpenssl('are read with names, key, usages and path length', () =>
    inOpensslFolder((folder) => {
      const extensions = [
        'basicConstraints=critical,CA:TRUE,pathlen:1',
        'keyUsage=critical,keyCertSign,cRLSign',
        'extendedKeyUsage=OCSPSigning,1.2.276.0.76.4.999',
        'subjectKeyIdentifier=hash',
      ].join('\n');
      const c = madeByOpenssl(folder, '/C=DE/O=Praxis Müller, "Nord"/CN=Prüf\\+Stelle', extensions, BRAINPOOL);
      expect(c).toMatchObject({ version: 3, isCa: true, pathLength: 1, commonName: 'Prüf+Stelle' });
      expect(c.subject).toBe('CN=Prüf\\+Stelle,O=Praxis Müller\\, \\"Nord\\",C=DE');
      expect([...(c.keyUsage ?? [])]).toEqual(['keyCertSign', 'cRLSign']);
      expect([...c.extendedKeyUsage]).toEqual(['OCSPSigning', '1.2.276.0.76.4.999']);
      expect(c.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'brainpoolP256r1' });
      expect(c.keyIdentifier).toEqual(new Uint8Array(createHash('sha1').update(c.publicKeyBits).digest()));
      expect(signedBy(c, c)).toBe(true);
      folder.write('made.der', c.der);
      const serial = folder.run('x509', '-inform', 'der', '-in', 'made.der', '-noout', '-serial').output;
      expect(serial.trim().toLowerCase()).toBe(`serial=${c.serialNumber}`);
    }),
  );

  testWithOpenssl('are told apart by multi-valued names and unusual attributes', () =>
    inOpensslFolder((folder) => {
      const c = madeByOpenssl(folder, '/C=DE/CN=A+SN=B/emailAddress=a@b.de', 'keyUsage=digitalSignature', [
        '-multivalue-rdn',
        ...BRAINPOOL,
      ]);
      expect(c.subject).toBe('1.2.840.113549.1.9.1=#16066140622e6465,CN=A+SN=B,C=DE');
    }),
  );

  testWithOpenssl('with a critical extension nobody knows tell of it', () =>
    inOpensslFolder((folder) => {
      const c = madeByOpenssl(
        folder,
        '/CN=x',
        '1.2.3.4=critical,ASN1:NULL\nnameConstraints=critical,permitted;DNS:x',
        BRAINPOOL,
      );
      expect(c.unknownCriticalExtensions).toEqual(['1.2.3.4', '2.5.29.30']);
    }),
  );

  testWithOpenssl('carry an admission that we read alike', () =>
    inOpensslFolder((folder) => {
      const admission = [
        '1.3.36.8.3.3=ASN1:SEQUENCE:syntax',
        '[syntax]\ncontents=SEQUENCE:contents',
        '[contents]\na=SEQUENCE:admissions',
        '[admissions]\ninfos=SEQUENCE:infos',
        '[infos]\ni=SEQUENCE:info',
        '[info]\nitems=SEQUENCE:items\noids=SEQUENCE:oids\nnumber=PRINTABLESTRING:9-DEMO-DIGA-0001',
        '[items]\ni=UTF8:DiGA-Hersteller und -Anbieter',
        '[oids]\no=OID:1.2.276.0.76.4.282',
      ].join('\n');
      const c = madeByOpenssl(folder, '/CN=x', admission, BRAINPOOL);
      expect(c.admission).toEqual(pki.leaf.certificate.admission);
    }),
  );
});

describe('broken certificates', () => {
  test.each([
    ['an empty input', new Uint8Array()],
    ['a trailing byte', Buffer.concat([der, Buffer.of(0)])],
    ['two certificates in a row', Buffer.concat([der, der])],
    ['a certificate cut short', der.subarray(0, -1)],
    ['PEM in place of DER', Buffer.from(pki.leaf.certPem)],
    ['another structure', new Uint8Array([0x30, 0x03, 0x02, 0x01, 0x05])],
    ['a structure that begins like one', new Uint8Array([0x30, 0x06, 0x30, 0x00, 0x30, 0x00, 0x03, 0x00])],
  ])('are refused: %s', (_what, bytes) => {
    expect(certCodeOf(() => readCertificate(bytes))).toBe('CERT_UNREADABLE');
  });

  test('are refused when an extension stands twice', () => {
    const twice = [extension('2.5.29.15', true, new Uint8Array([0x03, 0x02, 0x07, 0x80]))];
    expect(certCodeOf(() => mintLeaf(pki.ca, { commonName: 'x', extraExtensions: twice }))).toBe('CERT_UNREADABLE');
  });

  test('are refused with a negative serial number', () => {
    const bytes = Buffer.from(der);
    const serial = bytes.indexOf(Buffer.from(pki.leaf.certificate.serialNumber, 'hex'));
    // A number that begins with a set bit has a zero before it.
    const at = (bytes[serial] ?? 0) >= 0x80 ? serial - 1 : serial;
    bytes[at] = (bytes[at] ?? 0) | 0x80;
    expect(certCodeOf(() => readCertificate(bytes))).toBe('CERT_UNREADABLE');
  });

  test.each([
    ['begins in a thirteenth month', 0, '1301'],
    ['ends in a thirteenth month', 1, '1301'],
    ['begins in no month', 0, '0001'],
    ['begins on 31 February', 0, '0231'],
    ['ends on 31 February', 1, '0231'],
  ])('are refused when the validity %s, whatever was read before', (_what, which, day) => {
    const text = Buffer.from(der).toString('latin1');
    const times = [...text.matchAll(/\d{12,14}Z/g)];
    expect(times).toHaveLength(2);
    const at = (times[which]?.index ?? 0) + (times[which]?.[0].length ?? 0) - 'MMddhhmmssZ'.length;
    const bytes = Buffer.from(`${text.slice(0, at)}${day}${text.slice(at + 4)}`, 'latin1');
    // Node leaves the time of before in the place of one that cannot be read: a good one must not pass for it.
    for (let n = 0; n < 50; n++) {
      readCertificate(der);
      expect(certCodeOf(() => readCertificate(bytes))).toBe('CERT_UNREADABLE');
    }
  });

  test(
    'with any single bit changed are unreadable or carry no valid signature',
    () => {
      const survived: number[] = [];
      for (let i = 0; i < der.length; i++) {
        const code = certCodeOf(() => {
          if (signedBy(readCertificate(flipped(der, i)), pki.ca.certificate)) survived.push(i);
        });
        expect(['CERT_UNREADABLE', 'nothing thrown']).toContain(code);
      }
      expect(survived).toEqual([]);
    },
    EVERY_BIT_MS,
  );

  test('are not called signed by another key', () => {
    expect(signedBy(pki.leaf.certificate, pki.ca.certificate)).toBe(true);
    expect(signedBy(pki.leaf.certificate, pki.root.certificate)).toBe(false);
    expect(signedBy(pki.leaf.certificate, pki.leaf.certificate)).toBe(false);
  });
});

describe('PEM', () => {
  test('is read block by block, in order, with text between', () => {
    const text = `Subject: leaf\n${pki.leaf.certPem}\nissuer\n${pki.ca.certPem.replaceAll('\n', '\r\n')}`;
    expect(readPem(text).map((c) => c.serialNumber)).toEqual(
      [pki.leaf, pki.ca].map((issued) => issued.certificate.serialNumber),
    );
  });

  test('is written as it is read', () => {
    expect(readPem(toPem(pki.leaf.certificate))[0]?.der).toEqual(der);
  });

  test.each([
    ['nothing', ''],
    ['a key', pki.leaf.keyPem],
    ['a block without its end', pki.leaf.certPem.slice(0, -10)],
    ['a whole block and one without its end', pki.leaf.certPem + pki.ca.certPem.slice(0, -10)],
    ['a block of something else', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ])('is refused when it holds %s', (_what, text) => {
    expect(certCodeOf(() => readPem(text))).toBe('CERT_UNREADABLE');
  });
});

describeWithSchemas('certificates of official sources', (dir) => {
  test("lib-vau's test signer is read: version 1, P-256, no extension, hence no CA and no role", () => {
    const c = readCertificate(readFileSync(`${dir}/schemas/epa/vau-test-vectors/vau_sig_cert.der`));
    expect(c).toMatchObject({ version: 1, isCa: false, commonName: 'VAU-Aktensystem', admission: undefined });
    expect(c.issuer).toBe('CN=Komponenten-PKI-CA,OU=gematik,O=gematik,L=Berlin,ST=Berlin,C=DE');
    expect(c.serialNumber).toBe('61efdef0b69f5bc2377ee0cde775549a81b952dc');
    expect(c.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(c.notAfter).toEqual(new Date('2024-11-03T07:20:30Z'));
    expect(c.keyUsage).toBeUndefined();
  });

  test('the certificate in the sample of ReadCardCertificate is read: brainpool, its names and number as announced', () => {
    const folder = `${dir}/schemas/konnektor/samples/CertificateService_v6_0_2`;
    const sample = readFileSync(`${folder}/ReadCardCertificateResponse.xml`, 'utf8');
    const content = (name: string): string => new RegExp(`:${name}>([^<]*)<`).exec(sample)?.[1] ?? '';
    const c = readCertificate(Buffer.from(content('X509Certificate'), 'base64'));
    expect(c.subject).toBe(content('X509SubjectName'));
    expect(c.issuer).toBe(content('X509IssuerName'));
    expect(BigInt(`0x${c.serialNumber}`)).toBe(BigInt(content('X509SerialNumber')));
    expect(c.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'brainpoolP256r1' });
  });
});
