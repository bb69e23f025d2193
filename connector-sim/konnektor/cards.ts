// Terminals and cards as a Konnektor sees them: handles, insertion, what is lost with them (konnektor.md 2.1, 2.2, 11;
// ILF 4.1.5.4, 4.2.2), and the events of it. State changes only; the SOAP side is in the service files.
import { randomUUID } from 'node:crypto';
import type { Certificate } from '../../certs/certificate.ts';
import { cardInserted, cardRemoved, emit, terminalEvents } from './events.ts';
import {
  type CertRef,
  type KonnektorState,
  type Mandant,
  PIN_TRIES,
  type PinStatus,
  type SimCard,
  type SimTerminal,
} from './model.ts';

/** Opaque, never used twice (BCH: not within 48 h). */
export function newCardHandle(): string {
  return randomUUID();
}

/** SMC-B and HSM-B are alike to a client system (KON-14). */
export function isSmb(card: SimCard): boolean {
  return card.cardType === 'SMC-B' || card.cardType === 'HSM-B';
}

/** SM-B and HBAx are collective filter values; answers carry the concrete type. */
export function fitsType(card: SimCard, filter: string | undefined): boolean {
  if (filter === undefined || filter === card.cardType) return true;
  return (filter === 'SM-B' && isSmb(card)) || (filter === 'HBAx' && card.cardType === 'HBA');
}

/** What the card has for this kind of key; older cards have RSA, today's elliptic curves alone. */
export function certificatesOf(card: SimCard, crypt: 'RSA' | 'ECC'): SimCard['certificates'] {
  return crypt === 'ECC' ? card.certificates : card.rsaCertificates;
}

/** The one of this reference, of elliptic curves where the card has them. */
export function certificateOf(card: SimCard, ref: CertRef): Certificate | undefined {
  return (card.certificates.get(ref) ?? card.rsaCertificates.get(ref))?.certificate;
}

/** A terminal the Konnektor can use now. */
export function isUp(terminal: SimTerminal | undefined): boolean {
  return terminal?.connected === true && terminal.active;
}

/** A card a Konnektor can reach now: inserted, in a terminal it can use. */
export function isReadable(state: KonnektorState, card: SimCard): boolean {
  return card.inserted && isUp(state.terminals.get(card.ctId));
}

/** Readable cards by terminal and slot. */
export function readableCards(state: KonnektorState): SimCard[] {
  return [...state.cards.values()]
    .filter((card) => isReadable(state, card))
    .sort((a, b) => a.ctId.localeCompare(b.ctId) || a.slotId - b.slotId);
}

export function cardByHandle(state: KonnektorState, cardHandle: string): SimCard | undefined {
  return readableCards(state).find((card) => card.cardHandle === cardHandle);
}

/** KON-05, KON-06; ILF 4.1.5.4: removal, disconnection and restart void the handle and every card session with it. */
function voidHandle(card: SimCard): void {
  card.cardHandle = null;
  card.verifiedFor = new Set();
  if (card.pinQes !== null) card.pinQes.verifiedFor = new Set();
}

/** Handle and sessions as they are after something has happened to the card or its terminal; told where a card came or went. */
function settle(state: KonnektorState, card: SimCard, now: number): void {
  const before = card.cardHandle;
  voidHandle(card);
  if (before !== null) emit(state, cardRemoved(card, before));
  if (!isReadable(state, card)) return;
  card.cardHandle = newCardHandle();
  card.insertedAt = now;
  emit(state, cardInserted(card));
}

export function setInserted(state: KonnektorState, card: SimCard, inserted: boolean, now: number): void {
  if (card.inserted === inserted) return;
  card.inserted = inserted;
  settle(state, card, now);
}

/** Plug and network of a terminal, or what the administrator says of it. A loss of power costs handles and PIN states. */
export function setTerminal(
  state: KonnektorState,
  terminal: SimTerminal,
  change: { connected?: boolean | undefined; active?: boolean | undefined; now: number },
): void {
  const before = isUp(terminal);
  terminal.connected = change.connected ?? terminal.connected;
  terminal.active = change.active ?? terminal.active;
  if (isUp(terminal) === before) return;
  terminal.changedAt = change.now;
  for (const event of terminalEvents(terminal)) emit(state, event);
  for (const card of state.cards.values()) if (card.ctId === terminal.ctId) settle(state, card, change.now);
}

export function setConnected(state: KonnektorState, terminal: SimTerminal, connected: boolean, now: number): void {
  setTerminal(state, terminal, { connected, now });
}

/**
 * A Konnektor restart: new handles, no card session and no subscription left (konnektor.md 5, 11). Nothing is told: who could
 * be, is told BOOTUP_COMPLETE when it is up again.
 */
export function restartKonnektor(state: KonnektorState, now: number): void {
  // Whoever waits at a terminal waits no longer, and no display is taken any more.
  const waiting = [...state.pinEntries.values()];
  state.pinEntries = new Map();
  state.startedAt = now;
  state.events.subscriptions.clear();
  for (const card of state.cards.values()) {
    voidHandle(card);
    if (!isReadable(state, card)) continue;
    card.cardHandle = newCardHandle();
    card.insertedAt = now;
  }
  for (const entry of waiting) entry.arrive();
}

/**
 * Sets the PIN as a person at the card would have left it. VERIFIED is the first Mandant's that manages the card (D27: m1); only a
 * card that can be read has a card session. Every status but BLOCKED comes with all tries; the one of a transport PIN is
 * blocked for good.
 */
export function setPinStatus(state: KonnektorState, card: SimCard, status: PinStatus): void {
  const before = card.pinState;
  card.verifiedFor = new Set();
  card.pinState = status === 'VERIFIED' ? 'VERIFIABLE' : status;
  card.transportPinLost =
    status === 'BLOCKED' && (before === 'TRANSPORT_PIN' || (before === 'BLOCKED' && card.transportPinLost));
  if (status === 'BLOCKED') card.leftTries = 0;
  else if (status === 'VERIFIED' || before === 'BLOCKED') card.leftTries = PIN_TRIES;
  const mandant = managerOf(state, card);
  if (status === 'VERIFIED' && mandant !== undefined && isReadable(state, card)) card.verifiedFor.add(mandant.id);
}

/** The first Mandant that manages this SM-B: whose view of its PIN a person at the simulator sets and is shown (D27). */
export function managerOf(state: KonnektorState, card: SimCard): Mandant | undefined {
  return state.model.mandants.find((mandant) => mandant.smbs.includes(card.iccsn));
}
