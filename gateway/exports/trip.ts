// What surrounds one try of an export: the house it runs in, what it has met so far, and how a step is told (B7 step 10).
import { asGatewayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { DigaSettings } from '../tables/settings-manifest.ts';
import type { Vault } from '../vault/keys.ts';
import type { AgeLimits } from './age-limits.ts';
import type { ChainHealth } from './chain-health.ts';
import type { Checkpoint } from './checkpoints.ts';
import type { Claim, TimelineStep } from './claims.ts';
import type { Lease } from './leases.ts';
import type { OpenSession, OuterPorts } from './ports.ts';
import type { Renewals } from './renewals.ts';
import type { RetrySeconds } from './schedule.ts';
import type { SizeLimits } from './size-limits.ts';
import type { Database } from './store.ts';

/** All that a journey needs around it. */
export type House<S extends OpenSession> = {
  db: Database;
  vault: Vault;
  outer: OuterPorts<S>;
  digas: ReadonlyMap<string, DigaSettings>;
  renewals: Renewals;
  health: ChainHealth;
  log: Logger;
  metrics: Metrics;
  now: () => number;
  random: () => number;
  /** Waits that the settings name in the place of the catalogue's (EXP-23). */
  retrySeconds: RetrySeconds;
  failedContentDays: number;
  /** Days after the end of the prescription that the KVNR is kept (RET-03). */
  kvnrGraceDays: number;
  ageLimits: AgeLimits;
  limits: SizeLimits;
  /** A channel is there again: these exports may run at once (D22). */
  onChannel: (exports: string[]) => void;
  /** The export has a final state, durably (`Prefer: wait`). */
  ended: (exportId: string) => void;
  checkpoint?: Checkpoint;
  /** Who this gateway is to others on the same store (D9). */
  lease: Lease;
};

/** Mutable facts of one try. */
export type Trip = {
  person: string;
  steps: TimelineStep[];
  /** Bytes may have left and their answer is not known. */
  sent: boolean;
  /** Bytes of this try have left, whatever became of them (D22). */
  left: boolean;
  repeated: boolean;
  rebuilt: boolean;
  relocated: boolean;
  freshAfter: number | undefined;
};

/** Runs a step, with its duration in timeline, metrics and log; one line each (B7 step 10). */
export async function step<S extends OpenSession, T>(
  house: House<S>,
  claim: Claim,
  trip: Trip,
  name: string,
  run: () => Promise<T>,
): Promise<T> {
  const from = house.now();
  const fields = () => ({ export: claim.row.id, person: trip.person, step: name, ms: house.now() - from });
  try {
    const result = await run();
    trip.steps.push({ at: house.now(), step: name, ms: house.now() - from });
    house.metrics.step(name, house.now() - from);
    house.log.info('export step', fields());
    return result;
  } catch (thrown) {
    const { code } = asGatewayError(thrown);
    trip.steps.push({ at: house.now(), step: name, ms: house.now() - from, code });
    house.log.info('export step', { ...fields(), code });
    throw thrown;
  }
}
