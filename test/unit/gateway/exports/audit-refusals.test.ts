// Who was turned away stands in the audit trail (SEC-09): once a minute, however often they come.
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { REFUSALS_EVERY_MS } from '../../../../gateway/exports/audit-refusals.ts';
import { OTHER_KVNR } from '../../../support/gateway-fakes.ts';
import { exportBody, MONITOR_KEY, READER_KEY, type TestGateway, testGateway } from '../../../support/gateway-server.ts';

type Entry = { action: string; actor: object; result: string; requestId: string | null; details: object | null };

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway();
});
afterEach(() => g.close());
const told = async () => {
  const { entries } = (await g.admin('/admin/v1/audit?limit=1000')).json as { entries: Entry[] };
  return entries.filter((e) => e.action === 'authentication.failed' || e.action === 'access.denied');
};
const minute = async () => (await g.timerOf(REFUSALS_EVERY_MS)).fire();

test('strangers are counted together, known callers each by their name, and both once a minute (SEC-09)', async () => {
  for (let n = 0; n < 5; n++) await g.call('/v1/exports', { key: `wrong-key-0123456789-${n}` });
  await g.call('/v1/exports', { key: null });
  await g.call('/v1/exports', { key: READER_KEY, body: exportBody(), headers: { 'x-request-id': 'r-1' } });
  await g.call('/v1/exports', { key: READER_KEY, body: exportBody(), headers: { 'x-request-id': 'r-2' } });
  await g.admin('/admin/v1/audit', MONITOR_KEY);
  expect(await told()).toEqual([]);
  await minute();
  expect(await told()).toMatchObject([
    { action: 'authentication.failed', actor: { kind: 'gateway' }, result: 'UNAUTHENTICATED', details: { count: 6 } },
    { action: 'access.denied', actor: { kind: 'client', id: 'dashboard' }, requestId: 'r-1', details: { count: 2 } },
    { action: 'access.denied', actor: { kind: 'operator', id: 'mon' }, result: 'FORBIDDEN', details: { count: 1 } },
  ]);
});

test('a key that is tried without end makes one entry a minute', async () => {
  for (let n = 0; n < 30; n++) await g.call('/v1/exports', { key: 'wrong-key-0123456789' });
  await minute();
  expect(await told()).toMatchObject([{ action: 'authentication.failed', details: { count: 30 } }]);
  await g.call('/v1/exports', { key: 'another-wrong-key-0123456789' });
  await minute();
  expect(await told()).toMatchObject([{ details: { count: 30 } }, { details: { count: 1 } }]);
});

test('neither the key that was tried nor the body stands there', async () => {
  await g.call('/v1/exports', { key: 'wrong-key-0123456789', body: exportBody({ kvnr: OTHER_KVNR }) });
  await minute();
  const { text } = await g.admin('/admin/v1/audit');
  expect(text).toContain('authentication.failed');
  expect(text).not.toMatch(/wrong-key|A123456780/);
});

test('what is refused for other reasons makes no entry, and a stop writes down what was counted', async () => {
  await g.call('/v1/exports/nowhere');
  await g.call('/v1/exports', { body: { nonsense: true } });
  await g.call('/livez', { key: null });
  await g.call('/v1/exports', { key: null });
  await g.gateway.stop();
  const { openDatabaseToRead } = await import('../../../../gateway/exports/database.ts');
  const { readAudit } = await import('../../../../gateway/exports/audit.ts');
  const db = await openDatabaseToRead(join(g.settings.dataDirectory, 'gateway.db'));
  const actions = (await readAudit(db, { after: 0, limit: 10 })).map((row) => [row.action, row.details]);
  await db.destroy();
  expect(actions.slice(2)).toEqual([
    ['authentication.failed', '{"count":1}'],
    ['gateway.stopped', null],
  ]);
});
