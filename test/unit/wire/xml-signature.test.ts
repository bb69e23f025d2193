// Enveloped signatures (XML Signature 1.1): documents signed here over the canonical form of libxml2 are accepted, and each way to
// make another statement out of a signed one is refused.
import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { XmlC14NMode, XmlDocument, XmlStringOutputBufferHandler } from 'libxml2-wasm';
import { canonicalizeDocument } from 'libxml2-wasm/lib/c14n.mjs';
import { describe, expect, test } from 'vitest';
import { readSignedXml } from '../../../wire/xml-canonical.ts';
import { verifyEnveloped } from '../../../wire/xml-signature.ts';
import { codeOf } from '../../support/wire-error.ts';

const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
const EXC = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#';
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const brainpool = generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' });
const other = generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** By libxml2: what is signed here was canonicalised by somebody else. */
function canonical(
  text: string,
  mode: (typeof XmlC14NMode)[keyof typeof XmlC14NMode] = XmlC14NMode.XML_C14N_EXCLUSIVE_1_0,
) {
  const handler = new XmlStringOutputBufferHandler();
  using document = XmlDocument.fromString(text);
  canonicalizeDocument(handler, document, { mode });
  return handler.result;
}
const digestOf = (text: string, hash = 'sha256') => createHash(hash).update(text).digest('base64');

type Change = {
  method?: string;
  signWith?: (bytes: Buffer) => Buffer;
  transforms?: string[];
  digest?: [uri: string, hash: string];
  uri?: string;
  references?: string;
  canonicalization?: string;
  properties?: string;
  /** In the place of the list's own content. */
  content?: string;
  /** Without the reference to the whole document. */
  partly?: boolean;
  /** Changes SignedInfo before it is signed. */
  info?: (text: string) => string;
};
const body =
  '<l:list xmlns:l="urn:list" xmlns:x="urn:x">\n  <l:entry a="1">first</l:entry>\n  <l:entry>second</l:entry>\n';
const tail = '</l:list>';
const ec =
  (key: KeyObject, hash = 'sha256') =>
  (bytes: Buffer) =>
    sign(hash, bytes, { key, dsaEncoding: 'ieee-p1363' });
const transform = (uri: string) => `<ds:Transform Algorithm="${uri}"/>`;

function signed(o: Change = {}): string {
  const content = o.content ?? body;
  const [digestUri, hash] = o.digest ?? [SHA256, 'sha256'];
  const transforms = (o.transforms ?? [`${DSIG}enveloped-signature`, EXC]).map(transform).join('');
  const reference =
    `<ds:Reference URI="${o.uri ?? ''}"><ds:Transforms>${transforms}</ds:Transforms><ds:DigestMethod Algorithm="${digestUri}"/>` +
    `<ds:DigestValue>${digestOf(canonical(content + tail), hash)}</ds:DigestValue></ds:Reference>`;
  const plain =
    `<ds:SignedInfo xmlns:ds="${DSIG}"><ds:CanonicalizationMethod Algorithm="${o.canonicalization ?? EXC}"/>\n` +
    `<ds:SignatureMethod Algorithm="${o.method ?? `${MORE}ecdsa-sha256`}"/>${o.partly ? '' : reference}${o.references ?? ''}</ds:SignedInfo>`;
  const info = o.info?.(plain) ?? plain;
  const value = (o.signWith ?? ec(brainpool.privateKey))(Buffer.from(canonical(info))).toString('base64');
  return (
    `${content}<ds:Signature xmlns:ds="${DSIG}">${info}<ds:SignatureValue>\n${value}\n</ds:SignatureValue>` +
    `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo>${o.properties ?? ''}` +
    `</ds:Signature>${tail}`
  );
}
const verdict = (text: string, key: KeyObject = brainpool.publicKey) =>
  codeOf(() => verifyEnveloped(readSignedXml(Buffer.from(text)), () => key));

