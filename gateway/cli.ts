// The program `epa-gateway` (api.md section 1). `serve [--json]`: 0 stopped as asked, 1 could not start, 2 wrong settings or
// usage. `audit verify [--json]`: 0 the audit trail is whole, 1 it is not, 2 that could not be found out. The others:
// 0 well, 1 not well or refused, 2 it could not be found out; a refusal goes to stderr, every report to stdout.
import '../wire/tls.ts';
import { readCommandLine } from './command-line.ts';

async function main(): Promise<void> {
  const line = readCommandLine(process.argv.slice(2));
  if (line.kind === 'help') return void process.stdout.write(line.text);
  if (line.kind === 'wrong') {
    process.stderr.write(`epa-gateway: ${line.fault}\n\n${line.usage}`);
    process.exit(2);
  }
  // Loaded when it is needed: a slip of the pen is told at once.
  const { runCommand } = await import('./run-command.ts');
  await runCommand(line);
}

await main();
