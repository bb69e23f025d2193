// Of a large document each chunk's buffers are dead as soon as the next chunk is there, but V8, which sees only their small
// handles, lets tens of megabytes of them lie until it collects. So it is asked to, for the youngest objects alone: 1 ms.

const EVERY_BYTES = 1_000_000;
let dead = 0;

type Gc = (options: { type: 'minor' | 'major'; execution?: 'async' }) => unknown;
/** Not in a process without `--expose-gc` (bin/launch.js gives it). */
const gc = (options: Parameters<Gc>[0]) => void (globalThis as { gc?: Gc }).gc?.(options);

/** `bytes` of a large document were worked on. */
export function buffersDied(bytes: number): void {
  dead += bytes;
  if (dead < EVERY_BYTES) return;
  dead = 0;
  gc({ type: 'minor' });
}

/** Nothing large is worked on any more: what the old ones of the large documents' objects held goes back, when there is time. */
export function largeOnesDone(): void {
  gc({ type: 'major', execution: 'async' });
}
