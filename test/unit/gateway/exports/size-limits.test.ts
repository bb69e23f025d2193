// EXP-11: limits of sizes, of a document and of the message around it, are looked at before anybody outside is asked.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseSettings } from '../../../../gateway/config.ts';
import { MESSAGE_ROOM_BYTES, tooLarge } from '../../../../gateway/exports/size-limits.ts';
import { type WriteOrder, writeDocument } from '../../../../gateway/record-system/documents.ts';
import type { InnerRequest } from '../../../../gateway/record-system/session.ts';
import { noAnswer, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { rawSettings } from '../../../support/gateway-server.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const document = (bytes: number) => ({
  document: { mimeType: 'application/fhir+xml', content: Buffer.alloc(bytes, 'x') },
});
const limits = (change: Partial<TestHouse['house']['limits']>) => Object.assign(h.house.limits, change);
const run = async (id: string) => {
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(0);
  return (await h.read(id)).row;
};

test.each([
  ['limits.documentBytes', { documentBytes: 4999 }],
  ['limits.requestBytes', { requestBytes: 5000 + MESSAGE_ROOM_BYTES - 1 }],
] as const)(
  'EXP-11: an export above a lowered %s is refused by its name, and nobody outside is asked',
  async (check, change) => {
    const id = await h.accept(document(5000));
    limits(change);
    expect(await run(id)).toMatchObject({
      status: 'refused',
      reason_code: 'DOCUMENT_TOO_LARGE',
      reason_check: check,
      attempts: 0,
      next_attempt_at: null,
    });
    const { stays, opened, writes } = h.outside;
    expect({ stays, opened, writes }).toEqual({ stays: [], opened: [], writes: [] });
  },
);

test('EXP-11: what is exactly as large as the limits goes', async () => {
  const id = await h.accept(document(5000));
  limits({ documentBytes: 5000, requestBytes: 5000 + MESSAGE_ROOM_BYTES });
  expect(await run(id)).toMatchObject({ status: 'written', reason_code: null });
});

test('EXP-11: a write in doubt is finished whatever the limits are now (D3)', async () => {
  const id = await h.accept(document(5000));
  h.outside.answers.push(noAnswer);
  expect(await run(id)).toMatchObject({ status: 'unclear' });
  limits({ documentBytes: 1024 });
  h.clock.advance(10_000);
  expect(await run(id)).toMatchObject({ status: 'written' });
});

test('EXP-11: the one after it in the series goes', async () => {
  const first = await h.accept({ ...document(5000), queue: 'all' });
  const second = await h.accept({ ...document(1000), queue: 'all' });
  limits({ documentBytes: 2000 });
  expect([(await run(first)).status, (await h.read(second)).row.status]).toEqual(['refused', 'written']);
});

test('both limits broken: that of the document is named', () => {
  expect(tooLarge(10, { documentBytes: 9, requestBytes: 9 })).toMatchObject({ check: 'limits.documentBytes' });
});

test('the message around a document has room enough, with the longest names and titles', async () => {
  const long = '&'.repeat(250);
  const order: WriteOrder = {
    kvnr: 'X110425360',
    entryUuid: 'urn:uuid:758b59c8-5175-41a7-a2f0-efb659256708',
    uniqueId: '2.25.156150026391463543254254254254254254254',
    replaces: 'urn:uuid:858b59c8-5175-41a7-a2f0-efb659256708',
    mimeType: 'application/fhir+xml',
    title: long,
    author: { telematikId: `9-${'1'.repeat(126)}`, digaName: long, manufacturer: long },
    creationTime: new Date('2026-11-25T09:00:00Z'),
    serviceStart: new Date('2026-11-01T00:00:00Z'),
    serviceStop: new Date('2026-11-24T00:00:00Z'),
    content: { length: 1_000_000, chunks: async function* () {} },
    beforeFirstByte: () => {},
  };
  let length = 0;
  const request = async ({ body }: InnerRequest): Promise<never> => {
    length = body?.length ?? 0;
    throw new Error('seen');
  };
  const session = { origin: `https://${'a'.repeat(200)}.test`, drop: () => {}, request };
  await expect(writeDocument(session, order)).rejects.toThrow('seen');
  expect(length).toBeGreaterThan(1_000_000);
  expect(length - 1_000_000).toBeLessThan(MESSAGE_ROOM_BYTES / 2);
});

test.each([[{ documentBytes: 25_000_000, requestBytes: 25_000_000 }], [{ documentBytes: 250_000_000 }]])(
  'a document that would be taken and fit into no message is refused with the settings: %o',
  (change) => {
    const result = parseSettings({ ...rawSettings(h.directory), limits: change });
    expect(result).toMatchObject({ ok: false, faults: [{ key: 'limits.documentBytes' }] });
    expect(JSON.stringify(result)).toContain('limits.requestBytes');
  },
);

test('limits that just fit are taken', () => {
  const change = { documentBytes: 25_000_000, requestBytes: 25_000_000 + MESSAGE_ROOM_BYTES };
  expect(parseSettings({ ...rawSettings(h.directory), limits: change })).toMatchObject({ ok: true });
});
