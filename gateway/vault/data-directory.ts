// The data directory and its lock (D9): one writer. The lock is an exclusive transaction on a small SQLite file that the
// operating system releases when the process dies, whatever way it dies.
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { GatewayError } from '../errors.ts';

/** `id`: of this directory for ever, so of one gateway and, while the lock is held, of one process. */
export type DataDirectory = { path: string; storeFile: string; id: string; release(): void };

/** Makes the directory (mode 0700) and takes its lock. DATA_DIRECTORY_IN_USE when another process holds it. */
export function openDataDirectory(path: string): DataDirectory {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  const lock = new DatabaseSync(join(path, 'lock.db'));
  try {
    lock.exec('PRAGMA busy_timeout=0');
    lock.exec('PRAGMA journal_mode=DELETE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    throw new GatewayError('DATA_DIRECTORY_IN_USE', 'another process holds the data directory', { cause });
  }
  return {
    path,
    storeFile: join(path, 'gateway.db'),
    id: idOf(path),
    release: () => {
      if (lock.isOpen) lock.close();
    },
  };
}

/** Made at the first start. */
function idOf(path: string): string {
  const file = join(path, 'gateway.id');
  if (!existsSync(file)) {
    writeFileSync(`${file}.new`, randomUUID(), { mode: 0o600, flush: true });
    renameSync(`${file}.new`, file);
  }
  return readFileSync(file, 'utf8');
}
