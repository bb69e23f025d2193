// CardTerminalService 1.1 (konnektor.md 2.3): asks a person at a terminal to insert a card or to take it out. Both wait for
// that person, so neither is repeated by itself.
import { child, type Markup, xml } from '../../wire/xml.ts';
import { GatewayError } from '../errors.ts';
import { readBoolean } from './directory.ts';
import { type Card, cardsIn, optional, readCard } from './event-service.ts';
import type { KonnektorAnswer, KonnektorClient } from './soap-client.ts';
import { declare, NS } from './tables/namespaces.ts';

export type Slot = { ctId: string; slotId: number };
export type CardRequest = Slot & {
  /** EGK, KVK, HBAx or SM-B. */
  cardType?: string;
  /** At most 48 characters; without it the terminal shows its own text. */
  displayMessage?: string;
  timeoutSeconds?: number;
};
export type CardToEject = { cardHandle: string } | Slot;
export type EjectOptions = { displayMessage?: string; timeoutMs?: number };

const slotOf = ({ ctId, slotId }: Slot): Markup =>
  xml('CT:Slot', {}, xml('CARDCMN:CtId', {}, ctId), xml('CARDCMN:SlotId', {}, String(slotId)));

/** Request body; order of the XSD: Context, Slot, CardType, DisplayMsg, TimeOut in seconds. */
export function requestCardRequest(context: Markup, request: CardRequest): Markup {
  return xml(
    'CT:RequestCard',
    declare('CT', 'CONN', 'CCTX', 'CARDCMN'),
    context,
    slotOf(request),
    optional('CARDCMN:CardType', request.cardType),
    optional('CT:DisplayMsg', request.displayMessage),
    optional('CT:TimeOut', request.timeoutSeconds),
  );
}

/** Request body; order of the XSD: Context, CardHandle or Slot, DisplayMsg, TimeOut in milliseconds here. */
export function ejectCardRequest(
  context: Markup,
  card: CardToEject,
  { displayMessage, timeoutMs }: EjectOptions = {},
): Markup {
  return xml(
    'CT:EjectCard',
    declare('CT', 'CONN', 'CCTX', 'CARDCMN'),
    context,
    'cardHandle' in card ? xml('CONN:CardHandle', {}, card.cardHandle) : slotOf(card),
    optional('CT:DisplayMsg', displayMessage),
    optional('CT:TimeOut', timeoutMs),
  );
}

/** Waits until a card is in the slot; one that is there already is answered at once. Nobody comes: 4202; a wrong card: 4051. */
export async function requestCard(
  client: KonnektorClient,
  request: CardRequest,
): Promise<{ alreadyInserted: boolean; card: Card | undefined }> {
  requireShort(request.displayMessage);
  const operation = 'RequestCard';
  const waitMs = (request.timeoutSeconds ?? DEFAULT_WAIT_SECONDS) * 1000;
  const { response } = await ask(client, { operation, body: requestCardRequest(client.context(), request), waitMs });
  return client.reading(operation, () => {
    const [card] = cardsIn(response);
    const inserted = child(response, NS.CT, 'AlreadyInserted');
    return {
      alreadyInserted: inserted !== undefined && readBoolean(inserted.text.trim()),
      card: card && readCard(card),
    };
  });
}

/** Waits until the card is taken out; nobody takes it: 4203. */
export async function ejectCard(client: KonnektorClient, card: CardToEject, options: EjectOptions = {}): Promise<void> {
  requireShort(options.displayMessage);
  const body = ejectCardRequest(client.context(), card, options);
  await ask(client, { operation: 'EjectCard', body, waitMs: options.timeoutMs ?? DEFAULT_WAIT_SECONDS * 1000 });
}

function ask(
  client: KonnektorClient,
  o: { operation: string; body: Markup; waitMs: number },
): Promise<KonnektorAnswer> {
  return client.call({ service: 'CardTerminalService', ...o, limit: 'card', repeat: false });
}

/** CT:DisplayMsg, maxLength of the XSD in characters. */
function requireShort(message: string | undefined): void {
  if (message !== undefined && [...message].length > 48)
    throw new GatewayError('INTERNAL', 'a text for the display of a terminal is longer than 48 characters');
}

/** RequestCard waits 20 s (ILF); of EjectCard 5 s and 20 s are told (ILF, BCH): the longer one is awaited. */
const DEFAULT_WAIT_SECONDS = 20;
