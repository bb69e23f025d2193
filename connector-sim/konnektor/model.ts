// The Konnektor's information model (konnektor.md 11; gemSpec_Kon 4.1.1): Mandanten, ClientSystems, Workplaces, terminals
// and cards, and who is assigned to whom. Plain data; the rules are in context.ts and cards.ts.
import type { Issued } from '../../certs/mint.ts';
import type { KonnektorManners, KonnektorVendor } from '../tables/konnektor-profiles.ts';
import type { EventDesk } from './events.ts';
import type { Credentials, Transport } from './transport.ts';

/**
 * D23: what the simulated person at the PIN pad does; holds until changed. `different` and `short` are about a new PIN: typed
 * otherwise the second time (4067), of a forbidden length (4068); where none is asked for they type the right one.
 */
export const ENTERED_PIN = ['right', 'wrong', 'cancel', 'timeout', 'none', 'different', 'short'] as const;
export type EnteredPin = (typeof ENTERED_PIN)[number];

export const PIN_STATUS = ['VERIFIED', 'VERIFIABLE', 'BLOCKED', 'TRANSPORT_PIN', 'EMPTY_PIN'] as const;
export type PinStatus = (typeof PIN_STATUS)[number];

/** Wrong entries of a PIN that block it. */
export const PIN_TRIES = 3;

export type CertRef = 'C.AUT' | 'C.ENC' | 'C.SIG' | 'C.QES';

/** SM-B is SMC-B and HSM-B; HBA and eGK are bystanders, the SMC-KT is the terminal's own. */
export const CARD_KINDS = ['SMC-B', 'HSM-B', 'SMC-KT', 'HBA', 'EGK'] as const;

export type SimTerminal = {
  ctId: string;
  name: string;
  macAddress: string;
  ipAddress: string;
  slots: number;
  /** False: the virtual terminal of an HSM-B, without display and PIN pad (konnektor.md 8). */
  physical: boolean;
  /** Whether the administrator lets the Konnektor use it (4221). */
  active: boolean;
  connected: boolean;
  workplaces: string[];
  /** When it came or went, ms; absent: it is as it was when the Konnektor started. */
  changedAt?: number;
};

/** A PIN and its PUK. VERIFIED is not here: it belongs to a card session. */
export type CardPin = {
  pinState: Exclude<PinStatus, 'VERIFIED'>;
  leftTries: number;
  /** Uses of the PUK that are left, right and wrong ones counted. */
  pukTries: number;
  /** Card sessions under the present handle for which it is verified: of an SM-B by Mandant (konnektor.md 2.2). */
  verifiedFor: Set<string>;
  /** What is blocked is the transport PIN: no PUK makes an owner's PIN of it (KON-07). */
  transportPinLost: boolean;
};

/** Its own members as a CardPin are PIN.SMC of an SM-B, PIN.CH of an HBA or eGK. */
export type SimCard = CardPin & {
  iccsn: string;
  cardType: (typeof CARD_KINDS)[number];
  telematikId: string | null;
  holder: string | null;
  /** Of an eGK, invented. */
  kvnr: string | null;
  ctId: string;
  slotId: number;
  inserted: boolean;
  insertedAt: number;
  /** New with every insertion, every reconnection of the terminal and every Konnektor start; null while not readable. */
  cardHandle: string | null;
  /** PIN.QES of an HBA. */
  pinQes: CardPin | null;
  enteredPin: EnteredPin;
  signDelayMs: number;
  /** On elliptic curves. */
  certificates: ReadonlyMap<CertRef, Issued>;
  rsaCertificates: ReadonlyMap<CertRef, Issued>;
};

export type Mandant = {
  id: string;
  clientSystems: string[];
  workplaces: string[];
  terminals: string[];
  smbs: string[];
};

export type InformationModel = {
  mandants: Mandant[];
  /** workplaces each ClientSystem may use */
  clientSystems: Map<string, string[]>;
  /** terminals each Workplace reaches, local and remote */
  workplaces: Map<string, { local: string[]; remote: string[]; remotePinTerminal?: string }>;
};

/**
 * A PIN entry somebody has asked for and nobody has made yet, at one terminal; `arrive` = the person acts now. `goesOn`: nothing
 * that would end it has changed.
 */
export type PendingPinEntry = { iccsn: string; arrive: () => void; goesOn?: () => boolean };

export type KonnektorState = {
  /** `k1` is the one of the default world; its address is N+2. */
  id: string;
  /** Whose it is; undefined: the world's choice by seed. */
  vendor: KonnektorVendor | undefined;
  transport: Transport;
  credentials: Credentials;
  /** Single manners that are not its vendor's. */
  manners: Partial<KonnektorManners>;
  terminals: Map<string, SimTerminal>;
  cards: Map<string, SimCard>;
  model: InformationModel;
  /** konnektor.md 2.5: form of the ECDSA value; production Konnektoren do both. */
  signatureFormat: 'der' | 'raw';
  startedAt: number;
  /** Conditions of `tables/operating-states.ts` that hold, and since when. */
  conditions: Map<string, number>;
  /** by ctId: a terminal has one display */
  pinEntries: Map<string, PendingPinEntry>;
  events: EventDesk;
  /** How its events travel; set at the Konnektor, since the sink must know it beforehand (konnektor.md 7). */
  cetp: 'tls' | 'tcp';
};
