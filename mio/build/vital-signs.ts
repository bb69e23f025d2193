// Vital signs and body measures: value and unit, LOINC beside SNOMED CT (both 1..1 in the profiles), units to the letter
// (mio-diga.md section 7).
import type { CodeableConcept, Coding, Observation, Quantity } from '@medplum/fhirtypes';
import { z } from 'zod';
import { type FhirObject, type FhirValue, isObject } from '../model.ts';
import type { CodeLists } from './code-lists.ts';
import { because, decimal, moment, oneOf, reference } from './inputs.ts';
import { type BuildContext, defineKind, type Kind } from './kind.ts';
import {
  namesOfPart,
  note,
  observation,
  observationProfile,
  partExtension,
  partOf,
  status,
} from './observation-parts.ts';
import type { Written, WrittenResource } from './written.ts';

/** UCUM codes the profile lets through, the first is meant when left out, and usual spellings that mean nothing else. */
export type Units = { codes: readonly [string, ...string[]]; spellings?: Readonly<Record<string, string>> };

type VitalSign = {
  kind: string;
  name: string;
  /** What is meant when the entry does not say; undefined where the profile leaves no choice. */
  loinc?: string;
  snomed?: string;
  units: Units;
  /** Elements with a list of codes of their own. */
  method?: string;
  bodySite?: string;
  example: { value: number; unit?: string };
};

const PER_MINUTE: Units = { codes: ['/min'], spellings: { 'per minute': '/min', '1/min': '/min' } };

const SIGNS: readonly VitalSign[] = [
  {
    kind: 'bodyWeight',
    name: 'Body_Weight',
    loinc: '29463-7',
    snomed: '27113001',
    units: { codes: ['kg', 'g'] },
    method: 'method.coding:Datenerhebung',
    example: { value: 72.5, unit: 'kg' },
  },
  {
    kind: 'bodyHeight',
    name: 'Body_Height',
    loinc: '8302-2',
    snomed: '1153637007',
    units: { codes: ['cm'] },
    example: { value: 171, unit: 'cm' },
  },
  {
    kind: 'bodyTemperature',
    name: 'Body_Temperature',
    snomed: '386725007',
    units: { codes: ['Cel'], spellings: { '°C': 'Cel', Celsius: 'Cel' } },
    example: { value: 36.8, unit: 'Cel' },
  },
  {
    kind: 'heartRate',
    name: 'Heart_Rate',
    snomed: '364075005',
    units: { ...PER_MINUTE, spellings: { ...PER_MINUTE.spellings, bpm: '/min' } },
    example: { value: 64, unit: '/min' },
  },
  {
    kind: 'respiratoryRate',
    name: 'Respiratory_Rate',
    snomed: '86290005',
    units: PER_MINUTE,
    example: { value: 14, unit: '/min' },
  },
  {
    kind: 'oxygenSaturation',
    name: 'Peripheral_Oxygen_Saturation',
    units: { codes: ['%'] },
    example: { value: 97, unit: '%' },
  },
  {
    kind: 'headCircumference',
    name: 'Head_Circumference',
    snomed: '363812007',
    units: { codes: ['cm'] },
    bodySite: 'bodySite.coding',
    example: { value: 35.5, unit: 'cm' },
  },
];

export const vitalSigns: readonly Kind[] = SIGNS.map(kindOf);

