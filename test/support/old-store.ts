// A store as an older gateway left it: the tables and columns of its schema, with what they hold now.
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '../../gateway/exports/database.ts';

/** Makes the closed store of a data directory one of an older schema; what that schema does not know is lost. */
export async function lowerStore(directory: string, schema: number): Promise<void> {
  const file = join(directory, 'gateway.db');
  const lowered = join(directory, 'lowered.db');
  await (await openDatabase(lowered, schema)).destroy();
  const db = new DatabaseSync(lowered);
  db.exec('PRAGMA foreign_keys=OFF');
  db.prepare('ATTACH ? AS present').run(file);
  const tables = db
    .prepare("SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
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
