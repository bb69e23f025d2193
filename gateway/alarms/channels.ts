// How alarms reach people (MON-03): webhooks signed as every other (Standard Webhooks) through egress (D18), and mail. Each channel
// is told its messages in order by a loop of its own, so one that is dead keeps no other waiting.
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { Settings } from '../config.ts';
import type { EgressTarget } from '../egress.ts';
import { GatewayError } from '../errors.ts';
import { attempt, type WebhookPost } from '../webhooks/attempt.ts';
import { readSecret } from '../webhooks/signature.ts';
import type { AlarmMessage, SendOutcome } from './messages.ts';
import { viewAlarm } from './text.ts';

export type AlarmChannel = {
  /** Its name in the store: `webhook/<id>` or `mail`. */
  id: string;
  kind: 'webhook' | 'mail';
  /** Never throws. */
  send(message: AlarmMessage): Promise<SendOutcome>;
};

type Webhooks = Settings['alarms']['webhooks'];

/** The allow-list of purpose `webhook` for alarms; without a `caFile` the public CAs that Node brings. */
export function alarmAllowList(webhooks: Webhooks): EgressTarget[] {
  return webhooks.map(({ id, url, caFile }) => {
    const { origin, protocol } = new URL(url);
    const ca = caFile === undefined ? [...rootCertificates] : readFileSync(caFile, 'utf8');
    return { id, origin, ...(protocol === 'https:' && { ca }) };
  });
}

/** GatewayError CONFIG_INVALID for a secret that has become unreadable since the settings were read. */
export function webhookChannels(o: {
  webhooks: Webhooks;
  environment: string;
  post: WebhookPost;
  now: () => number;
}): AlarmChannel[] {
  return o.webhooks.map((w) => {
    const secrets = [w.secretFile, w.previousSecretFile].flatMap((path) =>
      path === undefined ? [] : [secretOf(path)],
    );
    const target = { key: w.id, diga: '', id: w.id, url: w.url, secrets, events: undefined, language: w.language };
    return {
      id: `webhook/${w.id}`,
      kind: 'webhook',
      send: async (message) => {
        const { environment } = o;
        const at = new Date(message.at).toISOString();
        const data = viewAlarm(message.alarm, w.language);
        const body = JSON.stringify({ id: message.id, type: `alarm.${message.type}`, at, environment, data });
        const outcome = await attempt({ target, post: o.post, now: o.now }, { id: message.id, body });
        const { ms, status } = outcome;
        if (outcome.kind === 'delivered') return { ok: true, status, ms };
        return { ok: false, code: outcome.code, status, retryAfterMs: outcome.retryAfterMs, ms };
      },
    };
  });
}

function secretOf(path: string): Uint8Array {
  const secret = readSecret(readFileSync(path, 'utf8'));
  if (secret === undefined) throw new GatewayError('CONFIG_INVALID', 'the secret of an alarm webhook cannot be read');
  return secret;
}
