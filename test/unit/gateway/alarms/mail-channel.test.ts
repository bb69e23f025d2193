// Alarms by mail (MON-03) to a small SMTP server of this test, over TLS from the first byte and by STARTTLS: what it says, and that
// nothing is sent to a server that is not trusted, offers no TLS, or refuses.
import { createServer as createPlain, type Server, type Socket } from 'node:net';
import { createServer as createTls, TLSSocket } from 'node:tls';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { mintRoot } from '../../../../certs/mint.ts';
import type { Alarm } from '../../../../gateway/alarms/alarms.ts';
import { mailChannel } from '../../../../gateway/alarms/mail-channel.ts';
import type { AlarmMessage } from '../../../../gateway/alarms/messages.ts';
import { catalogue } from '../../../../gateway/errors.ts';
import { serverTlsOptions } from '../../../../wire/tls.ts';
import { alarmSettings } from '../../../support/alarm-bench.ts';
import { secretFile, temporaryDirectory } from '../../../support/gateway-fakes.ts';
import { type Identity, listen, mintIdentity } from '../../../support/https-server.ts';

let identity: Identity;
const directory = temporaryDirectory();
const opened: Server[] = [];
beforeAll(() => {
  identity = mintIdentity({ dns: ['localhost'], ip: ['127.0.0.1'] });
});
afterEach(() => {
  for (const server of opened.splice(0)) server.close();
});

type Smtp = { port: number; heard: string[] };

/** Speaks just enough SMTP; `answers` replaces what it says to a verb, or to one whole line. */
async function smtp(o: { kind: 'tls' | 'starttls' | 'plain'; answers?: Record<string, string> }): Promise<Smtp> {
  const heard: string[] = [];
  const tls = serverTlsOptions({ cert: identity.leaf.certPem, key: identity.leaf.keyPem });
  const talk = (socket: Socket, secure: boolean) => {
    let data = false;
    let text = '';
    const say = (line: string) => socket.write(`${line}\r\n`);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (let at = text.indexOf('\r\n'); at >= 0; at = text.indexOf('\r\n')) {
        const line = text.slice(0, at);
        text = text.slice(at + 2);
        heard.push(line);
        if (data) {
          if (line === '.') {
            data = false;
            say(o.answers?.['.'] ?? '250 taken');
          }
          continue;
        }
        const verb = line.split(/[ :]/)[0]?.toUpperCase() ?? '';
        const told = o.answers?.[line] ?? o.answers?.[verb];
        if (told !== undefined) say(told);
        else if (verb === 'EHLO')
          say(o.kind === 'starttls' && !secure ? '250-me\r\n250 STARTTLS' : '250-me\r\n250 AUTH PLAIN');
        else if (verb === 'STARTTLS' && o.kind === 'plain') say('502 no');
        else if (verb === 'STARTTLS') {
          say('220 go');
          socket.removeAllListeners('data');
          const upgraded = new TLSSocket(socket, { ...tls, isServer: true });
          talk(upgraded, true);
          return;
        } else if (verb === 'DATA') {
          data = true;
          say('354 go');
        } else if (verb === 'AUTH') say('235 in');
        else if (verb === 'QUIT') socket.end('221 bye\r\n');
        else say('250 ok');
      }
    });
  };
  const greet = (socket: Socket) => {
    talk(socket, o.kind === 'tls');
    socket.write('220 me\r\n');
  };
  const server = o.kind === 'tls' ? createTls(tls, greet) : createPlain(greet);
  opened.push(server);
  return { port: await listen(server), heard };
}

const alarm: Alarm = {
  id: 'a1',
  key: 'card.80276883110000000001.pin',
  code: 'SMCB_PIN_NOT_VERIFIED',
  subject: '80276883110000000001 (k1)',
  diga: 'demo',
  remedy: catalogue.SMCB_PIN_NOT_VERIFIED.remedy,
  stage: '',
  details: {},
  raisedAt: Date.parse('2026-12-01T10:00:00Z'),
  stageAt: Date.parse('2026-12-01T10:00:00Z'),
  clearedAt: null,
};
const message: AlarmMessage = { id: 'a1-7', type: 'raised', at: alarm.raisedAt, alarm };
const settings = (port: number, change: object = {}) => {
  const { mail } = alarmSettings({
    mail: {
      host: '127.0.0.1',
      port,
      caFile: secretFile(directory.path, 'mail-ca.pem', identity.root.certPem),
      from: 'gateway@example.org',
      to: ['ops@example.org', 'night@example.org'],
      ...change,
    },
  });
  if (mail === undefined) throw new Error('no mail');
  return mail;
};
const send = (port: number, change: object = {}) =>
  mailChannel({ mail: settings(port, change), environment: 'SIM', now: () => 0 }).send(message);

