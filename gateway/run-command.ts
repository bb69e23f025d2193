// The commands of `epa-gateway` (cli.ts says what their exit codes mean). What only one of them needs is loaded when it runs: the whole
// gateway takes half a second, and who asks it for its cards waits for none of that.
import { activationCommand, cardsCommand, useCommand } from './cards-command.ts';
import type { CommandLine, Values } from './command-line.ts';
import type { Printed } from './command-text.ts';
import { readSettings, type Settings } from './config.ts';
import { asGatewayError, catalogue, type GatewayError } from './errors.ts';
import { keysCommand } from './keys-command.ts';
import { createLogger } from './log.ts';
import { alarmsCommand, certificatesCommand } from './oversight-command.ts';
import { pinCommand } from './pin-command.ts';

/** Ends the process where there is nothing to run. */
export async function runCommand({ command, operands, values }: CommandLine & { kind: 'run' }): Promise<void> {
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
    const { auditReportText, verifyStoredAudit } = await import('./audit-command.ts');
    const report = await verifyStoredAudit(settings);
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : auditReportText(report));
    process.exitCode = report.ok ? 0 : 1;
  } catch (thrown) {
    explain(thrown);
    process.exitCode = 2;
  }
}

async function mio(command: string, files: string[], o: Values): Promise<void> {
  const [{ documentsOf }, { mioCommand }, { DOCUMENT_LIMIT }] = await Promise.all([
    import('./api/submission.ts'),
    import('./mio-command.ts'),
    import('../mio/split.ts'),
  ]);
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
  const { argumentFault, doctorCommand } = await import('./doctor-command.ts');
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
    const { startGateway } = await import('./main.ts');
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
