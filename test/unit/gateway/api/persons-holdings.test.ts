// `POST /v1/persons/holdings` (RET-06) and `/check`: what is held, never the KVNR itself; and whether there is a record, with
// every outcome of the location apart.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkAnswer, holdingsAnswer } from '../../../../gateway/api/persons-answers.ts';
import { type ErrorCode, GatewayError } from '../../../../gateway/errors.ts';
import { KVNR, mioBundle, noAnswer, OTHER_KVNR } from '../../../support/gateway-fakes.ts';
import {
  exportBody,
  OPERATOR_KEY,
  READER_KEY,
  SECOND_KEY,
  type TestGateway,
  testGateway,
  WRITER_KEY,
} from '../../../support/gateway-server.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway();
});
afterEach(() => g.close());

const content = (name: string) => ({ ...exportBody().content, base64: mioBundle(name).toString('base64') });
const post = async (change: Record<string, unknown> = {}) => {
  const answer = await g.call('/v1/exports', { body: exportBody(change), headers: { 'idempotency-key': `k${n++}` } });
  await g.gateway.idle();
  return String(answer.json.id);
};
let n = 0;
const holdings = (body: object = { kvnr: KVNR }, key = READER_KEY) => g.call('/v1/persons/holdings', { body, key });
const check = (body: object = { kvnr: KVNR }, key = WRITER_KEY) => g.call('/v1/persons/check', { body, key });

