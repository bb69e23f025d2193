// The insured (mio-diga.md section 7). All members may be left out; the KVNR is the export's (D15).
import type { Identifier, Patient } from '@medplum/fhirtypes';
import { z } from 'zod';
import type { FhirObject } from '../model.ts';
import type { CodeLists } from './code-lists.ts';
import { PATIENT, PROFILE } from './context.ts';
import { because, day, oneOf } from './inputs.ts';
import type { BuildContext } from './kind.ts';
import { address, addressOf, genderOf, namesOf, personName, telecom } from './person.ts';
import type { Written, WrittenResource } from './written.ts';

export const PATIENT_PROFILE = `${PROFILE}Patient`;

/** The profile's check is a warning only; ours is an error. */
const kvnr = z
  .string()
  .regex(/^[A-Z][0-9]{9}$/, because('KVNR_INVALID', 'must be a letter and nine digits'))
  .meta({ format: 'kvnr' });

export const patientInput = (lists: CodeLists) =>
  z
    .strictObject({
      kvnr: kvnr.optional().describe('must be the export’s where it is given'),
      insurance: z.enum(['GKV', 'PKV']).optional().describe('statutory or private, with a KVNR; default GKV'),
      name: personName.optional().describe('of the insured'),
      birthDate: day.optional().describe('when born'),
      gender: oneOf(lists, 'administrative-gender').optional().describe('administrative'),
      officialGender: oneOf(lists, 'gender-other-de').optional().describe('D or X, where gender is other'),
      addresses: z.array(address).min(1).optional().describe('street or post office box'),
      telecoms: z.array(telecom(lists)).min(1).optional().describe('how to reach the insured'),
      languages: z
        .array(oneOf(lists, 'KBV_VS_Base_CommonLanguages'))
        .min(1)
        .optional()
        .describe('what the insured speaks'),
    })
    // pat-1 of the profile, gender-amtlich-1 of the extension
    .refine(({ gender, officialGender }) => (gender === 'other') === (officialGender !== undefined), {
      message: because('MEMBER_MISSING', 'D or X is needed where gender is other, and only there'),
      path: ['officialGender'],
    });
export type PatientInput = z.output<ReturnType<typeof patientInput>>;

export function patientOf(
  patient: PatientInput,
  kvnr: string | undefined,
  context: BuildContext,
): WrittenResource<Patient> {
  const base = context.resource(PATIENT_PROFILE, ...PATIENT);
  const own = base.identifier;
  const { gender, officialGender, addresses, languages } = patient;
  return {
    ...base,
    identifier: [
      ...((own ?? []) as FhirObject[]),
      ...(kvnr === undefined ? [] : [insuranceId(kvnr, patient.insurance ?? 'GKV', context)]),
    ],
    name: patient.name && namesOf(patient.name),
    telecom: patient.telecoms?.map(({ system, value }) => ({ system, value })),
    ...genderOf(gender, officialGender, context),
    birthDate: patient.birthDate,
    address: addresses?.map(addressOf),
    communication: languages?.map((language) => ({
      language: { coding: [context.listed('KBV_VS_Base_CommonLanguages', language)] },
    })),
  };
}

const SLICES = { GKV: 'versichertenId_GKV', PKV: 'versichertenId_PKV' } as const;

/** PKV: the profile demands `Resource identifier` as the display, an oddity a strict check enforces. */
function insuranceId(kvnr: string, insurance: 'GKV' | 'PKV', context: BuildContext): Written<Identifier> {
  const fixed = context.fixed(PATIENT_PROFILE, `identifier:${SLICES[insurance]}`) as FhirObject;
  if (insurance === 'GKV') return { ...fixed, value: kvnr };
  const type = fixed.type as FhirObject;
  const [coding] = type.coding as FhirObject[];
  return { ...fixed, type: { coding: [{ ...coding, version: BASE_VERSION }] }, value: kvnr };
}

/** Of identifier-type-de-basis, as the slice demands a version and names none: that of de.basisprofil.r4. */
const BASE_VERSION = '1.3.2';
