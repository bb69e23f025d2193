// Where documents are judged and built (D5): small ones at once, large ones in a thread, so that nobody else waits for them. At
// most two large ones are held there at a time, the others wait outside, and no more of them than can be waited for. Building
// takes ten times as long as judging: but for the smallest a thread of its own does it, behind no large document.
import { GatewayError } from '../errors.ts';
import { largeOnesDone } from '../vault/dead-buffers.ts';
import { createJobThread } from './job-thread.ts';
import { createJobs, type JobName, type JobOrder, type JobResult } from './jobs.ts';
import { openToolkits, type Toolkits } from './toolkits.ts';

/** Judging so much takes about 10 ms. */
export const SMALL_BYTES = 128 * 1024;
/** Building from so much, old versions included, takes about a millisecond: it is a document of some 15 kB. */
const BUILT_HERE_BYTES = 1024;
const AT_ONCE = 2;
const PIECE_BYTES = 256 * 1024;
/** A document of 25 MB as objects takes about a tenth of it. */
const HEAP_MB = 2048;
export type Workshop = {
  readonly toolkits: Toolkits;
  /** `bytes` is what the job is about: how large it is decides where it is done. */
  run<Name extends JobName>(job: Name, order: JobOrder<Name>, bytes: number): Promise<JobResult<Name>>;
  /**
   * Waits for a place before `work` brings a large document into memory. TOO_MANY_REQUESTS when too much waits already; `staged`:
   * what waits lies in the store and holds no memory, so twice as much of it may.
   */
  place<T>(bytes: number, work: () => Promise<T>, staged?: 'staged'): Promise<T>;
  stop(): Promise<void>;
};

type Options = {
  /** The tables, where they are not those of the product. */
  folder?: string | undefined;
  /**
   * Setting limits.waitingBytes. The largest documents are worked on at some 10 MB a second, and after half a minute clients give
   * up and come again. In bytes and not in number: a hundred documents of 200 kB are done in two seconds, and what waits is held.
   */
  waitingBytes: number;
  smallBytes?: number;
  heapMb?: number;
};

export function createWorkshop(o: Options): Workshop {
  const toolkits = openToolkits(o.folder);
  const here = createJobs(toolkits);
  const thread = createJobThread({ folder: o.folder, heapMb: o.heapMb ?? HEAP_MB, ended: largeOnesDone });
  const builder = createJobThread({ folder: o.folder, heapMb: o.heapMb ?? HEAP_MB });
  const small = o.smallBytes ?? SMALL_BYTES;
  const places = createPlaces(o.waitingBytes);
  return {
    toolkits,
    run: async <Name extends JobName>(job: Name, order: JobOrder<Name>, bytes: number): Promise<JobResult<Name>> => {
      if (bytes <= small) {
        // The first ones are not kept waiting for it.
        const there = (job === 'open' || job === 'build') && bytes > BUILT_HERE_BYTES && builder.ready();
        return there ? builder.run(job, order, bytes) : ((await here[job](order as never)) as JobResult<Name>);
      }
      if (job !== 'judge') return thread.run(job, order, bytes);
      const { bytes: document, ...rest } = order as JobOrder<'judge'>;
      const judgement = await thread.run('judgeChunks', { ...rest, chunks: piecesOf(document) }, bytes);
      return judgement as JobResult<Name>;
    },
    place: (bytes, work, staged) => (bytes <= small ? work() : places(bytes, work, staged)),
    stop: async () => {
      await Promise.all([thread.stop(), builder.stop()]);
    },
  };
}

/** A document in memory as what the thread takes: it never has a copy of all of it. */
async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.slice(at, at + PIECE_BYTES);
}

function createPlaces(waitingBytes: number): Workshop['place'] {
  const queue: { bytes: number; kind: 'held' | 'staged'; enter: () => void }[] = [];
  let free = AT_ONCE;
  const waiting = { held: 0, staged: 0 };
  const most = { held: waitingBytes, staged: 2 * waitingBytes };
  return async (bytes, work, kind: 'held' | 'staged' = 'held') => {
    if (free > 0) free -= 1;
    else {
      // Even one that is larger than all of them may be may wait, where it is the only one.
      if (waiting[kind] > 0 && waiting[kind] + bytes > most[kind])
        throw new GatewayError('TOO_MANY_REQUESTS', 'too many large documents are waiting to be worked on');
      waiting[kind] += bytes;
      await new Promise<void>((enter) => queue.push({ bytes, kind, enter }));
    }
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) free += 1;
      else {
        waiting[next.kind] -= next.bytes;
        next.enter();
      }
    }
  };
}
