// Judging OCSP answers (RFC 6960, A_24624-01, CRT-04): one test breaks each rule alone and names the code it ends in.
import { sign } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { describe, expect, test } from 'vitest';
import { readCertificate, signedBy } from '../../../certs/certificate.ts';
import { decodeDer, encodeDer } from '../../../certs/der.ts';
import { extension } from '../../../certs/extensions.ts';
import { type CaProfile, type Issued, type LeafProfile, mintCa, mintLeaf, mintRoot } from '../../../certs/mint.ts';
import { createOcspResponse } from '../../../certs/ocsp.ts';
import {
  ago,
  at,
  codeOf,
  goodAnswer,
  judge,
  onlyResponse,
  pki,
  resigned,
  wrapped,
} from '../../support/ocsp-answers.ts';
import { createTestPki, DAY } from '../../support/test-pki.ts';
import { flipped } from '../../support/wire-error.ts';

/** A test that tries every byte of a structure may take this long on a busy machine. */
const EVERY_BIT_MS = 120_000;

const other = mintLeaf(pki.ca, { commonName: 'Other' });

describe('an OCSP answer is good', () => {
  test('from the responder the CA has delegated to', () => {
    expect(judge({}).producedAt.getTime()).toBe(Math.floor((at.getTime() - 1000) / 1000) * 1000);
  });

  test.each([
    ['named by key, about a SHA-1 CertID', { responderId: 'key', certIdHash: 'sha1' }],
    ['named by name, about a SHA-256 CertID', { responderId: 'name', certIdHash: 'sha256' }],
  ] as const)('from a responder %s', (_what, o) => expect(codeOf(o)).toBe('nothing thrown'));

  test('from a responder known from the TSL, whoever issued its certificate', () => {
    const signer = mintLeaf(createTestPki().ca, { commonName: 'TSL OCSP Signer', keyUsage: ['nonRepudiation'] });
    const anchors = { ...pki.anchors, ocspSigners: [signer.certificate] };
    expect(codeOf({ signer }, { anchors })).toBe('nothing thrown');
  });

  test('until nextUpdate, which is handed on for the cache', () => {
    const nextUpdate = new Date(Math.floor(at.getTime() / 1000) * 1000 + 60_000);
    expect(judge({ nextUpdate }).nextUpdate).toEqual(nextUpdate);
    expect(judge({}).nextUpdate).toBeUndefined();
  });

  test('without certHash where the caller does not ask for it', () => {
    expect(codeOf({ certHash: null }, { requireCertHash: false })).toBe('nothing thrown');
  });

  test('when its clock is less than a minute ahead of ours', () => {
    expect(codeOf({ producedAt: ago(-50_000) })).toBe('nothing thrown');
  });

  test('at the greatest age allowed', () => {
    const producedAt = new Date(Math.floor(at.getTime() / 1000) * 1000);
    expect(codeOf({ producedAt }, { at: new Date(producedAt.getTime() + DAY) })).toBe('nothing thrown');
    expect(codeOf({ producedAt }, { at: new Date(producedAt.getTime() + DAY + 1) })).toBe('OCSP_STALE');
  });

  test('when taken apart and signed anew unchanged, so that the tests below break only what they change', () => {
    expect(codeOf(resigned(() => {}))).toBe('nothing thrown');
  });
});

describe('an OCSP answer is refused by its status', () => {
  test('none of the three', () => {
    const fourth = resigned((data) => {
      onlyResponse(data).certStatus = new asn1js.Primitive({ idBlock: { tagClass: 3, tagNumber: 3 } });
    });
    expect(codeOf(fourth)).toBe('OCSP_UNREADABLE');
  });
  test('revoked', () => expect(codeOf({ status: 'revoked' })).toBe('OCSP_REVOKED'));
  test('unknown', () => expect(codeOf({ status: 'unknown' })).toBe('OCSP_UNKNOWN'));
  test('revoked, even without certHash, but never on the word of a stranger', () => {
    expect(codeOf({ status: 'revoked', certHash: null })).toBe('OCSP_REVOKED');
    expect(codeOf({ status: 'revoked', signer: createTestPki().ocspSigner })).toBe('OCSP_RESPONDER_UNTRUSTED');
  });
});

