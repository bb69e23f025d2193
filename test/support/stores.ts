// The store that a test runs against: every file of STORE_TESTS (vitest.config.ts) runs once on SQLite and once on PostgreSQL.
// Each data directory has a schema of its own there, dropped with the house or, where a test opens it again, with the file.
import { inject } from 'vitest';
import type { PostgresSettings } from '../../gateway/config.ts';
import { dropStore, schemaOn } from './schemas-of-tests.ts';
import { emptied } from './used-schemas.ts';

/** For tests of what only one of the two has: `test.runIf(!onPostgres)`. */
export const onPostgres = process.env.EPA_TEST_STORE === 'postgres';

const schemas = new Map<string, PostgresSettings>();
/** Left by tests of this file and emptied: the next ones' stores. */
const spare: PostgresSettings[] = [];

/** The store of a data directory, as the settings name it; undefined: SQLite. The same directory gets the same schema. */
export function storeOf(directory: string): PostgresSettings | undefined {
  return onPostgres ? schemas.getOrInsertComputed(directory, () => spare.pop() ?? newSchema()) : undefined;
}

/** After a copy of a data directory the store goes on with the copy: in PostgreSQL it never lay there. */
export function moveStore(from: string, to: string): void {
  const settings = schemas.get(from);
  if (settings === undefined) return;
  schemas.delete(from);
  schemas.set(to, settings);
}

/** A second data directory on the same store: another gateway. */
export function shareStore(of: string, other: string): void {
  const settings = storeOf(of);
  if (settings !== undefined) schemas.set(other, settings);
}

/** The directory's store is no more. */
export async function dropStores(directory: string): Promise<void> {
  const settings = schemas.get(directory);
  if (settings === undefined) return;
  schemas.delete(directory);
  // Another directory may share it.
  if ([...schemas.values()].includes(settings)) return;
  if (await emptied(settings, inject('madeShape') ?? '')) spare.push(settings);
  else await dropStore(settings);
}

/** All that is left of this file's stores. */
export async function dropAllStores(): Promise<void> {
  const going = new Set([...schemas.values(), ...spare.splice(0)]);
  schemas.clear();
  for (const settings of going) await dropStore(settings);
}

/** A schema of its own. Where there is no PostgreSQL the test must not come here. */
export function newSchema(): PostgresSettings {
  const url = inject('postgresUrl');
  if (url === undefined) throw new Error('there is no PostgreSQL for this test');
  return schemaOn(url);
}
