// PostgreSQL as the store (stack.md section 8): Kysely's own dialect over `pg`. Several gateways may share one database.
import { type Dialect, PostgresDialect } from 'kysely';
import pg from 'pg';

const INT8 = 20;
const CONNECTIONS = 10;

/** A dialect that reads bigint as number (milliseconds and counters stay far below 2^53) and binds flags as numbers. */
export function postgresDialect(url: string): Dialect {
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format),
    },
  });
  return new PostgresDialect({ pool });
}
