// The signature of a webhook, judged by the library of Standard Webhooks: what it accepts, and what it must not.
import { describe, expect, test } from 'vitest';
import { readSecret, signedHeaders } from '../../../../gateway/webhooks/signature.ts';
import { OTHER_SECRET, SECRET, verified } from '../../../support/webhook-bench.ts';

const NOW = Date.parse('2026-11-25T11:00:00Z');
const text = '{"id":"m1","greeting":"ü€"}';
const keyOf = (secret: string) => readSecret(secret) ?? new Uint8Array();
const signed = (...secrets: string[]) => ({
  text,
  headers: { ...signedHeaders({ id: 'm1', atMs: NOW, body: text, secrets: secrets.map(keyOf) }) },
});

describe('a signed message', () => {
  test('is accepted by the library, with its body', () => {
    expect(verified(signed(SECRET), SECRET, NOW)).toEqual({ id: 'm1', greeting: 'ü€' });
  });
  test('is accepted with either secret during a rotation, the newest first', () => {
    const message = signed(SECRET, OTHER_SECRET);
    expect(verified(message, SECRET, NOW)).toBeDefined();
    expect(verified(message, OTHER_SECRET, NOW)).toBeDefined();
    const [first] = message.headers['webhook-signature'].split(' ');
    expect(first).toBe(signed(SECRET).headers['webhook-signature']);
  });
  test.each<[string, (m: ReturnType<typeof signed>) => void]>([
    ['another body', (m) => (m.text = m.text.replace('ü', 'u'))],
    ['another id', (m) => (m.headers['webhook-id'] = 'm2')],
    ['another time', (m) => (m.headers['webhook-timestamp'] = String(NOW / 1000 + 1))],
    ['no signature', (m) => (m.headers['webhook-signature'] = '')],
  ])('is refused with %s', (_name, change) => {
    const message = signed(SECRET);
    change(message);
    expect(() => verified(message, SECRET, NOW)).toThrow();
  });
  test('is refused with another secret, and once it is old', () => {
    expect(() => verified(signed(SECRET), OTHER_SECRET, NOW)).toThrow(/signature/);
    expect(() => verified(signed(SECRET), SECRET, NOW + 600_000)).toThrow(/old/);
  });
});

describe('a secret', () => {
  const ofBytes = (n: number) => `whsec_${Buffer.alloc(n, 1).toString('base64')}`;
  test.each([24, 25, 26, 32, 64])('of %i bytes is read whole, a line end after it or not', (n) => {
    expect(readSecret(ofBytes(n))).toHaveLength(n);
    expect(readSecret(`${ofBytes(n)}\n`)).toHaveLength(n);
  });
  test.each([
    ['nothing', ''],
    ['no prefix', ofBytes(32).slice(6)],
    ['another prefix', ofBytes(32).replace('whsec_', 'whpk_')],
    ['too short', ofBytes(23)],
    ['too long', ofBytes(65)],
    ['no Base64', `${ofBytes(32)}!`],
    ['Base64url', `whsec_${Buffer.alloc(33, 0xff).toString('base64url')}`],
    ['without its padding', ofBytes(32).replace(/=+$/, '')],
    ['two lines', `${ofBytes(32)}\n${ofBytes(32)}`],
  ])('is refused: %s', (_name, secret) => expect(readSecret(secret)).toBeUndefined());
});
