// Schema 15: the last OCSP answer about each card's certificate (CRT-04), so that a restart neither asks anew nor forgets that a card
// was revoked, and the grace time of a responder that cannot be reached does not begin again.
import type { SchemaModule } from 'kysely';
import type { Columns } from './columns.ts';

/** Runs inside the transaction that raises the schema version. */
export async function createOcspAnswers(schema: SchemaModule, columns: Columns): Promise<void> {
  await schema
    .createTable('ocsp_answers')
    .addColumn('fingerprint', 'text', (c) => c.primaryKey())
    .addColumn('answer', columns.bytes)
    .addColumn('answered_at', columns.integer)
    .addColumn('first_asked_at', columns.integer, (c) => c.notNull())
    .execute();
}
