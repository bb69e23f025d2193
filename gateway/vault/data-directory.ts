// The data directory and its lock (D9): one writer. The lock is an exclusive transaction on a small SQLite file that the
// operating system releases when the process dies, whatever way it dies.
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { GatewayError } from '../errors.ts';

export type DataDirectory = { path: string; storeFile: string; release(): void };

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
    release: () => {
      if (lock.isOpen) lock.close();
    },
  };
}
