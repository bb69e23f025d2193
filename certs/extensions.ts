// The X.509 extensions this project reads and writes (RFC 5280 4.2): tables of bits and OIDs, one reader, one writer
// each. What is critical and not in the list of readers is reported, so that trust.ts can refuse it.
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { ADMISSION_OID, type Admission, encodeAdmission, readAdmission } from './admission.ts';
import { decodeDer, encodeDer, members, octets, oidText, sequence } from './der.ts';
import { CertError } from './error.ts';

const OID = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  ocspNoCheck: '1.3.6.1.5.5.7.48.1.5',
} as const;

/** Critical extensions whose meaning is honoured here or by OpenSSL (names in SAN); policies bind no decision of ours. */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  OID.keyUsage,
  OID.subjectAltName,
  OID.basicConstraints,
  OID.certificatePolicies,
  OID.extendedKeyUsage,
  ADMISSION_OID,
]);

/** Bit number = position (RFC 5280 4.2.1.3). */
const KEY_USAGES: readonly string[] = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

const PURPOSES: ReadonlyMap<string, string> = new Map([
  ['1.3.6.1.5.5.7.3.1', 'serverAuth'],
  ['1.3.6.1.5.5.7.3.2', 'clientAuth'],
  ['1.3.6.1.5.5.7.3.3', 'codeSigning'],
  ['1.3.6.1.5.5.7.3.4', 'emailProtection'],
  ['1.3.6.1.5.5.7.3.8', 'timeStamping'],
  ['1.3.6.1.5.5.7.3.9', 'OCSPSigning'],
  ['2.5.29.37.0', 'anyExtendedKeyUsage'],
]);

export type ReadExtensions = {
  isCa: boolean;
  pathLength: number | undefined;
  keyUsage: ReadonlySet<string> | undefined;
  extendedKeyUsage: ReadonlySet<string>;
  admission: Admission | undefined;
  keyIdentifier: Uint8Array | undefined;
  authorityKeyIdentifier: Uint8Array | undefined;
  unknownCriticalExtensions: readonly string[];
};

function readKeyUsage(value: Uint8Array): ReadonlySet<string> {
  const block = decodeDer(value);
  if (!(block instanceof asn1js.BitString)) throw new CertError('CERT_UNREADABLE', 'key usage: BIT STRING expected');
  const bits = block.valueBlock.valueHexView;
  return new Set(KEY_USAGES.filter((_, i) => ((bits[i >> 3] ?? 0) & (0x80 >> (i & 7))) !== 0));
}

function readBasicConstraints(value: Uint8Array): { isCa: boolean; pathLength: number | undefined } {
  const rest = members(decodeDer(value));
  const ca = rest[0] instanceof asn1js.Boolean ? rest.shift() : undefined;
  const length = rest[0] instanceof asn1js.Integer ? rest.shift() : undefined;
  if (rest.length > 0) throw new CertError('CERT_UNREADABLE', 'basic constraints: unknown member');
  const isCa = ca instanceof asn1js.Boolean && ca.getValue();
  const pathLength = length instanceof asn1js.Integer ? Number(length.toBigInt()) : undefined;
  // RFC 5280 4.2.1.9: a path length belongs to a CA and is not negative.
  if (pathLength !== undefined && (!isCa || pathLength < 0)) {
    throw new CertError('CERT_UNREADABLE', 'basic constraints: path length without meaning');
  }
  return { isCa, pathLength };
}

function readPurposes(value: Uint8Array): ReadonlySet<string> {
  return new Set(members(decodeDer(value)).map((block) => PURPOSES.get(oidText(block)) ?? oidText(block)));
}

function readAuthorityKeyIdentifier(value: Uint8Array): Uint8Array | undefined {
  const id = members(decodeDer(value)).find((b) => b.idBlock.tagClass === 3 && b.idBlock.tagNumber === 0);
  return id instanceof asn1js.Primitive ? new Uint8Array(id.valueBlock.valueHexView) : undefined;
}

/** Reads the known extensions; a repeated OID or an unreadable value is CERT_UNREADABLE (RFC 5280 4.2). */
export function readExtensions(extensions: readonly pkijs.Extension[]): ReadExtensions {
  const values = new Map<string, Uint8Array>();
  for (const { extnID, extnValue } of extensions) {
    if (values.has(extnID)) throw new CertError('CERT_UNREADABLE', 'an extension stands twice');
    values.set(extnID, new Uint8Array(extnValue.valueBlock.valueHexView));
  }
  const read = <T>(oid: string, reader: (value: Uint8Array) => T): T | undefined => {
    const value = values.get(oid);
    return value === undefined ? undefined : reader(value);
  };
  const constraints = read(OID.basicConstraints, readBasicConstraints);
  return {
    isCa: constraints?.isCa ?? false,
    pathLength: constraints?.pathLength,
    keyUsage: read(OID.keyUsage, readKeyUsage),
    extendedKeyUsage: read(OID.extendedKeyUsage, readPurposes) ?? new Set(),
    admission: read(ADMISSION_OID, readAdmission),
    keyIdentifier: read(OID.subjectKeyIdentifier, (value) => octets(decodeDer(value))),
    authorityKeyIdentifier: read(OID.authorityKeyIdentifier, readAuthorityKeyIdentifier),
    unknownCriticalExtensions: extensions.filter((e) => e.critical && !UNDERSTOOD.has(e.extnID)).map((e) => e.extnID),
  };
}

