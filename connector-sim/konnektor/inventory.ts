// Terminals and cards that come to the default world by scenario or control call (issue 7): what they are, and that they fit.
// Cards of persons are bystanders with invented names and numbers; an HSM-B lies in a virtual terminal (konnektor.md 8).
import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { type Issued, mintLeaf } from '../../certs/mint.ts';
import { certificateEnd, lifeUntil } from '../certificate-life.ts';
import { inventKvnr, isKvnr } from '../kvnr.ts';
import { inventIccsn, mintSmcb, rsaKey, type SimPki } from '../pki.ts';
import { type Finding, type Readable, Refusal, refusalOf } from '../refusal.ts';
import { newPin } from './card-pin.ts';
import { isReadable, isSmb, isUp, newCardHandle, setPinStatus } from './cards.ts';
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
  /** Where it stands: at the Workplaces themselves, or elsewhere, so that the PIN is entered at the remote-PIN terminal that they have, if any. */
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
  certificateExpires: certificateEnd.optional(),
});
export type CardSeed = z.infer<typeof cardSeedSchema>;

export const NAME_TAKEN: Finding = { pointer: '/ctId', code: 'taken', message: 'there is a terminal of that name' };
export const NUMBER_TAKEN: Finding = { pointer: '/iccsn', code: 'taken', message: 'there is a card of that number' };

