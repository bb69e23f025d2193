// Requests a second of one authenticated client (D19): a bucket that holds one second's worth and fills steadily.
import { RequestError } from './problem.ts';

/** Throws RequestError TOO_MANY_REQUESTS with Retry-After when `client` has used its share. */
export function createRequestRate(perSecond: number, now: () => number): (client: string) => void {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (client) => {
    const at = now();
    const bucket = buckets.get(client) ?? { tokens: perSecond, at };
    bucket.tokens = Math.min(perSecond, bucket.tokens + ((at - bucket.at) / 1000) * perSecond);
    bucket.at = at;
    buckets.set(client, bucket);
    if (bucket.tokens < 1)
      throw new RequestError('TOO_MANY_REQUESTS', 'more requests than this client may send', {
        headers: { 'retry-after': '1' },
      });
    bucket.tokens -= 1;
  };
}
