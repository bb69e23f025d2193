// Runs the suite against one broken tree, the narrowest tests first, and says which test noticed.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutant } from './find.ts';
import type { Listed } from './table.ts';
import type { Workspace } from './workspace.ts';

/** How far to ask: tests of the same file, those that import it, those beside it, those of the whole way, all; each after those before it. */
export const REACHES = ['own', 'importing', 'near', 'way', 'all'] as const;
export type Reach = (typeof REACHES)[number];

export type Verdict = { by: string | undefined; ms: number };

/** These judge the source's text: of a line that is gone they would say so whatever it did. */
const OF_THE_TEXT =
  /^test\/(architecture|docs|requirements|purpose|containers|launch)\.test\.ts$|^test\/(mutate-trust|mutants|docs)\//;
const END_TO_END = /^test\/(trust-.*|attacks.*|vau-peers|journey|brainpool|gateway-tls|openssl-live)\.test\.ts$/;
const NEAR = /^test\/unit\/(certs|wire|gateway\/(record-system|konnektor|egress.*))\b/;
/** Far above what the slowest stage takes: a mutant that never ends has been noticed, by us. */
const LIMIT_MS = 20 * 60_000;

type Report = {
  success: boolean;
  testResults: { name: string; assertionResults: { status: string; fullName: string }[] }[];
};

export class Judge {
  readonly #workspace: Workspace;
  readonly #files: readonly string[];
  readonly #texts = new Map<string, string>();
  /** Sets of files that have been green on the tree as it is, so that a failure is the mutant's. */
  readonly #sound: Map<string, Promise<void>>;

  /** `sound` is shared by the judges of one run: each stage is tried on the unbroken tree once. */
  constructor(workspace: Workspace, sound: Map<string, Promise<void>>) {
    this.#workspace = workspace;
    this.#sound = sound;
    this.#files = testFiles(workspace.folder).filter((file) => !OF_THE_TEXT.test(file));
  }

  /** @throws Error where a stage fails on the unbroken tree, or the mutant cannot even be loaded */
  async judge(check: Listed, reach: Reach): Promise<Verdict> {
    let ms = 0;
    const asked = new Set<string>();
    for (const stage of this.#stages(check).slice(0, REACHES.indexOf(reach) + 1)) {
      const files = stage.filter((file) => !asked.has(file));
      for (const file of files) asked.add(file);
      if (files.length === 0) continue;
      await this.#requireSound(files);
      const startedAt = performance.now();
      const by = await noticedBy(this.#workspace, check, files);
      ms += Math.round(performance.now() - startedAt);
      if (by !== undefined) return { by, ms };
    }
    return { by: undefined, ms };
  }

  #stages(check: Listed): string[][] {
    const matching = (pattern: RegExp) => this.#files.filter((file) => pattern.test(file));
    const importing = this.#files.filter((file) => this.#text(file).includes(`/${check.file}'`));
    return [check.tests, importing, matching(NEAR), matching(END_TO_END), [...this.#files]];
  }

  #text(file: string): string {
    const text = this.#texts.get(file) ?? readFileSync(join(this.#workspace.folder, file), 'utf8');
    this.#texts.set(file, text);
    return text;
  }

  async #requireSound(files: readonly string[]): Promise<void> {
    const key = files.join('\n');
    const sound = this.#sound.get(key) ?? this.#tryUnbroken(files);
    this.#sound.set(key, sound);
    // A test that failed for want of time is asked again for the next check.
    sound.catch(() => this.#sound.delete(key));
    await sound;
  }

  async #tryUnbroken(files: readonly string[]): Promise<void> {
    const failed = await firstFailure(this.#workspace.folder, files);
    if (failed !== undefined) throw new Error(`fails without any mutant: ${failed}`);
  }
}

/** @throws Error where the broken file cannot be loaded: whatever fails then proves nothing */
export function noticedBy(
  at: Workspace,
  { file, text }: Mutant,
  files: readonly string[],
): Promise<string | undefined> {
  return at.with(file, text, async () => {
    const by = await firstFailure(at.folder, files);
    if (by === undefined) return undefined;
    const loads = await run(at.folder, ['--input-type=module', '-e', `await import('./${file}')`]);
    if (loads !== 0) throw new Error(`${file} does not load without the check`);
    return by;
  });
}

/** The first failing test's file and full name, or what else went wrong: a process may end over a mutant. */
async function firstFailure(folder: string, files: readonly string[]): Promise<string | undefined> {
  const output = join(folder, 'report.json');
  rmSync(output, { force: true });
  const vitest = join(folder, 'node_modules/vitest/vitest.mjs');
  const quiet = [
    '--project',
    'suite',
    '--project',
    'pure',
    '--bail',
    '1',
    '--maxWorkers',
    '1',
    '--reporter=json',
    `--outputFile=${output}`,
  ];
  const code = await run(folder, [vitest, 'run', ...quiet, ...files]);
  if (code === 0) return undefined;
  const report = readReport(output);
  for (const { name, assertionResults } of report?.testResults ?? []) {
    const failed = assertionResults.find((one) => one.status === 'failed');
    if (failed !== undefined) return `${name.slice(folder.length + 1)}: ${failed.fullName}`;
  }
  const at = report?.testResults.find((one) => one.assertionResults.length === 0)?.name.slice(folder.length + 1);
  const how = code === undefined ? 'the run had no end' : `the run itself failed (${code})`;
  return `${at ?? files[0]}: ${how}`;
}

function readReport(path: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}

/** Exit code; undefined when it had to be stopped. */
function run(cwd: string, args: readonly string[]): Promise<number | undefined> {
  // What an outer vitest tells its workers is not for this one.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_OPTIONS|TEST$)/.test(name)),
  );
  const child = spawn(process.execPath, args, { cwd, env, stdio: 'ignore', detached: true });
  const kill = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
  };
  // Before the copy of the tree is removed.
  process.prependOnceListener('exit', kill);
  return new Promise((done) => {
    const limit = setTimeout(kill, LIMIT_MS);
    child.on('exit', (code, signal) => {
      clearTimeout(limit);
      process.off('exit', kill);
      done(signal === 'SIGKILL' ? undefined : (code ?? 1));
    });
  });
}

function testFiles(folder: string): string[] {
  return readdirSync(join(folder, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `test/${name}`)
    .toSorted();
}
