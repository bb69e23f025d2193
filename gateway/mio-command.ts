// `epa-gateway mio build|validate FILE…`: documents built and judged offline, one file after the other with progress, every
// finding with its place and no value (EXP-12). `build` writes what an export would, with ids in a namespace of its own.
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import type { DigaApp } from '../mio/build/app.ts';
import type { Finding } from '../mio/error.ts';
import { toolkitVersions } from '../mio/tables.ts';
import type { Built } from './documents/build.ts';
import { createJobs, type Jobs } from './documents/jobs.ts';
import { openToolkits } from './documents/toolkits.ts';

export type MioCommand = {
  verb: 'build' | 'validate';
  files: readonly string[];
  json: boolean;
  /** The app, or a file with the app block of a DiGA's settings, YAML or JSON. */
  app?: DigaApp | string | undefined;
  /** UUID in which ids are made: the same one gives the same ids. */
  namespace?: string | undefined;
  /** Directory of the documents; beside their files where it is left out. */
  out?: string | undefined;
  version?: string | undefined;
  /** Setting mioTables; those of the product where it is left out. */
  tables?: string | undefined;
  documentBytes: number;
};

export type Terminal = { out: (text: string) => void; progress: (text: string) => void; live: boolean };

type Outcome = { file: string; ok: boolean; findings: Finding[]; documents?: { path: string; bytes: number }[] };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** 0: nothing is wrong; 1: something is; 2: it could not be found out. */
export function mioCommand(command: MioCommand, terminal: Terminal): 0 | 1 | 2 {
  const versions = toolkitVersions(command.tables);
  const version = command.version ?? versions.at(-1) ?? '';
  const app = command.verb === 'build' ? readApp(command.app) : undefined;
  const wrong = [
    ...(command.files.length === 0 ? ['no FILE is named'] : []),
    ...(versions.includes(version) ? [] : [`--mio-version must be one of ${versions.join(', ')}`]),
    ...(typeof app === 'string' ? [app] : []),
    ...(command.namespace === undefined || UUID.test(command.namespace) ? [] : ['--namespace must be a UUID']),
  ];
  if (wrong.length > 0) {
    terminal.progress(wrong.map((one) => `${one}\n`).join(''));
    return 2;
  }
  const namespace = command.namespace ?? randomUUID();
  if (command.verb === 'build' && command.namespace === undefined)
    terminal.progress('no --namespace: ids are others in every run\n');
  const jobs = createJobs(openToolkits(command.tables));
  const outcomes: Outcome[] = [];
  for (const [n, file] of command.files.entries()) {
    if (terminal.live) terminal.progress(`\r\u001b[2K${n + 1}/${command.files.length} ${file}`);
    const one = { ...command, version, namespace, jobs, app: typeof app === 'string' ? undefined : app };
    const outcome = outcomeOf(file, one);
    outcomes.push(outcome);
    if (terminal.live) terminal.progress('\r\u001b[2K');
    if (!command.json) terminal.out(textOf(outcome));
  }
  const ok = outcomes.every((one) => one.ok);
  if (command.json) terminal.out(`${JSON.stringify({ ok, version, files: outcomes })}\n`);
  else if (outcomes.length > 1)
    terminal.out(`${outcomes.filter((one) => one.ok).length} of ${outcomes.length} files without an error\n`);
  return ok ? 0 : 1;
}

type Work = Pick<MioCommand, 'verb' | 'out' | 'documentBytes'> & {
  version: string;
  namespace: string;
  jobs: Jobs;
  app: DigaApp | undefined;
};

function outcomeOf(file: string, work: Work): Outcome {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch {
    return { file, ok: false, findings: [fault('FILE_UNREADABLE', 'cannot be read')] };
  }
  const made = work.verb === 'build' ? build(bytes, work) : { findings: judge(file, bytes, work), parts: [] };
  const ok = made.findings.every(({ severity }) => severity !== 'error');
  if (work.verb === 'validate') return { file, ok, findings: made.findings };
  const folder = work.out ?? dirname(file);
  const documents = made.parts.map((part) => {
    const name = `${basename(file, extname(file))}${part.part === '' ? '' : `.${part.part}`}.xml`;
    writeFileSync(join(folder, name), part.bytes);
    return { path: join(folder, name), bytes: part.bytes.length };
  });
  return { file, ok, findings: made.findings, documents };
}

