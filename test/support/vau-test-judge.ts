// What the tests of the simulator's VAU look at: its error messages, CertData, and the checks of a client on the server's keys,
// one by one (epa-record-system.md 1.4, 1.7).
import { verify } from 'node:crypto';
import { ROLE } from '../../certs/admission.ts';
import { readCertificate } from '../../certs/certificate.ts';
import { judgeOcspResponse } from '../../certs/ocsp.ts';
import { requireKeyUsage, requireRole, verifyChain } from '../../certs/trust.ts';
import type { HttpAnswer } from '../../connector-sim/http-server.ts';
import { type CborMap, cborBytes, cborText, cborUint, decodeCborMap } from '../../wire/cbor.ts';
import { writeRequest } from '../../wire/http-message.ts';
import { checkPublicKeys } from '../../wire/vau-keys.ts';
import { AGENT, ask, bytesOf, sharedPki, type TestSim } from './sim-services.ts';
import type { SignedKeys } from './vau-test-client.ts';

export const DAY = 86_400_000;

/** HTTP status, error code and rule of a VAU error message; throws when the answer is none. */
export function errorOf(answer: HttpAnswer): { http: number; code: number; rule: string | null | undefined } {
  const map = decodeCborMap(bytesOf(answer));
  assert(cborText(map, 'MessageType') === 'Error' && cborText(map, 'ErrorMessage') !== '');
  return { http: answer.status, code: cborUint(map, 'ErrorCode'), rule: answer.rule };
}

export async function certData(sim: TestSim, signed: SignedKeys): Promise<CborMap> {
  const hash = Buffer.from(signed.certHash).toString('hex');
  return decodeCborMap(bytesOf(await ask(sim.recordSystem, { url: `/CertData.${hash}-${signed.cdv}` })));
}

/** An inner GET as bytes. */
export function innerGet(path: string): Uint8Array {
  const headers: [string, string][] = [
    ['Host', 'epa-as-1.test'],
    ['x-useragent', AGENT],
    ['X-Request-ID', '00000000-0000-4000-8000-000000000001'],
  ];
  return writeRequest({ method: 'GET', path, headers, body: new Uint8Array() });
}

/** The names of all checks of 1.4 that fail for these keys. */
export async function failedChecks(sim: TestSim, signed: SignedKeys): Promise<string[]> {
  const map = await certData(sim, signed);
  const pki = sharedPki();
  const certificate = readCertificate(cborBytes(map, 'cert'));
  const supplied = [cborBytes(map, 'ca'), ...chainOf(map)].map((der) => readCertificate(der));
  const anchors = {
    roots: [pki.tiRoot.certificate],
    intermediates: [pki.componentCa.certificate],
    ocspSigners: [pki.ocspSigner.certificate],
  };
  const at = new Date(sim.world.now());
  const issuer = supplied[0] ?? certificate;
  const stapled = { response: signed.ocsp, certificate, issuer, anchors, at, maxAgeMs: DAY, requireCertHash: true };
  const checks: Record<string, () => unknown> = {
    hash: () => assert(Buffer.compare(certificate.sha256, signed.certHash) === 0),
    role: () => requireRole(certificate, ROLE.epaVau),
    usage: () => requireKeyUsage(certificate, 'digitalSignature'),
    chain: () => verifyChain({ leaf: certificate, supplied, anchors, at }),
    ocsp: () => judgeOcspResponse(stapled),
    signature: () => {
      const key = { key: certificate.publicKey, dsaEncoding: 'ieee-p1363' as const };
      assert(signed.signature.length === 64);
      assert(verify('sha256', cborBytes(signed.map, 'signed_pub_keys'), key, signed.signature));
    },
    expiry: () => assert(cborUint(signed.publicKeys, 'exp') > at.getTime() / 1000),
    life: () => {
      const [iat, exp] = [Number(signed.publicKeys.iat), Number(signed.publicKeys.exp ?? 0)];
      assert(iat <= at.getTime() / 1000 && exp - iat <= 30 * 86_400);
    },
    keys: () => checkPublicKeys(signed.publicKeys),
  };
  return Object.entries(checks)
    .filter(([, check]) => throws(check))
    .map(([name]) => name);
}

function chainOf(map: CborMap): Uint8Array[] {
  const chain = map.rca_chain;
  return Array.isArray(chain) ? chain.filter((der) => der instanceof Uint8Array) : [];
}

function assert(holds: boolean): void {
  if (!holds) throw new Error('does not hold');
}

function throws(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch {
    return true;
  }
}
