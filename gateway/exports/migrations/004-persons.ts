// Schema 4: what concerns a person (EXP-16, RET-05) and what an import of known document IDs needs (OPS-04, D1).
import type { SchemaModule } from 'kysely';
import type { Columns } from './columns.ts';

/** Runs inside the transaction that raises the schema version. */
export async function addPersons(schema: SchemaModule, columns: Columns): Promise<void> {
  await schema.alterTable('insured').addColumn('revoked_at', columns.integer).execute();
  await schema.alterTable('insured').addColumn('revoked_seq', columns.integer).execute();
  await schema.alterTable('events').addColumn('lookup_key', 'text').execute();
  // Forgetting finds the events of a person without reading them all.
  await schema.createIndex('events_export').on('events').column('export_id').execute();
  await schema.createIndex('events_person').on('events').column('lookup_key').execute();
  await schema.createIndex('idempotency_export').on('idempotency').column('export_id').execute();
  await schema.alterTable('series').addColumn('written_at', columns.integer).execute();
  await schema
    .alterTable('documents')
    .addColumn('rebased', columns.integer, (c) => c.notNull().defaultTo(0))
    .execute();
}
