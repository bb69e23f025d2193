// Where the last OCSP answer about each certificate lies (CRT-04): in the store, or for a doctor without one in memory.
import type { Database } from '../exports/database.ts';

export type KeptAnswer = { answer: Uint8Array | null; answeredAt: number | null; firstAskedAt: number };
export type KeptAnswers = {
  read(fingerprint: string): Promise<KeptAnswer | undefined>;
  /** For the first time. */
  asked(fingerprint: string, at: number): Promise<void>;
  put(fingerprint: string, answer: Uint8Array, at: number): Promise<void>;
};

export const storedAnswers = (db: Database): KeptAnswers => ({
  read: async (fingerprint) => {
    const row = await db
      .selectFrom('ocsp_answers')
      .selectAll()
      .where('fingerprint', '=', fingerprint)
      .executeTakeFirst();
    const number = (value: number | null) => (value === null ? null : Number(value));
    return row && { answer: row.answer, answeredAt: number(row.answered_at), firstAskedAt: Number(row.first_asked_at) };
  },
  asked: async (fingerprint, at) => {
    await db
      .insertInto('ocsp_answers')
      .values({ fingerprint, answer: null, answered_at: null, first_asked_at: at })
      .onConflict((c) => c.doNothing())
      .execute();
  },
  put: async (fingerprint, answer, at) => {
    await db
      .updateTable('ocsp_answers')
      .set({ answer, answered_at: at })
      .where('fingerprint', '=', fingerprint)
      .execute();
  },
});

export function answersInMemory(): KeptAnswers {
  const answers = new Map<string, KeptAnswer>();
  return {
    read: async (fingerprint) => answers.get(fingerprint),
    asked: async (fingerprint, at) =>
      void answers.set(fingerprint, { answer: null, answeredAt: null, firstAskedAt: at }),
    put: async (fingerprint, answer, at) =>
      void answers.set(fingerprint, { firstAskedAt: at, ...answers.get(fingerprint), answer, answeredAt: at }),
  };
}
