// The person at the terminal (D23): types the right or a wrong PIN, cancels, lets it time out, each after
// `world.pinEntryMs`; or nobody comes, until `enteredPin` changes or the terminal gives up.
import { KonnektorFault } from './konnektor-fault.ts';
import type { EnteredPin, KonnektorState, SimCard } from './model.ts';

/** A terminal waits this long for a first key; real values are not established (konnektor.md 12). */
const patienceMs = 60_000;

/** Resolves with what the person did. Throws 4060 while another entry is open at the terminal. */
export async function awaitPinEntry(
  o: { world: { readonly pinEntryMs: number }; konnektor: KonnektorState },
  ctId: string,
  card: SimCard,
): Promise<Exclude<EnteredPin, 'none'>> {
  const { pinEntries } = o.konnektor;
  const { pinEntryMs } = o.world;
  if (pinEntries.has(ctId)) throw new KonnektorFault(4060);
  try {
    if (card.enteredPin === 'none') {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, patienceMs).unref();
        pinEntries.set(ctId, {
          iccsn: card.iccsn,
          arrive: () => {
            clearTimeout(timer);
            resolve();
          },
        });
      });
    } else {
      pinEntries.set(ctId, { iccsn: card.iccsn, arrive: () => undefined });
    }
    const entered = card.enteredPin;
    if (entered === 'none') return 'timeout';
    if (pinEntryMs > 0) await new Promise((resolve) => setTimeout(resolve, pinEntryMs));
    return entered;
  } finally {
    pinEntries.delete(ctId);
  }
}

/** Tells an open entry that the card's `enteredPin`, the card or its terminal changed. */
export function personArrives(konnektor: KonnektorState, ctId: string): void {
  konnektor.pinEntries.get(ctId)?.arrive();
}
