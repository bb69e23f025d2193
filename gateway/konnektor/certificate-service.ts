// CertificateService 6.0.1 (konnektor.md 2.4): the certificates of a card, when they end, and what the Konnektor thinks of
// one. ECC only: RSA is gone from the cards' use in the ePA (export-flow.md 1.5), so a fault is not repeated with RSA.
import { child, childrenOf, type Markup, requireChild, textOf, xml } from '../../wire/xml.ts';
import { optional } from './event-service.ts';
import { answerInvalid, type Trace, tracesOf } from './faults.ts';
import type { KonnektorAnswer, KonnektorClient, TimeLimits } from './soap-client.ts';
import { declare, NS } from './tables/namespaces.ts';
import { readDate } from './xsd-values.ts';

/** The certificates of an SM-B. */
export type CertRef = 'C.AUT' | 'C.ENC' | 'C.SIG';

/** CERT:CertificateExpiration. `validity`: the beginning of the last day; of the Konnektor's own certificate the card's fields are empty. */
export type CertificateExpiration = {
  ctId: string;
  cardHandle: string;
  iccsn: string;
  commonName: string;
  serialNumber: string;
  validity: Date;
};

const VERIFICATION_RESULT = ['VALID', 'INCONCLUSIVE', 'INVALID'] as const;
export type CertificateVerdict = {
  result: (typeof VERIFICATION_RESULT)[number];
  error: Trace | undefined;
  /** OIDs of its roles, as the Konnektor reads them. */
  roles: string[];
};

/** Request body; order of the XSD: the handle BEFORE the context here, then CertRefList and Crypt. */
export function readCardCertificateRequest(
  context: Markup,
  cardHandle: string,
  refs: readonly CertRef[] = ['C.AUT'],
): Markup {
  return xml(
    'CERT:ReadCardCertificate',
    declare('CERT', 'CONN', 'CCTX'),
    xml('CONN:CardHandle', {}, cardHandle),
    context,
    xml('CERT:CertRefList', {}, ...refs.map((ref) => xml('CERT:CertRef', {}, ref))),
    xml('CERT:Crypt', {}, 'ECC'),
  );
}

/** Request body; order of the XSD: CardHandle, Context, Crypt. */
export function checkCertificateExpirationRequest(context: Markup, cardHandle?: string): Markup {
  return xml(
    'CERT:CheckCertificateExpiration',
    declare('CERT', 'CONN', 'CCTX'),
    optional('CONN:CardHandle', cardHandle),
    context,
    xml('CERT:Crypt', {}, 'ECC'),
  );
}

/** Request body; order of the XSD: Context, X509Certificate, VerificationTime. */
export function verifyCertificateRequest(context: Markup, der: Uint8Array, at?: Date): Markup {
  return xml(
    'CERT:VerifyCertificate',
    declare('CERT', 'CERTCMN', 'CONN', 'CCTX'),
    context,
    xml('CERTCMN:X509Certificate', {}, Buffer.from(der).toString('base64')),
    optional('CERT:VerificationTime', at?.toISOString()),
  );
}

/** C.AUT as DER, unjudged; undefined when the card has no ECC certificate for it (X509Data missing). */
export async function readCardCertificate(
  client: KonnektorClient,
  cardHandle: string,
): Promise<Uint8Array | undefined> {
  return (await readCardCertificates(client, cardHandle, ['C.AUT'])).get('C.AUT');
}

/** These certificates as DER, unjudged; one that the card does not have is missing in the map. */
export async function readCardCertificates(
  client: KonnektorClient,
  cardHandle: string,
  refs: readonly CertRef[],
): Promise<ReadonlyMap<CertRef, Uint8Array>> {
  const operation = 'ReadCardCertificate';
  const body = readCardCertificateRequest(client.context(), cardHandle, refs);
  const { response } = await ask(client, { operation, body, limit: 'card', ofCard: true });
  return client.reading(operation, () => {
    const infos = childrenOf(requireChild(response, NS.CERTCMN, 'X509DataInfoList'), NS.CERTCMN, 'X509DataInfo');
    const read = new Map<CertRef, Uint8Array>();
    for (const ref of refs) {
      const [info, second] = infos.filter((one) => textOf(one, NS.CERTCMN, 'CertRef') === ref);
      if (info === undefined || second !== undefined) throw answerInvalid(`not exactly one ${ref} in the answer`);
      const data = child(info, NS.CERTCMN, 'X509Data');
      if (data !== undefined) read.set(ref, readBase64(textOf(data, NS.CERTCMN, 'X509Certificate')));
    }
    return read;
  });
}

/** Of one card; without a handle of the Konnektor itself and of every HBA and SM-B of the Mandant. */
export async function checkCertificateExpiration(
  client: KonnektorClient,
  cardHandle?: string,
): Promise<CertificateExpiration[]> {
  const operation = 'CheckCertificateExpiration';
  const body = checkCertificateExpirationRequest(client.context(), cardHandle);
  const { response } = await ask(client, { operation, body, limit: 'card' });
  return client.reading(operation, () =>
    childrenOf(response, NS.CERT, 'CertificateExpiration').map((one) => ({
      ctId: textOf(one, NS.CERT, 'CtID'),
      cardHandle: textOf(one, NS.CONN, 'CardHandle'),
      iccsn: textOf(one, NS.CERT, 'ICCSN'),
      commonName: textOf(one, NS.CERT, 'subject_commonName'),
      serialNumber: textOf(one, NS.CERT, 'serialNumber'),
      validity: readDate(textOf(one, NS.CERT, 'validity')),
    })),
  );
}

/** The Konnektor's own judgement, its revocation check included. INVALID is an answer, no error. */
export async function verifyCertificate(
  client: KonnektorClient,
  der: Uint8Array,
  at?: Date,
): Promise<CertificateVerdict> {
  const operation = 'VerifyCertificate';
  const body = verifyCertificateRequest(client.context(), der, at);
  // It asks an OCSP responder in the TI, which takes longer than an answer from memory.
  const { response } = await ask(client, { operation, body, limit: 'card' });
  return client.reading(operation, () => {
    const status = requireChild(response, NS.CERT, 'VerificationStatus');
    const word = textOf(status, NS.CERT, 'VerificationResult');
    const result = VERIFICATION_RESULT.find((known) => known === word);
    if (result === undefined) throw answerInvalid('unknown VerificationResult');
    const error = child(status, NS.GERROR, 'Error');
    // The schema demands one role at least; a Konnektor that found none has none to name.
    const roles = child(response, NS.CERT, 'RoleList');
    return {
      result,
      error: error && tracesOf(error).at(-1),
      roles: roles === undefined ? [] : childrenOf(roles, NS.CERT, 'Role').map((role) => role.text.trim()),
    };
  });
}

function ask(
  client: KonnektorClient,
  o: { operation: string; body: Markup; limit: keyof TimeLimits; ofCard?: true },
): Promise<KonnektorAnswer> {
  return client.call({ service: 'CertificateService', ...o, repeat: true });
}

/** xs:base64Binary, white space allowed, otherwise canonical and not empty. Throws KONNEKTOR_ANSWER_INVALID. */
export function readBase64(text: string): Uint8Array {
  const compact = text.replace(/[ \t\r\n]+/g, '');
  const bytes = Buffer.from(compact, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== compact) throw answerInvalid('not valid base64');
  return new Uint8Array(bytes);
}
