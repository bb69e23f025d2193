// The searcher finds what is planted, in every form and wherever it begins: else every test that searches would be worth nothing.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesBelow, MarkSearch } from '../../support/marks.ts';

const KVNR = 'X110411675';
const NAME = 'Zzyzx Märkwürdig & Söhne';
const KEY = randomBytes(32);
const search = new MarkSearch([
  { what: 'a KVNR', value: KVNR },
  { what: 'a name', value: NAME },
  { what: 'a key', value: KEY },
]);
const formsOf = (bytes: string | Uint8Array) => search.find([{ where: 'here', bytes }]);
const sha256 = (value: string | Uint8Array) => createHash('sha256').update(value).digest();
const percent = (text: string) => Buffer.from(text).toString('hex').replaceAll(/../g, '%$&');

describe('a planted value is found', () => {
  test.each([
    ['plain', KVNR],
    ['in lower case', KVNR.toLowerCase()],
    ['as a name with umlauts', NAME],
    ['URL-encoded', encodeURIComponent(NAME)],
    ['URL-encoded in lower case', encodeURIComponent(NAME).replaceAll(/%../g, (one) => one.toLowerCase())],
    ['as a form field', new URLSearchParams({ name: NAME }).toString()],
    ['with every byte in percent', percent(KVNR)],
    ['with every byte in percent, upper case', percent(NAME).toUpperCase()],
    ['in hex', Buffer.from(NAME).toString('hex')],
    ['in hex, upper case', Buffer.from(KVNR).toString('hex').toUpperCase()],
    ['as JSON', JSON.stringify({ a: [NAME] })],
    ['as JSON in ASCII', JSON.stringify(NAME).replaceAll(/[^ -~]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)],
    ['as a bare hash', sha256(KVNR).toString('hex')],
    ['as a bare hash in base64url', sha256(KVNR).toString('base64url')],
    ['as a bare hash in bytes', sha256(KVNR)],
    ['as the bytes of a key', KEY],
    ['as a key in hex', KEY.toString('hex')],
    ['as a key in base64url', KEY.toString('base64url')],
  ])('%s', (_, planted) => {
    expect(formsOf(Buffer.concat([randomBytes(77), Buffer.from(planted), randomBytes(55)])).length).toBeGreaterThan(0);
    expect(formsOf(planted).length, 'alone').toBeGreaterThan(0);
  });

  test.each(['base64', 'base64url'] as const)('in %s, whatever stands before and after it', (alphabet) => {
    for (const value of [KVNR, NAME, KEY])
      for (const before of [0, 1, 2, 3, 4, 5, 100, 101, 102])
        for (const after of [0, 1, 2, 50]) {
          const all = Buffer.concat([randomBytes(before), Buffer.from(value), randomBytes(after)]);
          expect(formsOf(`x${all.toString(alphabet)}`).length, `${before} before, ${after} after`).toBeGreaterThan(0);
        }
  });

  test('at the very beginning and the very end, and every one of many', () => {
    expect(
      formsOf(`${KVNR}x${NAME}`)
        .map((one) => one.what)
        .sort(),
    ).toEqual(['a KVNR', 'a name']);
    expect(formsOf(KVNR)).toMatchObject([{ what: 'a KVNR', form: 'plain', where: 'here' }]);
    const many = Array.from({ length: 2_000 }, (_, n) => ({ what: `mark ${n}`, value: `X${110_000_000 + n}` }));
    const found = new MarkSearch(many).find([{ where: 'all', bytes: many.map((one) => one.value).join('') }]);
    expect(found).toHaveLength(2_000);
  });

  test('in a file of a directory below', () => {
    const folder = mkdtempSync(join(tmpdir(), 'epa-marks-'));
    mkdirSync(join(folder, 'deep'));
    writeFileSync(join(folder, 'deep', 'gateway.db-wal'), Buffer.concat([randomBytes(5000), Buffer.from(KVNR)]));
    expect(search.find(filesBelow(folder))).toEqual([
      { what: 'a KVNR', form: 'plain', where: 'file deep/gateway.db-wal' },
    ]);
    rmSync(folder, { recursive: true });
  });
});

describe('nothing is found', () => {
  test.each([
    ['in nothing', ''],
    ['in noise', randomBytes(1_000_000)],
    ['in the KVNR of somebody else', 'X110411676'],
    ['in a part of it', KVNR.slice(0, -1)],
    ['in its hash with a key', createHash('sha256').update('key').update(KVNR).digest('hex')],
  ])('%s', (_, bytes) => expect(formsOf(bytes)).toEqual([]));

  test('of a mark that would be met by chance: it is refused', () => {
    expect(() => new MarkSearch([{ what: 'a PIN', value: '123456' }])).toThrow('by chance');
  });
});
