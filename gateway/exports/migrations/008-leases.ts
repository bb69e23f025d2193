// Schema 8: who holds a claim and until when (D9), and the reading of a user's series by the backend's own reference.
import type { SchemaModule } from 'kysely';
import type { Columns } from './columns.ts';

/** Runs inside the transaction that raises the schema version. Claims of before have no lease: a start takes them back. */
export async function addLeases(schema: SchemaModule, columns: Columns): Promise<void> {
  await schema.alterTable('exports').addColumn('holder', 'text').execute();
  await schema.alterTable('exports').addColumn('lease_until', columns.integer).execute();
  await schema.createIndex('exports_reference').on('exports').columns(['diga', 'reference', 'seq']).execute();
}
