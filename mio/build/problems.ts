// Problems and allergies (mio-diga.md sections 5 and 7): Condition_Problem and AllergyIntolerance. They are a state, not an
// event: however long ago they began, they stand in the newest part and do not stretch the Betrachtungszeitraum.
import type { AllergyIntolerance, Condition } from '@medplum/fhirtypes';
import { z } from 'zod';
import type { FhirObject } from '../model.ts';
import { choiceOf, chosenConcept, listedConcept, oneOfBut } from './choices.ts';
import { PROFILE } from './context.ts';
import { because, concept, date, oneOf } from './inputs.ts';
import { type BuildContext, defineKind, type Fault } from './kind.ts';
import { listOf, MEASUREMENTS, namedOf, namesAt, namesIn, personOf, referencesTo, referenceTo } from './named.ts';
import { note, notes } from './observation-parts.ts';
import { ended, endedOf, onset, onsetOf, stageExtension, stageOfLife } from './onset.ts';
import type { WrittenResource } from './written.ts';

const PROBLEM = `${PROFILE}Condition_Problem`;
const ALLERGY = `${PROFILE}AllergyIntolerance`;
const PROBLEM_TYPES = 'KBV_VS_MIO_DIGA_Problem_Type';
const ROUTES = 'KBV_VS_Base_Route_of_Administration_SNOMED_CT';
/** "Problem (finding)": the most general of the four. */
const ANY_PROBLEM = '55607006';
const EVIDENCE = ['score', ...MEASUREMENTS];
/** con-4: what has ended says so. */
const ENDED = ['inactive', 'remission', 'resolved'];
/** Such an entry may have no status (con-5, ait-2), which the profile demands: it is left out of the export instead. */
const IN_ERROR = ['entered-in-error'];

/** HL7's list condition-severity, which the profile recommends. */
const SEVERITIES: Readonly<Record<'mild' | 'moderate' | 'severe', [string, string]>> = {
  mild: ['255604002', 'Mild'],
  moderate: ['6736007', 'Moderate'],
  severe: ['24484000', 'Severe'],
};

export const problem = defineKind({
  kind: 'problem',
  profile: PROBLEM,
  section: 'probleme',
  members: (lists) => ({
    code: concept(lists).describe('what the problem is: ICD-10-GM, SNOMED CT, or a text'),
    type: oneOf(lists, PROBLEM_TYPES).optional().describe('default 55607006, problem'),
    status: oneOf(lists, 'condition-clinical')
      .optional()
      .describe('default active, with ended resolved; with ended one of inactive, remission, resolved'),
    verification: oneOfBut(lists, 'condition-ver-status', IN_ERROR).optional().describe('how sure it is'),
    severity: z.enum(['mild', 'moderate', 'severe']).optional().describe('how bad it is'),
    bodySite: concept(lists).optional().describe('where it is'),
    onset: onset(lists).describe('when it began'),
    ended: ended(lists).optional().describe('when it ended'),
    recorder: personOf(['contact', 'practitionerRole']).optional().describe('who wrote it down; default patient'),
    evidence: listOf(namedOf(EVIDENCE)).optional().describe('entries that show it'),
    note: note.optional().describe('what else is to be said'),
  }),
  faults: ({ status, ended }) => statusFaults(status, ended !== undefined),
  names: (entry) => [...namesAt(['recorder'], entry.recorder), ...namesIn(['evidence'], entry.evidence)],
  times: () => ({}),
  build: (entry, context): WrittenResource<Condition> => ({
    ...context.resource(PROBLEM, entry.kind, entry.id),
    clinicalStatus: listedConcept(
      'condition-clinical',
      entry.status ?? (entry.ended === undefined ? 'active' : 'resolved'),
      context,
    ),
    verificationStatus: listedConcept('condition-ver-status', entry.verification, context),
    category: [listedConcept(PROBLEM_TYPES, entry.type ?? ANY_PROBLEM, context)],
    severity: entry.severity && severityOf(entry.severity, (of) => context.coding(of)),
    code: context.concept(entry.code),
    bodySite: entry.bodySite && [context.concept(entry.bodySite)],
    subject: context.subject,
    ...onsetOf(entry.onset, context),
    ...(entry.ended && endedOf(entry.ended, context)),
    recorder: referenceTo(entry.recorder ?? 'patient', context),
    evidence: referencesTo(entry.evidence, context)?.map((detail) => ({ detail: [detail] })),
    note: notes(entry.note),
  }),
  example: {
    kind: 'problem',
    id: 'problem-1',
    code: { system: 'icd10gm', version: '2025', code: 'F32.1', display: 'Mittelgradige depressive Episode' },
    type: '64572001',
    status: 'active',
    verification: 'confirmed',
    severity: 'moderate',
    onset: '2024-11',
    note: 'Vom Hausarzt festgestellt, von der versicherten Person eingetragen.',
  },
});

