// CertificateService 6.0.1 (konnektor.md 2.4): the authentication certificate of a card. ECC only: RSA is gone from the
// cards' use in the ePA (export-flow.md 1.5), so a fault is not repeated with RSA.
import { child, childrenOf, type Markup, requireChild, textOf, xml } from '../../wire/xml.ts';
import { answerInvalid } from './faults.ts';
import type { KonnektorClient } from './soap-client.ts';
import { declare, NS } from './tables/namespaces.ts';

/** Request body; order of the XSD: the handle BEFORE the context here, then CertRefList and Crypt. */
export function readCardCertificateRequest(context: Markup, cardHandle: string): Markup {
  return xml(
    'CERT:ReadCardCertificate',
    declare('CERT', 'CONN', 'CCTX'),
    xml('CONN:CardHandle', {}, cardHandle),
    context,
    xml('CERT:CertRefList', {}, xml('CERT:CertRef', {}, 'C.AUT')),
    xml('CERT:Crypt', {}, 'ECC'),
  );
}

/** C.AUT as DER, unjudged; undefined when the card has no ECC certificate for it (X509Data missing). */
export async function readCardCertificate(
  client: KonnektorClient,
  cardHandle: string,
): Promise<Uint8Array | undefined> {
  const { response } = await client.call({
    service: 'CertificateService',
    operation: 'ReadCardCertificate',
    body: readCardCertificateRequest(client.context(), cardHandle),
    answer: 'CERT',
    limit: 'card',
    repeat: true,
  });
  return client.reading('ReadCardCertificate', () => {
    const list = requireChild(response, NS.CERTCMN, 'X509DataInfoList');
    const infos = childrenOf(list, NS.CERTCMN, 'X509DataInfo').filter(
      (info) => textOf(info, NS.CERTCMN, 'CertRef') === 'C.AUT',
    );
    const [info] = infos;
    if (info === undefined || infos.length > 1) throw answerInvalid('not exactly one C.AUT in the answer');
    const data = child(info, NS.CERTCMN, 'X509Data');
    return data && readBase64(textOf(data, NS.CERTCMN, 'X509Certificate'));
  });
}

/** xs:base64Binary, white space allowed, otherwise canonical and not empty. Throws KONNEKTOR_ANSWER_INVALID. */
export function readBase64(text: string): Uint8Array {
  const compact = text.replace(/[ \t\r\n]+/g, '');
  const bytes = Buffer.from(compact, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== compact) throw answerInvalid('not valid base64');
  return new Uint8Array(bytes);
}
