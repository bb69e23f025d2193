// Schema 3: the audit trail (SEC-09) and its signed checkpoints. The database itself refuses to change or delete an entry.
import type { SchemaModule } from 'kysely';
import type { Columns } from './columns.ts';

/** Runs inside the transaction that raises the schema version. The trail begins with this schema. */
export async function createAudit(schema: SchemaModule, columns: Columns): Promise<void> {
  await schema
    .createTable('audit')
    // Given by the gateway, without gaps: a missing number is a missing entry.
    .addColumn('seq', columns.integer, (c) => c.primaryKey())
    .addColumn('at', columns.integer, (c) => c.notNull())
    .addColumn('actor_kind', 'text', (c) => c.notNull())
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('object_kind', 'text')
    .addColumn('object', 'text')
    .addColumn('diga', 'text')
    .addColumn('result', 'text', (c) => c.notNull())
    .addColumn('request_id', 'text')
    .addColumn('details', 'text')
    .addColumn('hash', 'text', (c) => c.notNull())
    .execute();
  await schema
    .createTable('audit_checkpoints')
    .addColumn('seq', columns.integer, (c) => c.notNull())
    .addColumn('writer', 'text', (c) => c.notNull())
    .addColumn('at', columns.integer, (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .addColumn('signature', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('audit_checkpoints_key', ['seq', 'writer'])
    .execute();
  for (const table of ['audit', 'audit_checkpoints'])
    for (const text of columns.appendOnly(table)) await columns.run(text);
}
