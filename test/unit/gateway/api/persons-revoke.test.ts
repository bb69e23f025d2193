// `POST /v1/persons/revoke` (EXP-16) as a backend sees it: what is cancelled and what is finished, who may ask, the event,
// and that no answer, log line or event says about whom it was (D15).
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogFields, Logger } from '../../../../gateway/log.ts';
import { KVNR, mioBundle, noAnswer, OTHER_KVNR } from '../../../support/gateway-fakes.ts';
import {
  exportBody,
  MONITOR_KEY,
  OPERATOR_KEY,
  READER_KEY,
  SECOND_KEY,
  type TestGateway,
  testGateway,
} from '../../../support/gateway-server.ts';
import { onPostgres } from '../../../support/stores.ts';

let g: TestGateway;
const lines: string[] = [];
const line = (event: string, fields?: LogFields) => void lines.push(JSON.stringify({ event, ...fields }));
const log: Logger = { debug: line, info: line, warn: line, error: line };
beforeEach(async () => {
  lines.length = 0;
  g = await testGateway((raw) => raw, log);
});
afterEach(() => g.close());

const post = (change = {}, headers = {}) => g.call('/v1/exports', { body: exportBody(change), headers });
const revoke = (body: unknown = { kvnr: KVNR }, key?: string) =>
  g.call('/v1/persons/revoke', { body, ...(key !== undefined && { key }) });
const content = (name: string) => ({ ...exportBody().content, base64: mioBundle(name).toString('base64') });

test('what waits is cancelled, what is in doubt is finished, and the answer names both by their ids (EXP-16)', async () => {
  g.outside.answers.push(noAnswer);
  const doubt = (await post({ queue: 'all' })).json.id;
  await g.gateway.idle();
  const behind = (await post({ queue: 'all', content: content('two') })).json.id;
  const deferred = (await post({ series: 'other', notBefore: '2026-12-01' })).json.id;
  const answer = await revoke();
  expect(answer.status).toBe(200);
  expect(answer.json).toEqual({
    diga: 'demo',
    revokedAt: '2026-11-25T11:00:00.000Z',
    cancelled: [behind, deferred],
    finishing: [doubt],
  });
  expect((await g.call(`/v1/exports/${deferred}`)).json).toMatchObject({
    status: 'cancelled',
    reason: { code: 'REVOKED', who: 'backend', remedy: expect.any(String) },
  });
  expect((await g.call(`/v1/exports/${deferred}/content`)).status).toBe(410);
});

test('a new export is 409 REVOKED, also as a dry run, until it brings a new consent (EXP-16)', async () => {
  await revoke();
  const refused = await post();
  expect([refused.status, refused.json.code, refused.json.who]).toEqual([409, 'REVOKED', 'backend']);
  expect((await g.call('/v1/exports?dryRun=true', { body: exportBody() })).json.code).toBe('REVOKED');
  g.clock.advance(60_000);
  const consent = { id: 'c-4712', version: '2026-05', grantedAt: '2026-11-25T11:00:30Z' };
  expect((await post({ consent })).status).toBe(202);
  await g.gateway.idle();
  expect(g.outside.writes).toHaveLength(1);
});

test('the repeat of a post of before gets its export as it stands, not a second one', async () => {
  const headers = { 'idempotency-key': 'k-1' };
  const first = await post({ notBefore: '2026-12-01' }, headers);
  await revoke();
  const again = await post({ notBefore: '2026-12-01' }, headers);
  expect(again.json).toMatchObject({ id: first.json.id, status: 'cancelled', reason: { code: 'REVOKED' } });
});

test('who waits for the end of a cancelled export is told', async () => {
  const { id } = (await post({ notBefore: '2026-12-01' })).json;
  const waiting = g.call(`/v1/exports/${String(id)}`, { headers: { prefer: 'wait=9' } });
  await g.timerOf(9000);
  await revoke();
  expect((await waiting).json.status).toBe('cancelled');
});

test('the event names the references by which the backend knows the person, and counts', async () => {
  await post({ notBefore: '2026-12-01', reference: 'user-1' });
  await post({ notBefore: '2026-12-01', reference: 'user-1-again', series: 'other' });
  await post({ kvnr: OTHER_KVNR, reference: 'user-2', notBefore: '2026-12-01' });
  await revoke();
  const { events } = (await g.call('/v1/events')).json as { events: { type: string; diga: string; data: object }[] };
  expect(events.filter((e) => e.type === 'person.revoked')).toEqual([
    {
      id: expect.any(String),
      seq: expect.any(Number),
      type: 'person.revoked',
      at: '2026-11-25T11:00:00.000Z',
      diga: 'demo',
      data: { references: ['user-1-again', 'user-1'], cancelled: 2, finishing: 0 },
    },
  ]);
  expect(events.filter((e) => e.type === 'export.cancelled')).toHaveLength(2);
  const second = (await g.call('/v1/events', { key: SECOND_KEY })).json;
  expect(second.events).toEqual([]);
});

