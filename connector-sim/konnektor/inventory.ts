// Terminals and cards that come to the default world by scenario or control call (issue 7): what they are, and that they fit.
// Cards of persons are bystanders with invented names and numbers; an HSM-B lies in a virtual terminal (konnektor.md 8).
import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { type Issued, mintLeaf } from '../../certs/mint.ts';
import { inventKvnr, isKvnr } from '../kvnr.ts';
import { inventIccsn, mintSmcb, rsaKey, type SimPki } from '../pki.ts';
import { type Finding, Refusal } from '../refusal.ts';
import { newPin } from './card-pin.ts';
import { isReadable, newCardHandle } from './cards.ts';
import { cardInserted, cardRemoved, emit, terminalEvents } from './events.ts';
import { CARD_KINDS, type CertRef, ENTERED_PIN, type KonnektorState, type SimCard, type SimTerminal } from './model.ts';

const DAY = 86_400_000;
const SLOTS = 16;

export const terminalSeedSchema = z.strictObject({
  ctId: z.string().regex(/^[\w.-]{1,64}$/),
  name: z.string().min(1).max(64).optional(),
  slots: z.int().min(1).max(SLOTS).optional(),
  /** False: the virtual terminal of an HSM-B. */
  physical: z.boolean().optional(),
  connected: z.boolean().optional(),
  active: z.boolean().optional(),
  /** Where it stands: at the Workplaces themselves, or elsewhere, so that the PIN is entered at their remote-PIN terminal. */
  place: z.enum(['local', 'remote']).optional(),
});
export type TerminalSeed = z.infer<typeof terminalSeedSchema>;

export const cardSeedSchema = z.strictObject({
  cardType: z.enum(CARD_KINDS),
  iccsn: z
    .string()
    .regex(/^\d{20}$/)
    .optional(),
  /** Of an SM-B: whose it is. Two cards of one holder may be plugged at the same time (KON-09). */
  telematikId: z.string().min(1).max(128).optional(),
  holder: z.string().min(1).max(64).optional(),
  /** Of an eGK: an invented one with a right check digit. */
  kvnr: z.string().refine(isKvnr, 'not a letter and nine digits with a right check digit').optional(),
  ctId: z.string().min(1).max(64).optional(),
  slotId: z.int().min(1).max(SLOTS).optional(),
  inserted: z.boolean().optional(),
  pinStatus: z.enum(['VERIFIED', 'VERIFIABLE', 'BLOCKED', 'TRANSPORT_PIN', 'EMPTY_PIN']).optional(),
  enteredPin: z.enum(ENTERED_PIN).optional(),
  signDelayMs: z.int().min(0).max(600_000).optional(),
  /** Of an SM-B: which keys it has; older cards have RSA, those of today elliptic curves alone (CRT-08). */
  keys: z.enum(['ECC', 'RSA', 'both']).optional(),
  certificateExpires: z.iso.datetime({ offset: true }).optional(),
});
export type CardSeed = z.infer<typeof cardSeedSchema>;

const invalid = (findings: Finding[], message: string) =>
  new Refusal({ status: 422, code: 'BODY_INVALID', message, findings });

/** A further terminal, reached from every Workplace and assigned to every Mandant. Refusal where its name is taken. */
export function addTerminal(state: KonnektorState, seed: TerminalSeed): SimTerminal {
  const { ctId } = seed;
  if (state.terminals.has(ctId)) {
    const finding = { pointer: '/ctId', code: 'taken', message: 'there is a terminal of that name' };
    throw invalid([finding], 'the terminal cannot be added');
  }
  const { mandants, workplaces } = state.model;
  const hex = () => randomInt(256).toString(16).padStart(2, '0').toUpperCase();
  const terminal: SimTerminal = {
    ctId,
    name: seed.name ?? `Kartenterminal ${ctId}`,
    macAddress: `00-0D-F8-${hex()}-${hex()}-${hex()}`,
    ipAddress: `10.0.0.${42 + state.terminals.size}`,
    slots: seed.slots ?? 4,
    physical: seed.physical ?? true,
    active: seed.active ?? true,
    connected: seed.connected ?? true,
    workplaces: seed.place === 'remote' ? [] : [...workplaces.keys()],
  };
  state.terminals.set(ctId, terminal);
  for (const mandant of mandants) mandant.terminals.push(ctId);
  for (const workplace of workplaces.values()) workplace[seed.place ?? 'local'].push(ctId);
  if (terminal.connected) for (const event of terminalEvents(terminal)) emit(state, event);
  return terminal;
}

