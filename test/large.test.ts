// Large documents beside small ones, from the form of a DiGA backend to the record (D8, D13, EXP-11): the small ones do not wait,
// and what is above the limits is refused before the record system hears of it.
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CheckpointName } from '../gateway/exports/checkpoints.ts';
import { documentPart, FORM, formOf } from './support/export-form.ts';
import { mioBundle } from './support/gateway-fakes.ts';
import { type ExportView, exportBody, TestWorld } from './support/world.ts';

const LARGE_BYTES = 6_000_000;

let world: TestWorld;
/** Every document whose message has come to its first chunk of content waits here, once it is set. */
let gate: { reached: () => void; open: Promise<void> } | undefined;
beforeEach(async () => {
  gate = undefined;
  const checkpoint = async (name: CheckpointName) => {
    const waiting = gate;
    if (name !== 'write.content' || waiting === undefined) return;
    gate = undefined;
    waiting.reached();
    await waiting.open;
  };
  world = await TestWorld.start({ dependencies: () => ({ checkpoint }) });
});
afterEach(() => world.stop());

/** A valid MIO of exactly so many bytes: white space behind its end. */
function mioOf(text: string, bytes: number): Buffer {
  const short = mioBundle(text);
  return Buffer.concat([short, Buffer.alloc(bytes - short.length, '\n')]);
}

async function postForm(document: Buffer, change: Record<string, unknown>) {
  const { kvnr = world.insured(0), ...rest } = change as { kvnr?: string };
  const order = exportBody(kvnr, document, rest);
  const content = JSON.stringify({ ...order, content: { mode: 'document', mimeType: 'application/fhir+xml' } });
  const body = formOf([{ name: 'export', type: 'application/json', content }, documentPart(document)]);
  return world.call('POST', '/v1/exports', { body, headers: { 'content-type': FORM } });
}
const small = (n: number, kvnr: string) =>
  exportBody(kvnr, mioBundle(`small ${n}`), { series: `small-${n}`, priority: 'user' });

test('small exports to the same record system are written while a large one is on the wire (D13)', async () => {
  const kvnr = await world.newInsured(61, 'epa-as-1');
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  gate = { reached: reached.resolve, open: released.promise };
  const document = mioOf('large', LARGE_BYTES);
  const posted = await postForm(document, { kvnr, series: 'large' });
  expect(posted.status, posted.body).toBe(202);
  const { id } = posted.json() as ExportView;
  await reached.promise;

  const others = await Promise.all(Array.from({ length: 10 }, (_, n) => world.write(small(n, kvnr))));
  expect(others.map((one) => one.status)).toEqual(Array.from({ length: 10 }, () => 'written'));
  expect((await world.get(id)).status).toBe('running');

  released.resolve();
  const large = await world.settled(id);
  expect(large).toMatchObject({ status: 'written', attempts: 1, document: { bytes: LARGE_BYTES } });
  const stored = await world.storedBytes(kvnr, large.document.entryUuid);
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  expect(sha256(stored)).toBe(sha256(document));
  // The channel for the large ones and the one for the others, each with a login of its own.
  expect(world.sim.operations().send_authcode_sc).toBe(2);
});

test('more large ones than go at once are all written, each once (EXP-07)', async () => {
  const kvnr = await world.newInsured(62, 'epa-as-2');
  const ids: string[] = [];
  for (let n = 0; n < 4; n++) {
    const posted = await postForm(mioOf(`large ${n}`, 1_100_000), { kvnr, series: `large-${n}` });
    ids.push((posted.json() as ExportView).id);
  }
  const written = await Promise.all(ids.map((id) => world.settled(id)));
  expect(written.map(({ status, attempts }) => [status, attempts])).toEqual(ids.map(() => ['written', 1]));
  expect((await world.documents(kvnr)).map(({ bytes }) => bytes)).toEqual(ids.map(() => 1_100_000));
});

test('EXP-11: a document above the limit is refused with number and setting, and no record system hears of it', async () => {
  const answer = await postForm(mioOf('large', 25_000_001), {});
  expect(answer.status).toBe(413);
  expect(answer.json()).toMatchObject({ code: 'DOCUMENT_TOO_LARGE' });
  expect(answer.body).toContain('25000000 bytes (limits.documentBytes)');
  await world.gateway.idle();
  // The card is looked at since the start; what a record system would be asked is not among it.
  const asked = Object.keys(world.sim.operations());
  expect(asked.filter((one) => !/^(connector\.sds|Get.*|ReadCardCertificate)$/.test(one))).toEqual([]);
});
