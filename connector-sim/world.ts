// The whole simulated world in memory: clock, seeded choices, records, terminals and cards (D27, style.md B4). Everything
// else of the simulator reads and changes this one object; a reset builds it anew from a seed.
import { randomBytes } from 'node:crypto';
import { type CardSeed, type FurtherCard, mintFurtherCards } from './further-digas.ts';
import { DEMO_CARD, FIRST_KONNEKTOR, terminalNames } from './konnektor/default-konnektor.ts';
import {
  type FurtherKonnektor,
  furtherKonnektorState,
  type KonnektorSeed,
  mintFurtherKonnektor,
} from './konnektor/further-konnektor.ts';
import { drawKonnektorChoices, type KonnektorChoices } from './konnektor/konnektor-choices.ts';
import { konnektorsAtStart } from './konnektor/konnektors-at-start.ts';
import type { KonnektorState } from './konnektor/model.ts';
import { beginWith, type ModelSeed, modelFindings } from './konnektor/model-seed.ts';
import { numbered, type Plugs } from './konnektor/plugs.ts';
import { inventKvnr } from './kvnr.ts';
import type { SimPki } from './pki.ts';
import { createRecord, type RecordChange, type RecordSystemId, type SimRecord } from './records.ts';
import { refusalOf } from './refusal.ts';
import { seededRandom } from './seeded-random.ts';
import { type KonnektorVendor, SEEDED_VENDORS } from './tables/konnektor-profiles.ts';
import { RELEASE_NAMES, RELEASES, type Release, type ReleaseName } from './tables/releases.ts';
import { DEFAULT_VENDORS, VENDOR_NAMES, VENDORS, type VendorName, type VendorProfile } from './tables/vendors.ts';

export const DEMO_TELEMATIK_ID = DEMO_CARD.telematikId;

/** Where specification or sources leave it open, the simulator draws by seed (style.md B3 rule 4); tests may overwrite. */
export type Choices = KonnektorChoices & {
  /** D1: what a repeat of a stored document is told; `target-not-approved` only where it replaces (version 2 and later). */
  duplicateAnswer: 'XDSDuplicateDocument' | 'XDSDuplicateUniqueIdInRegistry' | 'target-not-approved';
  /** Not drawn: set, they overrule both vendors' profiles (tables/vendors.ts). */
  targetErrorCode?: VendorProfile['targetErrorCode'];
  answerForm?: VendorProfile['answerForm'];
  /** Of both record systems (tables/releases.ts). */
  release: ReleaseName;
  /** EXP-24: whether a session opened before an approval sees it. */
  newEntitlement: 'at-once' | 'new-session';
  /** D12: life of a user session and of its VAU channel. */
  sessionLifeMs: number;
  /** D2: a DiGA's write into a category the insured has hidden. */
  hiddenWrite: 'accept' | 'reject';
  /** konnektor.md 6: whose paths and order connector.sds shows. */
  konnektorVendor: KonnektorVendor;
  /** konnektor.md 2.4: what ReadCardCertificate means without Crypt. */
  defaultCrypt: 'RSA' | 'ECC';
  /** RFC 6960 4.2.2.1: whether OCSP answers say until when they count. */
  ocspNextUpdate: 'left-out' | 'six-hours';
  /** konnektor.md 2.2: VerifyPin on a blocked or transport PIN. */
  pinRefusedAs: 'result' | 'fault';
  /** konnektor.md 2.2: an entry cancelled or timed out (4049, 4043). */
  pinInterruptedAs: 'warning' | 'fault';
};

/** Whose each record system is; `seed` draws it. */
export type VendorChoice = 'seed' | Partial<Record<RecordSystemId, VendorName>>;

export type InsuredSeed = { kvnr?: string; recordSystem: RecordSystemId } & Omit<RecordChange, 'recordSystem'>;

/** D27: record system 1 entitled, record system 2 entitled, record system 1 not entitled. */
const defaultInsured: readonly InsuredSeed[] = [
  { recordSystem: 'epa-as-1', entitled: [DEMO_TELEMATIK_ID] },
  { recordSystem: 'epa-as-2', entitled: [DEMO_TELEMATIK_ID] },
  { recordSystem: 'epa-as-1', entitled: [] },
];

