// The thread of the workshop: takes one job after the other and answers each. Nothing but results leaves it: what an unexpected
// error says could quote a document, so only where it was thrown is told.
import { parentPort, workerData } from 'node:worker_threads';
import { stackOf } from '../log.ts';
import { createJobs, type JobName } from './jobs.ts';
import { moved } from './moved.ts';
import { openToolkits } from './toolkits.ts';

/** `streamed`: the order's `chunks` are asked for one by one. */
export type ThreadOrder = { id: number; job: JobName; order: object; streamed: boolean };
/** Of a streamed order. `piece` undefined: there are no more; null: they cannot be had. */
export type ThreadPiece = { id: number; piece: Uint8Array | undefined | null };
export type ThreadAnswer =
  | { id: number; result: unknown }
  | { id: number; failed: string }
  | { id: number; more: true }
  | { ready: true };

const { folder } = workerData as { folder: string | undefined };
const jobs = createJobs(openToolkits(folder));
let arrived: (piece: ThreadPiece['piece']) => void = () => {};

parentPort?.on('message', (message: ThreadOrder | ThreadPiece) => {
  if ('piece' in message) arrived(message.piece);
  else void work(message);
});

// All that it needs is loaded.
parentPort?.postMessage({ ready: true } satisfies ThreadAnswer);

async function work({ id, job, order, streamed }: ThreadOrder): Promise<void> {
  let answer: ThreadAnswer;
  try {
    answer = { id, result: await jobs[job]((streamed ? { ...order, chunks: chunks(id) } : order) as never) };
  } catch (thrown) {
    answer = { id, failed: stackOf(thrown) ?? '' };
  }
  parentPort?.postMessage(...moved(answer));
}

/** One is on its way while one is worked on; more of a document than that is never here. */
async function* chunks(id: number): AsyncGenerator<Uint8Array> {
  const ask = () => {
    const { promise, resolve } = Promise.withResolvers<ThreadPiece['piece']>();
    arrived = resolve;
    parentPort?.postMessage({ id, more: true } satisfies ThreadAnswer);
    return promise;
  };
  for (let next = ask(); ; ) {
    const piece = await next;
    if (piece === null) throw new Error('the document cannot be had');
    if (piece === undefined) return;
    next = ask();
    yield piece;
  }
}
