// The product's promise, end to end, read as a story: a DiGA backend posts a document, it lies in the record of the right
// insured with every metadata value of the reference; the next version replaces it; who has not approved is waited for.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { readMtom } from '../wire/mtom.ts';
import { parseXml, type XmlElement } from '../wire/xml.ts';
import { describeWithSchemas } from './support/schemas.ts';
import { schemasDir } from './support/schemas-dir.ts';
import { exportBody, TestWorld } from './support/world.ts';

const RIM = 'urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0';
const OID = '1.3.6.1.4.1.19376.3.276.1.5';

let world: TestWorld;
beforeAll(async () => {
  world = await TestWorld.start();
});
afterAll(() => world.stop());

function all(element: XmlElement, name: string): XmlElement[] {
  return [
    ...(element.ns === RIM && element.name === name ? [element] : []),
    ...element.children.flatMap((one) => all(one, name)),
  ];
}
const slots = (element: XmlElement): Map<string, string[]> =>
  new Map(
    element.children
      .filter((one) => one.name === 'Slot')
      .map((slot) => [slot.attributes.get('name') ?? '', all(slot, 'Value').map((one) => one.text)]),
  );
const displayOf = (element: XmlElement) => all(element, 'LocalizedString')[0]?.attributes.get('value');

/** The last ITI-41 message the record system received, read without the gateway's help. */
async function lastIti41(): Promise<{ root: XmlElement; document: Uint8Array; headers: Map<string, string> }> {
  const entries = await world.control<{ entries?: unknown[] } | unknown[]>('GET', '/sim/journal');
  const list = (Array.isArray(entries) ? entries : (entries.entries ?? [])) as {
    operation: string;
    request: { headers: [string, string][]; body: string };
  }[];
  const entry = list.findLast((one) => one.operation === 'ITI-41');
  if (entry === undefined) throw new Error('no ITI-41 in the journal');
  const headers = new Map(entry.request.headers.map(([name, text]) => [name.toLowerCase(), text]));
  const message = await readMtom(headers.get('content-type') ?? '', Buffer.from(entry.request.body, 'base64'));
  const [part] = [...message.parts.values()];
  return { root: parseXml(message.root), document: part?.bytes ?? new Uint8Array(), headers };
}

