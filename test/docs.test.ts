// The documents against the code: what is printed is fresh, what is named exists, what the README tells to type works.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { usage } from '../connector-sim/cli-options.ts';
import { readScenario } from '../connector-sim/scenario.ts';
import { CARD_MEMBER_WORDS, ENTERED_PIN_WORDS, PIN_STATUS_WORDS } from '../connector-sim/tables/card-words.ts';
import { FAULT_POINTS } from '../connector-sim/tables/fault-points.ts';
import { problemOf } from '../gateway/api/problem.ts';
import { judgeXml } from '../gateway/documents/judge.ts';
import { openToolkits } from '../gateway/documents/toolkits.ts';
import { catalogue, type ErrorCode, GatewayError } from '../gateway/errors.ts';
import {
  DOCUMENT_COLUMNS,
  EXPORT_COLUMNS,
  IDEMPOTENCY_COLUMNS,
  INSURED_COLUMNS,
  SERIES_COLUMNS,
} from '../gateway/exports/sealed-columns.ts';
import { settingsManifest } from '../gateway/tables/settings-manifest.ts';
import { anchorOf, repeatOf } from './docs/errors-page.ts';
import { exampleDocument } from './docs/example-document.ts';
import { anchorsOf, brokenLinks, codeBlocks, filesNamed, missingFiles, npmScripts } from './docs/markdown.ts';
import { mioKindsPage } from './docs/mio-kinds-page.ts';
import { printedFiles } from './docs/printed-files.ts';
import { exampleSettings } from './docs/settings-page.ts';
import { TestWorld } from './support/world.ts';

const root = resolve(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const documents = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));
const readme = read('README.md');
const codes = Object.keys(catalogue) as ErrorCode[];
/** A file, or a folder as an empty text. */
const target = (path: string) => {
  if (!existsSync(join(root, path))) return undefined;
  return statSync(join(root, path)).isDirectory() ? '' : read(path);
};

test('docs/simulator.md has every member and value of a card that PATCH /sim/cards takes', () => {
  const page = read('docs/simulator.md');
  for (const words of [CARD_MEMBER_WORDS, PIN_STATUS_WORDS, ENTERED_PIN_WORDS])
    for (const name of Object.keys(words)) expect(page).toContain(`\`${name}\``);
  const [scenario = ''] = codeBlocks(page, 'yaml');
  expect(readScenario(scenario).konnektors).toHaveLength(1);
});

describe('what is printed from the code (TST-05)', () => {
  test.each(printedFiles)(
    '$path is what the code says now (node bin/launch.js test/docs/print.ts)',
    ({ path, text }) => {
      expect(read(path)).toBe(text());
    },
  );
  test('every member of every kind of entry says what it means', () => {
    expect(mioKindsPage().match(/^\| `.*\| {2}\|$/gm)).toBeNull();
  });
  test.each(codes)('a problem document of %s leads to its section', (code) => {
    const [file, anchor] = problemOf(new GatewayError(code, 'x'), 'en').type.split('#');
    expect(read(`${file}.md`)).toContain(`## ${anchorOf(anchor ?? '')}${code}\n`);
  });
  test('a retry schedule reads as it runs', () => {
    expect(repeatOf({ retrySeconds: [2, 60, 86_400] })).toBe('after 2 s, 1 min, then every 1 d');
    expect(repeatOf({ retrySeconds: [90] })).toBe('every 90 s');
    expect(repeatOf({ retrySeconds: [] })).toBe('none by schedule');
  });
  test('the example configuration passes the manifest, and a slip in it does not', () => {
    expect(settingsManifest.safeParse(parse(exampleSettings)).error).toBeUndefined();
    expect(settingsManifest.safeParse(parse(exampleSettings.replace('mandant:', 'mandat:'))).success).toBe(false);
  });
  test.each([1, 2, 3] as const)('example version %i is a document the gateway takes, for any insured', (version) => {
    const content = Buffer.from(exampleDocument(version));
    const order = { versions: ['1.1.0'], maxBytes: 25_000_000, kvnr: 'A123456780' };
    expect(judgeXml(content, openToolkits(), order).findings).toEqual([]);
    expect(content.toString()).not.toMatch(/[A-Z][0-9]{9}/);
  });
});

test.each([
  ['exports', EXPORT_COLUMNS],
  ['documents', DOCUMENT_COLUMNS],
  ['series', SERIES_COLUMNS],
  ['insured', INSURED_COLUMNS],
  ['idempotency', IDEMPOTENCY_COLUMNS],
])('docs/data-at-rest.md names the columns of %s that no seal covers, and no other', (table, columns) => {
  const free = Object.entries(columns).flatMap(([name, cover]) => (cover === 'free' ? [name] : []));
  const told = read('docs/data-at-rest.md').replaceAll(/\s+/g, ' ');
  const [, list = ''] = told.match(new RegExp(`[Oo]f ${table} ((?:\`[a-z_]+\`(?:, )?)+)`)) ?? [];
  expect([...list.matchAll(/[a-z_]+/g)].map(([name]) => name)).toEqual(free);
});

describe('what is named exists', () => {
  test('there are documents to look at', () => expect(documents.length).toBeGreaterThan(8));
  test.each(documents)('%s: relative links', (file) => expect(brokenLinks(file, read(file), target)).toEqual([]));
  test.each(documents)('%s: files', (file) => expect(missingFiles(root, read(file))).toEqual([]));
  test.each(documents)('%s: npm scripts', (file) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    expect(npmScripts(read(file)).filter((name) => scripts[name] === undefined)).toEqual([]);
  });
  test('the README tells where to look', () => {
    const table = /^## Where to look\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? '';
    expect(filesNamed(table).length).toBeGreaterThan(40);
    for (const word of [
      'PIN status',
      'key derivation',
      'RPLC',
      'idempotency',
      'fault injection',
      'OCSP',
      'error codes',
    ])
      expect(table).toContain(word);
  });
  test('the README lists the options of the simulator, all of them', () => {
    const table = /^## The simulator alone\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? '';
    const listed = [...table.matchAll(/^\| `(--[a-z-]+)/gm)].map((match) => match[1]);
    const offered = [...usage.matchAll(/^ {2}(--[a-z-]+)/gm)].map((match) => match[1]);
    expect(listed.sort()).toEqual(offered.sort());
  });
  test('the journey names no code that does not exist', () => {
    const named = [...read('docs/journey.md').matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map((match) => match[1] ?? '');
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((code) => !(code in catalogue))).toEqual([]);
  });
  test('every place of a fault has its lines', () => {
    const faults = read('docs/faults.md');
    expect(Object.keys(FAULT_POINTS).filter((at) => !faults.includes(`\`${at}\``))).toEqual([]);
  });
});

