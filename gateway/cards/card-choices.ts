// The SMC-B that an operator has chosen where a DiGA has several (KON-09): in the store, so that a restart and every other gateway on
// it go on with the same card.
import { type Asking, appendAudit } from '../exports/audit.ts';
import type { Database } from '../exports/store.ts';

export type CardChoices = {
  /** ICCSN of the chosen card. */
  of(diga: string): string | undefined;
  /** Durable when it answers. */
  choose(o: { diga: string; iccsn: string; by: Asking; now: number }): Promise<void>;
  /** Reads what others have chosen; answers the DiGAs that have another card than before. */
  changed(): Promise<string[]>;
};

/** A choice that was refused, in the audit trail as well. */
export async function auditRefusedChoice(
  db: Database,
  o: { diga: string; iccsn: string; by: Asking; now: number; result: string },
): Promise<void> {
  const object = { kind: 'card' as const, id: o.iccsn };
  await db
    .transaction()
    .execute((tx) =>
      appendAudit(tx, { ...o.by, at: o.now, action: 'card.chosen', object, diga: o.diga, result: o.result }),
    );
}

export async function openCardChoices(db: Database): Promise<CardChoices> {
  const chosen = new Map<string, string>();
  const changed = async () => {
    const rows = await db.selectFrom('card_choices').select(['diga', 'iccsn']).execute();
    const other = rows.filter(({ diga, iccsn }) => chosen.get(diga) !== iccsn);
    for (const { diga, iccsn } of other) chosen.set(diga, iccsn);
    return other.map(({ diga }) => diga);
  };
  await changed();
  return {
    of: (diga) => chosen.get(diga),
    changed,
    choose: async ({ diga, iccsn, by, now }) => {
      const values = { iccsn, chosen_by: by.actor.id, chosen_at: now };
      await db.transaction().execute(async (tx) => {
        await tx
          .insertInto('card_choices')
          .values({ diga, ...values })
          .onConflict((c) => c.column('diga').doUpdateSet(values))
          .execute();
        await appendAudit(tx, {
          ...by,
          at: now,
          action: 'card.chosen',
          object: { kind: 'card', id: iccsn },
          diga,
          result: 'ok',
        });
      });
      chosen.set(diga, iccsn);
    },
  };
}
