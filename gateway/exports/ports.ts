// What the journey asks of the parts outside exports/: card, location, channel, write. Shapes only, so that the journey
// runs in tests with fakes; gateway/main.ts joins the real parts.
import type { GatewayError } from '../errors.ts';
import type { SmcbSigner } from '../smcb-signer.ts';
import type { DigaSettings } from '../tables/settings-manifest.ts';

export type CardPort = { signerFor(diga: DigaSettings): Promise<SmcbSigner> };

export type LocatePort = {
  /** `stay`: where an unanswered write went; another place only when that one says that the record is not there. */
  locate(kvnr: string, lookupKey: string, stay?: string): Promise<string>;
  forget(lookupKey: string): void;
};

/** The part of a signed-on channel that the journey looks at. */
export type OpenSession = {
  readonly recordSystem: string;
  readonly telematikId: string;
  readonly openedAt: number;
  /** Gives it back, once for each `acquire`. */
  release(): void;
};

export type SessionPort<S extends OpenSession> = {
  acquire(o: {
    recordSystem: string;
    diga: { id: string; telematikId: string };
    signer: () => Promise<SmcbSigner>;
    /** D11: only a channel opened after this time will do. */
    freshAfter?: number;
    /** Bytes of the document: a large one goes on another channel than the small ones (D13). */
    bytes?: number;
    /** Somebody asked for this try (/retry): what has just failed is tried all the same. */
    anew?: boolean;
  }): Promise<S>;
};

/** Meaning of a registry error, decided where it is read (record-system/). */
export type RegistryMeaning =
  | 'not-entitled'
  | 'duplicate'
  | 'target-unknown'
  | 'target-not-approved'
  | 'busy'
  | 'rejected'
  | 'wrong-telematik-id';

export type WriteOutcome =
  | { kind: 'stored' }
  | { kind: 'registry-error'; errorCode: string; codeContext: string; meaning: RegistryMeaning }
  | { kind: 'no-answer'; error: GatewayError };

/** One document as it goes out; the same on every repeat. */
export type WriteOrder = {
  kvnr: string;
  entryUuid: string;
  uniqueId: string;
  replaces: string | null;
  mimeType: string;
  title: string;
  author: { telematikId: string; digaName: string; manufacturer: string };
  creationTime: Date;
  /** Betrachtungszeitraum of the document. */
  serviceStart?: Date;
  serviceStop?: Date;
  content: { length: number; chunks: () => AsyncIterable<Uint8Array> };
  /** Called, and awaited, before the first byte of the document's message leaves: marks the export sent (EXP-04, D9). */
  beforeFirstByte: () => Promise<void>;
  /** Called, and awaited, when the last byte has been handed to the connection. */
  afterLastByte?: () => Promise<void>;
  /** An earlier try of these bytes may have arrived. */
  repeat: boolean;
};

/** Throws GatewayError for what failed before a byte left; after that every end is a WriteOutcome. */
export type WritePort<S extends OpenSession> = (session: S, order: WriteOrder) => Promise<WriteOutcome>;

export type OuterPorts<S extends OpenSession> = {
  cards: CardPort;
  locator: LocatePort;
  sessions: SessionPort<S>;
  write: WritePort<S>;
};

/** Whom a change of a record system's availability may wake (record-system/availability.ts). */
export type AvailabilityChange =
  /** Somebody must find out whether it answers again. */
  | { kind: 'probe'; recordSystem: string; service: 'location' | 'vau' }
  /** So many exports more may set out. */
  | { kind: 'places'; recordSystem: string; free: number }
  | { kind: 'recovered'; recordSystem: string };