describeWithSchemas('the real example of the KBV', (dir) => {
  const example =
    dir === ''
      ? Buffer.alloc(0)
      : readFileSync(join(dir, 'mio/examples/real/REAL_EXAMPLE_1_KBV_PR_MIO_DIGA_Bundle.xml'));

  test('lies byte for byte in the record of the right insured, with every metadata value of the reference (EXP-09)', async () => {
    const kvnr = world.insured(0);
    const written = await world.write(exportBody(kvnr, example));
    expect(written).toMatchObject({
      status: 'written',
      reason: null,
      document: { version: 1, replaces: null, recordSystem: 'epa-as-1', bytes: example.length },
    });

    const [stored, ...others] = await world.documents(kvnr);
    expect(others).toEqual([]);
    expect(stored).toMatchObject({
      entryUuid: written.document.entryUuid,
      uniqueId: written.document.uniqueId,
      status: 'Approved',
      replaces: null,
      bytes: 60_364,
      sha256: createHash('sha256').update(example).digest('hex'),
      mimeType: 'application/fhir+xml',
      classCode: 'DUR',
      typeCode: 'PATD',
      formatCode: 'urn:gematik:ig:diga:v1.1',
      telematikId: world.sim.ready.telematikId,
    });
    expect(Buffer.from(await world.storedBytes(kvnr, written.document.entryUuid)).equals(example)).toBe(true);
    expect(await world.documents(world.insured(1))).toEqual([]);

    const { root, document, headers } = await lastIti41();
    expect(Buffer.from(document).equals(example)).toBe(true);
    expect(headers.get('x-insurantid')).toBe(kvnr);
    expect(headers.get('x-useragent')).toMatch(/^[a-zA-Z0-9-]{1,20}\/[a-zA-Z0-9\-.]{1,15}$/);
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);

    const [entry, ...moreEntries] = all(root, 'ExtrinsicObject');
    const [set, ...moreSets] = all(root, 'RegistryPackage');
    if (entry === undefined || set === undefined) throw new Error('no document entry or submission set');
    expect([moreEntries.length, moreSets.length]).toEqual([0, 0]);
    expect(Object.fromEntries(entry.attributes)).toMatchObject({
      id: written.document.entryUuid,
      mimeType: 'application/fhir+xml',
      isOpaque: 'false',
      objectType: 'urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1',
    });
    expect(written.document.entryUuid).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    const codes = entry.children
      .filter(
        (one) =>
          one.name === 'Classification' &&
          one.attributes.get('nodeRepresentation') !== undefined &&
          one.attributes.get('nodeRepresentation') !== '',
      )
      .map((one) => [
        one.attributes.get('classificationScheme'),
        one.attributes.get('nodeRepresentation'),
        slots(one).get('codingScheme')?.[0],
        displayOf(one),
      ]);
    expect(codes).toEqual(
      expect.arrayContaining([
        ['urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a', 'DUR', `${OID}.8`, 'Durchführungsprotokoll'],
        ['urn:uuid:f0306f51-975f-434e-a61c-c59651d33983', 'PATD', `${OID}.9`, 'Patienteneigene Dokumente'],
        [
          'urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d',
          'urn:gematik:ig:diga:v1.1',
          `${OID}.6`,
          'DiGA (gematik) v1.1',
        ],
        ['urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1', 'PAT', `${OID}.3`, 'Patient außerhalb der Betreuung'],
        ['urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead', 'PAT', `${OID}.5`, 'Patient außerhalb der Betreuung'],
        ['urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4', 'H1', `${OID}.15`, 'vom Patienten mitgebracht'],
      ]),
    );
    const { telematikId } = world.sim.ready;
    for (const object of [entry, set]) {
      const author = object.children.find((one) => slots(one).has('authorPerson'));
      if (author === undefined) throw new Error('no author');
      expect(slots(author).get('authorInstitution')?.[0]).toBe(
        `Demo DiGA GmbH^^^^^&1.2.276.0.76.4.188&ISO^^^^${telematikId}`,
      );
      expect(slots(author).get('authorRole')?.[0]).toBe(`12^^^&${OID}.13&ISO`);
      expect(slots(author).get('authorPerson')?.[0]).toMatch(
        new RegExp(`^${telematikId}\\^.*\\^\\^\\^&1\\.2\\.276\\.0\\.76\\.4\\.282&ISO$`),
      );
      expect(object.attributes.get('home')).toBeUndefined();
    }
    const identifiers = (object: XmlElement) =>
      new Map(
        object.children
          .filter((one) => one.name === 'ExternalIdentifier')
          .map((one) => [one.attributes.get('identificationScheme'), one.attributes.get('value')]),
      );
    expect(identifiers(entry).get('urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427')).toBe(
      `${kvnr}^^^&1.2.276.0.76.4.8&ISO`,
    );
    expect(identifiers(set).get('urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446')).toBe(
      `${kvnr}^^^&1.2.276.0.76.4.8&ISO`,
    );
    expect(identifiers(entry).get('urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab')).toBe(written.document.uniqueId);
    expect(written.document.uniqueId).toMatch(/^2\.25\.[1-9][0-9]{0,38}$/);
    expect(identifiers(set).get('urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8')).toMatch(/^2\.25\.[1-9][0-9]*$/);
    expect(slots(entry).get('languageCode')).toEqual(['de-DE']);
    expect(slots(entry).get('creationTime')?.[0]).toMatch(/^20\d{12}$/);
    expect(slots(set).get('submissionTime')?.[0]).toMatch(/^20\d{12}$/);
    expect(slots(entry).get('URI')?.[0]).toMatch(/\.xml$/);
    expect(displayOf(entry.children.find((one) => one.name === 'Name') as XmlElement)).toBe(stored?.title);
    expect(
      all(root, 'Association').map((one) => [
        one.attributes.get('associationType'),
        one.attributes.get('sourceObject'),
        one.attributes.get('targetObject'),
      ]),
    ).toEqual([
      [
        'urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember',
        set.attributes.get('id'),
        entry.attributes.get('id'),
      ],
    ]);
    for (const text of ['confidentialityCode', 'homeCommunityId', 'referenceIdList', 'Folder'])
      expect(JSON.stringify(root)).not.toContain(text);
  });

  test('is replaced by a changed second version: Approved and Deprecated, replaces set (EXP-06)', async () => {
    const kvnr = world.insured(0);
    const first = (await world.documents(kvnr))[0];
    const changed = Buffer.from(
      String(example).replaceAll('ec5bf24f-e823-45d6-97c6-14e35ded0ec0', '0c5bf24f-e823-45d6-97c6-14e35ded0ec1'),
    );
    const written = await world.write(exportBody(kvnr, changed));
    expect(written).toMatchObject({ status: 'written', document: { version: 2, replaces: first?.entryUuid } });
    const [old, now, ...others] = await world.documents(kvnr);
    expect(others).toEqual([]);
    expect(old).toMatchObject({ entryUuid: first?.entryUuid, status: 'Deprecated', replaces: null });
    expect(now).toMatchObject({
      entryUuid: written.document.entryUuid,
      status: 'Approved',
      replaces: first?.entryUuid,
      sha256: createHash('sha256').update(changed).digest('hex'),
    });
    const { root } = await lastIti41();
    expect(
      all(root, 'Association').map((one) => [
        one.attributes.get('associationType'),
        one.attributes.get('targetObject'),
      ]),
    ).toContainEqual(['urn:ihe:iti:2007:AssociationType:RPLC', first?.entryUuid]);
  });

  test('posted once more with the same bytes sends nothing (EXP-18)', async () => {
    const kvnr = world.insured(0);
    const before = world.sim.operations()['ITI-41'];
    const newest = Buffer.from(await world.storedBytes(kvnr, (await world.documents(kvnr)).at(-1)?.entryUuid ?? ''));
    expect(await world.write(exportBody(kvnr, newest))).toMatchObject({ status: 'unchanged' });
    expect(world.sim.operations()['ITI-41']).toBe(before);
  });
});

