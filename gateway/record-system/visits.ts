// An export's visit to a record system, from before its session until it gives that back: told to availability.ts.
import type { Availability, Visit } from './availability.ts';
import type { WriteOutcome } from './registry-response.ts';
import type { Session } from './session.ts';

export type Visits = {
  /** `open` makes or finds the session; the one answered ends its visit with `release`. */
  acquire(recordSystem: string, open: (as: { anew?: true; probe?: true }) => Promise<Session>): Promise<Session>;
  write(session: Session, write: () => Promise<WriteOutcome>): Promise<WriteOutcome>;
};

export function createVisits(availability: Availability): Visits {
  const visits = new WeakMap<Session, Visit>();
  return {
    acquire: async (recordSystem, open) => {
      const visit = availability.enter(recordSystem);
      try {
        const session = await open(visit.probe ? { anew: true, probe: true } : {});
        if (visit.probe) visit.reached();
        // Many use one session at a time: each has a visit of its own.
        const own: Session = Object.create(session, {
          release: {
            value: () => {
              session.release();
              visit.leave();
            },
          },
        });
        visits.set(own, visit);
        return own;
      } catch (thrown) {
        visit.ended({ kind: 'failed', thrown });
        visit.leave();
        throw thrown;
      }
    },
    write: async (session, write) => {
      const visit = visits.get(session);
      try {
        const outcome = await write();
        visit?.ended(outcome);
        return outcome;
      } catch (thrown) {
        visit?.ended({ kind: 'failed', thrown });
        throw thrown;
      }
    },
  };
}
