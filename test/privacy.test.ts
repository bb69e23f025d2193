// Nothing personal and no secret comes out of the gateway (SEC-07, SEC-10, D15, D20): a whole story with marked values, every
// kind of call, fault and bad body in it, then every answer, event, webhook, log line, metric, outgoing address, printed and
// stored byte is searched. Log fields are searched before any mask is laid over them: a mask is the second line of defence.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IDEMPOTENCY_KEY, type MarkedWorld, marked, NAME, startMarkedWorld } from './privacy/marked-world.ts';
import { wrongBodies, wrongCalls } from './privacy/wrong-calls.ts';
import { documentPart, exportPartOf, FORM, formOf } from './support/export-form.ts';
import { filesBelow, type Place } from './support/marks.ts';
import { startPrintedGateway } from './support/printed-gateway.ts';
import { onPostgres } from './support/stores.ts';
import { exportBody } from './support/world.ts';

let m: MarkedWorld;
const output: Place[] = [];
const stored: Place[] = [];

beforeAll(async () => {
  m = await startMarkedWorld();
});
afterAll(() => m.stop());

describe('the story', () => {
  test('documents are written, replaced, waited for and found unchanged', async () => {
    const kvnr = await m.insured();
    expect(await m.story(kvnr)).toBe('written');
    expect(await m.story(kvnr, {}, '2')).toBe('written');
    expect(await m.story(kvnr, {}, '2')).toBe('unchanged');
    const { telematikId } = m.world.sim.ready;
    const third = m.world.insured(2);
    expect(await m.story(third)).toBe('waiting');
    await m.world.control('PUT', `/sim/records/${third}`, { entitled: [telematikId] });
    const body = JSON.stringify(exportBody(kvnr, marked(kvnr, '3')));
    for (let n = 0; n < 2; n++)
      await m.call('POST', '/v1/exports', { body, headers: { 'idempotency-key': IDEMPOTENCY_KEY } });
    await m.call('POST', '/v1/exports', {
      body: JSON.stringify(exportBody(kvnr, marked(kvnr, '4'))),
      headers: { 'idempotency-key': IDEMPOTENCY_KEY },
    });
  });

  // Words of the other side about the insured, in every place where it may put words. KVNR only: no mask knows names (D20).
  const about = (kvnr: string) =>
    `patient ${kvnr}^^^&1.2.276.0.76.4.8&ISO is not welcome, nor is ${kvnr.toLowerCase()}`;
  test.each([
    ['registry-error', (kvnr: string) => ({ code: 'XDSPatientIdDoesNotMatch', text: about(kvnr) })],
    ['registry-error', (kvnr: string) => ({ code: kvnr, text: about(kvnr) })],
    ['soap-fault', (kvnr: string) => ({ code: 'Client', text: about(kvnr) })],
    ['soap-fault', (kvnr: string) => ({ code: 'Server', text: about(kvnr) })],
    ['http-status', (kvnr: string) => ({ status: 400, body: JSON.stringify({ errorCode: kvnr, errorDetail: kvnr }) })],
    ['http-status', (kvnr: string) => ({ status: 503, body: about(kvnr) })],
  ])('the record system answers a write with %s and speaks of the insured', async (kind, params) => {
    const kvnr = await m.insured();
    await m.world.control('POST', '/sim/faults', {
      at: 'xds.iti41',
      kind,
      times: 1,
      match: { kvnr },
      params: params(kvnr),
    });
    expect(await m.story(kvnr)).not.toBe('written');
  });

  test.each([
    ['xds.iti41', 'drop-response'],
    ['xds.iti41', 'truncate'],
    ['xds.iti41', 'garbage'],
    ['xds.iti41', 'wrong-frame', { what: 'ciphertext' }],
    ['information.ehr', 'http-status', { status: 400 }],
    ['information.ehr', 'http-status', { status: 500 }],
    ['information.ehr', 'garbage'],
    ['vau.data', 'restart'],
    ['vau.data', 'cbor-error', { code: 8 }],
  ])('%s plays %s', async (at, kind, params: object = {}) => {
    const kvnr = await m.insured();
    await m.world.control('POST', '/sim/faults', { at, kind, times: 1, params });
    await m.story(kvnr);
    await m.world.control('DELETE', '/sim/faults');
  });

  // Each strikes a login, so each needs a gateway without a session.
  test.each([
    ['vau.handshake', 'wrong-signature'],
    ['vau.handshake', 'cbor-error', { code: 0 }],
    ['certdata', 'http-status', { status: 500 }],
    ['authz.getNonce', 'http-status', { status: 403 }],
    ['authz.send_authcode_sc', 'http-status', { status: 500 }],
    ['idp.discovery', 'wrong-certificate'],
    ['idp.challenge', 'wrong-signature'],
    ['idp.auth', 'idp-error', { code: 2012 }],
    ['konnektor.GetCards', 'soap-fault', { code: 4001 }],
    ['konnektor.ExternalAuthenticate', 'soap-fault', { code: 4085 }],
    ['konnektor.ExternalAuthenticate', 'wrong-signature'],
    ['konnektor.tls', 'wrong-certificate'],
  ])('%s plays %s while the gateway signs on', async (at, kind, params: object = {}) => {
    const kvnr = await m.insured();
    await m.world.stopGateway();
    await m.world.control('POST', '/sim/faults', { at, kind, times: 20, params });
    await m.restart();
    await m.story(kvnr);
    await m.call('GET', '/admin/v1/cards', { admin: true });
    await m.call('GET', '/admin/v1/health', { admin: true });
    await m.world.control('DELETE', '/sim/faults');
  });

  test('persons are checked, held, revoked and forgotten; a document comes as a form; keys rotate', async () => {
    const kvnr = await m.insured();
    const order = exportPartOf({
      ...exportBody(kvnr, Buffer.alloc(0)),
      content: { mode: 'document', mimeType: 'application/fhir+xml' },
    });
    const form = formOf([order, documentPart(marked(kvnr))]);
    const posted = await m.call('POST', '/v1/exports', { body: form, headers: { 'content-type': FORM } });
    expect(posted.status, posted.body).toBe(202);
    const { id } = posted.json() as { id: string };
    await m.call('POST', '/v1/exports?dryRun=true', { body: JSON.stringify(exportBody(kvnr, marked(kvnr, 'dry'))) });
    expect((await m.world.settled(id)).status).toBe('written');
    const waiting = await m.insured();
    await m.world.control('PUT', `/sim/records/${waiting}`, { entitled: [] });
    expect(await m.story(waiting)).toBe('waiting');
    const rotated = await m.call('POST', '/admin/v1/keys/rotate', { admin: true });
    expect(rotated.status).toBe(202);
    for (const path of ['check', 'holdings', 'revoke', 'forget', 'holdings'])
      for (const one of [kvnr, waiting]) {
        const answer = await m.call('POST', `/v1/persons/${path}`, { body: JSON.stringify({ kvnr: one }) });
        expect([path, answer.status]).toEqual([path, 200]);
      }
    await m.call('POST', '/v1/webhooks/test');
    for (const path of ['keys', 'webhooks', 'audit', 'config', 'exports', 'cards', 'health'])
      await m.call('GET', `/admin/v1/${path}`, { admin: true });
    for (const path of ['/v1/series?reference=none', '/v1/events?limit=200', '/openapi.json', '/docs'])
      await m.call('GET', path);
  });

  test('what a gateway of its own prints, with the same in it', async () => {
    const kvnr = await m.insured();
    const printed = await startPrintedGateway({ ...m.world.sim.settings(), log: { level: 'debug' } });
    try {
      const post = (body: string, key = printed.apiKey, query = '') =>
        fetch(`${printed.address}/v1/exports${query}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-request-id': kvnr },
          body,
        });
      await m.world.control('POST', '/sim/faults', {
        at: 'xds.iti41',
        kind: 'registry-error',
        times: 1,
        match: { kvnr },
        params: { code: 'XDSRepositoryMetadataError', text: `patient ${kvnr} is not welcome` },
      });
      const accepted = await post(JSON.stringify(exportBody(kvnr, marked(kvnr, 'printed'))));
      expect(accepted.status).toBe(202);
      for (const body of [
        kvnr,
        `{"${kvnr}":"${NAME}"}`,
        JSON.stringify({ ...exportBody(kvnr, marked(kvnr)), kvnr: NAME }),
      ])
        expect((await post(body)).status).toBeGreaterThanOrEqual(400);
      await post('{}', `${printed.apiKey}x`, `?about=${kvnr}`);
      await printed.line('export settled', ((await accepted.json()) as { id: string }).id);
      stored.push(...filesBelow(printed.dataDirectory));
    } finally {
      await printed.stop();
    }
    // The ready line shows its keys, in SIM only (D16).
    const lines = printed
      .printed()
      .split('\n')
      .filter((line) => !line.startsWith('{"ready":true'));
    expect(lines.length).toBeGreaterThan(10);
    output.push({ where: 'output', bytes: lines.join('\n') });
  });

  test('callers who put the KVNR where it does not belong get nothing of it back (EXP-20)', async () => {
    const kvnr = m.world.insured(0);
    for (const body of wrongBodies(kvnr)) {
      const answer = await m.call('POST', '/v1/exports', {
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      expect([400, 403, 422]).toContain(answer.status);
    }
    const calls = wrongCalls(kvnr, String(m.world.gateway.ready.apiKey));
    for (const [method, path, o] of calls) await m.call(method, path, o);
  });
});

describe('afterwards', () => {
  test('the search finds what is there, and there is something to search', () => {
    for (const { what, value } of m.marks())
      expect(m.leaks([{ where: 'here', bytes: Buffer.concat([Buffer.from('x'), Buffer.from(value)]) }])).toContainEqual(
        {
          what,
          form: 'plain',
          where: 'here',
        },
      );
    expect(m.keys.size).toBeGreaterThanOrEqual(2);
    expect(m.seen.length).toBeGreaterThan(100);
    expect(m.world.logs.length).toBeGreaterThan(100);
  });

  test('no answer holds any of it', () => {
    expect(m.leaks(m.seen)).toEqual([]);
  });

  test('no event holds any of it, told by page or by webhook', async () => {
    const events: Place[] = [];
    for (let after = 0; ; ) {
      const answer = await m.world.call('GET', `/v1/events?after=${after}&limit=50`);
      events.push({ where: 'events', bytes: answer.body });
      const { next } = answer.json() as { next: number | null };
      if (next === null) break;
      after = next;
    }
    expect(events.length).toBeGreaterThan(1);
    expect(m.hooks.length).toBeGreaterThan(20);
    expect(m.leaks([...events, ...m.hooks])).toEqual([]);
  });

  test('no log line holds any of it, not even under its mask, and nothing that is printed (SEC-10)', () => {
    const lines = m.world.logs.map((line) => ({ where: `log line "${line.event}"`, bytes: JSON.stringify(line) }));
    expect(output).toHaveLength(1);
    expect(m.leaks([...lines, ...output])).toEqual([]);
  });

  test('the metrics hold none of it (SEC-10)', async () => {
    const { body } = await m.world.call('GET', '/metrics', { admin: true });
    expect(body).toContain('epa_exports_total');
    expect(m.leaks([{ where: 'metrics', bytes: body }])).toEqual([]);
  });

  test('no file of the data directory holds any of it in the clear, nor does the log of the store (SEC-07)', () => {
    const files = [...stored, ...filesBelow(m.world.dataDirectory)];
    const names = files.map((file) => file.where);
    expect(names).toEqual(expect.arrayContaining(['file gateway.db', 'file gateway.db-wal']));
    expect(m.leaks(files)).toEqual([]);
  });

  test.runIf(onPostgres)('no row of any table of PostgreSQL holds any of it (SEC-07)', async () => {
    const tables = await m.tables();
    expect(tables.map((table) => table.where)).toEqual(
      expect.arrayContaining(['table exports', 'table sealed_chunks']),
    );
    expect(tables.filter((table) => table.bytes.length > 0).length).toBeGreaterThan(8);
    expect(m.leaks(tables)).toEqual([]);
  });

  test('the KVNR goes out in two headers only: of the record status, and inside the VAU (EXP-21)', async () => {
    type Entry = {
      operation: string;
      service: string;
      inner: boolean;
      request: { path: string; headers: [string, string][]; body: string };
    };
    const answer = await m.world.control<Entry[] | { entries: Entry[] }>('GET', '/sim/journal');
    const entries = Array.isArray(answer) ? answer : answer.entries;
    expect(entries.length).toBeGreaterThan(100);
    const outside = entries.flatMap(({ operation, inner, request }) => {
      const headers = request.headers.filter(
        ([name]) => !((inner || operation === 'information.ehr') && name.toLowerCase() === 'x-insurantid'),
      );
      const body = inner ? '' : Buffer.from(request.body, 'base64').toString('latin1');
      return [
        { where: `address of ${operation}`, bytes: request.path },
        { where: `headers of ${operation}`, bytes: JSON.stringify(headers) },
        // The bodies of the login are tokens by nature; personal they are not.
        { where: `body of ${operation}`, bytes: body.replaceAll(/eyJ[A-Za-z0-9_-]+/g, '') },
      ];
    });
    expect(m.leaks(outside)).toEqual([]);
  });
});
