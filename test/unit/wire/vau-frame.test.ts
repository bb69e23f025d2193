// Handshake AEAD and data frames. Judges: the recorded handshake and its six frames, opened and sealed again to the same bytes.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cborBytes, cborUint, decodeCborMap } from '../../../wire/cbor.ts';
import {
  decodeFrameHeader,
  encodeFrameHeader,
  FRAME_OVERHEAD,
  type FrameHeader,
  frameIv,
  openFrame,
  openHandshake,
  sealFrame,
  sealHandshake,
} from '../../../wire/vau-frame.ts';
import { checkPublicKeys, readCiphertext, transcript } from '../../../wire/vau-keys.ts';
import { describeWithSchemas } from '../../support/schemas.ts';
import { codeOf, flipped } from '../../support/wire-error.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const key = new Uint8Array(32).fill(5);
const keyId = new Uint8Array(32).map((_, i) => i);
const iv = frameIv(1n, hex('aabbccdd'));
const header: FrameHeader = { pu: false, kind: 'request', counter: 1n, keyId };

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Uint8Array.from(Buffer.concat(chunks));
}

describe('the handshake AEAD', () => {
  test('is IV, ciphertext and tag', () => {
    const sealed = sealHandshake(key, hex('010203'), iv);
    expect(sealed).toHaveLength(12 + 3 + 16);
    expect(text(sealed.subarray(0, 12))).toBe(text(iv));
    expect(text(openHandshake(key, sealed))).toBe('010203');
  });

  test('takes a fresh IV each time', () => {
    expect(text(sealHandshake(key, hex('01')))).not.toBe(text(sealHandshake(key, hex('01'))));
  });

  test('does not open with another key, any byte changed, or too few bytes', () => {
    const sealed = sealHandshake(key, hex('010203'));
    expect(codeOf(() => openHandshake(flipped(key, 31), sealed))).toBe('VAU_AEAD');
    for (let at = 0; at < sealed.length; at++)
      expect(codeOf(() => openHandshake(key, flipped(sealed, at)))).toBe('VAU_AEAD');
    for (let end = 0; end < sealed.length; end++) {
      expect(codeOf(() => openHandshake(key, sealed.subarray(0, end)))).toBe('VAU_AEAD');
    }
  });
});

describe('a frame header', () => {
  test('is version, PU, direction, counter and KeyID in 43 bytes', () => {
    expect(text(encodeFrameHeader(header))).toBe(`0200010000000000000001${text(keyId)}`);
    const other: FrameHeader = { pu: true, kind: 'response', counter: 0x0102030405060708n, keyId };
    expect(text(encodeFrameHeader(other))).toBe(`0201020102030405060708${text(keyId)}`);
  });

  test('is read as it was written, for all values', () => {
    const headers = fc.record({
      pu: fc.boolean(),
      kind: fc.constantFrom('request' as const, 'response' as const),
      counter: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      keyId: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    });
    fc.assert(
      fc.property(headers, (one) => {
        expect(decodeFrameHeader(Buffer.concat([encodeFrameHeader(one), new Uint8Array(29)]))).toEqual(one);
      }),
    );
  });

  const frame = Uint8Array.from(Buffer.concat([encodeFrameHeader(header), new Uint8Array(29)]));
  test.each([
    [0, 0x01, 'VAU_FRAME_VERSION'],
    [0, 0x03, 'VAU_FRAME_VERSION'],
    [1, 0x02, 'VAU_FRAME_PU'],
    [1, 0xff, 'VAU_FRAME_PU'],
    [2, 0x00, 'VAU_FRAME_TYPE'],
    [2, 0x03, 'VAU_FRAME_TYPE'],
  ])('with byte %i set to %i is refused with %s', (at, value, code) => {
    expect(codeOf(() => decodeFrameHeader(frame.with(at, value)))).toBe(code);
    expect(codeOf(() => openFrame({ key, frame: frame.with(at, value) }))).toBe(code);
  });

  test.each([0, 42, 43, 55, 71])('of a frame of %i bytes is refused', (length) => {
    expect(codeOf(() => decodeFrameHeader(frame.subarray(0, length)))).toBe('VAU_FRAME_LENGTH');
    expect(codeOf(() => openFrame({ key, frame: frame.subarray(0, length) }))).toBe('VAU_FRAME_LENGTH');
  });

  test('is not written with an impossible counter or KeyID', () => {
    expect(codeOf(() => encodeFrameHeader({ ...header, counter: 2n ** 64n }))).toBe('VAU_FRAME_COUNTER');
    expect(codeOf(() => encodeFrameHeader({ ...header, counter: -1n }))).toBe('VAU_FRAME_COUNTER');
    for (const length of [31, 33]) {
      expect(codeOf(() => encodeFrameHeader({ ...header, keyId: new Uint8Array(length) }))).toBe('VAU_FRAME_LENGTH');
    }
  });

  test('has an IV of four random bytes and the big endian counter', () => {
    expect(text(frameIv(0x0102n, hex('aabbccdd')))).toBe('aabbccdd0000000000000102');
    expect(codeOf(() => frameIv(1n, new Uint8Array(3)))).toBe('VAU_FRAME_LENGTH');
  });
});

