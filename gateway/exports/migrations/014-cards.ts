// Schema 14: what operators do with cards. A PIN operation is a row before the Konnektor is asked, so that there is one at a time
// over all processes and none is repeated by itself (KON-07); the card that an operator has chosen for a DiGA (KON-09).
import type { SchemaModule } from 'kysely';
import type { Columns } from './columns.ts';

/** Runs inside the transaction that raises the schema version. */
export async function createCards(schema: SchemaModule, columns: Columns): Promise<void> {
  await schema
    .createTable('pin_operations')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('iccsn', 'text', (c) => c.notNull())
    .addColumn('konnektor', 'text', (c) => c.notNull())
    .addColumn('diga', 'text')
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('open', columns.integer)
    .addColumn('asked_by', 'text', (c) => c.notNull())
    .addColumn('asked_at', columns.integer, (c) => c.notNull())
    .addColumn('holder', 'text', (c) => c.notNull())
    .addColumn('lease_until', columns.integer, (c) => c.notNull())
    .addColumn('ended_at', columns.integer)
    .addColumn('result', 'text')
    .addColumn('left_tries', columns.integer)
    .addColumn('code', 'text')
    .addColumn('trace', 'text')
    // `open` is 1 or null, and nulls are all different.
    .addUniqueConstraint('pin_operations_one', ['iccsn', 'open'])
    .execute();
  await schema.createIndex('pin_operations_of').on('pin_operations').columns(['iccsn', 'asked_at']).execute();
  await schema
    .createTable('card_choices')
    .addColumn('diga', 'text', (c) => c.primaryKey())
    .addColumn('iccsn', 'text', (c) => c.notNull())
    .addColumn('chosen_by', 'text', (c) => c.notNull())
    .addColumn('chosen_at', columns.integer, (c) => c.notNull())
    .execute();
}
