// CertificateService 6.0.1: ReadCardCertificate (konnektor.md 2.4). The default world's SMC-B has C.AUT, C.ENC and C.SIG on
// brainpoolP256r1 alone; what a card lacks is answered without X509Data.
import { mintCa, mintRoot } from '../../certs/mint.ts';
import { type Markup, xml } from '../../wire/xml.ts';
import { mintSmcb } from '../pki.ts';
import { certificatesOf, isSmb } from './cards.ts';
import { CRYPTS } from './certificate-checks.ts';
import { checkAccess, checkCard, readContext } from './context.ts';
import { KonnektorFault, status } from './konnektor-fault.ts';
import { must, one, readCardHandle, readSequence, tokenOf } from './message.ts';
import type { CertRef, SimCard } from './model.ts';
import { declare, NS } from './namespaces.ts';
import { defineOperation, type OperationCall } from './soap-endpoint.ts';

const certRefs = ['C.AUT', 'C.ENC', 'C.SIG', 'C.QES'] as const;

/** oid_praxis_arzt: a role no DiGA's card may have (fault wrong-certificate, TST-02). */
const wrongRole = '1.2.276.0.76.4.50';

const day = 86_400_000;

const readCardCertificate = defineOperation({
  name: 'ReadCardCertificate',
  ns: NS.CERT,
  read(body) {
    const found = readSequence(body, ['CONN:CardHandle', 'CCTX:Context', 'CERT:CertRefList', 'CERT:Crypt?']);
    const list = readSequence(must(found, 'CertRefList'), ['CERT:CertRef+']);
    const crypt = one(found, 'Crypt');
    return {
      cardHandle: readCardHandle(must(found, 'CardHandle')),
      context: readContext(must(found, 'Context')),
      certRefs: (list.get('CertRef') ?? []).map((e) => tokenOf(e, certRefs)),
      crypt: crypt === undefined ? undefined : tokenOf(crypt, CRYPTS),
    };
  },
  run(input, call) {
    const { konnektor } = call;
    const access = checkAccess(konnektor, input.context);
    const card = checkCard(konnektor, access, input.cardHandle);
    if (!isSmb(card) && card.cardType !== 'HBA') throw new KonnektorFault(4209);
    const crypt = input.crypt ?? call.manners.defaultCrypt;
    return xml(
      'CERT:ReadCardCertificateResponse',
      declare('CERT', 'CONN', 'CERTCMN'),
      status(),
      xml(
        'CERTCMN:X509DataInfoList',
        {},
        ...input.certRefs.map((ref) => dataInfo(ref, certificateOf({ card, ref, crypt, call }))),
      ),
    );
  },
});

/** Under the fault wrong-certificate: same card, same Telematik-ID, and one thing wrong by `params.which` (default role). */
function certificateOf(o: { card: SimCard; ref: CertRef; crypt: 'RSA' | 'ECC'; call: OperationCall }) {
  const { card, ref, call } = o;
  const issued = certificatesOf(card, o.crypt).get(ref);
  if (issued === undefined || call.fault?.kind !== 'wrong-certificate') return issued?.certificate;
  const { which = 'role' } = call.fault.params ?? {};
  // the card's encryption certificate: chain, role and Telematik-ID are right, but it may sign nothing
  if (which === 'key-usage') return card.certificates.get('C.ENC')?.certificate;
  const { notBefore, notAfter } = issued.certificate;
  const now = call.world.now();
  const other = mintSmcb({
    smcbCa: which === 'root' ? mintCa(mintRoot('TI Root CA'), 'SMC-B CA') : call.pki.smcbCa,
    organization: card.holder ?? 'Praxis',
    telematikId: card.telematikId ?? '',
    life:
      which === 'expired'
        ? { notBefore: new Date(now - 2 * day), notAfter: new Date(now - day) }
        : { notBefore, notAfter },
    roleOid: which === 'role' ? wrongRole : undefined,
  });
  return other.get(ref)?.certificate;
}

function dataInfo(ref: string, certificate: ReturnType<typeof certificateOf>): Markup {
  const c = (name: string, ...content: (Markup | string | undefined)[]) => xml(`CERTCMN:${name}`, {}, ...content);
  return c(
    'X509DataInfo',
    c('CertRef', ref),
    certificate === undefined
      ? undefined
      : c(
          'X509Data',
          c(
            'X509IssuerSerial',
            c('X509IssuerName', certificate.issuer),
            c('X509SerialNumber', BigInt(`0x${certificate.serialNumber}`).toString()),
          ),
          c('X509SubjectName', certificate.subject),
          c('X509Certificate', Buffer.from(certificate.der).toString('base64')),
        ),
  );
}

export const certificateService = [readCardCertificate];
