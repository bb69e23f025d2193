// ITI-41 at the simulated record system: storing, replacing, history of 10, repeats (D1), hiding and approvals (D2, D11), and
// the refusal of everything a DiGA may not do (EXP-02) (epa-record-system.md 3 and 4).
import { describe, expect, test } from 'vitest';
import type { Choices } from '../../../../connector-sim/world.ts';
import { header } from '../../../../wire/http-message.ts';
import { type Iti41, newDocument, post, provide, TELEMATIK_ID } from '../../../support/iti41-message.ts';
import { outcome, signedOn, soapOf } from '../../../support/iti41-session.ts';
import { signIn } from '../../../support/login-test-client.ts';
import { jsonOf, KVNR, mintCard, OTHER_KVNR, recordOf, UNENTITLED_KVNR } from '../../../support/sim-services.ts';
import { openChannel } from '../../../support/vau-test-client.ts';

describe('storing', () => {
  test('keeps the bytes, the ids and every metadata value, in a folder made for the DiGA', async () => {
    const { sim, channel } = await signedOn();
    const document = newDocument();
    expect(await outcome((await provide(channel, document)).response)).toEqual({ status: 'Success' });
    const { documents, folders } = recordOf(sim);
    expect(documents).toMatchObject([
      {
        entryUuid: document.entryUuid,
        uniqueId: document.uniqueId,
        status: 'Approved',
        replaces: null,
        mimeType: 'application/fhir+xml',
        classCode: 'DUR',
        typeCode: 'PATD',
        formatCode: 'urn:gematik:ig:diga:v1.1',
        title: 'DiGA-Export',
        telematikId: TELEMATIK_ID,
      },
    ]);
    expect(Buffer.from(documents[0]?.bytes ?? []).equals(Buffer.from(document.content))).toBe(true);
    expect(folders).toMatchObject([
      { title: 'Demo DiGA GmbH TEST-ONLY', comments: `urn:gematik:diga:${TELEMATIK_ID}`, codeList: 'diga' },
    ]);
  });

  test('answers as plain SOAP or multipart, with Action and RelatesTo, and record system 2 with a header more', async () => {
    const { sim, channel } = await signedOn();
    for (const form of ['soap', 'multipart'] as const) {
      sim.world.choices.answerForm = form;
      const { response } = await provide(channel, newDocument());
      expect((header(response.headers, 'content-type') ?? '').startsWith('multipart/related')).toBe(
        form === 'multipart',
      );
      const { header: blocks } = await soapOf(response);
      expect(Object.fromEntries(blocks.map((block) => [block.name, block.text]))).toMatchObject({
        Action: 'urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-bResponse',
        RelatesTo: 'urn:uuid:5f0d1b2c-0000-4000-8000-000000000001',
      });
    }
    const other = await openChannel(sim.otherSystem);
    await signIn(sim, other);
    const { response } = await provide(other, newDocument({ kvnr: OTHER_KVNR }));
    expect((await soapOf(response)).header.map((block) => block.name)).toContain('MessageID');
  });

  test('takes several insured over one login', async () => {
    const { sim, channel } = await signedOn();
    recordOf(sim, UNENTITLED_KVNR).entitled.add(TELEMATIK_ID);
    await provide(channel, newDocument());
    await provide(channel, newDocument({ kvnr: UNENTITLED_KVNR }));
    expect([recordOf(sim).documents.length, recordOf(sim, UNENTITLED_KVNR).documents.length]).toEqual([1, 1]);
  });
});

