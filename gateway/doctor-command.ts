// `epa-gateway doctor` (OPS-06): walks the way by itself, without a running gateway; for people or as JSON.
import type { Printed } from './command-text.ts';
import type { Settings } from './config.ts';
import { doctorText } from './doctor/doctor.ts';
import { doctor } from './doctor/run.ts';
import { openClock } from './followed-clock.ts';
import { silentLogger } from './log.ts';

export { argumentFault } from './doctor/run.ts';

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
