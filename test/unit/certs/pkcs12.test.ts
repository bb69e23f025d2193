// PKCS#12 files of every kind that Konnektors hand out (issue 7, "Legacy files"): each opens, or says what to do.
import { createSign, createVerify } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CertError } from '../../../certs/error.ts';
import { readPkcs12 } from '../../../certs/pkcs12.ts';
import {
  asBer,
  ENCRYPTIONS,
  type Encryption,
  joined,
  KEY_KINDS,
  type KeyKind,
  opensslKnowsRc2,
  type Pkcs12Folder,
  pkcs12Folder,
} from '../../support/pkcs12-files.ts';
import { opensslInstalled } from '../../support/tls-pki.ts';

const names = <Name extends string>(of: Readonly<Record<Name, unknown>>): Name[] => Object.keys(of) as Name[];
const isRc2 = (encryption: Encryption) => encryption.startsWith('RC2');

function refusal(file: Uint8Array, password = 'geheim'): CertError {
  try {
    readPkcs12(file, password);
  } catch (thrown) {
    if (thrown instanceof CertError) return thrown;
    throw thrown;
  }
  throw new Error('the file was read');
}

describe.skipIf(!opensslInstalled)(`PKCS#12${opensslInstalled ? '' : ' [skipped: no openssl command]'}`, () => {
  let folder: Pkcs12Folder;
  beforeAll(() => {
    folder = pkcs12Folder();
    for (const kind of names(KEY_KINDS)) folder.mint(kind, kind);
    folder.mint('ca', 'brainpoolP256r1');
    folder.mint('renewed', 'P-256', { like: 'P-256', days: 400 });
  });
  afterAll(() => folder.remove());
  const made = (kind: KeyKind, words: readonly string[] = [], password?: string) =>
    folder.export(['-inkey', `${kind}.key`, '-in', `${kind}.pem`, ...words], password);

  /** Whatever was read: the key signs what the certificate verifies, and TLS takes both. */
  function proves({ key, chain, certificate }: ReturnType<typeof readPkcs12>): void {
    const signature = createSign('sha256').update('x').sign(key);
    expect(createVerify('sha256').update('x').verify(certificate.publicKey, signature)).toBe(true);
    expect(() => createSecureContext({ key, cert: chain })).not.toThrow();
  }

  const kinds = names(KEY_KINDS).flatMap((kind) => names(ENCRYPTIONS).map((encryption) => ({ kind, encryption })));
  const forms = kinds.flatMap((one) => (['DER', 'BER'] as const).map((form) => ({ ...one, form })));
  const known = forms.filter(({ encryption }) => !isRc2(encryption) || opensslKnowsRc2);

  test.each(known)('$kind by $encryption in $form opens', ({ kind, encryption, form }) => {
    const der = made(kind, ['-certfile', 'ca.pem', ...ENCRYPTIONS[encryption]]);
    const file = form === 'DER' ? der : asBer(der);
    const read = readPkcs12(file, 'geheim');
    expect(read.certificate.subject).toBe(`CN=TEST-ONLY ${kind}`);
    expect(read.chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(read.legacy).toBe(isRc2(encryption));
    proves(read);
    expect(refusal(file, 'falsch').code).toBe('PKCS12_PASSWORD');
  });
  if (!opensslKnowsRc2) test.skip('RC2-40 [skipped: this openssl makes none]', () => {});

  test('the certificate of the key is found among several, whatever their order, and comes first', () => {
    folder.write('all.pem', folder.read('ca.pem') + folder.read('RSA 3072.pem') + folder.read('P-256.pem'));
    const read = readPkcs12(folder.export(['-inkey', 'P-256.key', '-in', 'all.pem']), 'geheim');
    expect(read.certificate.subject).toBe('CN=TEST-ONLY P-256');
    expect(read.chain.startsWith(read.certificate.toString())).toBe(true);
    expect(read.chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
  });
  test('of two certificates of one key the one that lasts longer is meant, and the other is not shown', () => {
    for (const order of [
      ['P-256.pem', 'renewed.pem'],
      ['renewed.pem', 'P-256.pem'],
    ] as const) {
      const [first, second] = order;
      const read = readPkcs12(folder.export(['-inkey', 'P-256.key', '-in', first, '-certfile', second]), 'geheim');
      expect(read.certificate.subject).toBe('CN=TEST-ONLY renewed');
      expect(read.chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
    }
  });
  test.each([
    ['of other letters', 'gehäim€ß'],
    ['with a colon and blanks', 'a: b "c" '],
    ['that is empty', ''],
  ])('a password %s', (_name, password) => {
    proves(readPkcs12(made('brainpoolP256r1', [], password), password));
  });
  test('a file without a MAC opens; with a wrong password it is the password that is named', () => {
    const file = made('brainpoolP256r1', ['-nomac']);
    proves(readPkcs12(file, 'geheim'));
    expect(refusal(file, 'falsch').code).toBe('PKCS12_PASSWORD');
  });

  describe('that cannot be used says what to do', () => {
    const ways: [name: string, code: string, says: RegExp, file: () => Uint8Array][] = [
      ['no key', 'PKCS12_NO_KEY', /openssl pkcs12 -export -inkey/, () => folder.export(['-nokeys', '-in', 'ca.pem'])],
      [
        'no certificate',
        'PKCS12_NO_CERTIFICATE',
        /holds no certificate: .*openssl pkcs12 -export/,
        () => folder.export(['-nocerts', '-inkey', 'P-256.key']),
      ],
      [
        'the certificate of another key',
        'PKCS12_NO_CERTIFICATE',
        /no certificate that belongs to its key: .*openssl/,
        () =>
          joined(
            folder.export(['-nocerts', '-inkey', 'P-256.key', '-nomac']),
            folder.export(['-nokeys', '-in', 'ca.pem', '-nomac']),
          ),
      ],
      [
        'two keys',
        'PKCS12_TWO_KEYS',
        /holds 2 private keys.*openssl pkcs12 -in FILE -nodes/,
        () => joined(made('P-256', ['-nomac']), made('RSA 3072', ['-nomac'])),
      ],
      ['nothing', 'PKCS12_UNREADABLE', /openssl pkcs12 -in FILE -info/, () => new Uint8Array(0)],
      ['a PEM file', 'PKCS12_UNREADABLE', /openssl/, () => Buffer.from(folder.read('P-256.pem'))],
      ['half a file', 'PKCS12_UNREADABLE', /openssl/, () => made('P-256').subarray(0, 700)],
      ['something behind it', 'PKCS12_UNREADABLE', /openssl/, () => Buffer.concat([made('P-256'), Buffer.of(0)])],
      ['a certificate as DER', 'PKCS12_UNREADABLE', /openssl/, () => Buffer.from([0x30, 0x03, 0x02, 0x01, 0x03])],
    ];
    test.each(ways)('%s', (_name, code, says, file) => {
      const error = refusal(file());
      expect(error.code).toBe(code);
      expect(error.message).toMatch(says);
    });
    test.skipIf(!opensslKnowsRc2).each([
      ['two keys, RC2-40', 'PKCS12_TWO_KEYS'],
      ['no key, RC2-40', 'PKCS12_NO_KEY'],
      ['no certificate, RC2-40', 'PKCS12_NO_CERTIFICATE'],
    ])('%s', (name, code) => {
      const rc2 = ENCRYPTIONS['RC2-40 around everything'];
      const file = name.startsWith('two')
        ? joined(made('P-256', ['-nomac', ...rc2]), made('RSA 3072', ['-nomac', ...rc2]))
        : folder.export(
            name.startsWith('no key')
              ? ['-nokeys', '-in', 'ca.pem', ...rc2]
              : ['-nocerts', '-inkey', 'P-256.key', ...rc2],
          );
      expect(refusal(file).code).toBe(code);
    });
    test.skipIf(!opensslKnowsRc2).each(['PBE-SHA1-RC2-128', 'PBE-SHA1-RC4-128'])(
      'an encryption that nobody here reads: %s',
      (way) => {
        const error = refusal(made('P-256', ['-legacy', '-keypbe', way, '-certpbe', way]));
        expect(error.code).toBe('PKCS12_ALGORITHM');
        expect(error.message).toMatch(/openssl pkcs12 -legacy -in FILE -nodes/);
      },
    );
    test('one flipped byte anywhere is refused', () => {
      const file = made('P-256');
      for (let at = 40; at < file.length; at += Math.ceil(file.length / 60)) {
        const broken = Buffer.from(file);
        broken[at] = (broken[at] ?? 0) ^ 0x01;
        expect(refusal(broken).code, `byte ${at}`).toMatch(/^PKCS12_/);
      }
    });
    test('no message holds the password or a name of the file', () => {
      for (const [, , , file] of ways) expect(refusal(file()).message).not.toMatch(/geheim|TEST-ONLY/);
    });
  });
});
