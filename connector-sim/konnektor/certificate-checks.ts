// CertificateService 6.0.1, the questions about certificates (konnektor.md 2.4): CheckCertificateExpiration over the cards of a
// Mandant and the Konnektor's own, VerifyCertificate against the TI's root by the simulated clock (codes of gemSpec_PKI).
import { type Certificate, readCertificate } from '../../certs/certificate.ts';
import { CertError } from '../../certs/error.ts';
import { requireValidAt, verifyChain } from '../../certs/trust.ts';
import { type Markup, xml } from '../../wire/xml.ts';
import { certificatesOf, isSmb, readableCards } from './cards.ts';
import { checkAccess, checkCard, readContext } from './context.ts';
import { KonnektorFault, status, telematikError } from './konnektor-fault.ts';
import { firstIdentity } from './konnektor-tls.ts';
import { dateTimeOf, must, one, readCardHandle, readSequence, simpleText, tokenOf } from './message.ts';
import type { SimCard } from './model.ts';
import { declare, NS } from './namespaces.ts';
import { defineOperation, type OperationCall } from './soap-endpoint.ts';

export const CRYPTS = ['RSA', 'ECC'] as const;

/** What a line of the answer says; a certificate that lies on no card has neither terminal nor handle. */
type Expiration = { ctId: string; cardHandle: string; iccsn: string; certificate: Certificate };

const checkCertificateExpiration = defineOperation({
  name: 'CheckCertificateExpiration',
  ns: NS.CERT,
  read(body) {
    const found = readSequence(body, ['CONN:CardHandle?', 'CCTX:Context', 'CERT:Crypt?']);
    const [handle, crypt] = [one(found, 'CardHandle'), one(found, 'Crypt')];
    return {
      context: readContext(must(found, 'Context')),
      cardHandle: handle === undefined ? undefined : readCardHandle(handle),
      crypt: crypt === undefined ? undefined : tokenOf(crypt, CRYPTS),
    };
  },
  run({ context, cardHandle, crypt: asked }, { konnektor, pki, manners, identityOf }) {
    const access = checkAccess(konnektor, context);
    const crypt = asked ?? manners.defaultCrypt;
    const named = cardHandle === undefined ? undefined : checkCard(konnektor, access, cardHandle);
    if (named !== undefined && !hasCertificates(named)) throw new KonnektorFault(4209);
    // Without a handle: the Konnektor's own, and every HBAx and SM-B of the Mandant.
    const ofMandant = readableCards(konnektor).filter(
      (card) => access.mandant.terminals.includes(card.ctId) && hasCertificates(card),
    );
    const cards = named === undefined ? ofMandant.filter((card) => managed(card, access.mandant.smbs)) : [named];
    const shown = identityOf?.(konnektor.id) ?? firstIdentity(pki);
    const ofKind = shown.leaves.filter(
      (leaf) => (leaf.certificate.publicKey.asymmetricKeyType === 'rsa') === (crypt === 'RSA'),
    );
    const own = ofKind[0]?.certificate;
    const ownLine = { ctId: '', cardHandle: '', iccsn: shown.iccsn };
    return xml(
      'CERT:CheckCertificateExpirationResponse',
      declare('CERT', 'CONN'),
      status(),
      ...(named === undefined && own !== undefined ? [expirationMarkup({ ...ownLine, certificate: own })] : []),
      ...cards.flatMap((card) => {
        const certificate = certificatesOf(card, crypt).get('C.AUT')?.certificate;
        const { ctId, iccsn } = card;
        return certificate === undefined
          ? []
          : [expirationMarkup({ ctId, cardHandle: card.cardHandle ?? '', iccsn, certificate })];
      }),
    );
  },
});

const hasCertificates = (card: SimCard) => isSmb(card) || card.cardType === 'HBA';
const managed = (card: SimCard, smbs: readonly string[]) => !isSmb(card) || smbs.includes(card.iccsn);

