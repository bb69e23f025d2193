// The commands `certificates` and `alarms` over an admin listener that answers as the test says: what people read, and the exit code
// (CRT-01, CRT-08, MON-03).
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CertificateView } from '../../../gateway/certificates/entry.ts';
import { parseSettings, type Settings } from '../../../gateway/config.ts';
import { alarmsCommand, certificatesCommand } from '../../../gateway/oversight-command.ts';
import { temporaryDirectory } from '../../support/gateway-fakes.ts';
import { rawSettings } from '../../support/gateway-server.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let settings: Settings;
let server: Server;
let answer: { status: number; json: object };
const asked: { url: string | undefined; language: string | undefined }[] = [];
beforeEach(async () => {
  directory = temporaryDirectory();
  const read = parseSettings(rawSettings(directory.path));
  settings = read.ok ? read.settings : expect.unreachable(JSON.stringify(read.faults));
  asked.length = 0;
  server = createServer((request, response) => {
    asked.push({ url: request.url, language: request.headers['accept-language'] });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.json));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.close();
  directory.remove();
});
const admin = () => ({ admin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, json: false });

const view = (change: Partial<CertificateView>): CertificateView =>
  ({
    ...{ use: 'vau', holder: 'epa-as-1', konnektor: null, diga: null, iccsn: null, keyType: 'P-256', rsa: false },
    ...{ notAfter: '2027-06-01T00:00:00.000Z', daysLeft: 180, status: 'valid', why: null, ocsp: null },
    ...{ seenAt: '2026-12-01T10:11:12.000Z' },
    ...change,
  }) as CertificateView;
const certificates = (rsa: boolean, ...views: object[]) => {
  answer = { status: 200, json: { certificates: views, rsa: 0, ecc: 1, unknown: 2 } };
  return certificatesCommand(settings, { ...admin(), rsa });
};

test('certificates: ages in days, when each was seen, who must act; 1 where one has ended', async () => {
  const ocsp = { status: 'good', producedAt: '', nextUpdate: null, ageSeconds: 2_376_073 * 60 } as const;
  const well = await certificates(false, view({ ocsp }));
  expect([well.code, well.text]).toEqual([0, expect.stringMatching(/ valid +good, 4\.5 y ago +2026-12-01 10:11\n/)]);
  const ended = await certificates(
    false,
    view({ status: 'ended', daysLeft: -2, ocsp: { ...ocsp, ageSeconds: 300_000 } }),
  );
  expect(ended.code).toBe(1);
  expect(ended.text).toMatch(/ 2 ago +ended +good, 3 d ago /);
  expect(ended.text).toMatch(/\nvau epa-as-1: ended\n {2}The operator of this record system must renew it/);
  expect(asked.map(({ language }) => language)).toEqual(['en', 'en']);
});

test('certificates: what is not there by the settings reads as no fault', async () => {
  const unseen = {
    keyType: null,
    rsa: null,
    notAfter: null,
    daysLeft: null,
    status: 'not-seen',
    seenAt: null,
  } as const;
  const { code, text } = await certificates(
    false,
    view({ ...unseen, use: 'own-server', holder: 'listen', why: 'NO_TLS' }),
    view({ ...unseen, why: 'NOT_CONNECTED_YET' }),
  );
  expect(code).toBe(0);
  expect(text).toMatch(/none: the listener has no TLS .* never\n/);
  expect(text).toMatch(/not seen: no connection was made yet +never\n/);
});

test('certificates --rsa names each whose key is not known, and why', async () => {
  const { text } = await certificates(
    true,
    { ...view({}), withoutRsa: null },
    { ...view({ use: 'konnektor-card', holder: 'k1', keyType: null, rsa: null }), withoutRsa: null },
    {
      ...view({ keyType: null, rsa: null, notAfter: null, status: 'not-seen', why: 'NOT_CONNECTED_YET' }),
      withoutRsa: null,
    },
  );
  expect(text).toBe(
    [
      '0 RSA, 1 ECC, 2 of unknown key:',
      '  konnektor-card k1: only reported by the Konnektor, without its key',
      '  vau epa-as-1: not seen: no connection was made yet\n',
    ].join('\n'),
  );
});

const alarms = (is: boolean, json: object) => {
  answer = { status: 200, json };
  return alarmsCommand(settings, { ...admin(), test: is });
};

test('alarms: below the open ones each channel, and a dead one with since when, why and what to do', async () => {
  const { code, text } = await alarms(false, {
    alarms: [{ code: 'SMCB_PIN_BLOCKED', subject: '8027 (k1)', since: '2026-12-01T10:00:00.000Z', remedy: 'Do it.' }],
    channels: [
      { id: 'webhook/ops', waiting: 3, since: '2026-12-01T10:00:01.000Z', code: 'WEBHOOK_UNREACHABLE' },
      { id: 'mail', waiting: 0, since: null, code: null },
    ],
  });
  expect(code).toBe(0);
  expect(text).toMatch(/^2026-12-01T10:00:00.000Z SMCB_PIN_BLOCKED 8027 \(k1\)\n {2}Do it\.\n/);
  expect(text).toMatch(
    /\nchannel webhook\/ops: 3 waiting since 2026-12-01T10:00:01.000Z, WEBHOOK_UNREACHABLE\n {2}No connection .*\nchannel mail: ok\n$/,
  );
});

test('alarms test: a channel that fails says why and what to do; without a channel it is no success', async () => {
  const failed = await alarms(true, {
    results: [
      { channel: 'mail', delivered: true, status: null, code: null },
      { channel: 'webhook/ops', delivered: false, status: 403, code: 'WEBHOOK_REFUSED' },
    ],
  });
  expect(failed.code).toBe(1);
  expect(failed.text).toMatch(/^ok {3}mail\nFAIL webhook\/ops: WEBHOOK_REFUSED, status 403\n +The receiver .* 2xx/);
  const none = await alarms(true, { results: [] });
  expect([none.code, none.text]).toEqual([1, expect.stringMatching(/^no channel: nobody is told/)]);
  expect((await alarms(true, { results: [{ channel: 'mail', delivered: true, code: null }] })).code).toBe(0);
});

test('a refusal is told with its findings, what to do and where the key comes from', async () => {
  answer = {
    status: 401,
    json: {
      code: 'UNAUTHENTICATED',
      detail: 'the API key is missing',
      remedy: 'Send one.',
      findings: [{ path: '?a', message: 'is wrong' }],
    },
  };
  const { code, text, refused } = await alarmsCommand(settings, { ...admin(), test: false });
  expect([code, refused]).toEqual([1, true]);
  expect(text).toMatch(
    /^UNAUTHENTICATED: the API key is missing\n {2}\?a: is wrong\n {2}Send one\.\n {2}The key is that of --key-file/,
  );
});
