// The alarms of one gateway with their channels, for main.ts and the admin listener: begins, ends, and fires one as a test.
import { randomUUIDv7 } from 'node:crypto';
import type { Settings } from '../config.ts';
import { createEgress, type EgressOptions } from '../egress.ts';
import { catalogue, type ErrorCode } from '../errors.ts';
import type { Database } from '../exports/database.ts';
import type { Timer } from '../exports/worker.ts';
import type { Logger } from '../log.ts';
import type { WebhookPost } from '../webhooks/attempt.ts';
import { type Alarm, type Alarms, createAlarms } from './alarms.ts';
import { type AlarmChannel, alarmAllowList, webhookChannels } from './channels.ts';
import { type AlarmLane, startLane } from './lane.ts';
import { mailChannel } from './mail-channel.ts';
import { backlogOf, type SendOutcome } from './messages.ts';

export type AlarmTest = {
  channel: string;
  kind: AlarmChannel['kind'];
  delivered: boolean;
  status: number | null;
  code: ErrorCode | null;
  ms: number;
};

/** `waiting`: messages the channel has not taken, the first of them since `since`; `code`: why its last try failed. */
export type ChannelState = {
  id: string;
  kind: AlarmChannel['kind'];
  waiting: number;
  since: number | null;
  code: ErrorCode | null;
};

export type AlarmService = Alarms & {
  channels(): Promise<ChannelState[]>;
  /** Tells every channel now of an alarm of this code that is none. */
  test(code: ErrorCode): Promise<AlarmTest[]>;
  idle(): Promise<void>;
  stop(): Promise<void>;
};

/** Not started yet: causes that are raised before wait in the store. */
export function createAlarmService(o: {
  settings: Pick<Settings, 'environment' | 'alarms'>;
  db: Database;
  /** This gateway, by the id of its data directory. */
  gateway: string;
  now: () => number;
  timer: Timer;
  log: Logger;
  security?: { connected: NonNullable<EgressOptions['onConnection']> };
  /** In the place of egress; for tests. */
  post?: WebhookPost;
}): AlarmService {
  const { settings, db, now } = o;
  const { environment } = settings;
  const { webhooks } = settings.alarms;
  const egress = createEgress({
    environment,
    purposes: { webhook: alarmAllowList(webhooks) },
    ...(o.security && { onConnection: o.security.connected }),
  });
  const post = o.post ?? ((request) => egress.request('webhook', request));
  const { mail } = settings.alarms;
  const channels: AlarmChannel[] = [
    ...webhookChannels({ webhooks, environment, post, now }),
    ...(mail === undefined ? [] : [mailChannel({ mail, environment, now })]),
  ];
  let lanes: AlarmLane[] = [];
  const alarms = createAlarms({
    db,
    now,
    log: o.log,
    channels: channels.map(({ id }) => id),
    gateway: o.gateway,
    wake: () => {
      for (const lane of lanes) lane.wake();
    },
  });
  return {
    ...alarms,
    start: async () => {
      lanes = channels.map((channel) => startLane({ ...o, channel }));
      await alarms.start();
    },
    channels: () =>
      Promise.all(
        channels.map(async ({ id, kind }) => {
          const { count, since, code } = await backlogOf(db, id);
          return { id, kind, waiting: count, since, code };
        }),
      ),
    test: async (code) => {
      const at = now();
      const alarm = testAlarm(code, at);
      const one = async (channel: AlarmChannel): Promise<AlarmTest> => {
        const outcome: SendOutcome = await channel.send({ id: alarm.id, type: 'test', at, alarm });
        const failed = outcome.ok ? null : outcome.code;
        o.log.info('alarm tested', { name: channel.id, ms: outcome.ms, ...(failed && { code: failed }) });
        const { ms, status } = outcome;
        return { channel: channel.id, kind: channel.kind, delivered: outcome.ok, status, code: failed, ms };
      };
      return await Promise.all(channels.map(one));
    },
    idle: async () => {
      await alarms.settled();
      await Promise.all(lanes.map((lane) => lane.idle()));
    },
    stop: async () => {
      await alarms.settled();
      const ended = Promise.all(lanes.map((lane) => lane.stop()));
      // What is on its way is cut off, and told again at the next start.
      await egress.close();
      await ended;
    },
  };
}

const testAlarm = (code: ErrorCode, at: number): Alarm => ({
  id: randomUUIDv7(),
  key: `test.${code}`,
  code,
  subject: 'test',
  diga: null,
  remedy: catalogue[code].remedy,
  stage: '',
  details: {},
  raisedAt: at,
  stageAt: at,
  clearedAt: null,
});