/** A further terminal, reached from every Workplace and assigned to every Mandant. Refusal where its name is taken. */
export function addTerminal(state: KonnektorState, seed: TerminalSeed): SimTerminal {
  const { ctId } = seed;
  if (state.terminals.has(ctId)) throw refusalOf([NAME_TAKEN]);
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

/** `isTaken`: whether any Konnektor of the world has a terminal of that name. */
export type AddCardParts = { pki: SimPki; now: number; random: () => number; isTaken?: (ctId: string) => boolean };

/**
 * A further card, new or put back; an SM-B is managed for every Mandant. Refusal with every finding at once, and then nothing has
 * changed.
 */
export function addCard(state: KonnektorState, seed: CardSeed, parts: AddCardParts): SimCard {
  const { place, findings } = cardFindings(state, seed, parts.isTaken);
  if (place === undefined || findings.length > 0) throw refusalOf(findings);
  const card = makeCard(seed, place, parts);
  if (place.terminal !== undefined) addTerminal(state, place.terminal);
  state.cards.set(card.iccsn, card);
  if (isSmb(card)) for (const mandant of state.model.mandants) mandant.smbs.push(card.iccsn);
  if (isReadable(state, card)) {
    card.cardHandle = newCardHandle();
    emit(state, cardInserted(card));
  }
  if (seed.pinStatus !== undefined) setPinStatus(state, card, seed.pinStatus);
  return card;
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

type Place = { ctId: string; slotId: number; terminal?: TerminalSeed };

/** Everything that does not fit about a card to be added, as far as what is said of it can be read; and where it goes. */
export function cardFindings(
  state: KonnektorState,
  seed: Readable<CardSeed>,
  isTaken: AddCardParts['isTaken'] = (ctId) => state.terminals.has(ctId),
): { findings: Finding[]; place?: Place } {
  const { cardType, pinStatus } = seed;
  const findings: Finding[] = [];
  const wrong = (member: keyof CardSeed, code: string, message: string) =>
    findings.push({ pointer: `/${member}`, code, message });
  if (seed.iccsn !== undefined && state.cards.has(seed.iccsn)) findings.push(NUMBER_TAKEN);
  if (cardType === undefined) {
    if (seed.ctId !== undefined && !state.terminals.has(seed.ctId)) findings.push(NO_TERMINAL);
    return { findings };
  }
  const smb = cardType === 'SMC-B' || cardType === 'HSM-B';
  if (smb && seed.telematikId === undefined) wrong('telematikId', 'required', `a ${cardType} has one`);
  const never: Partial<Record<keyof CardSeed, boolean>> = {
    telematikId: !smb,
    keys: !smb,
    certificateExpires: !smb,
    kvnr: cardType !== 'EGK',
    pinStatus: cardType === 'HSM-B' || cardType === 'SMC-KT' || (!smb && pinStatus === 'VERIFIED'),
  };
  for (const member of Object.keys(never) as (keyof CardSeed)[]) {
    if (never[member] === true && seed[member] !== undefined) wrong(member, 'not-applicable', `not of a ${cardType}`);
  }
  const place = placeFor(state, { ...seed, cardType }, isTaken);
  if ('pointer' in place) return { findings: [...findings, place] };
  const readable = seed.inserted !== false && (place.terminal !== undefined || isUp(state.terminals.get(place.ctId)));
  if (pinStatus === 'VERIFIED' && never.pinStatus !== true && !readable)
    wrong('pinStatus', 'not-applicable', 'a card that cannot be read has no card session');
  return { findings, place };
}

const NO_TERMINAL: Finding = { pointer: '/ctId', code: 'unknown', message: 'no such terminal' };

/**
 * The slot named, else the first free one of the terminal named, else of any that takes such cards; for an HSM-B without one, a
 * virtual terminal that is to come. A finding where there is none.
 */
function placeFor(
  state: KonnektorState,
  seed: Readable<CardSeed> & Pick<CardSeed, 'cardType'>,
  isTaken: (ctId: string) => boolean,
): Place | Finding {
  const virtual = seed.cardType === 'HSM-B';
  const all = [...state.terminals.values()];
  if (virtual && seed.ctId === undefined && all.every((t) => t.physical)) {
    let ctId = `HSM_SIM_${state.id}`;
    for (let n = 2; isTaken(ctId); n += 1) ctId = `HSM_SIM_${state.id}-${n}`;
    const terminal = { ctId, name: 'Virtuelles Kartenterminal', slots: SLOTS, physical: false };
    return { ctId, slotId: seed.slotId ?? 1, terminal };
  }
  if (seed.ctId !== undefined && !state.terminals.has(seed.ctId)) return NO_TERMINAL;
  const wanted = all.filter((t) => t.physical !== virtual && (seed.ctId === undefined || t.ctId === seed.ctId));
  if (wanted.length === 0)
    return { pointer: '/ctId', code: 'not-applicable', message: 'not a terminal for such a card' };
  const taken = new Set([...state.cards.values()].map((card) => `${card.ctId} ${card.slotId}`));
  for (const terminal of wanted) {
    const slots = seed.slotId === undefined ? Array.from({ length: terminal.slots }, (_, i) => i + 1) : [seed.slotId];
    const slotId = slots.find((slot) => slot <= terminal.slots && !taken.has(`${terminal.ctId} ${slot}`));
    if (slotId !== undefined) return { ctId: terminal.ctId, slotId };
  }
  return { pointer: '/slotId', code: 'taken', message: 'no such slot, or another card is in it' };
}

function makeCard(seed: CardSeed, { ctId, slotId }: Place, { pki, now, random }: AddCardParts): SimCard {
  const { cardType } = seed;
  const holder = seed.holder ?? DEFAULT_HOLDERS[cardType];
  const end = new Date(seed.certificateExpires ?? now + 5 * 365 * DAY);
  const life = lifeUntil(end, new Date(now - DAY));
  const keys = seed.keys ?? 'ECC';
  const minted = (rsa: boolean) =>
    mintSmcb({
      smcbCa: pki.smcbCa,
      organization: holder ?? '',
      telematikId: seed.telematikId ?? '',
      life,
      ...(rsa ? { privateKey: rsaKey } : {}),
    });
  const smb = cardType === 'SMC-B' || cardType === 'HSM-B';
  return {
    ...newPin(),
    iccsn: seed.iccsn ?? inventIccsn(),
    cardType,
    telematikId: seed.telematikId ?? null,
    holder: holder === null ? null : holder.includes('TEST-ONLY') ? holder : `${holder} TEST-ONLY`,
    kvnr: cardType === 'EGK' ? (seed.kvnr ?? inventKvnr(random)) : null,
    ctId,
    slotId,
    inserted: seed.inserted ?? true,
    insertedAt: now,
    cardHandle: null,
    enteredPin: seed.enteredPin ?? 'right',
    signDelayMs: seed.signDelayMs ?? 0,
    pinQes: cardType === 'HBA' ? newPin() : null,
    certificates:
      smb && keys !== 'RSA' ? minted(false) : cardType === 'HBA' ? mintHba(pki, holder ?? '', life) : new Map(),
    rsaCertificates: smb && keys !== 'ECC' ? minted(true) : new Map(),
  };
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
