// How quickly an HTTP server answers while a worker thread beside it reads and validates a large document (issue 5: p99 below
// 50 ms). The server is the benchmark's own: POST /v1/mio/validate is not built yet, and says no more than that thread and event
// loop do not stand in each other's way.
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { median, percentile, rounded } from './measure.ts';

/** `seconds` of the validation; times of the answers meanwhile, asked one after another. */
export type Serving = { server: 'bench'; seconds: number; requests: number; p50ms: number; p99ms: number };

export async function whileServing(file: string): Promise<Serving> {
  const server = createServer((_request, response) => response.end('{"status":"ok"}')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const worker = new Worker(join(import.meta.dirname, 'validate-worker.ts'));
  try {
    await once(worker, 'message'); // the tables are there
    // One document before the one that counts, as a gateway that runs has seen some.
    await validated(worker, file);
    const times: number[] = [];
    let done = false;
    const validation = validated(worker, file).finally(() => {
      done = true;
    });
    while (!done) times.push(await answerMs(port));
    const seconds = await validation;
    return {
      server: 'bench',
      seconds: rounded(seconds),
      requests: times.length,
      p50ms: rounded(median(times)),
      p99ms: rounded(percentile(times, 0.99)),
    };
  } finally {
    await worker.terminate();
    server.close();
  }
}

async function validated(worker: Worker, file: string): Promise<number> {
  const answer = once(worker, 'message');
  worker.postMessage(file);
  const [{ seconds, errors }] = (await answer) as [{ seconds: number; errors: number }];
  if (errors > 0) throw new Error(`the document has ${errors} errors`);
  return seconds;
}

async function answerMs(port: number): Promise<number> {
  const start = performance.now();
  const [response] = await once(get({ port, path: '/livez', host: '127.0.0.1', agent: false }), 'response');
  await text(response);
  return performance.now() - start;
}
