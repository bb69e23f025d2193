// Sealed content: what was sealed opens, and everything changed, cut, swapped or moved is refused (D8).
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import {
  CHUNK_BYTES,
  openContent,
  openSealer,
  openValue,
  sealContent,
  sealValue,
} from '../../../../gateway/vault/seal.ts';

const key = randomBytes(32);
const open = async (chunks: (Uint8Array | undefined)[], name = 'export-1/', with_ = key) => {
  const parts: Uint8Array[] = [];
  for await (const part of openContent(with_, name, async (n) => chunks[n])) parts.push(part);
  return Buffer.concat(parts);
};
const code = async (work: () => Promise<unknown>) => {
  try {
    await work();
    return 'opened';
  } catch (thrown) {
    return thrown instanceof GatewayError ? thrown.code : String(thrown);
  }
};

test.each([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])(
  '%i bytes open as sealed',
  async (n) => {
    const content = randomBytes(n);
    const chunks = sealContent(key, 'export-1/', content);
    expect(chunks).toHaveLength(Math.max(1, Math.ceil(n / CHUNK_BYTES)));
    expect((await open(chunks)).equals(content)).toBe(true);
  },
);

test.each([1, 1000, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES])(
  'content that comes in pieces of %i bytes opens as one, and its chunks are full',
  async (size) => {
    const content = randomBytes(size === 1 ? 5000 : 3 * CHUNK_BYTES + 7);
    const sealer = openSealer(key, 'export-1/');
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < content.length; at += size) chunks.push(...sealer.write(content.subarray(at, at + size)));
    chunks.push(sealer.end());
    expect(chunks).toHaveLength(Math.ceil(content.length / CHUNK_BYTES));
    expect((await open(chunks)).equals(content)).toBe(true);
  },
);

test('the same content never seals to the same bytes', () => {
  const content = Buffer.from('same');
  expect(sealContent(key, 'a', content)[0]).not.toEqual(sealContent(key, 'a', content)[0]);
});

describe('refused:', () => {
  const content = randomBytes(3 * CHUNK_BYTES - 5);
  const sealed = () => sealContent(key, 'export-1/', content);
  const flipped = (chunk: Uint8Array | undefined, at: number) => {
    const copy = Uint8Array.from(chunk ?? []);
    copy[at < 0 ? copy.length + at : at] = (copy[at < 0 ? copy.length + at : at] ?? 0) ^ 1;
    return copy;
  };
  test.each<[string, (c: Uint8Array[]) => (Uint8Array | undefined)[]]>([
    ['a flipped byte of the content', ([a, b, c]) => [a, flipped(b, 100), c]],
    ['a flipped nonce', ([a, b, c]) => [a, flipped(b, 3), c]],
    ['a flipped tag', ([a, b, c]) => [a, b, flipped(c, -1)]],
    ['another version', ([a, b, c]) => [flipped(a, 0), b, c]],
    ['two chunks swapped', ([a, b, c]) => [b, a, c]],
    ['the first missing', ([, b, c]) => [b, c]],
    ['the middle missing', ([a, , c]) => [a, c]],
    ['the last missing', ([a, b]) => [a, b]],
    ['one twice', ([a, b, c]) => [a, b, b, c]],
    ['one more at the end', ([a, b, c]) => [a, b, c, c]],
    ['none', () => []],
    ['an empty chunk', ([a, , c]) => [a, new Uint8Array(), c]],
    ['a chunk of another document', ([a, , c]) => [a, sealContent(key, 'export-2/', content)[1], c]],
  ])('%s', async (_name, change) => {
    expect(await code(() => open(change(sealed())))).toBe('STORE_BROKEN');
  });
  test('another name or key', async () => {
    expect(await code(() => open(sealed(), 'export-2/'))).toBe('STORE_BROKEN');
    expect(await code(() => open(sealed(), 'export-1/', randomBytes(32)))).toBe('STORE_BROKEN');
  });
  test('a value under another name', async () => {
    const value = sealValue(key, 'insured/a', 'X110411675');
    expect(openValue(key, 'insured/a', value)).toBe('X110411675');
    expect(await code(async () => openValue(key, 'insured/b', value))).toBe('STORE_BROKEN');
  });
});