function statusFaults(status: string | undefined, ended: boolean): Fault[] {
  if (!ended || status === undefined || ENDED.includes(status)) return [];
  return [
    { path: ['status'], code: 'STATUS_CONTRADICTS', message: 'must be inactive, remission or resolved with ended' },
  ];
}

function severityOf(
  severity: keyof typeof SEVERITIES,
  coding: (of: { system: string; code: string; display: string }) => FhirObject,
): FhirObject {
  const [code, display] = SEVERITIES[severity];
  return { coding: [coding({ system: 'snomed', code, display })] };
}

export const allergy = defineKind({
  kind: 'allergy',
  profile: ALLERGY,
  section: 'probleme',
  members: (lists) => ({
    code: concept(lists).describe('what the insured does not tolerate: SNOMED CT, ASK, or a text'),
    type: oneOf(lists, 'allergy-intolerance-type').optional().describe('by the immune system, or otherwise'),
    category: oneOf(lists, 'allergy-intolerance-category').optional().describe('what kind of thing it is'),
    criticality: oneOf(lists, 'allergy-intolerance-criticality').optional().describe('how dangerous it may become'),
    status: oneOf(lists, 'allergyintolerance-clinical').optional().describe('default active, with ended resolved'),
    verification: oneOfBut(lists, 'allergyintolerance-verification', IN_ERROR).optional().describe('how sure it is'),
    onset: z
      .union([date, z.strictObject({ stageOfLife: stageOfLife(lists) })], {
        error: because('VALUE_INVALID', 'must be a date or {stageOfLife}'),
      })
      .optional()
      .describe('when it began'),
    ended: z
      .strictObject({
        at: date.optional().describe('when exactly'),
        stageOfLife: stageOfLife(lists).optional(),
      })
      .optional()
      .describe('when it ended'),
    recorder: personOf().optional().describe('who wrote it down; default patient'),
    reactions: listOf(
      z.strictObject({
        manifestation: concept(lists).describe('what happened'),
        onset: date.optional().describe('when'),
        severity: oneOf(lists, 'reaction-event-severity').optional().describe('how bad it was'),
        route: choiceOf(lists, ROUTES).optional().describe('how the substance came into the body'),
      }),
    )
      .optional()
      .describe('what it did'),
    note: note.optional().describe('what else is to be said'),
  }),
  names: (entry) => namesAt(['recorder'], entry.recorder),
  times: () => ({}),
  build: (entry, context): WrittenResource<AllergyIntolerance> => ({
    ...context.resource(ALLERGY, entry.kind, entry.id),
    extension: entry.ended && abatementOf(entry.ended, context),
    clinicalStatus: listedConcept(
      'allergyintolerance-clinical',
      entry.status ?? (entry.ended === undefined ? 'active' : 'resolved'),
      context,
    ),
    verificationStatus: listedConcept('allergyintolerance-verification', entry.verification, context),
    type: entry.type,
    category: entry.category === undefined ? undefined : [entry.category],
    criticality: entry.criticality,
    code: context.concept(entry.code),
    patient: context.subject,
    ...(entry.onset === undefined ? {} : onsetOf(entry.onset, context)),
    recorder: referenceTo(entry.recorder ?? 'patient', context),
    note: notes(entry.note),
    reaction: entry.reactions?.map(({ manifestation, onset, severity, route }) => ({
      manifestation: [context.concept(manifestation)],
      onset,
      severity,
      exposureRoute: route && chosenConcept(ROUTES, route, context),
    })),
  }),
  example: {
    kind: 'allergy',
    id: 'allergy-1',
    code: { system: 'snomed', code: '102263004', display: 'Eggs (edible) (substance)', text: 'Hühnerei' },
    type: 'intolerance',
    category: 'food',
    criticality: 'low',
    verification: 'confirmed',
    onset: { stageOfLife: '263659003' },
    reactions: [
      {
        manifestation: { system: 'snomed', code: '422587007', display: 'Nausea (finding)', text: 'Übelkeit' },
        severity: 'moderate',
        route: { code: '26643006' },
      },
    ],
  },
});

/** The two ways the profile has; undefined where neither is known. */
function abatementOf(
  { at, stageOfLife }: { at?: string | undefined; stageOfLife?: string | undefined },
  context: BuildContext,
): FhirObject[] | undefined {
  const url = context.fixed(ALLERGY, 'extension:abatement.url');
  const extensions = [
    ...(at === undefined ? [] : [{ url, valueDateTime: at }]),
    ...(stageOfLife === undefined ? [] : [stageExtension(stageOfLife, context)]),
  ];
  return extensions.length === 0 ? undefined : extensions;
}
