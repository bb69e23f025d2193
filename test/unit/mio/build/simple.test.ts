// mode "simple" (mio-diga.md section 13): what callers may write, what becomes of it, and what is refused with all its faults.
import { describe, expect, test } from 'vitest';
import { readSimple } from '../../../../mio/build/content.ts';
import type { Entry } from '../../../../mio/build/kind.ts';
import { KINDS } from '../../../../mio/build/kinds.ts';
import { writeJson } from '../../../../mio/json.ts';
import { validate } from '../../../../mio/validate/validate.ts';
import { writeXml } from '../../../../mio/xml-write.ts';
import { build, fromJson, KVNR, ofProfile, resourcesOf, simple, tables } from '../../../support/mio-build.ts';

/** The body of section 13, with its dots filled in. */
const SKETCH = `{ "mode": "simple",
  "patient": { "kvnr": "${KVNR}", "insurance": "GKV", "name": { "given": ["Erika"], "family": "Mustermann" }, "birthDate": "1980-12-30", "gender": "female" },
  "period": { "start": "2025-01-01T00:00:00+01:00", "end": "2025-03-31T23:59:59+02:00" },
  "entries": [
    { "kind": "bodyWeight", "id": "w-17", "at": "2025-01-03T07:30:00+01:00", "value": 72.50, "unit": "kg", "by": "patient" },
    { "kind": "bloodPressure", "id": "bp-3", "at": "2025-01-03T07:32:00+01:00", "systolic": 128, "diastolic": 82, "device": "cuff-1" },
    { "kind": "score", "id": "phq9-2", "at": "2025-01-10T19:02:00+01:00", "name": "PHQ-9", "code": { "system": "loinc", "code": "44261-6" }, "value": 9, "range": [0, 27], "response": "qr-2" },
    { "kind": "questionnaireResponse", "id": "qr-2", "questionnaire": "phq9", "authored": "2025-01-10T19:00:00+01:00", "answers": [{ "linkId": "1", "value": 1 }] },
    { "kind": "activity", "id": "a-9", "at": "2025-01-12T18:00:00+01:00", "type": "d920", "text": "Entspannungsübung", "minutes": 15 },
    { "kind": "diary", "id": "d-1", "at": "2025-01-12T21:30:00+01:00", "text": "Gut geschlafen." },
    { "kind": "observation", "id": "s-1", "at": "2025-01-12T23:59:00+01:00", "code": { "text": "Schritte" }, "value": 8123, "unit": "1" } ] }`;

test('the body that the design shows is taken as it stands', () => {
  const { bundle, findings } = build(fromJson(SKETCH));
  expect(findings.map(({ code, severity, pointer }) => ({ code, severity, pointer }))).toEqual([
    { code: 'ENTRY_UNDECLARED', severity: 'warning', pointer: '/entries/1/device' },
    { code: 'ENTRY_UNDECLARED', severity: 'information', pointer: '/entries/3/questionnaire' },
  ]);
  expect(ofProfile(bundle, 'Observation_Body_Weight')).toHaveLength(1);
  const [weight] = ofProfile(bundle, 'Observation_Body_Weight');
  expect(writeJson(weight?.valueQuantity)).toContain('"value":72.50,');
  const [activity] = ofProfile(bundle, 'Procedure_Activity');
  expect(activity?.performedPeriod).toEqual({ start: '2025-01-12T18:00:00+01:00', end: '2025-01-12T18:15:00+01:00' });
});

test('the documented example of every kind is read and built', () => {
  for (const { kind, example, profile, section } of KINDS) {
    const others = KINDS.filter((one) => one.kind !== kind).map((one) => one.example);
    const { drafts } = build(simple(example, ...others));
    const own = drafts.filter(({ pointer }) => pointer === '/entries/0');
    expect(own[0], kind).toMatchObject({ profile, section });
  }
});

test('the Composition comes first, sections in the order of the profile with its titles and codes, none empty', () => {
  const { bundle } = build(simple(...KINDS.map(({ example }) => example)));
  const [composition] = resourcesOf(bundle);
  const sections = composition?.section as { title: string; entry?: unknown[]; section?: unknown[] }[];
  const titles = sections.map(({ title }) => title);
  expect(composition?.resourceType).toBe('Composition');
  expect(titles).toEqual([...titles].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b)));
  for (const { entry = [], section = [] } of sections) expect(entry.length + section.length).toBeGreaterThan(0);
});

const ORDER = [
  'Fragebögen',
  'Befunde und Ergebnisse',
  'Aktivitäten',
  'Nahrung',
  'Lebensstilfaktoren',
  'Probleme',
  'Umweltfaktoren',
  'Medikation',
  'Beurteilungen',
  'Ziele',
  'Termine/Begegnungen',
  'Patientenberichte',
  'Anhaenge',
  'Kontakte',
];

