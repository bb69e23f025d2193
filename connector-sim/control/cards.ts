// Control calls about terminals and cards (api.md section 4, D23, D27): what a person does with them, and what they are.
import { z } from 'zod';
import { jsonAnswer } from '../http-server.ts';
import { hasPinOfItsOwn, pinStatusFor } from '../konnektor/card-pin.ts';
import { certificateOf, managerOf, setTerminal } from '../konnektor/cards.ts';
import type { KonnektorState, SimCard, SimTerminal } from '../konnektor/model.ts';
import { personArrives } from '../konnektor/pin-pad.ts';
import { accept, acceptMeant, Refusal } from '../refusal.ts';
import { applyChange, cardSchema, checkedChange } from './card-change.ts';
import type { ControlDeps, ControlRoute } from './route.ts';

const terminalSchema = z.strictObject({ connected: z.boolean().optional(), active: z.boolean().optional() });
export function terminalView(konnektor: KonnektorState, terminal: SimTerminal): Record<string, unknown> {
  const { ctId, name, slots, physical, active, connected, workplaces } = terminal;
  return { konnektor: konnektor.id, ctId, name, slots, physical, active, connected, workplaces };
}

/**
 * `pinStatus` as the first Mandant that manages the card sees it; null for a card whose PIN nobody types. Of a person's card
 * it is PIN.CH.
 */
export function cardView(state: KonnektorState, card: SimCard): Record<string, unknown> {
  const hasPin = card.cardType !== 'SMC-KT' && hasPinOfItsOwn(card);
  const mandant = managerOf(state, card)?.id ?? '';
  return {
    konnektor: state.id,
    iccsn: card.iccsn,
    cardType: card.cardType,
    telematikId: card.telematikId,
    ctId: card.ctId,
    slotId: card.slotId,
    inserted: card.inserted,
    pinStatus: hasPin ? pinStatusFor(card, mandant) : null,
    leftTries: hasPin ? card.leftTries : null,
    pukTries: hasPin ? card.pukTries : null,
    enteredPin: card.cardType === 'SMC-KT' ? null : card.enteredPin,
    signDelayMs: card.signDelayMs,
    certificateExpires: certificateOf(card, 'C.AUT')?.notAfter.toISOString() ?? null,
  };
}

export function cardRoutes({ parts }: ControlDeps): ControlRoute[] {
  const { world, pki } = parts;
  return [
    {
      method: 'GET',
      path: '/sim/terminals',
      run: () =>
        jsonAnswer(
          200,
          [...world.konnektors.values()].flatMap((k) => [...k.terminals.values()].map((t) => terminalView(k, t))),
        ),
    },
    {
      method: 'PATCH',
      path: '/sim/terminals/{ctId}',
      run({ params, body }) {
        const konnektor = world.konnektorOfTerminal(params.ctId ?? '');
        const terminal = konnektor?.terminals.get(params.ctId ?? '');
        if (konnektor === undefined || terminal === undefined)
          throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such terminal' });
        setTerminal(konnektor, terminal, { ...accept(terminalSchema, body()), now: world.now() });
        personArrives(konnektor);
        return jsonAnswer(200, terminalView(konnektor, terminal));
      },
    },
    {
      method: 'GET',
      path: '/sim/cards',
      run: () =>
        jsonAnswer(
          200,
          [...world.konnektors.values()].flatMap((k) => [...k.cards.values()].map((card) => cardView(k, card))),
        ),
    },
    {
      method: 'PATCH',
      path: '/sim/cards/{iccsn}',
      run({ params, body }) {
        const konnektor = world.konnektorOfCard(params.iccsn ?? '');
        const card = konnektor?.cards.get(params.iccsn ?? '');
        if (konnektor === undefined || card === undefined)
          throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such card' });
        const shown = cardView(konnektor, card);
        const given = acceptMeant(
          cardSchema,
          body(),
          (readable) => checkedChange(konnektor, card, { shown, given: readable }).findings,
        );
        const { change } = checkedChange(konnektor, card, { shown, given });
        applyChange(konnektor, card, change, { now: world.now(), pki });
        personArrives(konnektor);
        return jsonAnswer(200, cardView(konnektor, card));
      },
    },
  ];
}
