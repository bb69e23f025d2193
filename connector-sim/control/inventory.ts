// Control calls that bring terminals and cards into a Konnektor's world and take them away (api.md section 4, issue 7).
// What is changed about those that are there is in cards.ts.
import { z } from 'zod';
import { jsonAnswer } from '../http-server.ts';
import { FIRST_KONNEKTOR } from '../konnektor/default-konnektor.ts';
import {
  addCard,
  addTerminal,
  cardSeedSchema,
  removeCard,
  removeTerminal,
  terminalSeedSchema,
} from '../konnektor/inventory.ts';
import type { KonnektorState } from '../konnektor/model.ts';
import { personArrives } from '../konnektor/pin-pad.ts';
import { accept, Refusal } from '../refusal.ts';
import { cardView, terminalView } from './cards.ts';
import type { ControlDeps, ControlRoute } from './route.ts';

/** Which Konnektor it comes to; the first one unless said. */
const konnektor = z.string().min(1).max(64).optional();
const addedTerminal = terminalSeedSchema.extend({ konnektor });
const addedCard = cardSeedSchema.extend({ konnektor });

export function inventoryRoutes({ parts }: ControlDeps): ControlRoute[] {
  const { world, pki } = parts;
  const named = (id: string | undefined): KonnektorState => {
    const found = world.konnektors.get(id ?? FIRST_KONNEKTOR);
    if (found !== undefined) return found;
    const finding = { pointer: '/konnektor', code: 'unknown', message: 'no such Konnektor' };
    throw new Refusal({ status: 422, code: 'BODY_INVALID', message: finding.message, findings: [finding] });
  };
  return [
    {
      method: 'POST',
      path: '/sim/terminals',
      run({ body }) {
        const { konnektor: id, ...seed } = accept(addedTerminal, body());
        const state = named(id);
        if (world.konnektorOfTerminal(seed.ctId) !== undefined && !state.terminals.has(seed.ctId)) {
          const finding = { pointer: '/ctId', code: 'taken', message: 'another Konnektor has a terminal of that name' };
          throw new Refusal({ status: 422, code: 'BODY_INVALID', message: finding.message, findings: [finding] });
        }
        return jsonAnswer(201, terminalView(state, addTerminal(state, seed)));
      },
    },
    {
      method: 'DELETE',
      path: '/sim/terminals/{ctId}',
      run({ params }) {
        const state = world.konnektorOfTerminal(params.ctId ?? '');
        const terminal = state?.terminals.get(params.ctId ?? '');
        if (state === undefined || terminal === undefined)
          throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such terminal' });
        removeTerminal(state, terminal);
        personArrives(state);
        return { status: 204, headers: [], body: '' };
      },
    },
    {
      method: 'POST',
      path: '/sim/cards',
      run({ body }) {
        const { konnektor: id, ...seed } = accept(addedCard, body());
        const state = named(id);
        if (seed.iccsn !== undefined && world.konnektorOfCard(seed.iccsn) !== undefined) {
          const finding = { pointer: '/iccsn', code: 'taken', message: 'there is a card of that number' };
          throw new Refusal({ status: 422, code: 'BODY_INVALID', message: finding.message, findings: [finding] });
        }
        const card = addCard(state, seed, { pki, now: world.now(), random: world.random });
        return jsonAnswer(201, cardView(state, card));
      },
    },
    {
      method: 'DELETE',
      path: '/sim/cards/{iccsn}',
      run({ params }) {
        const state = world.konnektorOfCard(params.iccsn ?? '');
        const card = state?.cards.get(params.iccsn ?? '');
        if (state === undefined || card === undefined)
          throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such card' });
        removeCard(state, card);
        personArrives(state);
        return { status: 204, headers: [], body: '' };
      },
    },
  ];
}
