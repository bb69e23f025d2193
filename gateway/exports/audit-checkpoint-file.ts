// The checkpoints beside the store (SEC-09): `audit-checkpoints.jsonl` in the data directory, one line per checkpoint behind a
// first line that names the file. A store that was cut or set back contradicts it; a copy kept elsewhere proves even more.
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** At `at` the entry `seq` was in the trail with this hash; signed by the gateway that owns the file `writer`. */
export type AuditCheckpoint = { seq: number; writer: string; at: number; hash: string; signature: string };

export type CheckpointFile = {
  /** null: the first line is not what it was. */
  writer: string | null;
  publicKey: string | null;
  checkpoints: AuditCheckpoint[];
  /** Numbers of the lines that cannot be read, from 1. */
  unreadable: number[];
};

export const checkpointFileIn = (directory: string) => join(directory, 'audit-checkpoints.jsonl');

/** What the signature covers. */
export const checkpointBytes = (c: Omit<AuditCheckpoint, 'signature'>) =>
  Buffer.from(`epa-gateway audit checkpoint v1\0${c.writer}\0${c.seq}\0${c.at}\0${c.hash}`, 'utf8');

/** undefined where there is no file. A last line without its end was being written when the power failed: it is not looked at. */
export function readCheckpointFile(path: string): CheckpointFile | undefined {
  if (!existsSync(path)) return undefined;
  const [head = '', ...lines] = readFileSync(path, 'utf8').split('\n').slice(0, -1).map(readLine);
  const named = isHead(head) ? head : undefined;
  const checkpoints: AuditCheckpoint[] = [];
  const unreadable = named === undefined ? [1] : [];
  for (const [index, line] of lines.entries())
    if (isCheckpoint(line)) checkpoints.push(line);
    else unreadable.push(index + 2);
  return { writer: named?.writer ?? null, publicKey: named?.publicKey ?? null, checkpoints, unreadable };
}

/** A file under a name of its own, durable and its owner's only; answers the name. */
export function makeCheckpointFile(path: string, publicKey: string): string {
  const writer = randomUUID();
  durably(path, 'wx', (fd) => writeSync(fd, `${JSON.stringify({ writer, publicKey })}\n`));
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
  return writer;
}

/** Durable when it answers. */
export function appendCheckpoint(path: string, { seq, writer, at, hash, signature }: AuditCheckpoint): void {
  durably(path, 'a', (fd) => writeSync(fd, `${JSON.stringify({ seq, writer, at, hash, signature })}\n`));
}

/** Takes away a last line that was never finished, so that the next one begins at its place. */
export function dropUnfinishedLine(path: string): void {
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end < bytes.length) durably(path, 'r+', (fd) => ftruncateSync(fd, end));
}

function durably(path: string, flags: string, write: (fd: number) => void): void {
  const fd = openSync(path, flags, 0o600);
  try {
    write(fd);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function readLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const hasTexts = <K extends string>(value: unknown, ...names: K[]): value is Record<K, string> =>
  typeof value === 'object' && value !== null && names.every((name) => typeof Reflect.get(value, name) === 'string');

const isHead = (value: unknown): value is { writer: string; publicKey: string } =>
  hasTexts(value, 'writer', 'publicKey');

function isCheckpoint(value: unknown): value is AuditCheckpoint {
  return (
    hasTexts(value, 'writer', 'hash', 'signature') &&
    ['seq', 'at'].every((name) => Number.isSafeInteger(Reflect.get(value, name)))
  );
}
