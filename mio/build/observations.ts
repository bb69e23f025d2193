// Observation_Free, the fallback for what has no profile of its own, and Score_or_Assessment_by_Scale, the result of a
// questionnaire or scale (mio-diga.md section 7).
import type { CodeableConcept, Observation, ObservationComponent, ObservationReferenceRange } from '@medplum/fhirtypes';
import { z } from 'zod';
import type { Decimal } from '../model.ts';
import { type Amount, amountQuantity, rangeOf } from './amounts.ts';
import type { CodeLists } from './code-lists.ts';
import {
  because,
  type Coded,
  type Concept,
  coded,
  concept,
  decimal,
  isNumber,
  moment,
  reference,
  text,
  ucum,
} from './inputs.ts';
import { type BuildContext, defineKind, type Fault } from './kind.ts';
import { atOrPeriod, note, observation, observationProfile, status, timeFaults } from './observation-parts.ts';
import { systemUrl } from './systems.ts';
import type { Written, WrittenResource } from './written.ts';

const FREE = observationProfile('Free');
const SCORE = observationProfile('Score_or_Assessment_by_Scale');

/** UCUM; `1` for a pure number. */
const unit = ucum.describe('UCUM; default 1');
const range = z.tuple([decimal(), decimal()]).describe('[lowest, highest]');

const anyValue = (lists: CodeLists) =>
  z.union([decimal(), text(), z.boolean(), concept(lists)], {
    error: because('TYPE_INVALID', 'must be a number, a text, true or false, or a code {system, code, display, text}'),
  });
type AnyValue = z.output<ReturnType<typeof anyValue>>;

export const observationKind = defineKind({
  kind: 'observation',
  profile: FREE,
  section: 'befundeUndErgebnisse',
  members: (lists) => ({
    code: concept(lists).describe('what was observed'),
    ...atOrPeriod,
    value: anyValue(lists).describe('what came out: a number, a text, yes or no, a code'),
    unit: unit.optional(),
    unitName: text(100).optional().describe('what people read as the unit; alone where UCUM has no code: Übungen'),
    range: range.optional(),
    interpretation: concept(lists).optional().describe('what it means'),
    category: concept(lists).optional().describe('what kind of observation it is'),
    activity: reference.optional().describe('id of the activity it was part of'),
    status: status(lists).optional(),
    device: reference.optional().describe('id of the device that measured it'),
    note: note.optional(),
  }),
  faults: (entry) => [...timeFaults(entry, false), ...unitFaults(entry), ...rangeFaults(entry.range)],
  names: ({ activity }) => (activity === undefined ? [] : [{ path: ['activity'], kinds: ['activity'], id: activity }]),
  build: (entry, context): WrittenResource<Observation> => ({
    ...observation(FREE, entry, context),
    partOf: entry.activity === undefined ? undefined : [context.reference('activity', entry.activity)],
    category: entry.category && [freeConcept(entry.category, context)],
    code: freeConcept(entry.code, context),
    ...valueMember(entry.value, unitOf(entry), context, freeConcept),
    interpretation: entry.interpretation && [freeConcept(entry.interpretation, context)],
    referenceRange: limitsOf(entry.range, unitOf(entry), context),
  }),
  example: {
    kind: 'observation',
    id: 's-1',
    at: '2025-01-03',
    code: { text: 'Schritte', system: 'loinc', code: '41950-7' },
    value: 8123,
    unit: '1',
  },
});

/** The profile takes no text beside a code. */
const scoreValue = (lists: CodeLists) =>
  z.union([decimal(), coded(lists)], {
    error: because('TYPE_INVALID', 'must be a number, or a code {system, code, display}'),
  });

