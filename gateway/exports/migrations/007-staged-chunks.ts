// Schema 7: content that is still coming in (staging.ts). No reference to an export: there is none yet.
import type { SchemaModule } from 'kysely';
import type { Columns } from './columns.ts';

/** Runs inside the transaction that raises the schema version. */
export async function createStagedChunks(schema: SchemaModule, columns: Columns): Promise<void> {
  await schema
    .createTable('staged_chunks')
    .addColumn('export_id', 'text', (c) => c.notNull())
    .addColumn('part', 'text', (c) => c.notNull())
    .addColumn('n', columns.integer, (c) => c.notNull())
    .addColumn('sealed', columns.bytes, (c) => c.notNull())
    .addColumn('staged_at', columns.integer, (c) => c.notNull())
    .addPrimaryKeyConstraint('staged_chunks_key', ['export_id', 'part', 'n'])
    .execute();
  await schema.createIndex('staged_chunks_at').on('staged_chunks').column('staged_at').execute();
}