describe('an OCSP answer is refused for what it is about', () => {
  test('another certificate of the same CA', () => {
    expect(codeOf({ certificate: other.certificate })).toBe('OCSP_OTHER_CERTIFICATE');
  });

  test('the same serial number under another issuer', () => {
    const foreign = mintCa(pki.root, 'Foreign CA').certificate;
    expect(codeOf({ issuer: foreign })).toBe('OCSP_OTHER_CERTIFICATE');
  });

  test('the same serial number under an issuer of the same name with another key', () => {
    expect(codeOf({ issuer: mintCa(pki.root, 'SMC-B CA').certificate })).toBe('OCSP_OTHER_CERTIFICATE');
  });

  test('two certificates, the right one first', () => {
    const second = resigned((data) => data.responses.push(onlyResponse(data)));
    expect(codeOf(second)).toBe('OCSP_NOT_ONE_RESPONSE');
  });

  test('no certificate at all', () => {
    expect(codeOf(resigned((data) => data.responses.pop()))).toBe('OCSP_UNREADABLE');
  });

  test('no certHash', () => expect(codeOf({ certHash: null })).toBe('OCSP_CERT_HASH'));

  test.each([true, false])('the certHash of another certificate (required: %s)', (requireCertHash) => {
    expect(codeOf({ certHash: other.certificate.sha256 }, { requireCertHash })).toBe('OCSP_CERT_HASH');
  });

  test('a certHash cut short', () => {
    expect(codeOf({ certHash: pki.leaf.certificate.sha256.subarray(0, 31) })).toBe('OCSP_CERT_HASH');
  });

  test('a certHash with a third member', () => {
    const longer = resigned((data) => {
      const value = onlyResponse(data).singleExtensions?.[0]?.extnValue.valueBlock.valueHexView ?? new Uint8Array();
      const changed = Buffer.concat([value, Buffer.of(0x05, 0x00)]);
      changed[1] = (changed[1] ?? 0) + 2;
      onlyResponse(data).singleExtensions = [extension('1.3.36.8.3.13', false, changed)];
    });
    expect(codeOf(longer)).toBe('OCSP_UNREADABLE');
  });

  test('a certHash of another algorithm', () => {
    const sha512 = resigned((data) => {
      const value = onlyResponse(data).singleExtensions?.[0]?.extnValue.valueBlock.valueHexView ?? new Uint8Array();
      const changed = new Uint8Array(value);
      // Last octet of the OID 2.16.840.1.101.3.4.2.1.
      changed[14] = 3;
      onlyResponse(data).singleExtensions = [extension('1.3.36.8.3.13', false, changed)];
    });
    expect(codeOf(sha512)).toBe('OCSP_CERT_HASH');
  });
});

describe('an OCSP answer is refused by its times', () => {
  test.each([
    ['older than allowed', { producedAt: ago(DAY + 1000) }, 'OCSP_STALE'],
    ['past its next update', { nextUpdate: ago(1000), thisUpdate: ago(5000) }, 'OCSP_STALE'],
    ['made two minutes from now', { producedAt: ago(-120_000) }, 'OCSP_FUTURE'],
    ['about a state of the future', { thisUpdate: ago(-120_000) }, 'OCSP_FUTURE'],
  ])('when it is %s', (_what, answer, code) => expect(codeOf(answer)).toBe(code));

  test('when the time asked about is none', () => {
    expect(codeOf({}, { at: new Date(Number.NaN) })).toBe('OCSP_RESPONDER_UNTRUSTED');
    expect(codeOf({}, { maxAgeMs: Number.NaN })).toBe('OCSP_STALE');
  });
});

