// Foreign clients, unchanged, against the default (strict) simulator: each signs on, writes a document and replaces it
// (export-flow.md 0 to 5). They know the reference and none of our code; where one is refused, the simulator is wrong.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../connector-sim/main.ts';
import { describeWithSchemas } from '../support/schemas.ts';
import type { Card } from './card-jose.ts';
import { pem, type Trust } from './https-client.ts';
import {
  javaMessage,
  javaPacked,
  type Packed,
  pythonMessage,
  registryResult,
  type Submission,
} from './iti41-messages.ts';
import { javaCard, pythonCard, type Site } from './konnektor-clients.ts';
import { locate, type Manner, type SignedOn, signOn } from './record-client.ts';

type Client = {
  card: (site: Site) => Promise<Card & { operations: string[] }>;
  manner: Manner;
  message: (o: Submission) => Packed;
};

const java: Client = {
  card: javaCard,
  message: javaMessage,
  manner: {
    userAgent: 'GEMOvivepa4fA1d5W8sR/0.1.0',
    firstCounter: 1n,
    ivCounter: 'big-endian',
    insurantAlways: true,
    sendsVauNp: false,
    accept: '*/*',
    answersTo: 'auth',
  },
};
const python: Client = {
  card: pythonCard,
  message: pythonMessage,
  manner: {
    userAgent: 'PYTHONDIGA0000000001/2.1.12-45',
    firstCounter: 0n,
    ivCounter: 'big-endian',
    insurantAlways: false,
    sendsVauNp: true,
    accept: 'application/json',
    answersTo: 'discovered',
  },
};

const PATH = '/epa/xds-document/api/I_Document_Management';
let sim: Simulator | undefined;
afterEach(async () => {
  await sim?.stop();
  sim = undefined;
});

async function start(seed: number): Promise<{ sim: Simulator; site: Site; trust: Trust }> {
  sim = await startSimulator({ seed });
  const [konnektor] = sim.settings().konnektors;
  if (konnektor === undefined) throw new Error('no Konnektor in the settings');
  const { mandant, clientSystem, workplace } = konnektor;
  const site: Site = {
    base: konnektor.url,
    trust: {
      ca: pem(konnektor.caFile),
      cert: pem(konnektor.clientCertificate),
      key: pem(konnektor.clientKey),
      servername: 'konnektor.konlan',
    },
    context: { mandant, clientSystem, workplace },
    telematikId: sim.ready.telematikId,
  };
  return { sim, site, trust: { ca: pem(sim.ready.caFile) } };
}

const write = async (session: SignedOn, kvnr: string, packed: Packed, headers: [string, string][] = []) => {
  const reply = await session.inner({
    method: 'POST',
    path: PATH,
    headers: [['Content-Type', packed.contentType], ['x-insurantid', kvnr], ...headers],
    body: packed.body,
  });
  return reply.status === 200 ? registryResult(reply.body) : `HTTP ${reply.status} ${reply.body.toString('utf8')}`;
};

const bundle = () => Buffer.from(`<Bundle xmlns="http://hl7.org/fhir"><id value="${randomUUID()}"/></Bundle>`);

async function signedOn(client: Client, seed: number, insured: number, change: (world: Simulator['world']) => void) {
  const { sim, site, trust } = await start(seed);
  change(sim.world);
  const kvnr = sim.ready.insured[insured] ?? '';
  const card = await client.card(site);
  const recordSystem = await locate(sim.ready.recordSystems, { kvnr, trust, manner: client.manner });
  return { sim, kvnr, card, session: await signOn({ recordSystem, kvnr, card, trust, manner: client.manner }) };
}

