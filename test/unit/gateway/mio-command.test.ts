// `epa-gateway mio build|validate FILE…`: offline, every finding with its place, an exit code for scripts (EXP-12).
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type MioCommand, mioCommand } from '../../../gateway/mio-command.ts';
import { TABLES_FOLDER } from '../../../mio/tables.ts';
import { mioBundle, temporaryDirectory } from '../../support/gateway-fakes.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

const file = (name: string, content: string | Uint8Array) => {
  const path = join(directory.path, name);
  writeFileSync(path, content);
  return path;
};
const APP = `veId: DEMO-0001
pzn: "00000017"
name: Demo DiGA
manufacturer: { name: Demo GmbH, url: https://demo-diga.example }
`;
const NAMESPACE = '4f0a3ac6-1b1c-4d5e-8f00-000000000001';
const content = { mode: 'simple', entries: [{ kind: 'diary', id: 'd', at: '2026-11-20', text: 'Geheimnis' }] };

function run(command: Partial<MioCommand> & Pick<MioCommand, 'verb' | 'files'>, live = false) {
  let [out, progress] = ['', ''];
  const code = mioCommand(
    { json: false, documentBytes: 25_000_000, ...command },
    { out: (text) => (out += text), progress: (text) => (progress += text), live },
  );
  return { code, out, progress };
}
const built = (command: Partial<MioCommand>) =>
  run({ verb: 'build', files: [], app: file('app.yaml', APP), namespace: NAMESPACE, ...command });