function judge(file: string, bytes: Uint8Array, { jobs, version, documentBytes }: Work): Finding[] {
  const order = { versions: [version], maxBytes: documentBytes, single: true, bytes };
  return (extname(file).toLowerCase() === '.json' ? jobs.judgeJson(order) : jobs.judge(order)).findings;
}

/** A content, or an export that has one; pointers are those of the file. */
function build(bytes: Uint8Array, { jobs, version, namespace, app, documentBytes }: Work): Built {
  const alone = isContent(bytes);
  const body = alone ? Buffer.concat([Buffer.from('{"content":'), bytes, Buffer.from('}')]) : bytes;
  const opened = jobs.open({ bytes: body, diga: null, versions: {}, defaultVersion: version });
  if ('unreadable' in opened) return { findings: [opened.unreadable], parts: [] };
  const { content } = opened;
  if (content === undefined)
    return { findings: [fault('CONTENT_MISSING', 'holds no content of mode simple or fhir')], parts: [] };
  const moved = (findings: readonly Finding[]) =>
    findings.map((one) => ({ ...one, pointer: `${alone ? '' : '/content'}${one.pointer ?? ''}` }));
  if (content.findings.length > 0) return { findings: moved(content.findings), parts: [] };
  const kvnr = kvnrOf(opened.value);
  const built = jobs.build({
    bytes: body,
    version,
    app,
    kvnr,
    ids: { namespace, diga: '', patientKey: kvnr ?? '' },
    digestKey: Buffer.from(namespace),
    now: Date.now(),
    documentBytes,
    before: [],
  });
  return { ...built, findings: moved(built.findings) };
}

/** What cannot be read is told by who reads it strictly. */
function isContent(bytes: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return typeof value === 'object' && value !== null && 'mode' in value;
  } catch {
    return false;
  }
}

const kvnrOf = (body: unknown) =>
  typeof body === 'object' && body !== null && 'kvnr' in body && typeof body.kvnr === 'string' ? body.kvnr : undefined;

const fault = (code: string, message: string): Finding => ({ severity: 'error', code, path: '', message });

const text = z.string().min(1);
const appFile = z.strictObject({
  veId: text,
  pzn: z.string().regex(/^[0-9]{8}$/),
  name: text,
  versions: z.array(z.strictObject({ name: text, value: text })).optional(),
  manufacturer: z.strictObject({
    name: text,
    url: z.url(),
    address: z.record(z.string(), text).optional(),
  }),
});

/** The app, or why there is none. */
function readApp(path: MioCommand['app']): DigaApp | undefined | string {
  if (typeof path !== 'string') return path;
  try {
    const read = appFile.safeParse(
      parseDocument(readFileSync(path, 'utf8'), { uniqueKeys: true }).toJS({ maxAliasCount: 0 }),
    );
    if (read.success) return read.data;
    return `--app: ${read.error.issues.map((issue) => issue.path.join('.') || '(file)').join(', ')}: missing or not as expected`;
  } catch {
    return '--app cannot be read';
  }
}

function textOf({ file, ok, findings, documents = [] }: Outcome): string {
  const lines = findings.map(
    ({ severity, code, path, pointer, line, message }) =>
      `  ${severity} ${code} ${path || pointer || ''}${line === undefined ? '' : ` (line ${line})`}: ${message}\n`,
  );
  const made = documents.map(({ path, bytes }) => `  wrote ${path} (${bytes} bytes)\n`);
  return `${ok ? 'ok  ' : 'FAIL'} ${file}\n${lines.join('')}${made.join('')}`;
}
