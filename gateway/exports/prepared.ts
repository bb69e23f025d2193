// Queries that every export asks several times are built and compiled once per store and then only given their values: building
// one takes Kysely longer than the store takes to answer it.
import type { Compilable, CompiledQuery, QueryResult } from 'kysely';
import type { Queries } from './database.ts';

type Plan<Row> = { query: CompiledQuery<Row>; places: readonly number[] };

/** `build` is called once for each store, with values of no meaning: it must not look at them, only place them. */
export function prepared<Values extends readonly unknown[], Row>(
  build: (db: Queries, ...values: Values) => Compilable<Row>,
): (db: Queries, ...values: Values) => Promise<QueryResult<Row>> {
  const plans = new WeakMap<object, Plan<Row>>();
  return (db, ...values) => {
    // One for the store and all its transactions.
    const { adapter } = db.getExecutor();
    let plan = plans.get(adapter);
    if (plan === undefined) {
      const marks: readonly unknown[] = values.map(() => ({}));
      const query = build(db, ...(marks as Values)).compile();
      plan = { query, places: query.parameters.map((parameter) => marks.indexOf(parameter)) };
      plans.set(adapter, plan);
    }
    const { query, places } = plan;
    const parameters = places.map((place, n) => (place === -1 ? query.parameters[n] : values[place]));
    return db.executeQuery<Row>({ ...query, parameters });
  };
}

/** As prepared, for the one row there is, or none. */
export function preparedOne<Values extends readonly unknown[], Row>(
  build: (db: Queries, ...values: Values) => Compilable<Row>,
): (db: Queries, ...values: Values) => Promise<Row | undefined> {
  const ask = prepared(build);
  return async (db, ...values) => (await ask(db, ...values)).rows[0];
}
