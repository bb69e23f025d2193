// Schema 16: which gateway sees the cause of an alarm, and when it saw it last (MON-03): of several on one store, the one that does not
// see it must not end it.
import type { SchemaModule } from 'kysely';
import type { Columns } from './columns.ts';

/** Runs inside the transaction that raises the schema version. */
export async function createAlarmSights(schema: SchemaModule, columns: Columns): Promise<void> {
  await schema
    .createTable('alarm_sights')
    .addColumn('alarm_id', 'text', (c) => c.notNull().references('alarms.id').onDelete('cascade'))
    .addColumn('gateway', 'text', (c) => c.notNull())
    .addColumn('seen_at', columns.integer, (c) => c.notNull())
    .addPrimaryKeyConstraint('alarm_sights_once', ['alarm_id', 'gateway'])
    .execute();
}
