// How the end of a try is made durable, and what happens when it cannot be: nothing stays behind in the clear, nothing stays
// claimed for ever, and a fault of the settings fails no export (B6, D20, D22, RET-01, SEC-07).
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { Worker } from '../../../../gateway/exports/worker.ts';
import { KVNR, noAnswer, registryError, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { breakStore } from '../../../support/store-triggers.ts';
import { onPostgres } from '../../../support/stores.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

/** Everything the data directory holds, the write-ahead log included. */
const files = () =>
  Buffer.concat(readdirSync(h.directory).map((name) => readFileSync(join(h.directory, name)))).toString('latin1');

test('what the registry said is stored masked and cut: a copy of the database names no insured (SEC-07)', async () => {
  h.outside.answers.push(() => ({
    kind: 'registry-error',
    errorCode: 'XDSPatientIdDoesNotMatch',
    codeContext: `patientId ${KVNR}^^^&1.2.276.0.76.4.8&ISO is not ${KVNR} ${'x'.repeat(10_000)}`,
    meaning: 'rejected',
  }));
  const id = await h.accept();
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  const foreign = JSON.parse((await h.read(id)).row.reason_foreign ?? '{}');
  expect(foreign).toMatchObject({ code: 'XDSPatientIdDoesNotMatch', text: expect.stringContaining('[masked]') });
  expect(foreign.text.length).toBe(500);
  expect(files()).not.toContain(KVNR);
});

test.runIf(!onPostgres)(
  'the files of the store are for their owner only, whatever the umask says (SEC-06)',
  async () => {
    await h.accept();
    const names = readdirSync(h.directory);
    expect(names).toEqual(expect.arrayContaining(['gateway.db', 'gateway.db-wal']));
    for (const name of names) expect([name, statSync(join(h.directory, name)).mode & 0o777]).toEqual([name, 0o600]);
  },
);

test.runIf(!onPostgres)(
  'content and its key are gone from every file once the document is written (RET-01, RET-04)',
  async () => {
    // Small enough to lie in one page of the file.
    const document = { mimeType: 'application/fhir+xml', content: Buffer.from('a document') };
    const id = await h.accept({ document });
    const chunk = await h.db.selectFrom('sealed_chunks').select('sealed').executeTakeFirstOrThrow();
    const secrets = [chunk.sealed, (await h.read(id)).row.wrapped_key ?? Buffer.from('none')].map((bytes) =>
      Buffer.from(bytes).toString('latin1'),
    );
    for (const secret of secrets) expect(files()).toContain(secret);
    const worker = h.worker();
    await worker.start();
    await worker.idle();
    expect((await h.read(id)).row.status).toBe('written');
    for (const secret of secrets) expect(files().includes(secret)).toBe(false);
  },
);

test('a DiGA that is gone from the settings makes its exports wait for the operator, not fail', async () => {
  const id = await h.accept();
  const digas = new Map(h.house.digas);
  digas.delete('demo');
  const without = new Worker({
    house: { ...h.house, digas },
    slots: { small: 1, large: 1, fromBytes: 1_048_576 },
    timer: () => () => {},
  });
  await without.start();
  await without.idle();
  expect((await h.read(id)).row).toMatchObject({ status: 'waiting', reason_code: 'CONFIG_INVALID' });
  await without.stop(0);
  h.clock.advance(60_000);
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  expect((await h.read(id)).row.status).toBe('written');
});

test('an address that is not allowed does not fail an export that waits for it', async () => {
  h.outside.sessionFaults.push(new GatewayError('CONFIG_INVALID', 'Konnektor k1: address not allowed'));
  const id = await h.accept();
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  const { row } = await h.read(id);
  expect(row).toMatchObject({ status: 'waiting', reason_code: 'CONFIG_INVALID' });
  expect(row.next_attempt_at).toBeGreaterThan(h.clock.now());
});

const refuse = (status: string) => breakStore(h.db, { table: 'exports', on: 'UPDATE', status });

test('an end that cannot be stored leaves the export unclear, and it is repeated without a restart', async () => {
  const id = await h.accept();
  const accept = await refuse('written');
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  expect((await h.read(id)).row).toMatchObject({
    status: 'unclear',
    reason_code: 'WRITE_INTERRUPTED',
    unanswered: 1,
    next_attempt_at: h.clock.now() + 2_000,
  });
  await accept();
  h.outside.answers.push(() => registryError('duplicate', 'XDSDuplicateDocument'));
  h.clock.advance(10_000);
  worker.wake();
  await worker.idle();
  expect((await h.read(id)).row).toMatchObject({ status: 'written', attempts: 2 });
  const [first, second] = h.outside.writes;
  expect(second?.content.equals(first?.content ?? Buffer.alloc(0))).toBe(true);
  expect(second?.order).toMatchObject({ entryUuid: first?.order.entryUuid, uniqueId: first?.order.uniqueId });
});

test('an end that cannot be stored before anything was sent puts the export back into the queue', async () => {
  h.outside.sessionFaults.push(new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN'));
  const id = await h.accept();
  const accept = await refuse('waiting');
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  expect((await h.read(id)).row).toMatchObject({ status: 'queued', unanswered: 0, attempts: 0 });
  expect(h.outside.writes).toEqual([]);
  await accept();
  h.clock.advance(10_000);
  worker.wake();
  await worker.idle();
  expect((await h.read(id)).row.status).toBe('written');
});

test('a stop waits for the turn that is claiming: nothing runs after it', async () => {
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  const id = await h.accept();
  // The store answers in order: whatever the worker had still asked for has been answered after this.
  const settle = async () => {
    for (let turn = 0; turn < 50; turn++) await h.read(id);
  };
  await settle();
  worker.wake();
  await worker.stop(0);
  const { status } = (await h.read(id)).row;
  await settle();
  expect((await h.read(id)).row.status).toBe(status);
});

test('a sweep that breaks off leaves nothing half done: what it could not erase is not cancelled either (RET-04)', async () => {
  const id = await h.accept();
  const accept = await breakStore(h.db, { table: 'sealed_chunks', on: 'DELETE' });
  h.clock.advance(100 * 86_400_000);
  const fault = Promise.withResolvers<void>();
  const worker = new Worker({
    house: { ...h.house, log: { ...h.house.log, error: () => fault.resolve() } },
    slots: { small: 1, large: 1, fromBytes: 1_048_576 },
    timer: () => () => {},
  });
  await worker.start();
  await fault.promise;
  expect((await h.read(id)).row).toMatchObject({ status: 'queued', wrapped_key: expect.anything() });
  await accept();
  worker.wake();
  await worker.idle();
  expect((await h.read(id)).row).toMatchObject({ status: 'cancelled', wrapped_key: null });
  expect(await h.db.selectFrom('sealed_chunks').selectAll().execute()).toEqual([]);
});

test('an export that waits for weeks keeps its first and its latest steps, not all of them', async () => {
  const id = await h.accept();
  const worker = h.worker();
  await worker.start();
  for (let look = 0; look < 100; look++) {
    h.outside.sessionFaults.push(new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN'));
    worker.wake();
    await worker.idle();
    h.clock.advance(3_600_000);
  }
  worker.wake();
  await worker.idle();
  const { row, timeline } = await h.read(id);
  expect(row.status).toBe('written');
  expect(timeline.length).toBeLessThanOrEqual(120);
  expect(timeline[0]?.step).toBe('accepted');
  expect(timeline.slice(-2).map((t) => t.step)).toEqual(['answered', 'written']);
  expect(timeline.map((t) => t.n)).toEqual([...timeline.map((t) => t.n)].sort((a, b) => a - b));
});

test('a try of which no byte left takes no step in the schedule of an unclear export (D22)', async () => {
  const id = await h.accept();
  const worker = h.worker();
  await worker.start();
  const waits: string[] = [];
  const unreachable = () => new GatewayError('RECORD_SYSTEM_UNREACHABLE', 'no connection');
  for (const met of ['lost', 'lost', 'unreached', 'unreached', 'lost', 'unreached', 'lost', 'lost']) {
    if (met === 'lost') h.outside.answers.push(noAnswer);
    else h.outside.sendFaults.push(unreachable());
    worker.wake();
    await worker.idle();
    const { row } = await h.read(id);
    expect(row.status).toBe('unclear');
    const wait = (row.next_attempt_at ?? 0) - h.clock.now();
    waits.push(`${met} ${wait / 1000}`);
    h.clock.advance(wait);
  }
  expect(waits).toEqual([
    'lost 2',
    'lost 10',
    'unreached 15',
    'unreached 15',
    'lost 60',
    'unreached 15',
    'lost 600',
    'lost 600',
  ]);
});
