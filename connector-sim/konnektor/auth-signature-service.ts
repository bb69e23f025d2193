// AuthSignatureService 7.4.1: ExternalAuthenticate (konnektor.md 2.5). The Konnektor signs the given hash as it stands, with
// the card's AUT key, ECDSA or, where the card has such a key, RSA; its PIN must be verified for the card session.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { ecdsaToRaw } from '../../wire/jose.ts';
import { type XmlElement, xml } from '../../wire/xml.ts';
import { workOfChip } from './card-chip.ts';
import { hasPinOfItsOwn, pinStatusFor, sessionOf } from './card-pin.ts';
import { certificatesOf, isSmb } from './cards.ts';
import { checkAccess, checkCard, readContext } from './context.ts';
import { KonnektorFault, status } from './konnektor-fault.ts';
import { must, one, readCardHandle, readSequence, simpleText, tokenOf } from './message.ts';
import { declare, NS } from './namespaces.ts';
import { isHashLength, SCHEMES, type Scheme, signEcc, signRsa } from './sign-hash.ts';
import { defineOperation } from './soap-endpoint.ts';

/** The key of a card that somebody has put into the slot of the other. */
const brainpoolKey = () => generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }).privateKey;

const ECDSA = 'urn:bsi:tr:03111:ecdsa';
const RSA = 'urn:ietf:rfc:3447';

const externalAuthenticate = defineOperation({
  name: 'ExternalAuthenticate',
  ns: NS.SIG,
  read(body) {
    const found = readSequence(body, ['CONN:CardHandle', 'CCTX:Context', 'SIG:OptionalInputs?', 'SIG:BinaryString']);
    return {
      cardHandle: readCardHandle(must(found, 'CardHandle')),
      context: readContext(must(found, 'Context')),
      ...readOptionalInputs(one(found, 'OptionalInputs')),
      hash: readHash(must(found, 'BinaryString')),
    };
  },
  async run(input, call) {
    const { konnektor } = call;
    const access = checkAccess(konnektor, input.context);
    const card = checkCard(konnektor, access, input.cardHandle);
    if (!isSmb(card) && card.cardType !== 'HBA') throw new KonnektorFault(4209);
    const session = sessionOf(card, access, call.manners);
    // Without a SignatureType an older Konnektor means RSA.
    const type = input.signatureType ?? RSA;
    const key = certificatesOf(card, type === ECDSA ? 'ECC' : 'RSA').get('C.AUT')?.privateKey;
    if (key === undefined) throw new KonnektorFault(4000, 'the card has no key for this SignatureType');
    const checkPin = () => {
      if (hasPinOfItsOwn(card) && pinStatusFor(card, session) !== 'VERIFIED') throw new KonnektorFault(4085);
    };
    checkPin();
    await workOfChip(konnektor, card);
    checkPin(); // a wrong entry meanwhile has taken the card's security state
    const { what } = call.fault?.params ?? {};
    const wrong = call.fault?.kind === 'wrong-signature';
    const hash = wrong && what !== 'other-card' ? createHash('sha256').update(input.hash).digest() : input.hash;
    const ecdsa = () => signEcc(hash, wrong && what === 'other-card' ? brainpoolKey() : key);
    const der = type === ECDSA ? ecdsa() : signRsa(hash, key, input.scheme ?? 'RSASSA-PKCS1-v1_5');
    const value = type === ECDSA && call.manners.signatureFormat === 'raw' ? ecdsaToRaw(der) : der;
    return xml(
      'SIG:ExternalAuthenticateResponse',
      declare('SIG', 'CONN', 'dss'),
      status(),
      xml('dss:SignatureObject', {}, xml('dss:Base64Signature', { Type: type }, Buffer.from(value).toString('base64'))),
    );
  },
});

/** xs:all: dss:SignatureType and SIG:SignatureSchemes, each at most once, in any order. */
function readOptionalInputs(element: XmlElement | undefined): {
  signatureType?: typeof ECDSA | typeof RSA;
  scheme?: Scheme;
} {
  if (element === undefined) return {};
  const typeFirst = element.children[0]?.name === 'SignatureType';
  const found = readSequence(
    element,
    typeFirst ? ['dss:SignatureType?', 'SIG:SignatureSchemes?'] : ['SIG:SignatureSchemes?', 'dss:SignatureType?'],
  );
  const [schemes, type] = [one(found, 'SignatureSchemes'), one(found, 'SignatureType')];
  return {
    ...(schemes === undefined ? {} : { scheme: tokenOf(schemes, SCHEMES) }),
    ...(type === undefined ? {} : { signatureType: tokenOf(type, [ECDSA, RSA]) }),
  };
}

function readHash(element: XmlElement): Uint8Array {
  // dss:DocumentBaseType; SchemaRefs would name the ID of a schema document, which no request here holds.
  const data = must(readSequence(element, ['dss:Base64Data'], ['ID', 'RefURI', 'RefType']), 'Base64Data');
  if (!/^[\p{L}_][\p{L}\p{M}\p{N}._-]*$/u.test(element.attributes.get('ID')?.trim() ?? '_'))
    throw new KonnektorFault(4000, 'ID is not a name');
  // konnektor.md 2.5: the hash is application/octet-stream; the schema alone would take any.
  const mimeType = data.attributes.get('MimeType') ?? 'application/octet-stream';
  if (mimeType !== 'application/octet-stream') throw new KonnektorFault(4000, 'MimeType of the hash');
  const text = simpleText(data, {}, ['MimeType']).replace(/\s+/g, '');
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new KonnektorFault(4000, 'the hash is not base64');
  // SHA-256, SHA-384, SHA-512: a hash of at most 512 bits, its length selects the algorithm.
  if (!isHashLength(bytes.length)) throw new KonnektorFault(4000, 'length of the hash');
  return bytes;
}

export const authSignatureService = [externalAuthenticate];