describe('the judges of the documents notice', () => {
  const known = (path: string) => (path === 'docs/a.md' ? '# One two\n\n## `X` y: z\n<a id="CODE"></a>' : undefined);
  test.each([
    ['a file that is not there', '[x](b.md)', ['b.md']],
    ['an anchor that is not there', '[x](a.md#three)', ['a.md#three']],
    ['an anchor of its own that is not there', '# Here\n[x](#there)', ['#there']],
    ['nothing wrong', '# Here\n[x](a.md#one-two) [y](a.md#CODE) [z](#here) [w](https://x.example) `[v](b.md)`', []],
  ])('%s', (_what, markdown, broken) => expect(brokenLinks('docs/c.md', markdown, known)).toEqual(broken));
  test('headings become anchors as GitHub makes them', () =>
    expect([...anchorsOf(known('docs/a.md') ?? '')].sort()).toEqual(['CODE', 'one-two', 'x-y-z']));
  test('commands and files in code', () => {
    const markdown = '`npm run nope -- --x`\n```sh\nnpm start\nnode gateway/none.ts\n```\nnpm run prose';
    expect(npmScripts(markdown)).toEqual(['nope', 'start']);
    expect(missingFiles(root, markdown)).toEqual(['gateway/none.ts']);
  });
});

const tools = ['bash', 'curl', 'base64', 'tr'].filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
const described = tools.length === 0 ? describe : describe.skip;

described(`what the README tells to type${tools.length === 0 ? '' : ` [skipped: no ${tools.join(', ')}]`}`, () => {
  test('the first export is written; a lost answer is found out and nothing is written twice', async () => {
    const world = await TestWorld.start();
    const folder = mkdtempSync(join(tmpdir(), 'epa-readme-'));
    try {
      const ready = join(folder, 'ready.json');
      writeFileSync(ready, JSON.stringify({ ...world.sim.ready, ...world.gateway.ready }));
      const blocks = codeBlocks(readme, 'sh').map((block) => block.replaceAll('/tmp/epa-ready.json', ready));
      const blockWith = (text: string) => blocks.find((block) => block.includes(text));
      const first = blockWith('post docs/examples/version-1.xml');
      const record = blockWith('/documents"');
      const fault = blockWith('"drop-response"');
      /** The block in bash, behind what it builds on; its output. */
      const type = async (...script: (string | undefined)[]): Promise<string> => {
        const shell = spawn('bash', ['-euc', script.join('\n')], {
          cwd: root,
          stdio: ['ignore', 'pipe', 'inherit'],
          env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` },
        });
        const [output, [code]] = await Promise.all([textOf(shell.stdout), once(shell, 'exit')]);
        expect(code).toBe(0);
        return output;
      };
      const idIn = (output: string) => (JSON.parse(output.trim().split('\n').at(-1) ?? '') as { id: string }).id;

      const one = await world.settled(idIn(await type(first)));
      expect([one.status, one.document.version]).toEqual(['written', 1]);

      // Posting the same file once more names the same export: the block is typed again, with its idempotency key.
      const definitions = first?.split('\nID=')[0];
      expect(idIn(await type(first))).toBe(one.id);
      expect(JSON.parse(await type(definitions, record))).toMatchObject([
        { status: 'Approved', entryUuid: one.document.entryUuid },
      ]);

      const lost = await type(definitions, record?.split('\n')[0], fault);
      const two = await world.settled(idIn(lost), new Set(['written']));
      expect([two.document.version, two.document.replaces]).toEqual([2, one.document.entryUuid]);
      expect(two.attempts).toBe(2);
      const stored = await world.documents(world.insured(0));
      expect(stored.map((document) => document.status)).toEqual(['Deprecated', 'Approved']);
    } finally {
      await world.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
