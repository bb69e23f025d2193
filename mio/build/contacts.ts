// People and places around the insured (mio-diga.md sections 5 and 6): Practitioner, Organization, PractitionerRole and
// RelatedPerson, section Kontakte. They are a state and stand in the newest part.
import type {
  Extension,
  Identifier,
  Organization,
  Practitioner,
  PractitionerRole,
  RelatedPerson,
} from '@medplum/fhirtypes';
import { z } from 'zod';
import type { FhirObject } from '../model.ts';
import { choiceOf, chosenConcept } from './choices.ts';
import { PROFILE } from './context.ts';
import { because, code, coded, concept, day, oneOf, reference, text } from './inputs.ts';
import { type BuildContext, defineKind, type Fault } from './kind.ts';
import { listOf } from './named.ts';
import { address, addressOf, genderOf, namesOf, personName, telecom } from './person.ts';
import type { Written, WrittenResource } from './written.ts';

const PRACTITIONER = `${PROFILE}Practitioner`;
const ORGANIZATION = `${PROFILE}Organization`;
const PRACTITIONER_ROLE = `${PROFILE}PractitionerRole`;
const RELATED_PERSON = `${PROFILE}RelatedPerson`;
const ROLES = 'KBV_VS_Base_Rolecare';
/** KBV's key table of medical specialties; bound as required and published in no package. */
const SPECIALTIES = 'https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_BAR2_ARZTNRFACHGRUPPE';
const word = text(200);

const digits = (least: number, most: number) =>
  z
    .string()
    .regex(
      new RegExp(`^[0-9]{${least},${most}}$`),
      because('DIGITS_INVALID', least === most ? `must have ${least} digits` : `must have ${least} or ${most} digits`),
    )
    .meta({ format: 'digits', least, most });

const given = z.array(word).min(1).describe('given names');
const { family, familyPrefix, familyAddition, title, birthName } = personName.shape;

/** The identifiers of these slices, in the order of the profile. */
function identifiers(
  profile: string,
  base: FhirObject,
  slices: readonly [slice: string, value: string | undefined][],
  context: BuildContext,
): Written<Identifier>[] {
  const others = slices.flatMap(([slice, value]) => {
    // The profile fixes what an assigner would be named by; nobody knows the assigner.
    const { assigner: _, ...fixed } = context.fixed(profile, `identifier:${slice}`) as FhirObject;
    return value === undefined ? [] : [{ ...fixed, value }];
  });
  return [...others, ...((base.identifier ?? []) as FhirObject[])];
}

const commentOf = (note: string | undefined, context: BuildContext): Written<Extension>[] | undefined =>
  note === undefined
    ? undefined
    : [{ url: context.lists.profile('KBV_EX_Base_Additional_Comment').url, valueString: note }];

/** pract-de-1, and gender-amtlich-1 of the extension. */
function genderFaults(gender: string | undefined, official: string | undefined): Fault[] {
  if ((gender === 'other') === (official !== undefined)) return [];
  const message = 'D or X is needed where gender is other, and only there';
  return [{ path: ['officialGender'], code: 'MEMBER_MISSING', message }];
}

export const contact = defineKind({
  kind: 'contact',
  profile: PRACTITIONER,
  section: 'kontakte',
  members: (lists) => ({
    name: z
      .strictObject({ family, familyPrefix, familyAddition, given, title, birthName })
      .describe('of the practitioner'),
    lanr: digits(9, 9).optional().describe('Lebenslange Arztnummer'),
    efn: word.optional().describe('Einheitliche Fortbildungsnummer'),
    zanr: digits(9, 9).optional().describe('Zahnarztnummer'),
    telematikId: word.optional().describe('in the Telematikinfrastruktur'),
    qualifications: listOf(coded(lists)).optional().describe('SNOMED CT 309343006, physician, …'),
    gender: oneOf(lists, 'administrative-gender').optional().describe('administrative'),
    officialGender: oneOf(lists, 'gender-other-de').optional().describe('D or X, where gender is other'),
    birthDate: day.optional().describe('when born'),
    telecoms: listOf(telecom(lists)).optional().describe('how to reach them'),
    addresses: listOf(address).optional().describe('street or post office box'),
    note: text().optional().describe('what else is to be said'),
  }),
  faults: (entry) => genderFaults(entry.gender, entry.officialGender),
  times: () => ({}),
  build: (entry, context): WrittenResource<Practitioner> => {
    const base = context.resource(PRACTITIONER, entry.kind, entry.id);
    return {
      ...base,
      extension: commentOf(entry.note, context),
      identifier: identifiers(
        PRACTITIONER,
        base,
        [
          ['ANR', entry.lanr],
          ['EFN', entry.efn],
          ['ZANR', entry.zanr],
          ['Telematik-ID', entry.telematikId],
        ],
        context,
      ),
      name: namesOf(entry.name),
      telecom: entry.telecoms?.map((one) => ({ ...one })),
      address: entry.addresses?.map(addressOf),
      ...genderOf(entry.gender, entry.officialGender, context),
      birthDate: entry.birthDate,
      qualification: entry.qualifications?.map((of) => ({ code: { coding: [context.coding(of)] } })),
    };
  },
  example: {
    kind: 'contact',
    id: 'dr-topp',
    name: { title: 'Dr. med.', given: ['Hanna'], familyPrefix: 'von', family: 'Topp-Glücklich' },
    lanr: '838382202',
    qualifications: [{ system: 'snomed', code: '309343006', display: 'Physician (occupation)' }],
    gender: 'female',
    telecoms: [{ system: 'phone', value: '030 1234567' }],
    addresses: [{ street: 'Musterweg', houseNumber: '42', postalCode: '10787', city: 'Berlin', country: 'D' }],
    note: 'Hausärztin',
  },
});