async function wholeWay(...given: Parameters<typeof signedOn>) {
  const [client] = given;
  const { sim, kvnr, card, session } = await signedOn(...given);
  const { telematikId } = sim.ready;
  const first = { kvnr, telematikId, entryUuid: `urn:uuid:${randomUUID()}`, document: bundle() };
  expect(await write(session, kvnr, client.message(first))).toBe('Success');
  const second = {
    ...first,
    entryUuid: `urn:uuid:${randomUUID()}`,
    replaces: first.entryUuid,
    document: Buffer.from('%PDF-1.7\r\n--boundary\r\n\r\n%%EOF'),
    mimeType: 'application/pdf',
  };
  expect(await write(session, kvnr, client.message(second))).toBe('Success');
  const stored = sim.world.records.get(kvnr)?.documents ?? [];
  expect(stored.map((d) => [d.entryUuid, d.status, d.replaces, Buffer.from(d.bytes).toString()])).toEqual([
    [first.entryUuid, 'Deprecated', null, first.document.toString()],
    [second.entryUuid, 'Approved', first.entryUuid, second.document.toString()],
  ]);
  expect(sim.journal.entries().filter((entry) => entry.rule !== null && entry.operation !== 'information.ehr')).toEqual(
    [],
  );
  return { sim, card };
}

describe('a client in the manner of a Java stack', () => {
  test.each([
    [1, 'secunet', 0],
    [2, 'rise', 1],
    [3, 'kocobox', 0],
    [4, 'kocobox', 1],
  ] as const)('signs on, writes and replaces (seed %i, %s, insured %i)', async (seed, vendor, insured) => {
    const { sim, card } = await wholeWay(java, seed, insured, (world) => {
      world.choices.konnektorVendor = vendor;
    });
    expect(card.operations.filter((name) => name === 'ExternalAuthenticate')).toHaveLength(2);
    expect(sim.operations()).toMatchObject({ ExternalAuthenticate: 2, 'vau.handshake': 1, 'ITI-41': 2 });
  });
});

describe('a client in the manner of a Python script', () => {
  test.each([
    [1, 0],
    [5, 1],
  ])('signs on, writes and replaces at the vendor it was written for (seed %i, insured %i)', async (seed, insured) => {
    await wholeWay(python, seed, insured, (world) => {
      world.choices.konnektorVendor = 'rise';
    });
  });
});

describeWithSchemas('gematik’s DiGA examples as the Java stack that wrote them packs them', (dir) => {
  const example = (name: string) => readFileSync(`${dir}/schemas/epa/examples/epa2.6-diga/${name}.xml`, 'utf8');
  // What belongs to ePA 2 and the Konnektor is left out (SOURCE.md of the examples); all metadata stays as it is.
  const version3 = (xml: string, kvnr: string, telematikId: string) =>
    xml
      .replace(/<homeCommunityBlock.*?<\/homeCommunityBlock>/s, '')
      .replace(/<ns5:ContextHeader.*?<\/ns5:ContextHeader>/s, '')
      .replace(/<ns6:RequestSlotList>.*?<\/ns6:RequestSlotList>/s, '')
      .replaceAll(/ home="[^"]*"/g, '')
      .replaceAll('9-SMC-B-Testkarte-883110000119267', telematikId)
      .replaceAll(/[A-Z]\d{9}(?=\^\^\^)/g, kvnr);

  test('first upload and replacement are stored', async () => {
    const { sim, kvnr, session } = await signedOn(java, 1, 0, () => {});
    const [first, second] = ['request_noreplace', 'request_replace'].map((name) =>
      version3(example(name), kvnr, sim.ready.telematikId),
    );
    const target = /RPLC" sourceObject="[^"]*" targetObject="([^"]*)"/.exec(second ?? '')?.[1] ?? '';
    const firstId = /ExtrinsicObject [^>]*id="(urn:uuid:[^"]*)"/.exec(first ?? '')?.[1] ?? '';
    for (const xml of [first?.replaceAll(firstId, target) ?? '', second ?? '']) {
      const contentId = /href="cid:([^"]*)"/.exec(xml)?.[1] ?? '';
      expect(contentId).toContain('%3A');
      expect(await write(session, kvnr, javaPacked(xml, contentId, bundle()))).toBe('Success');
    }
    const stored = sim.world.records.get(kvnr)?.documents ?? [];
    expect(stored.map((d) => [d.title, d.status, d.mimeType])).toEqual([
      ['DigaDocPdf', 'Deprecated', 'application/pdf'],
      ['DigaDocXml', 'Approved', 'application/fhir+xml'],
    ]);
  });
});
