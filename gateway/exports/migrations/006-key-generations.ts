// Schema 6: keys in generations (D7) and the end of what a KVNR is kept for (RET-03). `wrapped_under` names the key that opens
// `wrapped_key`; being a reference, it lets the database itself refuse to drop a key that something still needs.
import type { SchemaModule } from 'kysely';
import type { Columns } from './columns.ts';

/** Runs inside the transaction that raises the schema version. Keys of before are the first generation. */
export async function createKeyGenerations(schema: SchemaModule, columns: Columns): Promise<void> {
  for (const table of ['exports', 'insured']) {
    await schema
      .alterTable(table)
      .addColumn('wrapped_under', 'text', (c) => c.references('keys.name'))
      .execute();
    await schema.createIndex(`${table}_wrapped_under`).on(table).column('wrapped_under').execute();
    await columns.run(`UPDATE ${table} SET wrapped_under = 'diga/' || diga WHERE wrapped_key IS NOT NULL`);
  }
  await schema.alterTable('insured').addColumn('prescription_ends', 'text').execute();
  await schema.createIndex('insured_prescription_ends').on('insured').column('prescription_ends').execute();
  await columns.run(`UPDATE insured SET prescription_ends =
    (SELECT max(exports.prescription_ends) FROM exports WHERE exports.lookup_key = insured.lookup_key)
    WHERE kvnr_sealed IS NOT NULL`);
  await schema
    .createTable('key_rotations')
    .addColumn('id', columns.integer, columns.numbered)
    // 1 while it runs, null afterwards: there is never a second one that runs.
    .addColumn('open', columns.integer, (c) => c.unique())
    .addColumn('digas', 'text', (c) => c.notNull())
    .addColumn('started_by', 'text', (c) => c.notNull())
    .addColumn('started_at', columns.integer, (c) => c.notNull())
    .addColumn('rewrapped', columns.integer, (c) => c.notNull())
    .addColumn('unreadable', columns.integer, (c) => c.notNull())
    .addColumn('finished_at', columns.integer)
    .execute();
}