/** Takes it away for good. Refusal while cards are in it. */
export function removeTerminal(state: KonnektorState, terminal: SimTerminal): void {
  const { ctId } = terminal;
  if ([...state.cards.values()].some((card) => card.ctId === ctId))
    throw new Refusal({ status: 409, code: 'TERMINAL_IN_USE', message: 'cards are in its slots' });
  terminal.connected = false;
  for (const event of terminalEvents(terminal)) emit(state, event);
  state.terminals.delete(ctId);
  const without = (list: string[]) => list.filter((one) => one !== ctId);
  for (const mandant of state.model.mandants) mandant.terminals = without(mandant.terminals);
  for (const workplace of state.model.workplaces.values()) {
    workplace.local = without(workplace.local);
    workplace.remote = without(workplace.remote);
    if (workplace.remotePinTerminal === ctId) delete workplace.remotePinTerminal;
  }
}

export type AddCardParts = { pki: SimPki; now: number; random: () => number };

/** A further card, new or put back; an SM-B is managed for every Mandant. Refusal with every finding at once. */
export function addCard(state: KonnektorState, seed: CardSeed, parts: AddCardParts): SimCard {
  const findings = misfits(state, seed);
  const place = findings.length === 0 ? placeFor(state, seed, findings) : undefined;
  if (place === undefined) throw invalid(findings, 'the card cannot be added');
  const card = makeCard(seed, place, parts);
  state.cards.set(card.iccsn, card);
  const isSmb = card.cardType === 'SMC-B' || card.cardType === 'HSM-B';
  if (isSmb) for (const mandant of state.model.mandants) mandant.smbs.push(card.iccsn);
  if (seed.pinStatus === 'VERIFIED' && isSmb) card.verifiedFor = new Set(state.model.mandants.map((m) => m.id));
  if (isReadable(state, card)) {
    card.cardHandle = newCardHandle();
    emit(state, cardInserted(card));
  }
  return card;
}

/** What a scenario plugs beside the default world, each at the Konnektor named, else at the first. */
export type Plugs = {
  terminals: readonly (TerminalSeed & { konnektor?: string | undefined })[];
  cards: readonly (CardSeed & { konnektor?: string | undefined })[];
};

/** Cards whose numbers stay, whatever is reset. */
export function numbered(plugs: Plugs): Plugs {
  return { ...plugs, cards: plugs.cards.map((card) => ({ ...card, iccsn: card.iccsn ?? inventIccsn() })) };
}

/** All of them, in order. Refusal, with places in the scenario, where something does not fit. */
export function plugAll(konnektors: ReadonlyMap<string, KonnektorState>, plugs: Plugs, parts: AddCardParts): void {
  const first = [...konnektors.values()][0];
  const plug = (
    list: 'terminals' | 'cards',
    index: number,
    konnektor: string | undefined,
    act: (k: KonnektorState) => void,
  ) => {
    const state = konnektor === undefined ? first : konnektors.get(konnektor);
    try {
      if (state === undefined)
        throw invalid([{ pointer: '/konnektor', code: 'unknown', message: 'no such Konnektor' }], '');
      act(state);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const findings = error.findings.map((one) => ({ ...one, pointer: `/${list}/${index}${one.pointer}` }));
      const message = findings.map((one) => `${one.pointer}: ${one.message}`).join('; ');
      throw new Refusal({ status: 422, code: 'SCENARIO_INVALID', message, findings });
    }
  };
  for (const [index, { konnektor, ...seed }] of plugs.terminals.entries())
    plug('terminals', index, konnektor, (state) => addTerminal(state, seed));
  for (const [index, { konnektor, ...seed }] of plugs.cards.entries())
    plug('cards', index, konnektor, (state) => addCard(state, seed, parts));
}

/** Takes a card away for good: pulled, and known to nobody any more. */
export function removeCard(state: KonnektorState, card: SimCard): void {
  const handle = card.cardHandle;
  card.inserted = false;
  card.cardHandle = null;
  card.verifiedFor = new Set();
  if (handle !== null) emit(state, cardRemoved(card, handle));
  state.cards.delete(card.iccsn);
  for (const mandant of state.model.mandants) mandant.smbs = mandant.smbs.filter((iccsn) => iccsn !== card.iccsn);
}

function misfits(state: KonnektorState, seed: CardSeed): Finding[] {
  const findings: Finding[] = [];
  const isSmb = seed.cardType === 'SMC-B' || seed.cardType === 'HSM-B';
  const wrong = (member: keyof CardSeed, code: string, message: string) =>
    findings.push({ pointer: `/${member}`, code, message });
  if (isSmb && seed.telematikId === undefined) wrong('telematikId', 'required', `a ${seed.cardType} has one`);
  const never: Partial<Record<keyof CardSeed, boolean>> = {
    telematikId: !isSmb,
    keys: !isSmb,
    certificateExpires: !isSmb,
    kvnr: seed.cardType !== 'EGK',
    pinStatus: seed.cardType === 'HSM-B' || seed.cardType === 'SMC-KT' || (!isSmb && seed.pinStatus === 'VERIFIED'),
  };
  for (const member of Object.keys(never) as (keyof CardSeed)[]) {
    if (never[member] === true && seed[member] !== undefined)
      wrong(member, 'not-applicable', `not of a ${seed.cardType}`);
  }
  if (seed.iccsn !== undefined && state.cards.has(seed.iccsn))
    wrong('iccsn', 'taken', 'there is a card of that number');
  return findings;
}