/** What a minted certificate states about itself; every member becomes one extension. */
export type WriteExtensions = {
  ca: { pathLength: number | undefined } | null;
  keyUsage: readonly string[];
  extendedKeyUsage: readonly string[];
  dns: readonly string[];
  ip: readonly string[];
  admission: Admission | undefined;
  subjectKeyIdentifier: Uint8Array;
  authorityKeyIdentifier: Uint8Array;
};

/** One extension around an already encoded value. */
export function extension(extnID: string, critical: boolean, value: Uint8Array): pkijs.Extension {
  return new pkijs.Extension({ extnID, critical, extnValue: new Uint8Array(value).buffer });
}

function writeKeyUsage(usages: readonly string[]): Uint8Array {
  const numbers = usages.map((usage) => {
    const n = KEY_USAGES.indexOf(usage);
    if (n < 0) throw new CertError('CERT_KEY_USAGE', 'no such key usage');
    return n;
  });
  const last = Math.max(...numbers);
  const bytes = new Uint8Array((last >> 3) + 1);
  for (const n of numbers) bytes[n >> 3] = (bytes[n >> 3] ?? 0) | (0x80 >> (n & 7));
  // X.690 11.2.2: named bit lists end with their last 1 bit.
  return encodeDer(new asn1js.BitString({ valueHex: bytes, unusedBits: 7 - (last & 7) }));
}

function purposeOid(name: string): string {
  for (const [oid, known] of PURPOSES) if (known === name) return oid;
  if (/^\d+(\.\d+)+$/.test(name)) return name;
  throw new CertError('CERT_KEY_USAGE', 'no such extended key usage');
}

function ipBytes(address: string): Uint8Array {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some((p) => !Number.isInteger(p) || p < 0 || p > 255)) {
    throw new CertError('CERT_UNREADABLE', 'only IPv4 addresses are written into test certificates');
  }
  return Uint8Array.from(parts);
}

function writeAltNames(dns: readonly string[], ip: readonly string[]): Uint8Array {
  const name = (tagNumber: number, valueHex: Uint8Array): asn1js.Primitive =>
    new asn1js.Primitive({ idBlock: { tagClass: 3, tagNumber }, valueHex });
  return encodeDer(
    sequence(...dns.map((d) => name(2, Buffer.from(d, 'latin1'))), ...ip.map((i) => name(7, ipBytes(i)))),
  );
}

export function writeExtensions(x: WriteExtensions): pkijs.Extension[] {
  const oid = (value: string): asn1js.ObjectIdentifier => new asn1js.ObjectIdentifier({ value });
  const constraints = x.ca === null ? new pkijs.BasicConstraints() : new pkijs.BasicConstraints({ cA: true });
  if (x.ca?.pathLength !== undefined) constraints.pathLenConstraint = x.ca.pathLength;
  const list = [
    extension(OID.subjectKeyIdentifier, false, encodeDer(new asn1js.OctetString({ valueHex: x.subjectKeyIdentifier }))),
    extension(
      OID.authorityKeyIdentifier,
      false,
      encodeDer(
        sequence(new asn1js.Primitive({ idBlock: { tagClass: 3, tagNumber: 0 }, valueHex: x.authorityKeyIdentifier })),
      ),
    ),
    extension(OID.basicConstraints, true, encodeDer(constraints.toSchema())),
  ];
  if (x.keyUsage.length > 0) list.push(extension(OID.keyUsage, true, writeKeyUsage(x.keyUsage)));
  if (x.extendedKeyUsage.length > 0) {
    const purposes = sequence(...x.extendedKeyUsage.map((name) => oid(purposeOid(name))));
    list.push(extension(OID.extendedKeyUsage, false, encodeDer(purposes)));
  }
  if (x.extendedKeyUsage.includes('OCSPSigning')) {
    // RFC 6960 4.2.2.2.1: nobody asks for the status of the certificate that answers such questions.
    list.push(extension(OID.ocspNoCheck, false, encodeDer(new asn1js.Null())));
  }
  if (x.dns.length + x.ip.length > 0) list.push(extension(OID.subjectAltName, false, writeAltNames(x.dns, x.ip)));
  if (x.admission !== undefined) list.push(extension(ADMISSION_OID, false, encodeAdmission(x.admission)));
  return list;
}