test.each(['tls', 'starttls'] as const)(
  'by %s it says what, since when and what to do, to everybody (MON-03)',
  async (kind) => {
    const { port, heard } = await smtp({ kind });
    expect(await send(port, { security: kind, host: 'localhost' })).toEqual({ ok: true, status: null, ms: 0 });
    expect(heard.filter((line) => line.startsWith('RCPT'))).toHaveLength(2);
    const text = heard.join('\n');
    expect(text).toContain('Message-ID: <a1-7@epa-gateway.invalid>');
    expect(text).toContain('Seit: 2026-12-01T10:00:00.000Z');
    expect(text).toContain('SMCB_PIN_NOT_VERIFIED');
  },
);

test('with a user it signs on first', async () => {
  const { port, heard } = await smtp({ kind: 'tls' });
  const passwordFile = secretFile(directory.path, 'mail-password', 'secret-word\n');
  expect(await send(port, { user: 'gateway', passwordFile })).toMatchObject({ ok: true });
  expect(heard.find((line) => line.startsWith('AUTH'))).toBe(
    `AUTH PLAIN ${Buffer.from('\0gateway\0secret-word').toString('base64')}`,
  );
});

test.each<[string, 'tls' | 'starttls' | 'plain', Record<string, string>, object, string]>([
  ['a server without TLS where STARTTLS is demanded', 'plain', {}, { security: 'starttls' }, 'MAIL_TLS_UNTRUSTED'],
  ['a certificate of another root', 'tls', {}, { caFile: 'other' }, 'MAIL_TLS_UNTRUSTED'],
  [
    'a certificate of another root after STARTTLS',
    'starttls',
    {},
    { caFile: 'other', security: 'starttls' },
    'MAIL_TLS_UNTRUSTED',
  ],
  ['a sender that is refused', 'tls', { MAIL: '550 no' }, {}, 'MAIL_REFUSED'],
  ['recipients that are refused', 'tls', { RCPT: '550 no' }, {}, 'MAIL_REFUSED'],
  ['one recipient of two', 'tls', { 'RCPT TO:<night@example.org>': '550 no' }, {}, 'MAIL_REFUSED'],
  ['a message that is refused', 'tls', { '.': '554 spam' }, {}, 'MAIL_REFUSED'],
])('%s: not sent, and said so', async (_what, kind, answers, change, code) => {
  const { port, heard } = await smtp({ kind, answers });
  const other =
    'caFile' in change ? { caFile: secretFile(directory.path, 'other.pem', mintRoot('other').certPem) } : {};
  expect(await send(port, { ...change, ...other })).toMatchObject({ ok: false, code });
  if (code === 'MAIL_TLS_UNTRUSTED') expect(heard.some((line) => /^(MAIL|AUTH|DATA)/.test(line))).toBe(false);
});

test('a name that resolves to an address which the environment does not allow is not asked (D18)', async () => {
  const { port, heard } = await smtp({ kind: 'tls' });
  const channel = mailChannel({ mail: settings(port, { host: 'localhost' }), environment: 'RU', now: () => 0 });
  expect(await channel.send(message)).toMatchObject({ ok: false, code: 'MAIL_UNREACHABLE' });
  expect(heard).toEqual([]);
});

test('a login that is refused', async () => {
  const { port } = await smtp({ kind: 'tls', answers: { AUTH: '535 no' } });
  const passwordFile = secretFile(directory.path, 'mail-password', 'secret-word\n');
  expect(await send(port, { user: 'gateway', passwordFile })).toMatchObject({ ok: false, code: 'MAIL_REFUSED' });
});

test('nobody there, and a name that nobody knows', async () => {
  const { port } = await smtp({ kind: 'tls' });
  for (const server of opened.splice(0)) server.close();
  expect(await send(port)).toMatchObject({ ok: false, code: 'MAIL_UNREACHABLE' });
  expect(await send(port, { host: 'mail.invalid' })).toMatchObject({ ok: false, code: 'MAIL_UNREACHABLE' });
});
