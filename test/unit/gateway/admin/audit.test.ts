// The audit trail on the admin listener: a right of its own, read by pages, verified while the gateway works, and both stand in
// it (SEC-09, SEC-12, SEC-14).
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KVNR, secretFile } from '../../../support/gateway-fakes.ts';
import {
  exportBody,
  MONITOR_KEY,
  OPERATOR_KEY,
  type TestGateway,
  testGateway,
} from '../../../support/gateway-server.ts';

const ONLY_OPERATOR = 'only-operator-key-0123456789';
type Entry = {
  seq: number;
  action: string;
  actor: { kind: string; id: string };
  object: object | null;
  result: string;
};

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway((raw) => ({
    ...raw,
    operators: [
      ...raw.operators,
      {
        id: 'cards',
        roles: ['operator'],
        keyFile: secretFile(join(raw.dataDirectory, '..'), 'cards.key', ONLY_OPERATOR),
      },
    ],
  }));
});
afterEach(() => g.close());
const read = async (query = '') =>
  (await g.admin(`/admin/v1/audit${query}`)).json as { entries: Entry[]; next: number | null };
const verify = (key?: string) => g.admin('/admin/v1/audit/verify', key, 'POST');

describe('reading', () => {
  test('tells what was done, oldest first, with hashes, and without the KVNR', async () => {
    const { json } = await g.call('/v1/exports', { body: exportBody(), headers: { 'x-request-id': 'r-1' } });
    await g.gateway.idle();
    const answer = await g.admin('/admin/v1/audit');
    expect(answer.text).not.toContain(KVNR);
    const { entries } = answer.json as { entries: Entry[] };
    expect(entries.map((e) => e.action)).toEqual([
      'rows.sealed',
      'gateway.started',
      'export.accepted',
      'export.written',
    ]);
    expect(entries[2]).toMatchObject({
      seq: 3,
      at: '2026-11-25T11:00:00.000Z',
      actor: { kind: 'client', id: 'backend' },
      object: { kind: 'export', id: json.id },
      diga: 'demo',
      result: 'ok',
      requestId: 'r-1',
      details: { consentId: 'c-4711', consentVersion: '2026-05' },
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('goes by pages to the end, and stands in the trail itself', async () => {
    for (let n = 0; n < 4; n++) await g.call('/v1/exports', { body: exportBody({ series: `s${n}` }) });
    await g.gateway.idle();
    const seen: number[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const page: { entries: Entry[]; next: number | null } = await read(`?after=${after}&limit=4`);
      seen.push(...page.entries.map((e) => e.seq));
      after = page.next;
    }
    expect(seen).toEqual(seen.map((_, index) => index + 1));
    expect(seen.length).toBeGreaterThanOrEqual(9);
    const reads = (await read('?limit=1000')).entries.filter((e) => e.action === 'audit.read');
    expect(reads.length).toBeGreaterThanOrEqual(3);
    expect(reads[0]).toMatchObject({ actor: { kind: 'operator', id: 'op' }, details: { after: 0, limit: 4 } });
  });

  test.each(['?after=-1', '?after=x', '?limit=0', '?limit=1001', '?limit=1.5', '?after=', '?kvnr=1'])(
    'refuses %s',
    async (query) => {
      const answer = await g.admin(`/admin/v1/audit${query}`);
      expect([answer.status, answer.json.code]).toEqual([422, 'CALL_INVALID']);
    },
  );
});

describe('verifying', () => {
  test('calls the trail of a gateway at work whole', async () => {
    await g.call('/v1/exports', { body: exportBody() });
    await g.gateway.idle();
    expect((await verify()).json).toMatchObject({ ok: true, entries: 4, covered: 2, findings: [] });
    expect((await read()).entries.at(-1)).toMatchObject({ action: 'audit.verified', result: 'ok' });
  });

  test('names the first broken entry, and the trail tells that it was found', async () => {
    await g.call('/v1/exports', { body: exportBody() });
    await g.gateway.idle();
    const store = new DatabaseSync(join(g.settings.dataDirectory, 'gateway.db'));
    store.exec("DROP TRIGGER audit_no_update; UPDATE audit SET actor = 'somebody' WHERE seq = 2");
    store.close();
    expect((await verify()).json).toMatchObject({
      ok: false,
      firstBroken: 2,
      findings: [{ seq: 2, check: 'changed', message: 'entry 2 was changed' }],
    });
    expect((await read()).entries.at(-1)).toMatchObject({ action: 'audit.verified', result: 'AUDIT_BROKEN' });
  });
});

describe('the right to it', () => {
  test.each([
    ['a monitor', MONITOR_KEY],
    ['an operator without the role security', ONLY_OPERATOR],
  ])('%s neither reads nor verifies, and leaves no entry', async (_who, key) => {
    expect((await g.admin('/admin/v1/audit', key)).status).toBe(403);
    expect((await verify(key)).status).toBe(403);
    expect((await read()).entries.map((e) => e.action)).toEqual(['rows.sealed', 'gateway.started']);
  });
  test('on the public listener there is no such call', async () => {
    expect((await g.call('/admin/v1/audit', { key: OPERATOR_KEY })).status).toBe(404);
  });
});
