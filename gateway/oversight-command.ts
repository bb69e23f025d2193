// What the running gateway tells: `epa-gateway certificates` (CRT-01, CRT-08), `alarms` and `alarms test` (MON-03); for people or as JSON.
import { type AdminCallOptions, callAdmin } from './admin-call.ts';
import { type CertificateView, NOT_SEEN } from './certificates/entry.ts';
import type { RsaLine } from './certificates/rsa-report.ts';
import { type Printed, printJson, refusal, remedyOf, spanOf, table } from './command-text.ts';
import type { Settings } from './config.ts';
import { certificateRemedy } from './tables/certificate-remedies.ts';

/** 1: one has ended, is revoked or not valid yet. */
export async function certificatesCommand(
  settings: Settings,
  o: AdminCallOptions & { rsa: boolean; json: boolean },
): Promise<Printed> {
  const path = `/admin/v1/certificates?fresh=true${o.rsa ? '&report=rsa' : ''}`;
  const { status, json } = await callAdmin(settings, { method: 'GET', path }, { ...o, role: 'operator' });
  if (status >= 300) return refusal(json, o.json);
  const views = json.certificates as CertificateView[];
  const code = views.some(({ status: of }) => BAD.has(of)) ? 1 : 0;
  if (o.json) return printJson(json, code);
  return { text: o.rsa ? rsaText(json, views as RsaLine[]) : certificatesText(views), code };
}

const BAD = new Set<CertificateView['status']>(['ended', 'revoked', 'not-yet-valid']);

function certificatesText(views: readonly CertificateView[]): string {
  const rows = views.map((view) => [
    ...[view.use, view.holder, view.konnektor ?? '', view.iccsn ?? '', view.keyType ?? ''],
    ...[view.notAfter?.slice(0, 10) ?? '', daysOf(view), statusOf(view)],
    view.ocsp === null ? '' : `${view.ocsp.status}, ${spanOf(view.ocsp.ageSeconds)} ago`,
    view.seenAt?.slice(0, 16).replace('T', ' ') ?? 'never',
  ]);
  const remedies = views
    .filter(({ status }) => BAD.has(status) || status === 'ending')
    .map((view) => {
      const where = [view.holder, ...(view.iccsn === null ? [] : [view.iccsn])].join(' ');
      return `${view.use} ${where}: ${view.status}\n  ${certificateRemedy(view.use)?.en ?? ''}\n`;
    });
  const head = ['USE', 'HOLDER', 'KONNEKTOR', 'ICCSN', 'KEY', 'ENDS', 'DAYS', 'STATUS', 'OCSP', 'SEEN (UTC)'];
  return [table(head, rows), ...(remedies.length === 0 ? [] : [[...new Set(remedies)].join('')])].join('\n');
}

const daysOf = ({ daysLeft, status }: CertificateView) =>
  daysLeft === null ? '' : status === 'ended' ? `${-daysLeft} ago` : String(daysLeft);

/** Why something is not seen, in words; `NO_TLS` and `NOT_LISTED` are no faults: there is no such certificate by the settings. */
function statusOf({ status, why }: CertificateView): string {
  if (why === null) return status;
  const words = Object.hasOwn(NOT_SEEN, why) ? NOT_SEEN[why as keyof typeof NOT_SEEN] : why;
  if (status !== 'not-seen') return `${status} (${words})`;
  return why === 'NO_TLS' || why === 'NOT_LISTED' ? `none: ${words}` : `not seen: ${words}`;
}

function rsaText(report: Record<string, unknown>, lines: readonly RsaLine[]): string {
  const name = ({ use, holder, iccsn }: RsaLine) => [use, holder, ...(iccsn === null ? [] : [iccsn])].join(' ');
  const found = lines
    .filter(({ withoutRsa }) => withoutRsa !== null)
    .map((one) => `${name(one)} ${one.keyType}\n  ${one.withoutRsa}`);
  const open = lines.filter(({ rsa }) => rsa === null).map((one) => `  ${name(one)}: ${keyUnknown(one)}`);
  const counts = `${report.rsa} RSA, ${report.ecc} ECC, ${report.unknown} of unknown key${open.length === 0 ? '' : ':'}`;
  return `${[...found, counts, ...open].join('\n')}\n`;
}

const keyUnknown = (one: RsaLine) =>
  one.status === 'not-seen' ? statusOf(one) : 'only reported by the Konnektor, without its key';

type AlarmLine = { code: string; subject: string; since: string; remedy: string };
type ChannelLine = { id: string; waiting: number; since: string | null; code: string | null };

/** 1 for `alarms test` only: a channel did not take it, or there is none that could. */
export async function alarmsCommand(
  settings: Settings,
  o: AdminCallOptions & { test: boolean; json: boolean },
): Promise<Printed> {
  const call = o.test
    ? ({ method: 'POST', path: '/admin/v1/alarms/test' } as const)
    : ({ method: 'GET', path: '/admin/v1/alarms?open=true' } as const);
  const { status, json } = await callAdmin(settings, call, { ...o, role: 'operator' });
  if (status >= 300) return refusal(json, o.json);
  if (o.test) return testText(json, o.json);
  if (o.json) return printJson(json, 0);
  const alarms = json.alarms as AlarmLine[];
  const channels = json.channels as ChannelLine[];
  const shown = alarms.map(({ code, subject, since, remedy }) => `${since} ${code} ${subject}\n  ${remedy}\n`);
  const text = [
    shown.length === 0 ? 'no alarm is open\n' : shown.join(''),
    channels.length === 0 ? NO_CHANNEL : channels.map(channelText).join(''),
  ];
  return { text: text.join('\n'), code: 0 };
}

const NO_CHANNEL =
  'no channel: nobody is told of alarms\n  Name webhooks or a mail server in the settings (alarms.webhooks, alarms.mail).\n';

function channelText({ id, waiting, since, code }: ChannelLine): string {
  if (waiting === 0) return `channel ${id}: ok\n`;
  const why = code === null ? '' : `, ${code}\n  ${remedyOf(code)}`;
  return `channel ${id}: ${waiting} waiting since ${since ?? '-'}${why}\n`;
}

function testText(json: Record<string, unknown>, asJson: boolean): Printed {
  const results = (json.results ?? []) as {
    channel: string;
    delivered: boolean;
    status: number | null;
    code: string | null;
  }[];
  const code = results.length > 0 && results.every(({ delivered }) => delivered) ? 0 : 1;
  if (asJson) return printJson(json, code);
  const lines = results.map(({ channel, delivered, status, code: why }) => {
    if (delivered) return `ok   ${channel}\n`;
    const answer = status === null ? '' : `, status ${status}`;
    return `FAIL ${channel}: ${why ?? 'not taken'}${answer}\n       ${remedyOf(why ?? '')}\n`;
  });
  return { text: lines.length === 0 ? NO_CHANNEL : lines.join(''), code };
}
