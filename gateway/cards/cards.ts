// Konnektors, terminals and cards, joined for main.ts: the watch that looks at them, PIN operations, the choice and the change of a
// card, and how they are shown. gateway/admin and gateway/api ask here; gateway/konnektor does the work on the wire.
import type { Settings } from '../config.ts';
import type { ChainHealth } from '../exports/chain-health.ts';
import type { CardPort } from '../exports/ports.ts';
import type { Database } from '../exports/store.ts';
import type { Timer } from '../exports/worker.ts';
import type { KonnektorParts } from '../konnektor-parts.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { type ActivationResult, createActivation } from './activation.ts';
import type { AlarmPort } from './card-alarms.ts';
import type { CardChoices } from './card-choices.ts';
import { createCardUse } from './card-use.ts';
import {
  type CardView,
  cardViews,
  type KonnektorView,
  konnektorViews,
  type TerminalView,
  terminalViews,
} from './card-views.ts';
import { type CardWatch, watchCards } from './card-watch.ts';
import { type KonnektorEvents, startEvents } from './events.ts';
import { freshLooks } from './fresh-look.ts';
import { PinOperations } from './pin-operations.ts';

export type Cards = {
  watch: CardWatch;
  /** A look at everything that begins now or soon, shared by all who ask. */
  fresh(): Promise<void>;
  pins: PinOperations;
  use: ReturnType<typeof createCardUse>;
  activation(iccsn: string): Promise<ActivationResult>;
  konnektors(): KonnektorView[];
  terminals(): TerminalView[];
  cards(): CardView[];
  stop(ms: number): Promise<void>;
};

export type CardsNeeds = {
  db: Database;
  settings: Settings;
  parts: KonnektorParts;
  cards: CardPort;
  choices: CardChoices;
  chain: ChainHealth;
  wake: (exports: string[]) => void;
  alarms: AlarmPort;
  metrics: Metrics;
  /** This gateway, by the id of its data directory. */
  holder: string;
  now: () => number;
  timer: Timer;
  log: Logger;
};

/** A Konnektor that does not answer must not hold up the stop. */
const GOODBYE_MS = 2_000;

/** Begins to look at once. */
export async function startCards(o: CardsNeeds): Promise<Cards> {
  const { parts, settings, db, now, log, choices } = o;
  const { smcb, desk } = parts;
  // The entry has ended and the PIN is another: everybody who waits for it must not wait for the next look as well.
  const ended = ({ konnektor }: { konnektor: string }) => void watch.look(konnektor);
  const pins = new PinOperations({ db, desk, digas: settings.digas, now, log, holder: o.holder, ended });
  await pins.recover();
  let subscribed: KonnektorEvents | undefined;
  const watch = watchCards({
    ...o,
    back: (konnektor) => subscribed?.back(konnektor),
    konnektors: parts.clients,
    health: parts.health,
    smcb,
    busy: (iccsn) => pins.busy(iccsn),
  });
  parts.onTrouble(watch.missed);
  const events = await startEvents({ ...o, clients: parts.clients, hint: watch.hint }).catch((thrown: unknown) => {
    watch.stop();
    throw thrown;
  });
  subscribed = events;
  const shown = { settings, smcb, chosen: choices.of, now };
  const cards = () => cardViews(watch.sights(), { ...shown, digas: watch.digas() });
  o.metrics.onCardScrape(() => ({
    konnektors: watch.sights().map(({ id, answers }) => ({ konnektor: id, up: answers === true })),
    cards: cards().map(({ konnektor, iccsn, present, pin, queue }) => ({
      konnektor,
      iccsn,
      present,
      pin: pin.state,
      queue,
    })),
  }));
  return {
    watch,
    fresh: freshLooks({ look: () => watch.look(), now, timer: o.timer }),
    pins,
    use: createCardUse({ db, desk, choices, digas: settings.digas, smcb, watch, now, log }),
    activation: createActivation({ pins, desk, now }),
    konnektors: () => konnektorViews(watch.sights()),
    terminals: () => terminalViews(watch.sights()),
    cards,
    stop: async (ms) => {
      watch.stop();
      await events.stop(Math.min(ms, GOODBYE_MS));
      let cancel = () => {};
      const deadline = new Promise<void>((resolve) => {
        cancel = o.timer(ms, resolve);
      });
      await Promise.race([pins.idle(), deadline]);
      cancel();
    },
  };
}
