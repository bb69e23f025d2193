// Webhooks over a real store, with receivers that answer as the test says and timers that the test lets pass. Everything that
// reaches a receiver is judged by the library of Standard Webhooks, which shares no code with ours.
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { vi } from 'vitest';
import { EgressError, type EgressErrorCode, type EgressRequest, type EgressResponse } from '../../gateway/egress.ts';
import { createEventBell } from '../../gateway/exports/outbox.ts';
import type { Database } from '../../gateway/exports/store.ts';
import type { LogFields } from '../../gateway/log.ts';
import { createMetrics, type Metrics } from '../../gateway/metrics.ts';
import { createWebhooks, type Webhooks } from '../../gateway/webhooks/webhooks.ts';
import type { standingClock } from './gateway-fakes.ts';
import { secretFile } from './gateway-fakes.ts';

/** One message as a receiver reads it. */
export type Told = {
  target: string;
  webhookId: string;
  body: { id: string; seq: number; type: string; at: string; diga: string; data: Record<string, unknown> };
  text: string;
  headers: Record<string, string>;
};

/** What a receiver does with one message: a status (with headers), a failure of the connection, or later. */
export type ReceiverAnswer = number | { status: number; headers: Record<string, string> } | EgressErrorCode;
export type Receiver = (told: Told) => ReceiverAnswer | Promise<ReceiverAnswer>;

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
export const OTHER_SECRET = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;

/** The message as the library verifies it at `now`; throws where it is not signed with `secret`. */
export function verified(told: Pick<Told, 'text' | 'headers'>, secret: string, now: number): unknown {
  vi.useFakeTimers({ toFake: ['Date'], now });
  try {
    return new Webhook(secret).verify(told.text, told.headers);
  } finally {
    vi.useRealTimers();
  }
}

type TargetChange = { previousSecretFile?: string; events?: readonly string[]; language?: 'de' | 'en'; diga?: string };

export type WebhookBench = {
  hooks: Webhooks;
  bell: ReturnType<typeof createEventBell>;
  metrics: Metrics;
  logs: { level: string; event: string; fields: LogFields }[];
  /** In the order in which they arrived. */
  told: Told[];
  receivers: Record<string, Receiver>;
  /** Resolves when a line with this event has been logged. */
  logged(event: string): Promise<void>;
  /** Begins, and rests. */
  start(): Promise<void>;
  /** Lets `ms` pass: every timer due by then fires, and what it starts comes to rest. */
  pass(ms: number): Promise<void>;
  /** Rings and waits until nothing is on its way. */
  rest(): Promise<void>;
};

/** One gateway's webhooks; several may share one `db`. Receivers that are not named take everything. */
export function webhookBench(o: {
  db: Database;
  directory: string;
  clock: ReturnType<typeof standingClock>;
  targets: Record<string, TargetChange>;
  receivers?: Record<string, Receiver>;
  random?: () => number;
}): WebhookBench {
  const { clock, db } = o;
  const file = secretFile(o.directory, 'webhook.secret', `${SECRET}\n`);
  const bell = createEventBell();
  const metrics = createMetrics();
  const logs: WebhookBench['logs'] = [];
  const log =
    (level: string) =>
    (event: string, fields: LogFields = {}) => {
      logs.push({ level, event, fields });
      waiting.get(event)?.resolve();
    };
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const told: Told[] = [];
  const receivers: Record<string, Receiver> = { ...o.receivers };
  const timers = new Set<{ at: number; fire: () => void }>();
  const timer = (ms: number, fire: () => void) => {
    const mine = { at: clock.now() + ms, fire };
    timers.add(mine);
    return () => void timers.delete(mine);
  };
  const post = async (request: EgressRequest): Promise<EgressResponse> => {
    const one = readMessage(request);
    verified(one, SECRET, clock.now());
    told.push(one);
    const answer = await (receivers[one.target.split('/')[1] ?? ''] ?? (() => 204))(one);
    if (typeof answer === 'string') throw new EgressError(answer, 'as the test says', { bytesSent: true });
    const { status, headers } = typeof answer === 'number' ? { status: answer, headers: {} } : answer;
    return { status, headers, body: new Uint8Array() };
  };
  const webhook = ([id, change]: [string, TargetChange]) => ({
    id,
    url: `http://127.0.0.1:9/${id}`,
    secretFile: file,
    language: change.language ?? ('de' as const),
    ...(change.previousSecretFile !== undefined && {
      previousSecretFile: join(o.directory, change.previousSecretFile),
    }),
    ...(change.events !== undefined && { events: [...change.events] as 'export.written'[] }),
  });
  const diga = (id: string) => ({
    id,
    name: id,
    manufacturer: id,
    telematikId: `9-${id}`,
    konnektors: ['k1'],
    mioVersions: ['1.1.0'],
    webhooks: Object.entries(o.targets)
      .filter(([, change]) => (change.diga ?? 'demo') === id)
      .map(webhook),
  });
  const hooks = createWebhooks({
    settings: { environment: 'SIM', digas: [diga('demo'), diga('second')] },
    db,
    bell,
    metrics,
    log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    now: clock.now,
    random: o.random ?? (() => 0),
    timer,
    post,
  });
  return {
    hooks,
    bell,
    metrics,
    logs,
    told,
    receivers,
    logged: (event) => {
      const gate = waiting.get(event) ?? Promise.withResolvers<void>();
      waiting.set(event, gate);
      if (logs.some((line) => line.event === event)) gate.resolve();
      return gate.promise;
    },
    start: async () => {
      await hooks.start();
      await hooks.idle();
    },
    pass: async (ms) => {
      const end = clock.now() + ms;
      for (;;) {
        const next = [...timers].filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        clock.advance(Math.max(0, next.at - clock.now()));
        timers.delete(next);
        next.fire();
        await hooks.idle();
      }
      clock.advance(end - clock.now());
    },
    rest: async () => {
      bell.ring();
      await hooks.idle();
    },
  };
}

function readMessage(request: EgressRequest): Told {
  const text = Buffer.from(request.body as Uint8Array).toString('utf8');
  const headers = request.headers ?? {};
  return {
    target: request.target ?? '',
    webhookId: headers['webhook-id'] ?? '',
    body: JSON.parse(text),
    text,
    headers,
  };
}
