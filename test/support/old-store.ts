// A store as an older gateway left it: the tables and columns of its schema, with what they hold now.
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { PostgresSettings } from '../../gateway/config.ts';
import { openDatabase, openPostgres } from '../../gateway/exports/database.ts';
import { schemaOn, withPostgres } from './schemas-of-tests.ts';

/** Makes the closed store of a data directory one of an older schema; what that schema does not know is lost. */
export async function lowerStore(directory: string, schema: number): Promise<void> {
  const file = join(directory, 'gateway.db');
  const lowered = join(directory, 'lowered.db');
  await (await openDatabase(lowered, schema)).destroy();
  const db = new DatabaseSync(lowered);
  db.exec('PRAGMA foreign_keys=OFF');
  db.prepare('ATTACH ? AS present').run(file);
  // What only the older schema has is empty.
  const tables = db
    .prepare(
      "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' " +
        "AND name IN (SELECT name FROM present.sqlite_master WHERE type = 'table')",
    )
    .all();
  for (const { name: table } of tables) {
    const columns = db.prepare(`SELECT name FROM pragma_table_info('${table}', 'main')`).all();
    const names = columns.map(({ name }) => name).join(', ');
    db.exec(`INSERT INTO main.${table} (${names}) SELECT ${names} FROM present.${table}`);
  }
  db.close();
  for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
  renameSync(lowered, file);
}

/** The same of a store in PostgreSQL that no gateway uses now. */
export async function lowerPostgres(settings: PostgresSettings, version: number): Promise<void> {
  const { url, schema: present } = settings;
  const { schema: lowered } = schemaOn(url);
  await (await openPostgres({ ...settings, schema: lowered }, 'lowering', { version })).destroy();
  await withPostgres(url, async (client) => {
    await client.query('BEGIN');
    // Neither references nor triggers are asked: what is copied kept them before.
    await client.query('SET LOCAL session_replication_role = replica');
    const { rows } = await client.query(
      `SELECT table_name AS name, string_agg(column_name, ', ') AS columns, 
         max(column_name) FILTER (WHERE is_identity = 'YES') AS numbered
       FROM information_schema.columns WHERE table_schema = $1 AND table_name <> 'schema_version' AND table_name IN
         (SELECT table_name FROM information_schema.tables WHERE table_schema = $2) GROUP BY 1`,
      [lowered, present],
    );
    for (const { name, columns, numbered } of rows) {
      await client.query(`INSERT INTO ${lowered}.${name} (${columns}) SELECT ${columns} FROM ${present}.${name}`);
      if (numbered !== null)
        await client.query(
          `SELECT setval(pg_get_serial_sequence('${lowered}.${name}', '${numbered}'), max(${numbered})) FROM ${lowered}.${name}`,
        );
    }
    await client.query(`DROP SCHEMA ${present} CASCADE`);
    await client.query(`ALTER SCHEMA ${lowered} RENAME TO ${present}`);
    await client.query('COMMIT');
  });
}