describe('holdings', () => {
  test('exports with consent and times, the chain, and whether KVNR and content are held (RET-06, RET-02)', async () => {
    const first = await post();
    const { entryUuid, sha256 } = Object((await g.call(`/v1/exports/${first}`)).json.document);
    const second = await post({ series: 'other', notBefore: '2026-12-01' });
    await post({ kvnr: OTHER_KVNR, reference: 'user-2' });
    const answer = await holdings();
    expect(answer.status).toBe(200);
    expect(holdingsAnswer.parse(answer.json)).toEqual(answer.json);
    expect(answer.json).toMatchObject({
      diga: 'demo',
      known: true,
      kvnrHeld: true,
      firstSeenAt: '2026-11-25T11:00:00.000Z',
      revokedAt: null,
      events: 4,
      idempotencyKeys: 2,
      series: [
        {
          series: 'main',
          part: null,
          entryUuid,
          version: 1,
          recordSystem: 'epa-as-1',
          sha256,
          export: first,
          frozen: false,
          doubtful: false,
        },
      ],
      exports: [
        { id: second, status: 'waiting', contentHeld: true },
        {
          id: first,
          status: 'written',
          client: 'backend',
          consent: { id: 'c-4711', version: '2026-05', grantedAt: '2026-10-01T08:00:00.000Z' },
          kvnrSource: { issuer: 'https://idp.kasse.example', authenticatedAt: '2026-11-20T08:00:00.000Z' },
          prescriptionEnds: '2026-12-31',
          contentHeld: false,
          contentErasedBy: null,
          timeline: expect.arrayContaining([expect.objectContaining({ step: 'written' })]),
        },
      ],
      next: null,
    });
  });

  test('a person who is not known', async () => {
    expect((await holdings()).json).toEqual({
      diga: 'demo',
      known: false,
      kvnrHeld: false,
      firstSeenAt: null,
      revokedAt: null,
      events: 0,
      idempotencyKeys: 0,
      series: [],
      exports: [],
      next: null,
    });
  });

  test('pages hold every export once, newest first', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift(await post({ series: `s${i}`, content: content(`c${i}`) }));
    const seen: string[] = [];
    let next: unknown;
    do {
      const page = await holdings({ kvnr: KVNR, limit: 2, ...(typeof next === 'string' && { after: next }) });
      const exports = page.json.exports as { id: string }[];
      expect(exports.length).toBeLessThanOrEqual(2);
      seen.push(...exports.map((e) => e.id));
      next = page.json.next;
    } while (next !== null);
    expect(seen).toEqual(ids);
  });

  test('neither the KVNR nor the look-up key stands in it, and asking is no write', async () => {
    g.outside.answers.push(noAnswer);
    await post();
    const before = g.outside.writes.length;
    const { text, headers } = await holdings();
    expect(text).not.toContain(KVNR);
    expect(text).not.toMatch(/lookup|wrapped|[0-9a-f]{64}(?<!"sha256":"[0-9a-f]{64})/);
    expect(headers.get('cache-control')).toContain('no-store');
    expect(g.outside.writes).toHaveLength(before);
  });

  test("another DiGA's key sees its own only", async () => {
    await post();
    expect((await holdings({ kvnr: KVNR }, SECOND_KEY)).json).toMatchObject({ diga: 'second', known: false });
    expect((await holdings({ kvnr: KVNR, diga: 'demo' }, SECOND_KEY)).status).toBe(403);
  });

  test.each([
    ['a limit of 0', { limit: 0 }, ['/limit NUMBER_TOO_SMALL']],
    ['a limit of 201', { limit: 201 }, ['/limit NUMBER_TOO_BIG']],
    ['a limit as text', { limit: '5' }, ['/limit TYPE_INVALID']],
    ['a strange cursor', { after: 'x' }, ['/after CURSOR_INVALID']],
    [
      'several faults',
      { kvnr: 'x', limit: 0, more: 1 },
      ['/kvnr KVNR_INVALID', '/limit NUMBER_TOO_SMALL', '/more MEMBER_UNKNOWN'],
    ],
  ] as const)('%s is refused', async (_name, change, findings) => {
    const answer = await holdings({ kvnr: KVNR, ...change });
    expect(answer.status).toBe(422);
    const found = answer.json.findings as { pointer: string; code: string }[];
    expect(found.map((f) => `${f.pointer} ${f.code}`).sort()).toEqual([...findings].sort());
  });

  test('an operator key of the admin listener is none here', async () => {
    expect((await holdings({ kvnr: KVNR }, OPERATOR_KEY)).status).toBe(401);
  });
});

describe('check', () => {
  test('an active record is named with its record system; nothing is stored or written', async () => {
    const answer = await check();
    expect([answer.status, answer.json]).toEqual([
      200,
      { diga: 'demo', found: true, recordSystem: 'epa-as-1', code: null },
    ]);
    expect((await holdings()).json.known).toBe(false);
    expect([g.outside.writes, g.outside.opened]).toEqual([[], []]);
  });

  test.each([
    ['RECORD_NOT_FOUND', false],
    ['RECORD_SUSPENDED', false],
    ['RECORD_AMBIGUOUS', null],
    ['RECORD_BUSY', null],
    ['RECORD_SYSTEM_UNREACHABLE', null],
    ['RECORD_SYSTEM_TLS_UNTRUSTED', null],
  ] as const)('%s is an answer of its own: found %s', async (code, found) => {
    g.outside.locateFaults.push(new GatewayError(code, 'as located'));
    const answer = await check();
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      found,
      recordSystem: null,
      code,
      who: expect.any(String),
      remedy: expect.any(String),
    });
    expect(checkAnswer.parse(answer.json)).toEqual(answer.json);
    expect(answer.text).not.toContain(KVNR);
  });

  test.each(['INTERNAL', 'CONFIG_INVALID'] as const satisfies ErrorCode[])(
    '%s is no answer about a record but a fault of ours',
    async (code) => {
      g.outside.locateFaults.push(new GatewayError(code, 'broken'));
      const answer = await check();
      expect([answer.status, answer.json.code]).toEqual([500, code]);
    },
  );

  test('needs the writer', async () => {
    expect((await check({ kvnr: KVNR }, READER_KEY)).status).toBe(403);
    expect((await check({ kvnr: KVNR, diga: 'second' })).status).toBe(403);
    expect((await check({ kvnr: 'X1' })).status).toBe(422);
  });
});
