// Every table whose rows hold a data key wrapped under a DiGA's key (D7): what a rotation wraps anew. A table that comes to
// hold such keys has a column that refers to `keys` and an entry here.
import type { Queries } from './database.ts';

/** One wrapped data key; `id` orders the rows. */
export type HeldKey = { id: string; under: string; wrapped: Uint8Array };

export type Holder = {
  /** The key's name in the vault. */
  nameOf(id: string): string;
  page(db: Queries, o: { under: readonly string[]; after: string; limit: number }): Promise<HeldKey[]>;
  /** Only while it stands there as it was read. Rows changed. */
  replace(tx: Queries, o: { id: string; was: string; wrapped: Uint8Array; under: string }): Promise<number>;
  count(db: Queries, under: readonly string[]): Promise<number>;
  /** Rows whose key is erased name none any more. */
  release(tx: Queries, under: readonly string[]): Promise<void>;
};

const contents: Holder = {
  nameOf: (id) => `export/${id}`,
  page: async (db, o) =>
    held(
      await db
        .selectFrom('exports')
        .select(['id', 'wrapped_key', 'wrapped_under'])
        .where('wrapped_key', 'is not', null)
        .where('wrapped_under', 'in', [...o.under])
        .where('id', '>', o.after)
        .orderBy('id')
        .limit(o.limit)
        .execute(),
    ),
  replace: async (tx, o) =>
    changed(
      await tx
        .updateTable('exports')
        .set({ wrapped_key: o.wrapped, wrapped_under: o.under })
        .where('id', '=', o.id)
        .where('wrapped_under', '=', o.was)
        .executeTakeFirst(),
    ),
  count: async (db, under) => (under.length === 0 ? 0 : number(await counted(db, 'exports', under))),
  release: (tx, under) => released(tx, 'exports', under),
};

const persons: Holder = {
  nameOf: (id) => `insured/${id}`,
  page: async (db, o) =>
    held(
      await db
        .selectFrom('insured')
        .select(['lookup_key as id', 'wrapped_key', 'wrapped_under'])
        .where('wrapped_key', 'is not', null)
        .where('wrapped_under', 'in', [...o.under])
        .where('lookup_key', '>', o.after)
        .orderBy('lookup_key')
        .limit(o.limit)
        .execute(),
    ),
  replace: async (tx, o) =>
    changed(
      await tx
        .updateTable('insured')
        .set({ wrapped_key: o.wrapped, wrapped_under: o.under })
        .where('lookup_key', '=', o.id)
        .where('wrapped_under', '=', o.was)
        .executeTakeFirst(),
    ),
  count: async (db, under) => (under.length === 0 ? 0 : number(await counted(db, 'insured', under))),
  release: (tx, under) => released(tx, 'insured', under),
};

/** Of an insured whose documents are built here; outlives the KVNR (D6). */
const memories: Holder = {
  nameOf: (id) => `memory/${id}`,
  page: async (db, o) =>
    held(
      await db
        .selectFrom('insured')
        .select(['lookup_key as id', 'memory_key as wrapped_key', 'memory_under as wrapped_under'])
        .where('memory_key', 'is not', null)
        .where('memory_under', 'in', [...o.under])
        .where('lookup_key', '>', o.after)
        .orderBy('lookup_key')
        .limit(o.limit)
        .execute(),
    ),
  replace: async (tx, o) =>
    changed(
      await tx
        .updateTable('insured')
        .set({ memory_key: o.wrapped, memory_under: o.under })
        .where('lookup_key', '=', o.id)
        .where('memory_under', '=', o.was)
        .executeTakeFirst(),
    ),
  count: async (db, under) => {
    if (under.length === 0) return 0;
    const row = await db
      .selectFrom('insured')
      .select((e) => e.fn.countAll<number>().as('count'))
      .where('memory_key', 'is not', null)
      .where('memory_under', 'in', [...under])
      .executeTakeFirst();
    return number(row);
  },
  // Key and name go together (forget.ts).
  release: async () => {},
};

export const HOLDERS: readonly Holder[] = [contents, persons, memories];

const counted = (db: Queries, table: 'exports' | 'insured', under: readonly string[]) =>
  db
    .selectFrom(table)
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('wrapped_key', 'is not', null)
    .where('wrapped_under', 'in', [...under])
    .executeTakeFirst();

async function released(tx: Queries, table: 'exports' | 'insured', under: readonly string[]): Promise<void> {
  await tx
    .updateTable(table)
    .set({ wrapped_under: null })
    .where('wrapped_key', 'is', null)
    .where('wrapped_under', 'in', [...under])
    .execute();
}

const number = (row: { count: number } | undefined) => Number(row?.count ?? 0);
const changed = (result: { numUpdatedRows: bigint }) => Number(result.numUpdatedRows);
const held = (
  rows: readonly { id: string; wrapped_key: Uint8Array | null; wrapped_under: string | null }[],
): HeldKey[] =>
  rows.flatMap(({ id, wrapped_key: wrapped, wrapped_under: under }) =>
    wrapped === null || under === null ? [] : [{ id, under, wrapped }],
  );
