// When an export is tried again by itself: the catalogue's seconds per code (EXP-23, D22), with jitter so that a thousand
// exports that failed together do not come back together. Unclear writes keep their exact schedule (D22).
import { catalogue, type ErrorCode } from '../errors.ts';

const JITTER = 0.1;

/** Seconds by code that replace the catalogue's; one wait for every try. */
export type RetrySeconds = Partial<Record<ErrorCode, number>>;

/** Time in ms of the next try, or null: never by itself. `step` counts the tries that ended with this code, from 0. */
export function nextAttempt(o: {
  code: ErrorCode;
  step: number;
  now: number;
  random: () => number;
  retrySeconds?: RetrySeconds;
}): number | null {
  const seconds = catalogue[o.code].retrySeconds;
  const wait = o.retrySeconds?.[o.code] ?? seconds[Math.min(o.step, seconds.length - 1)];
  if (wait === undefined) return null;
  const jitter = catalogue[o.code].kind === 'unclear' ? 0 : wait * JITTER * o.random();
  return o.now + Math.round((wait + jitter) * 1000);
}

/** Without a step to take, the first two of D22 would come back every few seconds for as long as nothing can be reached. */
const LEAST_WITHOUT_STEP_MS = 15_000;

/** The schedule of an unclear export whose repeat met a refusal that proves nothing: D22 goes on whatever its reason. */
export function nextUnclear(o: {
  code: ErrorCode;
  step: number;
  bytesLeft: boolean;
  now: number;
  random: () => number;
  retrySeconds?: RetrySeconds;
}): number | null {
  if (o.code === 'WRITE_DOUBTFUL') return null;
  const code = catalogue[o.code].retrySeconds.length > 0 ? o.code : 'WRITE_UNANSWERED';
  const next = nextAttempt({ ...o, code, step: Math.max(o.step, 0) });
  return next === null || o.bytesLeft ? next : Math.max(next, o.now + LEAST_WITHOUT_STEP_MS);
}
