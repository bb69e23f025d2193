// Two DiGA in one gateway, each with its own SMC-B, for the same insured (EXP-26, EXP-27): two sessions, two folders, no card
// that signs for the other, nothing that links them; and what every request inside the VAU carries (SES-03).
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import type { Settings } from '../gateway/config.ts';
import { createOutside } from '../gateway/outside.ts';
import { type ExportView, exportBody, inventedKvnr, TestWorld, type TestWorldOptions } from './support/world.ts';

const SECOND = '9-TEST-DIGA-0002';
const cards = [{ telematikId: SECOND, organization: 'Zweite DiGA' }];
type Raw = { digas: { id: string; telematikId: string }[]; clients: { diga: string; keyFile: string }[] };

let world: TestWorld;
let raw: Raw;
afterEach(() => world.stop());

async function start(more: Pick<TestWorldOptions, 'dependencies'> = {}): Promise<void> {
  world = await TestWorld.start({
    scenario: { cards },
    settings: (s) => {
      raw = s as unknown as Raw;
      return s;
    },
    ...more,
  });
}

/** The DiGA in the order of the settings: the demo's and the second one. */
const idOf = (n: number) => raw.digas[n]?.id ?? '';
const keyOf = (n: number) =>
  readFileSync(raw.clients.find(({ diga }) => diga === idOf(n))?.keyFile ?? '', 'utf8').trim();

async function insured(index: number, recordSystem = 'epa-as-1'): Promise<string> {
  const kvnr = inventedKvnr(index);
  await world.control('PUT', `/sim/records/${kvnr}`, {
    ...{ recordSystem, status: 'ACTIVATED', entitled: raw.digas.map(({ telematikId }) => telematikId) },
  });
  return kvnr;
}

/** Posts with the key of DiGA `n` and waits for the end. */
async function write(n: number, kvnr: string, version = 1): Promise<ExportView> {
  const key = keyOf(n);
  const body = JSON.stringify(exportBody(kvnr, demoDocument(kvnr, version, new Date())));
  const answer = await world.call('POST', '/v1/exports?', { body, key });
  expect([answer.status, answer.body.slice(0, 300)]).toEqual([202, expect.any(String)]);
  const { id } = answer.json() as ExportView;
  await world.tried(id);
  return (await world.call('GET', `/v1/exports/${id}`, { key })).json() as ExportView;
}

const inner = () =>
  ['epa-as-1', 'epa-as-2'].flatMap((service) => world.sim.journal.entries({ service })).filter((one) => one.inner);

/** Common name of the certificate whose card signed the attestation of each login. */
function signers(): string[] {
  return inner()
    .filter(({ operation }) => operation === 'send_authcode_sc')
    .map(({ request }) => {
      const { clientAttest } = JSON.parse(Buffer.from(request.body, 'base64').toString()) as { clientAttest: string };
      const [header = ''] = clientAttest.split('.');
      const { x5c } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { x5c: string[] };
      return new X509Certificate(Buffer.from(x5c[0] ?? '', 'base64')).serialNumber;
    });
}

