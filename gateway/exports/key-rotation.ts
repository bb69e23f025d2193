// Rotation of DiGA and log keys while exports go on (D6, D7, SEC-07): a new generation is stored, what the old one wraps is
// wrapped anew in small transactions, and the old one is dropped when nothing needs it. Each step is whole or not at all and
// may be done twice; an open rotation stands in the store, so a crash loses nothing and the next start goes on.
import { asGatewayError, GatewayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Vault } from '../vault/keys.ts';
import { appendAudit } from './audit.ts';
import { type Checkpoint, durably } from './checkpoints.ts';
import type { Database, Queries } from './database.ts';
import { HOLDERS, type Holder } from './key-holders.ts';

export type RotationState = {
  id: number;
  digas: string[];
  startedBy: string;
  startedAt: number;
  finishedAt: number | null;
  /** Data keys wrapped anew so far, and those that did not open: their generation is kept. */
  rewrapped: number;
  unreadable: number;
};

/** `by`: the operator. */
export type RotationOrder = { digas: readonly string[]; by: string; requestId?: string };

export type KeyRotation = {
  /** Durable when it answers; the rest goes on by itself. KEY_ROTATION_RUNNING. */
  start(o: RotationOrder): Promise<RotationState>;
  /** Goes on with what an earlier process, or another gateway, has begun. */
  resume(): Promise<void>;
  /** The newest rotation, or null before the first. */
  latest(): Promise<RotationState | null>;
  /** Resolves when nothing of it runs here. */
  idle(): Promise<void>;
  /** Ends behind the step that runs; the next start goes on. */
  stop(): Promise<void>;
};

const AT_ONCE = 100;

