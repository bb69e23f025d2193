// Of a large document each chunk's buffers are dead as soon as the next chunk is there, but V8, which sees only their small
// handles, lets tens of megabytes of them lie until it collects. So it is asked to, for the youngest objects alone: 1 ms.

const EVERY_BYTES = 1_000_000;
let dead = 0;

/** `bytes` of a large document were worked on. Does nothing in a process without `--expose-gc` (bin/launch.js gives it). */
export function buffersDied(bytes: number): void {
  dead += bytes;
  if (dead < EVERY_BYTES) return;
  dead = 0;
  (globalThis as { gc?: (options: { type: 'minor' }) => void }).gc?.({ type: 'minor' });
}
