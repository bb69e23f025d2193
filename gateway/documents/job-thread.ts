// The thread beside the gateway's own: takes one job after the other. A thread that dies, most likely of a document that takes
// more memory than it has, takes only the job with it that it was at; the next one gets a new thread.
import { Worker } from 'node:worker_threads';
import { GatewayError } from '../errors.ts';
import type { JobName, JobOrder, JobResult } from './jobs.ts';
import type { ThreadAnswer, ThreadOrder } from './thread.ts';

export type JobThread = {
  /** DOCUMENT_TOO_LARGE when it takes more memory than there is, NOT_READY after `stop`, INTERNAL. */
  run<Name extends JobName>(job: Name, order: JobOrder<Name>): Promise<JobResult<Name>>;
  /** What is not done by now is refused. */
  stop(): Promise<void>;
};

type Job = ThreadOrder & { resolve: (result: unknown) => void; reject: (error: GatewayError) => void };

/** `folder`: the tables, where they are not those of the product; `heapMb`: what objects of one job may take. */
export function createJobThread(o: { folder: string | undefined; heapMb: number }): JobThread {
  const line: Job[] = [];
  let current: Job | undefined;
  let thread: Worker | undefined;
  let stopped = false;
  let last = 0;

  const finish = (end: (job: Job) => void) => {
    const job = current;
    current = undefined;
    if (job !== undefined) end(job);
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
      resourceLimits: { maxOldGenerationSizeMb: o.heapMb },
      stdout: false,
    });
    worker.unref();
    worker.on('message', (answer: ThreadAnswer) => {
      if (answer.id !== current?.id) return;
      finish((job) => {
        if ('result' in answer) return job.resolve(answer.result);
        const cause = placeOf(answer.failed);
        job.reject(new GatewayError('INTERNAL', 'a document could not be worked on', { cause }));
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
  const next = () => {
    if (current !== undefined || stopped) return;
    current = line.shift();
    if (current === undefined) return;
    const { id, job, order } = current;
    thread ??= open();
    thread.postMessage({ id, job, order } satisfies ThreadOrder);
  };

  return {
    run: async (job, order) => {
      if (stopped) throw stopping();
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      line.push({ id: ++last, job, order, resolve, reject });
      next();
      return (await promise) as JobResult<typeof job>;
    },
    stop: async () => {
      stopped = true;
      const going = thread;
      thread = undefined;
      for (const job of [...(current === undefined ? [] : [current]), ...line.splice(0)]) job.reject(stopping());
      current = undefined;
      await going?.terminate();
    },
  };
}

const stopping = () => new GatewayError('NOT_READY', 'the gateway is stopping');

/** An error that says nothing but where it was thrown. */
function placeOf(stack: string): Error {
  const error = new Error('');
  error.stack = `Error\n${stack.split(' |').join('\n')}`;
  return error;
}
