// What a card's members in the control API mean, in words: for the page and docs/simulator.md (D23, D27).
import type { EnteredPin, PinStatus } from '../konnektor/model.ts';

export const PIN_STATUS_WORDS: Readonly<Record<PinStatus, string>> = {
  VERIFIED: 'the PIN was entered: the card signs',
  VERIFIABLE: 'nobody has entered the PIN since the card was plugged or the Konnektor restarted',
  BLOCKED: 'no try is left: the PUK is wanted (UnblockPin)',
  TRANSPORT_PIN: 'as delivered: a PIN of its own is to be set first (ChangePin), then entered',
  EMPTY_PIN: 'as delivered, without a transport PIN: as above',
};

/** What the person at the terminal does at the next entry, and at each one until it is changed. */
export const ENTERED_PIN_WORDS: Readonly<Record<EnteredPin, string>> = {
  right: 'types the right PIN (or PUK); the default',
  wrong: 'types a wrong one: a try less, at the last one blocked',
  cancel: 'presses the cancel key (4049)',
  timeout: 'comes, and types nothing until the terminal gives up (4043), told at once',
  none: 'does not come: the entry stays open for 60 s, or until this member changes or card or terminal are changed',
  different: 'types two new PINs that differ (4067); where no new PIN is set, as right',
  short: 'types a new PIN of a wrong length (4068); where no new PIN is set, as right',
};

/** The other members of PATCH /sim/cards/{iccsn}. */
export const CARD_MEMBER_WORDS = {
  pinStatus: 'state of PIN.SMC, see below',
  leftTries: 'tries left for the PIN, 0 to 3; 0 is BLOCKED',
  pukTries: 'uses left of the PUK, 0 to 10',
  enteredPin: 'what the person at the terminal does, see below',
  inserted: 'false pulls the card, true plugs it: it has a new handle then, and its PIN is to be entered',
  ctId: 'terminal in which it is (moving it is pulling and plugging)',
  slotId: 'slot there, 1 to 16',
  telematikId: 'other certificates with this Telematik-ID (SMC-B, HSM-B)',
  certificateExpires:
    'other certificates that end then (SMC-B, HSM-B), at once for the Konnektor; a gateway reads a card once per insertion, so pull and plug it to have them seen',
  signDelayMs: 'how long a signature takes',
} as const;