describe('insured people', () => {
  test('in the other record system are found there (EXP-22)', async () => {
    const kvnr = world.insured(1);
    const written = await world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
    expect(written).toMatchObject({ status: 'written', document: { recordSystem: 'epa-as-2' } });
  });

  test('who have not approved the DiGA are waited for; after approval and retry the document is written (EXP-24)', async () => {
    const kvnr = world.insured(2);
    const waiting = await world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
    expect(waiting).toMatchObject({ status: 'waiting', reason: { code: 'RECORD_NOT_ENTITLED', who: 'insured' } });
    expect(waiting.reason?.userMessage).toMatchObject({ de: expect.any(String), en: expect.any(String) });
    expect(await world.documents(kvnr)).toEqual([]);

    await world.control('PUT', `/sim/records/${kvnr}`, { entitled: [world.sim.ready.telematikId] });
    expect((await world.call('POST', `/v1/exports/${waiting.id}/retry`)).status).toBe(202);
    expect(await world.settled(waiting.id, new Set(['written']))).toMatchObject({
      status: 'written',
      document: { version: 1 },
    });
    expect(await world.documents(kvnr)).toHaveLength(1);
    expect((await world.call('POST', `/v1/exports/${waiting.id}/retry`)).status).toBe(409);
  });

  test.each([
    ['UNKNOWN', 'refused', 'RECORD_NOT_FOUND'],
    ['INITIALIZED', 'refused', 'RECORD_NOT_FOUND'],
    ['SUSPENDED', 'waiting', 'RECORD_SUSPENDED'],
  ])('whose record is %s: the export is %s with %s (EXP-23)', async (status, ending, code) => {
    const kvnr = await world.newInsured({ UNKNOWN: 1, INITIALIZED: 2, SUSPENDED: 3 }[status] ?? 0, 'epa-as-1');
    await world.control('PUT', `/sim/records/${kvnr}`, { status });
    expect(await world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date())))).toMatchObject({
      status: ending,
      reason: { code },
    });
    expect(await world.documents(kvnr)).toEqual([]);
  });
});

describe('the version after the eleventh', () => {
  test('the record keeps the newest and a history of ten; every version replaced its predecessor (EXP-10)', async () => {
    const kvnr = await world.newInsured(10, 'epa-as-2');
    const uuids: string[] = [];
    for (let version = 1; version <= 12; version++) {
      const written = await world.write(exportBody(kvnr, demoDocument(kvnr, version, new Date())));
      expect(written).toMatchObject({ status: 'written', document: { version, replaces: uuids.at(-1) ?? null } });
      uuids.push(written.document.entryUuid);
    }
    const kept = await world.documents(kvnr);
    expect(kept.map((one) => one.entryUuid)).toEqual(uuids.slice(-11));
    expect(kept.map((one) => one.status)).toEqual([...Array(10).fill('Deprecated'), 'Approved']);
    expect(new Set((await world.documents(kvnr, true)).map((one) => one.entryUuid))).toEqual(new Set(uuids));
  });
});

test('the gateway used no operation but those a DiGA may use (EXP-01)', async () => {
  const allowed =
    /^(connector\.sds|GetCards|GetCardTerminals|GetResourceInformation|GetPinStatus|ReadCardCertificate|CheckCertificateExpiration|ExternalAuthenticate|information\.ehr|vau\..*|certdata|idp\..*|VAU-Status|getNonce|send_authorization_request_sc|send_authcode_sc|ITI-41|ocsp)$/;
  expect(Object.keys(world.sim.operations()).filter((name) => !allowed.test(name))).toEqual([]);
  expect(schemasDir() === null || (world.sim.operations()['ITI-41'] ?? 0) > 14).toBe(true);
});
