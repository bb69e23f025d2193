// One VAU channel of a simulated record system: the server half of M1–M4 (gemSpec_Krypt 7, A_24608 to A_24628;
// epa-record-system.md 1.2, 1.3). Written from the reference; the client half lives elsewhere and was not looked at.

import { type CborValue, cborBytes, decodeCborMap } from '../../wire/cbor.ts';
import { WireError } from '../../wire/error.ts';
import { openHandshake, sealHandshake } from '../../wire/vau-frame.ts';
import {
  cborPoint,
  checkPublicKeys,
  decapsulate,
  deriveK1,
  deriveK2,
  encapsulate,
  type K2,
  readCiphertext,
  type SharedSecret,
  transcript,
  type VauPublicKeys,
} from '../../wire/vau-keys.ts';
import { type CborForm, writeCbor } from './cbor-form.ts';
import { VauError } from './vau-errors.ts';
import type { VauServerKeys } from './vau-identity.ts';

export type Handshake = {
  keys: VauServerKeys;
  form: CborForm;
  m1: Uint8Array;
  m2: Uint8Array;
  ss_e: SharedSecret;
  K1_c2s: Uint8Array;
};

/** Reads M1. Throws VauError 1 (no CBOR), 2 (field missing or of another type), 10 (curve, point or Kyber key bad, A_24608). */
export function readM1(body: Uint8Array): VauPublicKeys {
  const m1 = readMessage(body, 'M1');
  try {
    return checkPublicKeys(m1);
  } catch (error) {
    throw missing(error) ? VauError.from(error, 2, 'vau.m1-missing') : VauError.from(error, 10, 'vau.m1-keys');
  }
}

/** A field that is not there or of another type (code 2), as against a key that fails its check (code 10). */
function missing(error: unknown): boolean {
  return error instanceof WireError && error.code.startsWith('CBOR_');
}

/** Answers M1 with M2. `signedKeys` is the plaintext of AEAD_ct; `broken` names the one thing that goes wrong in M2. */
export function writeM2(o: {
  m1: Uint8Array;
  client: VauPublicKeys;
  keys: VauServerKeys;
  signedKeys: Uint8Array;
  form: CborForm;
  broken?: string | undefined;
}): Handshake {
  const { ct, ss } = encapsulate(o.client, o.broken === 'ml-kem' ? 'ml-kem-768' : 'kyber768-round3');
  const { K1_c2s, K1_s2c } = deriveK1(ss);
  const point = { ...cborPoint(ct.ECDH_ct) };
  if (o.broken === 'curve') {
    const y = Uint8Array.from(ct.ECDH_ct.y);
    y[31] = (y[31] ?? 0) ^ 1;
    point.y = y;
  }
  const sealed = sealHandshake(K1_s2c, o.signedKeys);
  if (o.broken === 'aead') sealed[sealed.length - 1] = (sealed[sealed.length - 1] ?? 0) ^ 1;
  const message = { MessageType: 'M2', ECDH_ct: point, Kyber768_ct: ct.Kyber768_ct, AEAD_ct: sealed };
  const m2 = writeCbor(o.form, message);
  return { keys: o.keys, form: o.form, m1: o.m1, m2, ss_e: ss, K1_c2s };
}

/**
 * Reads M3, answers M4 and the keys of the open channel. Throws VauError 1, 2, 3 (AEAD: also the sign of another KEM),
 * 5 (transcript), 10 (ciphertext's point). `broken`: 'm4' seals another hash, 'm4-key' seals under a foreign key, 'other-vau'
 * answers although it cannot open what was encrypted to another's keys.
 */
export function answerM3(handshake: Handshake, m3: Uint8Array, broken?: string): { m4: Uint8Array; k2: K2 } {
  const message = readMessage(m3, 'M3');
  const sealed = bytesOf(message, 'AEAD_ct', 'vau.m3-missing');
  const confirmation = bytesOf(message, 'AEAD_ct_key_confirmation', 'vau.m3-missing');
  const inner = decode(open(handshake.K1_c2s, sealed, 'vau.m3-aead'), 'vau.m3-inner');
  for (const name of ['ERP', 'ESO']) {
    if (typeof inner[name] !== 'boolean') throw new VauError(2, 'vau.m3-missing');
  }
  const k2 = deriveK2(handshake.ss_e, serverSecret(handshake, inner));
  if (broken !== 'other-vau') {
    const hash = open(k2.K2_c2s_key_confirmation, confirmation, 'vau.m3-confirmation');
    if (Buffer.compare(hash, transcript(handshake.m1, handshake.m2, sealed)) !== 0)
      throw new VauError(5, 'vau.m3-transcript');
  }
  const whole = broken === 'm4' ? transcript(handshake.m1, handshake.m2) : transcript(handshake.m1, handshake.m2, m3);
  const key = broken === 'm4-key' ? k2.K2_c2s_key_confirmation : k2.K2_s2c_key_confirmation;
  const sealedHash = sealHandshake(key, whole);
  return { m4: writeCbor(handshake.form, { MessageType: 'M4', AEAD_ct_key_confirmation: sealedHash }), k2 };
}

function serverSecret(handshake: Handshake, inner: Record<string, CborValue>): SharedSecret {
  try {
    return decapsulate(handshake.keys.pair, readCiphertext(inner));
  } catch (error) {
    throw missing(error) ? VauError.from(error, 2, 'vau.m3-missing') : VauError.from(error, 10, 'vau.m3-keys');
  }
}

function readMessage(body: Uint8Array, type: string): Record<string, CborValue> {
  const message = decode(body, 'vau.cbor');
  if (message.MessageType !== type) throw new VauError(2, 'vau.message-type');
  return message;
}

function decode(body: Uint8Array, rule: string): Record<string, CborValue> {
  try {
    return decodeCborMap(body);
  } catch (error) {
    throw VauError.from(error, 1, rule);
  }
}

function bytesOf(message: Record<string, CborValue>, name: string, rule: string): Uint8Array {
  try {
    return cborBytes(message, name);
  } catch (error) {
    throw VauError.from(error, 2, rule);
  }
}

function open(key: Uint8Array, sealed: Uint8Array, rule: string): Uint8Array {
  try {
    return openHandshake(key, sealed);
  } catch (error) {
    throw VauError.from(error, 3, rule);
  }
}
