// Every kind of entry there is (mio-diga.md section 13), one line for each family. The order is that of docs/mio-build.md.
import { activity, diary } from './activities.ts';
import { bloodPressure, glucose } from './blood-pressure.ts';
import { device } from './devices.ts';
import type { Kind } from './kind.ts';
import { observationKind, score } from './observations.ts';
import { questionnaire, questionnaireResponse } from './questionnaires.ts';
import { vitalSigns } from './vital-signs.ts';

export const KINDS: readonly Kind[] = [
  questionnaire,
  questionnaireResponse,
  observationKind,
  ...vitalSigns,
  bloodPressure,
  glucose,
  activity,
  score,
  diary,
  device,
];

const BY_NAME: ReadonlyMap<string, Kind> = new Map(KINDS.map((kind) => [kind.kind, kind]));

export function kindNamed(name: string): Kind | undefined {
  return BY_NAME.get(name);
}
