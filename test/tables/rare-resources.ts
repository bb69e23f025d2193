// Resources with what neither the published examples nor the small document has, so that every expression of the tables is asked
// about something. Compared with the judge by test/unit/mio/validate/fhirpath.test.ts.
import type { FhirObject, Resource } from '../../mio/model.ts';

const quantity = (value: number) => ({ value, system: 'http://unitsofmeasure.org', code: 'kg', unit: 'kg' });
const extensions: FhirObject[] = [
  { valueRange: { low: quantity(1) } },
  { valueDuration: { value: 1, code: 'd', system: 'http://unitsofmeasure.org' } },
  { valueDuration: { code: 'd' } },
  { valueDistance: { value: 1, system: 'urn:x' } },
  { valueAge: { value: 0, code: 'a' } },
  { valueCount: { value: 1.5, code: '1' } },
  { valueRatio: { numerator: { value: 1 } } },
  { valueExpression: { language: 'text/cql' } },
  {
    valueDataRequirement: {
      type: 'Patient',
      codeFilter: [{ path: 'a' }, { code: [{ code: 'a' }] }],
      dateFilter: [{ path: 'a', searchParam: 'b' }],
    },
  },
  { valueTriggerDefinition: { type: 'periodic', data: [{ type: 'a' }], timingDate: '2025' } },
  { valueTriggerDefinition: { type: 'data-added', condition: { language: 'a' } } },
];

export const RARE_RESOURCES: Resource[] = [
  ...extensions.map((one): Resource => ({ resourceType: 'Observation', extension: [{ url: 'a', ...one }] })),
  {
    resourceType: 'Observation',
    component: [1, 3].map((value) => ({ valueRange: { low: quantity(value), high: quantity(2) } })),
  },
  {
    resourceType: 'Questionnaire',
    item: [
      {
        linkId: '1',
        enableWhen: [
          { operator: 'exists', answerBoolean: true },
          { operator: 'exists', answerString: 'a' },
        ],
      },
    ],
  },
  { resourceType: 'Patient', contact: [{ gender: 'male' }, { name: { text: 'a' } }] },
  { resourceType: 'Condition', stage: [{ summary: { text: 'a' } }, { type: { text: 'b' } }] },
];
