// The PINs of a card and what entries do to them (konnektor.md 2.2; ILF 4.1.5): which PIN a card has, whose card session it
// is verified for, three tries of the PIN, ten uses of the PUK. State changes only; the SOAP side is in pin-service.ts.
import type { KonnektorManners } from '../tables/konnektor-profiles.ts';
import { isSmb } from './cards.ts';
import type { Access } from './context.ts';
import type { KonnektorChoices } from './konnektor-choices.ts';
import { KonnektorFault } from './konnektor-fault.ts';
import { type CardPin, PIN_TRIES, type PinStatus, type SimCard } from './model.ts';

export const PUK_USES = 10;

export function newPin(): CardPin {
  return {
    pinState: 'VERIFIABLE',
    leftTries: PIN_TRIES,
    pukTries: PUK_USES,
    verifiedFor: new Set(),
    transportPinLost: false,
  };
}

/**
 * A card session: of an SM-B by Mandant (BCH FR-021) or, at some Konnektor, by call context (konnektor.md 9); of an HBA by
 * ClientSystem and user, of an eGK by the card alone. Throws 4003.
 */
export function sessionOf(card: SimCard, access: Access, manners: Pick<KonnektorManners, 'pinSession'>): string {
  const { mandant, clientSystemId, workplaceId } = access;
  if (isSmb(card))
    return manners.pinSession === 'mandant' ? mandant.id : `${mandant.id}\n${clientSystemId}\n${workplaceId}`;
  if (card.cardType !== 'HBA') return '';
  if (access.userId === '') throw new KonnektorFault(4003);
  return `${clientSystemId}\n${access.userId}`;
}

/** The PIN a call means. Throws 4209 for a card without PINs, 4072 for a reference that card does not have. */
export function pinOf(card: SimCard, pinTyp: string, manners: Pick<KonnektorManners, 'hsmPinStatus'>): CardPin {
  if (card.cardType === 'SMC-KT') throw new KonnektorFault(4209);
  if (isSmb(card)) {
    if (pinTyp !== 'PIN.SMC') throw new KonnektorFault(4072);
    if (!hasPinOfItsOwn(card) && typeof manners.hsmPinStatus === 'number')
      throw new KonnektorFault(manners.hsmPinStatus);
    return card;
  }
  if (pinTyp === 'PIN.CH') return card;
  if (pinTyp === 'PIN.QES' && card.pinQes !== null) return card.pinQes;
  throw new KonnektorFault(4072);
}

/** An HSM-B lies in no terminal with a PIN pad: nobody types its PIN (KON-14). */
export function hasPinOfItsOwn(card: SimCard): boolean {
  return card.cardType !== 'HSM-B';
}

/**
 * The state this card session sees: its own may be verified, another's is not (BCH FR-021). What is verified for a whole
 * Mandant, as in the default world, is for each of its call contexts.
 */
export function pinStatusFor(pin: CardPin, session: string): PinStatus {
  const [mandant = ''] = session.split('\n');
  const verified = pin.verifiedFor.has(session) || pin.verifiedFor.has(mandant);
  return pin.pinState === 'VERIFIABLE' && verified ? 'VERIFIED' : pin.pinState;
}

export type PinEntry = 'OK' | 'REJECTED' | 'NOWBLOCKED';

/**
 * One entry of the PIN: a right one opens the session and restores the tries, the third wrong one blocks, a transport PIN for good
 * (KON-07).
 */
export function enterPin(pin: CardPin, session: string, right: boolean): PinEntry {
  if (right) {
    pin.leftTries = PIN_TRIES;
    pin.verifiedFor.add(session);
    return 'OK';
  }
  pin.leftTries -= 1;
  pin.verifiedFor = new Set(); // a wrong PIN resets the card's security state
  if (pin.leftTries > 0) return 'REJECTED';
  pin.transportPinLost = pin.pinState === 'TRANSPORT_PIN';
  pin.pinState = 'BLOCKED';
  return 'NOWBLOCKED';
}

/** One entry of the PUK: ten in all, right ones counted too; a right one gives the PIN its tries back. */
export function enterPuk(pin: CardPin, right: boolean): PinEntry {
  pin.pukTries -= 1;
  if (!right) return pin.pukTries > 0 ? 'REJECTED' : 'NOWBLOCKED';
  pin.leftTries = PIN_TRIES;
  pin.pinState = 'VERIFIABLE';
  pin.verifiedFor = new Set();
  return 'OK';
}

/** A PIN of the owner's own, in the place of a transport PIN, an old one or none. */
export function setNewPin(pin: CardPin, session: string, after: KonnektorChoices['afterNewPin']): void {
  pin.pinState = 'VERIFIABLE';
  pin.transportPinLost = false;
  pin.leftTries = PIN_TRIES;
  pin.verifiedFor = new Set(after === 'verified' ? [session] : []);
}
