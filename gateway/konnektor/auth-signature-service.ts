// AuthSignatureService 7.4 (konnektor.md 2.5): ExternalAuthenticate signs a given SHA-256 hash with the AUT key of the
// card. The Konnektor does not hash again; PIN.SMC must be verified, else 4085.
import { type Markup, requireChild, xml } from '../../wire/xml.ts';
import { GatewayError } from '../errors.ts';
import { readBase64 } from './certificate-service.ts';
import type { KonnektorClient } from './soap-client.ts';
import { declare, NS } from './tables/namespaces.ts';

/** TR-03111 ECDSA; with it SignatureSchemes is omitted. */
const ECDSA = 'urn:bsi:tr:03111:ecdsa';

/** Request body; order of the XSD: CardHandle, Context, OptionalInputs, BinaryString. */
export function externalAuthenticateRequest(context: Markup, cardHandle: string, sha256: Uint8Array): Markup {
  return xml(
    'SIG:ExternalAuthenticate',
    declare('SIG', 'CONN', 'CCTX', 'dss'),
    xml('CONN:CardHandle', {}, cardHandle),
    context,
    xml('SIG:OptionalInputs', {}, xml('dss:SignatureType', {}, ECDSA)),
    xml(
      'SIG:BinaryString',
      {},
      xml('dss:Base64Data', { MimeType: 'application/octet-stream' }, Buffer.from(sha256).toString('base64')),
    ),
  );
}

/**
 * The signature over the hash as the Konnektor gives it, DER or r‖s, unverified. The length of the hash selects the
 * algorithm, so anything but 32 bytes is INTERNAL.
 */
export async function externalAuthenticate(
  client: KonnektorClient,
  cardHandle: string,
  sha256: Uint8Array,
): Promise<Uint8Array> {
  if (sha256.length !== 32) throw new GatewayError('INTERNAL', 'the hash to sign is not 32 bytes');
  const operation = 'ExternalAuthenticate';
  const { response } = await client.call({
    service: 'AuthSignatureService',
    operation,
    body: externalAuthenticateRequest(client.context(), cardHandle, sha256),

    limit: 'card',
    ofCard: true,
    repeat: true,
  });
  return client.reading(operation, () => {
    const signature = requireChild(requireChild(response, NS.dss, 'SignatureObject'), NS.dss, 'Base64Signature');
    // Another Type is a slip of the Konnektor: the signature itself is verified against the certificate (smcb.ts).
    if (signature.attributes.get('Type') !== ECDSA) client.warn(operation, 'signature-type');
    return readBase64(signature.text);
  });
}
