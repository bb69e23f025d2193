// What later releases of the record systems change for a DiGA's client (epa-record-system.md 1.6, 2.1, 2.4, 3.1): each change is
// seen at the release that has it and missed at the ones before, and the gateway writes at every release.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StoredDocument } from '../connector-sim/records.ts';
import { RELEASE_NAMES, type ReleaseName } from '../connector-sim/tables/releases.ts';
import { World } from '../connector-sim/world.ts';
import { demoDocument } from '../demo/document.ts';
import { childrenOf } from '../wire/xml.ts';
import { envelopeOf, type Iti41, newDocument, packed, post } from './support/iti41-message.ts';
import { signedOn, soapOf } from './support/iti41-session.ts';
import { signIn } from './support/login-test-client.ts';
import { AGENT, ask, createTestSim, jsonOf, KVNR, START, sharedPki, type TestSim } from './support/sim-services.ts';
import { openChannel } from './support/vau-test-client.ts';
import { exportBody, TestWorld } from './support/world.ts';

const AT = new Date('2026-11-20T08:00:00Z');
const RS = 'urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0';
const UNKNOWN = 'urn:uuid:00000000-0000-4000-8000-000000000000';
const GET_NONCE = '/epa/authz/v1/getNonce';

function simOf(release: ReleaseName): TestSim {
  const sim = createTestSim();
  sim.world.choices.release = release;
  return sim;
}

test('the seed draws the release of both record systems, every one of them', () => {
  const drawn = Array.from({ length: 30 }, (_none, seed) => new World({ pki: sharedPki(), seed }).choices.release);
  expect(new Set(drawn)).toEqual(new Set(RELEASE_NAMES));
});

describe('X-Request-ID (SES-03)', () => {
  const ids: [id: string, taken: boolean][] = [
    ['6f2c9a0e-7f1d-4c57-9a0a-3d2f5b1c8e77', true],
    ['', false],
    ['6f2c9a0e7f1d4c579a0a3d2f5b1c8e77', false],
    ['1', false],
  ];
  test.each(ids)('%j: a REST service inside the VAU demands a UUID from 3.1.2 on', async (id, taken) => {
    for (const release of RELEASE_NAMES) {
      const channel = await openChannel(simOf(release).recordSystem);
      const headers: [string, string][] = [['X-Request-ID', id]];
      const { response, rule } = await channel.exchange({ path: GET_NONCE, headers });
      const expected = taken || release === '3.0.5' ? [200, null] : [400, 'inner.request-id'];
      expect([release, response.status, rule]).toEqual([release, ...expected]);
      expect((await channel.exchange({ path: '/VAU-Status', headers })).response.status).toBe(200);
    }
  });
});

test('without strict nobody demands an X-Request-ID', async () => {
  const sim = createTestSim({ strict: false });
  sim.world.choices.release = '3.1.3';
  const channel = await openChannel(sim.recordSystem);
  expect((await channel.exchange({ path: GET_NONCE, headers: [['X-Request-ID', '']] })).response.status).toBe(200);
});

describe('a login', () => {
  test.each([
    ['3.0.5', 200],
    ['3.1.2', 200],
    ['3.1.3', 409],
  ] as const)('%s: getNonce in an authorised session is %i', async (release, status) => {
    const sim = simOf(release);
    const channel = await openChannel(sim.recordSystem);
    expect((await channel.exchange({ path: GET_NONCE })).response.status).toBe(200);
    await signIn(sim, channel);
    const { response } = await channel.exchange({ path: GET_NONCE });
    expect([response.status, jsonOf(response).errorCode]).toEqual([
      status,
      status === 409 ? 'statusMismatch' : undefined,
    ]);
    // It changes nothing: who is signed on stays so.
    expect(String(jsonOf((await channel.exchange({ path: '/VAU-Status' })).response)['User-Authentication'])).toContain(
      '9-DEMO-DIGA-0001',
    );
  });

  const seconds = START / 1000;
  test.each([
    ['a life of a day', { exp: seconds + 86_400 }],
    ['an end in the past', { iat: seconds - 1215, exp: seconds - 15 }],
    ['no end', { exp: undefined }],
  ])('with %s of the attestation is refused until 3.1.3', async (_what, attestationClaims) => {
    for (const release of RELEASE_NAMES) {
      const sim = simOf(release);
      const channel = await openChannel(sim.recordSystem);
      const { response } = await signIn(sim, channel, { attestationClaims });
      expect([release, response.status]).toEqual([release, release === '3.1.3' ? 200 : 403]);
    }
  });

  test.each([
    ['issued in the future', { iat: seconds + 16, exp: seconds + 1216 }],
    ['without a time of issue', { iat: undefined }],
    ['with the nonce of another session', { nonce: '0'.repeat(64) }],
  ])('with an attestation %s is refused at every release', async (_what, attestationClaims) => {
    for (const release of RELEASE_NAMES) {
      const sim = simOf(release);
      const { response } = await signIn(sim, await openChannel(sim.recordSystem), { attestationClaims });
      expect([release, response.status]).toEqual([release, 403]);
    }
  });
});

