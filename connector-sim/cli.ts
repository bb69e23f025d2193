// The command epa-sim: `serve` starts the simulator and stays until SIGTERM or SIGINT; `scenario` ends by itself with the last timed
// step of its file (api.md section 1).
import '../wire/tls.ts';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readOptions, Usage, usage } from './cli-options.ts';
import { type ConnectProxy, startConnectProxy } from './connect-proxy.ts';
import { LENIENT_STOPS_CHECKING } from './leniencies.ts';
import { type Simulator, startSimulator } from './main.ts';
import { RECORD_SYSTEMS } from './records.ts';
import { Refusal } from './refusal.ts';
import { readScenario } from './scenario.ts';
import { runSteps } from './steps/report.ts';

function readable({ ready, world }: Simulator, proxy: ConnectProxy | undefined): string {
  const { seed, vendors } = world;
  // In the order of the addresses.
  const systems = RECORD_SYSTEMS.map((id, i) => `${ready.recordSystems[i]} (${id}, ${vendors[id]})`);
  return [
    'ePA simulator, TEST-ONLY. Ready.',
    `  control and page  ${ready.control}/`,
    `  Konnektor         ${ready.konnektor}  (${world.konnektor.vendor ?? 'no vendor of its own'}; mutual TLS, server name konnektor.konlan)`,
    `  record systems    ${systems.join('  ')}`,
    `  IDP               ${ready.idp}`,
    `  roots             ${ready.caFile}`,
    `  a gateway's configuration: GET ${ready.control}/sim/settings`,
    ...(proxy === undefined ? [] : [`  forward proxy     ${proxy.url}`]),
    `  seed              ${seed}`,
    '',
  ].join('\n');
}

const seenByRecordSystems = ({ journal }: Simulator) =>
  Object.fromEntries(RECORD_SYSTEMS.map((id) => [id, journal.seen(id)]));

/** Where its port is taken, the simulator does not stay either. */
async function proxyBeside(simulator: Simulator, port: number): Promise<ConnectProxy> {
  try {
    return await startConnectProxy({ port });
  } catch (error) {
    await simulator.stop();
    throw error;
  }
}

async function main(args: string[]): Promise<void> {
  const o = readOptions(args);
  // Listened for from the start, since whoever reads the ready line may send the signal at once; and to the end, since
  // Ctrl-C reaches this process from the terminal and once more through its launcher.
  const stopAsked = new Promise<void>((resolve) => {
    process.on('SIGTERM', () => resolve());
    process.on('SIGINT', () => resolve());
  });
  const scenario = o.scenario === undefined ? undefined : readScenario(readFileSync(o.scenario, 'utf8'));
  if (o.command === 'scenario' && scenario?.steps === undefined) throw new Error('the file has no steps to run');
  const simulator = await startSimulator({
    portBase: o.portBase,
    seed: o.seed,
    lenient: o.lenient,
    scenario,
    masterKeyFile: o.masterKeyFile,
    konnektor: o.konnektor,
  });
  // Whoever reads the ready line knows the port that was asked for.
  const proxy = o.proxy === undefined ? undefined : await proxyBeside(simulator, o.proxy);
  // The ready line is for the simulator alone.
  if (o.json && proxy !== undefined) process.stderr.write(`forward proxy: ${proxy.url}\n`);
  // Its paths are those of this process: whoever reads the file must see the same temporary folder.
  if (o.settingsFile !== undefined)
    writeFileSync(o.settingsFile, JSON.stringify(simulator.settings({ clock: true, ocsp: true })), { mode: 0o600 });
  if (o.lenient) {
    process.stderr.write(`--lenient: not checked any more:\n${LENIENT_STOPS_CHECKING.map((s) => `  ${s}\n`).join('')}`);
  }
  process.stdout.write(o.json ? `${JSON.stringify(simulator.ready)}\n` : readable(simulator, proxy));
  if (o.command === 'serve') await stopAsked;
  else if ((await runSteps(simulator, { json: o.json, stopAsked, print: (text) => process.stdout.write(text) })) > 0)
    process.exitCode = 1;
  await proxy?.stop();
  await simulator.stop();
  // Whoever started many of us sums up what the record systems of all have seen (EXP-01).
  const tally = process.env.EPA_SIM_OPERATIONS ?? '';
  if (tally !== '')
    appendFileSync(tally, `${JSON.stringify({ by: 'epa-sim', seen: seenByRecordSystems(simulator) })}\n`);
  // Its paths lead nowhere now.
  if (o.settingsFile !== undefined) rmSync(o.settingsFile, { force: true });
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
