// What entries of problems, medication, goals, meals, factors, visits, files and contacts may not say: each fault at its place,
// all at once, and no value of the entry in what is answered (mio-diga.md section 13).
import { describe, expect, test } from 'vitest';
import { readSimple } from '../../../../mio/build/content.ts';
import type { Entry } from '../../../../mio/build/kind.ts';
import { KINDS } from '../../../../mio/build/kinds.ts';
import { maximalEntries } from '../../../support/maximal-entries.ts';
import { fromJson, simple, tables } from '../../../support/mio-build.ts';
import { refusedEntries } from '../../../tables/refused-entries.ts';

/** The documented example with members changed; what it names is there. */
function refused(kind: string, change: Record<string, unknown>): string[] {
  const example = KINDS.find((one) => one.kind === kind)?.example;
  if (example === undefined) throw new Error(`no kind ${kind}`);
  const named = KINDS.map((one) => one.example).filter((one) => one.kind !== kind);
  const { content, findings } = readSimple(simple({ ...example, ...change } as Entry, ...named), tables);
  expect(content === undefined).toBe(findings.length > 0);
  return findings.map(({ pointer = '', code }) => `${pointer.replace('/entries/0', '')} ${code}`);
}

test.each(refusedEntries)('refused: %s (%s)', (_, kind, change, expected) => {
  expect(refused(kind, change)).toEqual(expected);
});

describe('files', () => {
  const file = (members: Record<string, unknown>) => refused('attachment', { file: members });
  test.each([
    ['neither data nor address', { contentType: 'text/plain; charset=utf-8' }],
    ['both', { contentType: 'text/plain', data: 'TWl0', url: 'https://a.example' }],
  ])('refused: %s', (_, members) => expect(file(members)).toEqual(['/file VALUE_INVALID']));

  test('refused: data without media type', () =>
    expect(file({ data: 'TWl0' })).toEqual(['/file/contentType MEMBER_MISSING']));

  test.each(['TWl', 'TW=0', 'TWl0\n', 'TWl0 TWl0', '%PDF', '', '===='])(
    'refused: data that is no base64, %j',
    (data) => {
      expect(file({ contentType: 'text/plain', data })).toEqual(['/file/data BASE64_INVALID']);
    },
  );

  test.each([
    'http://a.example/x',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:text/html,x',
    'https://user:secret@a.example/',
    'https://',
    'https:// a.example',
    'https://a.example/\u0000',
    'https://a.example/ä',
    'https://a.example/x y',
    '//a.example',
    'HTTPS:a.example',
  ])('refused, and never fetched: an address like %j', (url) =>
    expect(file({ url })).toEqual(['/file/url URL_INVALID']),
  );

  test.each(['text', 'text/', 'text/plain;', 'text/plain; charset', 'Text/Plain', '../x'])(
    'refused: the media type %j',
    (contentType) => {
      expect(file({ contentType, data: 'TWl0' })).toEqual(['/file/contentType MEDIA_TYPE_INVALID']);
    },
  );
});

test('an unknown member is refused in every kind', () => {
  for (const { kind } of KINDS) expect(refused(kind, { 'x/y~z': 1 })).toContain('/x~1y~0z MEMBER_UNKNOWN');
});

test('a missing member is refused in every kind that has one', () => {
  for (const kind of new Set(maximalEntries.map((entry) => entry.kind))) {
    const { findings } = readSimple({ mode: 'simple', entries: [{ kind, id: '1' }] }, tables);
    const missing = findings.filter(({ code }) => code === 'MEMBER_MISSING').map(({ pointer }) => pointer);
    if (kind === 'plan' || kind === 'relatedPerson') expect(findings).toEqual([]);
    else expect(missing, kind).not.toEqual([]);
  }
});

test('all faults of several entries come at once', () => {
  const { findings } = readSimple(
    simple(
      { kind: 'problem', id: '1', code: {}, onset: 'soon', type: 'x', colour: 'red' },
      { kind: 'intake', id: '1', medication: 'x', at: '2025-01-03', dose: { value: 1 } },
      { kind: 'intake', id: '1', medication: { product: {} }, dose: {} },
    ),
    tables,
  );
  expect(findings.map(({ pointer, code }) => `${pointer} ${code}`).sort()).toEqual([
    '/entries/0/code/text MEMBER_MISSING',
    '/entries/0/colour MEMBER_UNKNOWN',
    '/entries/0/onset TIME_INVALID',
    '/entries/0/type VALUE_INVALID',
    '/entries/1/medication ENTRY_UNKNOWN',
    '/entries/2/dose/value MEMBER_MISSING',
    '/entries/2/id ID_REPEATED',
    '/entries/2/medication/product/name MEMBER_MISSING',
  ]);
});

test('no finding quotes a value', () => {
  const secret = 'Geheimnis4711';
  const broken = fromJson(JSON.stringify(maximalEntries).replaceAll(/"(?!kind")([^"]*)":"[^"]*"/g, `"$1":"${secret}"`));
  const { findings } = readSimple({ mode: 'simple', entries: broken }, tables);
  expect(findings.length).toBeGreaterThan(50);
  expect(JSON.stringify(findings)).not.toContain(secret);
});
