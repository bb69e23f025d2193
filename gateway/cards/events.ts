// Events of the Konnektors whose settings name a receiver (konnektor.md 5): each only makes the gateway look at that Konnektor sooner; a
// restart makes it subscribe anew. Without events, and where they are lost, the watch looks by its time.
import { readFileSync } from 'node:fs';
import type { Settings } from '../config.ts';
import type { Timer } from '../exports/worker.ts';
import { type CetpReceiver, openCetpReceiver } from '../konnektor/cetp.ts';
import { BOOTED } from '../konnektor/cetp-frames.ts';
import type { KonnektorClient } from '../konnektor/soap-client.ts';
import { SubscriptionKeeper } from '../konnektor/subscriptions.ts';
import type { Logger } from '../log.ts';

export type KonnektorEvents = {
  /** The Konnektor answers again: its subscriptions may be gone. */
  back(konnektor: string): void;
  /** Ends the subscriptions, then the receivers; waits for the Konnektors `ms` at most. */
  stop(ms: number): Promise<void>;
};

/** The receivers listen when it answers. CONFIG_INVALID when one cannot. */
export async function startEvents(o: {
  settings: Pick<Settings, 'konnektors'>;
  clients: readonly KonnektorClient[];
  hint: (konnektor: string) => void;
  now: () => number;
  timer: Timer;
  log: Logger;
}): Promise<KonnektorEvents> {
  const receivers: CetpReceiver[] = [];
  const keepers = new Map<string, SubscriptionKeeper>();
  const close = () => Promise.all(receivers.map((receiver) => receiver.close()));
  for (const client of o.clients) {
    const { id } = client.access;
    const events = o.settings.konnektors.find((one) => one.id === id)?.events;
    if (events === undefined) continue;
    const read = (path: string) => readFileSync(path, 'utf8');
    const { host, port, tls } = events.listen;
    try {
      const receiver = await openCetpReceiver({
        ...o,
        konnektor: id,
        listen: {
          host,
          port,
          ...(tls !== undefined && {
            tls: {
              cert: read(tls.certFile),
              key: read(tls.keyFile),
              ...(tls.clientCaFile !== undefined && { clientCa: read(tls.clientCaFile) }),
            },
          }),
        },
        onEvent: ({ topic }) => {
          if (topic === BOOTED) keepers.get(id)?.renewAll();
          o.hint(id);
        },
      });
      receivers.push(receiver);
      const keeper = new SubscriptionKeeper({ ...o, client, eventTo: events.eventTo ?? receiver.address });
      keepers.set(id, keeper);
      keeper.start();
    } catch (thrown) {
      await close();
      throw thrown;
    }
  }
  return {
    back: (konnektor) => keepers.get(konnektor)?.renewAll(),
    stop: async (ms) => {
      let cancel = () => {};
      const deadline = new Promise<void>((resolve) => {
        cancel = o.timer(ms, resolve);
      });
      await Promise.race([Promise.all([...keepers.values()].map((keeper) => keeper.stop())), deadline]);
      keepers.clear();
      await Promise.race([close(), deadline]);
      cancel();
      receivers.length = 0;
    },
  };
}
