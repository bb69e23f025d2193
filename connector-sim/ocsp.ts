// The simulated OCSP responder of the TI (RFC 6960, A.1.1; C.GEM.OCSP): one address for every CA of the test PKI, by POST
// and by GET, signed by the OCSP signer, with the certHash extension (gemSpec_PKI).
import type { Certificate } from '../certs/certificate.ts';
import { createOcspResponse, type OcspStatus, readOcspRequest } from '../certs/ocsp.ts';
import { type HttpAnswer, type HttpRequestIn, headerOf } from './http-server.ts';
import { underFault } from './network-faults.ts';
import type { SimParts, SimService } from './parts.ts';
import type { SimPki } from './pki.ts';
import { createTrustLists } from './tsl.ts';

/** DER of an OCSPResponse that says only `unauthorized` (6) or `malformedRequest` (1). */
const failure = (status: 1 | 6): Uint8Array => Uint8Array.of(0x30, 0x03, 0x0a, 0x01, status);

export function createOcspResponder(parts: SimParts): SimService {
  const { world, pki, faults } = parts;
  const trustLists = createTrustLists(parts);

  function judge(request: HttpRequestIn, kind: string | undefined): HttpAnswer {
    const der = requestOf(request);
    if (der === undefined) return answer(failure(1), 'ocsp.request');
    let serialNumber: string;
    try {
      serialNumber = readOcspRequest(der).serialNumber;
    } catch {
      return answer(failure(1), 'ocsp.request');
    }
    const found = certificatesOf(pki).find(({ certificate }) => certificate.serialNumber === serialNumber);
    if (found === undefined) return answer(failure(6), 'ocsp.unknown-certificate');
    const now = world.now();
    const status: OcspStatus = kind === 'revoked' ? 'revoked' : 'good';
    const producedAt = new Date(kind === 'stale' ? now - 25 * 3_600_000 : now);
    const foreignKey = { certificate: pki.ocspSigner.certificate, privateKey: pki.idpSigner.privateKey };
    const signer =
      kind === 'wrong-certificate' ? pki.idpSigner : kind === 'wrong-signature' ? foreignKey : pki.ocspSigner;
    return answer(createOcspResponse({ ...found, status, producedAt, signer }));
  }

  return {
    async handle(request) {
      const list = request.method === 'GET' ? trustLists(request.path) : undefined;
      if (list !== undefined) return list;
      const fault = faults.take('ocsp');
      const answered = await underFault(fault, 'ocsp', async () => judge(request, fault?.kind));
      return { operation: 'ocsp', ...answered };
    },
  };
}

function answer(body: Uint8Array, rule: string | null = null): HttpAnswer {
  return { status: 200, headers: [['Content-Type', 'application/ocsp-response']], body, rule };
}

/** POST carries the DER, GET its Base64 as the last, percent-encoded part of the path. */
function requestOf(request: HttpRequestIn): Uint8Array | undefined {
  if (request.method === 'POST') {
    return headerOf(request, 'content-type') === 'application/ocsp-request' ? request.body : undefined;
  }
  if (request.method !== 'GET') return undefined;
  const encoded = request.path.replace(/^\/(ocsp\/)?/, '');
  try {
    return Buffer.from(decodeURIComponent(encoded), 'base64');
  } catch {
    return undefined;
  }
}

/** Every end-entity certificate of the TI part of the PKI with its issuer. */
function certificatesOf(pki: SimPki): { certificate: Certificate; issuer: Certificate }[] {
  const component = [
    ...Object.values(pki.vau),
    pki.idpSigner,
    pki.ocspSigner,
    ...[pki.tls, pki.tlsRsa].flatMap((tls) => [tls['epa-as-1'], tls['epa-as-2'], tls.idp]),
  ];
  return [
    ...[...pki.smcb.certificates.values()].map((i) => ({ certificate: i.certificate, issuer: pki.smcbCa.certificate })),
    ...component.map((i) => ({ certificate: i.certificate, issuer: pki.componentCa.certificate })),
  ];
}
