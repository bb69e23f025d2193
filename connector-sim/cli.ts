// The command epa-sim: `serve` starts the simulator and stays until SIGTERM or SIGINT (api.md section 1).
import '../wire/tls.ts';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { LENIENT_STOPS_CHECKING } from './leniencies.ts';
import { type SimReadyLine, startSimulator } from './main.ts';
import { Refusal } from './refusal.ts';
import { readScenario } from './scenario.ts';

const usage = `usage: epa-sim serve [--seed N] [--port-base N] [--json] [--lenient] [--scenario FILE]

Simulates everything on the other side of the gateway: Konnektor, card terminal, SMC-B, IDP, two record systems, OCSP.
  --port-base N    Konnektor N+2, record systems N+3 and N+4, IDP N+5, control N+6, OCSP N+7 (default 18080; 0: any free port)
  --seed N         decides everything the specifications leave open; printed when not given
  --scenario FILE  YAML with seed and insured
  --lenient        stops some checks and says which
  --json           prints one line of JSON when ready
`;

type Options = { seed?: number; portBase: number; json: boolean; lenient: boolean; scenario?: string };

function readOptions(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      seed: { type: 'string' },
      'port-base': { type: 'string' },
      json: { type: 'boolean', default: false },
      lenient: { type: 'boolean', default: false },
      scenario: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) throw new Usage('');
  if (positionals.length !== 1 || positionals[0] !== 'serve') throw new Usage('the only command is serve');
  return {
    seed: wholeNumber(values.seed, '--seed', 4_294_967_295),
    portBase: wholeNumber(values['port-base'], '--port-base', 65_535 - 7) ?? 18_080,
    json: values.json,
    lenient: values.lenient,
    scenario: values.scenario,
  };
}

class Usage extends Error {}

function wholeNumber(text: string | undefined, name: string, max: number): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text) || Number(text) > max) throw new Usage(`${name} is a whole number up to ${max}`);
  return Number(text);
}

function readable(ready: SimReadyLine, seed: number): string {
  return [
    'ePA simulator, TEST-ONLY. Ready.',
    `  control and page  ${ready.control}/`,
    `  Konnektor         ${ready.konnektor}  (mutual TLS, server name konnektor.konlan)`,
    `  record systems    ${ready.recordSystems.join('  ')}`,
    `  IDP               ${ready.idp}`,
    `  roots             ${ready.caFile}`,
    `  a gateway's configuration: GET ${ready.control}/sim/settings`,
    `  seed              ${seed}`,
    '',
  ].join('\n');
}

async function main(args: string[]): Promise<void> {
  const o = readOptions(args);
  const scenario = o.scenario === undefined ? undefined : readScenario(readFileSync(o.scenario, 'utf8'));
  const simulator = await startSimulator({ portBase: o.portBase, seed: o.seed, lenient: o.lenient, scenario });
  if (o.lenient) {
    process.stderr.write(`--lenient: not checked any more:\n${LENIENT_STOPS_CHECKING.map((s) => `  ${s}\n`).join('')}`);
  }
  process.stdout.write(
    o.json ? `${JSON.stringify(simulator.ready)}\n` : readable(simulator.ready, simulator.world.seed),
  );
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
  await simulator.stop();
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof Usage) {
    process.stderr.write(`${error.message === '' ? '' : `${error.message}\n\n`}${usage}`);
    process.exit(error.message === '' ? 0 : 2);
  }
  const text =
    error instanceof Refusal
      ? [error.message, ...error.findings.map((f) => `  ${f.pointer}: ${f.message}`)].join('\n')
      : String(error);
  process.stderr.write(`epa-sim: ${text}\n`);
  process.exit(1);
}
