// Control calls that bring terminals and cards into a Konnektor's world and take them away (api.md section 4, issue 7).
// What is changed about those that are there is in cards.ts.
import { z } from 'zod';
import { jsonAnswer } from '../http-server.ts';
import { FIRST_KONNEKTOR } from '../konnektor/default-konnektor.ts';
import {
  addCard,
  addTerminal,
  cardFindings,
  cardSeedSchema,
  NAME_TAKEN,
  NUMBER_TAKEN,
  removeCard,
  removeTerminal,
  terminalSeedSchema,
} from '../konnektor/inventory.ts';
import type { KonnektorState } from '../konnektor/model.ts';
import { personArrives } from '../konnektor/pin-pad.ts';
import { NO_KONNEKTOR } from '../konnektor/plugs.ts';
import { acceptMeant, type Finding, Refusal } from '../refusal.ts';
import { cardView, terminalView } from './cards.ts';
import type { ControlDeps, ControlRoute } from './route.ts';

/** Which Konnektor it comes to; the first one unless said. */
const konnektor = z.string().min(1).max(64).optional();
const addedTerminal = terminalSeedSchema.extend({ konnektor });
const addedCard = cardSeedSchema.extend({ konnektor });

export function inventoryRoutes({ parts }: ControlDeps): ControlRoute[] {
  const { world, pki } = parts;
  /** Judges the rest of the body too where the Konnektor is unknown: by the first one. */
  const named = (id: string | undefined): { state: KonnektorState; findings: Finding[] } => {
    const found = world.konnektors.get(id ?? FIRST_KONNEKTOR);
    return found === undefined ? { state: world.konnektor, findings: [NO_KONNEKTOR] } : { state: found, findings: [] };
  };
  const isTaken = (ctId: string) => world.konnektorOfTerminal(ctId) !== undefined;
  const cardParts = () => ({ pki, now: world.now(), random: world.random, isTaken });
  return [
    {
      method: 'POST',
      path: '/sim/terminals',
      run({ body }) {
        const { konnektor: id, ...seed } = acceptMeant(addedTerminal, body(), (readable) => [
          ...named(readable.konnektor).findings,
          ...(isTaken(readable.ctId ?? '') ? [NAME_TAKEN] : []),
        ]);
        const { state } = named(id);
        const terminal = addTerminal(state, seed);
        terminal.changedAt = world.now();
        return jsonAnswer(201, terminalView(state, terminal));
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
        const { konnektor: id, ...seed } = acceptMeant(addedCard, body(), (readable) => {
          const { state, findings } = named(readable.konnektor);
          const elsewhere = world.konnektorOfCard(readable.iccsn ?? '') !== undefined ? [NUMBER_TAKEN] : [];
          const own = cardFindings(state, readable, isTaken).findings.filter((one) => one.pointer !== '/iccsn');
          return [...findings, ...elsewhere, ...own];
        });
        const { state } = named(id);
        const card = addCard(state, seed, cardParts());
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
