// Nothing personal and no secret comes out of the gateway (SEC-07, SEC-10, D15, D20): a whole story with marked values, every
// kind of call, fault and bad body in it, then every answer, event, webhook, log line, metric, outgoing address, printed and
// stored byte is searched. Log fields are searched before any mask is laid over them: a mask is the second line of defence.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentPart, exportPartOf, FORM, formOf } from './support/export-form.ts';
import { mioBundle } from './support/gateway-fakes.ts';
import { filesBelow, type Mark, MarkSearch, type Place } from './support/marks.ts';
import { startPrintedGateway } from './support/printed-gateway.ts';
import { withPostgres } from './support/schemas-of-tests.ts';
import { newSchema, onPostgres } from './support/stores.ts';
import { exportBody, inventedKvnr, TestWorld } from './support/world.ts';

const NAME = 'Markiert-Zzyzxmann';
const NOTE = 'Qwrtzpx marked diary entry';
const IDEMPOTENCY_KEY = 'idem-marked-0815';
const UNUSED_KVNR = inventedKvnr(9_999);
const WEBHOOK_SECRET = `whsec_${Buffer.from('a marked secret of thirty-two by').toString('base64')}`;

/** A document that holds everything a log must never hold. */
function markedDocument(kvnr: string, version: string): Buffer {
  const name = `<name><use value="official"/><family value="${NAME}"><extension url="http://hl7.org/fhir/StructureDefinition/humanname-own-name"><valueString value="${NAME}"/></extension></family></name>`;
  return Buffer.from(mioBundle(`${NOTE} ${version}`, kvnr).toString().replace('</Patient>', `${name}</Patient>`));
}

let world: TestWorld;
const kvnrs: string[] = [];
const seen: Place[] = [];
/** Keys of both gateways of the story. */
const keys = new Set<string>();
const folder = mkdtempSync(join(tmpdir(), 'epa-privacy-'));
/** Takes every webhook. */
const receiver = createServer((request, answer) => {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => {
    const body = Buffer.concat(pieces).toString();
    hooks.push({ where: 'webhook', bytes: `${request.url}\n${JSON.stringify(request.headers)}\n${body}` });
    receiver.emit(`told ${(JSON.parse(body) as { type: string }).type}`);
    answer.writeHead(204).end();
  });
});
const hooks: Place[] = [];
/** Every file of STORE_TESTS runs on both stores. */
const postgres = onPostgres ? newSchema() : undefined;
const output: Place[] = [];
const stored: Place[] = [];

async function call(...[method, path, o]: Parameters<TestWorld['call']>) {
  const answer = await world.call(method, path, o);
  const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  seen.push({ where: `answer to ${method} (${answer.status})`, bytes: `${headers}\n${answer.body}` });
  return answer;
}

function marked(kvnr: string, version = '1'): Buffer {
  return markedDocument(kvnr, version);
}

let people = 0;
async function insured(): Promise<string> {
  const kvnr = await world.newInsured(5_000 + people++, people % 2 === 0 ? 'epa-as-1' : 'epa-as-2');
  kvnrs.push(kvnr);
  return kvnr;
}

/** Posts a marked document, waits until it rests, reads it in every way there is. */
async function story(kvnr: string, more: Record<string, unknown> = {}, version = '1'): Promise<string> {
  const body = JSON.stringify(exportBody(kvnr, marked(kvnr, version), more));
  const posted = await call('POST', '/v1/exports', { body });
  expect(posted.status).toBe(202);
  const { id } = posted.json() as { id: string };
  const { status } = await world.tried(id);
  await call('GET', `/v1/exports/${id}`);
  await call('GET', '/v1/exports?limit=200');
  await call('GET', `/admin/v1/exports/${id}`, { admin: true });
  return status;
}

async function restart(): Promise<void> {
  await world.stopGateway();
  await world.startGateway();
  for (const key of [world.gateway.ready.apiKey, world.gateway.ready.operatorKey]) if (key) keys.add(key);
}

