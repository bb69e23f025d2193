// `POST /v1/persons/forget` (RET-05, D7, EXP-28): nothing of the person is left in any table or file but the audit trail and
// the block of a revocation; the receipt says so, and what forgetting cannot do.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KVNR, mioBundle, noAnswer, OTHER_KVNR } from '../../../support/gateway-fakes.ts';
import {
  exportBody,
  OPERATOR_KEY,
  READER_KEY,
  SECOND_KEY,
  type TestGateway,
  testGateway,
} from '../../../support/gateway-server.ts';
import { onPostgres } from '../../../support/stores.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway();
});
afterEach(() => g.close());

const content = (name: string) => ({ ...exportBody().content, base64: mioBundle(name).toString('base64') });
const post = async (change: Record<string, unknown> = {}, headers = {}) => {
  const answer = await g.call('/v1/exports', { body: exportBody(change), headers });
  await g.gateway.idle();
  return answer;
};
const ask = (
  call: string,
  body: unknown = { kvnr: KVNR },
  o: { key?: string; headers?: Record<string, string> } = {},
) => g.call(`/v1/persons/${call}`, { body, ...o });

/** Every row of every table but the audit trail, as text; binary values in hexadecimal. */
function everything(): string {
  const store = new DatabaseSync(join(g.settings.dataDirectory, 'gateway.db'));
  try {
    const tables = store
      .prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'audit%'`)
      .all();
    const rows = tables.flatMap(({ name }) => store.prepare(`SELECT * FROM "${String(name)}"`).all());
    return JSON.stringify(rows, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    );
  } finally {
    store.close();
  }
}
/** What names the person or anything of theirs in the store. */
function marks(): string[] {
  const store = new DatabaseSync(join(g.settings.dataDirectory, 'gateway.db'));
  try {
    const all = (sql: string) => store.prepare(sql).all();
    return [
      ...all('SELECT lookup_key, hex(wrapped_key) AS k, hex(kvnr_sealed) AS s FROM insured'),
      ...all('SELECT id, reference, consent_id, hex(wrapped_key) AS k FROM exports'),
      ...all('SELECT entry_uuid, unique_id, sha256 FROM documents'),
      ...all('SELECT hex(key_mac) AS k FROM idempotency'),
    ].flatMap((row) => Object.values(row).flatMap((v) => (typeof v === 'string' && v !== '' ? [v.toLowerCase()] : [])));
  } finally {
    store.close();
  }
}

test.runIf(!onPostgres)(
  'nothing of the person is left in any table, and the receipt counts what went (RET-05)',
  async () => {
    await post({ reference: 'mark-ref-1' }, { 'idempotency-key': 'k-1' });
    await post({ reference: 'mark-ref-1', content: content('two') });
    g.outside.answers.push(noAnswer);
    await post({ series: 'other', content: content('three') });
    await post({ series: 'later', notBefore: '2026-12-01', content: content('four') });
    const of = marks();
    expect(of.length).toBeGreaterThan(20);
    for (const mark of of) expect(everything().toLowerCase()).toContain(mark);
    const answer = await ask('forget', { kvnr: KVNR }, { headers: { 'accept-language': 'en' } });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      id: expect.any(String),
      at: '2026-11-25T11:00:00.000Z',
      diga: 'demo',
      erased: {
        kvnr: 1,
        exports: 4,
        documents: 4,
        series: 1,
        events: expect.any(Number),
        timelineEntries: expect.any(Number),
        idempotencyKeys: 1,
      },
      unclear: 1,
      kept: { audit: true, revocation: false },
      backupsForgetBy: null,
      notice: expect.stringContaining('cannot delete in the ePA'),
    });
    const left = everything().toLowerCase();
    for (const mark of of) expect(left).not.toContain(mark);
    expect((await g.call('/v1/exports')).json.exports).toEqual([]);
    expect((await g.call('/v1/series?reference=mark-ref-1')).json.series).toEqual([]);
  },
);

test.runIf(!onPostgres)(
  'wrapped keys and sealed KVNR are gone from every file once the worker rests (RET-04)',
  async () => {
    await post({ notBefore: '2026-12-01' });
    const store = new DatabaseSync(join(g.settings.dataDirectory, 'gateway.db'));
    const { wrapped_key: insured, kvnr_sealed: sealed } = store.prepare('SELECT * FROM insured').get() ?? {};
    const { wrapped_key: key } = store.prepare('SELECT wrapped_key FROM exports').get() ?? {};
    store.close();
    const secrets = [insured, sealed, key].map((v) => Buffer.from(v as Uint8Array));
    const held = () => {
      const files = readdirSync(g.settings.dataDirectory).map((f) => readFileSync(join(g.settings.dataDirectory, f)));
      return secrets.map((bytes) => files.some((file) => file.includes(bytes)));
    };
    expect(held()).toEqual([true, true, true]);
    await ask('forget');
    await g.gateway.idle();
    expect(held()).toEqual([false, false, false]);
  },
);

test('other persons and other DiGA stay whole', async () => {
  await post();
  const { id } = (await post({ kvnr: OTHER_KVNR, reference: 'user-2' })).json;
  const second = await g.call('/v1/exports', { body: exportBody(), key: SECOND_KEY });
  await g.gateway.idle();
  await ask('forget');
  expect((await g.call(`/v1/exports/${String(id)}`)).json.status).toBe('written');
  expect((await g.call(`/v1/exports/${String(second.json.id)}`, { key: SECOND_KEY })).status).toBe(200);
  expect((await ask('holdings', { kvnr: KVNR }, { key: SECOND_KEY })).json).toMatchObject({
    known: true,
    kvnrHeld: true,
  });
});

test('updates are impossible afterwards: a new export is version 1 and replaces nothing (EXP-28, RET-05)', async () => {
  await post();
  await ask('forget');
  const { id } = (await post({ content: content('two') })).json;
  expect((await g.call(`/v1/exports/${String(id)}`)).json).toMatchObject({
    status: 'written',
    document: { version: 1, replaces: null },
  });
  expect(g.outside.writes.at(-1)?.order.replaces).toBeNull();
});

test('while a document is on the wire it is 409 and nothing is lost; afterwards it is forgotten', async () => {
  const sent = Promise.withResolvers<void>();
  const open = Promise.withResolvers<void>();
  g.outside.answers.push(async () => {
    sent.resolve();
    await open.promise;
    return { kind: 'stored' };
  });
  const { id } = (await g.call('/v1/exports', { body: exportBody() })).json;
  await sent.promise;
  const refused = await ask('forget');
  expect([refused.status, refused.json.code]).toEqual([409, 'STATE_CONFLICT']);
  open.resolve();
  await g.gateway.idle();
  expect((await g.call(`/v1/exports/${String(id)}`)).json.status).toBe('written');
  expect((await ask('forget')).json.erased).toMatchObject({ exports: 1 });
  expect((await g.call(`/v1/exports/${String(id)}`)).status).toBe(404);
});

test('an export whose journey has not sent yet is forgotten and never sent', async () => {
  const reached = Promise.withResolvers<void>();
  const open = Promise.withResolvers<void>();
  const { locator } = g.outside.ports;
  const { locate } = locator;
  locator.locate = async (kvnr, key) => {
    reached.resolve();
    await open.promise;
    return locate(kvnr, key);
  };
  await g.call('/v1/exports', { body: exportBody() });
  await reached.promise;
  expect((await ask('forget')).json.erased).toMatchObject({ exports: 1 });
  open.resolve();
  await g.gateway.idle();
  expect(g.outside.writes).toEqual([]);
});

test('a revocation stays one: a late post of the old consent does not bring the person back', async () => {
  await post();
  await ask('revoke');
  expect((await ask('forget')).json).toMatchObject({ kept: { revocation: true } });
  expect((await post({ content: content('two') })).json.code).toBe('REVOKED');
  expect((await ask('holdings')).json).toMatchObject({
    known: true,
    kvnrHeld: false,
    revokedAt: '2026-11-25T11:00:00.000Z',
    exports: [],
    series: [],
  });
});

test.runIf(!onPostgres)('of a revoked person the look-up key and the time are left, and no key', async () => {
  await post();
  await ask('revoke');
  await ask('forget');
  const store = new DatabaseSync(join(g.settings.dataDirectory, 'gateway.db'));
  expect(store.prepare('SELECT * FROM insured').all()).toEqual([
    expect.objectContaining({ wrapped_key: null, wrapped_under: null, kvnr_sealed: null, prescription_ends: null }),
  ]);
  store.close();
});

test('the event names its receipt and nothing of the person', async () => {
  await post();
  const receipt = (await ask('forget')).json;
  expect((await g.call('/v1/events')).json.events).toEqual([
    expect.objectContaining({
      type: 'person.forgotten',
      diga: 'demo',
      data: { receipt: receipt.id, exports: 1, unclear: 0 },
    }),
  ]);
});

test('a person who is not known is forgotten, too', async () => {
  const answer = await ask('forget');
  expect([answer.status, answer.json.erased]).toEqual([
    200,
    { kvnr: 0, exports: 0, documents: 0, series: 0, events: 0, timelineEntries: 0, idempotencyKeys: 0 },
  ]);
});

test('who waits for an export of the person is answered: it is no more', async () => {
  const { id } = (await post({ notBefore: '2026-12-01' })).json;
  const waiting = g.call(`/v1/exports/${String(id)}`, { headers: { prefer: 'wait=9' } });
  await g.timerOf(9000);
  await ask('forget');
  expect((await waiting).status).toBe(404);
});

test.each([
  ['a reader', READER_KEY, 403],
  ['an operator', OPERATOR_KEY, 401],
] as const)('%s may not, and everything stays', async (_name, key, status) => {
  const { id } = (await post()).json;
  expect((await ask('forget', { kvnr: KVNR }, { key })).status).toBe(status);
  expect((await g.call(`/v1/exports/${String(id)}`)).status).toBe(200);
});

test.each([
  [{ kvnr: 'X110411676' }, 422],
  [{ kvnr: KVNR, diga: 'second' }, 403],
  [{ kvnr: KVNR, reference: 'user-1' }, 422],
] as const)('a body like %j is %i, and everything stays', async (body, status) => {
  const { id } = (await post()).json;
  expect((await ask('forget', body)).status).toBe(status);
  expect((await g.call(`/v1/exports/${String(id)}`)).status).toBe(200);
});
