// The whole simulated world in memory: clock, seeded choices, records, terminals and cards (D27, style.md B4). Everything
// else of the simulator reads and changes this one object; a reset builds it anew from a seed.
import { randomBytes } from 'node:crypto';
import { createDefaultKonnektor } from './konnektor/default-konnektor.ts';
import type { KonnektorState } from './konnektor/model.ts';
import type { Vendor } from './konnektor/sds.ts';
import { inventKvnr } from './kvnr.ts';
import type { SimPki } from './pki.ts';
import { createRecord, type RecordChange, type RecordSystemId, type SimRecord } from './records.ts';

export const DEMO_TELEMATIK_ID = '9-DEMO-DIGA-0001';

/** Where specification or sources leave it open, the simulator draws by seed (style.md B3 rule 4); tests may overwrite. */
export type Choices = {
  /** D1: what a repeat of a stored document is told; `target-not-approved` only where it replaces (version 2 and later). */
  duplicateAnswer: 'XDSDuplicateDocument' | 'XDSDuplicateUniqueIdInRegistry' | 'target-not-approved';
  /** The code under which an RPLC target is refused (epa-record-system.md 4.4, 4.5). */
  targetErrorCode: 'XDSRepositoryError' | 'XDSReplaceFailed';
  /** Form of the answer to ITI-41 (4.1). */
  answerForm: 'soap' | 'multipart';
  /** EXP-24: whether a session opened before an approval sees it. */
  newEntitlement: 'at-once' | 'new-session';
  /** D12: life of a user session and of its VAU channel. */
  sessionLifeMs: number;
  /** D2: a DiGA's write into a category the insured has hidden. */
  hiddenWrite: 'accept' | 'reject';
  /** konnektor.md 6: whose paths and order connector.sds shows. */
  konnektorVendor: Vendor;
  /** konnektor.md 2.4: what ReadCardCertificate means without Crypt. */
  defaultCrypt: 'RSA' | 'ECC';
  /** konnektor.md 2.2: VerifyPin on a blocked or transport PIN. */
  pinRefusedAs: 'result' | 'fault';
  /** konnektor.md 2.2: an entry cancelled or timed out (4049, 4043). */
  pinInterruptedAs: 'warning' | 'fault';
};

export type InsuredSeed = { kvnr?: string; recordSystem: RecordSystemId } & Omit<RecordChange, 'recordSystem'>;

/** D27: record system 1 entitled, record system 2 entitled, record system 1 not entitled. */
const defaultInsured: readonly InsuredSeed[] = [
  { recordSystem: 'epa-as-1', entitled: [DEMO_TELEMATIK_ID] },
  { recordSystem: 'epa-as-2', entitled: [DEMO_TELEMATIK_ID] },
  { recordSystem: 'epa-as-1', entitled: [] },
];

export type WorldOptions = {
  pki: SimPki;
  seed?: number;
  insured?: readonly InsuredSeed[];
  /** D23: how long the simulated person takes to type, cancel or let it time out; tests give 0. */
  pinEntryMs?: number;
  /** Real time in ms; the world's clock runs on it, plus what /sim/clock advanced. */
  realNow?: () => number;
};

export class World {
  readonly pki: SimPki;
  readonly pinEntryMs: number;
  seed: number;
  /** [0,1), by the seed: for choices only. Keys, nonces and IDs come from node:crypto. */
  random: () => number;
  choices: Choices;
  records = new Map<string, SimRecord>();
  konnektor: KonnektorState;
  /** The insured of seed or scenario, in order; the ready line names them. */
  insured: string[] = [];
  readonly #realNow: () => number;
  readonly #onReset: (() => void)[] = [];
  #insuredSeeds: readonly InsuredSeed[];
  #offsetMs = 0;

  constructor(o: WorldOptions) {
    this.pki = o.pki;
    this.pinEntryMs = o.pinEntryMs ?? 300;
    this.#realNow = o.realNow ?? Date.now;
    this.#insuredSeeds = o.insured ?? defaultInsured;
    this.konnektor = createDefaultKonnektor({ pki: o.pki, now: this.now(), telematikId: DEMO_TELEMATIK_ID });
    this.seed = o.seed ?? randomBytes(4).readUInt32BE();
    this.random = seededRandom(this.seed);
    this.choices = this.#draw();
    this.#fill();
  }

  /** Simulated time in ms. */
  now = (): number => this.#realNow() + this.#offsetMs;

  /** Moves the clock; D17: only forward. Throws RangeError for a step back. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError('the clock only moves forward');
    this.#offsetMs += ms;
  }

  /** Services that keep state of their own (channels, sessions, challenges) drop it here. */
  onReset(listener: () => void): void {
    this.#onReset.push(listener);
  }

  /** Everything as at the start, by this seed; certificates and addresses stay, and so does the clock (only forward). */
  reset(seed?: number, insured?: readonly InsuredSeed[]): void {
    if (insured !== undefined) this.#insuredSeeds = insured;
    for (const entry of this.konnektor.pinEntries.values()) entry.arrive();
    this.konnektor = createDefaultKonnektor({ pki: this.pki, now: this.now(), telematikId: DEMO_TELEMATIK_ID });
    this.seed = seed ?? this.seed;
    this.random = seededRandom(this.seed);
    this.choices = this.#draw();
    this.#fill();
    for (const listener of this.#onReset) listener();
  }

  #draw(): Choices {
    return {
      duplicateAnswer: this.pick(['XDSDuplicateDocument', 'XDSDuplicateUniqueIdInRegistry', 'target-not-approved']),
      targetErrorCode: this.pick(['XDSRepositoryError', 'XDSReplaceFailed']),
      answerForm: this.pick(['soap', 'multipart']),
      newEntitlement: this.pick(['at-once', 'new-session']),
      sessionLifeMs: this.pick([20 * 60_000, 60 * 60_000, 12 * 3_600_000, 24 * 3_600_000]),
      hiddenWrite: this.pick(['accept', 'reject']),
      konnektorVendor: this.pick(['secunet', 'rise', 'kocobox', 'kops', 'titus']),
      defaultCrypt: this.pick(['RSA', 'ECC']),
      pinRefusedAs: this.pick(['result', 'fault']),
      pinInterruptedAs: this.pick(['warning', 'fault']),
    };
  }

  #fill(): void {
    this.records = new Map();
    this.insured = [];
    for (const { kvnr: given, recordSystem, ...change } of this.#insuredSeeds) {
      let kvnr = given ?? inventKvnr(this.random);
      while (this.records.has(kvnr)) kvnr = inventKvnr(this.random);
      this.records.set(kvnr, createRecord(kvnr, recordSystem, change));
      this.insured.push(kvnr);
    }
  }

  /** One of the values, by the seed. */
  pick<const T>(values: readonly [T, ...T[]]): T {
    return values[Math.floor(this.random() * values.length)] ?? values[0];
  }
}

/** mulberry32: small, fast, the same everywhere; good enough for choices and for nothing else. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
