// Who was turned away, in the audit trail (SEC-09): strangers without a known key, known callers who asked for what is not
// theirs, and whoever answered us and failed a trust check (SEC-11). Counted for a minute and written as one entry each, so that
// nobody fills the trail by being refused.
import { asGatewayError, type ErrorCode } from '../errors.ts';
import { type Logger, stackOf } from '../log.ts';
import { type Asking, type AuditEntry, appendAudit, GATEWAY } from './audit.ts';
import type { Database } from './database.ts';
import type { Timer } from './worker.ts';

export const REFUSALS_EVERY_MS = 60_000;

export type AuditRefusals = {
  /** No key, a wrong one, or too many of them. */
  unauthenticated(): void;
  /** A known caller, whose first such request in this minute is named. */
  denied(by: Asking): void;
  /** The other side of a connection of ours failed this check (gateway/security-events.ts). */
  untrusted(event: { code: ErrorCode; check: string; recordSystem?: string; diga?: string; address?: string }): void;
  /** Writes down what was counted so far. */
  stop(): Promise<void>;
};

type Counted = Asking & Pick<AuditEntry, 'action' | 'result' | 'diga' | 'details'> & { count: number };

export function createAuditRefusals(o: { db: Database; now: () => number; timer: Timer; log: Logger }): AuditRefusals {
  // As many as there are callers in the settings, one for all strangers, and one for each check and place of the settings.
  let counted = new Map<string, Counted>();
  let cancel = () => {};

  const add = (name: string, first: Omit<Counted, 'count'>) => {
    if (counted.size === 0) cancel = o.timer(REFUSALS_EVERY_MS, () => void write());
    const before = counted.get(name) ?? { ...first, count: 0 };
    counted.set(name, { ...before, count: before.count + 1 });
  };
  const write = async () => {
    cancel();
    const due = [...counted.values()];
    counted = new Map();
    if (due.length === 0) return;
    try {
      await o.db.transaction().execute(async (tx) => {
        for (const { count, details, ...entry } of due)
          await appendAudit(tx, { ...entry, at: o.now(), details: { ...details, count } });
      });
    } catch (thrown) {
      const { code } = asGatewayError(thrown);
      o.log.error('refusals not in the audit trail', { code, count: due.length, stack: stackOf(thrown) });
    }
  };
  return {
    unauthenticated: () => add('', { actor: GATEWAY, action: 'authentication.failed', result: 'UNAUTHENTICATED' }),
    denied: (by) => add(`${by.actor.kind} ${by.actor.id}`, { ...by, action: 'access.denied', result: 'FORBIDDEN' }),
    untrusted: ({ code, check, diga, ...place }) =>
      add(JSON.stringify([code, check, diga, place]), {
        actor: GATEWAY,
        action: 'trust.refused',
        result: code,
        ...(diga !== undefined && { diga }),
        details: { check, ...place },
      }),
    stop: write,
  };
}
