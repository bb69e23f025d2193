// A run of the doctor with an outside of its own, from the settings alone (OPS-06): beside a running gateway or before the first one.
// It needs no store and leaves nothing behind.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCardStatus } from '../certificates/card-status.ts';
import { answersInMemory } from '../certificates/kept-answers.ts';
import type { Settings } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { isKvnr } from '../exports/kvnr.ts';
import type { Timer } from '../exports/worker.ts';
import { silentLogger } from '../log.ts';
import { createMetrics } from '../metrics.ts';
import { createOutside } from '../outside.ts';
import { type DoctorReport, runDoctor } from './doctor.ts';

export type DoctorRun = {
  settings: Settings;
  /** Of the settings; the first where none is named. */
  diga?: string | undefined;
  konnektor?: string | undefined;
  /** File with the KVNR of a test insured, in the place of the settings'. */
  insuredFile?: string | undefined;
  now: () => number;
  timer: Timer;
};

/** What is wrong with the arguments of the command, in a line that names the argument and what there is instead. */
export function argumentFault(
  { digas, konnektors }: Settings,
  o: Pick<DoctorRun, 'diga' | 'konnektor' | 'insuredFile'>,
): string | undefined {
  const ids = (of: readonly { id: string }[]) => of.map(({ id }) => id).join(', ');
  const diga = digas.find(({ id }) => o.diga === undefined || id === o.diga);
  if (diga === undefined) return `--diga names no DiGA of the settings, which are: ${ids(digas)}`;
  if (o.konnektor !== undefined && !diga.konnektors.includes(o.konnektor)) {
    const of = konnektors.filter(({ id }) => diga.konnektors.includes(id));
    return `--konnektor names no Konnektor of the DiGA ${diga.id}, which are: ${ids(of)}`;
  }
  if (o.insuredFile === undefined) return undefined;
  try {
    testInsured(o.insuredFile);
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown;
    return thrown.message.replace('doctor.insuredFile', '--insured-file:');
  }
}

/** GatewayError CONFIG_INVALID for what keeps it from beginning at all. */
export async function doctor(o: DoctorRun): Promise<DoctorReport> {
  const diga = o.settings.digas.find(({ id }) => o.diga === undefined || id === o.diga);
  if (diga === undefined) throw new GatewayError('CONFIG_INVALID', 'there is no DiGA of this name in the settings');
  if (o.konnektor !== undefined && !diga.konnektors.includes(o.konnektor))
    throw new GatewayError('CONFIG_INVALID', 'the DiGA names no Konnektor of this name');
  const kvnr = testInsured(o.insuredFile ?? o.settings.doctor.insuredFile);
  // The list that a running gateway keeps is not touched.
  const dataDirectory = mkdtempSync(join(tmpdir(), 'epa-doctor-'));
  const settings = { ...o.settings, dataDirectory };
  const { ocsp } = settings.trust;
  const around = { now: o.now, timer: o.timer, log: silentLogger };
  const outside = createOutside({
    ...around,
    settings,
    metrics: createMetrics(),
    security: { met: () => {}, connected: () => {} },
    ...(ocsp && {
      cardStatus: (access) => createCardStatus({ ...around, ...access, ocsp, kept: answersInMemory() }),
    }),
  });
  try {
    return await runDoctor({ ...around, settings, outside, diga, konnektor: o.konnektor, kvnr });
  } finally {
    await outside.close();
    rmSync(dataDirectory, { recursive: true, force: true });
  }
}

function testInsured(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new GatewayError('CONFIG_INVALID', 'doctor.insuredFile cannot be read', { cause });
  }
  if (!isKvnr(text)) throw new GatewayError('CONFIG_INVALID', 'doctor.insuredFile holds no KVNR');
  return text;
}
