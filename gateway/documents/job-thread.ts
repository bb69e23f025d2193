// The thread beside the gateway's own: takes one job after the other. A thread that dies, most likely of a document that takes
// more memory than it has, takes only the job with it that it was at; the next one gets a new thread. One that has worked on
// something large is ended when nothing has come for a while: only so is its memory given back.
import { Worker } from 'node:worker_threads';
import { GatewayError } from '../errors.ts';
import type { JobName, JobOrder, JobResult } from './jobs.ts';
import { moved } from './moved.ts';
import type { ThreadAnswer, ThreadOrder, ThreadPiece } from './thread.ts';

export type JobThread = {
  /**
   * `bytes`: what the job is about. `chunks` of an order are asked for one by one, and what they throw is thrown. DOCUMENT_TOO_LARGE
   * when it takes more memory than there is, NOT_READY after `stop`, INTERNAL.
   */
  run<Name extends JobName>(job: Name, order: JobOrder<Name>, bytes: number): Promise<JobResult<Name>>;
  /** Whether a thread stands ready. If not, one is started, for those who come later. */
  ready(): boolean;
  /** What is not done by now is refused. */
  stop(): Promise<void>;
};

/** Sets one timer and answers how to take it back. */
type Timer = (ms: number, fire: () => void) => () => void;

type Job = Omit<ThreadOrder, 'streamed'> & {
  bytes: number;
  chunks: AsyncIterator<Uint8Array> | undefined;
  /** What `chunks` threw. */
  fault?: unknown;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
};

/** A new thread takes half a second until it has read its tables: less than this keeps it. */
const LARGE_BYTES = 1_000_000;
const IDLE_MS = 100;
/** Of short-lived objects; eight times as much took 50 MB more and read 24 MB no quicker. */
const YOUNG_MB = 6;

/**
 * `folder`: the tables, where they are not those of the product; `heapMb`: what objects of one job may take; `ended`: told when a
 * thread has been ended because nothing came.
 */
export function createJobThread(o: {
  folder: string | undefined;
  heapMb: number;
  timer?: Timer;
  ended?: () => void;
}): JobThread {
  const timer = o.timer ?? systemTimer;
  const line: Job[] = [];
  let current: Job | undefined;
  let thread: Worker | undefined;
  let large = false;
  let loaded = false;
  let stopped = false;
  let last = 0;
  let cancel = () => {};

  const finish = (end: (job: Job) => void) => {
    const job = current;
    current = undefined;
    if (job !== undefined) {
      // Whatever it held is free, also when it was not read to its end.
      job.chunks?.return?.().catch(() => {});
      end(job);
    }
    next();
  };
  const died = (worker: Worker, error: GatewayError) => {
    if (thread !== worker) return;
    thread = undefined;
    finish((job) => job.reject(error));
  };
  const open = () => {
    const worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: { folder: o.folder },
      resourceLimits: { maxOldGenerationSizeMb: o.heapMb, maxYoungGenerationSizeMb: YOUNG_MB },
      stdout: false,
    });
    large = false;
    loaded = false;
    worker.unref();
    worker.on('message', (answer: ThreadAnswer) => {
      if ('ready' in answer) {
        loaded = thread === worker;
        return;
      }
      const job = current;
      if (job === undefined || answer.id !== job.id) return;
      if ('more' in answer) return void handOn(job, (piece, moved) => worker.postMessage(piece, moved));
      finish(() => {
        if ('result' in answer) return job.resolve(answer.result);
        const cause = placeOf(answer.failed);
        job.reject(job.fault ?? new GatewayError('INTERNAL', 'a document could not be worked on', { cause }));
      });
    });
    worker.on('error', (cause: NodeJS.ErrnoException) => {
      const memory = cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
      const error = memory
        ? new GatewayError('DOCUMENT_TOO_LARGE', 'the document takes more memory than there is for it')
        : new GatewayError('INTERNAL', 'the thread that works on documents failed', { cause });
      died(worker, error);
    });
    worker.on('exit', () => died(worker, new GatewayError('INTERNAL', 'the thread that works on documents ended')));
    return worker;
  };
  const rest = () => {
    const resting = thread;
    if (resting === undefined || !large) return;
    cancel = timer(IDLE_MS, () => {
      thread = undefined;
      void resting.terminate().then(o.ended);
    });
  };
  const next = () => {
    if (current !== undefined || stopped) return;
    current = line.shift();
    if (current === undefined) return rest();
    cancel();
    const { id, job, order, chunks, bytes } = current;
    thread ??= open();
    large ||= bytes >= LARGE_BYTES;
    thread.postMessage(...moved<ThreadOrder>({ id, job, order, streamed: chunks !== undefined }));
  };

  return {
    run: async (job, order, bytes) => {
      if (stopped) throw stopping();
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const { chunks, ...rest } = order as { chunks?: AsyncIterable<Uint8Array> };
      line.push({ id: ++last, job, order: rest, bytes, chunks: chunks?.[Symbol.asyncIterator](), resolve, reject });
      next();
      return (await promise) as JobResult<typeof job>;
    },
    ready: () => {
      if (!stopped) thread ??= open();
      return thread !== undefined && loaded;
    },
    stop: async () => {
      stopped = true;
      cancel();
      const going = thread;
      thread = undefined;
      for (const job of [...(current === undefined ? [] : [current]), ...line.splice(0)]) {
        job.chunks?.return?.().catch(() => {});
        job.reject(stopping());
      }
      current = undefined;
      await going?.terminate();
    },
  };
}

/** The next piece of a job to its thread; it is moved there where it has its memory for itself. */
async function handOn(job: Job, post: (piece: ThreadPiece, moved: ArrayBuffer[]) => void): Promise<void> {
  try {
    const { value, done } = (await job.chunks?.next()) ?? { value: undefined, done: true };
    const piece = done === true ? undefined : (value as Uint8Array);
    const whole = piece?.buffer instanceof ArrayBuffer && piece.byteLength === piece.buffer.byteLength;
    post({ id: job.id, piece }, whole ? [piece.buffer as ArrayBuffer] : []);
  } catch (thrown) {
    job.fault = thrown;
    post({ id: job.id, piece: null }, []);
  }
}

const stopping = () => new GatewayError('NOT_READY', 'the gateway is stopping');

const systemTimer: Timer = (ms, fire) => {
  const handle = setTimeout(fire, ms);
  handle.unref();
  return () => clearTimeout(handle);
};

/** An error that says nothing but where it was thrown. */
function placeOf(stack: string): Error {
  const error = new Error('');
  error.stack = `Error\n${stack.split(' |').join('\n')}`;
  return error;
}
