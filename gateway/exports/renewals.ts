// How often refused entitlements may cost a new login (D11): a channel does not see approvals that came after it was
// opened, but 300 insured who have not approved must not cost 300 logins. State in memory: a restart opens channels anyway.
const RETRIES_SHARE_MS = 60_000;

export type Renewals = {
  /** Time after which the channel for the one repeat must have been opened, or null: no repeat now. */
  allow(o: {
    recordSystem: string;
    telematikId: string;
    openedAt: number;
    byRetry: boolean;
    now: number;
  }): number | null;
};

export function createRenewals(everyMs: number): Renewals {
  const places = new Map<string, { last: number; lastByRetry: number }>();
  return {
    allow: (o) => {
      const key = `${o.recordSystem} ${o.telematikId}`;
      const place = places.get(key);
      // Another export has renewed since the refused channel was opened: its channel costs nothing more.
      if (place !== undefined && place.last > o.openedAt) return o.openedAt;
      const free = place === undefined || o.now - place.last >= everyMs;
      const byRetry = o.byRetry && (place === undefined || o.now - place.lastByRetry >= RETRIES_SHARE_MS);
      if (!free && !byRetry) return null;
      places.set(key, { last: o.now, lastByRetry: byRetry ? o.now : (place?.lastByRetry ?? Number.NEGATIVE_INFINITY) });
      return o.now;
    },
  };
}
