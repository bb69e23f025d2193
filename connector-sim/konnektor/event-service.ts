// EventService 7.2.0 but its subscriptions (konnektor.md 2.1): GetCards, GetCardTerminals, GetResourceInformation.
// Answers come from the Konnektor's memory; nothing is sent to a terminal (BCH FR-041).
import { type Markup, type XmlElement, xml } from '../../wire/xml.ts';
import { cardMarkup, terminalMarkup } from './card-markup.ts';
import { fitsType, isSmb, readableCards } from './cards.ts';
import { type Access, checkAccess, checkCard, checkCardAccess, checkTerminal, readContext } from './context.ts';
import { KonnektorFault, status } from './konnektor-fault.ts';
import {
  booleanAttribute,
  CARD_TYPES,
  must,
  one,
  readCardHandle,
  readCtId,
  readIccsn,
  readSequence,
  readSlotId,
  simpleText,
} from './message.ts';
import type { KonnektorState, SimCard } from './model.ts';
import { declare, NS } from './namespaces.ts';
import { connectorMarkup } from './operating-state.ts';
import { defineOperation } from './soap-endpoint.ts';

const optional = <T>(e: XmlElement | undefined, read: (e: XmlElement) => T): T | undefined =>
  e === undefined ? undefined : read(e);

/** The cards a call may see: in reachable terminals, an SM-B only where the Mandant manages it. */
function visibleCards(state: KonnektorState, access: Access): SimCard[] {
  return readableCards(state).filter(
    (card) => access.reachable.has(card.ctId) && (!isSmb(card) || access.mandant.smbs.includes(card.iccsn)),
  );
}

const getCards = defineOperation({
  name: 'GetCards',
  ns: NS.EVT,
  read(body) {
    const found = readSequence(
      body,
      ['CCTX:Context', 'CARDCMN:CtId?', 'CARDCMN:SlotId?', 'CARDCMN:CardType?'],
      ['mandant-wide'],
    );
    return {
      mandantWide: booleanAttribute(body, 'mandant-wide', false),
      context: readContext(must(found, 'Context')),
      ctId: optional(one(found, 'CtId'), readCtId),
      slotId: optional(one(found, 'SlotId'), readSlotId),
      cardType: optional(one(found, 'CardType'), (e) => simpleText(e, { oneOf: CARD_TYPES })),
    };
  },
  run(input, { konnektor: state }) {
    const access = checkAccess(state, input.context, input.mandantWide);
    if (input.ctId !== undefined) {
      const terminal = checkTerminal(state, access, input.ctId, input.mandantWide);
      if (input.slotId !== undefined && input.slotId > terminal.slots) throw new KonnektorFault(4097);
    }
    const cards = visibleCards(state, access).filter(
      (card) =>
        (input.ctId === undefined || card.ctId === input.ctId) &&
        (input.slotId === undefined || card.slotId === input.slotId) &&
        fitsType(card, input.cardType),
    );
    return xml(
      'EVT:GetCardsResponse',
      declare('EVT', 'CONN', 'CARD', 'CARDCMN'),
      status(),
      xml('CARD:Cards', {}, ...cards.map(cardMarkup)),
    );
  },
});

const getCardTerminals = defineOperation({
  name: 'GetCardTerminals',
  ns: NS.EVT,
  read(body) {
    const found = readSequence(body, ['CCTX:Context'], ['mandant-wide']);
    return {
      mandantWide: booleanAttribute(body, 'mandant-wide', false),
      context: readContext(must(found, 'Context')),
    };
  },
  run(input, { konnektor, world }) {
    const access = checkAccess(konnektor, input.context, input.mandantWide);
    const terminals = [...konnektor.terminals.values()].filter((t) => access.reachable.has(t.ctId));
    return xml(
      'EVT:GetCardTerminalsResponse',
      declare('EVT', 'CONN', 'CARDCMN', 'CTI', 'PI'),
      status(),
      xml('CTI:CardTerminals', {}, ...terminals.map((t) => terminalMarkup(t, world.now()))),
    );
  },
});

const getResourceInformation = defineOperation({
  name: 'GetResourceInformation',
  ns: NS.EVT,
  read(body) {
    const found = readSequence(body, [
      'CCTX:Context',
      'CARDCMN:CtId?',
      'CARDCMN:SlotId?',
      'CARDCMN:Iccsn?',
      'CONN:CardHandle?',
    ]);
    const input = {
      context: readContext(must(found, 'Context')),
      ctId: optional(one(found, 'CtId'), readCtId),
      slotId: optional(one(found, 'SlotId'), readSlotId),
      iccsn: optional(one(found, 'Iccsn'), readIccsn),
      cardHandle: optional(one(found, 'CardHandle'), readCardHandle),
    };
    const named = [input.ctId, input.iccsn, input.cardHandle].filter((id) => id !== undefined);
    if (named.length > 1) throw new KonnektorFault(4000, 'more than one resource named');
    if (input.slotId !== undefined && input.ctId === undefined) throw new KonnektorFault(4000, 'SlotId without CtId');
    return input;
  },
  run(input, { konnektor: state, world }) {
    const access = checkAccess(state, input.context);
    const answer = (...content: Markup[]) =>
      xml(
        'EVT:GetResourceInformationResponse',
        declare('EVT', 'CONN', 'CARD', 'CARDCMN', 'CTI', 'PI'),
        status(),
        ...content,
      );
    if (input.cardHandle !== undefined) return answer(cardMarkup(checkCard(state, access, input.cardHandle)));
    if (input.iccsn !== undefined) {
      const card = readableCards(state).find((c) => c.iccsn === input.iccsn);
      if (card === undefined) throw new KonnektorFault(4008);
      return answer(cardMarkup(checkCardAccess(state, access, card)));
    }
    if (input.ctId === undefined) return answer(connectorMarkup(state, world.now()));
    const terminal = checkTerminal(state, access, input.ctId);
    if (input.slotId === undefined) return answer(terminalMarkup(terminal, world.now()));
    if (input.slotId > terminal.slots) throw new KonnektorFault(4097);
    const card = readableCards(state).find((c) => c.ctId === terminal.ctId && c.slotId === input.slotId);
    if (card === undefined) throw new KonnektorFault(4008);
    return answer(cardMarkup(checkCardAccess(state, access, card)));
  },
});

export const eventService = [getCards, getCardTerminals, getResourceInformation];