describe('replacing', () => {
  test('deprecates the old document and names it', async () => {
    const { sim, channel } = await signedOn();
    const first = newDocument();
    await provide(channel, first);
    expect(await outcome((await provide(channel, newDocument({ replaces: first.entryUuid }))).response)).toEqual({
      status: 'Success',
    });
    expect(recordOf(sim).documents.map((d) => [d.status, d.replaces])).toEqual([
      ['Deprecated', null],
      ['Approved', first.entryUuid],
    ]);
  });

  test('keeps ten deprecated versions and of older ones only ids and hash', async () => {
    const { sim, channel } = await signedOn();
    let replaces: string | undefined;
    const versions: Iti41[] = [];
    for (let version = 1; version <= 12; version += 1) {
      const document = newDocument({ replaces });
      versions.push(document);
      await provide(channel, document);
      replaces = document.entryUuid;
    }
    const { documents, trimmed } = recordOf(sim);
    expect(documents).toHaveLength(11);
    expect(trimmed).toMatchObject([
      { entryUuid: versions[0]?.entryUuid, replaces: null, bytes: versions[0]?.content.length },
    ]);
    // what has left the record is no duplicate any more, what is still in it is one
    const again = (at: number) => newDocument({ replaces, content: versions[at]?.content ?? Buffer.of() });
    expect((await provide(channel, again(1))).rule).toBe('xds.duplicate');
    expect((await provide(channel, again(0))).rule).toBeNull();
  });

  test.each(['XDSRepositoryError', 'XDSReplaceFailed'] as const)(
    'of an unknown, foreign or deprecated target is refused with %s',
    async (code) => {
      const { sim, channel } = await signedOn();
      sim.world.choices.targetErrorCode = code;
      const unknown = await provide(
        channel,
        newDocument({ replaces: 'urn:uuid:00000000-0000-4000-8000-000000000000' }),
      );
      expect(await outcome(unknown.response)).toMatchObject({
        status: 'Failure',
        code,
        text: expect.stringMatching(/Invalid target ID .* RPLC association/),
      });
      expect(unknown.rule).toBe('xds.target-unknown');
      const first = newDocument();
      await provide(channel, first);
      const foreign = await openChannel(sim.recordSystem);
      await signIn(sim, foreign, { card: mintCard({ telematikId: '9-OTHER' }) });
      recordOf(sim).entitled.add('9-OTHER');
      const edit = (envelope: string) => envelope.replaceAll(TELEMATIK_ID, '9-OTHER');
      expect((await provide(foreign, newDocument({ replaces: first.entryUuid, edit }))).rule).toBe(
        'xds.target-unknown',
      );
      await provide(channel, newDocument({ replaces: first.entryUuid }));
      const stale = await provide(channel, newDocument({ replaces: first.entryUuid }));
      expect(await outcome(stale.response)).toMatchObject({
        code,
        text: expect.stringContaining('Only an approved DocumentEntry can be target of an RPLC'),
      });
      expect(stale.rule).toBe('xds.target-not-approved');
    },
  );

  test('of a document the insured deleted, or of another insured, is refused as unknown', async () => {
    const { sim, channel } = await signedOn();
    recordOf(sim, UNENTITLED_KVNR).entitled.add(TELEMATIK_ID);
    const first = newDocument();
    await provide(channel, first);
    expect((await provide(channel, newDocument({ kvnr: UNENTITLED_KVNR, replaces: first.entryUuid }))).rule).toBe(
      'xds.target-unknown',
    );
    recordOf(sim).documents = [];
    expect((await provide(channel, newDocument({ replaces: first.entryUuid }))).rule).toBe('xds.target-unknown');
  });
});

describe('repeats (D1)', () => {
  const answers: [answer: Choices['duplicateAnswer'], first: string, second: string][] = [
    ['XDSDuplicateDocument', 'xds.duplicate', 'xds.duplicate'],
    ['XDSDuplicateUniqueIdInRegistry', 'xds.unique-id', 'xds.unique-id'],
    ['target-not-approved', 'xds.duplicate', 'xds.target-not-approved'],
  ];
  test.each(answers)('are answered %s, for version 1 and version 2', async (answer, first, second) => {
    const { sim, channel } = await signedOn();
    sim.world.choices.duplicateAnswer = answer;
    const one = newDocument();
    const two = newDocument({ replaces: one.entryUuid });
    await provide(channel, one);
    expect((await provide(channel, one)).rule).toBe(first);
    await provide(channel, two);
    expect((await provide(channel, two)).rule).toBe(second);
    expect(recordOf(sim).documents).toHaveLength(2);
  });

  test('with one id or the content alone in use are no repeats, and refused for what they are', async () => {
    const { channel } = await signedOn();
    const one = newDocument();
    await provide(channel, one);
    const code = async (change: Partial<Iti41>) =>
      (await outcome((await provide(channel, newDocument(change))).response)).code;
    expect(await code({ entryUuid: one.entryUuid })).toBe('XDSDuplicateUniqueIdInRegistry');
    expect(await code({ uniqueId: one.uniqueId })).toBe('XDSDuplicateUniqueIdInRegistry');
    expect(await code({ entryUuid: one.entryUuid, uniqueId: one.uniqueId })).toBe('XDSNonIdenticalHash');
    expect(await code({ content: one.content })).toBe('XDSDuplicateDocument');
  });
});

