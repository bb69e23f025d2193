// PKCS#12 files of every kind, made by the openssl command in a folder of their own, and rewritten into forms it does not make
// itself: BER with indefinite lengths, two keys in one file.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as asn1js from 'asn1js';

/** Key kinds by the words openssl makes them with. */
export const KEY_KINDS = {
  brainpoolP256r1: ['ecparam', '-name', 'brainpoolP256r1', '-genkey', '-noout'],
  brainpoolP384r1: ['ecparam', '-name', 'brainpoolP384r1', '-genkey', '-noout'],
  'P-256': ['ecparam', '-name', 'prime256v1', '-genkey', '-noout'],
  'P-384': ['ecparam', '-name', 'secp384r1', '-genkey', '-noout'],
  'RSA 3072': ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072'],
  'RSA 2048': ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
} as const;
export type KeyKind = keyof typeof KEY_KINDS;

/** Ways to encrypt a file, by the words of `openssl pkcs12 -export`. */
export const ENCRYPTIONS = {
  'AES-256': [],
  'AES-128': ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-128-CBC'],
  '3DES': ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'],
  'RC2-40 around the certificates': ['-legacy'],
  'RC2-40 around everything': ['-legacy', '-keypbe', 'PBE-SHA1-RC2-40', '-certpbe', 'PBE-SHA1-RC2-40'],
} as const;
export type Encryption = keyof typeof ENCRYPTIONS;

export type Pkcs12Folder = {
  /** Writes NAME.key and NAME.pem, self-signed; `days` and `like` (the key of another) for a renewed certificate. */
  mint: (name: string, kind: KeyKind, o?: { days?: number; like?: string }) => void;
  /** `openssl pkcs12 -export` with these words; the password is `geheim` unless said. */
  export: (words: readonly string[], password?: string) => Buffer;
  read: (name: string) => string;
  write: (name: string, content: string) => void;
  remove: () => void;
};

/** Whether the openssl command here still knows RC2-40. */
export const opensslKnowsRc2 = spawnSync('openssl', ['list', '-providers', '-provider', 'legacy']).status === 0;

export function pkcs12Folder(): Pkcs12Folder {
  const folder = mkdtempSync(join(tmpdir(), 'pkcs12-'));
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' });
  return {
    mint: (name, kind, { days = 30, like } = {}) => {
      if (like === undefined) openssl(...KEY_KINDS[kind], '-out', `${name}.key`);
      else writeFileSync(join(folder, `${name}.key`), readFileSync(join(folder, `${like}.key`)));
      const words = ['-subj', `/CN=TEST-ONLY ${name}`, '-days', String(days), '-out', `${name}.pem`];
      openssl('req', '-x509', '-new', '-key', `${name}.key`, ...words);
    },
    export: (words, password = 'geheim') => {
      openssl('pkcs12', '-export', ...words, '-passout', `pass:${password}`, '-out', 'made.p12');
      return readFileSync(join(folder, 'made.p12'));
    },
    read: (name) => readFileSync(join(folder, name), 'utf8'),
    write: (name, content) => writeFileSync(join(folder, name), content),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** The same file in BER: every constructed value with an indefinite length, the outer content in pieces of 100 octets. */
export function asBer(der: Uint8Array): Buffer {
  const [tag = 0] = der;
  const { content, rest } = splitDer(der);
  let made: Buffer;
  if ((tag & 0x20) !== 0) {
    const inner: Buffer[] = [];
    for (let at = content; at.length > 0; ) {
      const next = splitDer(at);
      inner.push(asBer(at.subarray(0, at.length - next.rest.length)));
      at = next.rest;
    }
    made = Buffer.concat([Buffer.of(tag, 0x80), ...inner, Buffer.of(0, 0)]);
  } else if (tag === 0x04 && content.length > 100) {
    const pieces: Buffer[] = [];
    for (let from = 0; from < content.length; from += 100) {
      const piece = content.subarray(from, from + 100);
      pieces.push(Buffer.of(0x04, piece.length), Buffer.from(piece));
    }
    made = Buffer.concat([Buffer.of(0x24, 0x80), ...pieces, Buffer.of(0, 0)]);
  } else made = Buffer.from(der.subarray(0, der.length - rest.length));
  return made;
}

function splitDer(bytes: Uint8Array): { content: Uint8Array; rest: Uint8Array } {
  const first = bytes[1] ?? 0;
  const count = first < 0x80 ? 0 : first & 0x7f;
  let length = first < 0x80 ? first : 0;
  for (let i = 0; i < count; i++) length = length * 256 + (bytes[2 + i] ?? 0);
  const from = 2 + count;
  return { content: bytes.subarray(from, from + length), rest: bytes.subarray(from + length) };
}

/** One file with what two hold; both must be without MAC and have one password. */
export function joined(a: Uint8Array, b: Uint8Array): Buffer {
  const parts = [a, b].flatMap((file) => {
    const pfx = asn1js.fromBER(new Uint8Array(file)).result as asn1js.Sequence;
    const info = pfx.valueBlock.value[1] as asn1js.Sequence;
    const explicit = info.valueBlock.value[1] as asn1js.Constructed;
    const content = explicit.valueBlock.value[0] as asn1js.OctetString;
    return (asn1js.fromBER(content.getValue()).result as asn1js.Sequence).valueBlock.value;
  });
  const safe = new asn1js.OctetString({ valueHex: new asn1js.Sequence({ value: parts }).toBER() });
  const explicit = new asn1js.Constructed({ idBlock: { tagClass: 3, tagNumber: 0 }, value: [safe] });
  const data = new asn1js.ObjectIdentifier({ value: '1.2.840.113549.1.7.1' });
  const authSafe = new asn1js.Sequence({ value: [data, explicit] });
  return Buffer.from(new asn1js.Sequence({ value: [new asn1js.Integer({ value: 3 }), authSafe] }).toBER());
}
