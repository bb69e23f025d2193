// openssl as the other side of OCSP: it verifies our answers and reads our requests, and we judge what it answers.
import { describe, expect, test } from 'vitest';
import { mintLeaf } from '../../../certs/mint.ts';
import { createOcspRequest, createOcspResponse, judgeOcspResponse, readOcspRequest } from '../../../certs/ocsp.ts';
import { testWithOpenssl } from '../../support/openssl.ts';
import { inOpensslFolder, type OpensslFolder } from '../../support/openssl-pki.ts';
import { certCodeOf, createTestPki, DAY } from '../../support/test-pki.ts';

const pki = createTestPki();
const second = mintLeaf(pki.ca, { commonName: 'Second' });
const CA = ['-CAfile', 'root.pem', '-verify_other', 'ca.pem', '-issuer', 'ca.pem'];

function inPkiFolder<T>(act: (folder: OpensslFolder) => T): T {
  return inOpensslFolder((folder) => {
    folder.write('root.pem', pki.root.certPem);
    folder.write('ca.pem', pki.ca.certPem);
    folder.write('leaf.pem', pki.leaf.certPem);
    folder.write('second.pem', second.certPem);
    folder.write('signer.pem', pki.ocspSigner.certPem);
    folder.write('signer.key', pki.ocspSigner.keyPem);
    return act(folder);
  });
}

describe('openssl verifies our answers', () => {
  for (const status of ['good', 'revoked', 'unknown'] as const) {
    for (const certIdHash of ['sha1', 'sha256'] as const) {
      for (const responderId of ['key', 'name'] as const) {
        testWithOpenssl(`${status}, CertID with ${certIdHash}, responder by ${responderId}`, () =>
          inPkiFolder((folder) => {
            const answer = createOcspResponse({
              certificate: pki.leaf.certificate,
              issuer: pki.ca.certificate,
              status,
              producedAt: new Date(),
              nextUpdate: new Date(Date.now() + DAY),
              signer: pki.ocspSigner,
              certIdHash,
              responderId,
            });
            folder.write('answer.der', answer);
            const { output } = folder.run(
              'ocsp',
              '-respin',
              'answer.der',
              ...CA,
              `-${certIdHash}`,
              '-cert',
              'leaf.pem',
            );
            expect(output).toContain('Response verify OK');
            expect(output).toContain(`leaf.pem: ${status}`);
          }),
        );
      }
    }
  }

  testWithOpenssl('and refuses one that is signed by a stranger', () =>
    inPkiFolder((folder) => {
      const signer = createTestPki().ocspSigner;
      const about = { certificate: pki.leaf.certificate, issuer: pki.ca.certificate };
      folder.write('answer.der', createOcspResponse({ ...about, status: 'good', producedAt: new Date(), signer }));
      const { output } = folder.run('ocsp', '-respin', 'answer.der', ...CA, '-cert', 'leaf.pem');
      expect(output).toContain('Response Verify Failure');
    }),
  );
});

