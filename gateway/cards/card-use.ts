// The change of an SMC-B on command (KON-09): both are plugged, the new one carries the same Telematik-ID and can sign; from then on
// every login is made with it. Sessions that stand go on, and document IDs have nothing to do with the card.
import type { Settings } from '../config.ts';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { Asking } from '../exports/audit.ts';
import type { Database } from '../exports/store.ts';
import type { KonnektorParts } from '../konnektor-parts.ts';
import type { Logger } from '../log.ts';
import { auditRefusedChoice, type CardChoices } from './card-choices.ts';
import type { CardWatch } from './card-watch.ts';

/** Chooses the card for the DiGA whose Telematik-ID it carries. CARD_CHANGE_REFUSED, NOT_FOUND, CARD_NOT_REACHABLE. */
export function createCardUse(o: {
  db: Database;
  desk: Pick<KonnektorParts['desk'], 'find' | 'requireUsable'>;
  choices: CardChoices;
  digas: Settings['digas'];
  smcb: Pick<KonnektorParts['smcb'], 'lookAnew'>;
  watch: CardWatch;
  now: () => number;
  log: Logger;
}) {
  const refused = (iccsn: string, why: string, cause?: unknown) =>
    new GatewayError('CARD_CHANGE_REFUSED', `card ${iccsn}: ${why}`, { cause });

  type Order = { iccsn: string; diga: string; by: Asking };
  const change = async ({ iccsn, diga, by }: Order): Promise<void> => {
    const wanted = o.digas.find(({ id }) => id === diga);
    if (wanted === undefined) throw new GatewayError('NOT_FOUND', 'there is no such DiGA');
    const card = await o.desk.find(iccsn, wanted.konnektors).catch((thrown: unknown) => {
      const cause = asGatewayError(thrown);
      throw new GatewayError('CARD_NOT_REACHABLE', `card ${iccsn}: ${cause.code}, ${cause.message}`, { cause });
    });
    if (card === undefined) throw new GatewayError('NOT_FOUND', 'no Konnektor of the DiGA has this card');
    // A card of another institution would write into other folders: refused, whatever else is right with it.
    if (card.telematikId !== wanted.telematikId)
      throw refused(
        iccsn,
        card.telematikId === null ? 'its Telematik-ID cannot be read' : 'it has another Telematik-ID',
      );
    await o.desk.requireUsable(card).catch((thrown: unknown) => {
      throw refused(iccsn, asGatewayError(thrown).code, thrown);
    });
    await o.choices.choose({ diga, iccsn, by, now: o.now() });
    o.smcb.lookAnew(diga);
    o.log.info('card chosen', { diga, iccsn, operator: by.actor.id });
    for (const konnektor of wanted.konnektors) o.watch.hint(konnektor);
  };

  return async (order: Order): Promise<void> => {
    try {
      await change(order);
    } catch (thrown) {
      await auditRefusedChoice(o.db, { ...order, now: o.now(), result: asGatewayError(thrown).code });
      throw thrown;
    }
  };
}