export const organization = defineKind({
  kind: 'organization',
  profile: ORGANIZATION,
  section: 'kontakte',
  members: (lists) => ({
    name: text(1000).describe('of the practice, clinic, …'),
    iknr: digits(8, 9).optional().describe('Institutionskennzeichen'),
    bsnr: digits(9, 9).optional().describe('Betriebsstättennummer'),
    vknr: word.optional().describe('Vertragskassennummer'),
    kzva: digits(9, 9).optional().describe('Abrechnungsnummer der KZV'),
    telematikId: word.optional().describe('in the Telematikinfrastruktur'),
    telecoms: listOf(telecom(lists)).optional().describe('how to reach them'),
    addresses: listOf(address).optional().describe('street or post office box'),
    note: text().optional().describe('what else is to be said'),
  }),
  times: () => ({}),
  build: (entry, context): WrittenResource<Organization> => {
    const base = context.resource(ORGANIZATION, entry.kind, entry.id);
    return {
      ...base,
      extension: commentOf(entry.note, context),
      identifier: identifiers(
        ORGANIZATION,
        base,
        [
          ['Institutionskennzeichen', entry.iknr],
          ['Betriebsstaettennummer', entry.bsnr],
          ['VKNR', entry.vknr],
          ['KZV-Abrechnungsnummer', entry.kzva],
          ['Telematik-ID', entry.telematikId],
        ],
        context,
      ),
      name: entry.name,
      telecom: entry.telecoms?.map((one) => ({ ...one })),
      address: entry.addresses?.map(addressOf),
    };
  },
  example: {
    kind: 'organization',
    id: 'praxis-topp',
    name: 'Praxis Dr. med. von Topp-Glücklich',
    bsnr: '031234567',
    telecoms: [{ system: 'url', value: 'https://praxis.example' }],
    addresses: [{ street: 'Musterweg', houseNumber: '42', addition: 'Hinterhof', postalCode: '10787', city: 'Berlin' }],
    note: 'Eingang über den Hof.',
  },
});

export const practitionerRole = defineKind({
  kind: 'practitionerRole',
  profile: PRACTITIONER_ROLE,
  section: 'kontakte',
  members: (lists) => ({
    contact: reference.describe('id of the contact'),
    organization: reference.describe('id of the organization'),
    roles: listOf(choiceOf(lists, ROLES)).optional().describe('what they do there'),
    specialties: listOf(
      z.union([
        z.strictObject({
          code: code.describe('of the table'),
          display: text(1000).describe('its name there'),
          text: text(1000).optional().describe('in your own words'),
        }),
        z.strictObject({ text: text(1000) }),
      ]),
    )
      .optional()
      .describe('KBV table of Fachgruppen: {code: 01, display: Allgemeinmedizin}'),
  }),
  names: ({ contact, organization }) => [
    { path: ['contact'], kinds: ['contact'], id: contact },
    { path: ['organization'], kinds: ['organization'], id: organization },
  ],
  times: () => ({}),
  build: (entry, context): WrittenResource<PractitionerRole> => ({
    ...context.resource(PRACTITIONER_ROLE, entry.kind, entry.id),
    practitioner: context.reference('contact', entry.contact),
    organization: context.reference('organization', entry.organization),
    code: entry.roles?.map((role) => chosenConcept(ROLES, role, context)),
    specialty: entry.specialties?.map((one) => ({
      coding:
        'code' in one ? [context.coding({ system: SPECIALTIES, code: one.code, display: one.display })] : undefined,
      text: one.text,
    })),
  }),
  example: {
    kind: 'practitionerRole',
    id: 'dr-topp-praxis',
    contact: 'dr-topp',
    organization: 'praxis-topp',
    roles: [{ code: 'API', text: 'Praxisinhaberin' }],
    specialties: [{ code: '01', display: 'Allgemeinmedizin' }],
  },
});

export const relatedPerson = defineKind({
  kind: 'relatedPerson',
  profile: RELATED_PERSON,
  section: 'kontakte',
  members: (lists) => ({
    relationships: listOf(concept(lists)).optional().describe('what the person is to the insured'),
    name: personName.omit({ birthName: true }).optional().describe('of the person'),
    gender: oneOf(lists, 'administrative-gender').optional().describe('administrative'),
    officialGender: oneOf(lists, 'gender-other-de').optional().describe('D or X, where gender is other'),
    telecoms: listOf(telecom(lists)).optional().describe('how to reach them'),
    addresses: listOf(address).optional().describe('street or post office box'),
    note: text().optional().describe('what else is to be said'),
  }),
  faults: (entry) => genderFaults(entry.gender, entry.officialGender),
  times: () => ({}),
  build: (entry, context): WrittenResource<RelatedPerson> => ({
    ...context.resource(RELATED_PERSON, entry.kind, entry.id),
    extension: commentOf(entry.note, context),
    patient: context.subject,
    relationship: entry.relationships?.map((relationship) => context.concept(relationship)),
    name: entry.name && namesOf(entry.name),
    telecom: entry.telecoms?.map((one) => ({ ...one })),
    ...genderOf(entry.gender, entry.officialGender, context),
    address: entry.addresses?.map(addressOf),
  }),
  example: {
    kind: 'relatedPerson',
    id: 'mother',
    relationships: [
      {
        system: 'http://terminology.hl7.org/CodeSystem/v3-RoleCode',
        code: 'MTH',
        display: 'mother',
        text: 'Mutter',
      },
    ],
    name: { given: ['Maria'], family: 'Mustermann' },
    gender: 'female',
    telecoms: [{ system: 'phone', value: '0171 010101' }],
    note: 'Hilft bei der Eingabe.',
  },
});