describe('an OCSP answer is refused by who made it', () => {
  const DELEGATED = { commonName: 'OCSP', extendedKeyUsage: ['OCSPSigning'] };
  const signerOf = (profile: Partial<LeafProfile>, ca: CaProfile | null = null) =>
    mintLeaf(ca === null ? pki.ca : mintCa(pki.root, 'SMC-B CA', ca), { ...DELEGATED, ...profile });
  const namesake = mintCa(pki.root, 'Other CA', { privateKey: pki.ca.privateKey });

  /** The same certificate with the signature its CA would have made before CRT-07. */
  function signedOverSha1(issued: Issued): Issued {
    const certificate = pkijs.Certificate.fromBER(new Uint8Array(issued.certificate.der));
    certificate.signature.algorithmId = '1.2.840.10045.4.1';
    certificate.signatureAlgorithm.algorithmId = '1.2.840.10045.4.1';
    const signature = sign('sha1', encodeDer(certificate.encodeTBS()), pki.ca.privateKey);
    certificate.signatureValue = new asn1js.BitString({ valueHex: new Uint8Array(signature) });
    const read = readCertificate(encodeDer(certificate.toSchema(true)));
    expect(signedBy(read, pki.ca.certificate)).toBe(true);
    return { ...issued, certificate: read };
  }

  test.each([
    ['without OCSPSigning', signerOf({ extendedKeyUsage: [] })],
    ['for TLS servers', signerOf({ extendedKeyUsage: ['serverAuth'] })],
    ['of another CA of the same root', signerOf({}, {})],
    ['of a CA of another name with the same key', mintLeaf(namesake, DELEGATED)],
    ['whose certificate is signed over SHA-1', signedOverSha1(signerOf({}))],
    ['of another PKI', createTestPki().ocspSigner],
    ['that is expired', signerOf({ notAfter: ago(1000) })],
    ['that is not yet valid', signerOf({ notBefore: ago(-DAY) })],
    ['that may not sign data', signerOf({ keyUsage: ['keyAgreement'] })],
    [
      'with a critical extension nobody understands',
      signerOf({ extraExtensions: [extension('1.2.3.4', true, Uint8Array.of(5, 0))] }),
    ],
    ['that is the certificate asked about', pki.leaf],
    ['that has named itself root', mintRoot('OCSP')],
  ])('a responder %s', (_what, signer) => expect(codeOf({ signer })).toBe('OCSP_RESPONDER_UNTRUSTED'));

  test('a responder of the TSL that is expired', () => {
    const signer = signerOf({ notAfter: ago(1000) });
    const anchors = { ...pki.anchors, ocspSigners: [signer.certificate] };
    expect(codeOf({ signer }, { anchors })).toBe('OCSP_RESPONDER_UNTRUSTED');
  });

  test('a known root or intermediate: neither list names responders', () => {
    const signer = mintRoot('Second Root');
    const known = [pki.root.certificate, signer.certificate];
    const anchors = { roots: known, intermediates: known, ocspSigners: [] };
    expect(codeOf({ signer }, { anchors })).toBe('OCSP_RESPONDER_UNTRUSTED');
  });

  test('the key of another in the name of the right responder', () => {
    const forged = { certificate: pki.ocspSigner.certificate, privateKey: pki.leaf.privateKey };
    expect(codeOf({ signer: forged })).toBe('OCSP_SIGNATURE');
  });

  test('the right responder, where the answer names another', () => {
    const byName = resigned((data) => {
      const { subjectDer } = pki.ca.certificate;
      data.responderID = new pkijs.RelativeDistinguishedNames({ schema: decodeDer(subjectDer) });
    });
    expect(codeOf(byName)).toBe('OCSP_RESPONDER_UNTRUSTED');
    const byKey = resigned((data) => {
      data.responderID = new asn1js.OctetString({ valueHex: new Uint8Array(20) });
    });
    expect(codeOf(byKey)).toBe('OCSP_RESPONDER_UNTRUSTED');
  });

  test('a stranger with the name of a responder of the TSL', () => {
    const signer = signerOf({ commonName: 'OCSP Signer' }, {});
    const anchors = { ...pki.anchors, ocspSigners: [pki.ocspSigner.certificate] };
    expect(codeOf({ signer, responderId: 'name' }, { anchors })).toBe('OCSP_SIGNATURE');
  });

  test('the right responder without its certificate, when it is not known either', () => {
    const bare = resigned((_data, basic) => delete basic.certs);
    expect(codeOf(bare)).toBe('OCSP_RESPONDER_UNTRUSTED');
    const anchors = { ...pki.anchors, ocspSigners: [pki.ocspSigner.certificate] };
    expect(codeOf(bare, { anchors })).toBe('nothing thrown');
  });
});

describe('an OCSP answer is refused for its form', () => {
  const good = createOcspResponse(goodAnswer);

  test.each([
    ['nothing', new Uint8Array()],
    ['text', Buffer.from('OCSP')],
    ['an answer cut short', good.subarray(0, -1)],
    ['an answer with a trailing byte', Buffer.concat([good, Buffer.of(0)])],
    ['a certificate', pki.leaf.certificate.der],
    ['a success without content', Uint8Array.of(0x30, 0x03, 0x0a, 0x01, 0x00)],
    ['a response that is not basic', wrapped(Uint8Array.of(0x30, 0x00), '1.2.3.4')],
    ['a basic response without members', wrapped(Uint8Array.of(0x30, 0x00), '1.3.6.1.5.5.7.48.1.1')],
    ['version 2', resigned((data) => Object.assign(data, { version: 1 }))],
    [
      'an unknown critical extension',
      resigned((data) => {
        data.responseExtensions = [extension('1.2.3.4', true, Uint8Array.of(5, 0))];
      }),
    ],
    [
      'a certHash twice',
      resigned((data) => onlyResponse(data).singleExtensions?.push(...(onlyResponse(data).singleExtensions ?? []))),
    ],
    [
      'a certHash that is text',
      resigned((data) => {
        onlyResponse(data).singleExtensions = [extension('1.3.36.8.3.13', false, Uint8Array.of(0x0c, 1, 65))];
      }),
    ],
    [
      'an unknown hash in its CertID',
      resigned((data) => {
        onlyResponse(data).certID.hashAlgorithm.algorithmId = '1.2.840.113549.2.5';
      }),
    ],
  ])('when it is %s', (_what, response) => expect(codeOf(response)).toBe('OCSP_UNREADABLE'));

  test.each([1, 2, 3, 5, 6])('when the responder could not answer (status %i)', (status) => {
    expect(codeOf(Uint8Array.of(0x30, 0x03, 0x0a, 0x01, status))).toBe('OCSP_NOT_SUCCESSFUL');
  });

  test(
    'when any single bit of it is changed',
    () => {
      const passed: number[] = [];
      for (let i = 0; i < good.length; i++) if (!codeOf(flipped(good, i)).startsWith('OCSP_')) passed.push(i);
      expect(passed).toEqual([]);
    },
    EVERY_BIT_MS,
  );
});
