// Requests a second of one authenticated client (D19): a bucket that holds one second's worth and fills steadily.
import { RequestError } from './problem.ts';

export type RequestRate = {
  /** TOO_MANY_REQUESTS with Retry-After when `client` has used its share. */
  take(client: string): void;
  /** 0: taken; else the milliseconds until there is something to take again. */
  waitFor(client: string): number;
};

export function createRequestRate(perSecond: number, now: () => number): RequestRate {
  const buckets = new Map<string, { tokens: number; at: number }>();
  const waitFor = (client: string) => {
    const at = now();
    const bucket = buckets.get(client) ?? { tokens: perSecond, at };
    bucket.tokens = Math.min(perSecond, bucket.tokens + ((at - bucket.at) / 1000) * perSecond);
    bucket.at = at;
    buckets.set(client, bucket);
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / perSecond) * 1000);
    bucket.tokens -= 1;
    return 0;
  };
  return {
    waitFor,
    take: (client) => {
      if (waitFor(client) > 0)
        throw new RequestError('TOO_MANY_REQUESTS', 'more requests than this client may send', {
          headers: { 'retry-after': '1' },
        });
    },
  };
}