describe('a frame', () => {
  test('sealed from a stream in any cut is the same as sealed whole, 71 bytes longer than its content', async () => {
    const content = randomBytes(1000);
    const whole = await collect(sealFrame({ header, key, iv, plaintext: content }));
    expect(whole).toHaveLength(1000 + FRAME_OVERHEAD);
    for (const size of [1, 7, 16, 999, 1000]) {
      async function* pieces() {
        yield new Uint8Array();
        for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
      }
      expect(await collect(sealFrame({ header, key, iv, plaintext: pieces() }))).toEqual(whole);
    }
    const opened = openFrame({ key, frame: whole });
    expect(opened.header).toEqual(header);
    expect(text(opened.plaintext)).toBe(text(content));
  });

  test('leaves piece by piece: nothing of the source is asked for before what came is taken', async () => {
    const asked: number[] = [];
    async function* source() {
      for (let i = 0; i < 3; i++) {
        asked.push(i);
        yield new Uint8Array(10).fill(i);
      }
    }
    const pieces = sealFrame({ header, key, iv, plaintext: source() });
    expect((await pieces.next()).value).toHaveLength(43 + 12);
    expect(asked).toEqual([]);
    expect((await pieces.next()).value).toHaveLength(10);
    expect(asked).toEqual([0]);
    expect((await pieces.next()).value).toHaveLength(10);
    expect(asked).toEqual([0, 1]);
    await pieces.return(undefined);
    expect(asked).toEqual([0, 1]);
  });

  test('ends without its tag when the source throws (D8)', async () => {
    async function* torn() {
      yield new Uint8Array(10);
      throw new Error('the stored chunk is damaged');
    }
    const pieces: Uint8Array[] = [];
    const sealing = (async () => {
      for await (const piece of sealFrame({ header, key, iv, plaintext: torn() })) pieces.push(piece);
    })();
    await expect(sealing).rejects.toThrow('the stored chunk is damaged');
    const sent = Buffer.concat(pieces);
    expect(sent).toHaveLength(43 + 12 + 10);
    expect(codeOf(() => openFrame({ key, frame: sent }))).toBe('VAU_FRAME_LENGTH');
  });

  test('torn after more than a tag of content does not open either', async () => {
    async function* torn() {
      yield new Uint8Array(100);
      throw new Error('torn');
    }
    const pieces: Uint8Array[] = [];
    const sealing = (async () => {
      for await (const piece of sealFrame({ header, key, iv, plaintext: torn() })) pieces.push(piece);
    })();
    await expect(sealing).rejects.toThrow('torn');
    expect(codeOf(() => openFrame({ key, frame: Buffer.concat(pieces) }))).toBe('VAU_AEAD');
  });

  test('does not open with any byte changed, another key, or bytes missing or added', async () => {
    const frame = await collect(sealFrame({ header, key, iv, plaintext: hex('0102030405') }));
    expect(codeOf(() => openFrame({ key: flipped(key, 0), frame }))).toBe('VAU_AEAD');
    const byHeader = ['VAU_FRAME_VERSION', 'VAU_AEAD', 'VAU_FRAME_TYPE'];
    for (let at = 0; at < frame.length; at++) {
      expect(codeOf(() => openFrame({ key, frame: flipped(frame, at) }))).toBe(byHeader[at] ?? 'VAU_AEAD');
    }
    expect(codeOf(() => openFrame({ key, frame: frame.subarray(0, -1) }))).toBe('VAU_AEAD');
    expect(codeOf(() => openFrame({ key, frame: Buffer.concat([frame, Buffer.of(0)]) }))).toBe('VAU_AEAD');
  });

  test('is not sealed with an IV of another length', async () => {
    const sealing = collect(sealFrame({ header, key, iv: iv.subarray(1), plaintext: hex('01') }));
    await expect(sealing).rejects.toMatchObject({ code: 'VAU_FRAME_LENGTH' });
  });
});

