// OCSP answers about one certificate of a test PKI, good but for what a test changes, and how they are judged.
import { sign } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { encodeDer } from '../../certs/der.ts';
import { createOcspResponse, judgeOcspResponse } from '../../certs/ocsp.ts';
import { certCodeOf, createTestPki, DAY } from './test-pki.ts';

export const pki = createTestPki();
export const at = new Date();
export const ago = (ms: number): Date => new Date(at.getTime() - ms);

type Answer = Parameters<typeof createOcspResponse>[0];
type Judgement = Parameters<typeof judgeOcspResponse>[0];

export const goodAnswer: Answer = {
  certificate: pki.leaf.certificate,
  issuer: pki.ca.certificate,
  status: 'good',
  producedAt: ago(1000),
  signer: pki.ocspSigner,
};

export function judge(answer: Partial<Answer> | Uint8Array, judgement: Partial<Judgement> = {}) {
  return judgeOcspResponse({
    response: answer instanceof Uint8Array ? answer : createOcspResponse({ ...goodAnswer, ...answer }),
    certificate: pki.leaf.certificate,
    issuer: pki.ca.certificate,
    anchors: pki.anchors,
    at,
    maxAgeMs: DAY,
    requireCertHash: true,
    ...judgement,
  });
}

/** The code it is refused with. */
export const codeOf = (...o: Parameters<typeof judge>): string => certCodeOf(() => judge(...o));

/** The good answer taken apart, changed, and signed anew by the right responder. */
export function resigned(change: (data: pkijs.ResponseData, basic: pkijs.BasicOCSPResponse) => void): Uint8Array {
  const response = pkijs.OCSPResponse.fromBER(new Uint8Array(createOcspResponse(goodAnswer)));
  const inner = response.responseBytes?.response.valueBlock.valueHexView ?? new Uint8Array();
  const basic = pkijs.BasicOCSPResponse.fromBER(new Uint8Array(inner));
  change(basic.tbsResponseData, basic);
  const tbs = encodeDer(basic.tbsResponseData.toSchema(true));
  basic.tbsResponseData.tbsView = tbs;
  basic.signature = new asn1js.BitString({ valueHex: new Uint8Array(sign('sha256', tbs, pki.ocspSigner.privateKey)) });
  return wrapped(encodeDer(basic.toSchema()), '1.3.6.1.5.5.7.48.1.1');
}

/** The form of an answer around `inner`. */
export function wrapped(inner: Uint8Array, responseType: string): Uint8Array {
  const response = new asn1js.OctetString({ valueHex: new Uint8Array(inner) });
  const responseBytes = new pkijs.ResponseBytes({ responseType, response });
  const responseStatus = new asn1js.Enumerated({ value: 0 });
  return encodeDer(new pkijs.OCSPResponse({ responseStatus, responseBytes }).toSchema());
}

/** What it says of the one certificate it is about. */
export function onlyResponse(data: pkijs.ResponseData): pkijs.SingleResponse {
  const [single] = data.responses;
  if (single === undefined) throw new Error('no response');
  return single;
}
