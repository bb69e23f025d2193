// Taking an export in: what JSON, multipart and batch have in common between a body that was read and its 202. First whether
// the Idempotency-Key names an export already, then everything that must be right (D5), then the one transaction.
import { acceptExport, checkTimes, type ExportOrder } from '../exports/accept.ts';
import { foresee } from '../exports/dry-run.ts';
import type { Finding } from '../exports/finding.ts';
import { idempotencyKey, replayOf } from '../exports/idempotency.ts';
import type { Staging } from '../exports/staging.ts';
import type { ExportsApi } from './exports.ts';
import { RequestError } from './problem.ts';
import { onGrounds, type Submission, type Terms } from './submission.ts';

/** Visible ASCII (api.md section 2). */
export const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/;

/** `warnings`: of its documents; none of a replay. */
export type Taken = { id: string; diga: string; replayed: boolean; warnings: Finding[] };

export type Intake = {
  /** Refuses a second request with the same key until the answered function is called: IDEMPOTENCY_KEY_IN_USE. */
  hold(of: { client: string; diga: string }, key: string | null): () => void;
  /** Refuses an order that could never go, before its documents are here. */
  early(terms: Terms): void;
  /** 202, or a refusal. The key must be held. */
  take(
    submission: Submission,
    o: { key: string | null; requestId: string; staging?: Staging | undefined },
  ): Promise<Taken>;
  /** What `take` would do; nothing is stored. */
  foresee(submission: Submission): Promise<{
    order: ExportOrder;
    foreseen: Awaited<ReturnType<typeof foresee>>;
    warnings: Finding[];
  }>;
};

export function createIntake(api: ExportsApi): Intake {
  const inFlight = new Set<string>();
  return {
    hold: ({ client, diga }, key) => {
      if (key === null) return () => {};
      const lock = JSON.stringify([client, diga, key]);
      if (inFlight.has(lock))
        throw new RequestError(
          'IDEMPOTENCY_KEY_IN_USE',
          'the first request with this Idempotency-Key is not answered yet',
        );
      inFlight.add(lock);
      return () => void inFlight.delete(lock);
    },
    early: (terms) => refuseUntimely(checkTimes(terms, api.now())),
    take: async ({ terms, named, prepare }, { key, requestId, staging }) => {
      const { db, vault, checkpoint } = api;
      const idempotent = key === null ? null : idempotencyKey(vault, key, named);
      const replay = idempotent === null ? undefined : await replayOf(db, terms, idempotent);
      if (replay !== undefined) return { id: replay, diga: terms.diga, replayed: true, warnings: [] };
      const by = { key: idempotent, requestId, staging, checkpoint };
      return onGrounds(async () => {
        const { warnings, ...documents } = await prepare(checkTimes(terms, api.now()));
        const order = { ...terms, ...documents };
        const { id, replayed, superseded } = await acceptExport({ db, vault, order, now: api.now(), ...by });
        if (!replayed) tell(api, order, { id, superseded });
        return { id, diga: order.diga, replayed, warnings: replayed ? [] : warnings };
      });
    },
    foresee: async ({ terms, prepare }) => {
      const { warnings, ...documents } = await onGrounds(() => prepare(checkTimes(terms, api.now())));
      const order = { ...terms, ...documents };
      return { order, foreseen: await foresee({ ...api, order, now: api.now() }), warnings };
    },
  };
}

function refuseUntimely(findings: Finding[]): void {
  if (findings.length > 0)
    throw new RequestError('EXPORT_INVALID', 'the export could never go as it is, see findings', { findings });
}

function tell(api: ExportsApi, order: ExportOrder, accepted: { id: string; superseded: string[] }): void {
  api.metrics.exportEntered('queued', null);
  for (const id of accepted.superseded) {
    api.finalWaits.ended(id);
    api.metrics.exportEntered('superseded', 'SUPERSEDED');
    api.log.info('export superseded', { export: id, code: 'SUPERSEDED' });
  }
  const person = api.vault.pseudonym(order.diga, order.kvnr);
  api.log.info('export accepted', { export: accepted.id, diga: order.diga, client: order.client, person });
  api.wake();
}
