// The command line of epa-sim, read strictly: what is wrong is said in one line above the usage.
import { parseArgs } from 'node:util';
import { KONNEKTOR_VENDORS, type KonnektorVendor } from './tables/konnektor-profiles.ts';

export const usage = `usage: epa-sim serve [--seed N] [--port-base N] [--json] [--lenient] [--scenario FILE] [--settings-file FILE]
                     [--master-key FILE] [--konnektor VENDOR] [--proxy PORT]
       epa-sim scenario FILE [the same options]

serve     until SIGTERM or SIGINT
scenario  until the last timed step of FILE has ended; 0 when every one passed, 1 when one did not

Simulates everything on the other side of the gateway: Konnektor, card terminal, SMC-B, IDP, two record systems, OCSP.
  --port-base N    Konnektor N+2, record systems N+3 and N+4, IDP N+5, control N+6, OCSP N+7 (default 18080; 0: free ports)
  --seed N         decides everything the specifications leave open; printed when not given
  --scenario FILE  YAML with seed, insured, recordSystems (ibm or rise, or seed), cards, terminals, konnektor, konnektors
                   and steps
  --konnektor VENDOR  ${KONNEKTOR_VENDORS.join(', ')}; drawn by seed without it, the scenario's wins
  --lenient        stops some checks and says which
  --settings-file FILE  writes what GET /sim/settings answers, mode 0600, before it is ready (for containers)
  --master-key FILE     a master key for the gateway that stays, made where there is none
  --proxy PORT     a forward proxy (HTTP CONNECT) to everything simulated, as before a TI-Gateway (0: a free port)
  --json           prints one line of JSON when ready, and one for each step of scenario
`;

export type SimOptions = {
  command: 'serve' | 'scenario';
  seed?: number;
  portBase: number;
  json: boolean;
  lenient: boolean;
  scenario?: string;
  settingsFile?: string;
  masterKeyFile?: string;
  konnektor?: KonnektorVendor;
  /** Port of the forward proxy; undefined: none. */
  proxy?: number;
};

/** Throws Usage with what is wrong; an empty message asks for help. */
export function readOptions(args: string[]): SimOptions {
  const { values, positionals } = parse(args);
  if (values.help) throw new Usage('');
  const [command, ...named] = positionals;
  if (command !== 'serve' && command !== 'scenario') throw new Usage('the commands are serve and scenario');
  if (named.length !== (command === 'scenario' ? 1 : 0))
    throw new Usage(command === 'scenario' ? 'scenario takes one file' : 'serve takes no file; --scenario names one');
  if (command === 'scenario' && values.scenario !== undefined)
    throw new Usage('scenario names its file without --scenario');
  return {
    command,
    seed: wholeNumber(values.seed, '--seed', 4_294_967_295),
    portBase: wholeNumber(values['port-base'], '--port-base', 65_535 - 7) ?? 18_080,
    json: values.json,
    lenient: values.lenient,
    scenario: values.scenario ?? named[0],
    settingsFile: values['settings-file'],
    masterKeyFile: values['master-key'],
    konnektor: vendor(values.konnektor),
    proxy: wholeNumber(values.proxy, '--proxy', 65_535),
  };
}

export class Usage extends Error {}

function vendor(name: string | undefined): KonnektorVendor | undefined {
  const found = KONNEKTOR_VENDORS.find((one) => one === name);
  if (name !== undefined && found === undefined)
    throw new Usage(`--konnektor is one of ${KONNEKTOR_VENDORS.join(', ')}`);
  return found;
}

function wholeNumber(text: string | undefined, name: string, max: number): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text) || Number(text) > max) throw new Usage(`${name} is a whole number up to ${max}`);
  return Number(text);
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        seed: { type: 'string' },
        'port-base': { type: 'string' },
        json: { type: 'boolean', default: false },
        lenient: { type: 'boolean', default: false },
        scenario: { type: 'string' },
        'settings-file': { type: 'string' },
        'master-key': { type: 'string' },
        konnektor: { type: 'string' },
        proxy: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new Usage(error instanceof Error ? error.message : String(error));
  }
}