function expirationMarkup({ ctId, cardHandle, iccsn, certificate }: Expiration): Markup {
  const c = (name: string, text: string) => xml(`CERT:${name}`, {}, text);
  return xml(
    'CERT:CertificateExpiration',
    {},
    c('CtID', ctId),
    xml('CONN:CardHandle', {}, cardHandle),
    c('ICCSN', iccsn),
    c('subject_commonName', certificate.commonName ?? ''),
    c('serialNumber', BigInt(`0x${certificate.serialNumber}`).toString()),
    c('validity', certificate.notAfter.toISOString().slice(0, 10)),
  );
}

type Verdict = { result: 'VALID' } | { result: 'INVALID' | 'INCONCLUSIVE'; code: number };

const verifyCertificate = defineOperation({
  name: 'VerifyCertificate',
  ns: NS.CERT,
  read(body) {
    const found = readSequence(body, ['CCTX:Context', 'CERTCMN:X509Certificate', 'CERT:VerificationTime?']);
    const at = one(found, 'VerificationTime');
    return {
      context: readContext(must(found, 'Context')),
      certificate: readDer(simpleText(must(found, 'X509Certificate'))),
      at: at === undefined ? undefined : dateTimeOf(at),
    };
  },
  run({ context, certificate, at }, call) {
    checkAccess(call.konnektor, context);
    const verdict = judge(certificate, at ?? new Date(call.world.now()), call);
    const roles = certificate.admission?.professionOids ?? [];
    const now = call.world.now();
    return xml(
      'CERT:VerifyCertificateResponse',
      declare('CERT', 'CONN'),
      status(),
      xml(
        'CERT:VerificationStatus',
        {},
        xml('CERT:VerificationResult', {}, verdict.result),
        'code' in verdict ? telematikError({ code: verdict.code, now, severity: 'Error' }) : undefined,
      ),
      // The schema demands one; a certificate without admission has no role to name.
      xml('CERT:RoleList', {}, ...(roles.length > 0 ? roles : ['']).map((role) => xml('CERT:Role', {}, role))),
    );
  },
});

function readDer(text: string): Certificate {
  const base64 = text.replace(/\s+/g, '');
  const der = Buffer.from(base64, 'base64');
  if (der.length === 0 || der.toString('base64') !== base64)
    throw new KonnektorFault(4000, 'X509Certificate is not base64');
  try {
    return readCertificate(der);
  } catch {
    throw new KonnektorFault(4000, 'X509Certificate is not readable');
  }
}

/** Chain and dates by our own trust code, revocation by the faults at this operation: `revoked`, and `stale` for no OCSP answer, as without a VPN. */
function judge(leaf: Certificate, at: Date, { pki, fault, konnektor }: OperationCall): Verdict {
  const anchors = {
    roots: [pki.tiRoot.certificate],
    intermediates: [pki.smcbCa.certificate, pki.hbaCa.certificate, pki.componentCa.certificate],
    ocspSigners: [],
  };
  const issuers = [...anchors.roots, ...anchors.intermediates];
  if (!issuers.some((issuer) => issuer.subject === leaf.issuer)) return { result: 'INVALID', code: 1027 };
  try {
    requireValidAt(leaf, at);
  } catch {
    return { result: 'INVALID', code: 1021 };
  }
  try {
    verifyChain({ leaf, anchors, at });
  } catch (error) {
    if (!(error instanceof CertError)) throw error;
    return { result: 'INVALID', code: /EXPIRED|NOT_YET/.test(error.code) ? 1021 : 1024 };
  }
  if (fault?.kind === 'revoked') return { result: 'INVALID', code: 1047 };
  const offline = konnektor.conditions.has('EC_No_VPN_TI_Connection');
  if (fault?.kind === 'stale' || offline) return { result: 'INCONCLUSIVE', code: 1032 };
  return { result: 'VALID' };
}

export const certificateChecks = [checkCertificateExpiration, verifyCertificate];
