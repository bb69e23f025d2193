// One flush of SQLite's write-ahead log for all commits of a moment, beside the main thread (EXP-03). SQLite leaves it to us
// (synchronous=NORMAL): it would wait for the disk in every commit, and the whole process with it. Who has committed, or has read
// what another committed, is answered only when that is on disk.
import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { GatewayError } from '../errors.ts';

/** Resolves when everything written to the file is on disk. */
export type Flush = (fd: number) => Promise<void>;

export class CommitFlush {
  readonly #log: string;
  readonly #flush: Flush;
  #fd: number | undefined;
  #committed = 0;
  #onDisk = 0;
  #flushing: Promise<void> | undefined;
  #failed: GatewayError | undefined;

  /** `file`: the database, in WAL mode. */
  constructor(file: string, flush: Flush = promisify(fdatasync)) {
    this.#log = `${file}-wal`;
    this.#flush = flush;
  }

  /** Something was committed. */
  committed(): void {
    this.#committed += 1;
  }

  /**
   * Resolves when all that is committed by now is on disk. STORE_BROKEN once a flush has failed, and for ever after: what is on disk
   * is not known then, and only a start reads it again.
   */
  async onDisk(): Promise<void> {
    const mine = this.#committed;
    while (this.#onDisk < mine) {
      this.requireSound();
      this.#flushing ??= this.#flushAll().finally(() => {
        this.#flushing = undefined;
      });
      await this.#flushing;
    }
  }

  requireSound(): void {
    if (this.#failed !== undefined) throw this.#failed;
  }

  /** After a flush that is on its way: its file must be this one until then. */
  async close(): Promise<void> {
    await this.#flushing?.catch(() => {});
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  async #flushAll(): Promise<void> {
    // Whoever is about to commit in this turn comes along.
    await new Promise(setImmediate);
    const upTo = this.#committed;
    try {
      this.#fd ??= this.#open();
      await this.#flush(this.#fd);
    } catch (cause) {
      this.#failed = new GatewayError('STORE_BROKEN', 'the store could not be written to disk', { cause });
      throw this.#failed;
    }
    this.#onDisk = upTo;
  }

  /** Its name in the directory has to last, too. */
  #open(): number {
    const fd = openSync(this.#log, 'r+');
    const folder = openSync(dirname(this.#log), 'r');
    fsyncSync(folder);
    closeSync(folder);
    return fd;
  }
}
