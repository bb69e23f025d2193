// Two versions of the toolkit side by side (D25). Only 1.1.0 is published; the other is a package made here.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileVersion } from '../../../mio/compile/tables.ts';
import { MioError } from '../../../mio/error.ts';
import { CoreTables, TABLES_FOLDER, ToolkitTables, toolkitVersions, ValueSet } from '../../../mio/tables.ts';
import { core, profile, registryOf } from './compile/small-packages.ts';

const KBV = 'https://fhir.kbv.de/StructureDefinition/';
const folder = mkdtempSync(join(tmpdir(), 'mio-tables-'));

beforeAll(() => {
  cpSync(TABLES_FOLDER, folder, { recursive: true });
  const main = registryOf(
    profile('KBV_PR_MIO_DIGA_Patient', 'Patient', [{ id: 'Patient.birthDate', min: 1 }], {
      url: `${KBV}KBV_PR_MIO_DIGA_Patient`,
      version: '1.10.0',
    }),
  );
  main.add({
    resourceType: 'ValueSet',
    url: 'https://fhir.kbv.de/ValueSet/New',
    compose: { include: [{ system: 'urn:s', concept: [{ code: 'a', display: 'A' }] }] },
  });
  const { files, notes } = compileVersion(core, {
    name: 'kbv.mio.diga',
    version: '1.10.0',
    packages: {},
    main,
    all: core.with(main),
  });
  expect(notes.filter((one) => !one.startsWith('system only'))).toEqual([]);
  for (const [name, text] of files) {
    if (name === 'r4.json') continue;
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('two versions side by side', () => {
  test('are both there, in the order of their numbers', () =>
    expect(toolkitVersions(folder)).toEqual(['1.1.0', '1.10.0']));

  test('say each their own of the same profile', () => {
    const r4 = new CoreTables(folder);
    const [old, young] = [new ToolkitTables('1.1.0', r4, folder), new ToolkitTables('1.10.0', r4, folder)];
    const birthDate = (tables: ToolkitTables) =>
      tables.definition('KBV_PR_MIO_DIGA_Patient')?.root.children.find((one) => one.name === 'birthDate')?.min;
    expect([birthDate(old), birthDate(young)]).toEqual([0, 1]);
    expect(old.byCanonical(`${KBV}KBV_PR_MIO_DIGA_Patient|1.1.0`)).toBeDefined();
    expect(young.byCanonical(`${KBV}KBV_PR_MIO_DIGA_Patient|1.10.0`)?.version).toBe('1.10.0');
    expect(young.definition('KBV_PR_MIO_DIGA_Bundle')).toBeUndefined();
  });

  test('know no canonical of the other', () => {
    const tables = new ToolkitTables('1.1.0', new CoreTables(folder), folder);
    for (const one of [
      `${KBV}KBV_PR_MIO_DIGA_Patient|1.10.0`,
      `${KBV}KBV_PR_MIO_DIGA_Patient|`,
      `${KBV}Gone|1.1.0`,
      '',
      '|1.1.0',
    ]) {
      expect(tables.byCanonical(one)).toBeUndefined();
    }
    expect(tables.byCanonical(`${KBV}KBV_PR_MIO_DIGA_Patient`)?.version).toBe('1.1.0');
  });
});

describe('what is not there', () => {
  test.each(['1.0.0', '', '..', '../1.1.0', '1.1.0/value-sets', 'toString'])('no version %s', (version) => {
    const code = (() => {
      try {
        new ToolkitTables(version, new CoreTables());
        return 'none';
      } catch (error) {
        return error instanceof MioError ? error.code : error;
      }
    })();
    expect(code).toBe('MIO_VERSION_UNKNOWN');
  });

  test('no definition or value set of a name that is none', () => {
    const tables = new ToolkitTables('1.1.0', new CoreTables());
    for (const name of ['index', '../r4', 'constructor', '__proto__', '', 'KBV_PR_MIO_DIGA_Export']) {
      expect(tables.definition(name)).toBeUndefined();
      expect(tables.valueSet(name)).toBeUndefined();
    }
  });
});

describe('a value set', () => {
  const tables = new ToolkitTables('1.1.0', new CoreTables());

  test('has the codes of the packages with their displays', () => {
    const weight = tables.valueSet('VitalSignDE_Body_Weight_Loinc');
    expect(weight?.has('29463-7', 'http://loinc.org')).toBe(true);
    expect(weight?.has('29463-7', 'http://snomed.info/sct')).toBe(false);
    expect(weight?.has('8302-2', 'http://loinc.org')).toBe(false);
    expect(tables.valueSet('KBV_VS_MIO_DIGA_Problem_Type')?.lists[0]?.codes?.size).toBe(4);
    expect(tables.valueSet('observation-status')?.has('final')).toBe(true);
    expect(tables.valueSet('observation-status')?.has('finished')).toBe(false);
    expect(tables.valueSet('KBV_VS_Base_Stage_Life')?.display('271872005')).toBe('Old age (qualifier value)');
  });

  test('has the 13,190 devices without displays', () => {
    const devices = tables.valueSet('KBV_VS_Base_Device_SNOMED_CT');
    expect(devices?.lists[0]?.codes?.size).toBe(13_190);
    expect(devices?.has('19892000', 'http://snomed.info/sct')).toBe(true);
    expect(devices?.has('27113001', 'http://snomed.info/sct')).toBe(false);
  });

  test('without a list lets every code of its system through, and of no other', () => {
    const set = new ValueSet({ name: 'V', url: 'urn:v', systems: [{ system: 'urn:s' }] });
    expect([set.has('x', 'urn:s'), set.has('x', 'urn:t'), set.has('x')]).toEqual([true, false, true]);
    expect(set.display('x', 'urn:s')).toBeUndefined();
  });

  test('knows no code of a name that every object has', () => {
    for (const code of ['constructor', 'toString', '__proto__'])
      expect(tables.valueSet('observation-status')?.has(code)).toBe(false);
  });
});
