// Webhooks (MON-06; api.md section 2): each target of a DiGA is told the events of its exports, signed as Standard Webhooks,
// through egress (D18). Files: targets.ts (settings), signature.ts, attempt.ts (one try), deliveries.ts and settle.ts (what is
// still to be told, durably), lease.ts, lane.ts (the loop of one target). Knows neither api nor admin.
import { randomUUIDv7 } from 'node:crypto';
import type { Settings } from '../config.ts';
import { createEgress, type EgressOptions } from '../egress.ts';
import type { ErrorCode } from '../errors.ts';
import type { EventBell } from '../exports/outbox.ts';
import { attempt, type WebhookPost } from './attempt.ts';
import { backlog, nextTimes, readTarget } from './deliveries.ts';
import { Lane, type LaneHouse } from './lane.ts';
import { settleWorks } from './settle.ts';
import { shownUrl, type WebhookTarget, webhookAllowList, webhookTargets } from './targets.ts';

export type WebhookTestResult = {
  id: string;
  delivered: boolean;
  /** Status of the answer, null where none came. */
  status: number | null;
  code: ErrorCode | null;
  ms: number;
};

/** How a target stands, for operators. Never a secret. */
export type WebhookState = {
  diga: string;
  id: string;
  url: string;
  state: 'ok' | 'failing' | 'gone';
  lastSuccessAt: string | null;
  lastFailureAt: string | null;
  /** Of the last failure. */
  code: ErrorCode | null;
  status: number | null;
  failures: number;
  backlog: number;
  oldestAt: string | null;
  nextAttemptAt: string | null;
};

export type Webhooks = {
  start(): Promise<void>;
  /** `ms`: how long what is on its way may take. */
  stop(ms: number): Promise<void>;
  /** Ids of the targets of a DiGA. */
  targetsOf(diga: string): string[];
  /** Sends a message of type `webhook.test`, no event, to each target of the DiGA, or to the named one, now. */
  test(diga: string, id?: string): Promise<WebhookTestResult[]>;
  states(): Promise<WebhookState[]>;
  /** Resolves when nothing is on its way and nothing is due; for tests. */
  idle(): Promise<void>;
};

type WebhooksHouse = Omit<LaneHouse, 'post' | 'holder'> & {
  settings: Pick<Settings, 'environment' | 'digas'>;
  bell: EventBell;
  /** Told of every connection to a target (SEC-11). */
  security?: { connected: NonNullable<EgressOptions['onConnection']> };
  /** In the place of egress; for tests. */
  post?: WebhookPost;
};

/** Not started yet. EgressError NOT_ALLOWED for an address this environment cannot have. */
export function createWebhooks(o: WebhooksHouse): Webhooks {
  const { settings, db, now } = o;
  const egress = createEgress({
    environment: settings.environment,
    purposes: { webhook: webhookAllowList(settings.digas) },
    ...(o.security && { onConnection: o.security.connected }),
  });
  const post = o.post ?? ((request) => egress.request('webhook', request));
  const lanes = webhookTargets(settings.digas).map(
    (target) => new Lane(target, { ...o, post, holder: randomUUIDv7() }),
  );
  const ofDiga = (diga: string) => lanes.filter((lane) => lane.target.diga === diga);
  let deaf = () => {};
  o.metrics.onWebhookScrape(async () => {
    const rows = await backlog(db);
    return lanes.map(({ target: { key } }) => {
      const row = rows.find((r) => r.target === key);
      const oldestSeconds = row?.oldest == null ? 0 : Math.max(0, (now() - Number(row.oldest)) / 1000);
      return { target: key, count: Number(row?.count ?? 0), oldestSeconds };
    });
  });

  async function testOne(lane: Lane): Promise<WebhookTestResult> {
    const { target } = lane;
    const message = testMessage(target, now());
    const outcome = await attempt({ target, post, now }, message);
    const delivered = outcome.kind === 'delivered';
    if (delivered) {
      await settleWorks(db, target.key, now());
      lane.wake();
    }
    const code = delivered ? null : outcome.code;
    o.log.info('webhook tested', {
      diga: target.diga,
      name: target.id,
      ms: outcome.ms,
      ...(code !== null && { code }),
    });
    return { id: target.id, delivered, status: outcome.status, code, ms: outcome.ms };
  }

  async function stop(ms: number): Promise<void> {
    deaf();
    let cancel = () => {};
    const deadline = new Promise<void>((resolve) => {
      cancel = o.timer(ms, resolve);
    });
    const ended = Promise.all(lanes.map((lane) => lane.stop()));
    await Promise.race([ended, deadline]);
    cancel();
    // What is still on its way is cut off, and told again at the next start.
    await egress.close();
    await ended;
  }
  let stopped: Promise<void> | undefined;

  return {
    start: async () => {
      for (const lane of lanes) await lane.start();
      deaf = o.bell.listen(() => {
        for (const lane of lanes) lane.wake();
      });
    },
    stop: (ms) => {
      stopped ??= stop(ms);
      return stopped;
    },
    targetsOf: (diga) => ofDiga(diga).map((lane) => lane.target.id),
    test: (diga, id) =>
      Promise.all(
        ofDiga(diga)
          .filter((lane) => id === undefined || lane.target.id === id)
          .map(testOne),
      ),
    states: async () => {
      const rows = await backlog(db);
      return Promise.all(
        lanes.map(async ({ target }) => {
          const row = await readTarget(db, target.key);
          const waiting = rows.find((r) => r.target === target.key);
          const { due } = await nextTimes(db, { target: target.key, running: [] });
          const next = row.gone_at !== null || due === null ? null : Math.max(due, row.resume_at ?? 0);
          return {
            diga: target.diga,
            id: target.id,
            url: shownUrl(target.url),
            state: row.gone_at !== null ? 'gone' : row.failures > 0 ? 'failing' : 'ok',
            lastSuccessAt: time(row.last_success_at),
            lastFailureAt: time(row.last_failure_at),
            code: row.last_code,
            status: row.last_status,
            failures: row.failures,
            backlog: Number(waiting?.count ?? 0),
            oldestAt: time(waiting?.oldest ?? null),
            nextAttemptAt: time(next),
          } as const;
        }),
      );
    },
    idle: async () => {
      await Promise.all(lanes.map((lane) => lane.idle()));
    },
  };
}

/** The members of an event; it is none, so it has no seq. */
function testMessage({ diga }: WebhookTarget, at: number) {
  const id = randomUUIDv7();
  const body = { id, seq: null, type: 'webhook.test', at: new Date(at).toISOString(), diga, data: null };
  return { id, body: JSON.stringify(body) };
}

const time = (ms: number | null) => (ms === null ? null : new Date(Number(ms)).toISOString());
