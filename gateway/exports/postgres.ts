// PostgreSQL as the store (stack.md section 8): Kysely's own dialect over `pg`, the only module that opens connections to it.
// Several gateways may share one database (D9). TLS by our profile and the anchors of the settings (SEC-01, SEC-02).
import { readFileSync } from 'node:fs';
import {
  CompiledQuery,
  type Dialect,
  PostgresAdapter,
  PostgresDriver,
  PostgresIntrospector,
  type PostgresPoolClient,
  PostgresQueryCompiler,
  type TransactionSettings,
} from 'kysely';
import pg from 'pg';
import { clientTlsOptions } from '../../wire/tls.ts';
import { GatewayError } from '../errors.ts';
import type { PostgresSettings } from '../tables/settings-manifest.ts';
import { LOCK_STORE } from './locks.ts';

type Connection = Parameters<PostgresDriver['rollbackTransaction']>[0];

const INT8 = 20;
const CONNECTIONS = 10;
const CONNECT_MS = 10_000;
/** A gateway that stands still in a transaction (paused, cut off) must not hold the others up: PostgreSQL ends it. */
const STANDSTILL_MS = 5000;

/** `unbounded`: a query may take its time, as those that raise the schema of a large store do. */
export type Use = { readOnly?: boolean; unbounded?: boolean };

/** A dialect that reads bigint as number (milliseconds and counters stay far below 2^53). `name`: as the others see us. */
export function postgresDialect(settings: PostgresSettings, name: string, use: Use = {}): Dialect {
  const pool = new pg.Pool({ ...connection(settings, name, use), max: CONNECTIONS });
  // Of a connection that nobody uses: the next one is made when it is needed.
  pool.on('error', () => {});
  const guarded = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  const driver = new OneWriter({
    pool: {
      options: pool.options,
      end: () => pool.end(),
      connect: async () => {
        const client = await pool.connect().catch(unreachable);
        return guarded.getOrInsertComputed(client, () => guard(client));
      },
    },
  });
  return {
    createDriver: () => driver,
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  };
}

/**
 * A transaction has the store for itself (locks.ts) unless it says that it only reads. In one gateway they also queue up
 * before they begin: a gateway that stands still keeps the others waiting once, not once per connection.
 */
class OneWriter extends PostgresDriver {
  readonly #ended = new WeakMap<Connection, () => void>();
  #last: Promise<void> = Promise.resolve();

  override async beginTransaction(connection: Connection, settings: TransactionSettings): Promise<void> {
    if (settings.accessMode === 'read only') return super.beginTransaction(connection, settings);
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    this.#ended.set(connection, resolve);
    await before;
    try {
      await super.beginTransaction(connection, settings);
      await connection.executeQuery(CompiledQuery.raw(LOCK_STORE));
    } catch (thrown) {
      // Kysely takes a transaction as begun only once this has ended well.
      await this.rollbackTransaction(connection).catch(() => {});
      throw thrown;
    }
  }

  override async commitTransaction(connection: Connection): Promise<void> {
    try {
      await super.commitTransaction(connection);
    } finally {
      this.#ended.get(connection)?.();
    }
  }

  override async rollbackTransaction(connection: Connection): Promise<void> {
    try {
      await super.rollbackTransaction(connection);
    } finally {
      this.#ended.get(connection)?.();
    }
  }
}

/** A connection of its own that hears a channel; `lost` once when it broke. STORE_UNREACHABLE. */
export async function openListener(
  settings: PostgresSettings,
  o: { name: string; channel: string; heard: (text: string) => void; lost: () => void },
): Promise<{ close(): Promise<void> }> {
  const client = new pg.Client(connection(settings, o.name, { readOnly: true }));
  let open = true;
  const end = () => {
    if (open) o.lost();
    open = false;
  };
  client.on('notification', ({ payload = '' }) => o.heard(payload));
  try {
    await client.connect();
    await client.query(`LISTEN ${o.channel}`);
  } catch (thrown) {
    client.on('error', () => {});
    void client.end().catch(() => {});
    return unreachable(thrown);
  }
  client.on('error', end).on('end', end);
  return {
    close: async () => {
      open = false;
      await client.end();
    },
  };
}

/** A client whose lost connection is STORE_UNREACHABLE and nobody else's fault. */
function guard(client: pg.PoolClient): PostgresPoolClient {
  // What waits on it is told by its own rejection.
  client.on('error', () => {});
  // The query that got no answer in time still runs there, perhaps in a transaction: nothing more goes on this connection.
  let stuck = false;
  const query: PostgresPoolClient['query'] = (...asked: [unknown, unknown?]) => {
    const answer = stuck ? Promise.reject(new Error(NO_ANSWER)) : Reflect.apply(client.query, client, asked);
    return answer.catch((thrown: unknown) => {
      stuck ||= thrown instanceof Error && thrown.message === NO_ANSWER;
      return refuse(thrown);
    });
  };
  return { query, release: (destroy) => client.release(destroy === true || stuck) };
}

/** How `pg` says that a query got no answer in time. */
const NO_ANSWER = 'Query read timeout';

/** Connections that are gone or refused: SQLSTATE 08 and 57P, out of connections, the system's words, or pg's without a code. */
const LOST = /^(08...|57P..|53300|25P03|E[A-Z]+)$/;

function refuse(thrown: unknown): never {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : undefined;
  const words = thrown instanceof Error ? thrown.message : '';
  if (code === undefined ? /connection|timeout|not queryable/i.test(words) : LOST.test(code))
    return unreachable(thrown);
  throw thrown;
}

/** Also what a certificate, a password or the database's limits refuse: the code says which. */
function unreachable(thrown: unknown): never {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'connection lost';
  throw new GatewayError('STORE_UNREACHABLE', `the database is not there (${code})`, { cause: thrown });
}

/** Every member is set, so that none is taken from PG* variables or a password file beside us. */
function connection(settings: PostgresSettings, name: string, { readOnly, unbounded }: Use): pg.ClientConfig {
  const url = new URL(settings.url);
  const { passwordFile, caFile, schema } = settings;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 5432 : Number(url.port),
    user: decodeURIComponent(url.username),
    database: decodeURIComponent(url.pathname.slice(1)),
    // Read at each connect: a new password needs no restart.
    password: () => (passwordFile === undefined ? '' : readFileSync(passwordFile, 'utf8').trim()),
    ssl: caFile === undefined ? false : clientTlsOptions({ ca: readFileSync(caFile, 'utf8') }),
    application_name: name,
    // Durable at every commit whatever the server's default is (EXP-03); each statement sees what was committed before it.
    options: [
      `search_path=${schema}`,
      'synchronous_commit=on',
      'default_transaction_isolation=read\\ committed',
      `default_transaction_read_only=${readOnly === true ? 'on' : 'off'}`,
      `idle_in_transaction_session_timeout=${STANDSTILL_MS}`,
    ]
      .map((setting) => `-c ${setting}`)
      .join(' '),
    connectionTimeoutMillis: CONNECT_MS,
    ...(unbounded !== true && { query_timeout: settings.querySeconds * 1000 }),
    keepAlive: true,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format),
    },
  };
}
