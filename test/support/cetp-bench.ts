// A simulated Konnektor and one event sink beside it, over TCP and in the plainest form; what happens to the card of the default world.
import type { TlsOptions } from 'node:tls';
import { setInserted } from '../../connector-sim/konnektor/cards.ts';
import type { KonnektorState, SimCard, SimTerminal } from '../../connector-sim/konnektor/model.ts';
import { type CetpSink, openCetpSink } from './cetp-sink.ts';
import { context, findText, type KonnektorBench, startKonnektorBench } from './konnektor-bench.ts';
import { subscriptionOf } from './konnektor-messages.ts';

export type CetpBench = {
  bench: KonnektorBench;
  sink: CetpSink;
  /** Another sink in the place of the first. */
  openSink(tls: TlsOptions): Promise<void>;
  konnektor(): KonnektorState;
  card(): SimCard;
  terminal(): SimTerminal;
  /** The ID of the subscription. */
  subscribe(topic?: string, o?: { filter?: string; ctx?: string; eventTo?: string }): Promise<string>;
  pull(): void;
  plug(): void;
  stop(): Promise<void>;
};

export async function startCetpBench(): Promise<CetpBench> {
  const bench = await startKonnektorBench();
  bench.world.konnektor.cetp = 'tcp';
  Object.assign(bench.world.choices, {
    topicSpelling: 'capitals',
    removedTypeKey: 'CardType',
    cetpPieces: 'whole',
    cetpConnection: 'one-each',
  });
  const konnektor = () => bench.world.konnektor;
  const events: CetpBench = {
    bench,
    sink: await openCetpSink(),
    async openSink(tls) {
      await events.sink.stop();
      events.sink = await openCetpSink(tls);
    },
    konnektor,
    card() {
      const found = konnektor().cards.get(bench.pki.smcb.iccsn);
      if (found === undefined) throw new Error('no SMC-B in the world');
      return found;
    },
    terminal() {
      const [found] = konnektor().terminals.values();
      if (found === undefined) throw new Error('no terminal in the world');
      return found;
    },
    async subscribe(topic = 'CARD', o = {}) {
      const subscription = subscriptionOf(o.eventTo ?? events.sink.eventTo, topic, o.filter);
      const answer = await bench.call('Subscribe', `${o.ctx ?? context()}${subscription}`);
      return findText(answer.soap.body, 'SubscriptionID') ?? '';
    },
    pull: () => setInserted(konnektor(), events.card(), false, bench.world.now()),
    plug: () => setInserted(konnektor(), events.card(), true, bench.world.now()),
    async stop() {
      await bench.stop();
      await events.sink.stop();
    },
  };
  return events;
}
