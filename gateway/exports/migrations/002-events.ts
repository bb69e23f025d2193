// Schema 2: the outbox of events (style.md B7 step 10, api.md section 2).
import type { SchemaModule } from 'kysely';
import type { Columns } from './columns.ts';

/** Runs inside the transaction that raises the schema version. Exports of before have no events: nobody was told of them. */
export async function createEvents(schema: SchemaModule, columns: Columns): Promise<void> {
  await schema
    .createTable('events')
    .addColumn('seq', columns.integer, columns.numbered)
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('at', columns.integer, (c) => c.notNull())
    .addColumn('diga', 'text', (c) => c.notNull())
    .addColumn('export_id', 'text', (c) => c.notNull())
    .addColumn('data', 'text', (c) => c.notNull())
    .execute();
  await schema.createIndex('events_diga').on('events').columns(['diga', 'seq']).execute();
  await schema.createIndex('events_at').on('events').column('at').execute();
}
