// Every member that the kinds of problems and medication have, and what maximal-entries.ts shares with them.
import type { Entry } from '../../mio/build/kind.ts';
import { Decimal } from '../../mio/model.ts';

export const snomed = (code: string, display: string, text?: string) => ({ system: 'snomed', code, display, text });
export const finding = snomed('422587007', 'Nausea (finding)', 'Übelkeit');
export const icd = { system: 'icd10gm', version: '2025', code: 'F32.1', display: 'Mittelgradige depressive Episode' };
export const tablet = { value: 1, name: 'Tablette' };
export const at = '2025-01-03T08:00:00.250+01:00';
export const days = { start: '2025-01-01', end: '2025-01-31' };
export const times = { start: '2025-01-03T08:00:00+01:00', end: '2025-01-03T07:30:00Z' };
export const note = 'Zwei Zeilen,\n& ein <Zeichen> für XML.';
export const results = [{ score: 'phq9-2' }, { bodyWeight: 'bodyWeight-1' }, { observation: 's-1' }];

export const maximalProblems: readonly Entry[] = [
  {
    kind: 'problem',
    id: 'p-1',
    by: { contact: 'c-1' },
    code: { ...icd, text: 'Depression' },
    type: '64572001',
    status: 'resolved',
    verification: 'confirmed',
    severity: 'moderate',
    bodySite: finding,
    onset: { age: new Decimal('34.50'), unit: 'years', stageOfLife: '41847000' },
    ended: { ages: { from: 35, to: 36, unit: 'years' } },
    recorder: { practitionerRole: 'r-1' },
    evidence: results,
    note,
  },
  { kind: 'problem', id: 'p-2', code: { text: 'Kopfschmerzen' }, onset: { stageOfLife: '271872005' }, ended: '2025' },
  { kind: 'problem', id: 'p-3', code: finding, onset: { period: times }, ended: { stageOfLife: '271872005' } },
  {
    kind: 'problem',
    id: 'p-4',
    code: finding,
    onset: { ages: { from: 1, to: 1, unit: 'months' } },
    ended: { period: days },
  },
  { kind: 'problem', id: 'p-5', code: finding, onset: '2024-11', status: 'recurrence' },
  {
    kind: 'allergy',
    id: 'al-1',
    by: { relatedPerson: 'mother-1' },
    code: snomed('102263004', 'Eggs (edible) (substance)', 'Hühnerei'),
    type: 'allergy',
    category: 'food',
    criticality: 'unable-to-assess',
    status: 'resolved',
    verification: 'unconfirmed',
    onset: { stageOfLife: '263659003' },
    ended: { at: '2024-05', stageOfLife: '41847000' },
    recorder: { relatedPerson: 'mother-1' },
    reactions: [
      {
        manifestation: finding,
        onset: '2019',
        severity: 'severe',
        route: { code: '26643006', text: 'durch den Mund' },
      },
      { manifestation: { text: 'Ausschlag' }, route: { text: 'über die Haut' } },
    ],
    note,
  },
  {
    kind: 'allergy',
    id: 'al-2',
    code: { system: 'ask', version: '1.4.0', code: '207', display: 'Natriumbenzoat' },
    onset: at,
  },
];

const product = {
  name: 'IBU-ratiopharm 400 mg akut',
  pzn: '10019621',
  codes: [
    { system: 'atc', version: '2025', code: 'M01AE01', display: 'Ibuprofen' },
    { system: 'snomed', code: '776287003' },
  ],
  category: { code: '763158003', text: 'Fertigarzneimittel' },
  form: { code: '10221000', text: 'Filmtablette' },
  amount: { value: 50, unit: '1', name: 'Tabletten', per: { value: 1, unit: '1', name: 'Packung' } },
  ingredients: [
    {
      substance: snomed('387207008', 'Ibuprofen (substance)'),
      strength: { value: 400, unit: 'mg', name: 'Milligramm', per: { ...tablet, unit: '1' } },
    },
    { substance: { text: 'Stärke' } },
  ],
  lot: 'L-1',
  expires: '2026-12',
};

export const maximalMedication: readonly Entry[] = [
  {
    kind: 'medication',
    id: 'm-1',
    product,
    status: 'on-hold',
    statusReasons: [{ text: 'verträgt es nicht' }, finding],
    period: { start: '2025-01-02' },
    asserted: '2025-01-03',
    source: { contact: 'c-1' },
    reason: finding,
    problems: ['p-1', 'p-2'],
    goals: [
      {
        description: { text: 'Weniger Kopfschmerzen' },
        status: 'accepted',
        start: '2025-01-02',
        end: '2025-03-31',
        targets: [
          { measure: { text: 'Anfälle' }, aim: { value: 2, unit: '1', name: 'je Woche', comparator: '<' } },
          { measure: { text: 'Stärke' }, aim: { low: 0, high: 3, unit: '1', name: 'Punkte' } },
          { measure: { text: 'Befinden' }, aim: { concept: { text: 'gut' } } },
          {
            measure: { text: 'Dauer' },
            aim: {
              numerator: { value: 30, unit: 'min', name: 'Minuten', comparator: '<=' },
              denominator: { value: 1, unit: '1', name: 'Anfall', comparator: '>=' },
            },
          },
          { measure: { text: 'Schlaf' } },
        ],
        note,
      },
      { description: finding },
    ],
    dosages: [
      {
        text: 'Bei Bedarf.',
        instruction: 'Nicht auf leeren Magen.',
        timing: {
          times: 1,
          timesMax: 2,
          every: { value: new Decimal('1.0'), max: 2, unit: 'd' },
          lasting: { value: 5, unit: 'min' },
          days: ['mon', 'fri'],
          at: { times: ['08:00:00', '20:00:00'] },
        },
        asNeeded: { text: 'Schmerz' },
        site: finding,
        route: { code: '20053000', text: 'durch den Mund' },
        dose: { low: 1, high: 2, name: 'Tabletten' },
        rate: { value: 1, unit: 'mL', name: 'ml', per: { value: 1, unit: 'h' } },
        maxPerTime: { value: 3, unit: '1', name: 'Tabletten', per: { value: 1, unit: 'd' } },
        maxPerIntake: { value: 2, unit: '1', name: 'Tabletten' },
      },
      {
        timing: { at: { parts: ['MORN', 'EVE'] } },
        asNeeded: false,
        route: { text: 'Mund' },
        dose: { ...tablet, unit: '1' },
      },
      { dose: { low: 1, high: 1, unit: 'mg' }, rate: { value: 1, per: { value: 1, unit: 'min' } } },
    ],
    note,
  },
  { kind: 'medication', id: 'm-2', product: { name: 'Hustensaft' }, at },
  {
    kind: 'medication',
    id: 'm-3',
    product: { name: 'Salbe', form: { text: 'Salbe' }, amount: { value: 50, unit: 'g' } },
  },
  { kind: 'medication', id: 'm-4', product: { name: 'Tropfen', lot: 'L' }, period: days },
  {
    kind: 'intake',
    id: 'i-1',
    by: { practitionerRole: 'r-1' },
    medication: 'm-1',
    at: '2025-01-03',
    dose: { value: new Decimal('1.50'), unit: '1', name: 'Tabletten' },
    route: { code: '20053000', text: 'durch den Mund' },
    performer: { relatedPerson: 'mother-1' },
    reasons: [finding, { text: 'Kopfschmerzen' }],
    causes: [{ problem: 'p-2' }, { glucose: 'g-1042' }],
    note,
  },
  { kind: 'intake', id: 'i-2', medication: { product }, period: times, dose: { value: 1 }, performer: 'patient' },
];
