// The twenty kinds of fault that documents of the toolkit most often have, M01 to M20: what to do to a real example, and all that
// the validator must find then. docs/mio-validator.md is printed from it.
import type { FhirValue } from '../../mio/model.ts';
import type { Path } from './edit.ts';

export type KnownKind = {
  name: string;
  /** Which of the two real examples. */
  in: 1 | 2;
  /** Profile of the entry that is changed; undefined for the bundle itself. */
  profile?: string;
  /** Below the entry's resource. */
  at: Path;
  /** Undefined takes it away. */
  to: FhirValue | undefined;
  /** Code and place below the resource; a place from `Bundle` on is taken as it is. */
  found: [code: string, path: string][];
};

const NOBODY = 'urn:uuid:00000000-0000-4000-8000-000000000000';
export const profileOf = (name: string, version: string) =>
  `https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_${name}|${version}`;

export const KNOWN_KINDS: readonly KnownKind[] = [
  {
    name: 'M01 a profile of another version',
    in: 1,
    profile: 'Observation_Diary_Entry',
    at: ['meta', 'profile', 0],
    to: profileOf('Observation_Diary_Entry', '1.0.0'),
    found: [['MIO_PROFILE_VERSION', 'meta.profile[0]']],
  },
  {
    name: 'M02 an identifier of another system',
    in: 1,
    profile: 'Condition_Problem',
    at: ['identifier', 0, 'system'],
    to: 'urn:oid:1.2.3',
    found: [['MIO_FIXED', 'identifier[0].system']],
  },
  {
    name: 'M03 another title',
    in: 1,
    profile: 'Composition',
    at: ['title'],
    to: 'Export',
    found: [['MIO_FIXED', 'title']],
  },
  {
    name: 'M04 a section that the toolkit does not have',
    in: 1,
    profile: 'Composition',
    at: ['section', 1, 'code', 'coding', 0, 'code'],
    to: 'SectionLebensstil',
    found: [['MIO_SLICE_CLOSED', 'section[1]']],
  },
  {
    name: 'M05 a period of observation without end',
    in: 1,
    profile: 'Composition',
    at: ['extension', 0, 'valuePeriod', 'end'],
    to: undefined,
    found: [['MIO_MIN', 'extension[0].valuePeriod.end']],
  },
  {
    name: 'M06 a date of the year only',
    in: 1,
    profile: 'Composition',
    at: ['date'],
    to: '2021',
    found: [['MIO_INVARIANT', '']],
  },
  {
    name: 'M07 an insured person without the identifier that is a UUID',
    in: 1,
    profile: 'Patient',
    at: ['identifier', 1],
    to: undefined,
    found: [['MIO_SLICE_MIN', 'identifier']],
  },
  {
    name: 'M08 a DiGA without PZN',
    in: 1,
    profile: 'Device_DIGA',
    at: ['type', 'coding'],
    to: undefined,
    found: [
      ['MIO_EMPTY', 'type'],
      ['MIO_SLICE_MIN', 'type.coding'],
    ],
  },
  {
    name: 'M09 a category that the value set does not have',
    in: 1,
    profile: 'Condition_Problem',
    at: ['category', 0, 'coding', 0, 'code'],
    to: '38341003',
    found: [['MIO_CODE', 'category[0].coding[0].code']],
  },
  {
    name: 'M10 a code in a system that the value set does not have',
    in: 1,
    profile: 'Procedure_Activity',
    at: ['category', 'coding', 0, 'system'],
    to: 'http://loinc.org',
    found: [['MIO_CODE', 'category.coding[0].code']],
  },
  {
    name: 'M11 a reference to nothing',
    in: 1,
    profile: 'Condition_Problem',
    at: ['recorder', 'reference'],
    to: NOBODY,
    found: [['MIO_REFERENCE_DANGLING', 'recorder.reference']],
  },
  {
    name: 'M12 a reference to a resource of another kind',
    in: 1,
    profile: 'Condition_Problem',
    at: ['subject', 'reference'],
    to: 'urn:uuid:7d261218-8678-11eb-8dcd-0242ac130003',
    found: [['MIO_REFERENCE_TARGET', 'subject.reference']],
  },
  {
    name: 'M13 an element that does not exist',
    in: 1,
    profile: 'Patient',
    at: ['nationality'],
    to: 'deutsch',
    found: [['MIO_ELEMENT_UNKNOWN', 'nationality']],
  },
  {
    name: 'M14 an instant without time',
    in: 1,
    profile: 'Medication',
    at: ['meta', 'lastUpdated'],
    to: '2021-10-26',
    found: [['MIO_FORMAT', 'meta.lastUpdated']],
  },
  {
    name: 'M15 a unit of another spelling',
    in: 2,
    profile: 'Observation_Heart_Rate',
    at: ['valueQuantity', 'unit'],
    to: 'bpm',
    found: [['MIO_PATTERN', 'valueQuantity.unit']],
  },
  {
    name: 'M16 a LOINC code of another measurement in its slice',
    in: 2,
    profile: 'Observation_Heart_Rate',
    at: ['code', 'coding', 'loinc', 'code'],
    to: '9279-1',
    found: [['MIO_SLICE_MIN', 'code.coding']],
  },
  {
    name: 'M17 a tag that a server has left',
    in: 1,
    profile: 'Observation_Free',
    at: ['meta', 'tag'],
    to: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }],
    found: [['MIO_MAX', 'meta.tag']],
  },
  {
    name: 'M18 a status that does not exist',
    in: 1,
    profile: 'Observation_Free',
    at: ['status'],
    to: 'done',
    found: [['MIO_CODE', 'status']],
  },
  {
    name: 'M19 an entry without fullUrl',
    in: 1,
    at: ['entry', 11, 'fullUrl'],
    to: undefined,
    found: [
      ['MIO_MIN', 'Bundle.entry[11].fullUrl'],
      ['MIO_REFERENCE_DANGLING', 'Bundle.entry[0].resource.section[5].entry[0].reference'],
      ['MIO_REFERENCE_DANGLING', 'Bundle.entry[2].resource.target[3].reference'],
    ],
  },
  {
    name: 'M20 a document without timestamp',
    in: 1,
    at: ['timestamp'],
    to: undefined,
    found: [
      ['MIO_MIN', 'Bundle.timestamp'],
      ['MIO_INVARIANT', 'Bundle'],
    ],
  },
];
