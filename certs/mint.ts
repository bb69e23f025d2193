// The test PKI: fresh keys and certificates at each start, brainpoolP256r1 by default, every subject marked TEST-ONLY.
// Profiles after gemSpec_PKI (C.HCI.AUT, C.FD.AUT, C.FD.TLS-S, OCSP signer), so that openssl and our own reader judge
// them like real ones. pkijs fills the structure, node:crypto signs, since WebCrypto refuses brainpool.
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { Admission } from './admission.ts';
import { ECDSA_WITH_SHA256, RSA_WITH_SHA256 } from './algorithms.ts';
import { type Certificate, readCertificate, toPem } from './certificate.ts';
import { decodeDer, encodeDer } from './der.ts';
import { type WriteExtensions, writeExtensions } from './extensions.ts';
import { writeName } from './names.ts';

export type Curve = 'brainpoolP256r1' | 'P-256';
export type Issued = { certificate: Certificate; privateKey: KeyObject; certPem: string; keyPem: string };

type Validity = { notBefore?: Date; notAfter?: Date };

export type CaProfile = Validity & {
  curve?: Curve;
  /** Key usages of a CA; left away in tests of the chain's rules. */
  keyUsage?: string[];
  pathLength?: number;
  /** An existing key: cross certificates and renewals. */
  privateKey?: KeyObject;
  extraExtensions?: pkijs.Extension[];
};

export type LeafProfile = Validity & {
  commonName: string;
  organization?: string;
  dns?: string[];
  /** IPv4 addresses. */
  ip?: string[];
  admission?: Admission;
  /** Default digitalSignature; an empty list leaves the extension away. */
  keyUsage?: string[];
  /** serverAuth, clientAuth, OCSPSigning. */
  extendedKeyUsage?: string[];
  curve?: Curve;
  privateKey?: KeyObject;
  extraExtensions?: pkijs.Extension[];
};

const DAY = 86_400_000;
const YEAR = 365 * DAY;

function testOnly(name: string): string {
  return name.includes('TEST-ONLY') ? name : `${name} TEST-ONLY`;
}

function newKey(curve: Curve): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: curve }).privateKey;
}

