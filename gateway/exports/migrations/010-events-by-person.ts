// Schema 10: events by the person they are about: the seal of an insured is held against the newest revocation that was told
// of (row-seals.ts), which would otherwise read all of them.
import type { SchemaModule } from 'kysely';

/** Runs inside the transaction that raises the schema version. */
export async function indexEventsByPerson(schema: SchemaModule): Promise<void> {
  await schema.createIndex('events_revocations').on('events').columns(['lookup_key', 'type', 'at']).execute();
}
