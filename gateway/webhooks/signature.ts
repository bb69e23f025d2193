// Signs a message as Standard Webhooks 1.0.0 has it ("Signature scheme", symmetric): HMAC-SHA256 over id, time and body; during
// a rotation once per secret, so that a receiver that knows either accepts it. A leaf.
import { createHmac } from 'node:crypto';

const SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;

/** The key in the text of a secret (`whsec_` and Base64 of 24 to 64 bytes), or undefined. */
export function readSecret(text: string): Uint8Array | undefined {
  const base64 = SECRET.exec(text.trim())?.[1];
  if (base64 === undefined) return undefined;
  const key = Buffer.from(base64, 'base64');
  return key.length >= 24 && key.length <= 64 ? key : undefined;
}

/** The three headers of a message. `atMs`: of this try; a receiver refuses what is older than some minutes. */
export function signedHeaders(o: {
  id: string;
  atMs: number;
  body: string;
  secrets: readonly Uint8Array[];
}): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const timestamp = String(Math.floor(o.atMs / 1000));
  const signed = `${o.id}.${timestamp}.${o.body}`;
  const signatures = o.secrets.map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  return { 'webhook-id': o.id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