function kindOf(sign: VitalSign): Kind {
  const profile = observationProfile(sign.name);
  return defineKind({
    kind: sign.kind,
    profile,
    section: 'vitalzeichenUndKoerpermasse',
    members: (lists) => ({
      at: moment.describe('when'),
      value: decimal({ min: 0 }).describe('what was measured'),
      unit: unitOf(sign.units).optional(),
      ...choices(sign, profile, lists),
      ...sharedMembers(lists),
    }),
    names: (entry) => namesOfPart(entry.partOf),
    build: (entry, context): WrittenResource<Observation> => ({
      ...observation(profile, entry, context),
      extension: partExtension(entry.partOf, context),
      category: vitalSignsCategory(profile, context),
      code: {
        coding: [
          codingOf(profile, 'loinc', entry.loinc ?? sign.loinc, context),
          codingOf(profile, 'codeSnomed', entry.snomed ?? sign.snomed, context),
        ],
      },
      valueQuantity: patterned(
        context.quantity(entry.value, ucum(entry.unit, sign.units)),
        context.fixed(profile, 'value[x]:valueQuantity'),
      ),
      // Oxygen saturation: the pulse oximeter that the profile demands.
      method:
        chosen(profile, sign.method, entry.method, context) ??
        (context.fixed(profile, 'method') as FhirObject | undefined),
      bodySite: chosen(profile, sign.bodySite, entry.bodySite, context),
    }),
    example: { kind: sign.kind, id: `${sign.kind}-1`, at: '2025-01-03T07:30:00+01:00', ...sign.example },
  });
}

/** Of every vital sign. */
export const sharedMembers = (lists: CodeLists) => ({
  status: status(lists).optional(),
  device: reference.optional().describe('id of the device that measured it'),
  partOf: partOf.optional(),
  note: note.optional(),
});

type Choice = z.ZodOptional<z.ZodType<string>>;

/** Members only where the profile leaves a choice: which of several codes, how and where it was measured. */
function choices({ loinc, snomed, method, bodySite }: VitalSign, profile: string, lists: CodeLists) {
  const members: Partial<Record<'loinc' | 'snomed' | 'method' | 'bodySite', Choice>> = {};
  const choice = (element: string) => oneOf(lists, lists.element(profile, element).codes ?? '').optional();
  if (loinc !== undefined)
    members.loinc = choice('code.coding:loinc').describe(`how it was measured; default ${loinc}`);
  if (snomed !== undefined)
    members.snomed = choice('code.coding:codeSnomed').describe(`what exactly; default ${snomed}`);
  if (method !== undefined) members.method = choice(method).describe('how the value was come by');
  if (bodySite !== undefined) members.bodySite = choice(bodySite).describe('where it was measured');
  // The others are no members of the schema, so they are never there.
  return members as Record<'loinc' | 'snomed' | 'method' | 'bodySite', Choice>;
}

/** A CodeableConcept of the list at that element. */
function chosen(profile: string, element: string | undefined, code: string | undefined, context: BuildContext) {
  if (element === undefined || code === undefined) return undefined;
  const list = context.lists.element(profile, element).codes ?? '';
  return { coding: [context.listed(list, code)] };
}

/** The coding in full of that slice of `code`; what the profile fixes wins. */
export function codingOf(
  profile: string,
  slice: string,
  code: string | undefined,
  context: BuildContext,
): Written<Coding> {
  const element = `code.coding:${slice}`;
  const fixed = context.fixed(profile, element) as FhirObject;
  const list = context.lists.element(profile, element).codes;
  const listed = list === undefined || code === undefined ? {} : context.listed(list, code);
  return { ...listed, ...fixed };
}

export function vitalSignsCategory(profile: string, context: BuildContext): Written<CodeableConcept>[] {
  return [context.fixed(profile, 'category:vs-cat') as FhirObject];
}

/** The code that is meant by a unit as callers spell it. */
export function ucum(spelled: string | undefined, { codes, spellings }: Units): string {
  return (spelled === undefined ? codes[0] : spellings?.[spelled]) ?? spelled ?? codes[0];
}

export function unitOf({ codes, spellings }: Units) {
  const all = [...codes, ...Object.keys(spellings ?? {})];
  return z
    .enum(all, { error: because('VALUE_INVALID', `must be one of ${codes.join(', ')}`) })
    .describe(`default ${codes[0]}`);
}

/** What the profile fixes of a quantity wins over what we would write (`per minute`). */
export function patterned(quantity: Written<Quantity>, fixed: FhirValue | undefined): Written<Quantity> {
  return isObject(fixed) ? { ...quantity, ...fixed } : quantity;
}
