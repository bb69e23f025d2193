// `epa-gateway doctor` (OPS-06), and what the running gateway tells: `certificates` (CRT-01, CRT-08), `alarms` and `alarms test`
// (MON-03); for people or as JSON.
import { type AdminCallOptions, callAdmin } from './admin-call.ts';
import type { CertificateView } from './certificates/entry.ts';
import type { RsaLine } from './certificates/rsa-report.ts';
import type { Settings } from './config.ts';
import { doctorText } from './doctor/doctor.ts';
import { doctor } from './doctor/run.ts';
import { openClock } from './followed-clock.ts';
import { silentLogger } from './log.ts';

/** What to print and the exit code: 0 well, 1 not well or refused. CONFIG_INVALID when it could not be asked. */
export type Printed = { text: string; code: 0 | 1 };

export async function doctorCommand(
  settings: Settings,
  o: { diga?: string | undefined; konnektor?: string | undefined; insuredFile?: string | undefined; json: boolean },
): Promise<Printed> {
  const clock = await openClock({ settings, own: {}, log: silentLogger });
  try {
    const report = await doctor({ settings, ...o, now: clock.now, timer: clock.timer });
    return { text: o.json ? `${JSON.stringify(report)}\n` : doctorText(report, 'en'), code: report.ok ? 0 : 1 };
  } finally {
    await clock.stop();
  }
}

export async function certificatesCommand(
  settings: Settings,
  o: AdminCallOptions & { rsa: boolean; json: boolean },
): Promise<Printed> {
  const path = `/admin/v1/certificates?fresh=true${o.rsa ? '&report=rsa' : ''}`;
  const { status, json } = await callAdmin(settings, { method: 'GET', path }, { ...o, role: 'operator' });
  if (status >= 300) return refused(json, o.json);
  if (o.json) return { text: `${JSON.stringify(json)}\n`, code: 0 };
  const lines = json.certificates as CertificateView[];
  return { text: o.rsa ? rsaText(json, lines as RsaLine[]) : table(lines), code: 0 };
}

export async function alarmsCommand(
  settings: Settings,
  o: AdminCallOptions & { test: boolean; json: boolean },
): Promise<Printed> {
  const call = o.test
    ? ({ method: 'POST', path: '/admin/v1/alarms/test' } as const)
    : ({ method: 'GET', path: '/admin/v1/alarms?open=true' } as const);
  const { status, json } = await callAdmin(settings, call, { ...o, role: 'operator' });
  if (status >= 300) return refused(json, o.json);
  const results = (json.results ?? []) as { channel: string; delivered: boolean; code: string | null }[];
  const code = results.every(({ delivered }) => delivered) ? 0 : 1;
  if (o.json) return { text: `${JSON.stringify(json)}\n`, code };
  if (o.test) {
    const told = results.map(({ channel, delivered, code: why }) =>
      `${delivered ? 'ok  ' : 'FAIL'} ${channel} ${why ?? ''}`.trimEnd(),
    );
    return { text: `${(told.length === 0 ? ['no channel in the settings (alarms)'] : told).join('\n')}\n`, code };
  }
  const alarms = json.alarms as { code: string; subject: string; raisedAt: string; remedy: string }[];
  const shown = alarms.map(({ code: of, subject, raisedAt, remedy }) => `${raisedAt} ${of} ${subject}\n  ${remedy}`);
  return { text: `${(shown.length === 0 ? ['no alarm is open'] : shown).join('\n')}\n`, code };
}

function refused(json: Record<string, unknown>, asJson: boolean): Printed {
  const words = `${String(json.code)}: ${String(json.detail)}\n  ${String(json.remedy)}\n`;
  return { text: asJson ? `${JSON.stringify(json)}\n` : words, code: 1 };
}

const HEAD = ['USE', 'HOLDER', 'KONNEKTOR', 'ICCSN', 'KEY', 'ENDS', 'DAYS', 'STATUS', 'OCSP'];

function table(views: readonly CertificateView[]): string {
  const rows = views.map((view) => [
    view.use,
    view.holder,
    view.konnektor ?? '',
    view.iccsn ?? '',
    view.keyType ?? '',
    view.notAfter?.slice(0, 10) ?? '',
    view.daysLeft === null ? '' : String(view.daysLeft),
    view.why === null ? view.status : `${view.status} (${view.why})`,
    view.ocsp === null ? '' : `${view.ocsp.status}, ${Math.round(view.ocsp.ageSeconds / 60)} min`,
  ]);
  const widths = HEAD.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return `${[HEAD, ...rows].map(line).join('\n')}\n`;
}

function rsaText(report: Record<string, unknown>, lines: readonly RsaLine[]): string {
  const found = lines
    .filter(({ withoutRsa }) => withoutRsa !== null)
    .map(({ use, holder, keyType, withoutRsa }) => `${use} ${holder} ${keyType}\n  ${withoutRsa}`);
  const counts = `${report.rsa} RSA, ${report.ecc} ECC, ${report.unknown} not seen or only reported`;
  return `${[...found, counts].join('\n')}\n`;
}
