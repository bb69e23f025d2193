// Schema 1: exports, their documents and sealed chunks, the chain of each series, timeline, idempotency keys, wrapped keys.
import type { SchemaModule } from 'kysely';
import type { Columns } from './columns.ts';

/** Runs inside the transaction that raises the schema version. */
export async function createExports(schema: SchemaModule, columns: Columns): Promise<void> {
  await schema
    .createTable('keys')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('wrapped', columns.bytes, (c) => c.notNull())
    .execute();
  await schema
    .createTable('insured')
    .addColumn('lookup_key', 'text', (c) => c.primaryKey())
    .addColumn('diga', 'text', (c) => c.notNull())
    .addColumn('wrapped_key', columns.bytes)
    .addColumn('kvnr_sealed', columns.bytes)
    .addColumn('created_at', columns.integer, (c) => c.notNull())
    .execute();
  await schema
    .createTable('exports')
    .addColumn('seq', columns.integer, columns.numbered)
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('diga', 'text', (c) => c.notNull())
    .addColumn('client', 'text', (c) => c.notNull())
    .addColumn('reference', 'text')
    .addColumn('lookup_key', 'text', (c) => c.notNull().references('insured.lookup_key'))
    .addColumn('series', 'text', (c) => c.notNull())
    .addColumn('queue', 'text', (c) => c.notNull())
    .addColumn('priority', 'text', (c) => c.notNull())
    .addColumn('on_target_gone', 'text', (c) => c.notNull())
    .addColumn('consent_id', 'text', (c) => c.notNull())
    .addColumn('consent_version', 'text', (c) => c.notNull())
    .addColumn('consent_granted_at', columns.integer, (c) => c.notNull())
    .addColumn('kvnr_issuer', 'text', (c) => c.notNull())
    .addColumn('kvnr_authenticated_at', columns.integer, (c) => c.notNull())
    .addColumn('prescription_ends', 'text', (c) => c.notNull())
    .addColumn('not_before', columns.integer)
    .addColumn('deadline_at', columns.integer, (c) => c.notNull())
    .addColumn('deadline_code', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('phase', 'text')
    .addColumn('claim', 'text')
    .addColumn('attempts', columns.integer, (c) => c.notNull())
    .addColumn('unanswered', columns.integer, (c) => c.notNull())
    .addColumn('retry_step', columns.integer, (c) => c.notNull())
    .addColumn('reason_code', 'text')
    .addColumn('reason_check', 'text')
    .addColumn('reason_foreign', 'text')
    .addColumn('reason_export', 'text')
    .addColumn('reason_since', columns.integer)
    .addColumn('next_attempt_at', columns.integer)
    .addColumn('retry_requested', columns.integer, (c) => c.notNull())
    .addColumn('retried_at', columns.integer)
    .addColumn('wrapped_key', columns.bytes)
    .addColumn('erase_at', columns.integer)
    .addColumn('created_at', columns.integer, (c) => c.notNull())
    .addColumn('updated_at', columns.integer, (c) => c.notNull())
    .execute();
  await schema.createIndex('exports_series').on('exports').columns(['lookup_key', 'series', 'status', 'seq']).execute();
  await schema.createIndex('exports_due').on('exports').columns(['status', 'next_attempt_at']).execute();
  await schema.createIndex('exports_deadline').on('exports').columns(['status', 'deadline_at']).execute();
  await schema.createIndex('exports_erase').on('exports').column('erase_at').execute();
  await schema.createIndex('exports_diga').on('exports').columns(['diga', 'seq']).execute();
  await schema
    .createTable('documents')
    .addColumn('export_id', 'text', (c) => c.notNull().references('exports.id'))
    .addColumn('part', 'text', (c) => c.notNull())
    .addColumn('entry_uuid', 'text', (c) => c.notNull().unique())
    .addColumn('unique_id', 'text', (c) => c.notNull().unique())
    .addColumn('mime_type', 'text', (c) => c.notNull())
    .addColumn('bytes', columns.integer, (c) => c.notNull())
    .addColumn('sha256', 'text', (c) => c.notNull())
    .addColumn('creation_time', columns.integer, (c) => c.notNull())
    .addColumn('version', columns.integer)
    .addColumn('replaces', 'text')
    .addColumn('without_target', columns.integer, (c) => c.notNull())
    .addColumn('record_system', 'text')
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('written_at', columns.integer)
    .addPrimaryKeyConstraint('documents_key', ['export_id', 'part'])
    .execute();
  await schema
    .createTable('sealed_chunks')
    .addColumn('export_id', 'text', (c) => c.notNull().references('exports.id'))
    .addColumn('part', 'text', (c) => c.notNull())
    .addColumn('n', columns.integer, (c) => c.notNull())
    .addColumn('sealed', columns.bytes, (c) => c.notNull())
    .addPrimaryKeyConstraint('sealed_chunks_key', ['export_id', 'part', 'n'])
    .execute();
  await schema
    .createTable('series')
    .addColumn('lookup_key', 'text', (c) => c.notNull().references('insured.lookup_key'))
    .addColumn('series', 'text', (c) => c.notNull())
    .addColumn('part', 'text', (c) => c.notNull())
    .addColumn('entry_uuid', 'text', (c) => c.notNull())
    .addColumn('version', columns.integer, (c) => c.notNull())
    .addColumn('record_system', 'text', (c) => c.notNull())
    .addColumn('sha256', 'text', (c) => c.notNull())
    .addColumn('export_id', 'text', (c) => c.notNull())
    .addColumn('doubtful', columns.integer, (c) => c.notNull())
    .addColumn('frozen', columns.integer, (c) => c.notNull())
    .addColumn('updated_at', columns.integer, (c) => c.notNull())
    .addPrimaryKeyConstraint('series_key', ['lookup_key', 'series', 'part'])
    .execute();
  await schema
    .createTable('timeline')
    .addColumn('export_id', 'text', (c) => c.notNull().references('exports.id'))
    .addColumn('n', columns.integer, (c) => c.notNull())
    .addColumn('at', columns.integer, (c) => c.notNull())
    .addColumn('step', 'text', (c) => c.notNull())
    .addColumn('ms', columns.integer)
    .addColumn('code', 'text')
    .addPrimaryKeyConstraint('timeline_key', ['export_id', 'n'])
    .execute();
  await schema
    .createTable('idempotency')
    .addColumn('client', 'text', (c) => c.notNull())
    .addColumn('diga', 'text', (c) => c.notNull())
    .addColumn('key_mac', columns.bytes, (c) => c.notNull())
    .addColumn('body_mac', columns.bytes, (c) => c.notNull())
    .addColumn('export_id', 'text', (c) => c.notNull().references('exports.id'))
    .addColumn('created_at', columns.integer, (c) => c.notNull())
    .addPrimaryKeyConstraint('idempotency_key', ['client', 'diga', 'key_mac'])
    .execute();
}
