// The simulator's IDP and record systems without sockets: services of connector-sim called by their handlers, on a fixed seed
// and a clock that stands still unless a test moves it.

import { ROLE } from '../../certs/admission.ts';
import type { Issued } from '../../certs/mint.ts';
import { Faults } from '../../connector-sim/faults.ts';
import type { HttpAnswer, HttpRequestIn } from '../../connector-sim/http-server.ts';
import { createIdp, type Idp } from '../../connector-sim/idp/idp.ts';
import { createOcspResponder } from '../../connector-sim/ocsp.ts';
import type { SimParts, SimService } from '../../connector-sim/parts.ts';
import { createPki, mintSmcb, type SimPki } from '../../connector-sim/pki.ts';
import { createRecordSystem, type RecordSystem } from '../../connector-sim/record-system/record-system.ts';
import { DEMO_TELEMATIK_ID, type VendorChoice, World } from '../../connector-sim/world.ts';

export const KVNR = 'X110411675';
export const OTHER_KVNR = 'A123456780';
export const UNENTITLED_KVNR = 'B123456782';
export const SUSPENDED_KVNR = 'C123456784';
export const START = Date.parse('2026-11-30T08:00:00Z');
export const AGENT = 'SIMTEST0000000000001/1.0.0';

export type TestSim = {
  parts: SimParts;
  world: World;
  faults: Faults;
  idp: Idp;
  recordSystem: RecordSystem;
  otherSystem: RecordSystem;
  ocsp: SimService;
  /** C.AUT of the demo DiGA's SMC-B */
  card: Issued;
  advance(ms: number): void;
};

let pki: SimPki | undefined;
/** One PKI for a test file: twenty key pairs are not needed anew for each test. */
export function sharedPki(): SimPki {
  pki ??= createPki({ telematikId: DEMO_TELEMATIK_ID, organization: 'Demo DiGA GmbH', realNow: START });
  return pki;
}

export function createTestSim(o: { seed?: number; strict?: boolean; recordSystems?: VendorChoice } = {}): TestSim {
  let now = START;
  const given = [DEMO_TELEMATIK_ID];
  const world = new World({
    pki: sharedPki(),
    seed: o.seed ?? 1,
    recordSystems: o.recordSystems,
    realNow: () => now,
    insured: [
      { kvnr: KVNR, recordSystem: 'epa-as-1', entitled: given },
      { kvnr: OTHER_KVNR, recordSystem: 'epa-as-2', entitled: given },
      { kvnr: UNENTITLED_KVNR, recordSystem: 'epa-as-1', entitled: [] },
      { kvnr: SUSPENDED_KVNR, recordSystem: 'epa-as-1', entitled: given, status: 'SUSPENDED' },
    ],
  });
  const faults = new Faults({ random: () => world.random(), konnektors: () => world.konnektors.keys() });
  const parts: SimParts = {
    world,
    pki: sharedPki(),
    faults,
    strict: o.strict ?? true,
    addresses: {
      konnektor: 'https://konnektor.test',
      recordSystems: { 'epa-as-1': 'https://epa-as-1.test', 'epa-as-2': 'https://epa-as-2.test' },
      idp: 'https://idp.test',
      control: 'http://control.test',
      ocsp: 'http://ocsp.test',
    },
  };
  const idp = createIdp(parts);
  return {
    parts,
    world,
    faults,
    idp,
    recordSystem: createRecordSystem({ ...parts, id: 'epa-as-1', idp }),
    otherSystem: createRecordSystem({ ...parts, id: 'epa-as-2', idp }),
    ocsp: createOcspResponder(parts),
    card: autOf(sharedPki().smcb.certificates),
    advance: (ms) => {
      now += ms;
    },
  };
}

/** C.AUT of another SMC-B of the same CA. */
export function mintCard(o: { telematikId: string; roleOid?: string; notBefore?: Date; notAfter?: Date }): Issued {
  const life = {
    notBefore: o.notBefore ?? new Date(START - 86_400_000),
    notAfter: o.notAfter ?? new Date(START + 365 * 86_400_000),
  };
  const { telematikId, roleOid = ROLE.diga } = o;
  return autOf(mintSmcb({ smcbCa: sharedPki().smcbCa, organization: 'Andere GmbH', telematikId, life, roleOid }));
}

function autOf(certificates: SimPki['smcb']['certificates']): Issued {
  const aut = certificates.get('C.AUT');
  if (aut === undefined) throw new Error('no C.AUT');
  return aut;
}

/** One outer request. */
export function ask(
  service: SimService,
  o: { method?: string; url: string; headers?: [string, string][]; body?: Uint8Array | string },
): Promise<HttpAnswer> {
  const url = new URL(o.url, 'https://sim.test');
  const request: HttpRequestIn = {
    method: o.method ?? 'GET',
    // URL() would fold the doubled slashes of a VAU-CID in no case, but a path stays as it was given
    path: o.url.startsWith('/') ? (o.url.split('?')[0] ?? '') : url.pathname,
    query: url.searchParams,
    headers: o.headers ?? [],
    body: typeof o.body === 'string' ? Buffer.from(o.body) : (o.body ?? new Uint8Array()),
  };
  return service.handle(request);
}

export function bytesOf(answer: HttpAnswer): Uint8Array {
  return typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
}

export function jsonOf(answer: { body: Uint8Array | string }): Record<string, unknown> {
  return JSON.parse(Buffer.from(answer.body).toString('utf8')) as Record<string, unknown>;
}

/** The record of an insured as the simulator holds it. */
export const recordOf = (sim: TestSim, kvnr = KVNR) => {
  const record = sim.world.records.get(kvnr);
  if (record === undefined) throw new Error('no record');
  return record;
};
