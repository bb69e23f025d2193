// Schema 12: content that is staged lies where it stays once its export is accepted, so that accepting moves no byte of it
// (staging.ts). Sealed chunks may therefore be there before their export; what is no export's yet, a row of `stagings` names.
import type { SchemaModule } from 'kysely';
import type { Columns } from './columns.ts';

/** Runs inside the transaction that raises the schema version. What was being staged has lost its key with its process. */
export async function createStagings(schema: SchemaModule, columns: Columns): Promise<void> {
  await schema
    .createTable('stagings')
    .addColumn('export_id', 'text', (c) => c.primaryKey())
    .addColumn('staged_at', columns.integer, (c) => c.notNull())
    .execute();
  await schema.createIndex('stagings_at').on('stagings').column('staged_at').execute();
  // SQLite cannot take a reference away from a table that is there.
  await schema
    .createTable('content_chunks')
    .addColumn('export_id', 'text', (c) => c.notNull())
    .addColumn('part', 'text', (c) => c.notNull())
    .addColumn('n', columns.integer, (c) => c.notNull())
    .addColumn('sealed', columns.bytes, (c) => c.notNull())
    .addPrimaryKeyConstraint('content_chunks_key', ['export_id', 'part', 'n'])
    .execute();
  await columns.run(
    'INSERT INTO content_chunks (export_id, part, n, sealed) SELECT export_id, part, n, sealed FROM sealed_chunks ' +
      'WHERE export_id IN (SELECT id FROM exports)',
  );
  await schema.dropTable('sealed_chunks').execute();
  await schema.alterTable('content_chunks').renameTo('sealed_chunks').execute();
  await schema.dropTable('staged_chunks').execute();
}
