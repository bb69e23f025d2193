// Looks for each DiGA's card at the start, and again while it is not usable: costs no signature (MON-01).
import type { Settings } from './config.ts';
import { asGatewayError } from './errors.ts';
import type { ChainHealth } from './exports/chain-health.ts';
import type { CardPort } from './exports/ports.ts';
import type { Timer } from './exports/worker.ts';
import type { Logger } from './log.ts';

const CARD_LOOK_MS = 30_000;

/** Begins at once, ends by `stop`. */
export function watchCards(o: { settings: Settings; cards: CardPort; health: ChainHealth; log: Logger; timer: Timer }) {
  let cancel = () => {};
  let stopped = false;
  const look = async () => {
    const troubled: string[] = [];
    for (const diga of o.settings.digas) {
      const place = { diga: diga.id, recordSystem: '' };
      try {
        const signer = await o.cards.signerFor(diga);
        o.health.works(place);
        o.log.info('card usable', { diga: diga.id, iccsn: signer.iccsn });
      } catch (thrown) {
        const { code, check } = asGatewayError(thrown);
        troubled.push(diga.id);
        o.health.fails(place, code, null);
        o.log.warn('card not usable', { diga: diga.id, code, check });
      }
    }
    if (!stopped && troubled.length > 0) cancel = o.timer(CARD_LOOK_MS, () => void look());
  };
  // Until the first look has ended nothing is known: canExport says no.
  for (const diga of o.settings.digas) o.health.fails({ diga: diga.id, recordSystem: '' }, 'NOT_READY', null);
  void look();
  return {
    stop: () => {
      stopped = true;
      cancel();
    },
  };
}
