// The program `epa-gateway` (api.md section 1). `serve [--json]`: 0 stopped as asked, 1 could not start, 2 wrong settings or
// usage. `audit verify [--json]`: 0 the audit trail is whole, 1 it is not, 2 that could not be found out. `keys [rotate]`, `cards`,
// `pin`: 0 done, 1 refused, 2 the gateway could not be asked.
import '../wire/tls.ts';
import { parseArgs } from 'node:util';
import { DOCUMENT_LIMIT } from '../mio/split.ts';
import { documentsOf } from './api/submission.ts';
import { auditReportText, verifyStoredAudit } from './audit-command.ts';
import { cardsCommand, pinCommand } from './cards-command.ts';
import { readSettings, type Settings } from './config.ts';
import { argumentFault } from './doctor/run.ts';
import { asGatewayError, catalogue, type GatewayError } from './errors.ts';
import { keysCommand } from './keys-command.ts';
import { createLogger } from './log.ts';
import { startGateway } from './main.ts';
import { mioCommand } from './mio-command.ts';
import { alarmsCommand, certificatesCommand, doctorCommand } from './oversight-command.ts';

const USAGE = `usage: epa-gateway serve [--json]
       epa-gateway audit verify [--json]
       epa-gateway keys [--json]
       epa-gateway keys rotate [--diga ID] [--json]
       epa-gateway cards [--json]
       epa-gateway pin verify|change|unblock ICCSN [--confirm] [--konnektor ID] [--json]
       epa-gateway doctor [--diga ID] [--konnektor ID] [--insured-file FILE] [--json]
       epa-gateway certificates [--rsa] [--json]
       epa-gateway alarms [test] [--json]
       epa-gateway mio validate FILE… [--diga ID] [--mio-version V] [--json]
       epa-gateway mio build FILE… [--app FILE | --diga ID] [--namespace UUID] [--out DIR] [--mio-version V] [--json]

mio works offline: FILE is FHIR XML or JSON (validate), or JSON with a content of mode simple or fhir (build). Tables and limit are those
of the settings where EPA_GATEWAY_CONFIG names them, the version is the one of --diga (or the first) there; the app is read from --app
(the app block of a DiGA's settings, with names) or from the settings; exit code 1: something is wrong with a FILE.
cards and pin ask the admin listener as keys does. cards looks at every Konnektor; pin has a person enter the PIN (or PUK) at the card
terminal and waits for the end; with one try left it needs --confirm. Exit code 1: refused, or a card cannot be used.
doctor works from the settings, whether a gateway runs or not: it walks the way to the record up to the first fault (exit code 1).
keys, certificates and alarms ask the admin listener of the running gateway: --admin URL, --key-file FILE (operator), --ca FILE, --certificate FILE and
--certificate-key FILE (client certificate); what is not given is taken from the settings.
Settings: EPA_GATEWAY_CONFIG (YAML or JSON file), EPA_GATEWAY_DATA (data directory); docs/settings.md lists all.
`;

async function main(): Promise<void> {
  const { values, positionals, faulty } = readArguments();
  if (values.help === true) return void process.stdout.write(USAGE);
  const json = values.json === true;
  const command = faulty ? '' : positionals.join(' ');
  if (command === 'serve') return serve(json);
  if (command === 'audit verify') return verifyAudit(json);
  if (/^mio (build|validate)( |$)/.test(command)) return mio(positionals, values);
  if (command === 'cards') return ask(values, (settings, o) => cardsCommand(settings, o));
  if (/^pin (verify|change|unblock) \d{20}$/.test(command)) return pin(positionals, values);
  if (command === 'doctor') return doctor(values);
  if (command === 'certificates')
    return ask(values, (settings, o) => certificatesCommand(settings, { ...o, rsa: values.rsa === true }));
  if (command === 'alarms' || command === 'alarms test')
    return ask(values, (settings, o) => alarmsCommand(settings, { ...o, test: command === 'alarms test' }));
  if (command === 'keys' || command === 'keys rotate') return keys(command === 'keys rotate', values);
  process.stderr.write(USAGE);
  process.exit(2);
}

function readArguments() {
  try {
    const read = parseArgs({
      options: {
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
      },
      allowPositionals: true,
    });
    return { ...read, faulty: false };
  } catch {
    return { values: {}, positionals: [], faulty: true };
  }
}

/** The settings, or the end of the process with every fault of them. */
function settingsOrEnd(): Settings {
  const read = readSettings();
  if (read.ok) return read.settings;
  process.stderr.write('CONFIG_INVALID: the settings have faults\n');
  for (const fault of read.faults) process.stderr.write(`  ${fault.key}: ${fault.message}\n`);
  process.exit(2);
}

/** The same for who reads JSON: the faults on stdout. */
function settingsOrJson(): Settings {
  const read = readSettings();
  if (read.ok) return read.settings;
  process.stdout.write(`${JSON.stringify({ ok: false, code: 'CONFIG_INVALID', faults: read.faults })}\n`);
  process.exit(2);
}

