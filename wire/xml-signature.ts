// An enveloped XML signature over a whole document (XML Signature 1.1; ETSI TS 102 231 annex B for trust-service lists). Only what
// such lists use is understood, all else is refused: one signature, a child of the root, whose one reference to the document covers
// everything but itself. What is then read must be read from this very tree.
import { constants, createHash, type KeyObject, verify } from 'node:crypto';
import { WireError } from './error.ts';
import { type CanonicalForm, canonicalXml, elementsOf, type SignedElement } from './xml-canonical.ts';

const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const ENVELOPED = `${DSIG}enveloped-signature`;
/** XAdES (ETSI TS 101 903): properties of the signature, inside it. */
const SIGNED_PROPERTIES = 'http://uri.etsi.org/01903#SignedProperties';

const DIGESTS: Readonly<Record<string, string>> = {
  'http://www.w3.org/2001/04/xmlenc#sha256': 'sha256',
  'http://www.w3.org/2001/04/xmldsig-more#sha384': 'sha384',
  'http://www.w3.org/2001/04/xmlenc#sha512': 'sha512',
};
type Method = { digest: string; type: 'ec' | 'rsa'; pss?: true };
const METHODS: Readonly<Record<string, Method>> = {
  'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256': { digest: 'sha256', type: 'ec' },
  'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384': { digest: 'sha384', type: 'ec' },
  'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512': { digest: 'sha512', type: 'ec' },
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256': { digest: 'sha256', type: 'rsa' },
  'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1': { digest: 'sha256', type: 'rsa', pss: true },
};

/**
 * Verifies the signature of a document. `keyOf` judges the certificate (DER) that the signature names and gives its key.
 * WireError XML_SIGNATURE_FORM (another kind of signature), XML_SIGNATURE_DIGEST (the document was changed), XML_SIGNATURE (not by
 * this key); and what `keyOf` throws.
 */
export function verifyEnveloped(root: SignedElement, keyOf: (certificate: Uint8Array) => KeyObject): void {
  const signature = onlySignature(root);
  const info = one(signature, 'SignedInfo');
  const form = canonicalForm(one(info, 'CanonicalizationMethod'));
  const method = METHODS[algorithmOf(one(info, 'SignatureMethod'))];
  if (method === undefined) throw unusual('its algorithm');

  const references = children(info, 'Reference');
  if (references.filter((reference) => attribute(reference, 'URI') === '').length !== 1)
    throw unusual('not one reference to the whole document');
  for (const reference of references) requireDigest(reference, root, signature);

  const certificate = base64Of(one(one(one(signature, 'KeyInfo'), 'X509Data'), 'X509Certificate'));
  const key = keyOf(certificate);
  if (key.asymmetricKeyType !== method.type) throw unusual('its algorithm is not that of the key');
  const value = base64Of(one(signature, 'SignatureValue'));
  if (!holds(canonicalXml(info, form), { key, method, value }))
    throw new WireError('XML_SIGNATURE', 'the signature does not fit the key');
}

/** More than one would leave open which of them covers what. */
function onlySignature(root: SignedElement): SignedElement {
  const all = [...elementsOf(root)].filter((element) => element.ns === DSIG && element.name === 'Signature');
  const [signature] = all;
  if (signature === undefined || all.length !== 1 || !root.children.includes(signature))
    throw unusual('not exactly one below the root');
  return signature;
}

function requireDigest(reference: SignedElement, root: SignedElement, signature: SignedElement): void {
  const uri = attribute(reference, 'URI');
  const digest = DIGESTS[algorithmOf(one(reference, 'DigestMethod'))];
  if (digest === undefined) throw unusual('its digest');
  const transforms = children(reference, 'Transforms').flatMap((list) => children(list, 'Transform'));
  const covered =
    uri === '' ? wholeDocument(root, signature, transforms) : ownProperties(reference, { root, signature, transforms });
  const found = createHash(digest).update(covered).digest();
  if (!found.equals(base64Of(one(reference, 'DigestValue'))))
    throw new WireError('XML_SIGNATURE_DIGEST', 'the document is not the one that was signed');
}

function wholeDocument(root: SignedElement, signature: SignedElement, transforms: SignedElement[]): Uint8Array {
  const [enveloped, canonical, ...more] = transforms;
  if (enveloped === undefined || canonical === undefined || more.length > 0 || algorithmOf(enveloped) !== ENVELOPED)
    throw unusual('its transforms');
  return canonicalXml(root, { ...canonicalForm(canonical), without: signature });
}

/** Beside the document only properties of the signature may be referred to, which lie inside it. */
function ownProperties(
  reference: SignedElement,
  { root, signature, transforms }: { root: SignedElement; signature: SignedElement; transforms: SignedElement[] },
): Uint8Array {
  const uri = attribute(reference, 'URI');
  const named = [...elementsOf(signature)].filter((element) => uri === `#${attribute(element, 'Id')}`);
  const [properties] = named;
  if (attribute(reference, 'Type') !== SIGNED_PROPERTIES || properties === undefined || named.length !== 1)
    throw unusual('a reference to something else');
  const [canonical, ...more] = transforms;
  if (more.length > 0) throw unusual('its transforms');
  // The inclusive form takes xml:… over from elements around it, which nobody writes in such lists.
  if (canonical === undefined && root.attributes.some(({ prefix }) => prefix === 'xml'))
    throw unusual('xml: attributes');
  // Without one, XML Signature has the inclusive form (section 4.4.3.2).
  return canonicalXml(properties, canonical === undefined ? { exclusive: false } : canonicalForm(canonical));
}

function canonicalForm(element: SignedElement): CanonicalForm {
  if (algorithmOf(element) !== EXCLUSIVE) throw unusual('its canonical form');
  const [list] = element.children.filter((child) => typeof child !== 'string');
  const prefixes = list === undefined ? [] : (attribute(list, 'PrefixList') ?? '').split(/[ \t\r\n]+/).filter(Boolean);
  return { exclusive: true, prefixes: prefixes.map((prefix) => (prefix === '#default' ? '' : prefix)) };
}

function holds(
  bytes: Uint8Array,
  { key, method, value }: { key: KeyObject; method: Method; value: Uint8Array },
): boolean {
  const padding = method.pss ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {};
  // r‖s for ECDSA (XML Signature 6.4.3).
  return verify(method.digest, bytes, { key, dsaEncoding: 'ieee-p1363', ...padding }, value);
}

function one(parent: SignedElement, name: string): SignedElement {
  const [first, ...more] = children(parent, name);
  if (first === undefined || more.length > 0) throw unusual(`not exactly one ${name}`);
  return first;
}

const children = (parent: SignedElement, name: string): SignedElement[] =>
  parent.children
    .filter((child) => typeof child !== 'string')
    .filter((child) => child.ns === DSIG && child.name === name);

const attribute = (element: SignedElement, name: string): string | undefined =>
  element.attributes.find((one) => one.ns === '' && one.name === name)?.value;

const algorithmOf = (element: SignedElement): string => attribute(element, 'Algorithm') ?? '';

function base64Of(element: SignedElement): Uint8Array {
  const text = element.children.join('').replace(/[ \t\r\n]+/g, '');
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== text) throw unusual('a value that is no Base64');
  return bytes;
}

const unusual = (what: string): WireError => new WireError('XML_SIGNATURE_FORM', `signature: ${what}`);
