// What a scenario plugs beside the default world: terminals and cards, all of them or, where something does not fit, none.
import { inventIccsn } from '../pki.ts';
import { type Finding, Refusal, refusalOf } from '../refusal.ts';
import { type AddCardParts, addCard, addTerminal, type CardSeed, NAME_TAKEN, type TerminalSeed } from './inventory.ts';
import type { KonnektorState } from './model.ts';

export const NO_KONNEKTOR: Finding = { pointer: '/konnektor', code: 'unknown', message: 'no such Konnektor' };

/** Each at the Konnektor named, else at the first. */
export type Plugs = {
  terminals: readonly (TerminalSeed & { konnektor?: string | undefined })[];
  cards: readonly (CardSeed & { konnektor?: string | undefined })[];
};

/** Cards whose numbers stay, whatever is reset. */
export function numbered(plugs: Plugs): Plugs {
  return { ...plugs, cards: plugs.cards.map((card) => ({ ...card, iccsn: card.iccsn ?? inventIccsn() })) };
}

/** All of them, in order; every finding, with its place in the scenario, where something does not fit. */
export function plugAll(konnektors: ReadonlyMap<string, KonnektorState>, plugs: Plugs, parts: AddCardParts): Finding[] {
  const first = [...konnektors.values()][0];
  const findings: Finding[] = [];
  const plug = (at: string, konnektor: string | undefined, act: (k: KonnektorState) => void): boolean => {
    const state = konnektor === undefined ? first : konnektors.get(konnektor);
    try {
      if (state === undefined) throw refusalOf([NO_KONNEKTOR]);
      act(state);
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      findings.push(...error.findings.map((one) => ({ ...one, pointer: `${at}${one.pointer}` })));
      return false;
    }
  };
  const isTaken = (ctId: string) => [...konnektors.values()].some((one) => one.terminals.has(ctId));
  const missing = new Set<string>();
  for (const [index, { konnektor, ...seed }] of plugs.terminals.entries()) {
    const added = plug(`/terminals/${index}`, konnektor, (state) => {
      if (isTaken(seed.ctId)) throw refusalOf([NAME_TAKEN]);
      addTerminal(state, seed);
    });
    if (!added) missing.add(seed.ctId);
  }
  for (const [index, { konnektor, ...seed }] of plugs.cards.entries()) {
    const told = findings.length;
    plug(`/cards/${index}`, konnektor, (state) => addCard(state, seed, { ...parts, isTaken }));
    // That its terminal does not stand was told at the terminal.
    const follows = (one: Finding) => one.pointer === `/cards/${index}/ctId` && missing.has(seed.ctId ?? '');
    findings.push(...findings.splice(told).filter((one) => !follows(one)));
  }
  return findings;
}
