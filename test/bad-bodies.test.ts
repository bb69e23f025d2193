// Bad bodies, end to end: each gets a problem document that names every fault by its place, nothing is stored, nothing is sent,
// and no answer holds the KVNR (api.md section 2, D15, RFC 9457, RFC 6901).
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { KVNR, OTHER, READER_KEY, right, wrongDigit } from './support/bad-bodies.ts';
import { exportBody, TestWorld } from './support/world.ts';
import { CASES } from './tables/bad-bodies.ts';

const folder = mkdtempSync(join(tmpdir(), 'epa-bad-bodies-'));
let world: TestWorld;
let before: { list: string; rows: Record<string, number>; operations: Record<string, number> };
/** Rows of every table, read beside the gateway. */
function rows(): Record<string, number> {
  const db = new DatabaseSync(join(world.dataDirectory, 'gateway.db'), { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all();
  const counted = tables.map(({ name }) => {
    const { n } = db.prepare(`SELECT count(*) AS n FROM "${name}"`).get() ?? {};
    return [String(name), Number(n)] as const;
  });
  db.close();
  return Object.fromEntries(counted);
}
const list = async () => (await world.call('GET', '/v1/exports')).body;

beforeAll(async () => {
  const keyFile = join(folder, 'reader.key');
  writeFileSync(keyFile, READER_KEY, { mode: 0o600 });
  world = await TestWorld.start({
    settings: (settings) => ({
      ...settings,
      clients: [
        ...(settings.clients as object[]),
        { id: 'dashboard', diga: 'demo', roles: ['reader', 'monitor'], keyFile },
      ],
      limits: { documentBytes: 200_000, bodyBytes: 400_000, requestsPerSecond: 1000 },
    }),
  });
  await world.newInsured(77, 'epa-as-1');
  // One good export first: the bad ones then meet a store, a series and a session that exist.
  expect(await world.write(right)).toMatchObject({ status: 'written' });
  await world.gateway.idle();
  before = { list: await list(), rows: rows(), operations: world.sim.operations() };
  expect(before.rows).toMatchObject({ exports: 1, documents: 1, insured: 1, series: 1 });
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});

describe('a bad body (SEC-16, SEC-17)', () => {
  test.each(CASES)('%s', async (_name, sent, status, code, findings) => {
    const answer = await world.call('POST', sent.path ?? '/v1/exports', {
      body: sent.body,
      ...(sent.headers !== undefined && { headers: sent.headers }),
      ...(sent.key !== undefined && { key: sent.key }),
    });
    const problem = answer.json() as Record<string, unknown> & { findings?: { pointer: string; code: string }[] };
    expect([answer.status, problem.code]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(problem).toMatchObject({ type: `docs/errors#${code}`, status, who: 'backend', title: expect.any(String) });
    expect(problem.remedy).toMatch(/\S/);
    const named = (problem.findings ?? []).map((one) => `${one.pointer} ${one.code}`);
    expect([...named].sort()).toEqual([...findings].sort());
    for (const one of problem.findings ?? [])
      expect(one).toEqual({
        pointer: one.pointer,
        path: expect.any(String),
        code: one.code,
        message: expect.any(String),
      });
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers.get('x-environment')).toBe('SIM');
    const headers = [...answer.headers].join('\n');
    for (const kvnr of [KVNR, KVNR.toLowerCase(), OTHER, wrongDigit]) expect(headers + answer.body).not.toContain(kvnr);

    await world.gateway.idle();
    expect(await list()).toBe(before.list);
    expect(rows()).toEqual(before.rows);
    expect(world.sim.operations()).toEqual(before.operations);
  });

  test('there are enough of them, and the right one is still right', async () => {
    expect(CASES.length).toBeGreaterThanOrEqual(40);
    const good = exportBody(KVNR, demoDocument(KVNR, 2, new Date('2026-11-25T12:00:00Z')));
    expect(await world.write(good)).toMatchObject({ status: 'written', document: { version: 2 } });
    expect(world.sim.operations()).not.toEqual(before.operations);
  });
});