test('the same input gives the same bytes', () => {
  const once = writeXml(build(fromJson(SKETCH)).bundle, tables.core.shapes);
  expect(writeXml(build(fromJson(SKETCH)).bundle, tables.core.shapes)).toBe(once);
});

const steps = { kind: 'observation', id: 's-1', at: '2025-01-03', code: { text: 'Schritte' }, value: 8123 };
const score = { kind: 'score', id: 'x-1', name: 'x', value: 1 };

test.each<[string, object, object]>([
  ['UCUM', { unit: 'km/d' }, { unit: 'km/d', code: 'km/d' }],
  ['nothing', {}, { unit: '1', code: '1' }],
  ['words in braces', { unit: '{Schritte}' }, { unit: 'Schritte', code: '{Schritte}' }],
  ['UCUM with a name', { unit: '{Uebungen}', unitName: 'Übungen' }, { unit: 'Übungen', code: '{Uebungen}' }],
  ['a name alone', { unitName: 'Übungen' }, { unit: 'Übungen' }],
])('the unit of an observation from %s', (_, members, said) => {
  const { bundle } = build(simple({ ...steps, range: [1, 2], ...members } as Entry));
  const system = 'code' in said ? { system: 'http://unitsofmeasure.org' } : {};
  const [made] = ofProfile(bundle, 'Observation_Free');
  expect(made?.valueQuantity).toEqual({ value: 8123, ...said, ...system });
  expect(made?.referenceRange).toEqual([
    { low: { value: 1, ...said, ...system }, high: { value: 2, ...said, ...system } },
  ]);
  expect(validate(bundle, tables)).toEqual([]);
});

test.each<[string, object, object | undefined]>([
  ['words alone', { text: 'Taille' }, undefined],
  ['a code with words', { text: 'Taille', system: 'loinc', code: '8280-0' }, { code: '8280-0' }],
  [
    'a code with its display',
    { text: 'Taille', system: 'loinc', code: '8280-0', display: 'x' },
    { code: '8280-0', display: 'x' },
  ],
  [
    'a code that is known here',
    { text: 'Gewicht', system: 'loinc', code: '29463-7' },
    { code: '29463-7', display: 'Body weight' },
  ],
])('no words of the caller are the display of a code: %s', (_, code, coding) => {
  const own = { ...steps, code, category: code, interpretation: code, value: code };
  const { bundle } = build(simple(own as Entry));
  const [made] = ofProfile(bundle, 'Observation_Free');
  const known = coding && { coding: [{ system: 'http://loinc.org', version: '2.72', ...coding }] };
  const concept = { ...known, text: (code as { text: string }).text };
  expect(made).toMatchObject({ code: concept, category: [concept], interpretation: [concept] });
  expect([made?.code, made?.valueCodeableConcept]).toEqual([concept, concept]);
  expect(validate(bundle, tables)).toEqual([]);
});

const weight: Entry = { kind: 'bodyWeight', id: 'w-1', at: '2025-01-03', value: 70 };