test('the certificate that the signature names is asked for its key', () => {
  const asked: string[] = [];
  verifyEnveloped(readSignedXml(Buffer.from(signed())), (der) => {
    asked.push(Buffer.from(der).toString('base64'));
    return brainpool.publicKey;
  });
  expect(asked).toEqual(['AAAA']);
});

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
test.each<[string, Change, KeyObject]>([
  ['ECDSA on brainpool with SHA-256', {}, brainpool.publicKey],
  [
    'ECDSA with SHA-384',
    { method: `${MORE}ecdsa-sha384`, signWith: ec(brainpool.privateKey, 'sha384') },
    brainpool.publicKey,
  ],
  ['RSA', { method: `${MORE}rsa-sha256`, signWith: (b) => sign('sha256', b, rsa.privateKey) }, rsa.publicKey],
  [
    'RSA-PSS',
    {
      method: 'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1',
      signWith: (b) => sign('sha256', b, { key: rsa.privateKey, ...pss }),
    },
    rsa.publicKey,
  ],
  ['a digest of SHA-512', { digest: ['http://www.w3.org/2001/04/xmlenc#sha512', 'sha512'] }, brainpool.publicKey],
])('%s is accepted', (_what, change, key) => {
  expect(verdict(signed(change), key)).toBe('nothing thrown');
});

describe('properties of the signature (XAdES)', () => {
  const XADES = 'http://uri.etsi.org/01903/v1.3.2#';
  const properties = (text: string) =>
    `<ds:Object xmlns:ds="${DSIG}"><p:SignedProperties xmlns:p="${XADES}" Id="props">${text}</p:SignedProperties></ds:Object>`;
  const reference = (digest: string, o: { type?: string; transforms?: string; uri?: string } = {}) =>
    `<ds:Reference Type="${o.type ?? 'http://uri.etsi.org/01903#SignedProperties'}" URI="${o.uri ?? '#props'}">${o.transforms ?? ''}` +
    `<ds:DigestMethod Algorithm="${SHA256}"/><ds:DigestValue>${digest}</ds:DigestValue></ds:Reference>`;
  const exclusive = `<ds:Transforms>${transform(EXC)}</ds:Transforms>`;
  const alone = `<p:SignedProperties xmlns:p="${XADES}" Id="props">then</p:SignedProperties>`;
  // In the inclusive form with all that is in scope there, in the order of their prefixes.
  const within = `<p:SignedProperties xmlns:ds="${DSIG}" xmlns:l="urn:list" xmlns:p="${XADES}" xmlns:x="urn:x" Id="props">then</p:SignedProperties>`;

  test.each([
    ['in exclusive form', reference(digestOf(alone), { transforms: exclusive })],
    ['in inclusive form, where no transform is named', reference(digestOf(within))],
  ])('are verified, too, %s', (_what, references) => {
    expect(verdict(signed({ references, properties: properties('then') }))).toBe('nothing thrown');
    expect(verdict(signed({ references, properties: properties('now') }))).toBe('XML_SIGNATURE_DIGEST');
  });

  test.each([
    ['that are not there', reference(digestOf(alone), { uri: '#none' })],
    ['elsewhere', reference(digestOf(alone), { uri: 'https://list.example/' })],
    ['of another type', reference(digestOf(alone), { type: 'urn:other' })],
    [
      'behind another transform',
      reference(digestOf(alone), { transforms: `<ds:Transforms>${transform('urn:x')}</ds:Transforms>` }),
    ],
  ])('%s are refused', (_what, references) => {
    expect(verdict(signed({ references, properties: properties('then') }))).toBe('XML_SIGNATURE_FORM');
  });

  test('behind two transforms are refused', () => {
    const twice = `<ds:Transforms>${transform(EXC)}${transform(EXC)}</ds:Transforms>`;
    const references = reference(digestOf(alone), { transforms: twice });
    expect(verdict(signed({ references, properties: properties('then') }))).toBe('XML_SIGNATURE_FORM');
  });

  test('in inclusive form below an element with xml:lang, which they would inherit, are refused', () => {
    const content = body.replace('<l:list', '<l:list xml:lang="de"');
    const change = { content, references: reference(digestOf(within)), properties: properties('then') };
    expect(verdict(signed(change))).toBe('XML_SIGNATURE_FORM');
    const unlike = body.replace('<l:list', '<l:list b="1"');
    expect(verdict(signed({ ...change, content: unlike }))).toBe('nothing thrown');
    const exclusively = reference(digestOf(alone), { transforms: exclusive });
    expect(verdict(signed({ ...change, references: exclusively }))).toBe('nothing thrown');
  });

  test('alone, without the document, are no signature of it', () => {
    const references = reference(digestOf(alone), { transforms: exclusive });
    expect(verdict(signed({ partly: true, references, properties: properties('then') }))).toBe('XML_SIGNATURE_FORM');
  });

  test('whose name is given twice are refused', () => {
    const references = reference(digestOf(alone), { transforms: exclusive });
    expect(verdict(signed({ references, properties: properties('then').repeat(2) }))).toBe('XML_SIGNATURE_FORM');
  });
});

