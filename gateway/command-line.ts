// What `epa-gateway` takes: its commands, their arguments, what --help says of each, and what is wrong with a line that was typed:
// one sentence, then the usage of that command only.
import { parseArgs } from 'node:util';

const OPTIONS = {
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  diga: { type: 'string' },
  admin: { type: 'string' },
  ca: { type: 'string' },
  'key-file': { type: 'string' },
  certificate: { type: 'string' },
  'certificate-key': { type: 'string' },
  app: { type: 'string' },
  confirm: { type: 'boolean' },
  konnektor: { type: 'string' },
  namespace: { type: 'string' },
  out: { type: 'string' },
  'mio-version': { type: 'string' },
  'insured-file': { type: 'string' },
  rsa: { type: 'boolean' },
} as const;
type Option = keyof typeof OPTIONS;

const ADMIN: readonly Option[] = ['admin', 'ca', 'key-file', 'certificate', 'certificate-key'];
const ASKS = `Asks the admin listener of the running gateway: --admin URL, --key-file FILE (operator), --ca FILE, --certificate FILE and
--certificate-key FILE (client certificate); what is not given is taken from the settings.`;

type Command = {
  /** Words before the operands. */
  words: string;
  /** `iccsn`: one of 20 digits; `files`: one or more. */
  operand?: 'iccsn' | 'files';
  options: readonly Option[];
  usage: string;
};

const command = (words: string, usage: string, options: readonly Option[], operand?: Command['operand']): Command => ({
  ...{ words, usage: `${words} ${usage}`, options: ['help', 'json', ...options] },
  ...(operand && { operand }),
});

const pin = (verb: string) =>
  command(`pin ${verb}`, 'ICCSN [--confirm] [--konnektor ID] [--json]', [...ADMIN, 'confirm', 'konnektor'], 'iccsn');

const COMMANDS: readonly Command[] = [
  command('serve', '[--json]', []),
  command('audit verify', '[--json]', []),
  command('keys', '[--json]', ADMIN),
  command('keys rotate', '[--diga ID] [--json]', [...ADMIN, 'diga']),
  command('cards', '[--json]', ADMIN),
  command('cards activation', 'ICCSN [--json]', ADMIN, 'iccsn'),
  command('cards use', 'ICCSN [--diga ID] [--json]', [...ADMIN, 'diga'], 'iccsn'),
  ...['verify', 'change', 'unblock'].map(pin),
  command('doctor', '[--diga ID] [--konnektor ID] [--insured-file FILE] [--json]', [
    'diga',
    'konnektor',
    'insured-file',
  ]),
  command('certificates', '[--rsa] [--json]', [...ADMIN, 'rsa']),
  command('alarms', '[--json]', ADMIN),
  command('alarms test', '[--json]', ADMIN),
  command('mio validate', 'FILE… [--diga ID] [--mio-version V] [--json]', ['diga', 'mio-version'], 'files'),
  command(
    'mio build',
    'FILE… [--app FILE | --diga ID] [--namespace UUID] [--out DIR] [--mio-version V] [--json]',
    ['app', 'diga', 'namespace', 'out', 'mio-version'],
    'files',
  ),
];

/** What each first word is about; exit code 2 always means: wrong arguments or settings, or it could not be found out. */
const ABOUT: Record<string, string> = {
  serve: 'Runs the gateway. Exit code 0: stopped as asked, 1: could not start, 2: wrong settings.',
  audit: 'Reads the audit trail of the store, also beside a running gateway. Exit code 0: it is whole, 1: it is not.',
  keys: `Generations of each DiGA's key, and new ones (role security). Exit code 1: refused.\n${ASKS}`,
  cards: `Looks at every Konnektor and shows terminals and cards; activation walks the steps of a new card; use changes to it.
Exit code of cards 1: a DiGA has no card that can sign; of activation: a step failed; of use: refused.\n${ASKS}`,
  pin: `Has a person enter the PIN (unblock: the PUK) at the card terminal and waits for the end; the PIN never passes here. With one try left
it needs --confirm. Exit code 1: refused, or it did not end well.\n${ASKS}`,
  doctor:
    'Works from the settings, whether a gateway runs or not: it walks the way to the record up to the first fault (exit code 1).',
  certificates: `Every certificate the gateway depends on, looked at now; --rsa: what is still RSA and what stops without it.
Exit code 1: one has ended, is revoked or not valid yet.\n${ASKS}`,
  alarms: `Open alarms and how each channel stands (exit code 0, whatever is open); test fires one at every channel.
Exit code of test 1: a channel did not take it, or there is none.\n${ASKS}`,
  mio: `Works offline: FILE is FHIR XML or JSON (validate), or JSON with a content of mode simple or fhir (build). Tables and limit are those
of the settings where EPA_GATEWAY_CONFIG names them, the version is the one of --diga (or the first) there; the app is read from --app
(the app block of a DiGA's settings, with names) or from the settings. Exit code 1: something is wrong with a FILE.`,
};

