// How long a KVNR is kept (RET-03): while an export of the insured is open, and until the latest prescription has ended and
// its grace is over; then its key and its sealed bytes go, first of all the key (RET-04). Look-up key and chain stay (RET-02).
import { appendAudit, GATEWAY } from './audit.ts';
import { dayBefore, endOfDayAnd } from './calendar.ts';
import type { Queries } from './database.ts';
import { OPEN } from './schema.ts';

/** Erased in one transaction; more of them are due right after. */
const AT_ONCE = 500;

/** Erases the KVNR and its key; the next export of this insured is version n+1 all the same (D6). */
export async function eraseKvnr(tx: Queries, lookupKey: string): Promise<void> {
  await tx
    .updateTable('insured')
    .set({ wrapped_key: null, wrapped_under: null, kvnr_sealed: null, prescription_ends: null })
    .where('lookup_key', '=', lookupKey)
    .execute();
}

/** Erases every KVNR that nothing needs any more. Their number. */
export async function eraseUnneededKvnrs(tx: Queries, o: { now: number; graceDays: number }): Promise<number> {
  const due = await overdue(tx, o).select('lookup_key').limit(AT_ONCE).execute();
  if (due.length === 0) return 0;
  // An export accepted meanwhile has moved the end of the prescription: compared again in the same step.
  const done = await tx
    .updateTable('insured')
    .set({ wrapped_key: null, wrapped_under: null, kvnr_sealed: null, prescription_ends: null })
    .where(
      'lookup_key',
      'in',
      due.map((row) => row.lookup_key),
    )
    .where('prescription_ends', '<', dayBefore(o.now, o.graceDays))
    .executeTakeFirst();
  const erased = Number(done.numUpdatedRows);
  // How many, not who: naming a person takes the KVNR, which is not opened for this.
  if (erased > 0)
    await appendAudit(tx, { at: o.now, actor: GATEWAY, action: 'person.kvnr-erased', details: { count: erased } });
  return erased;
}

/** When the next KVNR is to be erased, or null. Those that an open export needs are seen again when it ends. */
export async function nextKvnrErasure(db: Queries, o: { now: number; graceDays: number }): Promise<number | null> {
  if ((await overdue(db, o).select('lookup_key').limit(1).executeTakeFirst()) !== undefined) return o.now;
  const next = await db
    .selectFrom('insured')
    .select((e) => e.fn.min('prescription_ends').as('day'))
    .where('prescription_ends', '>=', dayBefore(o.now, o.graceDays))
    .executeTakeFirst();
  return next?.day == null ? null : endOfDayAnd(next.day, o.graceDays);
}

const overdue = (db: Queries, o: { now: number; graceDays: number }) =>
  db
    .selectFrom('insured')
    .where('prescription_ends', '<', dayBefore(o.now, o.graceDays))
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('exports')
            .select('exports.seq')
            .whereRef('exports.lookup_key', '=', 'insured.lookup_key')
            .where('exports.status', 'in', [...OPEN]),
        ),
      ),
    );
