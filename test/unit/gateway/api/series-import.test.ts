// `POST /v1/series/import` as a backend sends it (OPS-04): the body with every fault at once, who may, what comes back, and
// that no KVNR does. What an import means: ../exports/series-import.test.ts.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { importAnswer } from '../../../../gateway/api/series-import-body.ts';
import { GatewayError } from '../../../../gateway/errors.ts';
import { KVNR, mioBundle, OTHER_KVNR, registryError } from '../../../support/gateway-fakes.ts';
import {
  exportBody,
  OPERATOR_KEY,
  READER_KEY,
  SECOND_KEY,
  type TestGateway,
  testGateway,
} from '../../../support/gateway-server.ts';
import { onPostgres } from '../../../support/stores.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway();
});
afterEach(() => g.close());

const UUID = 'urn:uuid:0b5c0a5e-3d3f-4a60-9d5f-7a6f2f6f1a01';
const entry = (change: Record<string, unknown> = {}) => ({
  kvnr: KVNR,
  series: 'main',
  entryUuid: UUID,
  version: 3,
  recordSystem: 'epa-as-1',
  ...change,
});
const bring = (body: unknown, key?: string) => g.call('/v1/series/import', { body, ...(key !== undefined && { key }) });
const content = (name: string) => ({ ...exportBody().content, base64: mioBundle(name).toString('base64') });
const post = async (change: Record<string, unknown> = {}) => {
  const answer = await g.call('/v1/exports', { body: exportBody(change) });
  await g.gateway.idle();
  return String(answer.json.id);
};
const findings = (answer: { json: Record<string, unknown> }) =>
  (answer.json.findings as { pointer: string; code: string }[]).map((f) => `${f.pointer} ${f.code}`);

test('the answer says per series what is the newest now; no KVNR comes back or is kept', async () => {
  const answer = await bring({
    entries: [
      entry({ sha256: 'a'.repeat(64), writtenAt: '2026-05-01T08:00:00Z' }),
      entry({ kvnr: OTHER_KVNR, series: 'other', entryUuid: null, version: undefined, recordSystem: undefined }),
    ],
  });
  expect(answer.status).toBe(200);
  expect(importAnswer.parse(answer.json)).toEqual(answer.json);
  expect(answer.json).toEqual({
    series: [
      {
        entry: 0,
        diga: 'demo',
        series: 'main',
        part: null,
        version: 3,
        entryUuid: UUID,
        changed: true,
        written: [],
        resumed: [],
      },
      {
        entry: 1,
        diga: 'demo',
        series: 'other',
        part: null,
        version: null,
        entryUuid: null,
        changed: false,
        written: [],
        resumed: [],
      },
    ],
  });
  for (const kvnr of [KVNR, OTHER_KVNR]) expect(answer.text).not.toContain(kvnr);
  const held = await g.call('/v1/persons/holdings', { body: { kvnr: KVNR } });
  expect(held.json).toMatchObject({
    kvnrHeld: false,
    series: [{ entryUuid: UUID, version: 3, export: null, sha256: 'a'.repeat(64), doubtful: true, frozen: false }],
  });
});

