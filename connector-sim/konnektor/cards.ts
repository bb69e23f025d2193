// Terminals and cards as a Konnektor sees them: handles, insertion, PIN state per card session, tries left
// (konnektor.md 2.1, 2.2, 11; ILF 4.1.5.4, 4.2.2). State changes only; the SOAP side is in the service files.
import { randomUUID } from 'node:crypto';
import type { KonnektorState, PinStatus, SimCard, SimTerminal } from './model.ts';

/** Opaque, never used twice (BCH: not within 48 h). */
export function newCardHandle(): string {
  return randomUUID();
}

/** A card a Konnektor can reach now: inserted, in a connected terminal. */
export function isReadable(state: KonnektorState, card: SimCard): boolean {
  return card.inserted && state.terminals.get(card.ctId)?.connected === true;
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

/** The PIN.SMC state this Mandant sees: its own card session may be verified, another's is not (BCH FR-021). */
export function pinStatusFor(card: SimCard, mandant: string): PinStatus {
  return card.pinState === 'VERIFIABLE' && card.verifiedFor.has(mandant) ? 'VERIFIED' : card.pinState;
}

/** ILF 4.1.5.4: removal, disconnection and restart void the handle and every card session with it. */
function voidHandle(card: SimCard): void {
  card.cardHandle = null;
  card.verifiedFor = new Set();
}

function giveHandle(card: SimCard, now: number): void {
  card.cardHandle = newCardHandle();
  card.insertedAt = now;
}

export function setInserted(state: KonnektorState, card: SimCard, inserted: boolean, now: number): void {
  if (card.inserted === inserted) return;
  card.inserted = inserted;
  voidHandle(card);
  if (isReadable(state, card)) giveHandle(card, now);
}

export function setConnected(state: KonnektorState, terminal: SimTerminal, connected: boolean, now: number): void {
  if (terminal.connected === connected) return;
  terminal.connected = connected;
  for (const card of state.cards.values()) {
    if (card.ctId !== terminal.ctId) continue;
    voidHandle(card);
    if (isReadable(state, card)) giveHandle(card, now);
  }
}

/** A Konnektor restart: new handles, no card session left (konnektor.md 11). */
export function restartKonnektor(state: KonnektorState, now: number): void {
  state.startedAt = now;
  for (const card of state.cards.values()) {
    voidHandle(card);
    if (isReadable(state, card)) giveHandle(card, now);
  }
}

/** Sets the PIN as a person at the card would have left it; VERIFIED holds for every Mandant that manages the card. */
export function setPinStatus(state: KonnektorState, card: SimCard, status: PinStatus): void {
  card.verifiedFor = new Set();
  if (status === 'VERIFIED') {
    card.pinState = 'VERIFIABLE';
    if (card.leftTries === 0) card.leftTries = 3;
    for (const mandant of state.model.mandants) if (mandant.smbs.includes(card.iccsn)) card.verifiedFor.add(mandant.id);
    return;
  }
  if (status === 'BLOCKED') card.leftTries = 0;
  else if (card.leftTries === 0) card.leftTries = 3;
  card.pinState = status;
}

export type PinEntry = 'OK' | 'REJECTED' | 'NOWBLOCKED';

/** One entry at the PIN pad: a right one opens the session and restores the tries, the third wrong one blocks. */
export function enterPin(card: SimCard, mandant: string, right: boolean): PinEntry {
  if (right) {
    card.leftTries = 3;
    card.verifiedFor.add(mandant);
    return 'OK';
  }
  card.leftTries -= 1;
  card.verifiedFor = new Set(); // a wrong PIN resets the card's security state
  if (card.leftTries > 0) return 'REJECTED';
  card.pinState = 'BLOCKED';
  return 'NOWBLOCKED';
}
