// One look at one Konnektor, as people know it (KON-05, KON-06, MON-02): its state, its terminals, and every SMC-B and HSM-B of the
// Mandant with Telematik-ID, end of validity and state of PIN.SMC. All from calls that prompt nobody (konnektor.md 2.1, 2.2).
import type { Certificate } from '../../certs/certificate.ts';
import { asGatewayError, type ErrorCode } from '../errors.ts';
import { isSmb } from './card-search.ts';
import { getPinStatus, type PinStatus } from './card-service.ts';
import {
  type Card,
  type CardTerminal,
  type ConnectorState,
  getCards,
  getCardTerminals,
  getResourceInformation,
} from './event-service.ts';
import { isCardTimeout, isConnectionLoss, reactionTo } from './faults.ts';
import type { SmcbCards } from './smcb.ts';
import type { KonnektorClient } from './soap-client.ts';

/** KON-06. `unknown`: the Konnektor could not say. */
export type PinState = 'verified' | 'verifiable' | 'blocked' | 'transport-pin' | 'unknown';

/** `code`: why it is unknown. `none`: a card without PIN.SMC, as an HSM-B may be (KON-14); it counts as verified. */
export type SeenPin = { state: PinState; leftTries: number | null; code: ErrorCode | null; none?: true };

export type SeenCard = {
  iccsn: string;
  cardType: string;
  cardHandle: string;
  ctId: string;
  slotId: number;
  insertTime: string;
  cardHolderName: string | null;
  /** Undefined: not to be read. */
  certificate: Certificate | undefined;
  pin: SeenPin;
};

export type Survey = {
  /** Undefined: it does not tell. */
  connector: ConnectorState | undefined;
  terminals: CardTerminal[];
  /** It did not tell them. */
  terminalsUntold?: true;
  cards: SeenCard[];
};

const STATES: Record<PinStatus, PinState> = {
  VERIFIED: 'verified',
  DISABLED: 'verified',
  VERIFIABLE: 'verifiable',
  BLOCKED: 'blocked',
  TRANSPORT_PIN: 'transport-pin',
  EMPTY_PIN: 'transport-pin',
};

/**
 * Asks for all of it. `answered` is called as soon as the Konnektor has said anything: what follows waits for cards. Throws
 * KONNEKTOR_* where the connection is lost or the cards are not told; what else is refused is missing in the answer.
 */
export async function surveyKonnektor(o: {
  client: KonnektorClient;
  cards: Pick<SmcbCards, 'certificateOf' | 'atCard' | 'silence' | 'probe'>;
  answered: () => void;
  /** What was known of the PIN while a person is typing it: the card is not asked then. Undefined: it may be asked. */
  typing: (iccsn: string) => SeenPin | undefined;
  /** A card that was silent is heard again: time to look once more. */
  back: () => void;
}): Promise<Survey> {
  const { client } = o;
  const seen = await getCards(client, { mandantWide: true, cardType: 'SM-B' });
  o.answered();
  const connector = await tolerant(client, 'GetResourceInformation', async () => {
    return (await getResourceInformation(client)).connector;
  });
  const terminals = await tolerant(client, 'GetCardTerminals', () => getCardTerminals(client, true));
  // Side by side: a card that does not answer must not keep the others from being seen (KON-11, MON-04).
  const cards = await Promise.all(seen.filter(isSmb).map((card) => lookAt(card, o)));
  return { connector, terminals: terminals ?? [], ...(terminals === undefined && { terminalsUntold: true }), cards };
}

/** What one operation refuses does not hide the rest; a lost connection does. */
async function tolerant<T>(client: KonnektorClient, operation: string, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (thrown) {
    const error = asGatewayError(thrown);
    if (isConnectionLoss(error) && error.foreign?.status === undefined) throw error;
    client.warn(operation, error.code);
    return undefined;
  }
}

async function lookAt(card: Card & { iccsn: string }, o: Parameters<typeof surveyKonnektor>[0]): Promise<SeenCard> {
  const { client, cards } = o;
  const { iccsn, cardType, cardHandle, ctId, slotId, insertTime, cardHolderName = null } = card;
  // One that was silent costs this look nothing: it is asked beside it.
  if (cards.silence(iccsn) !== undefined && o.typing(iccsn) === undefined)
    cards.probe(iccsn, () => getPinStatus(client, cardHandle), o.back);
  const certificate = await tolerant(client, 'ReadCardCertificate', () => cards.certificateOf(client, card));
  const pin = o.typing(iccsn) ?? (await seenPin(card, o));
  return { iccsn, cardType, cardHandle, ctId, slotId, insertTime, cardHolderName, certificate, pin };
}

async function seenPin(card: Card & { iccsn: string }, o: Parameters<typeof surveyKonnektor>[0]): Promise<SeenPin> {
  try {
    return await o.cards.atCard(card.iccsn, () => pinOf(o.client, card));
  } catch (thrown) {
    const error = asGatewayError(thrown);
    if (isConnectionLoss(error)) throw error;
    return { state: 'unknown', leftTries: null, code: error.code };
  }
}

/** The state of PIN.SMC of one card. Throws where the connection is lost or the card does not answer in time. */
export async function pinOf(
  client: KonnektorClient,
  { cardHandle, cardType }: { cardHandle: string; cardType: string },
): Promise<SeenPin> {
  try {
    const { status, leftTries = null } = await getPinStatus(client, cardHandle);
    return { state: STATES[status], leftTries, code: null };
  } catch (thrown) {
    const error = asGatewayError(thrown);
    if (isCardTimeout(error) || (isConnectionLoss(error) && error.foreign?.status === undefined)) throw error;
    // KON-14: an HSM-B need not have a PIN at all (4072, 4209).
    if (cardType === 'HSM-B' && reactionTo(error) === 'permanent')
      return { state: 'verified', leftTries: null, code: null, none: true };
    return { state: 'unknown', leftTries: null, code: error.code };
  }
}
