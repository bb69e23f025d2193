// Nothing personal and no secret comes out of the gateway (SEC-07, SEC-10, D15, D20): a whole story with marked values, every
// kind of call, fault and bad body in it, then every answer, log line, metric, outgoing address and stored byte is searched.
// Log fields are searched before any mask is laid over them: a mask is the second line of defence, not the first.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportBody, inventedKvnr, TestWorld } from './support/world.ts';

const NAME = 'Markiert-Zzyzxmann';
const NOTE = 'Qwrtzpx marked diary entry';
const IDEMPOTENCY_KEY = 'idem-marked-0815';
const UNUSED_KVNR = inventedKvnr(9_999);

/** A document that holds everything a log must never hold. */
function markedDocument(kvnr: string, version: string): Buffer {
  const patient = `<identifier><system value="http://fhir.de/sid/gkv/kvid-10"/><value value="${kvnr}"/></identifier><name><family value="${NAME}"/></name>`;
  return Buffer.from(
    `<Bundle xmlns="http://hl7.org/fhir"><id value="${kvnr}-${version}"/><meta><profile value="https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_Bundle|1.1.0"/></meta><type value="document"/><entry><resource><Patient>${patient}</Patient></resource></entry><entry><resource><Observation><note value="${NOTE}"/></Observation></resource></entry></Bundle>`,
  );
}

let world: TestWorld;
const kvnrs: string[] = [];
const documents: Buffer[] = [];
const seen: { where: string; text: string }[] = [];
/** Keys of both gateways of the story. */
const keys = new Set<string>();

async function call(...[method, path, o]: Parameters<TestWorld['call']>) {
  const answer = await world.call(method, path, o);
  const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  seen.push({ where: `answer to ${method} (${answer.status})`, text: `${headers}\n${answer.body}` });
  return answer;
}

function marked(kvnr: string, version = '1'): Buffer {
  const document = markedDocument(kvnr, version);
  documents.push(document);
  return document;
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
  world = await TestWorld.start();
  await restart();
  for (const kvnr of world.sim.ready.insured) kvnrs.push(kvnr);
});
afterAll(() => world.stop());

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

  test('callers who put the KVNR where it does not belong get nothing of it back', async () => {
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

/** Every form in which a value could slip out. */
function secrets(): { what: string; forms: string[] }[] {
  const forms = (text: string) => [
    text,
    Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -1),
    Buffer.from(text).toString('hex'),
    createHash('sha256').update(text).digest('hex'),
    createHash('sha256').update(text).digest('base64'),
    createHash('sha256').update(text).digest('base64url'),
  ];
  return [
    ...[...kvnrs, UNUSED_KVNR].map((kvnr) => ({
      what: 'a KVNR',
      forms: [...forms(kvnr), kvnr.toLowerCase(), kvnr.slice(0, 9)],
    })),
    { what: 'a name', forms: [NAME, encodeURIComponent(NAME), Buffer.from(NAME).toString('hex')] },
    { what: 'content', forms: [NOTE, Buffer.from(NOTE).toString('hex')] },
    ...documents.map((one) => ({
      what: 'content in base64',
      forms: [one.toString('base64').slice(40, 120), one.toString('base64').slice(-60)],
    })),
    ...[...keys].map((key) => ({ what: 'an API key', forms: forms(key) })),
    { what: 'an Idempotency-Key', forms: [IDEMPOTENCY_KEY] },
    { what: 'a private key', forms: ['PRIVATE KEY'] },
    { what: 'a token', forms: ['eyJhbGciOi', 'eyJ0eXAiOi'] },
  ];
}
const leaks = (outputs: { where: string; text: string }[]) =>
  outputs.flatMap(({ where, text }) =>
    secrets().flatMap(({ what, forms }) =>
      forms.filter((form) => text.includes(form)).map(() => `${what} in ${where}`),
    ),
  );

describe('afterwards', () => {
  test('the search finds what is there', () => {
    for (const { what, forms } of secrets())
      for (const form of forms) expect(leaks([{ where: 'here', text: `x${form}x` }])).toContain(`${what} in here`);
    expect(keys.size).toBeGreaterThanOrEqual(2);
    expect(seen.length).toBeGreaterThan(100);
    expect(world.logs.length).toBeGreaterThan(100);
  });

  test('no answer holds any of it', () => {
    expect(leaks(seen)).toEqual([]);
  });

  test('no log line holds any of it, not even under its mask', () => {
    expect(
      leaks(world.logs.map((line) => ({ where: `log line "${line.event}"`, text: JSON.stringify(line) }))),
    ).toEqual([]);
  });

  test('the metrics hold none of it', async () => {
    const { body } = await world.call('GET', '/metrics', { admin: true });
    expect(body).toContain('epa_exports_total');
    expect(leaks([{ where: 'metrics', text: body }])).toEqual([]);
  });

  test('no file of the data directory holds any of it in the clear', () => {
    const files = readdirSync(world.dataDirectory).map((name) => ({
      where: name,
      text: readFileSync(join(world.dataDirectory, name)).toString('latin1'),
    }));
    expect(files.map((file) => file.where)).toContain('gateway.db');
    expect(leaks(files)).toEqual([]);
  });

  test('the KVNR goes out in two headers only: of the record status, and inside the VAU', async () => {
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
        { where: `address of ${operation}`, text: request.path },
        { where: `headers of ${operation}`, text: JSON.stringify(headers) },
        // The bodies of the login are tokens by nature; personal they are not.
        { where: `body of ${operation}`, text: body.replaceAll(/eyJ[A-Za-z0-9_-]+/g, '') },
      ];
    });
    expect(leaks(outside)).toEqual([]);
  });
});
