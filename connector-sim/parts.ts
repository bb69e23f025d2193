// What every simulated service is given (joined in main.ts), and what it gives back. Addresses are filled when all
// listeners stand, before the first request: read them at request time, not at construction.
import type { Faults } from './faults.ts';
import type { HttpHandler } from './http-server.ts';
import type { CetpOut } from './konnektor/cetp-out.ts';
import type { KonnektorIdentity } from './konnektor/konnektor-tls.ts';
import type { SimPki } from './pki.ts';
import type { RecordSystemId } from './records.ts';
import type { World } from './world.ts';

export type Addresses = {
  konnektor: string;
  recordSystems: Record<RecordSystemId, string>;
  /** also the IDP's issuer */
  idp: string;
  control: string;
  ocsp: string;
};

export type SimParts = {
  world: World;
  pki: SimPki;
  faults: Faults;
  addresses: Addresses;
  /** What a Konnektor's TLS shows now; absent where no listener stands. */
  identityOf?: (konnektor: string) => KonnektorIdentity | undefined;
  /** Sends the Konnektors' events to their sinks; absent where none are to be sent. */
  cetp?: CetpOut;
  /** TST-03: false stops the checks that `leniencies` names. */
  strict: boolean;
};

/**
 * A service: `createIdp(parts)`, `createRecordSystem({ ...parts, id, idp })`, `createOcspResponder(parts)` give one, with
 * whatever else they offer each other (the IDP redeems codes for the record systems). `view` is its part of GET /sim/state.
 */
export type SimService = { handle: HttpHandler; view?(): Record<string, unknown> };