export function createKeyRotation(o: {
  db: Database;
  vault: Vault;
  now: () => number;
  log: Logger;
  checkpoint?: Checkpoint | undefined;
}): KeyRotation {
  const { db, vault, now, log } = o;
  const step = <T>(run: (tx: Queries) => Promise<T>) => durably(db, { turn: 'rotate', checkpoint: o.checkpoint }, run);
  let running: Promise<void> = Promise.resolve();
  let busy = 0;
  let stopped = false;

  async function start(order: RotationOrder): Promise<RotationState> {
    // Another gateway may have rotated since: the generations must be counted on from there.
    await vault.reload();
    const next = order.digas.map((diga) => vault.nextGeneration(diga));
    const begun = await step(async (tx) => {
      const row = await tx
        .insertInto('key_rotations')
        .values({
          open: 1,
          digas: JSON.stringify(order.digas),
          started_by: order.by,
          started_at: now(),
          rewrapped: 0,
          unreadable: 0,
          finished_at: null,
        })
        .onConflict((c) => c.column('open').doNothing())
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) return undefined;
      for (const { data, log: logKey } of next) {
        await tx.insertInto('keys').values(data).execute();
        // A pseudonym names a person in log lines only: its old key is needed for nothing (D6).
        await tx.updateTable('keys').set({ wrapped: logKey.wrapped }).where('name', '=', logKey.name).execute();
      }
      for (const [n, diga] of order.digas.entries())
        await appendAudit(tx, {
          at: now(),
          actor: { kind: 'operator', id: order.by },
          ...(order.requestId !== undefined && { requestId: order.requestId }),
          action: 'keys.rotated',
          object: { kind: 'key', id: next[n]?.data.name ?? '' },
          diga,
        });
      return viewOf(row);
    });
    if (begun === undefined) {
      // Perhaps of a gateway that is gone.
      await resume();
      throw new GatewayError('KEY_ROTATION_RUNNING', 'a key rotation is still running');
    }
    await vault.reload();
    log.info('key rotation started', { count: order.digas.length, operator: order.by });
    go(begun);
    return begun;
  }

  /** One after another here; two gateways on the same rotation do not disturb each other. */
  function go(state: RotationState): void {
    busy++;
    running = running
      .then(() => (stopped ? undefined : run(state)))
      .catch((thrown) => log.error('key rotation interrupted', { code: asGatewayError(thrown).code }))
      .finally(() => {
        busy--;
      });
  }

  async function resume(): Promise<void> {
    const state = await latest();
    if (state === null || state.finishedAt !== null || busy > 0) return;
    log.warn('key rotation taken up again', { count: state.rewrapped });
    go(state);
  }

  async function run(state: RotationState): Promise<void> {
    for (let ended = false; !ended; ) {
      let unreadable = 0;
      for (const diga of state.digas)
        for (const holder of HOLDERS) {
          unreadable += await rewrapAll({ state, diga, holder });
          if (stopped) return;
        }
      ended = await finish(state, unreadable);
    }
    await vault.reload();
    log.info('keys rotated', { count: (await latest())?.rewrapped ?? 0 });
  }

  /** Answers how many do not open. */
  async function rewrapAll({ state, diga, holder }: { state: RotationState; diga: string; holder: Holder }) {
    let unreadable = 0;
    for (let after = ''; !stopped; ) {
      const { newest, older } = vault.generations(diga);
      if (older.length === 0) break;
      const page = await holder.page(db, { under: older, after, limit: AT_ONCE });
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.id;
      const anew: { id: string; was: string; wrapped: Uint8Array }[] = [];
      for (const { id, under, wrapped } of page)
        try {
          anew.push({ id, was: under, ...(await vault.rewrapDataKey(diga, holder.nameOf(id), wrapped)) });
        } catch (thrown) {
          unreadable++;
          log.error('a data key does not open', { code: asGatewayError(thrown).code });
        }
      if (anew.length === 0) continue;
      await step(async (tx) => {
        let done = 0;
        for (const { id, was, wrapped } of anew) done += await holder.replace(tx, { id, was, wrapped, under: newest });
        await tx
          .updateTable('key_rotations')
          .set((e) => ({ rewrapped: e('rewrapped', '+', done) }))
          .where('id', '=', state.id)
          .execute();
      });
    }
    return unreadable;
  }

  /** Drops what nothing needs and closes the rotation. False: another gateway has wrapped something under it meanwhile. */
  async function finish(state: RotationState, unreadable: number): Promise<boolean> {
    const older = state.digas.flatMap((diga) => vault.generations(diga).older);
    const needed = async (queries: Queries) => {
      let count = 0;
      for (const holder of HOLDERS) count += await holder.count(queries, older);
      return count;
    };
    try {
      return await step(async (tx) => {
        const left = await needed(tx);
        if (left > unreadable) return false;
        if (left === 0 && older.length > 0) for (const holder of HOLDERS) await holder.release(tx, older);
        if (left === 0 && older.length > 0) await tx.deleteFrom('keys').where('name', 'in', older).execute();
        await tx
          .updateTable('key_rotations')
          .set({ open: null, unreadable, finished_at: now() })
          .where('id', '=', state.id)
          .execute();
        return true;
      });
    } catch (thrown) {
      // The database refuses to drop a key that is needed again.
      if ((await needed(db)) > unreadable) return false;
      throw thrown;
    }
  }

  async function latest(): Promise<RotationState | null> {
    const row = await db.selectFrom('key_rotations').selectAll().orderBy('id', 'desc').limit(1).executeTakeFirst();
    return row === undefined ? null : viewOf(row);
  }

  return {
    start,
    latest,
    resume,
    idle: () => running,
    stop: () => {
      stopped = true;
      return running;
    },
  };
}

type Row = {
  id: number;
  digas: string;
  started_by: string;
  started_at: number;
  rewrapped: number;
  unreadable: number;
  finished_at: number | null;
};

const viewOf = (row: Row): RotationState => ({
  id: row.id,
  digas: JSON.parse(row.digas) as string[],
  startedBy: row.started_by,
  startedAt: row.started_at,
  finishedAt: row.finished_at,
  rewrapped: row.rewrapped,
  unreadable: row.unreadable,
});
