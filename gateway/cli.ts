// The program `epa-gateway` (api.md section 1). `serve [--json]`: 0 stopped as asked, 1 could not start, 2 wrong settings or
// usage. `audit verify [--json]`: 0 the audit trail is whole, 1 it is not, 2 that could not be found out. The others:
// 0 well, 1 not well or refused, 2 it could not be found out; a refusal goes to stderr, every report to stdout.
import '../wire/tls.ts';
import { DOCUMENT_LIMIT } from '../mio/split.ts';
import { documentsOf } from './api/submission.ts';
import { auditReportText, verifyStoredAudit } from './audit-command.ts';
import { activationCommand, cardsCommand, useCommand } from './cards-command.ts';
import { readCommandLine, type Values } from './command-line.ts';
import type { Printed } from './command-text.ts';
import { readSettings, type Settings } from './config.ts';
import { argumentFault } from './doctor/run.ts';
import { asGatewayError, catalogue, type GatewayError } from './errors.ts';
import { keysCommand } from './keys-command.ts';
import { createLogger } from './log.ts';
import { startGateway } from './main.ts';
import { mioCommand } from './mio-command.ts';
import { alarmsCommand, certificatesCommand, doctorCommand } from './oversight-command.ts';
import { pinCommand } from './pin-command.ts';

async function main(): Promise<void> {
  const line = readCommandLine(process.argv.slice(2));
  if (line.kind === 'help') return void process.stdout.write(line.text);
  if (line.kind === 'wrong') {
    process.stderr.write(`epa-gateway: ${line.fault}\n\n${line.usage}`);
    process.exit(2);
  }
  const { command, operands, values } = line;
  const [iccsn = ''] = operands;
  const json = values.json === true;
  if (command === 'serve') return serve(json);
  if (command === 'audit verify') return verifyAudit(json);
  if (command === 'mio build' || command === 'mio validate') return mio(command, operands, values);
  if (command === 'doctor') return doctor(values);
  return ask(values, (settings, o) => {
    if (command === 'cards') return cardsCommand(settings, o);
    if (command === 'cards activation') return activationCommand(settings, { ...o, iccsn });
    if (command === 'cards use') return useCommand(settings, { ...o, iccsn });
    if (command === 'certificates') return certificatesCommand(settings, { ...o, rsa: values.rsa === true });
    if (command.startsWith('alarms')) return alarmsCommand(settings, { ...o, test: command === 'alarms test' });
    if (command.startsWith('keys')) return keysCommand(settings, { ...o, rotate: command === 'keys rotate' });
    return pin(settings, o, { verb: command.split(' ')[1] ?? '', iccsn });
  });
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

function mio(command: string, files: string[], o: Values): void {
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
      verb: command === 'mio build' ? 'build' : 'validate',
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

type Asked = Values & { keyFile: string | undefined; certificateKey: string | undefined; json: boolean };

function pin(settings: Settings, o: Asked, { verb, iccsn }: { verb: string; iccsn: string }): Promise<Printed> {
  return pinCommand(settings, {
    ...o,
    ...{ kind: verb === 'change' || verb === 'unblock' ? verb : 'verify', iccsn, confirm: o.confirm === true },
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    progress: (text) => process.stderr.write(text),
  });
}

/** A command that asks the admin listener of the running gateway (D9). */
async function ask(o: Values, run: (settings: Settings, asked: Asked) => Promise<Printed>): Promise<void> {
  const settings = settingsOrEnd();
  try {
    const named = { keyFile: o['key-file'], certificateKey: o['certificate-key'], json: o.json === true };
    const { text, code, refused } = await run(settings, { ...o, ...named });
    (refused ? process.stderr : process.stdout).write(text);
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
