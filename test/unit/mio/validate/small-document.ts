// A small document that is valid: a person invented here, a body weight and a questionnaire's score with what they need. Tests
// break it in one place and look at what is found. Written from the profiles (mio-diga.md sections 3 to 7).
import type { Finding } from '../../../../mio/error.ts';
import type { FhirObject, FhirValue, Resource } from '../../../../mio/model.ts';
import { CoreTables, ToolkitTables } from '../../../../mio/tables.ts';
import { validate } from '../../../../mio/validate/validate.ts';

export const core = new CoreTables();
export const tables = new ToolkitTables('1.1.0', core);

const SNOMED = 'http://snomed.info/sct';
const SNOMED_VERSION = `${SNOMED}/900000000000207008/version/20220331`;
const STAMP = '2025-03-31T12:00:00+02:00';

/** Positions in `entry`. */
export const AT = {
  composition: 0,
  patient: 1,
  app: 2,
  definition: 3,
  maker: 4,
  weight: 5,
  provenance: 6,
  free: 7,
} as const;

export const uuid = (place: number) => `00000000-0000-4000-8000-00000000000${place}`;
const link = (place: number) => ({ reference: `urn:uuid:${uuid(place)}` });
const coding = (system: string, code: string, display: string) => ({
  system,
  version: versionOf(system),
  code,
  display,
});
const versionOf = (system: string) =>
  system === SNOMED
    ? SNOMED_VERSION
    : system === 'http://loinc.org'
      ? '2.72'
      : system.includes('v2-0203')
        ? '2.9'
        : '1.1.0';
const identifier = (place: number) => ({
  type: { coding: [coding('http://terminology.hl7.org/CodeSystem/v2-0203', 'RI', 'Resource identifier')] },
  system: 'urn:ietf:rfc:3986',
  value: `urn:uuid:${uuid(place)}`,
});

function resource(place: number, profile: string, rest: FhirObject): FhirObject {
  const [resourceType = ''] = profile.split('_');
  return {
    resourceType,
    id: uuid(place),
    meta: {
      versionId: '1',
      lastUpdated: STAMP,
      profile: [`https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_${profile}|1.1.0`],
    },
    ...rest,
  };
}

export function smallDocument(): Resource {
  const section = (title: string, code: FhirObject, rest: FhirObject) => ({ title, code: { coding: [code] }, ...rest });
  const resources = [
    resource(AT.composition, 'Composition', {
      extension: [
        {
          url: 'https://fhir.kbv.de/StructureDefinition/KBV_EX_MIO_DIGA_Betrachtungszeitraum',
          valuePeriod: { start: '2025-01-01T00:00:00+01:00', end: STAMP },
        },
      ],
      status: 'final',
      type: { coding: [coding('http://loinc.org', '53576-5', 'Personal health monitoring report Document')] },
      subject: link(AT.patient),
      date: STAMP,
      author: [link(AT.app)],
      title: 'DiGA-Export',
      section: [
        section('Befunde und Ergebnisse', coding(SNOMED, '423100009', 'Results section (record artifact)'), {
          entry: [link(AT.free)],
          section: [
            section(
              'Vitalzeichen und Körpermaße',
              coding(SNOMED, '1184593002', 'Vital sign document section (record artifact)'),
              { entry: [link(AT.weight)] },
            ),
          ],
        }),
      ],
    }),
    resource(AT.patient, 'Patient', {
      identifier: [identifier(AT.patient)],
      name: [
        {
          use: 'official',
          text: 'Erika Muster',
          family: 'Muster',
          _family: {
            extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/humanname-own-name', valueString: 'Muster' }],
          },
          given: ['Erika'],
        },
      ],
      gender: 'female',
      birthDate: '1980-12-30',
    }),
    resource(AT.app, 'Device_DIGA', {
      identifier: [{ type: { text: 'DiGA-VE-ID' }, value: '00000000' }],
      definition: link(AT.definition),
      deviceName: [{ name: 'Musterapp', type: 'user-friendly-name' }],
      type: { coding: [{ ...coding('http://fhir.de/CodeSystem/ifa/pzn', '00000000', 'Musterapp') }] },
    }),
    resource(AT.definition, 'DeviceDefinition_DIGA', {
      identifier: [identifier(AT.definition)],
      manufacturerReference: link(AT.maker),
      type: { coding: [coding(SNOMED, '706689003', 'Application program software (physical object)')] },
    }),
    resource(AT.maker, 'Organization_Manufacturer', {
      identifier: [identifier(AT.maker)],
      name: 'Muster GmbH',
      telecom: [{ system: 'url', value: 'https://example.org' }],
    }),
    resource(AT.weight, 'Observation_Body_Weight', {
      identifier: [identifier(AT.weight)],
      status: 'final',
      category: [
        {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }],
        },
      ],
      code: {
        coding: [
          coding('http://loinc.org', '29463-7', 'Body weight'),
          coding(SNOMED, '27113001', 'Body weight (observable entity)'),
        ],
      },
      subject: link(AT.patient),
      effectiveDateTime: '2025-02-03T07:30:00+01:00',
      valueQuantity: { value: 72.5, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
    }),
    resource(AT.provenance, 'Provenance', {
      target: [link(AT.weight)],
      recorded: STAMP,
      agent: [
        {
          type: {
            coding: [
              {
                system: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type',
                version: '4.0.1',
                code: 'author',
                display: 'Author',
              },
            ],
          },
          who: link(AT.patient),
        },
      ],
    }),
    resource(AT.free, 'Observation_Free', {
      status: 'final',
      code: { text: 'Schritte' },
      subject: link(AT.patient),
      effectiveDateTime: '2025-02-03',
      valueInteger: 8123,
    }),
  ];
  return {
    resourceType: 'Bundle',
    id: uuid(9),
    meta: {
      versionId: '1',
      lastUpdated: STAMP,
      profile: ['https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_Bundle|1.1.0'],
    },
    identifier: identifier(9),
    type: 'document',
    timestamp: STAMP,
    entry: resources.map((one, place) => ({ fullUrl: `urn:uuid:${uuid(place)}`, resource: one })),
  };
}

/** The value at a JSON pointer. */
export function at(value: FhirValue, pointer: string): FhirObject {
  let here: FhirValue | undefined = value;
  for (const step of pointer.split('/').slice(1)) here = (here as FhirObject)[step];
  return here as FhirObject;
}

/** Sets (or with undefined removes) what is at the pointer. */
export function put(document: FhirValue, pointer: string, value: FhirValue | undefined): void {
  const cut = pointer.lastIndexOf('/');
  const owner: FhirValue = at(document, pointer.slice(0, cut));
  const name = pointer.slice(cut + 1);
  if (Array.isArray(owner)) {
    if (value === undefined) owner.splice(Number(name), 1);
    else owner[Number(name)] = value;
  } else if (value === undefined) delete owner[name];
  else owner[name] = value;
}

/** Findings about the document after one change, as `CODE pointer`. */
export function foundAfter(pointer: string, value: FhirValue | undefined): string[] {
  const document = smallDocument();
  put(document, pointer, value);
  return told(validate(document, tables));
}

export const told = (findings: readonly Finding[]) => findings.map((one) => `${one.code} ${one.pointer}`);
