// Webhooks of a house told in lanes, for the tests of how: benches that stop with the test, exports that make events, and what was told.
import type { TestHouse } from './gateway-fakes.ts';
import { content, workOff } from './house-steps.ts';
import { type Receiver, type Told, type WebhookBench, webhookBench } from './webhook-bench.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export const seqsOf = (told: readonly Told[], target = 'demo/a') =>
  told.filter((one) => one.target === target).map((one) => one.body.seq);
export const seriesOf = (told: Told) => String(told.body.data.series);
export const state = async (b: WebhookBench, id = 'a') => (await b.hooks.states()).find((s) => s.id === id);

/** Benches over the house; `close` stops them all. */
export function webhookLanes(house: () => TestHouse) {
  const opened: WebhookBench[] = [];
  const close = async () => {
    for (const bench of opened.splice(0)) await bench.hooks.stop(0);
  };
  const bench = async (
    targets: Parameters<typeof webhookBench>[0]['targets'],
    receivers: Record<string, Receiver> = {},
  ) => {
    const made = webhookBench({ ...house(), targets, receivers });
    opened.push(made);
    await made.start();
    return made;
  };
  /** `count` exports of each series, one event each. */
  const exportsOf = async (series: readonly string[], count: number, more = {}) => {
    for (let n = 0; n < count; n++)
      for (const one of series) await house().accept({ ...content(`${one}-${n}`), series: one, queue: 'all', ...more });
  };
  const go = () => workOff(house());
  return { opened, close, bench, exportsOf, go };
}
