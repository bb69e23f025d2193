// What a step's path may name that only the running world knows: numbers of cards and of insured are drawn anew at every start.
import { isSmb } from '../konnektor/cards.ts';
import type { World } from '../world.ts';

/** `insured:1` the first insured's KVNR; `smcb` the demo DiGA's card, `smcb:TELEMATIK-ID` another's (ICCSN). Undefined for all else. */
export function stepSubject(world: World, name: string): string | undefined {
  const [kind, which] = name.split(/:(.*)/s);
  if (kind === 'insured' && /^[1-9]\d{0,4}$/.test(which ?? '')) return world.insured[Number(which) - 1];
  if (kind !== 'smcb') return undefined;
  const cards = [...world.konnektors.values()].flatMap((one) => [...one.cards.values()]);
  const smbs = cards.filter(isSmb);
  return (which === undefined ? smbs[0] : smbs.find((card) => card.telematikId === which))?.iccsn;
}
