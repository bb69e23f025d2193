// What concerns a person and a series, against the simulated record systems: a revocation under load (EXP-16), a restored store
// whose series is frozen until the newer document is imported (D2, OPS-03, OPS-04), a doubt that only an import can end (D1).
import { cpSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { type ExportView, exportBody, TestWorld } from './support/world.ts';

let world: TestWorld;
beforeAll(async () => {
  world = await TestWorld.start();
});
afterAll(() => world.stop());

const call = async <Result>(path: string, body: object): Promise<Result> => {
  const answer = await world.call('POST', path, { body: JSON.stringify(body) });
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.body}`);
  return answer.json() as Result;
};
const document = (kvnr: string, version: number) => demoDocument(kvnr, version, new Date());
const post = (kvnr: string, version: number, more: object = {}) =>
  world.post(exportBody(kvnr, document(kvnr, version), { queue: 'all', ...more }));
const entryOf = (kvnr: string, of: ExportView) => ({
  kvnr,
  series: 'main',
  entryUuid: of.document.entryUuid,
  version: of.document.version,
  recordSystem: of.document.recordSystem,
});
/** The entryUUIDs of every ITI-41 that reached a record system for this person. */
async function arrived(kvnr: string): Promise<Set<string>> {
  const entries = await world.control<{ operation: string; request: { body: string } }[]>('GET', '/sim/journal');
  const bodies = entries
    .filter((one) => one.operation === 'ITI-41')
    .map((one) => Buffer.from(one.request.body, 'base64').toString('latin1'))
    .filter((body) => body.includes(kvnr));
  return new Set(
    bodies.flatMap((body) => /<(?:\w+:)?ExtrinsicObject[^>]*\bid="(urn:uuid:[^"]+)"/.exec(body)?.[1] ?? []),
  );
}

test('a revocation under load: nothing of the person leaves after its answer, everybody else is written', async () => {
  const kvnr = await world.newInsured(3100, 'epa-as-1');
  const other = await world.newInsured(3101, 'epa-as-1');
  const mine = await Promise.all(Array.from({ length: 25 }, (_, n) => post(kvnr, n + 1, { series: `s${n}` })));
  const others = await Promise.all(Array.from({ length: 10 }, (_, n) => post(other, n + 1, { series: `s${n}` })));
  // The load is under way.
  await world.settled(mine[0]?.id ?? '');
  const from = performance.now();
  const { cancelled, finishing } = await call<{ cancelled: string[]; finishing: string[] }>('/v1/persons/revoke', {
    kvnr,
  });
  const ms = performance.now() - from;
  const atAnswer = await arrived(kvnr);

  const final = await Promise.all(mine.map((one) => world.settled(one.id)));
  expect((await Promise.all(others.map((one) => world.settled(one.id)))).map((one) => one.status)).toEqual(
    others.map(() => 'written'),
  );
  await world.gateway.idle();
  const uuidsOf = (ids: readonly string[]) =>
    new Set(final.filter((one) => ids.includes(one.id)).map((one) => one.document.entryUuid));
  const late = (await arrived(kvnr)).difference(atAnswer);
  process.stdout.write(
    `revoked in ${ms.toFixed(0)} ms: ${cancelled.length} cancelled, ${finishing.length} finished, ${25 - cancelled.length - finishing.length} were written before, ${late.size} of the finished arrived after the answer\n`,
  );
  expect(ms).toBeLessThan(5000);
  expect(cancelled.length).toBeGreaterThan(0);
  expect([...late].filter((uuid) => !uuidsOf(finishing).has(uuid))).toEqual([]);
  const record = new Set((await world.documents(kvnr)).map((one) => one.entryUuid));
  expect(await arrived(kvnr)).toEqual(record);
  expect(record.intersection(uuidsOf(cancelled)).size).toBe(0);
  for (const one of final)
    expect([one.id, one.status, one.reason?.code ?? null]).toEqual(
      cancelled.includes(one.id) ? [one.id, 'cancelled', 'REVOKED'] : [one.id, 'written', null],
    );
  const refused = await world.call('POST', '/v1/exports', {
    body: JSON.stringify(exportBody(kvnr, document(kvnr, 99))),
  });
  expect([refused.status, (refused.json() as { code: string }).code]).toEqual([409, 'REVOKED']);
});

test('a restored store: the series is frozen, the import of what it forgot thaws it, the chain stays whole', async () => {
  const kvnr = await world.newInsured(3200, 'epa-as-2');
  const first = await world.write(exportBody(kvnr, document(kvnr, 1)));
  await world.stopGateway();
  cpSync(world.dataDirectory, `${world.dataDirectory}-backup`, { recursive: true });
  await world.startGateway();
  const second = await world.write(exportBody(kvnr, document(kvnr, 2)));
  await world.stopGateway();
  rmSync(world.dataDirectory, { recursive: true });
  cpSync(`${world.dataDirectory}-backup`, world.dataDirectory, { recursive: true });
  await world.startGateway();

  const third = await world.write(exportBody(kvnr, document(kvnr, 3), { reference: 'user-3200' }));
  expect(third).toMatchObject({ status: 'waiting', reason: { code: 'TARGET_STALE', who: 'operator' } });
  const fourth = await post(kvnr, 4);
  const state = await world.call('GET', '/v1/series?reference=user-3200');
  expect(state.json()).toMatchObject({ series: [{ frozen: true, doubtful: true, upToDate: false }] });

  // The backend has the document ID, since every success told it (OPS-04).
  const imported = await call<object>('/v1/series/import', { entries: [entryOf(kvnr, second)] });
  expect(imported).toMatchObject({ series: [{ changed: true, written: [] }] });
  const done = await world.settled(fourth.id, new Set(['written']));
  const record = await world.documents(kvnr, true);
  expect(record.slice(0, 2).map((one) => one.entryUuid)).toEqual([first.document.entryUuid, second.document.entryUuid]);
  expect(record.at(-1)).toMatchObject({ entryUuid: done.document.entryUuid, status: 'Approved' });
  expect(record.slice(0, -1).every((one) => one.status === 'Deprecated')).toBe(true);
  for (const [n, one] of record.entries()) expect(one.replaces).toBe(n === 0 ? null : record[n - 1]?.entryUuid);
  expect(await world.get(third.id)).toMatchObject({ status: 'superseded' });
});

test('a doubt that only a look into the record can end: the import says that it is there, and it is written once', async () => {
  const kvnr = await world.newInsured(3300, 'epa-as-1');
  world.sim.world.choices.duplicateAnswer = 'target-not-approved';
  const first = await world.write(exportBody(kvnr, document(kvnr, 1)));
  await call('/v1/persons/forget', { kvnr });
  // The backend brings what the gateway has forgotten: told, not proven, so "not Approved" proves nothing (D1).
  await call('/v1/series/import', { entries: [entryOf(kvnr, first)] });
  await world.control('POST', '/sim/faults', { at: 'xds.iti41', kind: 'drop-response', times: 1, match: { kvnr } });
  const { id } = await post(kvnr, 2);
  const doubtful = async () => {
    for (let tries = 1; ; tries++) {
      const now = await world.tried(id, tries);
      if (now.reason?.code === 'WRITE_DOUBTFUL') return now;
    }
  };
  const inDoubt = await doubtful();
  expect(inDoubt).toMatchObject({ status: 'unclear', reason: { who: 'operator' } });
  const newest = (await world.documents(kvnr)).find((one) => one.status === 'Approved');
  expect(newest?.entryUuid).toBe(inDoubt.document.entryUuid);

  expect(await call('/v1/series/import', { entries: [entryOf(kvnr, inDoubt)] })).toMatchObject({
    series: [{ written: [id], resumed: [] }],
  });
  expect(await world.get(id)).toMatchObject({ status: 'written', document: { version: 2 } });
  const third = await world.write(exportBody(kvnr, document(kvnr, 3)));
  expect(third).toMatchObject({ status: 'written', document: { version: 3, replaces: inDoubt.document.entryUuid } });
  expect((await world.documents(kvnr, true)).map((one) => one.status)).toEqual([
    'Deprecated',
    'Deprecated',
    'Approved',
  ]);
});

test('a first document in doubt that never arrived goes again where the import says that there is nothing', async () => {
  const kvnr = await world.newInsured(3400, 'epa-as-1');
  await world.control('POST', '/sim/faults', { at: 'xds.iti41', kind: 'drop-request', times: 2, match: { kvnr } });
  const { id } = await post(kvnr, 1);
  expect(await world.tried(id)).toMatchObject({ status: 'unclear' });
  expect(await call('/v1/series/import', { entries: [{ kvnr, series: 'main', entryUuid: null }] })).toMatchObject({
    series: [{ resumed: [id] }],
  });
  expect(await world.settled(id, new Set(['written']))).toMatchObject({ document: { version: 1, replaces: null } });
  expect(await world.documents(kvnr, true)).toHaveLength(1);
});

test('whether and where there is a record is told without writing', async () => {
  const kvnr = await world.newInsured(3500, 'epa-as-2');
  expect(await call('/v1/persons/check', { kvnr })).toEqual({
    diga: 'demo',
    found: true,
    recordSystem: 'epa-as-2',
    code: null,
  });
  await world.control('PUT', `/sim/records/${kvnr}`, { recordSystem: 'epa-as-2', status: 'SUSPENDED', entitled: [] });
  const unknown = await world.newInsured(3501, 'epa-as-2');
  await world.control('PUT', `/sim/records/${unknown}`, { recordSystem: 'epa-as-2', status: 'UNKNOWN', entitled: [] });
  expect(await call('/v1/persons/check', { kvnr: unknown })).toMatchObject({ found: false, code: 'RECORD_NOT_FOUND' });
  const suspended = await world.newInsured(3502, 'epa-as-1');
  await world.control('PUT', `/sim/records/${suspended}`, {
    recordSystem: 'epa-as-1',
    status: 'SUSPENDED',
    entitled: [],
  });
  expect(await call('/v1/persons/check', { kvnr: suspended })).toMatchObject({
    found: false,
    code: 'RECORD_SUSPENDED',
  });
});
