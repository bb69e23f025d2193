// D4: an export of a MIO and a PDF beside it. Each part has its own chain; the export is `written` only when both are; and
// what is lost, refused, revoked or newer in between never writes a part twice and never hides what is in the record.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { readContent } from '../../../../gateway/exports/content.ts';
import { viewExport } from '../../../../gateway/exports/export-view.ts';
import { recoverAfterCrash } from '../../../../gateway/exports/recovery.ts';
import { cancelExport } from '../../../../gateway/exports/sweep.ts';
import { mioBundle, noAnswer, registryError, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const PDF = Buffer.from('%PDF-1.7\n%%EOF\n');
const both = (text: string, pdf: Uint8Array = PDF) => ({
  document: { mimeType: 'application/fhir+xml', content: mioBundle(text) },
  pdf: { mimeType: 'application/pdf', content: pdf },
});
const idle = async () => {
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(1000);
};
const state = async (id: string) => {
  const { row, documents } = await h.read(id);
  return [row.status, ...documents.map((d) => `${d.part || 'mio'} ${d.status} ${d.version}`)];
};
const chunks = async (id: string) =>
  (await h.db.selectFrom('sealed_chunks').select('part').where('export_id', '=', id).execute()).map((c) => c.part);

test('both parts are written, each with ids of its own, and nothing of them is kept', async () => {
  const id = await h.accept(both('one'));
  await idle();
  expect(await state(id)).toEqual(['written', 'mio written 1', 'pdf written 1']);
  expect(h.outside.writes.map((w) => w.order.mimeType)).toEqual(['application/fhir+xml', 'application/pdf']);
  expect(
    h.outside.writes.map((w) => w.content.equals(w.order.mimeType === 'application/pdf' ? PDF : mioBundle('one'))),
  ).toEqual([true, true]);
  expect(new Set(h.outside.writes.flatMap((w) => [w.order.entryUuid, w.order.uniqueId])).size).toBe(4);
  expect(await chunks(id)).toEqual([]);
});

test('each part replaces its own predecessor', async () => {
  await h.accept(both('one'));
  await idle();
  await h.accept(both('two', Buffer.from('%PDF-1.7\n% two\n%%EOF\n')));
  await idle();
  const [mio, pdf, mio2, pdf2] = h.outside.writes.map((w) => w.order);
  expect([mio2?.replaces, pdf2?.replaces]).toEqual([mio?.entryUuid, pdf?.entryUuid]);
});

test('a part that is the same is not sent again; the export is written for the other, unchanged when both are', async () => {
  await h.accept(both('one'));
  await idle();
  const half = await h.accept(both('two'));
  await idle();
  expect(await state(half)).toEqual(['written', 'mio written 2', 'pdf unchanged null']);
  const other = await h.accept(both('two', Buffer.from('%PDF-1.7\n% b\n%%EOF\n')));
  await idle();
  expect(await state(other)).toEqual(['written', 'mio unchanged null', 'pdf written 2']);
  const none = await h.accept(both('two', Buffer.from('%PDF-1.7\n% b\n%%EOF\n')));
  await idle();
  expect(await state(none)).toEqual(['unchanged', 'mio unchanged null', 'pdf unchanged null']);
  expect(h.outside.writes).toHaveLength(4);
});

test('while the second part waits the first is told as written, and its content is gone', async () => {
  h.outside.answers.push(
    () => ({ kind: 'stored' }),
    () => registryError('not-entitled'),
    () => registryError('not-entitled'),
  );
  const id = await h.accept(both('one'));
  await idle();
  expect(await state(id)).toEqual(['waiting', 'mio written 1', 'pdf waiting 1']);
  expect(await chunks(id)).toEqual(['pdf']);
  await expect(readContent(h, { id, diga: 'demo' })).rejects.toMatchObject({ code: 'CONTENT_ERASED' });
  expect((await readContent(h, { id, diga: 'demo', part: 'pdf' })).content).toEqual(PDF);
  const view = viewExport(await h.read(id), 'en');
  expect([view.status, view.document?.part, view.documents.map((d) => d.status)]).toEqual([
    'waiting',
    null,
    ['written', 'waiting'],
  ]);
});

test('a part that does not exist has no content', async () => {
  const id = await h.accept();
  await expect(readContent(h, { id, diga: 'demo', part: 'pdf' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

describe('an answer is lost', () => {
  test('at the second part: only that one is repeated, with its own ids', async () => {
    h.outside.answers.push(
      () => ({ kind: 'stored' }),
      noAnswer,
      () => registryError('duplicate'),
    );
    const id = await h.accept(both('one'));
    await idle();
    expect(await state(id)).toEqual(['unclear', 'mio written 1', 'pdf unclear 1']);
    h.clock.advance(10_000);
    await idle();
    expect(await state(id)).toEqual(['written', 'mio written 1', 'pdf written 1']);
    const [, second, third] = h.outside.writes.map((w) => w.order);
    expect([third?.entryUuid, third?.repeat]).toEqual([second?.entryUuid, true]);
  });
  test('at the first part: the second waits until the first is known to be there, and is no repeat', async () => {
    h.outside.answers.push(noAnswer, () => registryError('duplicate'));
    const id = await h.accept(both('one'));
    await idle();
    expect(await state(id)).toEqual(['unclear', 'mio unclear 1', 'pdf unclear null']);
    expect(h.outside.writes).toHaveLength(1);
    h.clock.advance(10_000);
    await idle();
    expect(await state(id)).toEqual(['written', 'mio written 1', 'pdf written 1']);
    expect(h.outside.writes.map((w) => w.order.repeat)).toEqual([false, true, false]);
  });
});

test('a refusal of the second part fails the export and says that the first is in the record', async () => {
  h.outside.answers.push(
    () => ({ kind: 'stored' }),
    () => registryError('rejected'),
  );
  const id = await h.accept(both('one'));
  await idle();
  const view = viewExport(await h.read(id), 'en');
  expect([view.status, view.documents.map((d) => d.status)]).toEqual(['refused', ['written', 'refused']]);
});

test('a refusal of the first part: the second is never sent', async () => {
  h.outside.answers.push(() => registryError('rejected'));
  const id = await h.accept(both('one'));
  await idle();
  expect([(await state(id))[0], h.outside.writes.length]).toEqual(['refused', 1]);
});

describe('with one part written', () => {
  /** The second part waits for the insured. */
  const halfway = async () => {
    h.outside.answers.push(
      () => ({ kind: 'stored' }),
      () => registryError('not-entitled'),
      () => registryError('not-entitled'),
    );
    const id = await h.accept(both('one'));
    await idle();
    return id;
  };
  test('a newer export does not supersede it: it was sent (D3)', async () => {
    const id = await halfway();
    const newer = await h.accept(both('two'));
    expect((await h.read(id)).row.status).toBe('waiting');
    expect((await h.read(newer)).row.status).toBe('queued');
  });
  test('it cannot be cancelled as if it had written nothing', async () => {
    const id = await halfway();
    const cancelling = h.db.transaction().execute((tx) => cancelExport(tx, { id, diga: 'demo', now: h.clock.now() }));
    await expect(cancelling).rejects.toMatchObject({ code: 'STATE_CONFLICT' });
  });
  test('the end of the prescription ends it, and what is written stays told as written', async () => {
    const id = await halfway();
    h.clock.advance(60 * 86_400_000);
    await idle();
    expect(await state(id)).toEqual(['cancelled', 'mio written 1', 'pdf cancelled 1']);
    expect(await chunks(id)).toEqual([]);
  });
});

test('a crash between the parts: after the start the second is written and the first is not sent again', async () => {
  // The session dies after the first part, and with it the process.
  h.outside.sessionFaults.push(undefined, new GatewayError('KONNEKTOR_UNREACHABLE', 'gone'));
  const id = await h.accept(both('one'));
  await idle();
  expect((await state(id)).slice(1)).toEqual(['mio written 1', 'pdf queued null']);
  await recoverAfterCrash(h.db, h.clock.now());
  h.clock.advance(120_000);
  await idle();
  expect(await state(id)).toEqual(['written', 'mio written 1', 'pdf written 1']);
  expect(h.outside.writes).toHaveLength(2);
});

test('every step is an event, and the snapshot names both parts', async () => {
  const id = await h.accept(both('one'));
  await idle();
  const events = await h.db.selectFrom('events').selectAll().orderBy('seq').execute();
  expect(events.map((e) => e.type)).toEqual([
    'export.queued',
    'export.running',
    'export.queued',
    'export.running',
    'export.written',
  ]);
  expect(events.every((e) => e.export_id === id && JSON.parse(e.data).documents.length === 2)).toBe(true);
});
