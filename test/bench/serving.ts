// How quickly the gateway answers while it reads and validates a large document in its thread (issue 5: p99 below 50 ms): both
// programs as processes of their own, the document by POST /v1/mio/validate, meanwhile GET /v1/exports again and again.
import { readFileSync } from 'node:fs';
import { startWorld } from '../../demo/processes.ts';
import { median, percentile, rounded } from './measure.ts';

/** `seconds` from the first byte of the document to the OperationOutcome; times of the other answers, asked one after another. */
export type Serving = { seconds: number; requests: number; p50ms: number; p99ms: number };

export async function whileServing(file: string): Promise<Serving> {
  const world = await startWorld({ portBase: 0, tls: false, signal: AbortSignal.timeout(600_000) });
  try {
    const { gateway, apiKey } = world.gateway;
    const authorization = `Bearer ${apiKey}`;
    const document = readFileSync(file);
    const validated = async () => {
      const start = performance.now();
      const answer = await fetch(`${gateway}/v1/mio/validate`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/fhir+xml' },
        body: document,
      });
      const { issue = [] } = (await answer.json()) as { issue?: { severity: string }[] };
      const errors = issue.filter((one) => one.severity === 'error').length;
      if (!answer.ok || errors > 0) throw new Error(`HTTP ${answer.status}, the document has ${errors} errors`);
      return (performance.now() - start) / 1000;
    };
    const listed = async () => {
      const start = performance.now();
      const answer = await fetch(`${gateway}/v1/exports?limit=1`, { headers: { authorization } });
      await answer.text();
      return performance.now() - start;
    };
    // One document before the one that counts, as a gateway that runs has seen some.
    await validated();
    const times: number[] = [];
    let done = false;
    const validation = validated().finally(() => {
      done = true;
    });
    while (!done) times.push(await listed());
    return {
      seconds: rounded(await validation),
      requests: times.length,
      p50ms: rounded(median(times)),
      p99ms: rounded(percentile(times, 0.99)),
    };
  } finally {
    await world.stop();
  }
}
