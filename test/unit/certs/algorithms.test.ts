// Keys and signature algorithms: openssl makes each kind, and only those of CRT-07 pass.
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import * as asn1js from 'asn1js';
import { describe, expect, test } from 'vitest';
import { ECDSA_WITH_SHA256, isAcceptedKey, isAcceptedSignature, verifySignature } from '../../../certs/algorithms.ts';
import { readPem } from '../../../certs/certificate.ts';
import { verifyChain } from '../../../certs/trust.ts';
import { testWithOpenssl } from '../../support/openssl.ts';
import { inOpensslFolder } from '../../support/openssl-pki.ts';
import { certCodeOf } from '../../support/test-pki.ts';
import { flipped } from '../../support/wire-error.ts';

describe('keys and signatures (CRT-07)', () => {
  /** A self-signed authority made by openssl, and the code for it as leaf and root in one. */
  function codeForKey(key: string[]): string {
    return inOpensslFolder((folder) => {
      folder.write('made.cnf', '[req]\ndistinguished_name=dn\n[dn]\n[ext]\nbasicConstraints=critical,CA:TRUE\n');
      const words = ['req', '-x509', '-config', 'made.cnf', '-extensions', 'ext', '-nodes', '-subj', '/CN=x'];
      folder.run(...words, ...key, '-keyout', 'made.key', '-out', 'made.pem');
      return certCodeOf(() => {
        const [made] = readPem(folder.read('made.pem').toString());
        if (made === undefined) throw new Error('openssl made no certificate');
        const anchors = { roots: [made], intermediates: [], ocspSigners: [] };
        verifyChain({ leaf: made, anchors, at: new Date() });
      });
    });
  }
  const ec = (curve: string, ...more: string[]): string[] => [
    ...['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${curve}`],
    ...more,
  ];

  for (const curve of ['brainpoolP256r1', 'prime256v1', 'brainpoolP384r1', 'secp384r1']) {
    testWithOpenssl(`${curve} is accepted`, () => expect(codeForKey(ec(curve))).toBe('nothing thrown'));
  }
  testWithOpenssl('RSA of 3072 bits is accepted', () => {
    expect(codeForKey(['-newkey', 'rsa:3072'])).toBe('nothing thrown');
  });
  testWithOpenssl('RSA of 2048 bits is refused', () => {
    expect(codeForKey(['-newkey', 'rsa:2048'])).toBe('CERT_ALGORITHM');
  });
  for (const curve of ['secp256k1', 'brainpoolP256t1', 'secp224r1']) {
    testWithOpenssl(`${curve} is refused`, () => expect(codeForKey(ec(curve))).toBe('CERT_ALGORITHM'));
  }
  testWithOpenssl('a curve given by explicit parameters is refused, though it is P-256', () => {
    expect(codeForKey(ec('prime256v1', '-pkeyopt', 'ec_param_enc:explicit'))).toBe('CERT_UNREADABLE');
  });
  testWithOpenssl('Ed25519 is refused', () => expect(codeForKey(['-newkey', 'ed25519'])).toBe('CERT_ALGORITHM'));

  testWithOpenssl('a certificate signed with SHA-1 is refused, one signed with SHA-384 or PSS is not', () =>
    inOpensslFolder((folder) => {
      folder.write(
        'rsa.cnf',
        '[req]\ndistinguished_name=dn\n[dn]\n[ext]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n',
      );
      const request = ['-config', 'rsa.cnf', '-nodes', '-subj', '/CN=RSA CA'];
      folder.run(
        'req',
        '-x509',
        ...request,
        '-extensions',
        'ext',
        '-newkey',
        'rsa:3072',
        '-keyout',
        'ca.key',
        '-out',
        'ca.pem',
      );
      const [ca] = readPem(folder.read('ca.pem').toString());
      if (ca === undefined) throw new Error('openssl made no certificate');
      const signed = (...how: string[]): string => {
        folder.run(
          'req',
          '-new',
          ...request,
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:prime256v1',
          '-keyout',
          'x.key',
          '-out',
          'x.csr',
        );
        folder.run(
          'x509',
          '-req',
          '-in',
          'x.csr',
          '-CA',
          'ca.pem',
          '-CAkey',
          'ca.key',
          '-out',
          'x.pem',
          '-days',
          '2',
          ...how,
        );
        const [leaf] = readPem(folder.read('x.pem').toString());
        const anchors = { roots: [ca], intermediates: [], ocspSigners: [] };
        return certCodeOf(() => verifyChain({ leaf: leaf ?? ca, anchors, at: new Date() }));
      };
      const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:-1'];
      expect(signed('-sha1')).toBe('CERT_ALGORITHM');
      expect(signed('-sha1', ...pss)).toBe('CERT_ALGORITHM');
      expect(signed('-sha384')).toBe('nothing thrown');
      expect(signed('-sha256', ...pss)).toBe('nothing thrown');
    }),
  );
});

describe('signatures over bytes', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' });
  const data = createHash('sha256').update('to be signed').digest();
  const signature = sign('sha256', data, privateKey);
  const good = { oid: ECDSA_WITH_SHA256, key: publicKey, data, signature };

  test('verify with the right key, data and algorithm', () => expect(verifySignature(good)).toBe(true));

  test.each([
    ['another key', { key: generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }).publicKey }],
    ['a key on another curve', { key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey }],
    ['a key of another kind', { key: generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey }],
    ['other data', { data: flipped(data, 0) }],
    ['a changed signature', { signature: flipped(signature, -1) }],
    ['a signature that is no DER', { signature: signature.subarray(1) }],
    ['an empty signature', { signature: new Uint8Array() }],
    ['another hash', { oid: '1.2.840.10045.4.3.3' }],
    ['SHA-1', { oid: '1.2.840.10045.4.1' }],
    ['an RSA algorithm', { oid: '1.2.840.113549.1.1.11' }],
  ])('do not verify with %s', (_what, change) => {
    expect(verifySignature({ ...good, ...change })).toBe(false);
  });

  test('of PSS are accepted only with parameters that name SHA-2', () => {
    for (const parameters of [undefined, new asn1js.Null(), new asn1js.Sequence()]) {
      expect(isAcceptedSignature('1.2.840.113549.1.1.10', parameters)).toBe(false);
    }
  });

  test('keys outside the list are not accepted', () => {
    expect(isAcceptedKey(publicKey)).toBe(true);
    expect(isAcceptedKey(generateKeyPairSync('x25519').publicKey)).toBe(false);
    expect(isAcceptedKey(generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey)).toBe(false);
  });
});
