// The person at the terminal (D23): types the right or a wrong PIN, cancels, lets it time out, each after
// `world.pinEntryMs`; or nobody comes, until `enteredPin` changes or the terminal gives up. A terminal has one display: what
// else wants it meanwhile is refused.
import { isUp } from './cards.ts';
import type { KonnektorEvent } from './events.ts';
import { KonnektorFault } from './konnektor-fault.ts';
import type { EnteredPin, KonnektorState, PendingPinEntry, SimCard } from './model.ts';

/** A terminal waits this long for a first key; real values are not established (konnektor.md 12). */
const patienceMs = 60_000;

/** Resolves with what the person did; `started` when the terminal asks for it. Throws 4060 while another entry is open there. */
export async function awaitPinEntry(
  o: { world: { readonly pinEntryMs: number }; konnektor: KonnektorState; started?: () => void },
  ctId: string,
  card: SimCard,
): Promise<Exclude<EnteredPin, 'none'>> {
  const { pinEntries, terminals } = o.konnektor;
  const { pinEntryMs } = o.world;
  if (pinEntries.has(ctId)) throw new KonnektorFault(4060);
  const { iccsn, cardHandle } = card;
  const entry: PendingPinEntry = { iccsn, arrive: () => undefined };
  try {
    o.started?.();
    pinEntries.set(ctId, entry);
    if (card.enteredPin === 'none') {
      // D23: nobody comes until somebody says so; the card may be pulled meanwhile, or the terminal that asks fall silent.
      entry.goesOn = () => card.enteredPin === 'none' && card.cardHandle === cardHandle && isUp(terminals.get(ctId));
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, patienceMs).unref();
        entry.arrive = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const entered = card.enteredPin;
    if (entered === 'none') return 'timeout';
    if (pinEntryMs > 0) await new Promise((resolve) => setTimeout(resolve, pinEntryMs));
    return entered;
  } finally {
    if (pinEntries.get(ctId) === entry) pinEntries.delete(ctId);
  }
}

/** Something has changed at this Konnektor: ends what waits for exactly that, at whichever terminal, and nothing else. */
export function personArrives(konnektor: KonnektorState): void {
  for (const entry of konnektor.pinEntries.values()) if (entry.goesOn?.() !== true) entry.arrive();
}

/** The longest time a timer can run; what is asked to wait longer waits as long as this. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * A prompt about a slot: resolves when `until` holds after an event, when the terminal or the Konnektor is gone, or after `ms`. Throws
 * 4039 while the display is taken.
 */
export async function awaitSlot(
  konnektor: KonnektorState,
  ctId: string,
  o: { until: () => boolean; ms: number },
): Promise<void> {
  const { pinEntries, events } = konnektor;
  if (pinEntries.has(ctId)) throw new KonnektorFault(4039);
  // A Konnektor that starts anew has an empty list of its own.
  const over = () => o.until() || !isUp(konnektor.terminals.get(ctId)) || konnektor.pinEntries !== pinEntries;
  let listener: ((event: KonnektorEvent) => void) | undefined;
  try {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(o.ms, LONGEST_MS)).unref();
      const arrive = () => {
        if (!over()) return;
        clearTimeout(timer);
        resolve();
      };
      pinEntries.set(ctId, { iccsn: '', arrive });
      listener = arrive;
      events.listeners.add(arrive);
    });
  } finally {
    if (listener !== undefined) events.listeners.delete(listener);
    pinEntries.delete(ctId);
  }
}
