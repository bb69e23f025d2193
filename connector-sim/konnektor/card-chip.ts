// The chip of a card (konnektor.md 2.5, D23): it works one command at a time, each as long as `signDelayMs` says, and what is asked
// meanwhile waits its turn; a card that is pulled, or whose handle is void for another reason, gives no answer any more.
import { setTimeout as pause } from 'node:timers/promises';
import { cardByHandle } from './cards.ts';
import { KonnektorFault } from './konnektor-fault.ts';
import type { KonnektorState, SimCard } from './model.ts';

/** The last command of each chip that works or waits. */
const last = new WeakMap<SimCard, Promise<unknown>>();

/** Resolves when the chip has worked on this command. Throws 4045 when the card is gone before it has. */
export function workOfChip(
  state: KonnektorState,
  card: SimCard,
  work: (ms: number) => Promise<unknown> = pause,
): Promise<void> {
  const handle = card.cardHandle ?? '';
  const present = () => {
    if (cardByHandle(state, handle) !== card) throw new KonnektorFault(4045);
  };
  const turn = (last.get(card) ?? Promise.resolve()).then(async () => {
    present(); // pulled while others had their turn
    const { signDelayMs } = card;
    if (signDelayMs === 0) return;
    await work(signDelayMs);
    present();
  });
  last.set(
    card,
    turn.catch(() => undefined),
  );
  return turn;
}
