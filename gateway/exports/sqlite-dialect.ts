// Kysely on node:sqlite (stack.md section 8): one connection, taken in turn; whoever gives it back is answered when all that was
// committed by then is on disk (commit-flush.ts), and the next one works meanwhile.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { type DatabaseConnection, SqliteAdapter, SqliteDialect, SqliteDriver, type SqliteStatement } from 'kysely';
import { GatewayError } from '../errors.ts';
import type { CommitFlush } from './commit-flush.ts';

export class NodeSqliteDialect extends SqliteDialect {
  readonly #sqlite: DatabaseSync;
  readonly #flush: CommitFlush | undefined;

  /** `flush`: of a database that is written to. */
  constructor(sqlite: DatabaseSync, flush?: CommitFlush) {
    super({ database: { close: () => {}, prepare: () => refuse() } });
    this.#sqlite = sqlite;
    this.#flush = flush;
  }

  override createAdapter() {
    return new TakenInTurn();
  }

  override createDriver() {
    return new Driver(this.#sqlite, this.#flush);
  }
}

function refuse(): never {
  throw new GatewayError('INTERNAL', 'this dialect brings its own driver');
}

/** Kysely's own turns would last until the flush: the driver has its own. */
class TakenInTurn extends SqliteAdapter {
  override get supportsMultipleConnections() {
    return true;
  }
}

class Driver extends SqliteDriver {
  readonly #flush: CommitFlush | undefined;
  readonly #waiting: (() => void)[] = [];
  #taken = false;

  constructor(sqlite: DatabaseSync, flush: CommitFlush | undefined) {
    super({ database: adapter(sqlite, flush) });
    this.#flush = flush;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    this.#flush?.requireSound();
    if (this.#taken) await new Promise<void>((turn) => this.#waiting.push(turn));
    this.#taken = true;
    return super.acquireConnection();
  }

  override async releaseConnection(): Promise<void> {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken = false;
    else next();
    await this.#flush?.onDisk();
  }

  override async destroy(): Promise<void> {
    await this.#flush?.close();
    await super.destroy();
  }
}

/** A statement that changes nothing, or one that only begins or ends a transaction. */
const READS = /^\s*(select|begin|commit|rollback|savepoint|release|pragma wal_checkpoint)\b/i;

/** What Kysely's driver asks of a database, answered by node:sqlite. */
function adapter(sqlite: DatabaseSync, flush: CommitFlush | undefined) {
  const prepared = new Map<string, SqliteStatement>();
  // Of the transaction that is open, or of the one statement that is one.
  let changed = false;
  const note = (writes: boolean) => {
    changed ||= writes;
    if (!changed || sqlite.isTransaction) return;
    // Also after a rollback, which costs one flush for nothing.
    changed = false;
    flush?.committed();
  };
  return {
    close: () => sqlite.close(),
    prepare(text: string): SqliteStatement {
      const known = prepared.get(text);
      if (known !== undefined) return known;
      const statement = sqlite.prepare(text);
      const writes = !READS.test(text);
      const after = <T>(result: T): T => {
        note(writes);
        return result;
      };
      const made: SqliteStatement = {
        reader: statement.columns().length > 0,
        all: (parameters) => after(statement.all(...parameters.map(bindable))),
        run: (parameters) => after(statement.run(...parameters.map(bindable))),
        iterate: (parameters) => after(statement.iterate(...parameters.map(bindable))),
      };
      // The queries are few and fixed; lists of ids vary in length, so the memory is bounded.
      if (prepared.size < 500) prepared.set(text, made);
      return made;
    },
  };
}

function bindable(value: unknown): SQLInputValue {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint') return value;
  if (value instanceof Uint8Array) return value;
  throw new GatewayError('INTERNAL', 'a value of this type cannot be stored');
}