test.runIf(!onPostgres)('the audit trail says who revoked, and of whom only a name that it alone has', async () => {
  await revoke();
  const store = new DatabaseSync(join(g.settings.dataDirectory, 'gateway.db'));
  const entries = store.prepare(`SELECT * FROM audit WHERE action = 'person.revoked'`).all();
  store.close();
  expect(entries).toEqual([
    expect.objectContaining({
      actor: 'backend',
      object_kind: 'person',
      object: expect.stringMatching(/^[0-9a-f]{32}$/),
      diga: 'demo',
      details: '{"cancelled":0,"finishing":0}',
    }),
  ]);
});

test('a second call is the same, later', async () => {
  await post({ notBefore: '2026-12-01' });
  await revoke();
  g.clock.advance(1000);
  expect((await revoke()).json).toEqual({
    diga: 'demo',
    revokedAt: '2026-11-25T11:00:01.000Z',
    cancelled: [],
    finishing: [],
  });
});

test('neither KVNR nor look-up key is in answers, events or log lines (D15, D6)', async () => {
  await post({ notBefore: '2026-12-01' });
  const answers = [await revoke(), await post(), await g.call('/v1/events'), await revoke({ kvnr: 'X110411676' })];
  const all = answers.map((a) => a.text + JSON.stringify([...a.headers])).join() + lines.join();
  expect(lines.some((l) => l.includes('person revoked'))).toBe(true);
  expect(all).not.toContain(KVNR);
  expect(all).not.toContain('X110411676');
  expect(all).not.toContain('lookup');
});

test.each([
  ['a reader', READER_KEY, 403],
  ['an operator', OPERATOR_KEY, 401],
  ['a monitor', MONITOR_KEY, 401],
] as const)('%s may not revoke, and nothing is cancelled', async (_name, key, status) => {
  const { id } = (await post({ notBefore: '2026-12-01' })).json;
  expect((await revoke({ kvnr: KVNR }, key)).status).toBe(status);
  expect((await g.call(`/v1/exports/${String(id)}`)).json.status).toBe('waiting');
});

test("another DiGA's key revokes its own only, and may not name this one", async () => {
  const { id } = (await post({ notBefore: '2026-12-01' })).json;
  expect((await revoke({ kvnr: KVNR }, SECOND_KEY)).json).toMatchObject({ diga: 'second', cancelled: [] });
  expect((await revoke({ kvnr: KVNR, diga: 'demo' }, SECOND_KEY)).status).toBe(403);
  expect((await g.call(`/v1/exports/${String(id)}`)).json.status).toBe('waiting');
});

test.each([
  ['no KVNR', {}, ['/kvnr MEMBER_MISSING']],
  ['a wrong check digit', { kvnr: 'X110411676' }, ['/kvnr KVNR_INVALID']],
  ['a number', { kvnr: 110411675 }, ['/kvnr TYPE_INVALID']],
  ['a member of its own and no KVNR', { reference: 'user-1' }, ['/kvnr MEMBER_MISSING', '/reference MEMBER_UNKNOWN']],
  ['a list', [], [' TYPE_INVALID']],
] as const)('a body with %s is 422 with every fault', async (_name, body, findings) => {
  const answer = await revoke(body);
  expect([answer.status, answer.json.code]).toEqual([422, 'EXPORT_INVALID']);
  const found = answer.json.findings as { pointer: string; code: string }[];
  expect(found.map((f) => `${f.pointer} ${f.code}`)).toEqual(findings);
});

test.each([
  ['/v1/persons/revoke?kvnr=X110411675', 'POST', 422],
  ['/v1/persons/revoke', 'GET', 405],
  [`/v1/persons/${KVNR}/revoke`, 'POST', 404],
] as const)('%s by %s is %i: a KVNR has no place in an address (EXP-20)', async (path, method, status) => {
  const answer = await g.call(path, { method, ...(method === 'POST' && { body: { kvnr: KVNR } }) });
  expect(answer.status).toBe(status);
  expect(answer.text).not.toContain(KVNR);
});
