// Blood pressure and glucose: vital signs with more than one value, or with codes that follow from how it was measured.
import type { Observation, ObservationComponent } from '@medplum/fhirtypes';
import { z } from 'zod';
import type { Decimal, FhirObject } from '../model.ts';
import { decimal, moment, oneOf } from './inputs.ts';
import { type BuildContext, defineKind } from './kind.ts';
import { namesOfPart, observation, observationProfile, partExtension } from './observation-parts.ts';
import { codingOf, patterned, sharedMembers, type Units, ucum, unitOf, vitalSignsCategory } from './vital-signs.ts';
import type { Written, WrittenResource } from './written.ts';

const PRESSURE = observationProfile('Blood_Pressure');
const MERCURY: Units = { codes: ['mm[Hg]'], spellings: { mmHg: 'mm[Hg]', 'mm Hg': 'mm[Hg]' } };

export const bloodPressure = defineKind({
  kind: 'bloodPressure',
  profile: PRESSURE,
  section: 'vitalzeichenUndKoerpermasse',
  members: (lists) => ({
    at: moment.describe('when'),
    systolic: decimal({ min: 0 }).describe('upper value'),
    diastolic: decimal({ min: 0 }).describe('lower value'),
    mean: decimal({ min: 0 }).optional().describe('mean arterial pressure'),
    unit: unitOf(MERCURY).optional(),
    ...sharedMembers(lists),
  }),
  names: (entry) => namesOfPart(entry.partOf),
  build: (entry, context): WrittenResource<Observation> => ({
    ...observation(PRESSURE, entry, context),
    extension: partExtension(entry.partOf, context),
    category: vitalSignsCategory(PRESSURE, context),
    code: context.fixed(PRESSURE, 'code') as FhirObject,
    component: [
      pressure('SystolicBP', entry.systolic, context),
      pressure('DiastolicBP', entry.diastolic, context),
      ...(entry.mean === undefined ? [] : [pressure('meanBP', entry.mean, context)]),
    ],
  }),
  example: {
    kind: 'bloodPressure',
    id: 'bp-3',
    at: '2025-01-03T07:35:00+01:00',
    systolic: 128,
    diastolic: 82,
    mean: 97,
    unit: 'mm[Hg]',
    device: 'cuff-1',
  },
});

function pressure(slice: string, value: number | Decimal, context: BuildContext): Written<ObservationComponent> {
  const element = `component:${slice}`;
  return {
    code: context.fixed(PRESSURE, `${element}.code`) as FhirObject,
    valueQuantity: patterned(
      context.quantity(value, ucum(undefined, MERCURY)),
      context.fixed(PRESSURE, `${element}.value[x]:valueQuantity`),
    ),
  };
}

const GLUCOSE = observationProfile('Glucose_Concentration');
const GLUCOSE_UNITS: Units = { codes: ['mg/dL', 'mmol/L'], spellings: { 'mg/dl': 'mg/dL', 'mmol/l': 'mmol/L' } };

/** LOINC has one code for each material and kind of unit, SNOMED CT one for each material. */
const MATERIALS = {
  blood: { 'mg/dL': '2339-0', 'mmol/L': '15074-8', snomed: '434912009' },
  interstitial: { 'mg/dL': '2344-0', 'mmol/L': '14745-4', snomed: '434910001' },
} as const;

export const glucose = defineKind({
  kind: 'glucose',
  profile: GLUCOSE,
  section: 'vitalzeichenUndKoerpermasse',
  members: (lists) => ({
    at: moment.describe('when'),
    value: decimal({ min: 0 }).describe('what was measured'),
    unit: unitOf(GLUCOSE_UNITS).describe('both are in use, so none is taken for granted'),
    material: z.enum(['blood', 'interstitial']).optional().describe('what it was measured in; default blood'),
    comparator: oneOf(lists, 'quantity-comparator').optional().describe('outside what the device measures'),
    interpretation: oneOf(lists, 'KBV_VS_Base_Glucose_Concentration_Interpretation').optional().describe('high or low'),
    range: z
      .strictObject({
        low: decimal({ min: 0 }).optional().describe('from'),
        high: decimal({ min: 0 }).optional().describe('up to'),
        meaning: oneOf(lists, 'referencerange-meaning').optional().describe('of whom or what it is the range'),
      })
      .optional()
      .describe('what is usual, or aimed at'),
    ...sharedMembers(lists),
  }),
  // obs-3 of FHIR
  faults: ({ range }) =>
    range !== undefined && range.low === undefined && range.high === undefined
      ? [{ path: ['range'], code: 'MEMBER_MISSING', message: 'needs low or high' }]
      : [],
  names: (entry) => namesOfPart(entry.partOf),
  build: (entry, context): WrittenResource<Observation> => {
    const unit = ucum(entry.unit, GLUCOSE_UNITS) === 'mmol/L' ? 'mmol/L' : 'mg/dL';
    const material = MATERIALS[entry.material ?? 'blood'];
    const quantity = (value: number | Decimal | undefined) =>
      value === undefined ? undefined : context.quantity(value, unit);
    const { low, high, meaning } = entry.range ?? {};
    return {
      ...observation(GLUCOSE, entry, context),
      extension: partExtension(entry.partOf, context),
      category: vitalSignsCategory(GLUCOSE, context),
      code: {
        coding: [
          codingOf(GLUCOSE, 'loinc', material[unit], context),
          codingOf(GLUCOSE, 'codeSnomed', material.snomed, context),
        ],
      },
      valueQuantity: { ...context.quantity(entry.value, unit), comparator: entry.comparator },
      interpretation:
        entry.interpretation === undefined
          ? undefined
          : [{ coding: [context.listed('KBV_VS_Base_Glucose_Concentration_Interpretation', entry.interpretation)] }],
      referenceRange: entry.range && [
        {
          low: quantity(low),
          high: quantity(high),
          type: meaning === undefined ? undefined : { coding: [context.listed('referencerange-meaning', meaning)] },
        },
      ],
    };
  },
  example: {
    kind: 'glucose',
    id: 'g-1042',
    at: '2025-01-03T07:40:00+01:00',
    value: 104,
    unit: 'mg/dL',
    material: 'interstitial',
    range: { low: 70, high: 180, meaning: 'treatment' },
    device: 'sensor-1',
  },
});
