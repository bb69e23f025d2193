// Konnektors beside the default world's (KON-11): each with a terminal, SMC-Bs, handles and sessions of its own. What it holds
// is another card (other ICCSN) that may carry the same Telematik-ID.
import { type CardSeed, type FurtherCard, mintFurtherCards } from '../further-digas.ts';
import { inventIccsn, type SimPki } from '../pki.ts';
import type { KonnektorVendor } from '../tables/konnektor-profiles.ts';
import { createKonnektorState, DEMO_CARD } from './default-konnektor.ts';
import type { KonnektorState } from './model.ts';
import type { ModelSeed } from './model-seed.ts';

export type KonnektorSeed = ModelSeed & {
  id: string;
  /** Whose it is; without it as the world's choice by seed. */
  profile?: KonnektorVendor | undefined;
  /** Its SMC-Bs; without it one of the demo DiGA. */
  cards?: readonly CardSeed[] | undefined;
};

/** Cards are minted once: a reset of the world plugs the same ones again. */
export type FurtherKonnektor = {
  id: string;
  vendor: KonnektorVendor | undefined;
  cards: FurtherCard[];
  smcktIccsn: string;
  model: ModelSeed;
};

/** `now` in ms of simulated time, from which the certificates are valid. */
export function mintFurtherKonnektor(pki: SimPki, seed: KonnektorSeed, now: number): FurtherKonnektor {
  const { id, profile: vendor, cards, ...model } = seed;
  return { id, vendor, cards: mintFurtherCards(pki, cards ?? [DEMO_CARD], now), smcktIccsn: inventIccsn(), model };
}

export function furtherKonnektorState(
  { id, vendor, cards, smcktIccsn }: Omit<FurtherKonnektor, 'model'>,
  o: { now: number; terminal: number },
): KonnektorState {
  return createKonnektorState({ id, vendor, cards, smcktIccsn, ...o });
}
