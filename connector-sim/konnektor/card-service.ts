// CardService 8.1.2, the question: GetPinStatus (konnektor.md 2.2). What is typed at a terminal is in pin-service.ts.
import { xml } from '../../wire/xml.ts';
import { hasPinOfItsOwn, pinOf, pinStatusFor, sessionOf } from './card-pin.ts';
import { cardByHandle } from './cards.ts';
import { checkAccess, checkCard } from './context.ts';
import { KonnektorFault, status } from './konnektor-fault.ts';
import { declare, NS } from './namespaces.ts';
import { readPinRequest } from './pin-service.ts';
import { defineOperation } from './soap-endpoint.ts';

/** Revisions whose schema has no PinStatus DISABLED, which came with 8.1.3 of the schema and 8.1.2 of the service (konnektor.md 2.2). */
const WITHOUT_DISABLED: ReadonlySet<string> = new Set(['8.1.0', '8.1.1']);

const getPinStatus = defineOperation({
  name: 'GetPinStatus',
  ns: NS.CARD,
  read: readPinRequest,
  run(input, { konnektor, manners, world, revision }) {
    const { choices } = world;
    const access = checkAccess(konnektor, input.context);
    const unknown = cardByHandle(konnektor, input.cardHandle) === undefined;
    if (unknown && choices.pinStatusHandleCode !== undefined) throw new KonnektorFault(choices.pinStatusHandleCode);
    const card = checkCard(konnektor, access, input.cardHandle);
    const pin = pinOf(card, input.pinTyp, manners);
    const own = pinStatusFor(pin, sessionOf(card, access, manners));
    const hosted =
      manners.hsmPinStatus === 'DISABLED' && WITHOUT_DISABLED.has(revision) ? 'VERIFIED' : manners.hsmPinStatus;
    const pinStatus = hasPinOfItsOwn(card) ? own : String(hosted);
    return xml(
      'CARD:GetPinStatusResponse',
      declare('CARD', 'CONN'),
      status(),
      xml('CARD:PinStatus', {}, pinStatus),
      pinStatus === 'VERIFIABLE' ? xml('CARD:LeftTries', {}, String(pin.leftTries)) : undefined,
    );
  },
});

export const cardService = [getPinStatus];
