// Every check on the VAU's keys (A_24624-01; epa-record-system.md 1.4) broken alone: the handshake stops under that check's
// own name, before M3, so nothing was ever encrypted to the wrong party (SES-04).
import { beforeAll, describe, expect, it } from 'vitest';
import { ROLE } from '../../../../certs/admission.ts';
import { type LeafProfile, mintCa, mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import type { TrustAnchors } from '../../../../certs/trust.ts';
import { handshake } from '../../../../gateway/record-system/vau-handshake.ts';
import { VauTrust } from '../../../../gateway/record-system/vau-trust.ts';
import { type CborMap, cborMap } from '../../../../wire/cbor.ts';
import { ecdsaToDer } from '../../../../wire/jose.ts';
import {
  admission,
  CA_WHEN,
  createPki,
  DAY,
  failsWith,
  fakeEgress,
  NOW,
  type Pki,
  RECORD_SYSTEM,
  type Route,
  refusalOf,
  USER_AGENT,
  WHEN,
  YEAR,
} from './peers.ts';
import { ocspOf, type Twist, vauPeer } from './vau-peer.ts';

let pki: Pki;
beforeAll(() => {
  pki = createPki();
});

type Setup = { twist?: Twist; anchors?: TrustAnchors; before?: Route; now?: number };

function setUp({ twist = {}, anchors = pki.anchors, before = () => undefined, now = NOW }: Setup) {
  const peer = vauPeer(pki, () => ({ status: 200 }), twist);
  const egress = fakeEgress(before, peer.route);
  const clock = { now };
  const trust = new VauTrust({ egress, anchors: () => anchors, userAgent: USER_AGENT, now: () => clock.now });
  const connect = () => handshake({ recordSystem: RECORD_SYSTEM, egress, trust, userAgent: USER_AGENT });
  return { egress, connect, clock };
}

const leafOf = (issuer: Parameters<typeof mintLeaf>[0], oid: string = ROLE.epaVau, change: Partial<LeafProfile> = {}) =>
  mintLeaf(issuer, { commonName: 'VAU', ...WHEN, ...change, admission: admission(oid) });

const withUsage = (...keyUsage: string[]): Setup => ({
  twist: { cert: leafOf(pki.ca, ROLE.epaVau, { keyUsage }) },
});
const withOcsp = (o: Parameters<typeof ocspOf>[1]): Setup => ({ twist: { ocsp: ocspOf(pki, o) } });
const withKey = (change: (keys: CborMap) => CborMap): Twist => ({ keys: change });
const point = (keys: CborMap): CborMap => cborMap(keys, 'ECDH_PK');

describe('an honest VAU', () => {
  it('is trusted, and M3 goes to its VAU-CID on its own origin', async () => {
    const { egress, connect } = setUp({});
    const { url } = await connect();
    expect(url).toBe('https://as1.test//vau/1');
    expect(egress.calls.map((call) => call.request.url)[2]).toBe(url);
  });

  it('is asked for its CertData once, by hash and version, however many handshakes follow', async () => {
    const { egress, connect } = setUp({});
    await connect();
    await connect();
    const hash = Buffer.from(pki.vau.certificate.sha256).toString('hex');
    expect(egress.paths().filter((path) => path.startsWith('GET'))).toEqual([`GET /CertData.${hash}-1`]);
  });

  it('is judged anew at each handshake although its CertData is remembered', async () => {
    const { connect, clock } = setUp({});
    await connect();
    clock.now = NOW + 2 * DAY;
    expect(await refusalOf(connect())).toBe('VAU_SERVER_UNTRUSTED vau.ocsp-stale');
  });

  it('may have a P-256 key under the brainpool CA', async () => {
    const cert = mintLeaf(pki.ca, { commonName: 'VAU', ...WHEN, admission: admission(ROLE.epaVau), curve: 'P-256' });
    await expect(setUp({ twist: { cert } }).connect()).resolves.toBeDefined();
  });
});

describe('each check broken alone', () => {
  const cases: [check: string, title: string, setup: () => Setup][] = [
    ['vau.signed-keys', 'no cert_hash', () => ({ twist: { signedKeys: ({ cert_hash: _, ...rest }) => rest } })],
    ['vau.signed-keys', 'an empty cert_hash', () => ({ twist: { certHash: new Uint8Array() } })],
    ['vau.signed-keys', 'cdv 0', () => ({ twist: { signedKeys: (map) => ({ ...map, cdv: 0 }) } })],
    ['vau.signed-keys', 'no OCSP response', () => ({ twist: { signedKeys: ({ ocsp_response: _, ...rest }) => rest } })],
    ['vau.cert-data', 'CertData that is not there', () => ({ twist: { certDataStatus: 404 } })],
    ['vau.cert-data', 'CertData that is no CBOR', () => ({ twist: { certData: () => new Uint8Array([0xff]) } })],
    ['vau.cert-data', 'CertData without chain', () => ({ twist: { certData: ({ rca_chain: _, ...rest }) => rest } })],
    [
      'vau.cert-data',
      'CertData with bytes after the certificate',
      () => ({
        twist: { certData: (map) => ({ ...map, cert: Buffer.concat([pki.vau.certificate.der, Buffer.of(0)]) }) },
      }),
    ],
    [
      'vau.cert-hash',
      'another certificate than announced',
      () => ({ twist: { certHash: new Uint8Array(32).fill(7) } }),
    ],
    [
      'vau.cert-hash',
      'CertData of another VAU of the same CA',
      () => ({ twist: { certData: (map) => ({ ...map, cert: leafOf(pki.ca).certificate.der }) } }),
    ],
    [
      'vau.chain',
      'a root we do not know',
      () => ({ anchors: { ...pki.anchors, roots: [mintRoot('Other', CA_WHEN).certificate] } }),
    ],
    ['vau.chain', 'no root at all', () => ({ anchors: { ...pki.anchors, roots: [] } })],
    [
      'vau.chain',
      'a leaf of another CA of the same name',
      () => ({ twist: { cert: leafOf(mintCa(mintRoot('Root', CA_WHEN), 'Component CA', CA_WHEN)) } }),
    ],
    [
      'vau.validity',
      'an expired certificate',
      () => ({
        twist: {
          cert: leafOf(pki.ca, ROLE.epaVau, { notBefore: new Date(NOW - YEAR), notAfter: new Date(NOW - DAY) }),
        },
      }),
    ],
    [
      'vau.validity',
      'a certificate of tomorrow',
      () => ({ twist: { cert: leafOf(pki.ca, ROLE.epaVau, { notBefore: new Date(NOW + DAY) }) } }),
    ],
    ['vau.role', 'the role of another service', () => ({ twist: { cert: leafOf(pki.ca, ROLE.idpd) } })],
    ['vau.role', 'no admission', () => ({ twist: { cert: mintLeaf(pki.ca, { commonName: 'VAU', ...WHEN }) } })],
    [
      'vau.role',
      'two roles, one of them right',
      () => ({
        twist: {
          cert: mintLeaf(pki.ca, {
            commonName: 'VAU',
            ...WHEN,
            admission: { ...admission(ROLE.epaVau), professionOids: [ROLE.epaVau, ROLE.diga] },
          }),
        },
      }),
    ],
    ['vau.key-usage', 'a certificate that may not sign', () => withUsage('keyAgreement')],
    ['vau.key-usage', 'no key usage at all', () => withUsage()],
    [
      'vau.ocsp-unreadable',
      'text in place of an OCSP response',
      () => ({ twist: { ocsp: Buffer.from('dummy OCSP response') } }),
    ],
    [
      'vau.ocsp-certificate',
      'an OCSP answer about another certificate',
      () => withOcsp({ certificate: pki.idp.certificate }),
    ],
    ['vau.ocsp-revoked', 'revoked', () => withOcsp({ status: 'revoked' })],
    ['vau.ocsp-unknown', 'unknown to the responder', () => withOcsp({ status: 'unknown' })],
    ['vau.ocsp-stale', 'an answer of 25 hours', () => withOcsp({ producedAt: new Date(NOW - 25 * 3_600_000) })],
    ['vau.ocsp-future', 'an answer from the future', () => withOcsp({ producedAt: new Date(NOW + 3_600_000) })],
    ['vau.ocsp-cert-hash', 'no certHash', () => withOcsp({ certHash: null })],
    ['vau.ocsp-cert-hash', 'a wrong certHash', () => withOcsp({ certHash: new Uint8Array(32) })],
    ['vau.ocsp-responder', 'an answer the VAU signed itself', () => withOcsp({ signer: pki.vau })],
    [
      'vau.ocsp-responder',
      'a responder of a foreign CA',
      () =>
        withOcsp({
          signer: mintLeaf(mintRoot('Other', CA_WHEN), {
            commonName: 'OCSP',
            ...WHEN,
            extendedKeyUsage: ['OCSPSigning'],
          }),
        }),
    ],
    [
      'vau.ocsp-signature',
      'an answer in the name of the responder, by another key',
      () => withOcsp({ signer: { certificate: pki.ocsp.certificate, privateKey: pki.idp.privateKey } }),
    ],
    ['vau.keys-signature', 'another key signed', () => ({ twist: { signer: pki.idp } })],
    ['vau.keys-signature-form', 'an empty signature', () => ({ twist: { signature: () => new Uint8Array() } })],
    ['vau.keys-signature-form', 'a DER signature', () => ({ twist: { signature: (raw) => ecdsaToDer(raw) } })],
    [
      'vau.keys-signature',
      'keys changed after signing',
      () => ({
        twist: {
          signedKeys: (map) => ({
            ...map,
            signed_pub_keys: Buffer.concat([Buffer.from(Object(map.signed_pub_keys)).subarray(0, -1), Buffer.of(0x75)]),
          }),
        },
      }),
    ],
    [
      'vau.keys-not-yet',
      'keys of tomorrow',
      () => ({ twist: withKey((k) => ({ ...k, iat: NOW / 1000 + 86_400, exp: NOW / 1000 + 2 * 86_400 })) }),
    ],
    [
      'vau.keys-expired',
      'keys that end this second',
      () => ({ twist: withKey((k) => ({ ...k, iat: NOW / 1000 - 100, exp: NOW / 1000 })) }),
    ],
    [
      'vau.keys-lifetime',
      'keys for 30 days and a second',
      () => ({ twist: withKey((k) => ({ ...k, exp: Number(k.iat) + 30 * 86_400 + 1 })) }),
    ],
    ['vau.signed-keys', 'keys without exp', () => ({ twist: withKey(({ exp: _, ...rest }) => rest) })],
    [
      'vau.ecdh-key',
      'a curve of another name',
      () => ({ twist: withKey((k) => ({ ...k, ECDH_PK: { ...point(k), crv: 'brainpoolP256r1' } })) }),
    ],
    [
      'vau.ecdh-key',
      'a point off the curve',
      () => ({ twist: withKey((k) => ({ ...k, ECDH_PK: { ...point(k), y: new Uint8Array(32).fill(1) } })) }),
    ],
    [
      'vau.ecdh-key',
      'a short coordinate',
      () => ({ twist: withKey((k) => ({ ...k, ECDH_PK: { ...point(k), x: new Uint8Array(31).fill(1) } })) }),
    ],
    ['vau.ecdh-key', 'no ECDH key', () => ({ twist: withKey(({ ECDH_PK: _, ...rest }) => rest) })],
    ['vau.kyber-key', 'no Kyber key', () => ({ twist: withKey(({ Kyber768_PK: _, ...rest }) => rest) })],
    [
      'vau.kyber-key',
      'a short Kyber key',
      () => ({ twist: withKey((k) => ({ ...k, Kyber768_PK: new Uint8Array(1183) })) }),
    ],
    [
      'vau.kyber-key',
      'a Kyber key beyond the modulus',
      () => ({ twist: withKey((k) => ({ ...k, Kyber768_PK: new Uint8Array(1184).fill(0xff) })) }),
    ],
  ];

  it.each(cases)('%s: %s', async (check, _title, setup) => {
    const { egress, connect } = setUp(setup());
    expect(await refusalOf(connect())).toBe(`VAU_SERVER_UNTRUSTED ${check}`);
    // M1 and CertData at most: nothing was encrypted to this server.
    expect(egress.paths().filter((path) => path.startsWith('POST'))).toEqual(['POST /VAU']);
  });

  it('vau.root-age: a root younger than two years is no anchor (A_24958)', async () => {
    const when = { notBefore: new Date(NOW - 2 * YEAR + DAY), notAfter: new Date(NOW + YEAR) };
    const root = mintRoot('Young', when);
    const ca = mintCa(root, 'Component CA', when);
    const ocsp = mintLeaf(ca, { commonName: 'OCSP', ...WHEN, extendedKeyUsage: ['OCSPSigning'] });
    const young: Pki = { ...pki, root, ca, ocsp, vau: leafOf(ca) };
    const peer = vauPeer(young, () => ({ status: 200 }));
    const egress = fakeEgress(peer.route);
    const anchors = { roots: [root.certificate], intermediates: [], ocspSigners: [] };
    const trust = new VauTrust({ egress, anchors: () => anchors, userAgent: USER_AGENT, now: () => NOW });
    const act = handshake({ recordSystem: RECORD_SYSTEM, egress, trust, userAgent: USER_AGENT });
    expect(await refusalOf(act)).toBe('VAU_SERVER_UNTRUSTED vau.root-age');
  });
});

describe('CertData that cannot be asked for now', () => {
  it.each(['UNREACHABLE', 'TIMEOUT', 'RESET'] as const)('%s is not a question of trust', async (code) => {
    const before: Route = ({ request }) => (request.url.includes('CertData') ? failsWith(code) : undefined);
    expect((await refusalOf(setUp({ before }).connect())).split(' ')[0]).toBe('RECORD_SYSTEM_UNREACHABLE');
  });

  it('a wrong certificate is not remembered: the next handshake with the right one succeeds', async () => {
    let wrong = true;
    const twist: Twist = {
      certData: (map) => (wrong ? { ...map, cert: pki.idp.certificate.der } : map),
    };
    const { connect } = setUp({ twist });
    expect(await refusalOf(connect())).toBe('VAU_SERVER_UNTRUSTED vau.cert-hash');
    wrong = false;
    await expect(connect()).resolves.toBeDefined();
  });
});
