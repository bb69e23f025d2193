// Opens the store behind Kysely (stack.md section 8): node:sqlite, durable at every commit (WAL, flushed by commit-flush.ts), with
// deleted content overwritten (RET-04), or PostgreSQL. Raises the schema step by step and refuses a newer one (OPS-08).
import { chmodSync, closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Kysely, type SchemaModule, sql, type Transaction } from 'kysely';
import { GatewayError } from '../errors.ts';
import type { PostgresSettings } from '../tables/settings-manifest.ts';
import type { Checkpoint } from './checkpoints.ts';
import { CommitFlush, type Flush } from './commit-flush.ts';
import { isPostgres } from './locks.ts';
import { createExports } from './migrations/001-exports.ts';
import { createEvents } from './migrations/002-events.ts';
import { createAudit } from './migrations/003-audit.ts';
import { addPersons } from './migrations/004-persons.ts';
import { createWebhooks } from './migrations/005-webhooks.ts';
import { createKeyGenerations } from './migrations/006-key-generations.ts';
import { createStagedChunks } from './migrations/007-staged-chunks.ts';
import { addLeases } from './migrations/008-leases.ts';
import { createRowSeals } from './migrations/009-row-seals.ts';
import { indexEventsByPerson } from './migrations/010-events-by-person.ts';
import { createPartMemories } from './migrations/011-part-memories.ts';
import { createStagings } from './migrations/012-stagings.ts';
import { createAlarms } from './migrations/013-alarms.ts';
import { createCards } from './migrations/014-cards.ts';
import { createOcspAnswers } from './migrations/015-ocsp-answers.ts';
import { createAlarmSights } from './migrations/016-alarm-sights.ts';
import { type Columns, type Dialect, POSTGRES_COLUMNS, SQLITE_COLUMNS } from './migrations/columns.ts';
import { postgresDialect } from './postgres.ts';
import type { StoreTables } from './schema.ts';
import { NodeSqliteDialect } from './sqlite-dialect.ts';

export type Database = Kysely<StoreTables>;
export type Queries = Kysely<StoreTables> | Transaction<StoreTables>;

/** In order; the index + 1 is the schema version that each leaves behind. Never changed, only added to. */
const MIGRATIONS: readonly ((schema: SchemaModule, columns: Columns) => Promise<void>)[] = [
  createExports,
  createEvents,
  createAudit,
  addPersons,
  createWebhooks,
  createKeyGenerations,
  createStagedChunks,
  addLeases,
  createRowSeals,
  indexEventsByPerson,
  createPartMemories,
  createStagings,
  createAlarms,
  createCards,
  createOcspAnswers,
  createAlarmSights,
];

/** The schema of this gateway. */
export const SCHEMA = MIGRATIONS.length;

/** The store in PostgreSQL, at the newest schema. STORE_BROKEN as below, STORE_UNREACHABLE. `name`: as the others see us. */
export async function openPostgres(
  settings: PostgresSettings,
  name: string,
  o: { version?: number; checkpoint?: Checkpoint | undefined } = {},
): Promise<Database> {
  // Large tables, and another gateway that raises them just now, take longer than any query afterwards.
  const raising = new Kysely<StoreTables>({ dialect: postgresDialect(settings, name, { unbounded: true }) });
  try {
    await migratePostgres(raising, settings.schema, { version: SCHEMA, checkpoint: undefined, ...o });
  } finally {
    await raising.destroy();
  }
  return new Kysely<StoreTables>({ dialect: postgresDialect(settings, name) });
}

/** The store in PostgreSQL as it is, to read only; gateways may be at work on it. STORE_BROKEN when it has another schema. */
export async function openPostgresToRead(settings: PostgresSettings): Promise<Database> {
  const db = new Kysely<StoreTables>({ dialect: postgresDialect(settings, 'epa-gateway reader', { readOnly: true }) });
  try {
    const found = await sql<{ version: number }>`SELECT version FROM schema_version`.execute(db);
    refuseOther(Number(found.rows[0]?.version));
    return db;
  } catch (cause) {
    await db.destroy();
    throw cause instanceof GatewayError
      ? cause
      : new GatewayError('STORE_BROKEN', 'the store cannot be read', { cause });
  }
}

function refuseOther(version: number): void {
  if (version === MIGRATIONS.length) return;
  throw new GatewayError('STORE_BROKEN', `the store has schema ${version}, this gateway knows ${MIGRATIONS.length}`);
}