describe('two DiGA for one insured', () => {
  test('each has its session, its card, its folder, its chain and its pseudonym (EXP-26, EXP-27)', async () => {
    await start();
    const kvnr = await insured(1);
    const written = [await write(0, kvnr), await write(1, kvnr), await write(0, kvnr, 2), await write(1, kvnr, 2)];
    expect(written.map(({ status, document }) => [status, document.version])).toEqual([
      ['written', 1],
      ['written', 1],
      ['written', 2],
      ['written', 2],
    ]);
    expect([written[2]?.document.replaces, written[3]?.document.replaces]).toEqual([
      written[0]?.document.entryUuid,
      written[1]?.document.entryUuid,
    ]);
    const documents = await world.documents(kvnr);
    const of = (telematikId: string) => documents.filter((one) => one.telematikId === telematikId).length;
    expect(raw.digas.map(({ telematikId }) => of(telematikId))).toEqual([2, 2]);
    // One login each, signed by two cards; the sessions stand side by side.
    expect([signers().length, new Set(signers()).size]).toEqual([2, 2]);
    expect(world.sim.operations()).toMatchObject({ ExternalAuthenticate: 4, send_authcode_sc: 2 });
    const states = (await world.call('GET', '/admin/v1/record-systems', { admin: true })).json() as {
      recordSystems: { sessions: { diga: string }[] }[];
    };
    expect(states.recordSystems[0]?.sessions.map(({ diga }) => diga).sort()).toEqual([idOf(0), idOf(1)].sort());
    const pseudonyms = (n: number) =>
      new Set(
        world.logs
          .filter(({ event, fields }) => event === 'export settled' && fields.diga === idOf(n))
          .map((l) => l.fields.person),
      );
    expect([pseudonyms(0).size, pseudonyms(1).size]).toEqual([1, 1]);
    expect([...pseudonyms(0)]).not.toEqual([...pseudonyms(1)]);
  });

  test('neither sees an export of the other (EXP-27)', async () => {
    await start();
    const kvnr = await insured(2);
    const { id } = await write(0, kvnr);
    expect((await world.call('GET', `/v1/exports/${id}`, { key: keyOf(1) })).status).toBe(404);
    const list = (await world.call('GET', '/v1/exports', { key: keyOf(1) })).json() as { exports: unknown[] };
    expect(list.exports).toEqual([]);
  });

  test('the insured who has approved one of them has not approved the other', async () => {
    await start();
    const kvnr = inventedKvnr(3);
    const entitled = [raw.digas[0]?.telematikId];
    await world.control('PUT', `/sim/records/${kvnr}`, { recordSystem: 'epa-as-2', status: 'ACTIVATED', entitled });
    expect([(await write(0, kvnr)).status, (await write(1, kvnr)).reason?.code]).toEqual([
      'written',
      'RECORD_NOT_ENTITLED',
    ]);
    expect((await write(0, kvnr, 2)).status).toBe('written');
  });

  test('a card that is gone stops the exports of its own DiGA only', async () => {
    await start();
    const kvnr = await insured(4);
    const state = await world.control<{ cards: { iccsn: string; telematikId?: string }[] }>('GET', '/sim/state');
    const card = state.cards.find(({ telematikId }) => telematikId === SECOND);
    await world.control('PATCH', `/sim/cards/${card?.iccsn}`, { inserted: false });
    const [mine, other] = [await write(0, kvnr), await write(1, kvnr)];
    expect([mine.status, other.status, other.reason?.code]).toEqual(['written', 'waiting', 'SMCB_NOT_FOUND']);
    expect((await world.documents(kvnr)).length).toBe(1);
  });

  test('a session of the other one is not used, whoever hands it out (EXP-26)', async () => {
    await start({
      dependencies: () => ({
        outside: (o) => {
          const parts = createOutside(o);
          const [demo] = (o.settings as Settings).digas;
          if (demo === undefined) throw new Error('no DiGA');
          const acquire: typeof parts.ports.sessions.acquire = (wanted) =>
            parts.ports.sessions.acquire({ ...wanted, diga: demo, signer: () => parts.ports.cards.signerFor(demo) });
          return { ...parts, ports: { ...parts.ports, sessions: { acquire } } } as never;
        },
      }),
    });
    const kvnr = await insured(5);
    expect((await write(0, kvnr)).status).toBe('written');
    expect(await write(1, kvnr)).toMatchObject({ status: 'waiting', attempts: 0, reason: { code: 'SMCB_WRONG_ROLE' } });
    expect((await world.documents(kvnr)).map(({ telematikId }) => telematikId)).toEqual([raw.digas[0]?.telematikId]);
  });
});

test('every request inside the VAU says x-useragent and a request id of its own, and each write for whom (SES-03)', async () => {
  await start();
  const people = [await insured(10), await insured(11), await insured(12, 'epa-as-2')];
  for (const kvnr of people) await write(0, kvnr);
  const requests = inner();
  const header = (one: (typeof requests)[number], name: string) =>
    one.request.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  expect(requests.length).toBeGreaterThan(12);
  for (const one of requests) {
    expect(header(one, 'x-useragent'), one.operation).toEqual([
      expect.stringMatching(/^[a-zA-Z0-9-]{1,20}\/[a-zA-Z0-9.-]{1,15}$/),
    ]);
    expect(header(one, 'x-request-id'), one.operation).toEqual([expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)]);
  }
  expect(new Set(requests.flatMap((one) => header(one, 'x-request-id'))).size).toBe(requests.length);
  const writes = requests.filter(({ operation }) => operation === 'ITI-41');
  expect(writes.map((one) => header(one, 'x-insurantid'))).toEqual(people.map((kvnr) => [kvnr]));
});