describe('approval and hiding', () => {
  test('given later it is seen at once, or only by a session opened after it', async () => {
    const { sim, channel } = await signedOn();
    const write = async (on = channel) => (await provide(on, newDocument({ kvnr: UNENTITLED_KVNR }))).rule;
    sim.world.choices.newEntitlement = 'new-session';
    expect(await write()).toBe('xds.entitlement');
    recordOf(sim, UNENTITLED_KVNR).entitled.add(TELEMATIK_ID);
    expect(await write()).toBe('xds.entitlement');
    const fresh = await openChannel(sim.recordSystem);
    await signIn(sim, fresh);
    expect(await write(fresh)).toBe(null);
    recordOf(sim, UNENTITLED_KVNR).entitled.clear();
    expect(await write(fresh)).toBe('xds.entitlement');
    sim.world.choices.newEntitlement = 'at-once';
    recordOf(sim, UNENTITLED_KVNR).entitled.add(TELEMATIK_ID);
    expect(await write()).toBe(null);
  });

  test('hidden by the insured, the category takes writes or refuses them, by choice', async () => {
    const { sim, channel } = await signedOn();
    recordOf(sim).hidden = true;
    sim.world.choices.hiddenWrite = 'reject';
    expect((await provide(channel, newDocument())).rule).toBe('xds.hidden');
    sim.world.choices.hiddenWrite = 'accept';
    expect((await provide(channel, newDocument())).rule).toBe(null);
  });
});

describe('what a DiGA may not do (EXP-02)', () => {
  const soap = (action: string, body: string) =>
    `<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing"><soap:Header><wsa:Action>${action}</wsa:Action><wsa:MessageID>urn:uuid:1</wsa:MessageID><wsa:To>x</wsa:To></soap:Header><soap:Body>${body}</soap:Body></soap:Envelope>`;
  test.each([
    [
      'ITI-18',
      'urn:ihe:iti:2007:RegistryStoredQuery',
      '<q:AdhocQueryRequest xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"/>',
    ],
    [
      'ITI-43',
      'urn:ihe:iti:2007:RetrieveDocumentSet',
      '<x:RetrieveDocumentSetRequest xmlns:x="urn:ihe:iti:xds-b:2007"/>',
    ],
    [
      'ITI-62',
      'urn:ihe:iti:2010:DeleteDocumentSet',
      '<l:RemoveObjectsRequest xmlns:l="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"/>',
    ],
    [
      'ITI-92',
      'urn:ihe:iti:2018:RestrictedUpdateDocumentSet',
      '<l:SubmitObjectsRequest xmlns:l="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"/>',
    ],
  ])('%s is refused as AccessDenied', async (operation, action, body) => {
    const { channel } = await signedOn();
    const message = { contentType: 'application/soap+xml; charset=UTF-8', body: soap(action, body), insurant: KVNR };
    const { response, outer } = await post(channel, message);
    expect(await outcome(response)).toMatchObject({ status: 'Failure', code: 'AccessDenied' });
    expect(outer.inner?.[0]).toMatchObject({ operation, rule: 'xds.operation' });
  });

  test.each(['/epa/basic/api/v1/ps/entitlements', '/epa/basic/api/v1/entitlements', '/epa/basic/api/v1/blockedusers'])(
    '%s is 403 invalidOid',
    async (path) => {
      const { channel } = await signedOn();
      const { response, rule } = await channel.exchange({ method: 'POST', path });
      expect({ http: response.status, errorCode: jsonOf(response).errorCode, rule }).toEqual({
        http: 403,
        errorCode: 'invalidOid',
        rule: 'inner.role',
      });
    },
  );
});