export const score = defineKind({
  kind: 'score',
  profile: SCORE,
  section: 'beurteilungen',
  members: (lists) => ({
    at: moment.optional().describe('when'),
    name: text(1000).describe('name of the scale: PHQ-9'),
    code: coded(lists, 'named').optional().describe('LOINC or SNOMED CT of the scale; its display is the name'),
    value: scoreValue(lists).describe('points, or a code'),
    unit: unit.optional(),
    range: range.optional(),
    interpretation: concept(lists).optional().describe('what it means'),
    response: reference.optional().describe('id of the response it was counted from'),
    activity: reference.optional().describe('id of the activity it was part of'),
    parts: z
      .array(
        z.strictObject({
          name: text(1000).describe('name of the scale: PHQ-9'),
          code: coded(lists, 'named').optional().describe('LOINC or SNOMED CT of the scale; its display is the name'),
          value: scoreValue(lists).describe('points, or a code'),
          unit: unit.optional(),
          range: range.optional(),
          interpretation: concept(lists).optional().describe('what it means'),
        }),
      )
      .min(1)
      .optional()
      .describe('scores of its subscales'),
    device: reference.optional().describe('id of the device that measured it'),
    note: note.optional(),
  }),
  faults: (entry) => [
    ...scoreFaults(entry, []),
    ...(entry.parts ?? []).flatMap((part, index) => scoreFaults(part, ['parts', index])),
  ],
  names: ({ response, activity }) => [
    ...(response === undefined ? [] : [{ path: ['response'], kinds: ['questionnaireResponse'], id: response }]),
    ...(activity === undefined ? [] : [{ path: ['activity'], kinds: ['activity'], id: activity }]),
  ],
  build: (entry, context): WrittenResource<Observation> => ({
    ...observation(SCORE, { ...entry, status: undefined }, context),
    partOf: entry.activity === undefined ? undefined : [context.reference('activity', entry.activity)],
    ...scoreOf(entry, context),
    derivedFrom:
      entry.response === undefined ? undefined : [context.reference('questionnaireResponse', entry.response)],
    component: entry.parts?.map((part) => scoreOf(part, context)),
  }),
  example: {
    kind: 'score',
    id: 'phq9-2',
    at: '2025-01-10T19:02:00+01:00',
    name: 'PHQ-9',
    code: { system: 'loinc', code: '44261-6' },
    value: 9,
    range: [0, 27],
    interpretation: { text: 'leichte Symptomatik' },
    response: 'qr-2',
  },
});

type Score = {
  name: string;
  code?: Coded | undefined;
  value: number | Decimal | Coded;
  unit?: string | undefined;
  range?: [number | Decimal, number | Decimal] | undefined;
  interpretation?: Concept | undefined;
};

/** A scale and its parts say the same things. */
function scoreOf(
  { name, code: of, value, unit: given, range: limits, interpretation }: Score,
  context: BuildContext,
): Written<ObservationComponent> {
  const unit = unitOf({ unit: given });
  return {
    code: { coding: of && [context.coding(of, name)], text: name },
    ...valueMember(value, unit, context),
    interpretation: interpretation && [context.concept(interpretation)],
    referenceRange: limitsOf(limits, unit, context),
  };
}

function scoreFaults(entry: Score, path: (string | number)[]): Fault[] {
  return [...unitFaults(entry), ...rangeFaults(entry.range)].map((fault) => ({
    ...fault,
    path: [...path, ...fault.path],
  }));
}

type Unit = Omit<Amount, 'value'>;

/** What has no unit is a pure number: `1` in UCUM. */
function unitOf({ unit, unitName: name }: { unit?: string | undefined; unitName?: string | undefined }): Unit {
  return { unit: unit ?? (name === undefined ? '1' : undefined), name };
}

type ToConcept = (of: Concept, context: BuildContext) => Written<CodeableConcept>;
const fullConcept: ToConcept = (of, context) => context.concept(of);

/** Here no profile demands a display: the caller's own words stand in `text` alone, for they are not what the code is called. */
const freeConcept: ToConcept = ({ text, ...of }, context) => {
  const concept = context.concept({ ...of, text });
  const { system = '', code = '', display } = of;
  const isCalled = display !== undefined || context.lists.display(systemUrl(system) ?? system, code) !== undefined;
  if (isCalled || concept.coding === undefined) return concept;
  return { ...concept, coding: concept.coding.map((one) => ({ ...one, display: undefined })) };
};

function valueMember(
  value: AnyValue,
  unit: Unit,
  context: BuildContext,
  toConcept = fullConcept,
): Pick<Written<Observation>, 'valueQuantity' | 'valueString' | 'valueBoolean' | 'valueCodeableConcept'> {
  if (isNumber(value)) return { valueQuantity: amountQuantity({ value, ...unit }, context) };
  if (typeof value === 'string') return { valueString: value };
  if (typeof value === 'boolean') return { valueBoolean: value };
  return { valueCodeableConcept: toConcept(value, context) };
}

type Measured = { value: AnyValue; unit?: string | undefined; unitName?: string | undefined };

function unitFaults(entry: Measured): Fault[] {
  if (isNumber(entry.value)) return [];
  return (['unit', 'unitName'] as const)
    .filter((member) => entry[member] !== undefined)
    .map((member) => ({ path: [member], code: 'MEMBER_UNKNOWN', message: 'belongs to a value that is a number' }));
}

type Limits = [number | Decimal, number | Decimal] | undefined;

function rangeFaults(limits: Limits): Fault[] {
  if (limits === undefined || Number(limits[0]) <= Number(limits[1])) return [];
  return [{ path: ['range'], code: 'RANGE_REVERSED', message: 'ends before it starts' }];
}

function limitsOf(limits: Limits, unit: Unit, context: BuildContext): Written<ObservationReferenceRange>[] | undefined {
  return limits && [rangeOf({ low: limits[0], high: limits[1], ...unit }, context)];
}
