// Schema 2: the outbox of events (style.md B7 step 10, api.md section 2).
import type { SchemaModule } from 'kysely';

/** Runs inside the transaction that raises the schema version. Exports of before have no events: nobody was told of them. */
export async function createEvents(schema: SchemaModule): Promise<void> {
  await schema
    .createTable('events')
    // autoIncrement: a number is never given again, not even after the newest rows were erased.
    .addColumn('seq', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('at', 'integer', (c) => c.notNull())
    .addColumn('diga', 'text', (c) => c.notNull())
    .addColumn('export_id', 'text', (c) => c.notNull())
    .addColumn('data', 'text', (c) => c.notNull())
    .execute();
  await schema.createIndex('events_diga').on('events').columns(['diga', 'seq']).execute();
  await schema.createIndex('events_at').on('events').column('at').execute();
}
