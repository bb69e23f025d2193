import { ROLE } from '../../../../certs/admission.ts';
import { type Issued, mintCa, mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import type { TrustAnchors } from '../../../../certs/trust.ts';
import {
  EgressError,
  type EgressErrorCode,
  type EgressRequest,
  type EgressResponse,
} from '../../../../gateway/egress.ts';
import { GatewayError } from '../../../../gateway/errors.ts';
import type { EgressPort } from '../../../../gateway/record-system/outside.ts';
import type { SmcbSigner } from '../../../../gateway/smcb-signer.ts';
import { signDigest } from '../../../../wire/jose.ts';

export const NOW = Date.parse('2026-11-25T10:00:00Z');
export const RECORD_SYSTEM = { id: 'epa-as-1', url: 'https://as1.test' };
export const USER_AGENT = 'TESTCLIENT0000000001/0.1.0';
export const TELEMATIK_ID = '9-TEST-DIGA-0001';
const DAY = 86_400_000;
const YEAR = 365 * DAY;

const admission = (oid: string, registrationNumber?: string) => ({
  professionItems: ['TEST-ONLY'],
  professionOids: [oid],
  registrationNumber,
});
/** Valid around NOW whatever the machine's clock says. */
const WHEN = { notBefore: new Date(NOW - DAY), notAfter: new Date(NOW + YEAR) };
const CA_WHEN = { notBefore: new Date(NOW - 3 * YEAR), notAfter: new Date(NOW + 5 * YEAR) };

export type Pki = {
  root: Issued;
  ca: Issued;
  vau: Issued;
  idp: Issued;
  ocsp: Issued;
  smcb: Issued;
  anchors: TrustAnchors;
};

export function createPki(): Pki {
  const root = mintRoot('Root', CA_WHEN);
  const ca = mintCa(root, 'Component CA', CA_WHEN);
  const leaf = (commonName: string, oid: string, registrationNumber?: string) =>
    mintLeaf(ca, { commonName, ...WHEN, admission: admission(oid, registrationNumber) });
  const ocsp = mintLeaf(ca, { commonName: 'OCSP', ...WHEN, extendedKeyUsage: ['OCSPSigning'] });
  return {
    root,
    ca,
    vau: leaf('VAU', ROLE.epaVau),
    idp: leaf('IDP', ROLE.idpd),
    ocsp,
    smcb: leaf('SMC-B', ROLE.diga, TELEMATIK_ID),
    anchors: { roots: [root.certificate], intermediates: [], ocspSigners: [ocsp.certificate] },
  };
}

export { admission, CA_WHEN, DAY, WHEN, YEAR };

export function smcbSigner(pki: Pki): SmcbSigner & { signatures: number } {
  const signer = {
    telematikId: TELEMATIK_ID,
    iccsn: '80276001010000000001',
    certificateDer: pki.smcb.certificate.der,
    signatures: 0,
    sign: async (sha256: Uint8Array) => {
      signer.signatures += 1;
      return signDigest(sha256, pki.smcb.privateKey);
    },
  };
  return signer;
}

// ---- egress

export type Answer = { status: number; headers?: Record<string, string>; body?: Uint8Array | string };
export type Call = { purpose: string; request: EgressRequest; body: Uint8Array };
/** Undefined: this route is not mine. */
export type Route = (call: Call) => Answer | undefined | Promise<Answer | undefined>;

export type FakeEgress = EgressPort & { calls: Call[]; paths(): string[] };

/** Behaves like Egress: hook first, then the body is drawn whole, then the answer; what the source throws is BODY_FAILED. */
export function fakeEgress(...routes: Route[]): FakeEgress {
  const calls: Call[] = [];
  return {
    calls,
    paths: () => calls.map((call) => `${call.request.method} ${new URL(call.request.url).pathname}`),
    async request(purpose, request): Promise<EgressResponse> {
      let bytesSent = false;
      const chunks: Uint8Array[] = [];
      try {
        await request.onFirstByte?.();
        const source =
          request.body === undefined || request.body instanceof Uint8Array
            ? [request.body ?? new Uint8Array()]
            : request.body.chunks();
        for await (const chunk of source) {
          bytesSent = true;
          chunks.push(Uint8Array.from(chunk));
        }
      } catch (cause) {
        throw new EgressError('BODY_FAILED', 'our own request failed', { bytesSent, cause });
      }
      const call = { purpose, request, body: new Uint8Array(Buffer.concat(chunks)) };
      const announced = request.body instanceof Uint8Array ? request.body.length : (request.body?.length ?? 0);
      if (call.body.length !== announced) throw new Error(`announced ${announced} bytes, sent ${call.body.length}`);
      calls.push(call);
      for (const route of routes) {
        const answer = await route(call);
        if (answer === undefined) continue;
        const { status, headers = {}, body = '' } = answer;
        return { status, headers, body: typeof body === 'string' ? new TextEncoder().encode(body) : body };
      }
      throw new Error(`no route for ${request.method} ${request.url}`);
    },
  };
}

export function failsWith(code: EgressErrorCode, bytesSent = true): never {
  throw new EgressError(code, `test: ${code}`, { bytesSent });
}

/** The GatewayError a promise ends with, as `CODE check`; anything else fails the test. */
export async function refusalOf(act: Promise<unknown>): Promise<string> {
  const error = await errorOf(act);
  return error.check === undefined ? error.code : `${error.code} ${error.check}`;
}

export async function errorOf(act: Promise<unknown>): Promise<GatewayError> {
  try {
    await act;
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown;
    throw thrown;
  }
  throw new Error('nothing thrown');
}
