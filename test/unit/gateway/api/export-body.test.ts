// The body of POST /v1/exports, member by member, and the JSON it comes in: what a hostile or careless writer sends costs
// neither time nor memory, is never echoed at length, and never stored as something else than it said.
import { expect, test } from 'vitest';
import { parseAs, exportBody as schema } from '../../../../gateway/api/export-body.ts';
import { readJson } from '../../../../gateway/api/json-body.ts';
import { RequestError } from '../../../../gateway/api/problem.ts';
import { exportBody } from '../../../support/gateway-server.ts';

const parseExportBody = (value: unknown) => parseAs(schema, value);

function refusal(act: () => unknown): RequestError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof RequestError) return thrown;
    throw thrown;
  }
  throw new Error('nothing refused');
}
const findings = (change: Record<string, unknown>) =>
  refusal(() => parseExportBody(exportBody(change))).findings.map((f) => `${f.pointer} ${f.code}`);
const at = (grantedAt: string) => ({ consent: { id: 'c-1', version: '1', grantedAt } });

test.each([
  ['the 30th of February', '2026-02-30T00:00:00Z'],
  ['the 31st of April', '2026-04-31T00:00:00+01:00'],
  ['hour 24', '2026-02-20T24:00:00Z'],
  ['a leap second, which no clock of ours has', '2026-06-30T23:59:60Z'],
  ['an offset of 99 hours', '2026-02-20T10:00:00+99:99'],
  ['no offset', '2026-02-20T10:00:00'],
  ['a zone name', '2026-02-20T10:00:00Z[Europe/Berlin]'],
  ['a day', '2026-02-20'],
])('no time: %s', (_name, text) => {
  expect(findings(at(text))).toEqual(['/consent/grantedAt TIME_INVALID']);
});

test.each(['2026-02-28T23:59:59Z', '2024-02-29T00:00Z', '2026-02-20T10:00:00.123456789+14:00'])(
  'a time: %s',
  (text) => {
    expect(parseExportBody(exportBody(at(text))).consent.grantedAt).toBe(text);
  },
);

test.each(['series', 'reference', 'diga'])(
  'half a surrogate pair in %s is refused: stored, two would be one',
  (member) => {
    expect(findings({ [member]: 'a\ud800b' })).toEqual([`/${member} TEXT_INVALID`]);
  },
);

test.each(['https://user:secret@idp.example/', 'https://user@idp.example/', 'http://idp.example/', 'https://', 'x'])(
  'no issuer: %s',
  (issuer) => {
    const kvnrSource = { issuer, authenticatedAt: '2026-11-20T08:00:00Z' };
    expect(findings({ kvnrSource })).toEqual(['/kvnrSource/issuer URL_INVALID']);
  },
);

test('pointers escape ~ and / (RFC 6901)', () => {
  expect(findings({ 'a/b~c': 1 })).toEqual(['/a~1b~0c MEMBER_UNKNOWN']);
});

test('names of objects are members like any other', () => {
  const body = { ...JSON.parse('{"__proto__":{"kvnr":"x"},"constructor":1}'), ...exportBody() };
  expect(
    refusal(() => parseExportBody(Object.assign(JSON.parse('{"__proto__":{"kvnr":"x"}}'), exportBody()))).findings,
  ).toMatchObject([{ pointer: '/__proto__', code: 'MEMBER_UNKNOWN' }]);
  expect(refusal(() => parseExportBody(body)).findings).toContainEqual(
    expect.objectContaining({ pointer: '/constructor' }),
  );
});

test('a long member name is not repeated', () => {
  const name = 'x'.repeat(100_000);
  const refused = refusal(() => parseExportBody(exportBody({ [name]: 1 })));
  expect(refused.findings).toMatchObject([{ pointer: '', code: 'MEMBER_UNKNOWN' }]);
  expect(JSON.stringify(refused.findings).length).toBeLessThan(500);
});

test('ten thousand faults are counted, not listed', () => {
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`m${n}`, n]));
  const listed = refusal(() => parseExportBody(exportBody(many))).findings;
  expect(listed).toHaveLength(101);
  expect(listed.at(-1)).toMatchObject({ code: 'MORE_FINDINGS', message: 'and 9900 more' });
  const others = refusal(() => parseExportBody(exportBody({ ...many, kvnr: 'X1', series: '' }))).findings;
  expect(others).toHaveLength(101);
  expect(others).toContainEqual(expect.objectContaining({ pointer: '/kvnr' }));
  expect(others.at(-1)).toMatchObject({ message: 'and 9902 more' });
});

test.each([
  ['arrays', '['.repeat(2_000_000)],
  ['objects', '{"a":'.repeat(500_000)],
  ['arrays that are closed', '['.repeat(101) + ']'.repeat(101)],
])('%s nested without end are refused before they are parsed', (_name, text) => {
  expect(refusal(() => readJson(Buffer.from(text)))).toMatchObject({
    error: { code: 'BODY_INVALID', message: expect.stringContaining('nested') },
  });
});

test('brackets inside a string are no nesting', () => {
  const text = `"${'['.repeat(1000)}\\"${'{'.repeat(1000)}"`;
  expect(readJson(Buffer.from(text))).toBe(JSON.parse(text));
  expect(readJson(Buffer.from('['.repeat(100) + ']'.repeat(100)))).toEqual(expect.any(Array));
});
