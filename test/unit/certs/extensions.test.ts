// The extensions one by one: written as RFC 5280 demands, read back, refused where they make no sense.
import { describe, expect, test } from 'vitest';
import { extension, readExtensions, writeExtensions } from '../../../certs/extensions.ts';
import { certCodeOf } from '../../support/test-pki.ts';

const plain = {
  ca: null,
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: [],
  dns: [],
  ip: [],
  admission: undefined,
  subjectKeyIdentifier: Uint8Array.of(1),
  authorityKeyIdentifier: Uint8Array.of(2),
};

function valueHex(oid: string, written: ReturnType<typeof writeExtensions>): string {
  const found = written.find((e) => e.extnID === oid);
  return Buffer.from(found?.extnValue.valueBlock.valueHexView ?? []).toString('hex');
}

describe('the extensions of a minted certificate', () => {
  test.each([
    [['digitalSignature'], '03020780'],
    [['keyCertSign', 'cRLSign'], '03020106'],
    [['nonRepudiation'], '03020640'],
    [['digitalSignature', 'decipherOnly'], '0303078080'],
  ])('key usage %j ends with its last bit', (keyUsage, der) => {
    expect(valueHex('2.5.29.15', writeExtensions({ ...plain, keyUsage }))).toBe(der);
  });

  test('are read as they were written', () => {
    const written = writeExtensions({
      ...plain,
      ca: { pathLength: 0 },
      keyUsage: ['keyCertSign'],
      extendedKeyUsage: ['serverAuth', 'OCSPSigning', '1.2.3.4'],
    });
    expect(readExtensions(written)).toEqual({
      isCa: true,
      pathLength: 0,
      keyUsage: new Set(['keyCertSign']),
      extendedKeyUsage: new Set(['serverAuth', 'OCSPSigning', '1.2.3.4']),
      admission: undefined,
      keyIdentifier: Uint8Array.of(1),
      authorityKeyIdentifier: Uint8Array.of(2),
      unknownCriticalExtensions: [],
    });
  });

  test('basic constraints are critical, also where they deny being a CA', () => {
    const found = writeExtensions(plain).find((e) => e.extnID === '2.5.29.19');
    expect(found?.critical).toBe(true);
    expect(valueHex('2.5.29.19', writeExtensions(plain))).toBe('3000');
  });

  test.each([
    ['a key usage', { keyUsage: ['signEverything'] }],
    ['an extended key usage', { extendedKeyUsage: ['everything'] }],
  ])('cannot name %s that does not exist', (_what, change) => {
    expect(certCodeOf(() => writeExtensions({ ...plain, ...change }))).toBe('CERT_KEY_USAGE');
  });

  test.each(['::1', '127.0.0', '127.0.0.256', 'localhost'])('cannot hold %s as an IPv4 address', (ip) => {
    expect(certCodeOf(() => writeExtensions({ ...plain, ip: [ip] }))).toBe('CERT_UNREADABLE');
  });
});

describe('extensions that are read', () => {
  test('are absent rather than empty where there are none', () => {
    expect(readExtensions([])).toMatchObject({ isCa: false, keyUsage: undefined, admission: undefined });
  });

  test('tell of a critical one that nobody understands, and only of that', () => {
    const three = [
      extension('1.2.3.4', true, Uint8Array.of(5, 0)),
      extension('1.2.3.5', false, Uint8Array.of(5, 0)),
      extension('2.5.29.32', true, Uint8Array.of(0x30, 0)),
    ];
    expect(readExtensions(three).unknownCriticalExtensions).toEqual(['1.2.3.4']);
  });

  test('are refused when one stands twice', () => {
    const one = extension('1.2.3.4', false, Uint8Array.of(5, 0));
    expect(certCodeOf(() => readExtensions([one, one]))).toBe('CERT_UNREADABLE');
  });

  test.each([
    ['an admission without contents', '1.3.36.8.3.3', '3000'],
    ['a path length without a CA', '2.5.29.19', '3003020100'],
    ['a negative path length', '2.5.29.19', '30060101ff0201ff'],
    ['basic constraints with a third member', '2.5.29.19', '30080101ff0201000500'],
    ['a key usage that is a number', '2.5.29.15', '020105'],
    ['an extended key usage that is text', '2.5.29.37', '30030c0141'],
    ['a subject key identifier that is text', '2.5.29.14', '0c0141'],
    ['a subject key identifier with a trailing byte', '2.5.29.14', '04014100'],
    ['an authority key identifier that is no SEQUENCE', '2.5.29.35', '0500'],
  ])('are refused: %s', (_what, oid, hex) => {
    const broken = extension(oid, false, new Uint8Array(Buffer.from(hex, 'hex')));
    expect(certCodeOf(() => readExtensions([broken]))).toBe('CERT_UNREADABLE');
  });
});
