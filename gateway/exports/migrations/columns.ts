// What the same column is called in SQLite and in PostgreSQL. A migration names its columns by these, so that there is one
// set of migrations for both (SQLite's integers have 64 bits, PostgreSQL's `integer` has 32: too few for milliseconds).
import type { ColumnDefinitionBuilder } from 'kysely';

export type Columns = {
  integer: 'integer' | 'bigint';
  bytes: 'blob' | 'bytea';
  /** A primary key that numbers rows by itself; a number is never given again, not even after the newest rows were erased. */
  numbered: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
  /** The statements that make the database refuse to change or delete rows of a table. */
  appendOnly: (table: string) => string[];
  /** A statement of this dialect, in the migration's transaction. */
  run: (statement: string) => Promise<void>;
};

export type Dialect = Omit<Columns, 'run'>;

export const SQLITE_COLUMNS: Dialect = {
  integer: 'integer',
  bytes: 'blob',
  numbered: (column) => column.primaryKey().autoIncrement(),
  appendOnly: (table) =>
    ['UPDATE', 'DELETE'].map(
      (change) =>
        `CREATE TRIGGER ${table}_no_${change.toLowerCase()} BEFORE ${change} ON ${table} ` +
        `BEGIN SELECT RAISE(ABORT, '${table} is append-only'); END`,
    ),
};

export const POSTGRES_COLUMNS: Dialect = {
  integer: 'bigint',
  bytes: 'bytea',
  numbered: (column) => column.primaryKey().generatedByDefaultAsIdentity(),
  appendOnly: (table) => [
    `CREATE FUNCTION ${table}_refuse() RETURNS trigger LANGUAGE plpgsql AS ` +
      `$$ BEGIN RAISE EXCEPTION '${table} is append-only'; END $$`,
    `CREATE TRIGGER ${table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table} ` +
      `FOR EACH STATEMENT EXECUTE FUNCTION ${table}_refuse()`,
  ],
};