async function verifyAudit(json: boolean): Promise<void> {
  const settings = settingsOrEnd();
  try {
    const report = await verifyStoredAudit(settings);
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : auditReportText(report));
    process.exitCode = report.ok ? 0 : 1;
  } catch (thrown) {
    explain(thrown);
    process.exitCode = 2;
  }
}

function mio([, verb, ...files]: string[], o: ReturnType<typeof readArguments>['values']): void {
  // Where there are settings, it works as the gateway with them does: its tables, the DiGA's version and app, its limit.
  const settings = process.env.EPA_GATEWAY_CONFIG === undefined ? undefined : settingsOrEnd();
  const diga = settings?.digas.find(({ id }, n) => (o.diga === undefined ? n === 0 : id === o.diga));
  if (o.diga !== undefined && diga === undefined) {
    process.stderr.write('--diga must name a DiGA of the settings\n');
    process.exit(2);
  }
  const app = settings && diga && documentsOf(settings).apps.get(diga.id);
  const { json = false, namespace, out } = o;
  process.exitCode = mioCommand(
    {
      verb: verb === 'build' ? 'build' : 'validate',
      files,
      json,
      namespace,
      out,
      app: o.app ?? app,
      version: o['mio-version'] ?? diga?.mioVersions[0],
      tables: settings?.mioTables,
      documentBytes: settings?.limits.documentBytes ?? DOCUMENT_LIMIT,
    },
    {
      out: (text) => process.stdout.write(text),
      progress: (text) => process.stderr.write(text),
      live: process.stderr.isTTY === true,
    },
  );
}

type Values = ReturnType<typeof readArguments>['values'];
type Asked = Values & { keyFile: string | undefined; certificateKey: string | undefined; json: boolean };

const keys = (rotate: boolean, o: Values) => ask(o, (settings, asked) => keysCommand(settings, { ...asked, rotate }));

function pin([, verb, iccsn = '']: string[], o: Values): Promise<void> {
  const kind = verb === 'change' || verb === 'unblock' ? verb : 'verify';
  return ask(o, (settings, asked) =>
    pinCommand(settings, {
      ...asked,
      ...{ kind, iccsn, confirm: o.confirm === true },
      pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      progress: (text) => process.stderr.write(text),
    }),
  );
}

/** A command that asks the admin listener of the running gateway (D9). */
async function ask(
  o: Values,
  run: (settings: Settings, asked: Asked) => Promise<{ text: string; code: 0 | 1 }>,
): Promise<void> {
  const settings = settingsOrEnd();
  try {
    const named = { keyFile: o['key-file'], certificateKey: o['certificate-key'], json: o.json === true };
    const { text, code } = await run(settings, { ...o, ...named });
    (code === 0 ? process.stdout : process.stderr).write(text);
    process.exitCode = code;
  } catch (thrown) {
    explain(thrown);
    process.exitCode = 2;
  }
}

/** The report is what was asked for, whatever it says. */
async function doctor(o: Values): Promise<void> {
  const { diga, konnektor } = o;
  const json = o.json === true;
  const settings = json ? settingsOrJson() : settingsOrEnd();
  const wrong = argumentFault(settings, { diga, konnektor, insuredFile: o['insured-file'] });
  if (wrong !== undefined) {
    if (json) process.stdout.write(`${JSON.stringify({ ok: false, code: 'ARGUMENT_INVALID', message: wrong })}\n`);
    else process.stderr.write(`${wrong}\n`);
    process.exit(2);
  }
  try {
    const named = { diga, konnektor, insuredFile: o['insured-file'], json };
    const { text, code } = await doctorCommand(settings, named);
    process.stdout.write(text);
    process.exitCode = code;
  } catch (thrown) {
    explain(thrown);
    process.exitCode = 2;
  }
}

async function serve(json: boolean): Promise<void> {
  const settings = settingsOrEnd();
  // With --json stdout belongs to the ready line alone; log lines go to stderr.
  const log = createLogger({ environment: settings.environment, level: settings.log.level, to: json ? 2 : 1 });
  try {
    const gateway = await startGateway(settings, { log });
    const stop = () => {
      gateway.stop().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    };
    // Not once: Ctrl-C comes from the terminal and again through the launcher, and must not cut the orderly end short.
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    process.on('SIGHUP', gateway.reload);
    const line = gateway.ready;
    process.stdout.write(
      json
        ? `${JSON.stringify(line)}\n`
        : `epa-gateway (${line.environment}) ready\n  API    ${line.gateway}\n  admin  ${line.admin}\n  DiGA   ${line.diga}\n`,
    );
  } catch (thrown) {
    process.exit(explain(thrown).code === 'CONFIG_INVALID' ? 2 : 1);
  }
}

function explain(thrown: unknown): GatewayError {
  const error = asGatewayError(thrown);
  process.stderr.write(`${error.code}: ${error.message}\n  ${catalogue[error.code].remedy.en}\n`);
  if (error.code === 'INTERNAL' && error.cause instanceof Error)
    process.stderr.write(`  ${error.cause.name}: ${error.cause.message}\n`);
  return error;
}

await main();