describe('a submission of two documents', () => {
  /** Entry, membership and document of the second in the envelope of the first. */
  function together(first: Iti41, second: Iti41): string {
    const parts = [
      /<rim:ExtrinsicObject.*?<\/rim:ExtrinsicObject>/s,
      /(<rim:Association [^>]*>)+/,
      /<xds:Document .*?<\/xds:Document>/s,
    ];
    const [entry = '', members = '', document = ''] = parts.map((part) => part.exec(envelopeOf(second))?.[0] ?? '');
    return envelopeOf(first)
      .replace('</rim:RegistryObjectList>', `${entry}${members}$&`)
      .replace('</xds:ProvideAndRegister', `${document.replace('cid:document', 'cid:document2')}$&`);
  }

  async function errorsAt(release: ReleaseName, first: Iti41, second: Iti41) {
    const { sim, channel } = await signedOn();
    sim.world.choices.release = release;
    const message = await packed(together(first, second), first.content, [second.content]);
    const { response } = await post(channel, { ...message, insurant: first.kvnr });
    const [list] = (await soapOf(response)).body?.children ?? [];
    const errors = list === undefined ? [] : childrenOf(list, RS, 'RegistryError');
    const stored: StoredDocument[] = sim.world.records.get(KVNR)?.documents ?? [];
    return { contexts: errors.map((one) => one.attributes.get('codeContext') ?? ''), stored: stored.length };
  }

  test.each([
    ['3.0.5', 1],
    ['3.1.2', 1],
    ['3.1.3', 2],
  ] as const)('%s: both faulty, %i RegistryError, from 3.1.3 on each with its uniqueId', async (release, count) => {
    const [first, second] = [newDocument({ replaces: UNKNOWN }), newDocument({ replaces: UNKNOWN })];
    const { contexts, stored } = await errorsAt(release, first, second);
    expect([contexts.length, stored]).toEqual([count, 0]);
    const named = [first, second].map(({ uniqueId }) => contexts.filter((text) => text.includes(uniqueId)).length);
    expect(named).toEqual(count === 2 ? [1, 1] : [0, 0]);
  });

  test.each(RELEASE_NAMES)('%s: one of them faulty, and neither is stored', async (release) => {
    const [first, second] = [newDocument(), newDocument({ replaces: UNKNOWN })];
    const { contexts, stored } = await errorsAt(release, first, second);
    expect([contexts.length, stored]).toEqual([1, 0]);
    expect(contexts[0]?.includes(second.uniqueId)).toBe(release === '3.1.3');
  });

  test.each(RELEASE_NAMES)('%s: both right are stored', async (release) => {
    expect(await errorsAt(release, newDocument(), newDocument())).toEqual({ contexts: [], stored: 2 });
  });
});

test('a record that is INACCESSIBLE is told from a suspended one by errorDetail, at either vendor', async () => {
  const sim = createTestSim({ recordSystems: { 'epa-as-1': 'rise' } });
  const record = sim.world.records.get(KVNR);
  if (record === undefined) throw new Error('no record');
  const said: unknown[] = [];
  for (const status of ['INACCESSIBLE', 'SUSPENDED'] as const) {
    record.status = status;
    const headers: [string, string][] = [
      ['x-useragent', AGENT],
      ['x-insurantid', KVNR],
    ];
    const answer = await ask(sim.recordSystem, { url: '/information/api/v1/ehr', headers });
    said.push([answer.status, jsonOf(answer)]);
  }
  expect(said).toEqual([
    [409, { errorCode: 'statusMismatch', errorDetail: expect.stringContaining('INACCESSIBLE') }],
    [409, { errorCode: 'statusMismatch' }],
  ]);
});

describe.each(RELEASE_NAMES)('the gateway at release %s', (release) => {
  let world: TestWorld;
  beforeAll(async () => {
    world = await TestWorld.start();
    world.sim.world.choices.release = release;
  });
  afterAll(() => world.stop());

  test('writes versions 1 and 2 in both record systems, with an X-Request-ID on every request inside', async () => {
    for (const index of [0, 1]) {
      const kvnr = world.insured(index);
      const versions = [1, 2].map((version) => exportBody(kvnr, demoDocument(kvnr, version, AT)));
      for (const body of versions) expect((await world.write(body)).status).toBe('written');
    }
    const inside = world.sim.journal.entries().filter((entry) => entry.inner);
    expect(inside.length).toBeGreaterThan(8);
    for (const { operation, request, rule } of inside) {
      const id = request.headers.find(([name]) => name.toLowerCase() === 'x-request-id')?.[1];
      expect([operation, rule, id]).toEqual([operation, null, expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    }
  });

  test('waits minutes for a record that is inaccessible, a day for a suspended one', async () => {
    const reasons: (string | undefined)[] = [];
    for (const [index, status] of (['INACCESSIBLE', 'SUSPENDED'] as const).entries()) {
      const kvnr = await world.newInsured(index, 'epa-as-1');
      await world.control('PUT', `/sim/records/${kvnr}`, { status });
      const { id } = await world.post(exportBody(kvnr, demoDocument(kvnr, 1, AT)));
      reasons.push((await world.tried(id)).reason?.code);
    }
    expect(reasons).toEqual(['RECORD_BUSY', 'RECORD_SUSPENDED']);
  });
});
