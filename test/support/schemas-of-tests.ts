// Schemas in a PostgreSQL that tests share, each for one store; also for programs without vitest.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { PostgresSettings } from '../../gateway/config.ts';

/** One that nobody else has. */
export function schemaOn(url: string): PostgresSettings {
  return { url, schema: `t_${randomBytes(8).toString('hex')}`, querySeconds: 30 };
}

export async function dropStore({ url, schema }: PostgresSettings): Promise<void> {
  await withPostgres(url, (client) => client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`));
}

export async function withPostgres<Result>(url: string, use: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url, ssl: false });
  // What a test does to its server is not this connection's fault.
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