test('a frozen series is seen as such, thaws by the import, and what waited is written (OPS-04)', async () => {
  await post();
  g.outside.answers.push(() => registryError('target-not-approved'));
  const second = await post({ content: content('two') });
  const series = async () => ((await g.call('/v1/series?reference=user-1')).json.series as object[])[0];
  expect(await series()).toMatchObject({
    frozen: true,
    doubtful: true,
    reason: { code: 'TARGET_STALE', who: 'operator' },
  });
  g.outside.sessionFaults.push(new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN'));
  expect((await bring({ entries: [entry()] })).json).toMatchObject({ series: [{ changed: true, resumed: [second] }] });
  await g.gateway.idle();
  expect(await series()).toMatchObject({
    frozen: false,
    written: { export: null, version: 3, sha256: null, writtenAt: null, entryUuid: UUID },
  });
  g.clock.advance(60_000);
  await g.gateway.idle();
  expect(await series()).toMatchObject({ upToDate: true, frozen: false, doubtful: false, written: { export: second } });
  expect((await g.call(`/v1/exports/${second}`)).json).toMatchObject({ document: { version: 4, replaces: UUID } });
});

test('a dry run after an import foresees the next version, and unchanged content of no export', async () => {
  const { sha256 } = Object((await g.call('/v1/exports?dryRun=true', { body: exportBody() })).json.document);
  await bring({ entries: [entry()] });
  expect((await g.call('/v1/exports?dryRun=true', { body: exportBody() })).json).toMatchObject({
    document: { version: 4, replaces: UUID },
  });
  await bring({ entries: [entry({ sha256 })] });
  const same = (await g.call('/v1/exports?dryRun=true', { body: exportBody() })).json;
  expect(same).toMatchObject({ status: 'unchanged', reason: { code: 'CONTENT_UNCHANGED' } });
  expect(same.reason).not.toHaveProperty('export');
});

test('who waits for an export that the import names is told that it is written', async () => {
  await post();
  g.outside.answers.push(() => registryError('target-not-approved'));
  const second = await post({ content: content('two') });
  const { entryUuid } = Object((await g.call(`/v1/exports/${second}`)).json.document);
  const waiting = g.call(`/v1/exports/${second}`, { headers: { prefer: 'wait=9' } });
  await g.timerOf(9000);
  expect((await bring({ entries: [entry({ entryUuid, version: 2 })] })).json).toMatchObject({
    series: [{ written: [second] }],
  });
  expect((await waiting).json).toMatchObject({ status: 'written', document: { version: 2 } });
});

test.runIf(!onPostgres)('the audit trail says who brought what', async () => {
  await bring({ entries: [entry()] });
  const store = new DatabaseSync(join(g.settings.dataDirectory, 'gateway.db'));
  const entries = store.prepare(`SELECT * FROM audit WHERE action = 'series.imported'`).all();
  store.close();
  expect(entries).toEqual([
    expect.objectContaining({ actor: 'backend', object: 'main', diga: 'demo', details: expect.stringContaining(UUID) }),
  ]);
});

test('every fault of the list at once, each with its place, and nothing is stored', async () => {
  const answer = await bring({
    entries: [
      entry({ kvnr: 'X110411676', entryUuid: 'urn:uuid:1', version: 0, sha256: 'AB', writtenAt: 'yesterday' }),
      entry({ version: undefined, recordSystem: undefined }),
      entry({ entryUuid: null }),
      entry({ more: 1, part: '' }),
    ],
  });
  expect([answer.status, answer.json.code]).toEqual([422, 'EXPORT_INVALID']);
  expect(findings(answer).sort()).toEqual(
    [
      '/entries/0/kvnr KVNR_INVALID',
      '/entries/0/entryUuid ENTRY_UUID_INVALID',
      '/entries/0/version NUMBER_TOO_SMALL',
      '/entries/0/sha256 SHA256_INVALID',
      '/entries/0/writtenAt TIME_INVALID',
      '/entries/1/version MEMBER_MISSING',
      '/entries/1/recordSystem MEMBER_MISSING',
      '/entries/2/version MEMBER_UNKNOWN',
      '/entries/2/recordSystem MEMBER_UNKNOWN',
      '/entries/3/more MEMBER_UNKNOWN',
      '/entries/3/part PART_INVALID',
    ].sort(),
  );
  expect(answer.text).not.toContain('X110411676');
});

test.each([
  'january',
  'PDF',
  'document',
  '2026-10',
  '2026-02-30',
  '2026-10-01T00:00:00Z',
  ' 2026-10-01',
  '20261001',
  '1',
])('D4: a part that no document here is called is refused, not ignored: %j', async (part) => {
  const answer = await bring({ entries: [entry({ part })] });
  expect([answer.status, findings(answer)]).toEqual([422, ['/entries/0/part PART_INVALID']]);
});

test.each([null, 'pdf', '2026-10-01', '2024-02-29'])('D4: a part %j is taken', async (part) => {
  const answer = await bring({ entries: [entry({ part })] });
  expect([answer.status, answer.json.series]).toMatchObject([200, [{ part, changed: true }]]);
});

test.each([
  ['no entries', { entries: [] }, ['/entries LIST_TOO_SHORT']],
  ['more than 1000', { entries: Array.from({ length: 1001 }, () => entry()) }, ['/entries LIST_TOO_LONG']],
  ['a bare list', [entry()], [' TYPE_INVALID']],
  [
    'a record system that is none here',
    { entries: [entry({ recordSystem: 'epa-as-9' })] },
    ['/entries/0/recordSystem VALUE_INVALID'],
  ],
  ['a KVNR as series', { entries: [entry({ series: KVNR })] }, ['/entries/0/series TEXT_PERSONAL']],
] as const)('%s is refused', async (_name, body, expected) => {
  const answer = await bring(body);
  expect([answer.status, findings(answer)]).toEqual([422, expected]);
});

test('what contradicts the known is 409 with its place, and the known stays', async () => {
  const id = await post();
  const answer = await bring({ entries: [entry({ series: 'good' }), entry({ version: 1 })] });
  expect([answer.status, answer.json.code, findings(answer)]).toEqual([
    409,
    'STATE_CONFLICT',
    ['/entries/1/entryUuid ENTRY_UUID_TAKEN', '/entries/1/version VERSION_CONFLICT'],
  ]);
  const held = await g.call('/v1/persons/holdings', { body: { kvnr: KVNR } });
  expect(held.json.series).toEqual([expect.objectContaining({ export: id, version: 1, doubtful: false })]);
});

test.each([
  ['a reader', READER_KEY, 403],
  ['an operator', OPERATOR_KEY, 401],
] as const)('%s may not import', async (_name, key, status) => {
  expect((await bring({ entries: [entry()] }, key)).status).toBe(status);
  expect((await g.call('/v1/persons/holdings', { body: { kvnr: KVNR } })).json.known).toBe(false);
});

test('an entry of a DiGA that the key does not cover: nothing of the list is stored', async () => {
  expect((await bring({ entries: [entry(), entry({ diga: 'demo', series: 'x' })] }, SECOND_KEY)).status).toBe(403);
  expect((await g.call('/v1/persons/holdings', { body: { kvnr: KVNR }, key: SECOND_KEY })).json.known).toBe(false);
});
