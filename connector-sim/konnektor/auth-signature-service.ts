// AuthSignatureService 7.4.1: ExternalAuthenticate (konnektor.md 2.5). The Konnektor signs the given hash as it stands, with
// the card's AUT key, ECDSA on brainpoolP256r1; PIN.SMC must be verified for the calling Mandant.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { ecdsaToRaw, signDigest } from '../../wire/jose.ts';
import { type XmlElement, xml } from '../../wire/xml.ts';
import { pinStatusFor } from './cards.ts';
import { checkAccess, checkCard, readContext } from './context.ts';
import { KonnektorFault, status } from './konnektor-fault.ts';
import { must, one, readCardHandle, readSequence, simpleText } from './message.ts';
import { declare, NS } from './namespaces.ts';
import { defineOperation } from './soap-endpoint.ts';

/** The key of a card that somebody has put into the slot of the other. */
const brainpoolKey = () => generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }).privateKey;

const ECDSA = 'urn:bsi:tr:03111:ecdsa';
const RSA = 'urn:ietf:rfc:3447';

/** SHA-256, SHA-384, SHA-512: BinaryString is a hash of at most 512 bits, its length selects the algorithm. */
const hashLengths = [32, 48, 64];

const externalAuthenticate = defineOperation({
  name: 'ExternalAuthenticate',
  ns: NS.SIG,
  read(body) {
    const found = readSequence(body, ['CONN:CardHandle', 'CCTX:Context', 'SIG:OptionalInputs?', 'SIG:BinaryString']);
    return {
      cardHandle: readCardHandle(must(found, 'CardHandle')),
      context: readContext(must(found, 'Context')),
      signatureType: readSignatureType(one(found, 'OptionalInputs')),
      hash: readHash(must(found, 'BinaryString')),
    };
  },
  async run(input, call) {
    const { konnektor } = call;
    const access = checkAccess(konnektor, input.context);
    const card = checkCard(konnektor, access, input.cardHandle);
    const key = card.certificates.get('C.AUT')?.privateKey;
    if (card.cardType !== 'SMC-B' || key === undefined) throw new KonnektorFault(4209);
    // Without a SignatureType an older Konnektor means RSA; this card has no RSA key.
    if (input.signatureType !== ECDSA) throw new KonnektorFault(4000, 'the card has no key for this SignatureType');
    if (pinStatusFor(card, access.mandant.id) !== 'VERIFIED') throw new KonnektorFault(4085);
    if (card.signDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, card.signDelayMs));
    // ECDSA takes the leftmost 256 bits of a longer hash on this curve (FIPS 186-5 6.4).
    const digest = input.hash.subarray(0, 32);
    const signed = call.fault?.kind === 'wrong-signature' ? createHash('sha256').update(digest).digest() : digest;
    const swapped = call.fault?.kind === 'wrong-signature' && call.fault.params?.what === 'other-card';
    const der = swapped ? signDigest(digest, brainpoolKey()) : signDigest(signed, key);
    const value = call.manners.signatureFormat === 'raw' ? ecdsaToRaw(der) : der;
    return xml(
      'SIG:ExternalAuthenticateResponse',
      declare('SIG', 'CONN', 'dss'),
      status(),
      xml(
        'dss:SignatureObject',
        {},
        xml('dss:Base64Signature', { Type: ECDSA }, Buffer.from(value).toString('base64')),
      ),
    );
  },
});

/** xs:all: dss:SignatureType and SIG:SignatureSchemes, each at most once, in any order. */
function readSignatureType(element: XmlElement | undefined): string | undefined {
  if (element === undefined) return undefined;
  const typeFirst = element.children[0]?.name === 'SignatureType';
  const found = readSequence(
    element,
    typeFirst ? ['dss:SignatureType?', 'SIG:SignatureSchemes?'] : ['SIG:SignatureSchemes?', 'dss:SignatureType?'],
  );
  const schemes = one(found, 'SignatureSchemes');
  if (schemes !== undefined) simpleText(schemes, { oneOf: ['RSASSA-PSS', 'RSASSA-PKCS1-v1_5'] });
  const type = one(found, 'SignatureType');
  return type === undefined ? undefined : simpleText(type, { oneOf: [ECDSA, RSA], token: true });
}

function readHash(element: XmlElement): Uint8Array {
  const data = must(readSequence(element, ['dss:Base64Data']), 'Base64Data');
  const mimeType = data.attributes.get('MimeType') ?? 'application/octet-stream';
  if (mimeType !== 'application/octet-stream') throw new KonnektorFault(4000, 'MimeType of the hash');
  const text = simpleText(data, {}, ['MimeType']).replace(/\s+/g, '');
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new KonnektorFault(4000, 'the hash is not base64');
  if (!hashLengths.includes(bytes.length)) throw new KonnektorFault(4000, 'length of the hash');
  return bytes;
}

export const authSignatureService = [externalAuthenticate];
