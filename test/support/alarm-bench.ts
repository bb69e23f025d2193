// Alarms over a real store, with receivers that answer as the test says and a clock moved by hand. What reaches a receiver is
// judged by the library of Standard Webhooks.
import { createAlarmService } from '../../gateway/alarms/service.ts';
import { EgressError, type EgressErrorCode, type EgressRequest, type EgressResponse } from '../../gateway/egress.ts';
import type { Database } from '../../gateway/exports/database.ts';
import { silentLogger } from '../../gateway/log.ts';
import { settingsManifest } from '../../gateway/tables/settings-manifest.ts';
import { secretFile, type standingClock } from './gateway-fakes.ts';
import { SECRET, verified } from './webhook-bench.ts';

export type AlarmTold = {
  channel: string;
  webhookId: string;
  body: {
    id: string;
    type: string;
    at: string;
    environment: string;
    data: {
      key: string;
      code: string;
      subject: string;
      stage: string | null;
      remedy: string;
      clearedAt: string | null;
    };
  };
  text: string;
};
export type AlarmBench = ReturnType<typeof alarmBench>;

/** The settings of `alarms` with their defaults. */
export const alarmSettings = (change: object = {}) => settingsManifest.shape.alarms.parse(change);

export function alarmBench(o: {
  db: Database;
  directory: string;
  clock: ReturnType<typeof standingClock>;
  channels?: readonly string[];
  /** Another one on the same store. */
  gateway?: string;
  language?: 'de' | 'en';
}) {
  const { db, clock } = o;
  const secret = secretFile(o.directory, 'alarms.secret', `${SECRET}\n`);
  const told: AlarmTold[] = [];
  const answers = new Map<string, () => number | EgressErrorCode>();
  const timers = new Set<{ at: number; fire: () => void }>();
  const webhooks = (o.channels ?? ['ops']).map((id) => ({
    id,
    url: `http://127.0.0.1:9/${id}`,
    secretFile: secret,
    language: o.language ?? 'de',
  }));
  const post = async (request: EgressRequest): Promise<EgressResponse> => {
    const text = Buffer.from(request.body as Uint8Array).toString('utf8');
    verified({ text, headers: request.headers ?? {} }, SECRET, clock.now());
    const channel = request.target ?? '';
    told.push({ channel, webhookId: request.headers?.['webhook-id'] ?? '', body: JSON.parse(text), text });
    const answer = answers.get(channel)?.() ?? 204;
    if (typeof answer === 'string') throw new EgressError(answer, 'as the test says', { bytesSent: true });
    return { status: answer, headers: {}, body: new Uint8Array() };
  };
  const alarms = createAlarmService({
    settings: { environment: 'SIM', alarms: alarmSettings({ webhooks }) },
    db,
    gateway: o.gateway ?? 'gateway-1',
    now: clock.now,
    log: silentLogger,
    timer: (ms, fire) => {
      const mine = { at: clock.now() + ms, fire };
      timers.add(mine);
      return () => void timers.delete(mine);
    },
    post,
  });
  return {
    alarms,
    told,
    answers,
    /** What a channel was told, in order: type and code, with the stage where there is one. */
    heard: (channel = 'ops') =>
      told
        .filter((one) => one.channel === channel)
        .map(({ body: { type, data } }) => [type, data.code, ...(data.stage === null ? [] : [data.stage])].join(' ')),
    /** Lets `ms` pass: what is due is told. */
    pass: async (ms: number) => {
      await alarms.idle();
      const end = clock.now() + ms;
      for (;;) {
        const next = [...timers].filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        timers.delete(next);
        clock.advance(Math.max(0, next.at - clock.now()));
        next.fire();
        await alarms.idle();
      }
      clock.advance(end - clock.now());
    },
  };
}