/** What a scenario may say of a world. */
export type WorldParts = {
  insured?: readonly InsuredSeed[] | undefined;
  recordSystems?: VendorChoice | undefined;
  /** SMC-Bs beside the demo DiGA's. */
  cards?: readonly CardSeed[] | undefined;
  /** Whose the Konnektor is; drawn by seed without it. */
  konnektor?: KonnektorVendor | undefined;
  /** Konnektors beside it. */
  konnektors?: readonly KonnektorSeed[] | undefined;
  /** Terminals and cards beside those. */
  plugs?: Plugs | undefined;
  /** Who is assigned to whom at the first Konnektor. */
  model?: ModelSeed | undefined;
};

export type WorldOptions = WorldParts & {
  pki: SimPki;
  seed?: number;
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
  vendors: Record<RecordSystemId, VendorName>;
  records = new Map<string, SimRecord>();
  /** By id, the first one first. */
  konnektors = new Map<string, KonnektorState>();
  /** SMC-Bs beside the demo DiGA's; their certificates stay until a scenario names others. */
  cards: readonly FurtherCard[];
  /** The insured of seed or scenario, in order; the ready line names them. */
  insured: string[] = [];
  readonly #realNow: () => number;
  readonly #onReset: (() => void)[] = [];
  #insuredSeeds: readonly InsuredSeed[];
  #vendorChoice: VendorChoice;
  #offsetMs = 0;
  #konnektorVendor: KonnektorVendor | undefined;
  #furtherKonnektors: readonly FurtherKonnektor[];
  #terminals = 1;
  #plugs: Plugs;
  #model: ModelSeed;

  constructor(o: WorldOptions) {
    this.pki = o.pki;
    this.pinEntryMs = o.pinEntryMs ?? 300;
    this.#realNow = o.realNow ?? Date.now;
    this.#insuredSeeds = o.insured ?? defaultInsured;
    this.#vendorChoice = o.recordSystems ?? {};
    this.cards = mintFurtherCards(o.pki, o.cards ?? [], this.now());
    this.#konnektorVendor = o.konnektor;
    this.#furtherKonnektors = this.#mintKonnektors(o.konnektors ?? []);
    this.#plugs = numbered(o.plugs ?? { terminals: [], cards: [] });
    this.#model = o.model ?? {};
    this.seed = o.seed ?? randomBytes(4).readUInt32BE();
    this.konnektors = this.#newKonnektors({ seed: this.seed });
    this.#terminals = this.konnektors.size;
    this.random = seededRandom(this.seed);
    this.choices = this.#draw();
    this.vendors = this.#drawVendors();
    this.#fill();
  }

  /** Simulated time in ms. */
  now = (): number => this.#realNow() + this.#offsetMs;

  /** How far simulated time is ahead of real time, in ms. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

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
  reset(seed?: number, o: WorldParts = {}): void {
    const before = [this.cards, this.#konnektorVendor, this.#furtherKonnektors, this.#plugs, this.#model] as const;
    if (o.cards !== undefined) this.cards = mintFurtherCards(this.pki, o.cards, this.now());
    if (o.konnektor !== undefined) this.#konnektorVendor = o.konnektor;
    if (o.konnektors !== undefined) this.#furtherKonnektors = this.#mintKonnektors(o.konnektors);
    if (o.plugs !== undefined) this.#plugs = numbered(o.plugs);
    if (o.model !== undefined) this.#model = o.model;
    let konnektors: Map<string, KonnektorState>;
    try {
      konnektors = this.#newKonnektors({ seed: seed ?? this.seed });
    } catch (error) {
      // What does not fit changes nothing.
      [this.cards, this.#konnektorVendor, this.#furtherKonnektors, this.#plugs, this.#model] = before;
      throw error;
    }
    if (o.insured !== undefined) this.#insuredSeeds = o.insured;
    if (o.recordSystems !== undefined) this.#vendorChoice = o.recordSystems;
    for (const { pinEntries } of this.konnektors.values()) for (const entry of pinEntries.values()) entry.arrive();
    this.konnektors = konnektors;
    this.#terminals = konnektors.size;
    this.seed = seed ?? this.seed;
    this.random = seededRandom(this.seed);
    this.choices = this.#draw();
    this.vendors = this.#drawVendors();
    this.#fill();
    for (const listener of this.#onReset) listener();
  }

  /** The first Konnektor, the only one of the default world. */
  get konnektor(): KonnektorState {
    const first = this.konnektors.get(FIRST_KONNEKTOR);
    if (first === undefined) throw new Error('the first Konnektor is never taken away');
    return first;
  }

  /** One more, until the next reset. Its id must be free. Refusal, and nothing has changed, where its model does not fit. */
  addKonnektor(seed: KonnektorSeed): KonnektorState {
    let terminal = this.#terminals + 1;
    while (terminalNames(terminal).some((ctId) => this.konnektorOfTerminal(ctId) !== undefined)) terminal += 1;
    const { model, ...further } = mintFurtherKonnektor(this.pki, seed, this.now());
    const state = furtherKonnektorState(further, { now: this.now(), terminal });
    const findings = modelFindings(state, model);
    if (findings.length > 0) throw refusalOf(findings);
    beginWith(state, model);
    this.#terminals = terminal;
    this.konnektors.set(state.id, state);
    return state;
  }

  /** The Konnektor whose terminal holds this card, plugged or not. */
  konnektorOfCard(iccsn: string): KonnektorState | undefined {
    return [...this.konnektors.values()].find((one) => one.cards.has(iccsn));
  }

  konnektorOfTerminal(ctId: string): KonnektorState | undefined {
    return [...this.konnektors.values()].find((one) => one.terminals.has(ctId));
  }

  #mintKonnektors(seeds: readonly KonnektorSeed[]): FurtherKonnektor[] {
    return seeds.map((seed) => mintFurtherKonnektor(this.pki, seed, this.now()));
  }

  #newKonnektors({ seed }: { seed: number }): Map<string, KonnektorState> {
    return konnektorsAtStart({
      pki: this.pki,
      now: this.now(),
      first: { cards: this.cards, vendor: this.#konnektorVendor, model: this.#model },
      further: this.#furtherKonnektors,
      plugs: this.#plugs,
      // A stream of its own: what is plugged changes nothing else that a seed decides.
      random: seededRandom(seed ^ 0x706c7567),
    });
  }

  #draw(): Choices {
    const duplicateAnswer = this.pick([
      'XDSDuplicateDocument',
      'XDSDuplicateUniqueIdInRegistry',
      'target-not-approved',
    ]);
    // Two draws that are the vendors' now: a seed somebody has noted keeps its world.
    for (const _once of [1, 2]) this.random();
    return {
      duplicateAnswer,
      release: this.#release(),
      newEntitlement: this.pick(['at-once', 'new-session']),
      sessionLifeMs: this.pick([20 * 60_000, 60 * 60_000, 12 * 3_600_000, 24 * 3_600_000]),
      hiddenWrite: this.pick(['accept', 'reject']),
      konnektorVendor: this.pick(SEEDED_VENDORS),
      defaultCrypt: this.pick(['RSA', 'ECC']),
      ocspNextUpdate: seededRandom(this.seed ^ 0x6f637370)() < 0.5 ? 'left-out' : 'six-hours',
      pinRefusedAs: this.pick(['result', 'fault']),
      pinInterruptedAs: this.pick(['warning', 'fault']),
      ...drawKonnektorChoices(seededRandom(this.seed ^ 0x6b6f6e00)),
    };
  }

  /** A stream of its own, as for the vendors: added later, it changes nothing that a seed decided before. */
  #release(): ReleaseName {
    const random = seededRandom(this.seed ^ 0x72656c00);
    return RELEASE_NAMES[Math.floor(random() * RELEASE_NAMES.length)] ?? '3.0.5';
  }

  #drawVendors(): Record<RecordSystemId, VendorName> {
    // A stream of its own: whose the systems are changes nothing else that a seed decides.
    const random = seededRandom(this.seed ^ 0x76656e64);
    const drawn = (id: RecordSystemId) =>
      this.#vendorChoice === 'seed'
        ? (VENDOR_NAMES[Math.floor(random() * VENDOR_NAMES.length)] ?? DEFAULT_VENDORS[id])
        : (this.#vendorChoice[id] ?? DEFAULT_VENDORS[id]);
    return { 'epa-as-1': drawn('epa-as-1'), 'epa-as-2': drawn('epa-as-2') };
  }

  /** How this record system says what it says. */
  profileOf(id: RecordSystemId): VendorProfile {
    const profile = VENDORS[this.vendors[id]];
    const { answerForm = profile.answerForm, targetErrorCode = profile.targetErrorCode } = this.choices;
    return { ...profile, answerForm, targetErrorCode };
  }

  release(): Release {
    return RELEASES[this.choices.release];
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