beforeAll(async () => {
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
  const secretFile = join(folder, 'webhook.secret');
  writeFileSync(secretFile, `${WEBHOOK_SECRET}\n`, { mode: 0o600 });
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  world = await TestWorld.start({
    settings: (given) => ({
      ...given,
      store: { postgres },
      digas: (given.digas as object[]).map((diga) => ({ ...diga, webhooks: [{ id: 'backend', url, secretFile }] })),
    }),
  });
  await restart();
  for (const kvnr of world.sim.ready.insured) kvnrs.push(kvnr);
});
afterAll(async () => {
  await world.stop();
  if (postgres !== undefined)
    await withPostgres(postgres.url, (client) => client.query(`DROP SCHEMA ${postgres.schema} CASCADE`));
  receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the story', () => {
  test('documents are written, replaced, waited for and found unchanged', async () => {
    const kvnr = await insured();
    expect(await story(kvnr)).toBe('written');
    expect(await story(kvnr, {}, '2')).toBe('written');
    expect(await story(kvnr, {}, '2')).toBe('unchanged');
    const { telematikId } = world.sim.ready;
    const third = world.insured(2);
    expect(await story(third)).toBe('waiting');
    await world.control('PUT', `/sim/records/${third}`, { entitled: [telematikId] });
    const body = JSON.stringify(exportBody(kvnr, marked(kvnr, '3')));
    for (let n = 0; n < 2; n++)
      await call('POST', '/v1/exports', { body, headers: { 'idempotency-key': IDEMPOTENCY_KEY } });
    await call('POST', '/v1/exports', {
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
    const kvnr = await insured();
    await world.control('POST', '/sim/faults', {
      at: 'xds.iti41',
      kind,
      times: 1,
      match: { kvnr },
      params: params(kvnr),
    });
    expect(await story(kvnr)).not.toBe('written');
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
    const kvnr = await insured();
    await world.control('POST', '/sim/faults', { at, kind, times: 1, params });
    await story(kvnr);
    await world.control('DELETE', '/sim/faults');
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
    const kvnr = await insured();
    await world.stopGateway();
    await world.control('POST', '/sim/faults', { at, kind, times: 20, params });
    await restart();
    await story(kvnr);
    await call('GET', '/admin/v1/cards', { admin: true });
    await call('GET', '/admin/v1/health', { admin: true });
    await world.control('DELETE', '/sim/faults');
  });

  test('persons are checked, held, revoked and forgotten; a document comes as a form; keys rotate', async () => {
    const kvnr = await insured();
    const order = exportPartOf({
      ...exportBody(kvnr, Buffer.alloc(0)),
      content: { mode: 'document', mimeType: 'application/fhir+xml' },
    });
    const form = formOf([order, documentPart(marked(kvnr))]);
    const posted = await call('POST', '/v1/exports', { body: form, headers: { 'content-type': FORM } });
    expect(posted.status, posted.body).toBe(202);
    const { id } = posted.json() as { id: string };
    await call('POST', '/v1/exports?dryRun=true', { body: JSON.stringify(exportBody(kvnr, marked(kvnr, 'dry'))) });
    expect((await world.settled(id)).status).toBe('written');
    const waiting = await insured();
    await world.control('PUT', `/sim/records/${waiting}`, { entitled: [] });
    expect(await story(waiting)).toBe('waiting');
    const rotated = await call('POST', '/admin/v1/keys/rotate', { admin: true });
    expect(rotated.status).toBe(202);
    for (const path of ['check', 'holdings', 'revoke', 'forget', 'holdings'])
      for (const one of [kvnr, waiting]) {
        const answer = await call('POST', `/v1/persons/${path}`, { body: JSON.stringify({ kvnr: one }) });
        expect([path, answer.status]).toEqual([path, 200]);
      }
    await call('POST', '/v1/webhooks/test');
    for (const path of ['keys', 'webhooks', 'audit', 'config', 'exports', 'cards', 'health'])
      await call('GET', `/admin/v1/${path}`, { admin: true });
    for (const path of ['/v1/series?reference=none', '/v1/events?limit=200', '/openapi.json', '/docs'])
      await call('GET', path);
  });

  test('what a gateway of its own prints, with the same in it', async () => {
    const kvnr = await insured();
    const printed = await startPrintedGateway({ ...world.sim.settings(), log: { level: 'debug' } });
    try {
      const post = (body: string, key = printed.apiKey, query = '') =>
        fetch(`${printed.address}/v1/exports${query}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-request-id': kvnr },
          body,
        });
      await world.control('POST', '/sim/faults', {
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
    const kvnr = world.insured(0);
    const document = marked(kvnr, 'bad');
    const right = exportBody(kvnr, document);
    const bodies: (object | string)[] = [
      { ...right, kvnr: `${kvnr.slice(0, 9)}${(Number(kvnr[9]) + 1) % 10}` },
      { ...right, reference: kvnr },
      { ...right, series: `about ${kvnr}` },
      { ...right, [kvnr]: NAME },
      { ...right, consent: { id: kvnr, version: kvnr, grantedAt: kvnr } },
      { ...right, kvnrSource: { issuer: `https://${kvnr}.example/${kvnr}`, authenticatedAt: kvnr } },
      { ...right, prescriptionEnds: kvnr, notBefore: kvnr, notAfter: kvnr, queue: kvnr, diga: kvnr },
      { ...right, content: { mode: kvnr, mimeType: kvnr, base64: kvnr } },
      {
        ...right,
        content: {
          mode: 'document',
          mimeType: 'application/fhir+xml',
          base64: document.subarray(0, -9).toString('base64'),
        },
      },
      exportBody(UNUSED_KVNR, document),
      `${JSON.stringify(right)}${kvnr}`,
      JSON.stringify(right).slice(0, -1),
      `{"kvnr":"${kvnr}","kvnr":"${kvnr}"}`,
    ];
    for (const body of bodies) {
      const answer = await call('POST', '/v1/exports', {
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      expect([400, 403, 422]).toContain(answer.status);
    }
    const key = String(world.gateway.ready.apiKey);
    const headers = { 'x-request-id': kvnr, 'accept-language': kvnr, 'if-none-match': kvnr, 'idempotency-key': kvnr };
    for (const [method, path, o] of [
      ['GET', `/v1/exports/${kvnr}`, { headers }],
      ['GET', `/v1/exports?${kvnr}=${kvnr}&status=${kvnr}`, { headers }],
      ['POST', `/v1/exports?kvnr=${kvnr}`, { headers, body: JSON.stringify(right) }],
      ['POST', `/v1/exports/${kvnr}/retry`, { headers }],
      ['DELETE', `/v1/exports/${kvnr}`, { headers }],
      ['GET', `/${kvnr}/${key}`, { headers, key: kvnr }],
      ['GET', '/v1/exports', { headers, key: `${key}x` }],
      ['GET', `/v1/exports?key=${key}`, { headers, key: null }],
      ['GET', '/livez', { headers }],
      ['GET', '/readyz', { headers }],
      ['GET', '/metrics', { admin: true, headers }],
      ['GET', '/admin/v1/config', { admin: true, headers }],
      ['GET', `/admin/v1/exports/${kvnr}`, { admin: true, headers }],
      ['GET', '/', { admin: true, headers }],
    ] as const)
      await call(method, path, o);
  });
});

function marks(): Mark[] {
  const master = readFileSync(String(world.sim.settings().masterKeyFile));
  return [
    ...[...new Set([...kvnrs, UNUSED_KVNR])].flatMap((kvnr) => [
      { what: 'a KVNR', value: kvnr },
      { what: 'a part of a KVNR', value: kvnr.slice(0, 9) },
    ]),
    { what: 'a name', value: NAME },
    { what: 'content', value: NOTE },
    { what: 'content', value: 'KBV_PR_MIO_DIGA_Bundle|1.1.0' },
    ...[...keys].map((value) => ({ what: 'an API key', value })),
    { what: 'an Idempotency-Key', value: IDEMPOTENCY_KEY },
    { what: 'a webhook secret', value: WEBHOOK_SECRET },
    { what: 'a webhook secret', value: Buffer.from(WEBHOOK_SECRET.slice(6), 'base64') },
    { what: 'the master key', value: master },
    { what: 'a private key', value: 'PRIVATE KEY' },
    { what: 'a token', value: 'eyJhbGciOi' },
    { what: 'a token', value: 'eyJ0eXAiOi' },
  ];
}
/** Every table of the gateway's schema as text; bytes stand in it in hex. */
async function postgresTables(): Promise<Place[]> {
  if (postgres === undefined) throw new Error('the store of this run is not PostgreSQL');
  const { url, schema } = postgres;
  return withPostgres(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1',
      [schema],
    );
    const tables: Place[] = [];
    for (const { name } of rows) {
      const all = await client.query<{ row: string }>(`SELECT t::text AS row FROM "${schema}"."${name}" t`);
      tables.push({ where: `table ${name}`, bytes: all.rows.map(({ row }) => row).join('\n') });
    }
    return tables;
  });
}

const leaks = (places: readonly Place[]) => new MarkSearch(marks()).find(places);

describe('afterwards', () => {
  test('the search finds what is there, and there is something to search', () => {
    for (const { what, value } of marks())
      expect(leaks([{ where: 'here', bytes: Buffer.concat([Buffer.from('x'), Buffer.from(value)]) }])).toContainEqual({
        what,
        form: 'plain',
        where: 'here',
      });
    expect(keys.size).toBeGreaterThanOrEqual(2);
    expect(seen.length).toBeGreaterThan(100);
    expect(world.logs.length).toBeGreaterThan(100);
  });

  test('no answer holds any of it', () => {
    expect(leaks(seen)).toEqual([]);
  });

  test('no event holds any of it, told by page or by webhook', async () => {
    const events: Place[] = [];
    for (let after = 0; ; ) {
      const answer = await world.call('GET', `/v1/events?after=${after}&limit=50`);
      events.push({ where: 'events', bytes: answer.body });
      const { next } = answer.json() as { next: number | null };
      if (next === null) break;
      after = next;
    }
    expect(events.length).toBeGreaterThan(1);
    expect(hooks.length).toBeGreaterThan(20);
    expect(leaks([...events, ...hooks])).toEqual([]);
  });

  test('no log line holds any of it, not even under its mask, and nothing that is printed (SEC-10)', () => {
    const lines = world.logs.map((line) => ({ where: `log line "${line.event}"`, bytes: JSON.stringify(line) }));
    expect(output).toHaveLength(1);
    expect(leaks([...lines, ...output])).toEqual([]);
  });

  test('the metrics hold none of it (SEC-10)', async () => {
    const { body } = await world.call('GET', '/metrics', { admin: true });
    expect(body).toContain('epa_exports_total');
    expect(leaks([{ where: 'metrics', bytes: body }])).toEqual([]);
  });

  test('no file of the data directory holds any of it in the clear, nor does the log of the store (SEC-07)', () => {
    const files = [...stored, ...filesBelow(world.dataDirectory)];
    const names = files.map((file) => file.where);
    expect(names).toEqual(expect.arrayContaining(['file gateway.db', 'file gateway.db-wal']));
    expect(leaks(files)).toEqual([]);
  });

  test.runIf(onPostgres)('no row of any table of PostgreSQL holds any of it (SEC-07)', async () => {
    const tables = await postgresTables();
    expect(tables.map((table) => table.where)).toEqual(
      expect.arrayContaining(['table exports', 'table sealed_chunks']),
    );
    expect(tables.filter((table) => table.bytes.length > 0).length).toBeGreaterThan(8);
    expect(leaks(tables)).toEqual([]);
  });

  test('the KVNR goes out in two headers only: of the record status, and inside the VAU (EXP-21)', async () => {
    type Entry = {
      operation: string;
      service: string;
      inner: boolean;
      request: { path: string; headers: [string, string][]; body: string };
    };
    const answer = await world.control<Entry[] | { entries: Entry[] }>('GET', '/sim/journal');
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
    expect(leaks(outside)).toEqual([]);
  });
});