describe('openssl answers and we judge', () => {
  /** openssl's index: V valid, R revoked; a certificate that is not in it is unknown. */
  function answered(state: 'V' | 'R' | null, ...asked: string[]): Uint8Array {
    return inPkiFolder((folder) => {
      const revokedAt = state === 'R' ? '261101000000Z,keyCompromise' : '';
      const serial = pki.leaf.certificate.serialNumber.toUpperCase();
      folder.write('index', state === null ? '' : `${state}\t361124000000Z\t${revokedAt}\t${serial}\tunknown\t/CN=x\n`);
      folder.run(
        'ocsp',
        '-issuer',
        'ca.pem',
        ...asked.flatMap((file) => ['-cert', file]),
        '-no_nonce',
        '-reqout',
        'request',
      );
      const signer = ['-rsigner', 'signer.pem', '-rkey', 'signer.key', '-ndays', '1'];
      folder.run('ocsp', '-index', 'index', '-CA', 'ca.pem', ...signer, '-reqin', 'request', '-respout', 'answer');
      return new Uint8Array(folder.read('answer'));
    });
  }

  const codeOf = (response: Uint8Array, requireCertHash = false): string =>
    certCodeOf(() =>
      judgeOcspResponse({
        response,
        certificate: pki.leaf.certificate,
        issuer: pki.ca.certificate,
        anchors: pki.anchors,
        at: new Date(),
        maxAgeMs: DAY,
        requireCertHash,
      }),
    );

  testWithOpenssl('good', () => expect(codeOf(answered('V', 'leaf.pem'))).toBe('nothing thrown'));
  testWithOpenssl('good, but without the certHash that openssl does not know', () =>
    expect(codeOf(answered('V', 'leaf.pem'), true)).toBe('OCSP_CERT_HASH'),
  );
  testWithOpenssl('revoked', () => expect(codeOf(answered('R', 'leaf.pem'))).toBe('OCSP_REVOKED'));
  testWithOpenssl('unknown', () => expect(codeOf(answered(null, 'leaf.pem'))).toBe('OCSP_UNKNOWN'));
  testWithOpenssl('about another certificate', () =>
    expect(codeOf(answered('V', 'second.pem'))).toBe('OCSP_OTHER_CERTIFICATE'),
  );
  testWithOpenssl('about two certificates', () =>
    expect(codeOf(answered('V', 'leaf.pem', 'second.pem'))).toBe('OCSP_NOT_ONE_RESPONSE'),
  );
});

describe('OCSP requests', () => {
  testWithOpenssl('of ours are answered by openssl with the right certificate', () =>
    inPkiFolder((folder) => {
      folder.write('request', createOcspRequest(pki.leaf.certificate, pki.ca.certificate));
      const { output } = folder.run('ocsp', '-reqin', 'request', '-req_text');
      expect(output).toContain(`Serial Number: ${pki.leaf.certificate.serialNumber.toUpperCase()}`);
    }),
  );

  testWithOpenssl('of openssl are read by us, with either hash', () =>
    inPkiFolder((folder) => {
      for (const hash of ['sha1', 'sha256']) {
        folder.run('ocsp', '-issuer', 'ca.pem', `-${hash}`, '-cert', 'leaf.pem', '-reqout', 'request');
        const { serialNumber } = pki.leaf.certificate;
        expect(readOcspRequest(folder.read('request'))).toMatchObject({ hash, serialNumber });
      }
    }),
  );

  testWithOpenssl('about two certificates are refused', () =>
    inPkiFolder((folder) => {
      folder.run('ocsp', '-issuer', 'ca.pem', '-cert', 'leaf.pem', '-cert', 'second.pem', '-reqout', 'request');
      expect(certCodeOf(() => readOcspRequest(folder.read('request')))).toBe('OCSP_UNREADABLE');
    }),
  );

  test('name issuer and serial number the way the answer does', () => {
    const asked = readOcspRequest(createOcspRequest(second.certificate, pki.ca.certificate));
    const alsoAsked = readOcspRequest(createOcspRequest(pki.leaf.certificate, pki.ca.certificate));
    expect(asked.issuerKeyHash).toBe(alsoAsked.issuerKeyHash);
    expect(asked.serialNumber).not.toBe(alsoAsked.serialNumber);
  });

  const request = createOcspRequest(pki.leaf.certificate, pki.ca.certificate);
  const about = { certificate: pki.leaf.certificate, issuer: pki.ca.certificate, signer: pki.ocspSigner };
  const answer = createOcspResponse({ ...about, status: 'good', producedAt: new Date() });

  test.each([
    ['nothing', new Uint8Array()],
    ['a request cut short', request.subarray(0, -1)],
    ['a request with a trailing byte', Buffer.concat([request, Buffer.of(0)])],
    ['an answer', answer],
    ['a request about no certificate', Uint8Array.of(0x30, 0x04, 0x30, 0x02, 0x30, 0x00)],
  ])('are refused when they are %s', (_what, bytes) => {
    expect(certCodeOf(() => readOcspRequest(bytes))).toBe('OCSP_UNREADABLE');
  });
});
