// Every code of a finding of the validator, with what it means. Codes are stable: callers may rely on them.

export const FINDING_CODES = {
  MIO_ELEMENT_UNKNOWN: 'the element does not exist here',
  MIO_MIN: 'an element is missing that must be there',
  MIO_MAX: 'the element is not allowed here, or stands too often',
  MIO_TYPE:
    'the value is not of the type that the element has, or not a list where one belongs (or the other way round)',
  MIO_FORMAT:
    'the value is not written in the form of its type: a date that does not exist, a time without zone, a space in a code',
  MIO_LENGTH: 'the text is longer than allowed',
  MIO_EMPTY:
    'an object, list or text without content, or null outside a list of primitives with something said beside it',
  MIO_FIXED: 'the value must be exactly the one that the profile names',
  MIO_PATTERN: 'the value lacks what the profile demands of it',
  MIO_CODE: 'the code is not one of the required value set',
  MIO_UNIT: 'the system of a quantity is UCUM and its code is no expression of it',
  MIO_SLICE_MIN: 'a kind of entry is missing that the list must have',
  MIO_SLICE_MAX: 'a kind of entry stands more often than allowed',
  MIO_SLICE_CLOSED: 'the entry is none of the kinds that the list may have',
  MIO_SLICE_ORDER: 'the entries do not stand in the order of the profile',
  MIO_INVARIANT: 'a rule of FHIR or of the profile is broken; the message names its key',
  MIO_EXTENSION_CONTEXT: 'the extension may not stand here',
  MIO_NARRATIVE: 'the narrative is not plain, safe xhtml',
  MIO_RESOURCE_UNKNOWN: 'not a resource that a document of the toolkit can hold',
  MIO_PROFILE_MISSING: 'meta.profile names no profile of the toolkit',
  MIO_PROFILE_UNKNOWN: 'meta.profile names a profile that the toolkit does not have',
  MIO_PROFILE_VERSION: 'meta.profile names the profile with another version, or none',
  MIO_PROFILE_TYPE: 'the profile is one for another type of resource',
  MIO_PROFILE_SEVERAL: 'meta.profile names more than one profile of the toolkit',
  MIO_REFERENCE_DANGLING: 'the reference leads to nothing in this document',
  MIO_REFERENCE_RELATIVE: 'a relative reference does not resolve against entries with urn:uuid addresses',
  MIO_REFERENCE_TARGET: 'the reference leads to a resource of a kind that is not allowed here',
  MIO_FULLURL: 'fullUrl is not urn:uuid: with the id of its resource, or is used twice',
  MIO_BUNDLE_EXPECTED: 'the document must be a Bundle',
  MIO_COMPOSITION_FIRST: 'the first entry of the document must be its Composition',
  MIO_UNREACHABLE: 'nothing leads from the Composition to this entry',
  MIO_FINDINGS_CUT: 'there are more findings than are listed',
} as const;

export type FindingCode = keyof typeof FINDING_CODES;
