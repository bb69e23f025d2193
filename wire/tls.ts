// The TLS profile of every connection (SEC-02, SEC-04) and the guard against the brainpool crash of Node 24 to 26
// (SEC-05; stack.md section 2). First import of every program entry: importing it installs the guard, the one import
// side effect the house allows. Certificates of the TI lie on brainpoolP256r1 (gemSpec_Krypt).
import { constants, X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { WireError } from './error.ts';

const guarded = Symbol.for('diga-epa-gateway.brainpool-guard');

/** What Node's legacy certificate object offers of a certificate and the guard still gives; `{}` when the peer sent none. */
export type PeerCertificateFields = {
  subject: Record<string, string | string[]>;
  issuer: Record<string, string | string[]>;
  subjectaltname: string | undefined;
  valid_from: string;
  valid_to: string;
  fingerprint256: string;
  serialNumber: string;
  raw: Buffer;
};

/**
 * Replaces the three functions that end the process by SIGSEGV when they meet a key on a curve without a NIST name:
 * `TLSSocket#getPeerCertificate` (called by `tls.connect` itself for the host-name check), `TLSSocket#getCertificate`
 * and `X509Certificate#toLegacyObject`. Host-name checks go on working on the replacement. Idempotent.
 */
export function installBrainpoolGuard(): void {
  const socket = tls.TLSSocket.prototype;
  if (Object.hasOwn(socket.getPeerCertificate, guarded)) return;
  replace(socket, 'getPeerCertificate', function (this: tls.TLSSocket): PeerCertificateFields | object {
    const certificate = this.getPeerX509Certificate();
    return certificate === undefined ? {} : legacyFields(certificate);
  });
  replace(socket, 'getCertificate', function (this: tls.TLSSocket): PeerCertificateFields | object {
    const certificate = this.getX509Certificate();
    return certificate === undefined ? {} : legacyFields(certificate);
  });
  replace(X509Certificate.prototype, 'toLegacyObject', function (this: X509Certificate): PeerCertificateFields {
    return legacyFields(this);
  });
}

function replace(prototype: object, name: string, value: (...none: never[]) => object): void {
  Object.defineProperty(value, guarded, { value: true });
  Object.defineProperty(prototype, name, { value, writable: true, configurable: true, enumerable: true });
}

function legacyFields(certificate: X509Certificate): PeerCertificateFields {
  return {
    subject: nameFields(certificate.subject),
    issuer: nameFields(certificate.issuer),
    subjectaltname: certificate.subjectAltName,
    valid_from: certificate.validFrom,
    valid_to: certificate.validTo,
    fingerprint256: certificate.fingerprint256,
    serialNumber: certificate.serialNumber,
    raw: certificate.raw,
  };
}

/**
 * `CN=a\nO=b` as Node prints a name, as `{ CN: 'a', O: 'b' }`. Node escapes by RFC 2253 (`\+`, `\0A`), so neither a line
 * end nor ` + ` inside a value can be mistaken for a separator; a repeated attribute becomes an array.
 */
function nameFields(name: string | undefined): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = Object.create(null);
  for (const part of (name ?? '').split(/\n| \+ /)) {
    const equals = part.indexOf('=');
    if (equals < 1) continue;
    const key = part.slice(0, equals);
    const value = unescapeName(part.slice(equals + 1));
    const before = fields[key];
    fields[key] = before === undefined ? value : [before, value].flat();
  }
  return fields;
}

function unescapeName(value: string): string {
  return value.replace(/\\(?:([0-9A-F]{2})|(.))/g, (_whole, hex: string | undefined, char: string | undefined) =>
    hex === undefined ? (char ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** SEC-02: TLS 1.3 preferred, 1.2 only with ECDHE and AES-GCM; no CBC, no RSA key exchange, no renegotiation, no compression. */
export const tlsProfile: {
  minVersion: tls.SecureVersion;
  maxVersion: tls.SecureVersion;
  ciphers: string;
  ecdhCurve: string;
  secureOptions: number;
} = Object.freeze({
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: [
    'TLS_AES_256_GCM_SHA384',
    'TLS_AES_128_GCM_SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES128-GCM-SHA256',
  ].join(':'),
  // SEC-04: TLS 1.2 needs the certificate's curve named on both sides (else "no shared cipher", "wrong curve").
  ecdhCurve: 'prime256v1:secp384r1:brainpoolP256r1:brainpoolP384r1',
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
});

/**
 * Options of a client connection: the profile, the chain checked against exactly these anchors, the name always checked
 * (SEC-03). `servername` sets SNI and the name to check where the peer is reached by IP (a Konnektor: konnektor.konlan).
 * WireError TLS_NO_ANCHOR: no CA given, with which Node would trust its own list of public CAs.
 */
export function clientTlsOptions(o: {
  ca: string | string[];
  cert?: string;
  key?: string;
  servername?: string;
}): tls.ConnectionOptions {
  requireAnchor(o.ca);
  return {
    ...tlsProfile,
    ca: o.ca,
    rejectUnauthorized: true,
    ...(o.cert === undefined ? {} : { cert: o.cert }),
    ...(o.key === undefined ? {} : { key: o.key }),
    ...(o.servername === undefined ? {} : { servername: o.servername }),
  };
}

/**
 * Options of a server: the profile, one certificate or several with keys of different types (OpenSSL shows each client one it
 * knows, in this order of types: ECDSA, RSA); with `clientCa` every client must show a certificate of that CA
 * (mutual TLS).
 */
export function serverTlsOptions(o: {
  cert: string | string[];
  key: string | string[];
  clientCa?: string | string[];
  /** A client may show any certificate: it proves the key, and whether the certificate is known is judged by the caller. */
  askForCertificate?: boolean;
}): tls.TlsOptions {
  const options: tls.TlsOptions = { ...tlsProfile, honorCipherOrder: true, cert: o.cert, key: o.key };
  if (o.clientCa === undefined && o.askForCertificate === true)
    return { ...options, requestCert: true, rejectUnauthorized: false };
  if (o.clientCa === undefined) return options;
  requireAnchor(o.clientCa);
  return { ...options, ca: o.clientCa, requestCert: true, rejectUnauthorized: true };
}

function requireAnchor(ca: string | string[]): void {
  if (!/-----BEGIN (?:TRUSTED )?CERTIFICATE-----/.test([ca].flat().join('\n'))) {
    throw new WireError('TLS_NO_ANCHOR', 'no CA certificate given to check the peer against');
  }
}

installBrainpoolGuard();
