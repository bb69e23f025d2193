// A gateway in a process of its own that stops at a named checkpoint until the crash matrix kills it. Arguments: settings file
// (JSON), data directory, and what is armed from the start (checkpoint, n-th time). The parent arms later ones by IPC. Stdout:
// the gateway's log lines, and one line each of our own with the member `crash`.
import '../../wire/tls.ts';
import { readFileSync, writeSync } from 'node:fs';
import { parseSettings } from '../../gateway/config.ts';
import { createLogger } from '../../gateway/log.ts';
import { startGateway } from '../../gateway/main.ts';

const [settingsFile = '', dataDirectory = '', armedPoint, armedTime] = process.argv.slice(2);
let armed: { point: string; left: number; stop?: boolean } | undefined =
  armedPoint === undefined ? undefined : { point: armedPoint, left: Number(armedTime) };

/** A process that stands still does not see that its parent is gone. */
const ORPHAN_MS = 60_000;
process.on('disconnect', () => process.exit(1));

const tell = (line: { crash: string; [member: string]: unknown }) => writeSync(1, `${JSON.stringify(line)}\n`);

async function checkpoint(name: string): Promise<void> {
  if (armed?.point !== name) return;
  armed.left -= 1;
  if (armed.left > 0) return;
  const { stop } = armed;
  armed = undefined;
  tell({ crash: 'reached', point: name });
  // Asleep until the parent sends SIGCONT, then it goes on as if nothing had been.
  if (stop === true) return void process.kill(process.pid, 'SIGSTOP');
  // What was handed to the connection leaves; everywhere else the process stands still at this very instruction.
  if (name.startsWith('write.')) await new Promise(() => {});
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ORPHAN_MS);
  process.exit(1);
}

process.on('message', (message: { point: string; time: number; stop?: boolean }) => {
  armed = { point: message.point, left: message.time, ...(message.stop === true && { stop: true }) };
  tell({ crash: 'armed', point: message.point });
});

const raw = JSON.parse(readFileSync(settingsFile, 'utf8')) as Record<string, unknown>;
const read = parseSettings({ ...raw, dataDirectory });
if (!read.ok) throw new Error(`settings: ${read.faults.map((fault) => `${fault.key} ${fault.message}`).join('; ')}`);
const log = createLogger({ environment: read.settings.environment, level: 'info', to: 1 });
const gateway = await startGateway(read.settings, { log, checkpoint });
const { address, adminAddress, ready } = gateway;
tell({ crash: 'ready', address, adminAddress, apiKey: ready.apiKey, operatorKey: ready.operatorKey });