describeWithSchemas('the recorded handshake', (dir) => {
  const recorded = () =>
    JSON.parse(readFileSync(`${dir}/schemas/epa/vau-test-vectors/recorded-handshake-nonpu.json`, 'utf8'));
  const message = (name: string): Uint8Array => hex(recorded().handshakeHex[name]);
  const recordedKey = (name: string): Uint8Array => Uint8Array.from(Buffer.from(recorded().keysBase64[name], 'base64'));
  const aead = (name: string, member: string): Uint8Array => cborBytes(decodeCborMap(message(name)), member);
  /** Opens with the key, fails with VAU_AEAD when a byte of it is changed, and seals again to the same bytes. */
  const openBothWays = (keyName: string, sealed: Uint8Array): Uint8Array => {
    for (const at of [0, 12, -1]) {
      expect(codeOf(() => openHandshake(recordedKey(keyName), flipped(sealed, at)))).toBe('VAU_AEAD');
    }
    const plaintext = openHandshake(recordedKey(keyName), sealed);
    expect(text(sealHandshake(recordedKey(keyName), plaintext, sealed.subarray(0, 12)))).toBe(text(sealed));
    return plaintext;
  };

  test('has the signed server keys in M2, under K1_s2c', () => {
    const plaintext = openBothWays('K1_s2c', aead('M2', 'AEAD_ct'));
    expect(text(plaintext)).toBe(recorded().decryptedHex.signedPublicVauKeys);
    const signed = decodeCborMap(plaintext);
    expect(cborBytes(signed, 'cert_hash', 32)).toHaveLength(32);
    expect(cborUint(signed, 'cdv')).toBeGreaterThanOrEqual(1);
    const keys = decodeCborMap(cborBytes(signed, 'signed_pub_keys'));
    expect(checkPublicKeys(keys).Kyber768_PK).toHaveLength(1184);
    expect(cborUint(keys, 'exp')).toBeGreaterThan(cborUint(keys, 'iat'));
  });

  test("has the client's ciphertext in M3, under K1_c2s", () => {
    const plaintext = openBothWays('K1_c2s', aead('M3', 'AEAD_ct'));
    expect(text(plaintext)).toBe(recorded().decryptedHex.m3InnerLayer);
    expect(readCiphertext(decodeCborMap(plaintext)).Kyber768_ct).toHaveLength(1088);
  });

  test('carries keys and ciphertexts that pass our checks in M1 and M2', () => {
    expect(codeOf(() => checkPublicKeys(decodeCborMap(message('M1'))))).toBe('nothing thrown');
    expect(codeOf(() => readCiphertext(decodeCborMap(message('M2'))))).toBe('nothing thrown');
  });

  test('confirms the transcripts in M3 and M4', () => {
    const m3 = openBothWays('K2_c2s_key_confirmation', aead('M3', 'AEAD_ct_key_confirmation'));
    expect(text(m3)).toBe(text(transcript(message('M1'), message('M2'), aead('M3', 'AEAD_ct'))));
    const m4 = openBothWays('K2_s2c_key_confirmation', aead('M4', 'AEAD_ct_key_confirmation'));
    expect(text(m4)).toBe(text(transcript(message('M1'), message('M2'), message('M3'))));
  });

  test('confirms no transcript with a byte of a message changed', () => {
    const m4 = openHandshake(recordedKey('K2_s2c_key_confirmation'), aead('M4', 'AEAD_ct_key_confirmation'));
    const [m1, m2, m3] = [message('M1'), message('M2'), message('M3')];
    expect(text(transcript(flipped(m1, 700), m2, m3))).not.toBe(text(m4));
    expect(text(transcript(m1, flipped(m2, 700), m3))).not.toBe(text(m4));
    expect(text(transcript(m1, m2, flipped(m3, 700)))).not.toBe(text(m4));
    expect(text(transcript(m2, m1, m3))).not.toBe(text(m4));
  });

  test('is followed by six frames that open to their plaintext and seal again to the same bytes', async () => {
    const frames: { direction: 'request' | 'response'; ciphertextHex: string; plaintextUtf8: string }[] =
      recorded().applicationData;
    expect(frames).toHaveLength(6);
    for (const [i, one] of frames.entries()) {
      const frame = hex(one.ciphertextHex);
      const dataKey = recordedKey(one.direction === 'request' ? 'K2_c2s_app_data' : 'K2_s2c_app_data');
      const opened = openFrame({ key: dataKey, frame });
      expect(Buffer.from(opened.plaintext).toString()).toBe(one.plaintextUtf8);
      expect(opened.header).toMatchObject({ pu: false, kind: one.direction, counter: BigInt(1 + (i >> 1)) });
      const again = sealFrame({ ...opened, key: dataKey, iv: frame.subarray(43, 55) });
      expect(text(await collect(again))).toBe(one.ciphertextHex);
    }
  });

  test('has no frame that opens with a byte changed or with the key of the other direction', () => {
    for (const one of recorded().applicationData) {
      const frame = hex(one.ciphertextHex);
      const [right, wrong] = [recordedKey('K2_c2s_app_data'), recordedKey('K2_s2c_app_data')];
      const [dataKey, otherKey] = one.direction === 'request' ? [right, wrong] : [wrong, right];
      expect(codeOf(() => openFrame({ key: otherKey, frame }))).toBe('VAU_AEAD');
      expect(codeOf(() => openFrame({ key: dataKey, frame: flipped(frame, 0) }))).toBe('VAU_FRAME_VERSION');
      for (const at of [1, 10, 11, 42, 43, 54, 55, -17, -1]) {
        expect(codeOf(() => openFrame({ key: dataKey, frame: flipped(frame, at) }))).toBe('VAU_AEAD');
      }
    }
  });
});