/** The slot named, else the first free one of the terminal named, else of any that takes such cards. */
function placeFor(state: KonnektorState, seed: CardSeed, findings: Finding[]) {
  const virtual = seed.cardType === 'HSM-B';
  if (virtual && seed.ctId === undefined && ![...state.terminals.values()].some((t) => !t.physical))
    addTerminal(state, {
      ctId: `HSM_SIM_${state.id}`,
      name: 'Virtuelles Kartenterminal',
      slots: SLOTS,
      physical: false,
    });
  const wanted = [...state.terminals.values()].filter(
    (t) => t.physical !== virtual && (seed.ctId === undefined || t.ctId === seed.ctId),
  );
  const taken = new Set([...state.cards.values()].map((card) => `${card.ctId} ${card.slotId}`));
  for (const terminal of wanted) {
    const slots = seed.slotId === undefined ? Array.from({ length: terminal.slots }, (_, i) => i + 1) : [seed.slotId];
    const slotId = slots.find((slot) => slot <= terminal.slots && !taken.has(`${terminal.ctId} ${slot}`));
    if (slotId !== undefined) return { ctId: terminal.ctId, slotId };
  }
  const known = state.terminals.get(seed.ctId ?? '');
  if (seed.ctId !== undefined && known === undefined)
    findings.push({ pointer: '/ctId', code: 'unknown', message: 'no such terminal' });
  else if (wanted.length === 0)
    findings.push({ pointer: '/ctId', code: 'not-applicable', message: 'not a terminal for such a card' });
  else findings.push({ pointer: '/slotId', code: 'taken', message: 'no such slot, or another card is in it' });
  return undefined;
}

function makeCard(
  seed: CardSeed,
  place: { ctId: string; slotId: number },
  { pki, now, random }: AddCardParts,
): SimCard {
  const { cardType } = seed;
  const holder = seed.holder ?? DEFAULT_HOLDERS[cardType];
  const end = seed.certificateExpires === undefined ? now + 5 * 365 * DAY : Date.parse(seed.certificateExpires);
  const life = { notBefore: new Date(Math.min(now, end) - DAY), notAfter: new Date(end) };
  const keys = seed.keys ?? 'ECC';
  const smb = (rsa: boolean) =>
    mintSmcb({
      smcbCa: pki.smcbCa,
      organization: holder ?? '',
      telematikId: seed.telematikId ?? '',
      life,
      ...(rsa ? { privateKey: rsaKey } : {}),
    });
  const isSmb = cardType === 'SMC-B' || cardType === 'HSM-B';
  const card: SimCard = {
    ...newPin(),
    iccsn: seed.iccsn ?? inventIccsn(),
    cardType,
    telematikId: seed.telematikId ?? null,
    holder: holder === null ? null : holder.includes('TEST-ONLY') ? holder : `${holder} TEST-ONLY`,
    kvnr: cardType === 'EGK' ? (seed.kvnr ?? inventKvnr(random)) : null,
    ...place,
    inserted: seed.inserted ?? true,
    insertedAt: now,
    cardHandle: null,
    enteredPin: seed.enteredPin ?? 'right',
    signDelayMs: seed.signDelayMs ?? 0,
    pinQes: cardType === 'HBA' ? newPin() : null,
    certificates:
      isSmb && keys !== 'RSA' ? smb(false) : cardType === 'HBA' ? mintHba(pki, holder ?? '', life) : new Map(),
    rsaCertificates: isSmb && keys !== 'ECC' ? smb(true) : new Map(),
  };
  const { pinStatus } = seed;
  if (pinStatus !== undefined && pinStatus !== 'VERIFIED') card.pinState = pinStatus;
  if (pinStatus === 'BLOCKED') card.leftTries = 0;
  return card;
}

const DEFAULT_HOLDERS: Readonly<Record<SimCard['cardType'], string | null>> = {
  'SMC-B': 'Weitere DiGA GmbH',
  'HSM-B': 'Weitere DiGA GmbH',
  'SMC-KT': null,
  HBA: 'Dr. Erika Beispiel',
  EGK: 'Max Beispiel',
};

function mintHba(pki: SimPki, name: string, life: { notBefore: Date; notAfter: Date }): ReadonlyMap<CertRef, Issued> {
  const one = (keyUsage: string[]) => mintLeaf(pki.hbaCa, { ...life, commonName: name, keyUsage });
  return new Map<CertRef, Issued>([
    ['C.AUT', one(['digitalSignature'])],
    ['C.ENC', one(['keyAgreement'])],
    ['C.QES', one(['nonRepudiation'])],
  ]);
}
