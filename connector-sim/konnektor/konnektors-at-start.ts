// All Konnektors of a world as they are at its start: those of scenario or default, what is plugged beside, who is assigned to whom.
import type { FurtherCard } from '../further-digas.ts';
import type { SimPki } from '../pki.ts';
import { refusalOf } from '../refusal.ts';
import type { KonnektorVendor } from '../tables/konnektor-profiles.ts';
import { createDefaultKonnektor } from './default-konnektor.ts';
import { type FurtherKonnektor, furtherKonnektorState } from './further-konnektor.ts';
import type { KonnektorState } from './model.ts';
import { beginWith, type ModelSeed, modelFindings } from './model-seed.ts';
import { type Plugs, plugAll } from './plugs.ts';

/** By id, the first one first. Refusal with every finding, by its place in the scenario, where something does not fit. */
export function konnektorsAtStart(o: {
  pki: SimPki;
  now: number;
  first: { cards: readonly FurtherCard[]; vendor: KonnektorVendor | undefined; model: ModelSeed };
  further: readonly FurtherKonnektor[];
  plugs: Plugs;
  random: () => number;
}): Map<string, KonnektorState> {
  const { pki, now, random, first } = o;
  const states = [
    createDefaultKonnektor({ pki, now, further: first.cards, vendor: first.vendor }),
    ...o.further.map((one, index) => furtherKonnektorState(one, { now, terminal: index + 2 })),
  ];
  const konnektors = new Map(states.map((state) => [state.id, state]));
  const findings = plugAll(konnektors, o.plugs, { pki, now, random });
  const begins = states.map((state, index) => ({
    state,
    at: index === 0 ? '' : `/konnektors/${index - 1}`,
    model: index === 0 ? first.model : (o.further[index - 1]?.model ?? {}),
  }));
  for (const { state, at, model } of begins)
    findings.push(...modelFindings(state, model).map((one) => ({ ...one, pointer: `${at}${one.pointer}` })));
  if (findings.length > 0) throw refusalOf(findings, 'SCENARIO_INVALID');
  for (const { state, model } of begins) beginWith(state, model);
  return konnektors;
}