/** RFC 5280 4.1.2.2: positive and at most 20 octets; the bit set in the first one keeps all 20. */
function newSerialNumber(): Uint8Array {
  const bytes = randomBytes(20);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

/** RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on; whole seconds. */
function time(value: Date): pkijs.Time {
  const type = value.getUTCFullYear() < 2050 ? pkijs.TimeType.UTCTime : pkijs.TimeType.GeneralizedTime;
  return new pkijs.Time({ type, value: new Date(Math.floor(value.getTime() / 1000) * 1000) });
}

/** RFC 5758 3.2 without parameters, RFC 4055 5 with NULL ones. */
function algorithm(signer: KeyObject): pkijs.AlgorithmIdentifier {
  return signer.asymmetricKeyType === 'rsa'
    ? new pkijs.AlgorithmIdentifier({ algorithmId: RSA_WITH_SHA256, algorithmParams: new asn1js.Null() })
    : new pkijs.AlgorithmIdentifier({ algorithmId: ECDSA_WITH_SHA256 });
}

/** RFC 5280 4.2.1.2, method 1. */
function keyIdentifierOf(spki: pkijs.PublicKeyInfo): Uint8Array {
  const bits = new Uint8Array(spki.subjectPublicKey.valueBlock.valueHexView);
  return new Uint8Array(createHash('sha1').update(bits).digest());
}

type Request = {
  /** null: self-signed. */
  issuer: Issued | null;
  commonName: string;
  organization: string;
  privateKey: KeyObject;
  notBefore: Date;
  notAfter: Date;
  extensions: Omit<WriteExtensions, 'subjectKeyIdentifier' | 'authorityKeyIdentifier'>;
  extraExtensions: readonly pkijs.Extension[];
};

function issue(r: Request): Issued {
  const signer = r.issuer?.privateKey ?? r.privateKey;
  const publicKey = createPublicKey(r.privateKey).export({ format: 'der', type: 'spki' });
  const spki = pkijs.PublicKeyInfo.fromBER(new Uint8Array(publicKey));
  const keyIdentifier = keyIdentifierOf(spki);
  // Names go in as DER: pkijs keeps the bytes of a decoded name, but would merge the RDNs of a built one.
  const subject = encodeDer(writeName(testOnly(r.commonName), testOnly(r.organization)));
  const issuer = r.issuer?.certificate.subjectDer ?? subject;
  const certificate = new pkijs.Certificate({
    version: 2,
    serialNumber: new asn1js.Integer({ valueHex: newSerialNumber() }),
    signature: algorithm(signer),
    signatureAlgorithm: algorithm(signer),
    subject: new pkijs.RelativeDistinguishedNames({ schema: decodeDer(subject) }),
    issuer: new pkijs.RelativeDistinguishedNames({ schema: decodeDer(issuer) }),
    notBefore: time(r.notBefore),
    notAfter: time(r.notAfter),
    subjectPublicKeyInfo: spki,
    extensions: [
      ...writeExtensions({
        ...r.extensions,
        subjectKeyIdentifier: keyIdentifier,
        authorityKeyIdentifier: r.issuer?.certificate.keyIdentifier ?? keyIdentifier,
      }),
      ...r.extraExtensions,
    ],
  });
  const signature = sign('sha256', encodeDer(certificate.encodeTBS()), signer);
  certificate.signatureValue = new asn1js.BitString({ valueHex: new Uint8Array(signature) });
  const read = readCertificate(encodeDer(certificate.toSchema(true)));
  const keyPem = r.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { certificate: read, privateKey: r.privateKey, certPem: toPem(read), keyPem };
}

function mintAuthority(issuer: Issued | null, commonName: string, o: CaProfile & { notBefore: Date; notAfter: Date }) {
  return issue({
    issuer,
    commonName,
    organization: 'DiGA ePA gateway',
    privateKey: o.privateKey ?? newKey(o.curve ?? 'brainpoolP256r1'),
    notBefore: o.notBefore,
    notAfter: o.notAfter,
    extensions: {
      ca: { pathLength: o.pathLength },
      keyUsage: o.keyUsage ?? ['keyCertSign', 'cRLSign'],
      extendedKeyUsage: [],
      dns: [],
      ip: [],
      admission: undefined,
    },
    extraExtensions: o.extraExtensions ?? [],
  });
}

/** A self-signed root, valid from three years ago: a VAU anchor must be two years old (A_24958). */
export function mintRoot(commonName: string, o: CaProfile = {}): Issued {
  const now = Date.now();
  return mintAuthority(null, commonName, {
    ...o,
    notBefore: o.notBefore ?? new Date(now - 3 * YEAR),
    notAfter: o.notAfter ?? new Date(now + 12 * YEAR),
  });
}

/** A certificate authority under `issuer` (or, with a root's `privateKey` and name, a cross certificate). */
export function mintCa(issuer: Issued, commonName: string, o: CaProfile = {}): Issued {
  const now = Date.now();
  return mintAuthority(issuer, commonName, {
    ...o,
    notBefore: o.notBefore ?? new Date(now - 2 * YEAR),
    notAfter: o.notAfter ?? new Date(now + 8 * YEAR),
  });
}

/** An end-entity certificate, valid from yesterday for five years (CRT-03). */
export function mintLeaf(issuer: Issued, profile: LeafProfile): Issued {
  const now = Date.now();
  return issue({
    issuer,
    commonName: profile.commonName,
    organization: profile.organization ?? 'DiGA ePA gateway',
    privateKey: profile.privateKey ?? newKey(profile.curve ?? 'brainpoolP256r1'),
    notBefore: profile.notBefore ?? new Date(now - DAY),
    notAfter: profile.notAfter ?? new Date(now + 5 * YEAR),
    extensions: {
      ca: null,
      keyUsage: profile.keyUsage ?? ['digitalSignature'],
      extendedKeyUsage: profile.extendedKeyUsage ?? [],
      dns: profile.dns ?? [],
      ip: profile.ip ?? [],
      admission: profile.admission,
    },
    extraExtensions: profile.extraExtensions ?? [],
  });
}
