// What stands in the audit trail and what can never stand there (SEC-09, EXP-15, D15): an entry per deed, in the deed's own
// transaction, chained by hash, refused by the database itself when somebody would change it.
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AuditEntry, appendAudit, GATEWAY, readAudit } from '../../../../gateway/exports/audit.ts';
import { entryHash, GENESIS } from '../../../../gateway/exports/audit-chain.ts';
import type { AuditRow } from '../../../../gateway/exports/schema.ts';
import { auditActions } from '../../../../gateway/tables/audit-actions.ts';
import { auditKeys } from '../../../../gateway/vault/audit-keys.ts';
import { KVNR, registryError, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { exportBody, OPERATOR_KEY, type TestGateway, testGateway } from '../../../support/gateway-server.ts';

const trail = (h: { db: TestHouse['db'] }) => readAudit(h.db, { after: 0, limit: 1000 });
const entry = (change: Partial<AuditEntry> = {}): AuditEntry => ({
  at: 1,
  actor: GATEWAY,
  action: 'keys.rotated',
  ...change,
});

describe('the audit trail of a store', () => {
  let h: TestHouse;
  beforeEach(async () => {
    h = await testHouse();
  });
  afterEach(() => h.close());

  test('an accepted export stands there with its consent reference, not with the text or the KVNR (EXP-15, SEC-09)', async () => {
    const id = await h.accept({ consent: { id: 'c-9', version: '2026-05', grantedAt: '2026-10-01T08:00:00Z' } });
    const [first] = await trail(h);
    expect(first).toMatchObject({
      seq: 1,
      actor_kind: 'client',
      actor: 'demo-backend',
      action: 'export.accepted',
      object_kind: 'export',
      object: id,
      diga: 'demo',
      result: 'ok',
    });
    expect(JSON.parse(first?.details ?? '')).toEqual({
      series: 'main',
      consentId: 'c-9',
      consentVersion: '2026-05',
      consentGrantedAt: '2026-10-01T08:00:00Z',
      kvnrIssuer: 'https://idp.kasse.example',
      kvnrAuthenticatedAt: '2026-11-20T08:00:00Z',
      prescriptionEnds: '2026-12-31',
    });
    expect(JSON.stringify(await trail(h))).not.toContain(KVNR);
  });

  test('every end of an export stands there once, with its code', async () => {
    const worker = h.worker();
    await worker.start();
    const ends: [string, string, string][] = [];
    const one = async (change = {}) => {
      const id = await h.accept(change);
      worker.wake();
      await worker.idle();
      ends.push([id, (await h.read(id)).row.status, (await h.read(id)).row.reason_code ?? 'ok']);
    };
    await one();
    await one();
    h.outside.answers.push(() => registryError('rejected'));
    await one({ series: 'other' });
    expect(ends.map((end) => end[1])).toEqual(['written', 'unchanged', 'refused']);
    const told = (await trail(h)).filter((row) => row.actor_kind === 'gateway');
    expect(told.map((row) => [row.object, row.action.slice('export.'.length), row.result])).toEqual(ends);
    expect(JSON.parse(told[0]?.details ?? '')).toEqual({ series: 'main', version: 1, recordSystem: 'epa-as-1' });
  });

  test('a turn that fails leaves no entry, and without its entry nothing is accepted', async () => {
    const turn = h.db.transaction().execute(async (tx) => {
      await appendAudit(tx, entry());
      throw new Error('the turn fails');
    });
    await expect(turn).rejects.toThrow('the turn fails');
    expect(await trail(h)).toEqual([]);
    await sql`CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END`.execute(h.db);
    await expect(h.accept()).rejects.toThrow();
    expect(await h.db.selectFrom('exports').select('id').execute()).toEqual([]);
  });

  test('entries are numbered without gaps and each hash covers the one before', async () => {
    for (let n = 0; n < 3; n++) await h.db.transaction().execute((tx) => appendAudit(tx, entry({ at: n })));
    let before = GENESIS;
    for (const [index, row] of (await trail(h)).entries()) {
      expect(row.seq).toBe(index + 1);
      expect(row.hash).toBe(entryHash(row, before));
      before = row.hash;
    }
  });

  test.each([
    "UPDATE audit SET result = 'ok' WHERE seq = 1",
    'DELETE FROM audit',
    'DELETE FROM audit_checkpoints',
    "UPDATE audit_checkpoints SET hash = ''",
  ])('the database refuses: %s', async (statement) => {
    await h.db.transaction().execute((tx) => appendAudit(tx, entry()));
    await h.db
      .insertInto('audit_checkpoints')
      .values({ seq: 1, writer: 'w', at: 1, hash: 'h', signature: 's' })
      .execute();
    await expect(sql.raw(statement).execute(h.db)).rejects.toThrow(/append-only/);
  });

  test('what looks like a KVNR or a key is masked in every text of an entry', async () => {
    const secret = `${KVNR} Bearer abc.def`;
    await appendAudit(
      h.db,
      entry({
        actor: { kind: 'client', id: secret },
        object: { kind: 'series', id: secret },
        details: { note: secret },
      }),
    );
    const text = JSON.stringify(await trail(h));
    expect(text).not.toMatch(/X110411675|abc\.def/);
    expect(text).toContain('[masked]');
  });

  test('half a surrogate pair in an id does not break the chain', async () => {
    await appendAudit(h.db, entry({ object: { kind: 'series', id: 'a\ud800' }, details: { b: '\udc00' } }));
    const [row] = await trail(h);
    expect(row?.hash).toBe(entryHash(row as AuditRow, GENESIS));
  });
});

describe('the hash of an entry', () => {
  const row: Omit<AuditRow, 'hash'> = {
    seq: 7,
    at: 1_764_000_000_000,
    actor_kind: 'client',
    actor: 'backend',
    action: 'export.accepted',
    object_kind: 'export',
    object: 'id',
    diga: null,
    result: 'ok',
    request_id: null,
    details: '{}',
  };

  test('is what the format says, written out by hand', () => {
    const part = (text: string | null) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(text === null ? 0xffffffff : Buffer.byteLength(text));
      return Buffer.concat([length, Buffer.from(text ?? '')]);
    };
    const texts = [
      '7',
      '1764000000000',
      'client',
      'backend',
      'export.accepted',
      'export',
      'id',
      null,
      'ok',
      null,
      '{}',
    ];
    const bytes = Buffer.concat([Buffer.from('epa-gateway audit v1\0'), ...texts.map(part), Buffer.alloc(32, 0xab)]);
    expect(entryHash(row, 'ab'.repeat(32))).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  test.each(Object.keys(row) as (keyof typeof row)[])('is another when %s is another', (member) => {
    const value = row[member];
    const other = typeof value === 'number' ? value + 1 : `${value ?? ''}x`;
    expect(entryHash({ ...row, [member]: other }, GENESIS)).not.toBe(entryHash(row, GENESIS));
  });

  test.each([
    ['a letter moved from one member to the next', { actor_kind: 'clien', actor: 'tbackend' }],
    ['absent and empty', { diga: '' }],
  ])('is another for %s', (_what, change) =>
    expect(entryHash({ ...row, ...change }, GENESIS)).not.toBe(entryHash(row, GENESIS)),
  );
});

describe('the keys of the trail', () => {
  const keys = auditKeys(Buffer.alloc(32, 1));
  test('name a person the same way always, another with another DiGA or key, and never by the KVNR', () => {
    const name = keys.person('demo', KVNR);
    expect(name).toMatch(/^[0-9a-f]{32}$/);
    expect(keys.person('demo', KVNR)).toBe(name);
    expect(keys.person('second', KVNR)).not.toBe(name);
    expect(auditKeys(Buffer.alloc(32, 2)).person('demo', KVNR)).not.toBe(name);
  });
  test('sign so that only these bytes and this key fit', () => {
    const signature = keys.sign(Buffer.from('a'));
    expect(keys.verify(Buffer.from('a'), signature)).toBe(true);
    expect(keys.verify(Buffer.from('b'), signature)).toBe(false);
    expect(auditKeys(Buffer.alloc(32, 2)).verify(Buffer.from('a'), signature)).toBe(false);
    expect(keys.publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----/);
  });
});

describe('what callers do', () => {
  let g: TestGateway;
  beforeEach(async () => {
    g = await testGateway();
  });
  afterEach(() => g.close());
  const told = async () => {
    const { openDatabase } = await import('../../../../gateway/exports/database.ts');
    const db = await openDatabase(`${g.settings.dataDirectory}/gateway.db`);
    const rows = await trail({ db });
    await db.destroy();
    return rows.filter((row) => row.actor_kind !== 'gateway');
  };

  test('asking for a retry, cancelling and reading content stand there with caller and request id', async () => {
    const body = exportBody({ notBefore: '2026-11-30T00:00:00Z' });
    const posted = await g.call('/v1/exports', { body, headers: { 'x-request-id': 'r-1' } });
    const id = posted.json.id as string;
    await g.call(`/v1/exports/${id}/content`, { headers: { 'x-request-id': 'r-2' } });
    await g.call(`/v1/exports/${id}/retry`, { method: 'POST', headers: { 'x-request-id': 'r-3' } });
    await g.call(`/v1/exports/${id}/cancel`, { method: 'POST', headers: { 'x-request-id': 'r-4' } });
    expect((await told()).map((r) => [r.action, r.actor, r.object, r.diga, r.request_id])).toEqual([
      ['export.accepted', 'backend', id, 'demo', 'r-1'],
      ['content.read', 'backend', id, 'demo', 'r-2'],
      ['export.cancel-asked', 'backend', id, 'demo', 'r-4'],
    ]);
  });

  test('no operator and no other DiGA can make an entry about an export that is not theirs', async () => {
    const { json } = await g.call('/v1/exports', { body: exportBody() });
    for (const key of ['second-key-0123456789', OPERATOR_KEY])
      for (const path of ['content', 'retry', 'cancel'])
        await g.call(`/v1/exports/${json.id}/${path}`, { key, ...(path !== 'content' && { method: 'POST' }) });
    expect((await told()).map((r) => r.action)).toEqual(['export.accepted']);
  });
});

test('every action has a stable dotted name and says what it means', () => {
  for (const [name, meaning] of Object.entries(auditActions)) {
    expect(name).toMatch(/^[a-z]+\.[a-z-]+$/);
    expect(meaning).toMatch(/\.$/);
  }
});
