// The simulated OCSP responder of the TI (RFC 6960, A.1.1; C.GEM.OCSP): one address for every CA of the test PKI, by POST
// and by GET, signed by the OCSP signer, with the certHash extension (gemSpec_PKI).
import type { Certificate } from '../certs/certificate.ts';
import type { Issued } from '../certs/mint.ts';
import { createOcspResponse, type OcspStatus, readOcspRequest } from '../certs/ocsp.ts';
import { type CertIdHash, certIdOf, sameCertId } from '../certs/ocsp-cert-id.ts';
import { type HttpAnswer, type HttpRequestIn, headerOf } from './http-server.ts';
import { isSmb } from './konnektor/cards.ts';
import { underFault } from './network-faults.ts';
import type { SimParts, SimService } from './parts.ts';
import { createTrustLists } from './tsl.ts';

const HOUR = 3_600_000;

/** DER of an OCSPResponse that says only `unauthorized` (6) or `malformedRequest` (1). */
const failure = (status: 1 | 6): Uint8Array => Uint8Array.of(0x30, 0x03, 0x0a, 0x01, status);

export function createOcspResponder(parts: SimParts): SimService {
  const { world, pki, faults } = parts;
  const trustLists = createTrustLists(parts);

  function judge(request: HttpRequestIn, about: Asked | undefined, kind: string | undefined): HttpAnswer {
    if (requestOf(request) === undefined || about === undefined) return answer(failure(1), 'ocsp.request');
    if (about.found === undefined) return answer(failure(6), 'ocsp.unknown-certificate');
    const now = world.now();
    const status: OcspStatus = kind === 'revoked' || kind === 'unknown' ? kind : 'good';
    const producedAt = new Date(kind === 'stale' ? now - 25 * HOUR : now);
    const foreignKey = { certificate: pki.ocspSigner.certificate, privateKey: pki.idpSigner.privateKey };
    const signer =
      kind === 'wrong-certificate' ? pki.idpSigner : kind === 'wrong-signature' ? foreignKey : pki.ocspSigner;
    // RFC 6960 4.2.2.1: a responder that always knows the newest leaves nextUpdate away.
    const nextUpdate =
      world.choices.ocspNextUpdate === 'six-hours' ? { nextUpdate: new Date(producedAt.getTime() + 6 * HOUR) } : {};
    const { certificate, issuer } = about.found;
    // RFC 6960 4.2.1: the CertID is the one of the request, hash algorithm included.
    const certIdHash = about.hash;
    return answer(createOcspResponse({ certificate, issuer, certIdHash, status, producedAt, signer, ...nextUpdate }));
  }

  /** Which certificate a request asks about; undefined: it is none. */
  function asked(request: HttpRequestIn): Asked | undefined {
    const der = requestOf(request);
    if (der === undefined) return undefined;
    try {
      const certId = readOcspRequest(der);
      const { hash } = certId;
      // The serial number of another issuer's certificate is none of ours.
      const found = certificatesOf(parts).find(({ certificate, issuer }) =>
        sameCertId(certIdOf(certificate, issuer, hash), certId),
      );
      return { hash, found };
    } catch {
      return undefined;
    }
  }

  return {
    async handle(request) {
      const list = request.method === 'GET' ? trustLists(request.path) : undefined;
      if (list !== undefined) return list;
      if (!isOwnPath(request)) return answerNotFound();
      const about = asked(request);
      const iccsn = about?.found?.iccsn;
      const fault = faults.take('ocsp', iccsn === undefined ? {} : { iccsn });
      const answered = await underFault(fault, 'ocsp', async () => judge(request, about, fault?.kind));
      return { operation: 'ocsp', ...answered };
    },
  };
}

function answer(body: Uint8Array, rule: string | null = null): HttpAnswer {
  return { status: 200, headers: [['Content-Type', 'application/ocsp-response']], body, rule };
}

/** The address of the settings, /ocsp: a gateway with a wrong path in its own must not find somebody at home. */
const isOwnPath = ({ method, path }: HttpRequestIn) =>
  method === 'GET' ? path.startsWith('/ocsp/') : path === '/ocsp';

const answerNotFound = (): HttpAnswer => ({
  status: 404,
  headers: [['Content-Type', 'text/plain; charset=utf-8']],
  body: 'no OCSP responder at this path\n',
  operation: 'ocsp',
  rule: 'ocsp.path',
});

/** POST carries the DER, GET its Base64 as the last, percent-encoded part of the path. */
function requestOf(request: HttpRequestIn): Uint8Array | undefined {
  if (request.method === 'POST') {
    return headerOf(request, 'content-type') === 'application/ocsp-request' ? request.body : undefined;
  }
  if (request.method !== 'GET') return undefined;
  const encoded = request.path.slice('/ocsp/'.length);
  try {
    return Buffer.from(decodeURIComponent(encoded), 'base64');
  } catch {
    return undefined;
  }
}

type Known = { certificate: Certificate; issuer: Certificate; iccsn?: string };
type Asked = { hash: CertIdHash; found: Known | undefined };

/** Every end-entity certificate of the TI part of the PKI with its issuer, those of all cards at all Konnektors included. */
function certificatesOf({ pki, world }: Pick<SimParts, 'pki' | 'world'>): Known[] {
  const component = [
    ...Object.values(pki.vau),
    pki.idpSigner,
    pki.ocspSigner,
    ...[pki.tls, pki.tlsRsa].flatMap((tls) => [tls['epa-as-1'], tls['epa-as-2'], tls.idp]),
  ];
  const plugged = [...world.konnektors.values()].flatMap(({ cards }) => [...cards.values()]);
  // those of persons are of another CA; a card of the beginning is known to its issuer wherever it is now
  const ofCard = (iccsn: string, ...kinds: ReadonlyMap<string, Issued>[]) => ({
    iccsn,
    all: kinds.flatMap((kind) => [...kind.values()]),
  });
  const cards = [
    ...[pki.smcb, ...world.cards].map((card) => ofCard(card.iccsn, card.certificates)),
    ...plugged.filter(isSmb).map((card) => ofCard(card.iccsn, card.certificates, card.rsaCertificates)),
  ];
  return [
    ...cards.flatMap(({ iccsn, all }) =>
      all.map((i) => ({ certificate: i.certificate, issuer: pki.smcbCa.certificate, iccsn })),
    ),
    ...component.map((i) => ({ certificate: i.certificate, issuer: pki.componentCa.certificate })),
  ];
}
