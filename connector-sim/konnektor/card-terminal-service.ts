// CardTerminalService 1.1.0 (konnektor.md 2.3): RequestCard waits for a card in a slot (TimeOut in seconds), EjectCard for
// somebody who takes it (TimeOut in milliseconds). One display per terminal; the person is the one of D23.
import { type XmlElement, xml } from '../../wire/xml.ts';
import { cardMarkup } from './card-markup.ts';
import { fitsType, readableCards, setInserted } from './cards.ts';
import { type Access, checkAccess, checkCard, checkCardAccess, checkTerminal, readContext } from './context.ts';
import { KonnektorFault, status } from './konnektor-fault.ts';
import { CARD_TYPES, must, one, readCardHandle, readCtId, readSequence, readSlotId, simpleText } from './message.ts';
import type { KonnektorState, SimCard, SimTerminal } from './model.ts';
import { declare, NS } from './namespaces.ts';
import { awaitSlot } from './pin-pad.ts';
import { defineOperation } from './soap-endpoint.ts';

type Slot = { ctId: string; slotId: number };

/** Defaults of ILF; BCH reads 20000 for EjectCard in 5.27. */
const REQUEST_SECONDS = 20;
const EJECT_MS = 5_000;

/** What RequestCard may wait for; anything else is 4058. */
const requestable: readonly string[] = ['EGK', 'KVK', 'HBAx', 'SM-B'];

function readSlot(element: XmlElement): Slot {
  const found = readSequence(element, ['CARDCMN:CtId', 'CARDCMN:SlotId']);
  return { ctId: readCtId(must(found, 'CtId')), slotId: readSlotId(must(found, 'SlotId')) };
}

function readTimeOut(element: XmlElement | undefined): number | undefined {
  // xs:nonNegativeInteger has as many digits as one likes, and its zero may have either sign.
  const pattern = /^(\+?\d+|-0+)$/;
  return element === undefined ? undefined : Math.abs(Number(simpleText(element, { pattern, token: true })));
}

function readDisplay(element: XmlElement | undefined): void {
  if (element !== undefined) simpleText(element, { maxLength: 48 });
}

/** A terminal that can do something now. Throws 4221, 4222, 4097; a virtual one has no slot a person reaches: 4209. */
function checkSlot(konnektor: KonnektorState, access: Access, slot: Slot): SimTerminal {
  const terminal = checkTerminal(konnektor, access, slot.ctId);
  if (slot.slotId > terminal.slots) throw new KonnektorFault(4097);
  if (!terminal.active) throw new KonnektorFault(4221);
  if (!terminal.connected) throw new KonnektorFault(4222);
  if (!terminal.physical) throw new KonnektorFault(4209);
  return terminal;
}

const cardIn = (konnektor: KonnektorState, slot: Slot): SimCard | undefined =>
  readableCards(konnektor).find((card) => card.ctId === slot.ctId && card.slotId === slot.slotId);

const requestCard = defineOperation({
  name: 'RequestCard',
  ns: NS.CT,
  read(body) {
    const found = readSequence(body, ['CCTX:Context', 'CT:Slot', 'CARDCMN:CardType?', 'CT:DisplayMsg?', 'CT:TimeOut?']);
    const cardType = one(found, 'CardType');
    readDisplay(one(found, 'DisplayMsg'));
    return {
      context: readContext(must(found, 'Context')),
      slot: readSlot(must(found, 'Slot')),
      cardType: cardType === undefined ? undefined : simpleText(cardType, { oneOf: CARD_TYPES }),
      seconds: readTimeOut(one(found, 'TimeOut')) ?? REQUEST_SECONDS,
    };
  },
  async run({ context, slot, cardType, seconds }, { konnektor }) {
    const access = checkAccess(konnektor, context);
    checkSlot(konnektor, access, slot);
    if (cardType !== undefined && !requestable.includes(cardType)) throw new KonnektorFault(4058);
    const already = cardIn(konnektor, slot);
    // Display: "Bitte … in SLOT X stecken" (TIP1-A_5408), unless DisplayMsg says it otherwise.
    if (already === undefined) {
      const until = () => cardIn(konnektor, slot) !== undefined;
      await awaitSlot(konnektor, slot.ctId, { until, ms: seconds * 1000 });
      checkSlot(konnektor, access, slot); // it may be gone by now
    }
    const card = cardIn(konnektor, slot);
    if (card === undefined) throw new KonnektorFault(4202);
    if (!fitsType(card, cardType)) throw new KonnektorFault(4051);
    checkCardAccess(konnektor, access, card);
    return xml(
      'CT:RequestCardResponse',
      declare('CT', 'CONN', 'CARD', 'CARDCMN'),
      status(),
      xml('CT:AlreadyInserted', {}, String(already !== undefined)),
      cardMarkup(card),
    );
  },
});

const ejectCard = defineOperation({
  name: 'EjectCard',
  ns: NS.CT,
  read(body) {
    const byHandle = body.children[1]?.name === 'CardHandle';
    const found = readSequence(body, [
      'CCTX:Context',
      byHandle ? 'CONN:CardHandle' : 'CT:Slot',
      'CT:DisplayMsg?',
      'CT:TimeOut?',
    ]);
    readDisplay(one(found, 'DisplayMsg'));
    return {
      context: readContext(must(found, 'Context')),
      which: byHandle ? readCardHandle(must(found, 'CardHandle')) : readSlot(must(found, 'Slot')),
      ms: readTimeOut(one(found, 'TimeOut')) ?? EJECT_MS,
    };
  },
  async run({ context, which, ms }, { konnektor, world }) {
    const access = checkAccess(konnektor, context);
    const card = typeof which === 'string' ? checkCard(konnektor, access, which) : undefined;
    const slot = card ?? (which as Slot);
    checkSlot(konnektor, access, slot);
    const ejected = card ?? cardIn(konnektor, slot);
    if (ejected === undefined) throw new KonnektorFault(4008);
    checkCardAccess(konnektor, access, ejected);
    if (ejected.cardType === 'SMC-KT') throw new KonnektorFault(4209); // screwed in, nobody takes it
    // Its PIN is typed at this terminal or, remotely, at another one; else another card's, at the display that is needed here.
    const entries = [...konnektor.pinEntries.values()];
    if (entries.some((entry) => entry.iccsn === ejected.iccsn)) throw new KonnektorFault(4093);
    if (konnektor.pinEntries.has(ejected.ctId)) throw new KonnektorFault(4039);
    // The person of D23 takes the card, unless nobody is there.
    const gone = () => !ejected.inserted;
    if (ejected.enteredPin !== 'none') setInserted(konnektor, ejected, false, world.now());
    else await awaitSlot(konnektor, ejected.ctId, { until: gone, ms });
    if (!gone()) checkSlot(konnektor, access, slot);
    if (!gone()) throw new KonnektorFault(4203);
    return xml('CT:EjectCardResponse', declare('CT', 'CONN'), status());
  },
});

export const cardTerminalService = [requestCard, ejectCard];
