// A schema that a test has left is emptied for the next one: to make one from its migrations costs PostgreSQL more than most
// tests do. Only one that is what the migrations made of it: no trigger, table or column that a test added or took away.
import type pg from 'pg';
import type { PostgresSettings } from '../../gateway/config.ts';
import { openPostgres } from '../../gateway/exports/database.ts';
import { dropStore, schemaOn, withPostgres } from './schemas-of-tests.ts';

/** What a schema holds beside its rows, as one text. */
async function shapeOf(client: pg.Client, schema: string): Promise<string> {
  const { rows } = await client.query(
    `WITH here AS (SELECT oid FROM pg_namespace WHERE nspname = $1),
      parts AS (
        SELECT 'relation', relname::text AS of, relkind::text AS what, '' AS kind FROM pg_class WHERE relnamespace = (TABLE here)
        UNION ALL SELECT 'column', relname, attname, atttypid::text || attnotnull FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
          WHERE relnamespace = (TABLE here) AND attnum > 0 AND NOT attisdropped
        UNION ALL SELECT 'trigger', relname, tgname, tgenabled::text FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
          WHERE relnamespace = (TABLE here) AND NOT tgisinternal
        UNION ALL SELECT 'function', proname, md5(prosrc), '' FROM pg_proc WHERE pronamespace = (TABLE here)
        UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, contype::text FROM pg_constraint
          WHERE connamespace = (TABLE here))
     SELECT string_agg(replace(parts::text, $1, ''), ' ' ORDER BY parts::text) AS shape FROM parts`,
    [schema],
  );
  return rows[0].shape;
}

/** The shape of a schema as this gateway's migrations make it. */
export async function madeShape(url: string): Promise<string> {
  const settings = schemaOn(url);
  await (await openPostgres(settings, 'shape of tests')).destroy();
  const shape = await withPostgres(url, (client) => shapeOf(client, settings.schema));
  await dropStore(settings);
  return shape;
}

/** Takes every row out of it and starts its numbers again. False, and nothing done, where its shape is not `made`. */
export async function emptied({ url, schema }: PostgresSettings, made: string): Promise<boolean> {
  return withPostgres(url, async (client) => {
    if ((await shapeOf(client, schema)) !== made) return false;
    const { rows } = await client.query(
      `SELECT quote_ident(relname) AS name, relkind AS kind FROM pg_class
       WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'S') AND relname <> 'schema_version'`,
      [schema],
    );
    // As a replica it asks neither references nor the triggers of the audit trail; DELETE, for TRUNCATE makes new files.
    const steps = rows.map(({ name, kind }) =>
      kind === 'r' ? `DELETE FROM ${schema}.${name}` : `ALTER SEQUENCE ${schema}.${name} RESTART`,
    );
    await client.query(['BEGIN', 'SET LOCAL session_replication_role = replica', ...steps, 'COMMIT'].join('; '));
    return true;
  });
}
