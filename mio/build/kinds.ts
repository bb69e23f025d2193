// Every kind of entry there is (mio-diga.md section 13), one line for each family. The order is that of docs/mio-build.md.
import { activity, diary } from './activities.ts';
import { attachment } from './attachment.ts';
import { bloodPressure, glucose } from './blood-pressure.ts';
import { contact, organization, practitionerRole, relatedPerson } from './contacts.ts';
import { device } from './devices.ts';
import { environment, functionalAssessment, lifestyle } from './factors.ts';
import { goal, plan } from './goals.ts';
import type { Kind } from './kind.ts';
import { intake, medication } from './medication.ts';
import { nutrition } from './nutrition.ts';
import { observationKind, score } from './observations.ts';
import { allergy, problem } from './problems.ts';
import { questionnaire, questionnaireResponse } from './questionnaires.ts';
import { appointment, encounter } from './visits.ts';
import { vitalSigns } from './vital-signs.ts';

export const KINDS: readonly Kind[] = [
  questionnaire,
  questionnaireResponse,
  observationKind,
  ...vitalSigns,
  bloodPressure,
  glucose,
  activity,
  nutrition,
  lifestyle,
  problem,
  allergy,
  environment,
  medication,
  intake,
  functionalAssessment,
  score,
  goal,
  plan,
  appointment,
  encounter,
  diary,
  attachment,
  contact,
  organization,
  practitionerRole,
  relatedPerson,
  device,
];

const BY_NAME: ReadonlyMap<string, Kind> = new Map(KINDS.map((kind) => [kind.kind, kind]));

export function kindNamed(name: string): Kind | undefined {
  return BY_NAME.get(name);
}
