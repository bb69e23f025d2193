// Revoked consent (EXP-16): one transaction ends every open export of the insured that surely wrote nothing and refuses new
// ones, until an export brings a consent that is new in both respects: granted after the revocation, and under a reference
// (id and version) that no export of before had. The block is a time beside the look-up key (D6): no KVNR is kept for it,
// it also stands for insured this gateway has never seen, and it never ends for the consents it took back.
import type { Queries } from './database.ts';
import { recordPersonEvent } from './outbox.ts';
import { readSealedInsured, sealInsured } from './row-seals-series.ts';
import type { ExportRow } from './schema.ts';
import { endExport } from './sweep.ts';

export type Revocation = {
  at: number;
  /** Ended with REVOKED, their content erased. */
  cancelled: string[];
  /** On the wire, or in doubt after a lost answer: finished and reported. */
  finishing: string[];
};

export type ConsentOf = Pick<ExportRow, 'lookup_key' | 'consent_id' | 'consent_version' | 'consent_granted_at'>;

/** More of its own references than any backend has for one user; an event does not grow without bound. */
const MAX_REFERENCES = 100;

/** In the caller's transaction. */
export async function revokePerson(
  tx: Queries,
  o: { diga: string; lookupKey: string; now: number },
): Promise<Revocation> {
  await readSealedInsured(tx, o.lookupKey);
  await tx
    .insertInto('insured')
    .values({
      lookup_key: o.lookupKey,
      diga: o.diga,
      wrapped_key: null,
      kvnr_sealed: null,
      created_at: o.now,
      revoked_at: o.now,
    })
    .onConflict((c) => c.column('lookup_key').doUpdateSet({ revoked_at: o.now }))
    .execute();
  const last = await tx
    .selectFrom('exports')
    .select((e) => e.fn.max('seq').as('seq'))
    .where('lookup_key', '=', o.lookupKey)
    .executeTakeFirst();
  await tx
    .updateTable('insured')
    .set({ revoked_seq: last?.seq ?? 0 })
    .where('lookup_key', '=', o.lookupKey)
    .execute();
  await sealInsured(tx, o.lookupKey);
  const open = await tx
    .selectFrom('exports')
    .select(['id', 'status', 'phase', 'unanswered'])
    .where('lookup_key', '=', o.lookupKey)
    .where('status', 'in', ['queued', 'running', 'waiting', 'unclear'])
    .orderBy('seq')
    .execute();
  // Bytes of it are out, or were and nobody knows what became of them: the repeat is the only way to find out (D1, D22).
  const mayBeThere = (row: (typeof open)[number]) => row.phase === 'sent' || row.unanswered > 0;
  const cancelled = open.filter((row) => !mayBeThere(row)).map((row) => row.id);
  const finishing = open.filter(mayBeThere).map((row) => row.id);
  for (const id of cancelled)
    await endExport(tx, id, { status: 'cancelled', code: 'REVOKED', now: o.now, eraseAt: o.now });
  await recordPersonEvent(tx, {
    type: 'person.revoked',
    at: o.now,
    diga: o.diga,
    lookupKey: o.lookupKey,
    data: {
      references: await referencesOf(tx, o.lookupKey),
      cancelled: cancelled.length,
      finishing: finishing.length,
    },
  });
  return { at: o.now, cancelled, finishing };
}

/** Whether the consent of an export was revoked; in the caller's transaction, which decides what that means. */
export async function isRevoked(tx: Queries, of: ConsentOf): Promise<boolean> {
  const insured = await readSealedInsured(tx, of.lookup_key);
  const at = insured?.revoked_at ?? null;
  if (at === null) return false;
  if (grantedBefore(of.consent_granted_at, at)) return true;
  const taken = await tx
    .selectFrom('exports')
    .select('id')
    .where('lookup_key', '=', of.lookup_key)
    .where('consent_id', '=', of.consent_id)
    .where('consent_version', '=', of.consent_version)
    // What had come in by then; by number, since clocks are set back.
    .where('seq', '<=', insured?.revoked_seq ?? 0)
    .limit(1)
    .executeTakeFirst();
  return taken !== undefined;
}

/** Many backends keep whole seconds: such a time means any moment of its second, so in the revocation's own it may lie behind. */
const grantedBefore = (granted: number, revoked: number) =>
  granted % 1000 === 0 ? granted < Math.floor(revoked / 1000) * 1000 : granted <= revoked;

/** The backend's own names for this person: by them it knows whom an event is about (D15). Latest used first. */
async function referencesOf(tx: Queries, lookupKey: string): Promise<string[]> {
  const rows = await tx
    .selectFrom('exports')
    .select('reference')
    .where('lookup_key', '=', lookupKey)
    .where('reference', 'is not', null)
    .groupBy('reference')
    .orderBy((e) => e.fn.max('seq'), 'desc')
    .limit(MAX_REFERENCES)
    .execute();
  return rows.flatMap((row) => (row.reference === null ? [] : [row.reference]));
}
