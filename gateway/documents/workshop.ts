// Where documents are judged and built (D5): small ones at once, large ones in a thread, so that nobody else waits for them. At
// most two large ones are held there at a time, the others wait outside; a thread that dies is replaced, its jobs fail.
import { Worker } from 'node:worker_threads';
import { GatewayError } from '../errors.ts';
import { createJobs, type JobName, type JobOrder, type JobResult } from './jobs.ts';
import type { ThreadAnswer } from './thread.ts';
import { openToolkits, type Toolkits } from './toolkits.ts';

/** Judging so much takes about 10 ms. */
export const SMALL_BYTES = 128 * 1024;
const AT_ONCE = 2;
/** A document of 25 MB as objects takes about a tenth of it. */
const HEAP_MB = 2048;

export type Workshop = {
  readonly toolkits: Toolkits;
  /** `bytes` is what the job is about: how large it is decides where it is done. */
  run<Name extends JobName>(job: Name, order: JobOrder<Name>, bytes: number): Promise<JobResult<Name>>;
  /** Waits for a place before `work` brings a large document into memory. */
  place<T>(bytes: number, work: () => Promise<T>): Promise<T>;
  stop(): Promise<void>;
};

type Waiting = { resolve: (result: unknown) => void; reject: (error: GatewayError) => void };

/** `folder`: the tables, where they are not those of the product. */
export function createWorkshop(o: { folder?: string | undefined; smallBytes?: number } = {}): Workshop {
  const toolkits = openToolkits(o.folder);
  const here = createJobs(toolkits);
  const small = o.smallBytes ?? SMALL_BYTES;
  const waiting = new Map<number, Waiting>();
  const queue: (() => void)[] = [];
  let places = AT_ONCE;
  let last = 0;
  let thread: Worker | undefined;

  const failAll = (died: Worker, error: GatewayError) => {
    if (thread !== died) return;
    thread = undefined;
    for (const one of waiting.values()) one.reject(error);
    waiting.clear();
  };
  const open = () => {
    const worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: { folder: o.folder },
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
      stdout: false,
    });
    worker.unref();
    worker.on('message', (answer: ThreadAnswer) => {
      const one = waiting.get(answer.id);
      waiting.delete(answer.id);
      if ('result' in answer) one?.resolve(answer.result);
      else
        one?.reject(
          new GatewayError('INTERNAL', 'a document could not be worked on', { cause: placeOf(answer.failed) }),
        );
    });
    worker.on('error', (cause: NodeJS.ErrnoException) => {
      const memory = cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
      const error = memory
        ? new GatewayError('DOCUMENT_TOO_LARGE', 'the document takes more memory than there is for it')
        : new GatewayError('INTERNAL', 'the thread that works on documents failed', { cause });
      failAll(worker, error);
    });
    worker.on('exit', () => failAll(worker, new GatewayError('INTERNAL', 'the thread that works on documents ended')));
    return worker;
  };
  const inThread = (job: JobName, order: unknown) => {
    thread ??= open();
    const id = ++last;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    waiting.set(id, { resolve, reject });
    thread.postMessage({ id, job, order });
    return promise;
  };

  return {
    toolkits,
    run: async (job, order, bytes) => {
      if (bytes <= small) return here[job](order as never) as JobResult<typeof job>;
      return (await inThread(job, order)) as JobResult<typeof job>;
    },
    place: async (bytes, work) => {
      if (bytes <= small) return work();
      if (places > 0) places -= 1;
      else await new Promise<void>((resolve) => queue.push(resolve));
      try {
        return await work();
      } finally {
        const next = queue.shift();
        if (next === undefined) places += 1;
        else next();
      }
    },
    stop: async () => {
      const going = thread;
      thread = undefined;
      await going?.terminate();
    },
  };
}

/** An error that says nothing but where it was thrown. */
function placeOf(stack: string): Error {
  const error = new Error('');
  error.stack = `Error\n${stack.split(' |').join('\n')}`;
  return error;
}
