// Names, addresses and telecoms as KBV's data types want them (mio-diga.md section 7): the family name in an extension too,
// a title with its qualifier, street and number as extensions of the line. Shared by Patient and the contacts.
import type { Address as FhirAddress, HumanName } from '@medplum/fhirtypes';
import { z } from 'zod';
import type { FhirObject } from '../model.ts';
import type { CodeLists } from './code-lists.ts';
import { oneOf, text } from './inputs.ts';
import type { BuildContext } from './kind.ts';
import type { Written } from './written.ts';

const OWN_NAME = 'http://hl7.org/fhir/StructureDefinition/humanname-own-name';
const OWN_PREFIX = 'http://hl7.org/fhir/StructureDefinition/humanname-own-prefix';
const ADDITION = 'http://fhir.de/StructureDefinition/humanname-namenszusatz';
const QUALIFIER = 'http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier';
const ADDRESS_PART = 'http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-';

const word = text(200);
const familyMembers = {
  family: word.describe('family name without what follows'),
  familyPrefix: word.optional().describe('von'),
  familyAddition: word.optional().describe('Graf'),
};

export const personName = z.strictObject({
  ...familyMembers,
  given: z.array(word).min(1).optional().describe('given names'),
  title: word.optional().describe('academic: Dr. med.'),
  birthName: z.strictObject(familyMembers).optional().describe('family name at birth'),
});
export type PersonName = z.output<typeof personName>;

/** The profiles take one given name and one prefix, so several are written as one. */
export function namesOf({ given, title, birthName, ...family }: PersonName): Written<HumanName>[] {
  const official: Written<HumanName> = {
    use: 'official',
    text: [title, ...(given ?? []), wholeOf(family)].filter((one) => one !== undefined).join(' '),
    ...familyOf(family),
    given: given && [given.join(' ')],
    prefix: title === undefined ? undefined : [title],
    _prefix: title === undefined ? undefined : [{ extension: [{ url: QUALIFIER, valueCode: 'AC' }] }],
  };
  return birthName === undefined
    ? [official]
    : [official, { use: 'maiden', text: wholeOf(birthName), ...familyOf(birthName) }];
}

type Family = Pick<PersonName, 'family' | 'familyPrefix' | 'familyAddition'>;

function familyOf({ family, familyPrefix, familyAddition }: Family): Written<HumanName> {
  const extension = [
    ...(familyAddition === undefined ? [] : [{ url: ADDITION, valueString: familyAddition }]),
    { url: OWN_NAME, valueString: family },
    ...(familyPrefix === undefined ? [] : [{ url: OWN_PREFIX, valueString: familyPrefix }]),
  ];
  return { family: wholeOf({ family, familyPrefix, familyAddition }), _family: { extension } };
}

function wholeOf({ family, familyPrefix, familyAddition }: Family): string {
  return [familyAddition, familyPrefix, family].filter((one) => one !== undefined).join(' ');
}

/** A street with number, or a post office box. */
export const address = z
  .strictObject({
    street: word.optional().describe('or postBox'),
    houseNumber: word.optional().describe('42a'),
    addition: word.optional().describe('Hinterhof'),
    district: word.optional().describe('part of the city, beside street'),
    postBox: word.optional().describe('number of a post office box; or street'),
    postalCode: word.optional().describe('10115'),
    city: word.optional().describe('Berlin'),
    country: word.optional().describe('D'),
  })
  .refine(({ street, postBox }) => (street === undefined) !== (postBox === undefined), {
    message: 'MEMBER_MISSING: needs either street or postBox',
  })
  .refine((of) => of.postBox === undefined || (of.houseNumber ?? of.addition ?? of.district) === undefined, {
    message: 'MEMBER_UNKNOWN: a post office box has neither houseNumber nor addition nor district',
  });
export type Address = z.output<typeof address>;

export function addressOf({
  street,
  houseNumber,
  addition,
  district,
  postBox,
  ...place
}: Address): Written<FhirAddress> {
  const parts: [string, string | undefined][] = [
    ['streetName', street],
    ['houseNumber', houseNumber],
    ['additionalLocator', addition],
    ['postBox', postBox],
  ];
  const given = parts.filter((part): part is [string, string] => part[1] !== undefined);
  const line = given.map(([, value]) => value).join(' ');
  const extended = { extension: given.map(([name, valueString]) => ({ url: `${ADDRESS_PART}${name}`, valueString })) };
  return {
    extension: district === undefined ? undefined : [{ url: `${ADDRESS_PART}precinct`, valueString: district }],
    type: postBox === undefined ? 'both' : 'postal',
    // add-7: the part of the city is a line, too.
    line: district === undefined ? [line] : [line, district],
    _line: district === undefined ? [extended] : [extended, null],
    city: place.city,
    postalCode: place.postalCode,
    country: place.country,
  };
}

export const telecom = (lists: CodeLists) =>
  z.strictObject({
    system: oneOf(lists, 'contact-point-system').describe('how'),
    value: word.describe('number or address'),
  });

export function genderOf(gender: string | undefined, official: string | undefined, context: BuildContext): FhirObject {
  if (gender === undefined || official === undefined) return { gender };
  const url = context.lists.profile('gender-amtlich-de').url;
  return { gender, _gender: { extension: [{ url, valueCoding: context.listed('gender-other-de', official) }] } };
}
