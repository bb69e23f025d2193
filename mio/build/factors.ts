// What bears on health and how well the body works (mio-diga.md sections 5 and 7): Observation_Life_Style_Factor,
// Observation_Environmental_Factor and Observation_Functional_Assessment, each with a list of ICF codes of its own.
import type { Observation } from '@medplum/fhirtypes';
import { z } from 'zod';
import { amount, amountQuantity } from './amounts.ts';
import { listedConcept } from './choices.ts';
import type { CodeLists } from './code-lists.ts';
import { because, type Concept, coded, concept, oneOf, reference } from './inputs.ts';
import { type BuildContext, defineKind } from './kind.ts';
import {
  listOf,
  MEASUREMENTS,
  type Named,
  namedOf,
  namesAt,
  namesIn,
  type Person,
  personOf,
  referencesTo,
  referenceTo,
} from './named.ts';
import { atOrPeriod, note, observation, observationProfile, timeFaults } from './observation-parts.ts';
import type { WrittenResource } from './written.ts';

const LIFE_STYLE = observationProfile('Life_Style_Factor');
const ENVIRONMENT = observationProfile('Environmental_Factor');
const FUNCTION = observationProfile('Functional_Assessment');
const MEMBERS = ['score', ...MEASUREMENTS];

const shared = (lists: CodeLists, valueSet: string) => ({
  at: atOrPeriod.at.describe('when; or period'),
  period: atOrPeriod.period.describe('from when until when'),
  code: concept(lists).describe('what it is about'),
  type: oneOf(lists, valueSet).optional().describe('the part of ICF it belongs to'),
  results: listOf(namedOf(MEMBERS)).optional().describe('entries that say how much'),
  performer: personOf().optional().describe('who observed it'),
  note: note.optional().describe('what else is to be said'),
});

type Factor = {
  kind: string;
  id: string;
  at?: string | undefined;
  period?: { start: string; end: string } | undefined;
  code: Concept;
  type?: string | undefined;
  results?: readonly Named[] | undefined;
  performer?: Person | undefined;
  note?: string | undefined;
};

function factorOf(
  profile: string,
  valueSet: string,
  entry: Factor,
  context: BuildContext,
): WrittenResource<Observation> {
  return {
    ...observation(profile, entry, context),
    category: entry.type === undefined ? undefined : [listedConcept(valueSet, entry.type, context)],
    code: context.concept(entry.code),
    performer: entry.performer && [referenceTo(entry.performer, context)],
    hasMember: referencesTo(entry.results, context),
  };
}

const namesOf = (entry: Pick<Factor, 'performer' | 'results'>) => [
  ...namesAt(['performer'], entry.performer),
  ...namesIn(['results'], entry.results),
];

const LIFE_STYLE_TYPES = 'KBV_VS_MIO_DIGA_Lifestyle_Factors';
const ENVIRONMENT_TYPES = 'KBV_VS_MIO_DIGA_Environmental_Factors';
const FUNCTION_TYPES = 'KBV_VS_MIO_DIGA_Functional_Assessment_Type';

export const lifestyle = defineKind({
  kind: 'lifestyle',
  profile: LIFE_STYLE,
  section: 'lebensstilfaktoren',
  members: (lists) => shared(lists, LIFE_STYLE_TYPES),
  faults: (entry) => timeFaults(entry, false),
  names: (entry) => namesOf(entry),
  build: (entry, context): WrittenResource<Observation> => factorOf(LIFE_STYLE, LIFE_STYLE_TYPES, entry, context),
  example: {
    kind: 'lifestyle',
    id: 'smoking',
    at: '2025-01-03',
    code: {
      system: 'snomed',
      code: '229819007',
      display: 'Tobacco use and exposure (observable entity)',
      text: 'Rauchen',
    },
    type: 'd570',
    note: 'Seit Jahresbeginn nur noch am Wochenende.',
  },
});

export const environment = defineKind({
  kind: 'environment',
  profile: ENVIRONMENT,
  section: 'umweltfaktoren',
  members: (lists) => shared(lists, ENVIRONMENT_TYPES),
  faults: (entry) => timeFaults(entry, false),
  names: (entry) => namesOf(entry),
  build: (entry, context): WrittenResource<Observation> => factorOf(ENVIRONMENT, ENVIRONMENT_TYPES, entry, context),
  example: {
    kind: 'environment',
    id: 'air-pressure',
    at: '2025-01-03T08:30:00+01:00',
    code: { system: 'snomed', code: '285400005', display: 'Air pressure (physical force)', text: 'Luftdruck' },
    type: 'e225',
    performer: 'patient',
  },
});

export const functionalAssessment = defineKind({
  kind: 'functionalAssessment',
  profile: FUNCTION,
  section: 'beurteilungen',
  members: (lists) => ({
    ...shared(lists, FUNCTION_TYPES),
    value: z
      .union([amount, z.strictObject({ codes: listOf(coded(lists)).describe('of a scale') })], {
        error: because('VALUE_INVALID', 'must be {value, unit} or {codes: […]}'),
      })
      .optional()
      .describe('how well it works'),
    bodySite: concept(lists).optional().describe('which part of the body'),
    device: reference.optional().describe('id of the device that measured it'),
  }),
  faults: (entry) => timeFaults(entry, true),
  names: (entry) => namesOf(entry),
  build: (entry, context): WrittenResource<Observation> => ({
    ...factorOf(FUNCTION, FUNCTION_TYPES, entry, context),
    valueQuantity: entry.value && 'value' in entry.value ? amountQuantity(entry.value, context) : undefined,
    valueCodeableConcept:
      entry.value && 'codes' in entry.value ? { coding: entry.value.codes.map((of) => context.coding(of)) } : undefined,
    bodySite: entry.bodySite && context.concept(entry.bodySite),
  }),
  example: {
    kind: 'functionalAssessment',
    id: 'running-1',
    at: '2025-01-20T12:00:00+01:00',
    code: { system: 'snomed', code: '282462008', display: 'Ability to run (observable entity)', text: 'Laufen' },
    type: 'b730-b749',
    value: { value: 12, unit: 'min' },
    performer: 'patient',
    note: 'Ohne Pause gelaufen.',
  },
});
