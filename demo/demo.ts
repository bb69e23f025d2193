// npm run demo: simulator and gateway as two processes, the story of api.md section 1 with a progress display; --once stops
// afterwards (exit 0 only if every step ended as told), --keep tells no story and stays, --json prints what programs read.
import '../wire/tls.ts';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { startWorld, type World } from './processes.ts';
import { Story } from './story.ts';

const usage = `usage: npm run demo -- [--once] [--keep] [--json] [--port-base N] [--data DIR] [--tls] [--seed N]\n`;

function options() {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      tls: { type: 'boolean', default: false },
      data: { type: 'string' },
      'port-base': { type: 'string', default: '18080' },
      seed: { type: 'string' },
    },
  });
  const portBase = Number(values['port-base']);
  if (!Number.isInteger(portBase) || portBase < 1024 || portBase > 65_528)
    throw new Error('--port-base takes a port from 1024 to 65528');
  const seed = values.seed === undefined ? undefined : Number(values.seed);
  if (seed !== undefined && !Number.isSafeInteger(seed)) throw new Error('--seed takes a whole number');
  if (values.tls && !values.keep) throw new Error('--tls goes with --keep: the story speaks plain HTTP on loopback');
  return { ...values, portBase, seed };
}

/** One line per step: written at once where nobody watches, redrawn while it runs on a terminal. */
class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #live: boolean;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#live = stream.isTTY === true;
  }

  line(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  async step<Result>(
    title: string,
    run: () => Promise<Result>,
    ended: (result: Result) => string,
  ): Promise<{ result?: Result; ok: boolean; ms: number }> {
    const began = performance.now();
    const elapsed = () => Math.round(performance.now() - began);
    const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
    let frame = 0;
    const timer = this.#live
      ? setInterval(
          () =>
            this.#stream.write(`\r${frames[frame++ % frames.length]} ${title} … ${(elapsed() / 1000).toFixed(1)} s`),
          100,
        )
      : undefined;
    const settle = (mark: string, text: string) => {
      clearInterval(timer);
      if (this.#live) this.#stream.write('\r\u001b[2K');
      this.line(`${mark} ${title}\n    ${text} (${elapsed()} ms)`);
    };
    try {
      const result = await run();
      settle('✔', ended(result));
      return { result, ok: true, ms: elapsed() };
    } catch (cause) {
      settle('✘', cause instanceof Error ? cause.message : String(cause));
      return { ok: false, ms: elapsed() };
    }
  }
}

/** Aborted by SIGINT or SIGTERM, however often they come and whatever the demo is doing: both processes stop with it. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => controller.abort());
  return controller.signal;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

async function tell(world: World, progress: Progress, json: boolean): Promise<boolean> {
  const story = new Story(world);
  const steps: { name: string; ok: boolean; ms: number }[] = [];
  for (const step of story.steps()) {
    const { ok, ms } = await progress.step(step.title, step.run, (text) => text);
    steps.push({ name: step.name, ok, ms });
  }
  const ok = steps.every((step) => step.ok);
  const cardSignatures = await story.cardSignatures();
  progress.line(
    ok
      ? `\nAll ${steps.length} steps ended as told, with ${cardSignatures} signatures of the SMC-B.`
      : `\nNot every step ended as told: ${steps
          .filter((step) => !step.ok)
          .map((step) => step.name)
          .join(', ')}.`,
  );
  if (json)
    process.stdout.write(`${JSON.stringify({ ok, steps, exports: [...story.exports.values()], cardSignatures })}\n`);
  return ok;
}

async function main(): Promise<number> {
  let wanted: ReturnType<typeof options>;
  try {
    wanted = options();
  } catch (cause) {
    process.stderr.write(`${cause instanceof Error ? cause.message : cause}\n${usage}`);
    return 2;
  }
  const signal = stopSignal();
  const progress = new Progress(wanted.json ? process.stderr : process.stdout);
  const start = { portBase: wanted.portBase, dataDirectory: wanted.data, tls: wanted.tls, seed: wanted.seed, signal };
  const started = await progress.step(
    'Simulator and gateway start',
    () => startWorld(start),
    (world) => `gateway ${world.gateway.gateway}`,
  );
  const world = started.result;
  if (world === undefined) return 1;
  try {
    if (wanted.keep) {
      const { simulator, gateway } = world;
      const ready = { ...simulator, ...gateway, pids: { ...gateway.pids, ...simulator.pids } };
      if (wanted.json) process.stdout.write(`${JSON.stringify(ready)}\n`);
      else
        progress.line(
          `API key ${gateway.apiKey}\nOperator key ${gateway.operatorKey}\nConsole ${gateway.admin}/\nSimulator ${simulator.control}/`,
        );
      await aborted(signal);
      return 0;
    }
    const ok = await Promise.race([tell(world, progress, wanted.json), aborted(signal).then(() => undefined)]);
    if (ok === undefined) return 130;
    if (wanted.once) return ok ? 0 : 1;
    progress.line(
      `\nGateway    ${world.gateway.gateway}/livez\nConsole    ${world.gateway.admin}/\nSimulator  ${world.simulator.control}/\nStop with Ctrl-C.`,
    );
    await aborted(signal);
    return ok ? 0 : 1;
  } finally {
    await world.stop();
  }
}

process.exit(await main());
