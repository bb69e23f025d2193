// Events about certificates on cards and others that are sent on command (konnektor.md 5): CERT/CARD/EXPIRATION comes by itself, once
// a day of the simulated clock for each readable SM-B or HBA that ends within 90 days.
import { EVENTS_ON_DEMAND } from '../tables/events-on-demand.ts';
import { isSmb, readableCards } from './cards.ts';
import { emit, type KonnektorEvent } from './events.ts';
import type { KonnektorState, SimCard } from './model.ts';

/** CERT_EXPIRATION_WARN_DAYS as a Konnektor comes. */
const WARN_DAYS = 90;
const DAY_MS = 86_400_000;

/** When the clock came into another day. */
export function tellExpirations(state: KonnektorState, o: { before: number; now: number }): void {
  if (Math.floor(o.before / DAY_MS) === Math.floor(o.now / DAY_MS)) return;
  for (const card of readableCards(state))
    if (endsSoon(card, o.now)) emit(state, onDemand('CERT/CARD/EXPIRATION', card));
}

function endsSoon(card: SimCard, now: number): boolean {
  const end = endOf(card)?.getTime();
  return (isSmb(card) || card.cardType === 'HBA') && end !== undefined && end - now <= WARN_DAYS * DAY_MS;
}

const endOf = (card: SimCard): Date | undefined => card.certificates.get('C.AUT')?.certificate.notAfter;

/** An event of `EVENTS_ON_DEMAND`; `more` stands over its own parameters. `card` where it is about one. */
export function onDemand(topic: string, card?: SimCard, more: Record<string, string> = {}): KonnektorEvent {
  const { type, severity, ofCard, parameters } = EVENTS_ON_DEMAND[topic] ?? {
    type: 'Other',
    severity: 'Info',
    ofCard: false,
    parameters: {},
  };
  const ofThisCard: Record<string, string> =
    card === undefined || ofCard === false
      ? {}
      : ofCard === 'session'
        ? { CardType: card.cardType }
        : {
            CARD_TYPE: card.cardType,
            ICCSN: card.iccsn,
            CARD_HANDLE: card.cardHandle ?? '',
            CardHolderName: card.holder ?? '',
            ExpirationDate: endOf(card)?.toISOString().slice(0, 10) ?? '',
          };
  return {
    topic,
    type,
    severity,
    parameters: Object.entries({ ...ofThisCard, ...parameters, ...more }),
    ...(card !== undefined && ofCard !== false && { about: { ctId: card.ctId, iccsn: card.iccsn } }),
  };
}
