// Schema 5: what each webhook target has been told and what it is still to be told (MON-06).
import type { SchemaModule } from 'kysely';
import type { Columns } from './columns.ts';

/** Runs inside the transaction that raises the schema version. */
export async function createWebhooks(schema: SchemaModule, columns: Columns): Promise<void> {
  await schema
    .createTable('webhook_targets')
    .addColumn('target', 'text', (c) => c.primaryKey())
    .addColumn('after_seq', columns.integer, (c) => c.notNull())
    .addColumn('failures', columns.integer, (c) => c.notNull())
    .addColumn('resume_at', columns.integer)
    .addColumn('gone_at', columns.integer)
    .addColumn('last_success_at', columns.integer)
    .addColumn('last_failure_at', columns.integer)
    .addColumn('last_code', 'text')
    .addColumn('last_status', columns.integer)
    .addColumn('holder', 'text')
    .addColumn('held_until', columns.integer)
    .execute();
  await schema
    .createTable('webhook_deliveries')
    .addColumn('target', 'text', (c) => c.notNull().references('webhook_targets.target'))
    .addColumn('seq', columns.integer, (c) => c.notNull())
    .addColumn('stream', 'text', (c) => c.notNull())
    .addColumn('at', columns.integer, (c) => c.notNull())
    .addColumn('attempts', columns.integer, (c) => c.notNull())
    .addColumn('next_at', columns.integer)
    .addPrimaryKeyConstraint('webhook_deliveries_key', ['target', 'seq'])
    .execute();
  const index = (name: string, rest: string[]) =>
    schema
      .createIndex(name)
      .on('webhook_deliveries')
      .columns(['target', ...rest])
      .execute();
  await index('webhook_deliveries_due', ['next_at', 'seq']);
  await index('webhook_deliveries_stream', ['stream', 'seq']);
  await index('webhook_deliveries_at', ['at']);
}
