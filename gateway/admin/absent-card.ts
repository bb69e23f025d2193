// A card that an operator names and no Konnektor shows: what stands in its way, so that somebody can act (MON-04, KON-06).
import type { Cards } from '../cards/cards.ts';
import { asGatewayError, GatewayError } from '../errors.ts';

/**
 * NOT_FOUND of a card as SMCB_NOT_FOUND, or as TERMINAL_OFFLINE where a terminal in which it may be is not connected, looked at now;
 * anything else as it is. `konnektor`: asked for there only.
 */
export async function absentCard(
  thrown: unknown,
  o: { cards: Pick<Cards, 'terminals' | 'watch'>; iccsn: string; konnektor?: string | undefined },
): Promise<unknown> {
  const { cards, iccsn, konnektor } = o;
  if (asGatewayError(thrown).code !== 'NOT_FOUND') return thrown;
  await cards.watch.look(konnektor);
  const away = cards
    .terminals()
    .filter((one) => one.code === 'TERMINAL_OFFLINE' && (konnektor ?? one.konnektor) === one.konnektor)
    .map((one) => `${one.konnektor}/${one.ctId}`);
  const where =
    konnektor === undefined ? 'no Konnektor of the settings shows it' : `Konnektor ${konnektor} does not show it`;
  return away.length > 0
    ? new GatewayError('TERMINAL_OFFLINE', `card ${iccsn}: ${where}, and terminal ${away.join(', ')} is not connected`)
    : new GatewayError('SMCB_NOT_FOUND', `card ${iccsn}: ${where}, or it belongs to no DiGA here`);
}
