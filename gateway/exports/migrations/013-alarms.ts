// Schema 13: alarms with their beginning and end, and what each channel was told of them (MON-03): a level that went out is not
// told again after a restart (CRT-02).
import { type SchemaModule, sql } from 'kysely';
import type { Columns } from './columns.ts';

/** Runs inside the transaction that raises the schema version. */
export async function createAlarms(schema: SchemaModule, columns: Columns): Promise<void> {
  await schema
    .createTable('alarms')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('code', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('diga', 'text')
    .addColumn('details', 'text')
    .addColumn('stage', 'text', (c) => c.notNull())
    .addColumn('raised_at', columns.integer, (c) => c.notNull())
    .addColumn('stage_at', columns.integer, (c) => c.notNull())
    .addColumn('cleared_at', columns.integer)
    .execute();
  // One open alarm of a key, however many gateways meet its cause.
  await schema
    .createIndex('alarms_open')
    .unique()
    .on('alarms')
    .column('key')
    .where(sql.ref('cleared_at'), 'is', null)
    .execute();
  await schema.createIndex('alarms_raised').on('alarms').column('raised_at').execute();
  await schema
    .createTable('alarm_messages')
    .addColumn('n', columns.integer, columns.numbered)
    .addColumn('channel', 'text', (c) => c.notNull())
    .addColumn('alarm_id', 'text', (c) => c.notNull().references('alarms.id').onDelete('cascade'))
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('about', 'text', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('at', columns.integer, (c) => c.notNull())
    .addColumn('attempts', columns.integer, (c) => c.notNull())
    .addColumn('next_at', columns.integer)
    .addColumn('last_code', 'text')
    .addUniqueConstraint('alarm_messages_once', ['channel', 'alarm_id', 'about'])
    .execute();
  await schema.createIndex('alarm_messages_due').on('alarm_messages').columns(['channel', 'next_at', 'n']).execute();
}