test.each<[string, unknown, string[]]>([
  ['a kind there is not', simple({ kind: 'mood', id: '1' }), ['/entries/0/kind VALUE_INVALID']],
  ['an unknown member', simple({ ...weight, colour: 'red' }), ['/entries/0/colour MEMBER_UNKNOWN']],
  ['no entries', simple(), ['/entries TOO_SMALL']],
  ['a time without zone', simple({ ...weight, at: '2025-01-03T07:30:00' }), ['/entries/0/at TIME_INVALID']],
  ['the 30th of February', simple({ ...weight, at: '2025-02-30' }), ['/entries/0/at TIME_INVALID']],
  ['a unit the profile does not let through', simple({ ...weight, unit: 'lb' }), ['/entries/0/unit VALUE_INVALID']],
  [
    'a unit that is no UCUM',
    simple(
      { ...steps, unit: 'Schritte' },
      { ...score, unit: 'Punkte', parts: [{ name: 'y', value: 1, unit: 'Punkte' }] },
    ),
    ['/entries/0/unit UNIT_INVALID', '/entries/1/unit UNIT_INVALID', '/entries/1/parts/0/unit UNIT_INVALID'],
  ],
  [
    'the name of a unit of what is no number',
    simple({ ...steps, value: 'viele', unit: '1', unitName: 'Schritte' }),
    ['/entries/0/unit MEMBER_UNKNOWN', '/entries/0/unitName MEMBER_UNKNOWN'],
  ],
  ['a number as text', simple({ ...weight, value: '70' }), ['/entries/0/value TYPE_INVALID']],
  [
    'a number beyond all use',
    fromJson('{"mode":"simple","entries":[{"kind":"bodyWeight","id":"1","at":"2025-01-03","value":1e400}]}'),
    ['/entries/0/value NUMBER_TOO_BIG'],
  ],
  ['an id twice', simple(weight, weight), ['/entries/1/id ID_REPEATED']],
  [
    'a response that is not there',
    simple({ kind: 'score', id: '1', name: 'x', value: 1, response: 'qr' }),
    ['/entries/0/response ENTRY_UNKNOWN'],
  ],
  ['a practitioner that is not there', simple({ ...weight, by: 'practitioner' }), ['/entries/0/by ENTRY_UNKNOWN']],
  ['a device that is not named', simple({ ...weight, by: 'device' }), ['/entries/0/device MEMBER_MISSING']],
  [
    'minutes without a time of day',
    simple({ kind: 'activity', id: '1', at: '2025-01-03', text: 'x', minutes: 3 }),
    ['/entries/0/minutes MEMBER_UNKNOWN'],
  ],
  ['no time where one is demanded', simple({ kind: 'diary', id: '1', text: 'x' }), ['/entries/0/at MEMBER_MISSING']],
  [
    'a code nobody knows',
    simple({ kind: 'observation', id: '1', code: { system: 'loinc', code: '1-1' }, value: 1 }),
    ['/entries/0/code/display MEMBER_MISSING'],
  ],
  [
    'a period that ends first',
    { ...simple(weight), period: { start: '2025-02-01T00:00:00Z', end: '2025-01-01T00:00:00Z' } },
    ['/period/end PERIOD_REVERSED'],
  ],
  ['another version of the toolkit', { ...simple(weight), mioVersion: '1.0.0' }, ['/mioVersion VALUE_INVALID']],
])('refused: %s', (_, content, expected) => {
  const { content: read, findings } = readSimple(content, tables);
  expect(read).toBeUndefined();
  expect(findings.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual(expected);
});

test.each(['15.5', '15.0', '1e1', '"15"'])('minutes spelled %s are told what a whole number looks like', (minutes) => {
  const at = '2025-01-12T18:00:00+01:00';
  const body = `{"mode":"simple","entries":[{"kind":"activity","id":"1","at":"${at}","text":"x","minutes":${minutes}}]}`;
  expect(readSimple(fromJson(body), tables).findings).toMatchObject([
    { pointer: '/entries/0/minutes', code: 'TYPE_INVALID', message: expect.stringMatching(/whole number/) },
  ]);
});

test('all faults come at once, those between entries too, and none quotes a value', () => {
  const { findings } = readSimple(
    { mode: 'simple', secret: 1, entries: [{ ...weight, unit: 'stone-xyz' }, weight, { ...weight, at: 'xyz' }] },
    tables,
  );
  expect(findings.map(({ pointer, code }) => `${pointer} ${code}`).sort()).toEqual([
    '/entries/0/unit VALUE_INVALID',
    '/entries/1/id ID_REPEATED',
    '/entries/2/at TIME_INVALID',
    '/entries/2/id ID_REPEATED',
    '/secret MEMBER_UNKNOWN',
  ]);
  expect(JSON.stringify(findings)).not.toContain('xyz');
});

test('D15: the KVNR is the export’s; another one in the content is an error', () => {
  const { bundle, findings } = build({ ...simple(weight), patient: { kvnr: 'A123456780' } });
  expect(findings).toMatchObject([{ severity: 'error', code: 'KVNR_DIFFERS', pointer: '/patient/kvnr' }]);
  expect(JSON.stringify(findings)).not.toMatch(/[A-Z]\d{9}/);
  expect(JSON.stringify(ofProfile(bundle, 'Patient'))).toContain(KVNR);
});

describe('faults without end', () => {
  const told = (...entries: unknown[]) =>
    readSimple({ mode: 'simple', entries }, tables).findings.map(
      ({ severity, code, pointer }) => `${severity} ${code} ${pointer}`,
    );
  const many = <T>(one: (n: number) => T) => Array.from({ length: 1001 }, (_, n) => one(n));
  const CUT = 'information MIO_FINDINGS_CUT ';

  test('a thousand are listed, and that there are more', () => {
    const found = told(...many(() => ({ ...weight, value: 'x' })));
    expect([found.length, found[999], found[1000]]).toEqual([1001, 'error TYPE_INVALID /entries/999/value', CUT]);
    expect(told(...many(() => 0).slice(1)).at(-1)).toBe('error TYPE_INVALID /entries/999');
  });

  test('also of those that only entries beside each other have', () => {
    expect(told(weight, ...many(() => weight)).slice(-2)).toEqual(['error ID_REPEATED /entries/1000/id', CUT]);
  });

  test('also of what is only told', () => {
    const devices = many((n) => ({ kind: 'device', id: `d-${n}`, name: 'x' }));
    const { findings } = build(simple(weight, ...(devices as Entry[])));
    expect([findings.length, findings.at(-1)?.code]).toEqual([1001, 'MIO_FINDINGS_CUT']);
  });

  test('an entry of more members than anything has is not looked into', () => {
    const questions = Array.from({ length: 10_001 }, () => ({ linkId: 1 }));
    expect(told({ kind: 'questionnaire', id: 'q', title: 'x', questions }, weight)).toEqual([
      'error TOO_BIG /entries/0',
    ]);
  });
});
