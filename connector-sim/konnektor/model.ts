// The Konnektor's information model (konnektor.md 11; gemSpec_Kon 4.1.1): Mandanten, ClientSystems, Workplaces, terminals
// and cards, and who is assigned to whom. Plain data; the rules are in context.ts and cards.ts.
import type { Issued } from '../../certs/mint.ts';
import type { KonnektorManners, KonnektorVendor } from '../tables/konnektor-profiles.ts';

/** D23: what the simulated person at the PIN pad does; holds until changed. */
export const ENTERED_PIN = ['right', 'wrong', 'cancel', 'timeout', 'none'] as const;
export type EnteredPin = (typeof ENTERED_PIN)[number];

export const PIN_STATUS = ['VERIFIED', 'VERIFIABLE', 'BLOCKED', 'TRANSPORT_PIN', 'EMPTY_PIN'] as const;
export type PinStatus = (typeof PIN_STATUS)[number];

export type CertRef = 'C.AUT' | 'C.ENC' | 'C.SIG';

export type SimTerminal = {
  ctId: string;
  name: string;
  macAddress: string;
  ipAddress: string;
  slots: number;
  connected: boolean;
  workplaces: string[];
};

export type SimCard = {
  iccsn: string;
  cardType: 'SMC-B' | 'SMC-KT';
  telematikId: string | null;
  holder: string | null;
  ctId: string;
  slotId: number;
  inserted: boolean;
  insertedAt: number;
  /** New with every insertion, every reconnection of the terminal and every Konnektor start; null while not readable. */
  cardHandle: string | null;
  /** The card's own state; VERIFIED is not here: it belongs to a card session. */
  pinState: Exclude<PinStatus, 'VERIFIED'>;
  leftTries: number;
  /** Card sessions of an SM-B: Mandanten for which PIN.SMC is verified under the present handle (konnektor.md 2.2). */
  verifiedFor: Set<string>;
  enteredPin: EnteredPin;
  signDelayMs: number;
  certificates: ReadonlyMap<CertRef, Issued>;
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

/** A PIN entry somebody has asked for and nobody has made yet, at one terminal; `arrive` = the person acts now. */
export type PendingPinEntry = { iccsn: string; arrive: () => void };

export type KonnektorState = {
  /** `k1` is the one of the default world; its address is N+2. */
  id: string;
  /** Whose it is; undefined: the world's choice by seed. */
  vendor: KonnektorVendor | undefined;
  /** Single manners that are not its vendor's. */
  manners: Partial<KonnektorManners>;
  terminals: Map<string, SimTerminal>;
  cards: Map<string, SimCard>;
  model: InformationModel;
  /** konnektor.md 2.5: form of the ECDSA value; production Konnektoren do both. */
  signatureFormat: 'der' | 'raw';
  startedAt: number;
  /** by ctId: a terminal has one display */
  pinEntries: Map<string, PendingPinEntry>;
};
