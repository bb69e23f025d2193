// Schema 11: what is remembered of the documents that the gateway builds (part-memory.ts), under a data key per insured that
// outlives the KVNR (D6), the sealed Betrachtungszeitraum of a document, the order in which parts are
// written (D4), and what the record holds where a part is unchanged.
import type { SchemaModule } from 'kysely';
import type { Columns } from './columns.ts';

/** Runs inside the transaction that raises the schema version. */
export async function createPartMemories(schema: SchemaModule, columns: Columns): Promise<void> {
  await schema.alterTable('insured').addColumn('memory_key', columns.bytes).execute();
  await schema
    .alterTable('insured')
    .addColumn('memory_under', 'text', (c) => c.references('keys.name'))
    .execute();
  await schema.createIndex('insured_memory_under').on('insured').column('memory_under').execute();
  await schema.alterTable('documents').addColumn('sealed_period', columns.bytes).execute();
  await schema
    .alterTable('documents')
    .addColumn('position', columns.integer, (c) => c.notNull().defaultTo(0))
    .execute();
  await schema.alterTable('documents').addColumn('held_uuid', 'text').execute();
  await schema.alterTable('documents').addColumn('held_version', columns.integer).execute();
  await schema
    .createTable('part_memories')
    .addColumn('export_id', 'text', (c) => c.notNull().references('exports.id'))
    .addColumn('part', 'text', (c) => c.notNull())
    .addColumn('n', columns.integer, (c) => c.notNull())
    .addColumn('sealed', columns.bytes, (c) => c.notNull())
    .addPrimaryKeyConstraint('part_memories_key', ['export_id', 'part', 'n'])
    .execute();
}
