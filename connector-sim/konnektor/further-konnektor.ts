// Konnektors beside the default world's (KON-11): each with a terminal, SMC-Bs, handles and sessions of its own. What it holds
// is another card (other ICCSN) that may carry the same Telematik-ID.
import { type CardSeed, type FurtherCard, mintFurtherCards } from '../further-digas.ts';
import { inventIccsn, type SimPki } from '../pki.ts';
import type { KonnektorVendor } from '../tables/konnektor-profiles.ts';
import { createKonnektorState, DEMO_CARD } from './default-konnektor.ts';
import type { KonnektorState } from './model.ts';

export type KonnektorSeed = {
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
};

/** `now` in ms of simulated time, from which the certificates are valid. */
export function mintFurtherKonnektor(pki: SimPki, seed: KonnektorSeed, now: number): FurtherKonnektor {
  const cards = mintFurtherCards(pki, seed.cards ?? [DEMO_CARD], now);
  return { id: seed.id, vendor: seed.profile, cards, smcktIccsn: inventIccsn() };
}

export function furtherKonnektorState(
  { id, vendor, cards, smcktIccsn }: FurtherKonnektor,
  o: { now: number; terminal: number },
): KonnektorState {
  return createKonnektorState({ id, vendor, cards, smcktIccsn, ...o });
}
