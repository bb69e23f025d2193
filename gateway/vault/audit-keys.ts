// The keys of the audit trail (SEC-09), all drawn from one named key of the vault that does not rotate: Ed25519 (RFC 8032) for
// the checkpoints, HMAC for the name of a person. After a person was forgotten, that name says nothing to a holder of the
// store alone (RET-05); the gateway itself can still prove to the person that it was.
import { createHmac, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';

export type AuditKeys = {
  /** Names an insured in entries of the audit trail: 32 hexadecimal digits, apart from look-up key and log pseudonym (D6). */
  person(diga: string, kvnr: string): string;
  sign(bytes: Uint8Array): Uint8Array;
  verify(bytes: Uint8Array, signature: Uint8Array): boolean;
  /** SubjectPublicKeyInfo in PEM: with it, checkpoints can be judged without this gateway. */
  readonly publicKey: string;
};

/** PKCS#8 of an Ed25519 private key (RFC 8410) up to its 32 bytes. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** `key`: 32 random bytes. */
export function auditKeys(key: Uint8Array): AuditKeys {
  const derived = (label: string) => createHmac('sha256', key).update(`epa-gateway audit v1\0${label}`).digest();
  const personKey = derived('person');
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_HEAD, derived('checkpoints')]),
    format: 'der',
    type: 'pkcs8',
  });
  const publicKey = createPublicKey(privateKey);
  return {
    person: (diga, kvnr) => createHmac('sha256', personKey).update(`${diga}\0${kvnr}`).digest('hex').slice(0, 32),
    sign: (bytes) => sign(null, bytes, privateKey),
    verify: (bytes, signature) => verify(null, bytes, publicKey, signature),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }),
  };
}
