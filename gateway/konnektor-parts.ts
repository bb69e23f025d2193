// Konnektors and cards of the settings, joined for outside.ts: clients, the SMC-B as the login's signer, which Konnektors answer, and
// cards by their ICCSN as operators name them. gateway/cards works with these.
import type { TrustAnchors } from '../certs/trust.ts';
import type { Settings } from './config.ts';
import type { Egress } from './egress.ts';
import type { Timer } from './exports/worker.ts';
import { CardDesk } from './konnektor/card-desk.ts';
import { KonnektorHealth } from './konnektor/konnektor-health.ts';
import { SmcbCards, type SmcbStatus } from './konnektor/smcb.ts';
import { KonnektorClient } from './konnektor/soap-client.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

export type KonnektorParts = {
  clients: readonly KonnektorClient[];
  smcb: Pick<SmcbCards, 'certificateOf' | 'atCard' | 'silence' | 'probe' | 'lookAnew' | 'inUse' | 'queueLength'>;
  health: KonnektorHealth;
  desk: Pick<CardDesk, 'find' | 'pin' | 'enter' | 'requireUsable' | 'judge' | 'ocsp' | 'testSignature'>;
  /** Who is told when a card of this DiGA was wanted and could not be used. */
  onTrouble(to: (diga: string) => void): void;
};

/** Not yet asked anything. `missed` is to be told when a card of a DiGA could not be used. */
export function createKonnektorParts(o: {
  settings: Pick<Settings, 'konnektors'>;
  egress: Egress;
  anchors: () => TrustAnchors;
  chosenCard: ((diga: string) => string | undefined) | undefined;
  /** Whether a card is revoked (CRT-04); undefined: not asked here. */
  status: SmcbStatus | undefined;
  now: () => number;
  timer: Timer;
  metrics: Metrics;
  log: Logger;
}): KonnektorParts & { smcb: SmcbCards; missed(diga: string): void } {
  const { now, metrics, egress, log } = o;
  const health = new KonnektorHealth(o.timer);
  const guarded = health.guard(egress);
  const clients = o.settings.konnektors.map((access) => new KonnektorClient({ access, egress: guarded, log }));
  const smcb = new SmcbCards({
    konnektors: clients,
    anchors: o.anchors,
    now,
    health,
    status: o.status,
    chosen: o.chosenCard ?? (() => undefined),
    observe: (use) => {
      metrics.step('card', use.tookMs);
      metrics.cardUse(use);
    },
  });
  let missed: (diga: string) => void = () => {};
  return {
    clients,
    smcb,
    health,
    desk: new CardDesk({ konnektors: clients, cards: smcb, health }),
    onTrouble: (to) => {
      missed = to;
    },
    missed: (diga) => missed(diga),
  };
}
