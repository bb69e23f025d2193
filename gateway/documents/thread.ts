// The thread of the workshop: takes one job after the other and answers each. Nothing but results leaves it: what an unexpected
// error says could quote a document, so only where it was thrown is told.
import { parentPort, workerData } from 'node:worker_threads';
import { stackOf } from '../log.ts';
import { createJobs, type JobName } from './jobs.ts';
import { openToolkits } from './toolkits.ts';

export type ThreadOrder = { id: number; job: JobName; order: unknown };
export type ThreadAnswer = { id: number; result: unknown } | { id: number; failed: string };

const { folder } = workerData as { folder: string | undefined };
const jobs = createJobs(openToolkits(folder));

parentPort?.on('message', ({ id, job, order }: ThreadOrder) => {
  let answer: ThreadAnswer;
  try {
    answer = { id, result: jobs[job](order as never) };
  } catch (thrown) {
    answer = { id, failed: stackOf(thrown) ?? '' };
  }
  parentPort?.postMessage(answer);
});
