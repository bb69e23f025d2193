// Schema 9: seals of rows, so that a changed, swapped, rolled-back or deleted one is noticed (row-seals.ts). Rows of before are
// sealed once, when the vault is open (row-audit.ts).
import type { SchemaModule } from 'kysely';
import type { Columns } from './columns.ts';

/** Runs inside the transaction that raises the schema version. */
export async function createRowSeals(schema: SchemaModule, columns: Columns): Promise<void> {
  await schema
    .createTable('row_seals')
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('rev', columns.integer, (c) => c.notNull())
    .addColumn('mac', columns.bytes, (c) => c.notNull())
    .addPrimaryKeyConstraint('row_seals_key', ['kind', 'key'])
    .execute();
  await schema.alterTable('events').addColumn('mac', columns.bytes).execute();
}
