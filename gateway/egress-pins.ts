// Pins (CRT-10) and lengths of RSA keys (CRT-07): beside the chain and the name, which OpenSSL has checked, some certificate of the chain must hold a key that the
// settings name. Judged when a connection stands, before a byte of a request leaves. A leaf, used by gateway/egress.ts only.
import { createHash, X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { weakRsaBits } from '../certs/algorithms.ts';

/** As RFC 7469 has it: Base64 of the SHA-256 of the SubjectPublicKeyInfo. */
export const pinOf = ({ publicKey }: X509Certificate): string =>
  createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');

/** Carries why a connection that stood was given up. */
export class PinMismatch extends Error {
  readonly code = 'EGRESS_PIN_MISMATCH';
}

/** Carries that the certificate of a connection that stood has a key that is too short. */
export class KeyWeak extends Error {
  readonly code = 'EGRESS_KEY_WEAK';
}

/**
 * What judges the keys of a new connection (CRT-07: an RSA key below 3000 bits proves nothing for long): that of the certificate, of
 * every authority above it and of the anchor, since whoever breaks one of them is believed; and our own, where we show one.
 */
export function keyCheck(
  anchors: string | string[],
  own: string | undefined,
): (socket: unknown) => KeyWeak | undefined {
  const roots = [anchors].flat().flatMap(certificatesOf);
  const ours = own === undefined ? undefined : certificatesOf(own)[0];
  return (socket) => {
    const leaf = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    const shown = [...(leaf === undefined ? [] : chainOf(leaf, roots)), ...(ours === undefined ? [] : [ours])];
    const weak = shown.some((certificate) => weakRsaBits(certificate.publicKey) !== undefined);
    return weak ? new KeyWeak('an RSA key of the chain, or our own, is too short') : undefined;
  };
}

/**
 * What judges a new connection: undefined where it may be used. Without pins every one may. `anchors` are the PEM certificates the
 * chain ends in, which the other side does not send.
 */
export function pinCheck(
  pins: readonly string[],
  anchors: string | string[],
): (socket: unknown) => PinMismatch | undefined {
  if (pins.length === 0) return () => undefined;
  const roots = [anchors].flat().flatMap(certificatesOf);
  return (socket) => {
    const leaf = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    const found = leaf !== undefined && chainOf(leaf, roots).some((certificate) => pins.includes(pinOf(certificate)));
    return found ? undefined : new PinMismatch('no certificate of the chain has a pinned key');
  };
}

/**
 * The leaf and who signed whom above it. What else the other side sent along proves nothing: a pinned certificate is public, and
 * anybody can lay it beside another chain.
 */
function chainOf(leaf: X509Certificate, roots: readonly X509Certificate[]): X509Certificate[] {
  const chain = [leaf];
  for (let at = leaf; chain.length < MAX_CHAIN; ) {
    const issuer = [at.issuerCertificate, ...roots].find((one) => one !== undefined && issued(one, at));
    if (issuer === undefined || issuer.fingerprint256 === at.fingerprint256) break;
    chain.push(issuer);
    at = issuer;
  }
  return chain;
}

const MAX_CHAIN = 10;

function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

const certificatesOf = (pem: string): X509Certificate[] =>
  [...pem.matchAll(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g)].map(([block]) => new X509Certificate(block));

/** Of the other side, DER; undefined without TLS. Never by getPeerCertificate (SEC-05). */
export const peerCertificate = (socket: unknown): Uint8Array | undefined =>
  socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.raw : undefined;
