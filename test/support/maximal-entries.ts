// Every member that the kinds of problems, medication, goals, meals, factors, visits, files and contacts have, each at least
// once; maximal.test.ts counts them. Entries of other kinds they name are the documented examples.
import type { Entry } from '../../mio/build/kind.ts';
import { Decimal } from '../../mio/model.ts';
import {
  at,
  days,
  finding,
  icd,
  maximalMedication,
  maximalProblems,
  note,
  results,
  snomed,
  times,
} from './maximal-medical.ts';

const family = { family: 'Topp-Glücklich', familyPrefix: 'von', familyAddition: 'Graf' };
const reachable = {
  telecoms: [
    { system: 'phone', value: '030 1234567' },
    { system: 'url', value: 'https://praxis.example' },
  ],
  addresses: [
    {
      street: 'Musterweg',
      houseNumber: '42',
      addition: 'Hinterhof',
      district: 'Mitte',
      postalCode: '10787',
      city: 'Berlin',
      country: 'D',
    },
    { postBox: '4711', postalCode: '10115', city: 'Berlin', country: 'D' },
  ],
  note,
};

const goals: Entry[] = [
  {
    kind: 'goal',
    id: 'g-1',
    description: { text: 'Zehn Kilogramm weniger' },
    status: 'planned',
    achievement: 'in-progress',
    priority: 'low-priority',
    start: '2025-01-02',
    end: '2025-01-02',
    target: {
      measure: snomed('27113001', 'Body weight (observable entity)'),
      aim: { value: new Decimal('-10.0'), unit: 'kg', name: 'Kilogramm' },
      due: '2025-06-30',
    },
    expressedBy: { contact: 'c-1' },
    outcomes: [{ text: 'Gewicht gesunken' }, finding],
    results: [{ bodyWeight: 'bodyWeight-1' }],
    note,
  },
  { kind: 'goal', id: 'g-2', description: finding, target: { measure: finding, aim: { low: 1, high: 2, unit: 'km' } } },
  { kind: 'goal', id: 'g-3', description: finding, target: { measure: finding, aim: { text: 'wieder laufen' } } },
  {
    kind: 'goal',
    id: 'g-4',
    description: finding,
    target: {
      measure: finding,
      aim: {
        numerator: { value: 6, unit: 'km', name: 'Kilometer' },
        denominator: { value: 1, unit: 'd', name: 'Tag' },
      },
    },
  },
  {
    kind: 'plan',
    id: 'pl-1',
    title: 'Bewegung',
    status: 'active',
    author: { practitionerRole: 'r-1' },
    goals: ['g-1', 'g-2'],
    replaces: ['pl-2'],
    activities: [
      {
        code: snomed('308931006', 'Walking practice (regime/therapy)', 'Gehen'),
        text: 'Jeden Tag sechs Kilometer gehen.',
        status: 'in-progress',
        period: { start: '2025-01-02' },
        quantity: { value: 6, unit: 'km/d', name: 'km am Tag' },
        avoid: false,
        byPatient: true,
        goals: ['g-1'],
        reason: finding,
        causes: [{ problem: 'p-1' }, { diary: 'd-1' }, { device: 'cuff-1' }],
        outcomes: [{ text: 'zwei Kilogramm weniger' }],
      },
      { status: 'cancelled', avoid: true, period: days },
    ],
    note,
  },
  { kind: 'plan', id: 'pl-2', status: 'revoked', author: 'patient' },
];

const observed: Entry[] = [
  {
    kind: 'nutrition',
    id: 'n-1',
    by: 'diga',
    at,
    code: snomed('255620007', 'Food (substance)', 'Frühstück'),
    items: [
      {
        code: snomed('226575004', 'Naan bread (substance)', 'Naan-Brot'),
        amount: { value: new Decimal('200.0'), unit: 'g', name: 'Gramm' },
      },
      { code: { text: 'Tee' }, amount: { value: 1, name: 'Tasse' }, notConsumed: true, notConsumedReason: finding },
    ],
    nutrients: [
      { code: snomed('788472008', 'Carbohydrate intake (observable entity)'), amount: { value: 95, unit: 'g' } },
      { code: { text: 'Energie' }, amount: { value: 480, unit: 'kcal', name: 'Kilokalorien' } },
    ],
    performer: { relatedPerson: 'mother-1' },
    note,
  },
  { kind: 'nutrition', id: 'n-2', period: times },
  ...['lifestyle', 'environment', 'functionalAssessment'].map((kind) => ({
    kind,
    id: `${kind}-2`,
    at: '2025-01-03',
    code: { text: 'Rauchen' },
    results,
    performer: { contact: 'c-1' },
    note,
    type: { lifestyle: 'd570', environment: 'e260', functionalAssessment: 'b1' }[kind],
    ...(kind === 'functionalAssessment' && {
      value: { value: 12, unit: 'min', name: 'Minuten' },
      bodySite: finding,
      device: 'cuff-1',
    }),
  })),
  { kind: 'lifestyle', id: 'l-3', code: finding, period: days, performer: 'patient' },
  { kind: 'environment', id: 'e-3', code: finding, period: days },
  {
    kind: 'functionalAssessment',
    id: 'f-3',
    period: times,
    code: finding,
    value: { codes: [finding, icd].map(withoutText) },
  },
];

