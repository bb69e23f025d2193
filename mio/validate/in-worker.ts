// Validates large documents beside the main thread, which goes on answering requests meanwhile: a few threads, each with one
// document at a time, the rest waits its turn. Threads start when they are first needed and end with the pool.
import { join } from 'node:path';
import { type ResourceLimits, Worker } from 'node:worker_threads';
import { type Finding, MioError } from '../error.ts';
import type { DocumentOptions } from './document.ts';
import type { Answer, Order } from './worker.ts';

/** `workers`: default 1. `limits` of each thread: default 1 GiB, of which 25 MB of XML need less than half. */
export type PoolOptions = { workers?: number; limits?: ResourceLimits };

const LIMITS: ResourceLimits = { maxOldGenerationSizeMb: 1024 };

type Job = { order: Order; resolve: (findings: Finding[]) => void; reject: (error: MioError) => void };

export class ValidationPool {
  readonly #size: number;
  readonly #limits: ResourceLimits;
  readonly #waiting: Job[] = [];
  readonly #busy = new Map<Worker, Job>();
  #idle: Worker[] = [];
  #closed = false;

  constructor({ workers = 1, limits = LIMITS }: PoolOptions = {}) {
    this.#size = workers;
    this.#limits = limits;
  }

  /** MioError of the readers; MIO_WORKER_LOST when the thread ended over it, MIO_WORKER_CLOSED when the pool did. */
  run(order: Order): Promise<Finding[]> {
    return new Promise((resolve, reject) => {
      if (this.#closed) reject(closed());
      else {
        this.#waiting.push({ order, resolve, reject });
        this.#next();
      }
    });
  }

  /** What is not done yet is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    const workers = [...this.#idle, ...this.#busy.keys()];
    for (const job of [...this.#waiting.splice(0), ...this.#busy.values()]) job.reject(closed());
    this.#busy.clear();
    this.#idle = [];
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #next(): void {
    if (this.#waiting.length === 0) return;
    const worker = this.#idle.pop() ?? (this.#busy.size < this.#size ? this.#start() : undefined);
    const job = worker && this.#waiting.shift();
    if (worker === undefined || job === undefined) return;
    this.#busy.set(worker, job);
    worker.ref();
    worker.postMessage(job.order, [job.order.bytes.buffer as ArrayBuffer]);
  }

  #start(): Worker {
    const worker = new Worker(join(import.meta.dirname, 'worker.ts'), { resourceLimits: this.#limits });
    worker.on('message', (answer: Answer) => {
      const job = this.#busy.get(worker);
      this.#busy.delete(worker);
      // A process that has nothing else to do may end.
      worker.unref();
      this.#idle.push(worker);
      if ('findings' in answer) job?.resolve(answer.findings);
      else job?.reject(new MioError(answer.code, answer.message, answer.place));
      this.#next();
    });
    const lost = () => {
      this.#idle = this.#idle.filter((one) => one !== worker);
      this.#busy.get(worker)?.reject(new MioError('MIO_WORKER_LOST', 'the document could not be validated'));
      this.#busy.delete(worker);
      this.#next();
    };
    worker.on('error', lost);
    worker.on('exit', lost);
    return worker;
  }
}

/** As validateDocument, in a thread of the pool. `version` of the toolkit (D25). The bytes stay the caller's. */
export function validateInWorker(
  bytes: Uint8Array,
  options: DocumentOptions & { pool: ValidationPool; version: string },
): Promise<Finding[]> {
  const { pool, version, ...rest } = options;
  return pool.run({ bytes: new Uint8Array(bytes), version, options: rest });
}

function closed(): MioError {
  return new MioError('MIO_WORKER_CLOSED', 'the validation was stopped');
}
