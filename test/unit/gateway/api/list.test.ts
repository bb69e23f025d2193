// The filters of `GET /v1/exports`: each alone, all together, across pages; wrong values are named, never ignored (D15).
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KVNR, NOON, registryError } from '../../../support/gateway-fakes.ts';
import { exportBody, SECOND_KEY, type TestGateway, testGateway } from '../../../support/gateway-server.ts';

let g: TestGateway;
const MINUTE = 60_000;
const at = (minutes: number) => new Date(NOON + minutes * MINUTE).toISOString();

/** Five exports, a minute apart: a0 waits for an approval, b3 for its time, the others are written. */
beforeEach(async () => {
  g = await testGateway();
  g.outside.answers.push(
    () => registryError('not-entitled'),
    () => registryError('not-entitled'),
  );
  const bodies = [
    { series: 'a', reference: 'user-1' },
    { series: 'b', reference: 'user-1' },
    { series: 'c', reference: 'user-2' },
    { series: 'b', reference: 'user-2', notBefore: '2026-12-01' },
  ];
  for (const body of bodies) {
    await g.call('/v1/exports', { body: exportBody(body) });
    await g.gateway.idle();
    g.clock.advance(MINUTE);
  }
  await g.call('/v1/exports', { body: exportBody({ series: 'a', reference: 'user-1' }), key: SECOND_KEY });
  await g.gateway.idle();
});
afterEach(() => g.close());

type Listed = { series: string; createdAt: string };
const list = async (query: string, key?: string) => {
  const answer = await g.call(`/v1/exports?${query}`, key === undefined ? {} : { key });
  const exports = Array.isArray(answer.json.exports) ? (answer.json.exports as Listed[]) : [];
  return { ...answer, shown: exports.map((e) => `${e.series}${(Date.parse(e.createdAt) - NOON) / MINUTE}`) };
};

test.each([
  ['', ['b3', 'c2', 'b1', 'a0']],
  ['status=written', ['c2', 'b1']],
  ['status=waiting', ['b3', 'a0']],
  ['status=waiting,written', ['b3', 'c2', 'b1', 'a0']],
  ['status=unclear', []],
  ['diga=demo', ['b3', 'c2', 'b1', 'a0']],
  ['series=b', ['b3', 'b1']],
  ['series=B', []],
  ['reference=user-1', ['b1', 'a0']],
  ['reference=user-', []],
  ['reference=user-1&series=b', ['b1']],
  ['reference=user-2&series=b&status=written', []],
  [`createdAfter=${at(1)}`, ['b3', 'c2']],
  [`createdBefore=${at(1)}`, ['a0']],
  [`createdAfter=${at(0)}&createdBefore=${at(3)}`, ['c2', 'b1']],
  [`createdAfter=${encodeURIComponent('2026-11-25T13:00:00+02:00')}`, ['b3', 'c2', 'b1']],
  ['limit=1', ['b3']],
])('%s', async (query, expected) => {
  const answer = await list(query);
  expect([answer.status, answer.shown]).toEqual([200, expected]);
});

test('pages hold the filter', async () => {
  const first = await list('reference=user-1&limit=1');
  const second = await list(`reference=user-1&limit=1&after=${first.json.next}`);
  expect([first.shown, second.shown, second.json.next]).toEqual([['b1'], ['a0'], null]);
});

test('another DiGA is forbidden, and its exports do not match by reference', async () => {
  expect((await list('diga=second')).json).toMatchObject({ status: 403, code: 'FORBIDDEN' });
  expect((await list('diga=nobody')).status).toBe(403);
  expect((await list('reference=user-1', SECOND_KEY)).shown).toEqual(['a4']);
});

test.each([
  ['status=done', '?status'],
  ['status=', '?status'],
  ['status=written&status=waiting', '?status'],
  ['diga=', '?diga'],
  [`series=${'s'.repeat(65)}`, '?series'],
  ['reference=', '?reference'],
  [`reference=${KVNR}`, '?reference'],
  ['reference=a%00b', '?reference'],
  ['createdAfter=2026-11-25', '?createdAfter'],
  ['createdAfter=2026-11-25T13:00:00', '?createdAfter'],
  ['createdBefore=2026-02-30T00:00:00Z', '?createdBefore'],
  ['limit=0', '?limit'],
  ['limit=201', '?limit'],
  ['after=x', '?after'],
  ['kvnr=1', '?kvnr'],
])('%s is refused by name', async (query, path) => {
  const answer = await list(query);
  expect([answer.status, answer.json.code]).toEqual([422, 'EXPORT_INVALID']);
  expect(answer.json.findings).toEqual([expect.objectContaining({ path })]);
  expect(answer.text).not.toContain(KVNR);
});
