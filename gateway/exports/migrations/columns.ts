// What the same column is called in SQLite and in PostgreSQL. A migration names its columns by these, so that there is one
// set of migrations for both (SQLite's integers have 64 bits, PostgreSQL's `integer` has 32: too few for milliseconds).
import type { ColumnDefinitionBuilder } from 'kysely';

export type Columns = {
  integer: 'integer' | 'bigint';
  bytes: 'blob' | 'bytea';
  /** A primary key that numbers rows by itself; a number is never given again, not even after the newest rows were erased. */
  numbered: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
};

export const SQLITE_COLUMNS: Columns = {
  integer: 'integer',
  bytes: 'blob',
  numbered: (column) => column.primaryKey().autoIncrement(),
};

export const POSTGRES_COLUMNS: Columns = {
  integer: 'bigint',
  bytes: 'bytea',
  numbered: (column) => column.primaryKey().generatedByDefaultAsIdentity(),
};