/** The store in `file`, at the newest schema unless told. STORE_BROKEN when a newer gateway wrote it or the file is damaged. */
export async function openDatabase(
  file: string,
  schema = SCHEMA,
  checkpoint?: Checkpoint,
  flush?: Flush,
): Promise<Database> {
  // Owner only, whatever the umask and wherever the file is copied to; SQLite gives its -wal and -shm the same mode (SEC-06).
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const sqlite = new DatabaseSync(file, { enableForeignKeyConstraints: true });
  try {
    sqlite.exec(
      'PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=5000; PRAGMA secure_delete=ON',
    );
  } catch (cause) {
    sqlite.close();
    throw new GatewayError('STORE_BROKEN', 'the store cannot be opened', { cause });
  }
  const db = new Kysely<StoreTables>({ dialect: new NodeSqliteDialect(sqlite, new CommitFlush(file, flush)) });
  try {
    await migrate(db, schema, checkpoint);
  } catch (cause) {
    await db.destroy();
    throw cause;
  }
  return db;
}

/** The store in `file` as it is, to read only; a gateway may be at work on it. STORE_BROKEN when it has another schema. */
export async function openDatabaseToRead(file: string): Promise<Database> {
  let sqlite: DatabaseSync;
  try {
    sqlite = new DatabaseSync(file, { readOnly: true });
    sqlite.exec('PRAGMA busy_timeout=5000');
  } catch (cause) {
    throw new GatewayError('STORE_BROKEN', 'the store cannot be opened', { cause });
  }
  const db = new Kysely<StoreTables>({ dialect: new NodeSqliteDialect(sqlite) });
  try {
    refuseOther(Number(sqlite.prepare('PRAGMA user_version').get()?.user_version));
    return db;
  } catch (cause) {
    await db.destroy();
    throw cause instanceof GatewayError
      ? cause
      : new GatewayError('STORE_BROKEN', 'the store cannot be read', { cause });
  }
}

/**
 * Erased keys and content also leave the write-ahead log, where they would stand until it is overwritten (RET-01, RET-04).
 * PostgreSQL's own vacuum and log recycling do that in their time; what they still hold is sealed under an erased key (D7).
 */
export async function dropErasedPages(db: Database): Promise<void> {
  if (isPostgres(db)) return;
  await sql`PRAGMA wal_checkpoint(TRUNCATE)`.execute(db);
}

/** One at a time, whoever starts together; any number, only the same in every gateway. */
const MIGRATION_LOCK = 0x65_70_61;

async function migratePostgres(
  db: Database,
  schema: string,
  to: { version: number; checkpoint: Checkpoint | undefined },
): Promise<void> {
  const raised = await db.transaction().execute(async (tx) => {
    await sql`SELECT pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(tx);
    const there = await sql`SELECT FROM pg_namespace WHERE nspname = ${schema}`.execute(tx);
    // Whoever set the database up may have made it and kept the right to do so.
    if (there.rows.length === 0) await sql`CREATE SCHEMA ${sql.id(schema)}`.execute(tx);
    await sql`CREATE TABLE IF NOT EXISTS schema_version (version integer NOT NULL)`.execute(tx);
    const found = await sql<{ version: number }>`SELECT version FROM schema_version`.execute(tx);
    const version = found.rows[0]?.version ?? 0;
    if (version > MIGRATIONS.length)
      throw new GatewayError(
        'STORE_BROKEN',
        `the store has schema ${version}, this gateway knows ${MIGRATIONS.length}`,
      );
    if (version >= to.version) return false;
    await to.checkpoint?.('migrate.before');
    for (const step of MIGRATIONS.slice(version, to.version)) await step(tx.schema, columnsIn(tx, POSTGRES_COLUMNS));
    await sql`DELETE FROM schema_version`.execute(tx);
    await sql`INSERT INTO schema_version VALUES (${sql.lit(to.version)})`.execute(tx);
    await to.checkpoint?.('migrate.committing');
    return true;
  });
  if (raised) await to.checkpoint?.('migrate.committed');
}

async function migrate(db: Database, schema: number, checkpoint?: Checkpoint): Promise<void> {
  const found = await sql<{ user_version: number }>`PRAGMA user_version`.execute(db);
  const version = found.rows[0]?.user_version ?? 0;
  if (version > MIGRATIONS.length)
    throw new GatewayError('STORE_BROKEN', `the store has schema ${version}, this gateway knows ${MIGRATIONS.length}`);
  for (let step = version; step < schema; step++) {
    await checkpoint?.('migrate.before');
    await db.transaction().execute(async (tx) => {
      await MIGRATIONS[step]?.(tx.schema, columnsIn(tx, SQLITE_COLUMNS));
      await sql`PRAGMA user_version = ${sql.raw(String(step + 1))}`.execute(tx);
      await checkpoint?.('migrate.committing');
    });
    await checkpoint?.('migrate.committed');
  }
}

const columnsIn = (tx: Queries, dialect: Dialect): Columns => ({
  ...dialect,
  run: async (statement) => void (await sql.raw(statement).execute(tx)),
});
