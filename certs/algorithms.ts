// Signature algorithms and keys that certificates and OCSP answers may use (CRT-07; TR-02102-1). A closed list: SHA-1,
// RSA below 3000 bits, other curves and explicit curve parameters are refused by not being here.
import { type KeyObject, verify } from 'node:crypto';
import * as asn1js from 'asn1js';
import { RSASSAPSSParams } from 'pkijs';

/** RSA keys must have at least this many bits (CRT-07). */
const MIN_RSA_BITS = 3000;

/** brainpoolP256r1, P-256 and their 384-bit forms, as OpenSSL names them (CRT-07). */
const CURVES = new Set(['brainpoolP256r1', 'prime256v1', 'brainpoolP384r1', 'secp384r1']);

type SignatureAlgorithm = { keyType: 'ec' | 'rsa'; hash: 'sha256' | 'sha384' | 'sha512' };

const SIGNATURES: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['1.2.840.10045.4.3.2', { keyType: 'ec', hash: 'sha256' }],
  ['1.2.840.10045.4.3.3', { keyType: 'ec', hash: 'sha384' }],
  ['1.2.840.10045.4.3.4', { keyType: 'ec', hash: 'sha512' }],
  ['1.2.840.113549.1.1.11', { keyType: 'rsa', hash: 'sha256' }],
  ['1.2.840.113549.1.1.12', { keyType: 'rsa', hash: 'sha384' }],
  ['1.2.840.113549.1.1.13', { keyType: 'rsa', hash: 'sha512' }],
]);

/** What the test PKI and our OCSP answers sign with. */
export const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
export const RSA_WITH_SHA256 = '1.2.840.113549.1.1.11';
const RSASSA_PSS = '1.2.840.113549.1.1.10';
const SHA2 = new Set(['2.16.840.1.101.3.4.2.1', '2.16.840.1.101.3.4.2.2', '2.16.840.1.101.3.4.2.3']);

/** True where a certificate signed this way may be believed; RSASSA-PSS names its hash in the parameters (default SHA-1). */
export function isAcceptedSignature(oid: string, parameters: unknown): boolean {
  if (oid !== RSASSA_PSS) return SIGNATURES.has(oid);
  if (!(parameters instanceof asn1js.Sequence)) return false;
  return SHA2.has(new RSASSAPSSParams({ schema: parameters }).hashAlgorithm.algorithmId);
}

/** True for key types, curves and lengths of CRT-07. */
export function isAcceptedKey(key: KeyObject): boolean {
  if (key.asymmetricKeyType === 'ec') return CURVES.has(key.asymmetricKeyDetails?.namedCurve ?? '');
  if (key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'rsa-pss') {
    return (key.asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS;
  }
  return false;
}

/** The length of an RSA key that is shorter than CRT-07 allows. */
export function weakRsaBits(key: KeyObject): number | undefined {
  if (key.asymmetricKeyType?.startsWith('rsa') !== true || isAcceptedKey(key)) return undefined;
  return key.asymmetricKeyDetails?.modulusLength ?? 0;
}

/** Verifies `signature` (ECDSA as DER, RSA PKCS#1 v1.5) over `data`; false too for an algorithm outside the list. */
export function verifySignature(o: { oid: string; key: KeyObject; data: Uint8Array; signature: Uint8Array }): boolean {
  const algorithm = SIGNATURES.get(o.oid);
  if (algorithm === undefined || algorithm.keyType !== o.key.asymmetricKeyType) return false;
  return verify(algorithm.hash, o.data, { key: o.key, dsaEncoding: 'der' }, o.signature);
}