const SETTINGS = `Settings: EPA_GATEWAY_CONFIG (YAML or JSON file), EPA_GATEWAY_DATA (data directory); docs/settings.md lists all.
Exit code 2: wrong arguments or settings, or it could not be found out.`;

/** Of the commands that begin with this word; of all where it is none of theirs. */
export function usageOf(word: string | undefined): string {
  const own = COMMANDS.filter(({ words }) => words.split(' ')[0] === word);
  const lines = (own.length === 0 ? COMMANDS : own).map(({ usage }) => `epa-gateway ${usage}`);
  const about =
    word !== undefined && own.length > 0 ? (ABOUT[word] ?? '') : 'epa-gateway COMMAND --help says more of each.';
  return `usage: ${lines.join('\n       ')}\n\n${about}\n${SETTINGS}\n`;
}

function parse(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
}
export type Values = ReturnType<typeof parse>['values'];

export type CommandLine =
  | { kind: 'run'; command: string; operands: string[]; values: Values }
  | { kind: 'help'; text: string }
  /** One sentence, and the usage that it is about. */
  | { kind: 'wrong'; fault: string; usage: string };

export function readCommandLine(argv: readonly string[]): CommandLine {
  const first = argv.find((word) => !word.startsWith('-'));
  const wrong = (fault: string): CommandLine => ({ kind: 'wrong', fault, usage: usageOf(first) });
  let read: ReturnType<typeof parse>;
  try {
    read = parse(argv);
  } catch (thrown) {
    return wrong(thrown instanceof Error ? (thrown.message.split(/\. |\n/)[0] ?? '') : 'not readable');
  }
  const { values, positionals } = read;
  const words = positionals.join(' ');
  if (values.help === true) return { kind: 'help', text: usageOf(positionals[0]) };
  const named = COMMANDS.filter((one) => words === one.words || words.startsWith(`${one.words} `));
  const found = named.toSorted((a, b) => b.words.length - a.words.length)[0];
  if (found === undefined) return wrong(noCommand(positionals));
  const operands = positionals.slice(found.words.split(' ').length);
  const fault = operandFault(found, operands) ?? optionFault(found, values);
  return fault === undefined ? { kind: 'run', command: found.words, operands, values } : wrong(fault);
}

function noCommand([first, second]: readonly string[]): string {
  if (first === undefined) return 'no command is named';
  const verbs = COMMANDS.map(({ words }) => words.split(' ')).filter(([word]) => word === first);
  if (verbs.length === 0) return `there is no command ${JSON.stringify(first)}`;
  const known = verbs.map(([, verb]) => verb).join(', ');
  return second === undefined
    ? `${first} needs one of: ${known}`
    : `${first} has no ${JSON.stringify(second)}, only: ${known}`;
}

function operandFault({ words, operand }: Command, operands: readonly string[]): string | undefined {
  const [first, second] = operands;
  if (operand === 'files') return first === undefined ? `${words} needs a FILE` : undefined;
  const extra = operand === 'iccsn' ? second : first;
  if (extra !== undefined) {
    const verbs = COMMANDS.map((one) => one.words.split(' ')).filter(([word, verb]) => word === words && verb);
    const also = verbs.length === 0 ? '' : `; it has ${verbs.map(([, verb]) => verb).join(', ')}`;
    return `${words} takes no ${JSON.stringify(extra)}${also}`;
  }
  if (operand !== 'iccsn') return undefined;
  if (first === undefined) return `${words} needs the ICCSN of a card (epa-gateway cards lists them)`;
  return /^\d{20}$/.test(first) ? undefined : `${JSON.stringify(first)} is no ICCSN: it has 20 digits`;
}

function optionFault({ words, options }: Command, values: Values): string | undefined {
  const strange = (Object.keys(values) as Option[]).find((name) => !options.includes(name));
  return strange === undefined ? undefined : `${words} takes no --${strange}`;
}