function withoutText({ text: _, ...coded }: typeof finding | (typeof icd & { text?: string })) {
  return coded;
}

const participants = [
  { person: { contact: 'c-1' }, roles: [{ text: 'Hausärztin' }, finding] },
  { person: { practitionerRole: 'r-1' } },
  { roles: [{ text: 'Dolmetscher' }] },
];
const causes = [{ problem: 'p-1' }, { activity: 'a-9' }, { bodyHeight: 'bodyHeight-1' }];

const visits: Entry[] = [
  {
    kind: 'appointment',
    id: 'ap-1',
    status: 'cancelled',
    period: { start: '2025-05-02T09:00:00+02:00', end: '2025-05-02T07:30:00Z' },
    participants,
    category: {
      system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode',
      code: 'AMB',
      display: 'ambulatory',
      text: 'ambulant',
    },
    service: {
      system: 'https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_BAR2_ARZTNRFACHGRUPPE',
      code: '01',
      display: 'Allgemeinmedizin',
      text: 'Hausarzt',
    },
    type: {
      system: 'http://terminology.hl7.org/CodeSystem/v2-0276',
      code: 'CHECKUP',
      display: 'Kontrolle',
      text: 'Kontrolle',
    },
    reason: finding,
    causes,
    comment: note,
  },
  { kind: 'appointment', id: 'ap-2', status: 'proposed' },
  {
    kind: 'encounter',
    id: 'en-1',
    status: 'in-progress',
    class: 'AMB',
    period: { start: at },
    participants,
    service: {
      system: 'http://fhir.de/CodeSystem/dkgev/Fachabteilungsschluessel',
      code: '0100',
      display: 'Innere Medizin',
      text: 'Internist',
    },
    reasons: [finding, { text: 'Kontrolle' }],
    causes,
    organization: 'o-1',
    note,
  },
  { kind: 'encounter', id: 'en-2', class: 'VR', period: days },
];

const files: Entry[] = [
  {
    kind: 'attachment',
    id: 'at-1',
    at,
    file: { contentType: 'application/pdf', data: 'JVBERi0xLjcK', title: 'Brief', created: '2024' },
    status: 'superseded',
    text: note,
    authors: [
      'patient',
      { contact: 'c-1' },
      { organization: 'o-1' },
      { device: 'cuff-1' },
      { relatedPerson: 'mother-1' },
    ],
  },
  {
    kind: 'attachment',
    id: 'at-2',
    file: {
      contentType: 'text/html',
      url: 'https://diga.example/plan?week=1&x=%C3%A4#top',
      title: 'Plan',
      created: at,
    },
  },
];

const contacts: Entry[] = [
  {
    kind: 'contact',
    id: 'c-1',
    name: { ...family, given: ['Hanna', 'Maria'], title: 'Dr. med.', birthName: { ...family, family: 'Muster' } },
    lanr: '838382202',
    efn: '802761234567890',
    zanr: '123456789',
    telematikId: '1-2.58.00000040',
    qualifications: [{ system: 'snomed', code: '309343006', display: 'Physician (occupation)' }],
    gender: 'other',
    officialGender: 'D',
    birthDate: '1970-01-01',
    ...reachable,
  },
  {
    kind: 'organization',
    id: 'o-1',
    name: 'Praxis Dr. med. von Topp-Glücklich',
    iknr: '121212121',
    bsnr: '031234567',
    vknr: '12345',
    kzva: '123456789',
    telematikId: '1-2.58.00000041',
    ...reachable,
  },
  {
    kind: 'practitionerRole',
    id: 'r-1',
    contact: 'c-1',
    organization: 'o-1',
    roles: [{ code: 'API' }, { code: 'AA', text: 'Assistenz' }, { text: 'Psychotherapeutin' }],
    specialties: [{ code: '01', display: 'Allgemeinmedizin', text: 'Hausarzt' }, { text: 'Naturheilkunde' }],
  },
  {
    kind: 'relatedPerson',
    id: 'mother-1',
    relationships: [{ text: 'Mutter' }, finding],
    name: { ...family, given: ['Maria'], title: 'Dr.' },
    gender: 'other',
    officialGender: 'X',
    ...reachable,
  },
  { kind: 'relatedPerson', id: 'neighbour', gender: 'unknown', name: { family: 'Nachbar' } },
];

export const maximalEntries: readonly Entry[] = [
  ...maximalProblems,
  ...maximalMedication,
  ...goals,
  ...observed,
  ...visits,
  ...files,
  ...contacts,
];
