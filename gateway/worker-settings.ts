// What the settings say of exports on their way.

import type { OpenSession } from './exports/ports.ts';
import type { House } from './exports/trip.ts';
import type { Slots } from './exports/worker.ts';
import type { Settings } from './tables/settings-manifest.ts';

export const slotsOf = ({ worker, session }: Settings): Slots => ({
  small: worker.concurrency,
  large: worker.largeConcurrency,
  fromBytes: session.largeBytes,
});

export const journeySettings = ({ digas, locate, retention, limits }: Settings) =>
  ({
    digas: new Map(digas.map((d) => [d.id, d])),
    retrySeconds: { RECORD_SUSPENDED: locate.suspendedRetrySeconds, RECORD_BUSY: locate.busyRetrySeconds },
    failedContentDays: retention.failedContentDays,
    kvnrGraceDays: retention.kvnrGraceDays,
    ageLimits: retention,
    limits,
  }) satisfies Partial<House<OpenSession>>;
