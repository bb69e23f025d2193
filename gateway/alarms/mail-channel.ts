// Alarms by mail (MON-03): one message per alarm, stage and end, in the words of text.ts. Its Message-ID is the message's own, so a
// repeat after a lost answer is recognised as the same.
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { Settings } from '../config.ts';
import { type Mail, MailError, type MailFailure, type MailServer, sendMail } from '../egress-mail.ts';
import type { ErrorCode } from '../errors.ts';
import type { AlarmChannel } from './channels.ts';
import { textOf, titleOf } from './text.ts';

const CODE: Record<MailFailure, ErrorCode> = {
  unreachable: 'MAIL_UNREACHABLE',
  tls: 'MAIL_TLS_UNTRUSTED',
  refused: 'MAIL_REFUSED',
};

export function mailChannel(o: {
  mail: NonNullable<Settings['alarms']['mail']>;
  environment: Settings['environment'];
  now: () => number;
  /** In the place of SMTP; for tests. */
  send?: (server: MailServer, mail: Mail) => Promise<void>;
}): AlarmChannel {
  const { host, port, security, caFile, user, passwordFile, from, to, language } = o.mail;
  const { send = sendMail, environment } = o;
  return {
    id: 'mail',
    kind: 'mail',
    send: async (message) => {
      const began = o.now();
      const ms = () => Math.max(0, o.now() - began);
      try {
        const server: MailServer = {
          ...{ host, port, security, environment },
          ca: caFile === undefined ? [...rootCertificates] : readFileSync(caFile, 'utf8'),
          login:
            user === undefined || passwordFile === undefined
              ? undefined
              : { user, password: readFileSync(passwordFile, 'utf8').trim() },
        };
        await send(server, {
          ...{ from, to },
          subject: titleOf(message, environment, language),
          text: textOf(message, environment, language),
          messageId: `<${message.id}@epa-gateway.invalid>`,
          date: new Date(message.at),
        });
        return { ok: true, status: null, ms: ms() };
      } catch (thrown) {
        const code = thrown instanceof MailError ? CODE[thrown.failure] : 'MAIL_UNREACHABLE';
        return { ok: false, code, status: null, retryAfterMs: null, ms: ms() };
      }
    },
  };
}