test('what is built is valid, with the same ids in the same namespace', () => {
  const [one, two] = [file('one.json', JSON.stringify(content)), file('two.json', JSON.stringify({ content }))];
  const { code, out } = built({ files: [one, two] });
  expect([code, out]).toEqual([0, expect.stringContaining('2 of 2 files without an error')]);
  const xml = ['one.xml', 'two.xml'].map((name) => readFileSync(join(directory.path, name), 'utf8'));
  const diary = xml.map((text) => /<Observation><id value="([^"]*)"/.exec(text)?.[1]);
  expect(diary[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(diary[1]).toBe(diary[0]);
  const judged = run({ verb: 'validate', files: ['one.xml', 'two.xml'].map((name) => join(directory.path, name)) });
  expect(judged.code).toBe(0);
});

test('parts of a document that does not fit have files of their own', () => {
  const entries = ['09-01', '09-02', '09-03', '10-01', '10-02', '10-03'].map((day) => ({
    kind: 'diary',
    id: day,
    at: `2026-${day}`,
    text: 'x'.repeat(4000),
  }));
  const out = join(directory.path, 'out');
  mkdirSync(out);
  const one = file('one.json', JSON.stringify({ mode: 'simple', entries }));
  expect(built({ files: [one], out, documentBytes: 40_000 }).code).toBe(0);
  expect(['one.xml', 'one.2026-10-01.xml'].map((name) => existsSync(join(out, name)))).toEqual([true, true]);
});

test('every fault is told with its place and no value, and nothing is written; the others go on', () => {
  const bad = file(
    'bad.json',
    JSON.stringify({ mode: 'simple', entries: [{ ...content.entries[0], at: 'Geheimnis' }] }),
  );
  const good = file('good.json', JSON.stringify(content));
  const { code, out } = built({ files: [bad, join(directory.path, 'none.json'), good], json: true });
  expect(code).toBe(1);
  expect(out).not.toContain('Geheimnis');
  expect(JSON.parse(out)).toMatchObject({
    ok: false,
    version: '1.1.0',
    files: [
      { ok: false, findings: [{ code: 'TIME_INVALID', pointer: '/entries/0/at' }], documents: [] },
      { ok: false, findings: [{ code: 'FILE_UNREADABLE' }] },
      { ok: true, findings: [], documents: [{ bytes: expect.any(Number) }] },
    ],
  });
  expect([existsSync(join(directory.path, 'bad.xml')), existsSync(join(directory.path, 'good.xml'))]).toEqual([
    false,
    true,
  ]);
});

test('validate tells what is wrong with XML and with JSON, on one line each', () => {
  const wrong = mioBundle('Geheimnis').toString().replace('"DiGA-Export"', '"Export"');
  const files = [
    file('right.xml', mioBundle('a')),
    file('wrong.xml', wrong),
    file('single.json', '{"resourceType":"Patient"}'),
    file('none.json', '['),
  ];
  const { code, out, progress } = run({ verb: 'validate', files }, true);
  expect(code).toBe(1);
  expect(out).toMatch(/^ok {3}.*right\.xml$/m);
  expect(out).toMatch(/error MIO_FIXED Bundle\.entry\[0\]\.resource\.title/);
  expect(out).toMatch(/error MIO_PROFILE_MISSING/);
  expect(out).toMatch(/error JSON_MALFORMED/);
  expect(out).toContain('1 of 4 files without an error');
  expect(out).not.toContain('Geheimnis');
  expect(progress).toContain('4/4');
});

test('a content of another version of the toolkit is not taken for one of this', () => {
  const one = file('one.json', JSON.stringify({ ...content, mioVersion: '1.0.0' }));
  const { code, out } = built({ files: [one] });
  expect([code, out]).toEqual([1, expect.stringMatching(/MIO_VERSION_UNKNOWN mioVersion: .*1\.1\.0/)]);
});

test('without an app a content cannot be built, and the finding says so', () => {
  const one = file('one.json', JSON.stringify(content));
  const { code, out } = run({ verb: 'build', files: [one], namespace: NAMESPACE });
  expect([code, out]).toEqual([1, expect.stringContaining('APP_NOT_CONFIGURED')]);
});

test('other tables than those of the product judge and build by what they hold', () => {
  const tables = join(directory.path, 'tables');
  cpSync(TABLES_FOLDER, tables, { recursive: true });
  renameSync(join(tables, '1.1.0'), join(tables, '1.2.0'));
  const composition = join(tables, '1.2.0', 'KBV_PR_MIO_DIGA_Composition.json');
  const table = readFileSync(composition, 'utf8');
  writeFileSync(composition, table.replaceAll('"DiGA-Export"', '"Export"'));
  const title = (text: string) => mioBundle('a').toString().replace('"DiGA-Export"', `"${text}"`);
  const judged = (text: string) => {
    const { code, out } = run({ verb: 'validate', files: [file('a.xml', title(text))], tables, json: true });
    const { version, files } = JSON.parse(out);
    return [code, version, files[0].findings.some((one: { path: string }) => one.path.endsWith('.title'))];
  };
  expect(judged('Export')).toEqual([expect.any(Number), '1.2.0', false]);
  expect(judged('DiGA-Export')).toEqual([1, '1.2.0', true]);
  const one = file('one.json', JSON.stringify(content));
  expect(built({ files: [one], tables, json: true }).out).toContain('"version":"1.2.0"');
  const { code, progress } = built({ files: [one], tables, version: '1.1.0' });
  expect([code, progress]).toEqual([2, expect.stringContaining('1.2.0')]);
});

test.each<[string, Partial<MioCommand>, RegExp]>([
  ['no file', { files: [] }, /no FILE/],
  ['a namespace that is none', { files: ['x'], namespace: 'x' }, /--namespace/],
  ['a version without tables', { files: ['x'], version: '9.9.9' }, /--mio-version/],
  ['an app file that is not there', { files: ['x'], app: 'nowhere.yaml' }, /--app/],
])('%s ends with 2 and says why', (_what, command, why) => {
  const { code, progress, out } = built(command);
  expect([code, out]).toEqual([2, '']);
  expect(progress).toMatch(why);
});

test('an app file with faults is refused with their names', () => {
  const { code, progress } = built({ files: ['x'], app: file('bad.yaml', 'veId: x\npzn: 1\n') });
  expect([code, progress]).toEqual([2, expect.stringMatching(/pzn.*manufacturer/)]);
});
