// Every answer to ITI-41 understood (issue 6): each row of test/tables/iti41-answers.ts in a running world, and the tables
// against what the gateway distinguishes, what the simulator says, and what the reference names (EXP-05, EXP-23).
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MEANING_BY_CODE, MEANING_BY_TEXT } from '../gateway/record-system/tables/registry-errors.ts';
import { AnswerBench } from './support/answer-table.ts';
import { CODE_ROWS, HTTP_ROWS, type Iti41Row, MESSAGE_ROWS, TEXT_ROWS } from './tables/iti41-answers.ts';
import { error, registry, STATUS, soap } from './unit/gateway/record-system/registry-answers.ts';

const root = resolve(import.meta.dirname, '..');
const TABLES = { 'HTTP statuses': HTTP_ROWS, 'registry codes': CODE_ROWS, texts: TEXT_ROWS, messages: MESSAGE_ROWS };

let bench: AnswerBench;
beforeAll(async () => {
  bench = await AnswerBench.start(50_000);
});
afterAll(() => bench.stop());

describe.each(Object.entries(TABLES))('%s', (_title, rows) => {
  test.each(Object.entries(rows))('%s', async (_name, row: Iti41Row) => {
    await bench.play({ at: 'xds.iti41', ...row });
  });
});

test('404 noHealthRecord: the record is looked for anew, once, and only then the other place decides', async () => {
  const answer = {
    kind: 'http-status',
    params: { status: 404, type: 'application/json', body: '{"errorCode":"noHealthRecord"}' },
    foreign: { status: 404, code: 'noHealthRecord' },
  };
  const view = await bench.play({ at: 'xds.iti41', answer, means: { code: 'RECORD_NOT_FOUND' } });
  expect(view.timeline.filter(({ step }) => step === 'located')).toHaveLength(2);
});

test('what the registry says is kept without the KVNR, and not longer than 500 characters (SEC-07)', async () => {
  const text = `unknown patient {kvnr}, ${'long '.repeat(200)}`;
  const body = soap(registry(`${STATUS}Failure`, error('XDSMadeUp', text)), []);
  const params = { status: 200, type: 'application/soap+xml', body };
  const kvnr = await bench.world.newInsured(59_999, 'epa-as-1');
  const given = JSON.parse(JSON.stringify(params).replaceAll('{kvnr}', kvnr)) as object;
  await bench.world.control('POST', '/sim/faults', {
    at: 'xds.iti41',
    kind: 'http-status',
    params: given,
    match: { kvnr },
  });
  const { reason } = await bench.world.write(bench.body(kvnr, 1));
  await bench.world.control('DELETE', '/sim/faults');
  expect(reason).toMatchObject({ code: 'DOCUMENT_REJECTED', foreign: { code: 'XDSMadeUp' } });
  expect(reason?.foreign?.text).toMatch(/^unknown patient (?!.*[A-Z]\d{9}).{480,484}$/);
});

describe('nothing is left out', () => {
  test('every code that the gateway tells apart, and every one the simulator may give', () => {
    const sources = globSync('connector-sim/record-system/*.ts', { cwd: root })
      .map((file) => readFileSync(join(root, file), 'utf8'))
      .join('\n');
    const given = [...sources.matchAll(/code: '([A-Z]\w+)'/g)].map(([, code = '']) => code);
    expect(given.length).toBeGreaterThan(5);
    const codes = new Set([...Object.keys(MEANING_BY_CODE), ...given.filter((code) => /^(XDS|Not|Access)/.test(code))]);
    expect([...codes].filter((code) => !Object.hasOwn(CODE_ROWS, code))).toEqual([]);
  });

  test('every pattern of a text has a row that it meets', () => {
    const said = Object.values(TEXT_ROWS).map(({ answer }) => `${answer.foreign?.code} ${answer.foreign?.text}`);
    const first = (text: string) => MEANING_BY_TEXT.findIndex(([pattern]) => pattern.test(text));
    const met = new Set(said.map(first));
    expect(MEANING_BY_TEXT.map((_one, index) => index).filter((index) => !met.has(index))).toEqual([]);
  });

  test.each(['Sender', 'Receiver', 'VersionMismatch', 'MustUnderstand', 'DataEncodingUnknown'])(
    'the fault %s of SOAP 1.2 has a row',
    (code) => {
      expect(MESSAGE_ROWS).toHaveProperty([`fault ${code}`]);
    },
  );

  test('the rows are counted', () => {
    const counts = Object.entries(TABLES).map(([name, rows]) => `${Object.keys(rows).length} ${name}`);
    process.stdout.write(`answers to ITI-41: ${counts.join(', ')}\n`);
    expect(counts).toHaveLength(4);
  });
});