describe('a document that was changed', () => {
  test.each([
    ['in a text', (text: string) => text.replace('second', 'secure')],
    ['in an attribute', (text: string) => text.replace('a="1"', 'a="2"')],
    ['by an element more', (text: string) => text.replace('<l:entry>', '<l:entry/><l:entry>')],
    ['by white space', (text: string) => text.replace('\n  <l:entry a', '\n <l:entry a')],
    ['behind its signature', (text: string) => text.replace(tail, `x${tail}`)],
    ['in a namespace', (text: string) => text.replace('urn:list', 'urn:lost')],
  ])('%s is noticed', (_what, change) => {
    expect(verdict(change(signed()))).toBe('XML_SIGNATURE_DIGEST');
  });

  test.each([
    ['comments, which no canonical form has', (text: string) => text.replace('first', 'fi<!-- x -->rst')],
    ['another way to write the same', (text: string) => text.replace('a="1"', " a = '1'")],
  ])('by %s is the same', (_what, change) => {
    expect(verdict(change(signed()))).toBe('nothing thrown');
  });
});

describe('a signature', () => {
  test('of another key is refused', () => {
    expect(verdict(signed(), other.publicKey)).toBe('XML_SIGNATURE');
  });
  test('whose SignedInfo was changed with the document is refused', () => {
    const changed = signed().replace('second', 'secure');
    const digest = digestOf(canonical((body + tail).replace('second', 'secure')));
    expect(verdict(changed.replace(digestOf(canonical(body + tail)), digest))).toBe('XML_SIGNATURE');
  });
  test('in DER instead of r‖s is refused', () => {
    expect(verdict(signed({ signWith: (bytes) => sign('sha256', bytes, brainpool.privateKey) }))).toBe('XML_SIGNATURE');
  });
  test.each<[string, string, KeyObject?]>([
    ['that is missing', body + tail],
    ['without any reference', signed({ partly: true })],
    [
      'with two references to the document',
      signed({ info: (text) => text.replace(/(<ds:Reference.*<\/ds:Reference>)/, '$1$1') }),
    ],
    [
      'whose method is of another namespace',
      signed({ info: (text) => text.replace('<ds:SignatureMethod', '<l:SignatureMethod xmlns:l="urn:list"') }),
    ],
    [
      'whose algorithm is of another namespace',
      signed({ info: (text) => text.replace('SignatureMethod A', 'SignatureMethod xmlns:l="urn:list" l:A') }),
    ],
    ['without a value', signed().replace(/<ds:SignatureValue>[^<]*/, '<ds:SignatureValue>')],
    ['twice', signed().replace(tail, `${signed().slice(body.length)}`)],
    [
      'moved below another element',
      signed().replace('<ds:Signature ', '<l:x><ds:Signature ').replace('</ds:Signature>', '</ds:Signature></l:x>'),
    ],
    ['of SHA-1', signed({ method: `${DSIG}rsa-sha1` })],
    ['of HMAC', signed({ method: `${DSIG}hmac-sha256` })],
    ['of RSA by name and ECDSA by key', signed({ method: `${MORE}rsa-sha256` })],
    ['of ECDSA by name and RSA by key', signed(), rsa.publicKey],
    ['with a digest of SHA-1', signed({ digest: [`${DSIG}sha1`, 'sha1'] })],
    ['with a transform more', signed({ transforms: [`${DSIG}enveloped-signature`, EXC, EXC] })],
    ['with an XPath transform', signed({ transforms: ['http://www.w3.org/TR/1999/REC-xpath-19991116', EXC] })],
    ['without the transform that leaves it out', signed({ transforms: [EXC] })],
    ['over another part only', signed({ uri: '#part' })],
    ['with a canonical form that keeps comments', signed({ canonicalization: `${EXC}WithComments` })],
    ['without a certificate', signed().replace(/<ds:KeyInfo>.*<\/ds:KeyInfo>/, '')],
    ['with a value that is no Base64', signed().replace('<ds:SignatureValue>\n', '<ds:SignatureValue>\n*')],
  ])('%s is refused', (_what, text, key) => {
    expect(verdict(text, key)).toBe('XML_SIGNATURE_FORM');
  });
});

test('an element of the list that is called Signature is none', () => {
  expect(verdict(signed({ content: `${body}<l:Signature/>` }))).toBe('nothing thrown');
});
