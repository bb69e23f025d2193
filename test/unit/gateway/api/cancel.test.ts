// `POST /v1/exports/{id}/cancel`: what surely wrote nothing ends and loses its content; everything else is 409 and stays.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { sealExport } from '../../../../gateway/exports/row-seals-export.ts';
import { cancelExport } from '../../../../gateway/exports/sweep.ts';
import { noAnswer, registryError, testHouse } from '../../../support/gateway-fakes.ts';
import { exportBody, READER_KEY, SECOND_KEY, type TestGateway, testGateway } from '../../../support/gateway-server.ts';
import { onPostgres } from '../../../support/stores.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway();
});
afterEach(() => g.close());

const post = async (change = {}) => String((await g.call('/v1/exports', { body: exportBody(change) })).json.id);
const cancel = (id: string, key?: string) =>
  g.call(`/v1/exports/${id}/cancel`, { method: 'POST', ...(key !== undefined && { key }) });
const status = async (id: string) => (await g.call(`/v1/exports/${id}`)).json.status;
const lostPin = () => g.outside.sessionFaults.push(new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN'));

test('a waiting export is cancelled: 200, reason CANCELLED, in the timeline, and never sent', async () => {
  lostPin();
  const id = await post();
  await g.gateway.idle();
  const answer = await cancel(id);
  expect(answer.status).toBe(200);
  expect(answer.json).toMatchObject({
    id,
    status: 'cancelled',
    reason: { code: 'CANCELLED', who: 'none', nextAttemptAt: null },
    document: { status: 'cancelled' },
  });
  expect(answer.json.timeline).toContainEqual(expect.objectContaining({ step: 'cancelled', code: 'CANCELLED' }));
  g.clock.advance(86_400_000);
  await g.gateway.idle();
  expect([await status(id), g.outside.writes.length]).toEqual(['cancelled', 0]);
});

test('a cancelled export has its event, once', async () => {
  lostPin();
  const id = await post();
  await g.gateway.idle();
  await cancel(id);
  const { events } = (await g.call('/v1/events')).json as { events: { type: string; data: { id: string } }[] };
  const types = events.filter((one) => one.data.id === id).map((one) => one.type);
  expect(types).toEqual(['export.queued', 'export.running', 'export.waiting', 'export.cancelled']);
});

test('one that every try definitely refused counts as never written', async () => {
  g.outside.answers.push(
    () => registryError('not-entitled'),
    () => registryError('not-entitled'),
  );
  const id = await post();
  await g.gateway.idle();
  expect(await status(id)).toBe('waiting');
  expect((await cancel(id)).json.status).toBe('cancelled');
});

test('a deferred one is cancelled, too, and who waits for it is told', async () => {
  const id = await post({ notBefore: '2026-12-01' });
  const waiting = g.call(`/v1/exports/${id}`, { headers: { prefer: 'wait=9' } });
  await g.timerOf(9000);
  await cancel(id);
  expect((await waiting).json.status).toBe('cancelled');
});

test('what went behind a cancelled one goes on', async () => {
  lostPin();
  const first = await post({ queue: 'all' });
  await g.gateway.idle();
  const second = await post({ queue: 'all' });
  await g.gateway.idle();
  expect(await status(second)).toBe('queued');
  await cancel(first);
  await g.gateway.idle();
  expect(await status(second)).toBe('written');
});

test('one on its way is not cancelled', async () => {
  const sent = Promise.withResolvers<void>();
  const { promise, resolve } = Promise.withResolvers<void>();
  g.outside.answers.push(async () => {
    sent.resolve();
    await promise;
    return { kind: 'stored' };
  });
  const id = await post();
  await sent.promise;
  const answer = await cancel(id);
  expect([answer.status, answer.json.code]).toEqual([409, 'STATE_CONFLICT']);
  resolve();
  await g.gateway.idle();
  expect(await status(id)).toBe('written');
});

test('one in doubt is not cancelled, whatever its later tries met', async () => {
  g.outside.answers.push(noAnswer);
  const id = await post();
  await g.gateway.idle();
  expect(await status(id)).toBe('unclear');
  expect((await cancel(id)).status).toBe(409);
  expect(await status(id)).toBe('unclear');
});

test.each(['written', 'refused', 'cancelled'])('%s is over: 409, and stays', async (end) => {
  if (end === 'refused') g.outside.answers.push(() => registryError('rejected'));
  const id = await post(end === 'cancelled' ? { notBefore: '2026-12-01' } : {});
  await g.gateway.idle();
  if (end === 'cancelled') await cancel(id);
  const answer = await cancel(id);
  expect([answer.status, answer.json.code, await status(id)]).toEqual([409, 'STATE_CONFLICT', end]);
});

test('needs the writer, and the DiGA of the export', async () => {
  const id = await post({ notBefore: '2026-12-01' });
  expect((await cancel(id, READER_KEY)).status).toBe(403);
  expect((await cancel(id, SECOND_KEY)).status).toBe(404);
  expect((await cancel('none')).status).toBe(404);
  expect(await status(id)).toBe('waiting');
});

test('an unanswered try forbids it whatever the status says (D3)', async () => {
  const h = await testHouse();
  try {
    const id = await h.accept();
    await h.db.updateTable('exports').set({ unanswered: 1 }).where('id', '=', id).execute();
    await sealExport(h.db, id);
    await expect(cancelExport(h.db, { id, diga: 'demo', now: h.clock.now() })).rejects.toMatchObject({
      code: 'STATE_CONFLICT',
    });
    expect((await h.read(id)).row.status).toBe('queued');
  } finally {
    await h.close();
  }
});

test.runIf(!onPostgres)(
  'its content is gone from the data directory once the worker rests (RET-01, RET-04)',
  async () => {
    const h = await testHouse();
    try {
      const worker = h.worker();
      await worker.start();
      await worker.idle();
      // Small enough to lie in one page of the file.
      const document = { mimeType: 'application/fhir+xml', content: Buffer.from('a document') };
      const id = await h.accept({ document, notBefore: '2026-12-01' });
      const { sealed } = await h.db.selectFrom('sealed_chunks').select('sealed').executeTakeFirstOrThrow();
      const { wrapped_key: key } = (await h.read(id)).row;
      const held = () => {
        const files = readdirSync(h.directory).map((name) => readFileSync(join(h.directory, name)));
        return [sealed, key ?? new Uint8Array()].map((bytes) => files.some((file) => file.includes(bytes)));
      };
      expect(held()).toEqual([true, true]);
      await h.db.transaction().execute((tx) => cancelExport(tx, { id, diga: 'demo', now: h.clock.now() }));
      worker.erased();
      await worker.idle();
      expect(held()).toEqual([false, false]);
      expect((await h.read(id)).row).toMatchObject({ status: 'cancelled', wrapped_key: null });
    } finally {
      await h.close();
    }
  },
);
