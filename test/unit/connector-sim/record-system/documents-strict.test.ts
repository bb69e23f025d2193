// ITI-41 at the simulated record system, the `strict` table: each check of epa-record-system.md 4.7 broken alone in a good
// message, with the documented error and the rule in the journal; nothing is stored (TST-03).
import { describe, expect, test } from 'vitest';
import type { HttpResponse } from '../../../../wire/http-message.ts';
import { type Iti41, newDocument, provide } from '../../../support/iti41-message.ts';
import { outcome, signedOn } from '../../../support/iti41-session.ts';
import { signIn } from '../../../support/login-test-client.ts';
import {
  createTestSim,
  jsonOf,
  KVNR,
  mintCard,
  OTHER_KVNR,
  SUSPENDED_KVNR,
  UNENTITLED_KVNR,
} from '../../../support/sim-services.ts';
import { openChannel } from '../../../support/vau-test-client.ts';
import { author, codes, metadata, patient, replace, schema, structure } from '../tables/iti41-strict.ts';

/** The outcome without its text. */
async function errorOf(response: HttpResponse) {
  const { text: _, ...rest } = await outcome(response);
  return rest;
}

describe.each([
  ['schema (4)', schema],
  ['structure (5, 8, 9)', structure],
  ['patientId (6)', patient],
  ['codes and times (7)', codes],
  ['author (10)', author],
] as const)('strict: %s', (_group, rows) => {
  test.each(rows)('%s is refused', async (_what, edit, code, rule) => {
    const { sim, channel } = await signedOn();
    const { response, rule: struck } = await provide(channel, newDocument({ edit }));
    expect({ ...(await errorOf(response)), rule: struck }).toEqual({ status: 'Failure', code, rule });
    expect(sim.world.records.get(KVNR)?.documents).toEqual([]);
  });
});

describe('strict: message, session and record', () => {
  const faults: [what: string, edit: (envelope: string) => string, fault: string, rule: string][] = [
    ['no wsa:MessageID', replace(/<wsa:MessageID>.*?<\/wsa:MessageID>/, ''), 'Sender', 'xds.addressing'],
    ['no wsa:To', replace(/<wsa:To>.*?<\/wsa:To>/, ''), 'Sender', 'xds.addressing'],
    [
      'an unknown wsa:Action',
      replace('ProvideAndRegisterDocumentSet-b<', 'ProvideAndRegisterDocumentSet-c<'),
      'Sender',
      'xds.action',
    ],
    ['a ReplyTo of its own', replace('addressing/anonymous', 'addressing/none'), 'Sender', 'xds.addressing'],
    [
      'SOAP 1.1',
      replace('http://www.w3.org/2003/05/soap-envelope', 'http://schemas.xmlsoap.org/soap/envelope/'),
      'VersionMismatch',
      'xds.soap-version',
    ],
    [
      'a header that must be understood',
      replace('</soap:Header>', '<x:y xmlns:x="urn:x" soap:mustUnderstand="true"/></soap:Header>'),
      'MustUnderstand',
      'xds.must-understand',
    ],
    [
      'another body',
      replace(/xds:ProvideAndRegisterDocumentSetRequest/g, 'xds:RetrieveDocumentSetRequest'),
      'Sender',
      'xds.message',
    ],
    ['a DOCTYPE', replace('<soap:Envelope', '<!DOCTYPE x><soap:Envelope'), 'Sender', 'xds.message'],
    ['an xop:Include without its part', replace('cid:document%40test', 'cid:other'), 'Sender', 'xds.mtom'],
    ['the document inline in base64', replace(/<xop:Include[^>]*>/, 'AAAA'), 'Sender', 'xds.mtom'],
  ];
  test.each(faults)('%s is answered with a SOAP fault', async (_what, edit, fault, rule) => {
    const { sim, channel } = await signedOn();
    const { response, rule: struck } = await provide(channel, newDocument({ edit }));
    expect({ http: response.status, ...(await errorOf(response)), rule: struck }).toEqual({
      http: fault === 'Sender' ? 400 : 500,
      fault,
      rule,
    });
    expect(sim.world.records.get(KVNR)?.documents).toEqual([]);
  });

  test('without login and with a role that is no DiGA it is 403 invalAuth', async () => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    const cold = await provide(channel, newDocument());
    expect({ http: cold.response.status, errorCode: jsonOf(cold.response).errorCode, rule: cold.rule }).toEqual({
      http: 403,
      errorCode: 'invalAuth',
      rule: 'xds.session',
    });
    await signIn(sim, channel, { card: mintCard({ telematikId: '1-PRACTICE', roleOid: '1.2.276.0.76.4.50' }) });
    expect((await provide(channel, newDocument())).rule).toBe('xds.role');
  });

  test.each([
    ['no x-insurantid', '', 400, 'malformedRequest', 'record.insurant-id'],
    ['an unknown record', 'Z000000000', 404, 'noHealthRecord', 'record.unknown'],
    ['a record of the other system', OTHER_KVNR, 404, 'noHealthRecord', 'record.unknown'],
    ['a suspended record', SUSPENDED_KVNR, 409, 'statusMismatch', 'record.status'],
  ])('%s is refused in JSON', async (_what, insurant, http, errorCode, rule) => {
    const { channel } = await signedOn();
    const refused = await provide(channel, newDocument(), insurant);
    expect({
      http: refused.response.status,
      errorCode: jsonOf(refused.response).errorCode,
      rule: refused.rule,
    }).toEqual({
      http,
      errorCode,
      rule,
    });
  });

  test('a record that has not approved this DiGA answers NotEntitled', async () => {
    const { channel } = await signedOn();
    const refused = await provide(channel, newDocument({ kvnr: UNENTITLED_KVNR }));
    expect({ ...(await errorOf(refused.response)), rule: refused.rule }).toEqual({
      status: 'Failure',
      code: 'NotEntitled',
      rule: 'xds.entitlement',
    });
  });

  const contents: [what: string, change: Partial<Iti41>, code: string, rule: string][] = [
    ['a document over 25 MB', { content: new Uint8Array(25 * 1024 * 1024 + 1) }, metadata, 'xds.size'],
    ['an empty document', { content: new Uint8Array() }, 'XDSMissingDocument', 'xds.empty'],
    [
      'an entryUUID in capitals',
      { entryUuid: 'urn:uuid:0A0B0C0D-1111-4222-8333-00000000FFFF' },
      metadata,
      'xds.entry-uuid',
    ],
    ['a symbolic entryUUID', { entryUuid: 'Document01' }, metadata, 'xds.entry-uuid'],
    ['a uniqueId over 64 characters', { uniqueId: `2.25.${'1'.repeat(60)}` }, metadata, 'xds.unique-id-form'],
  ];
  test.each(contents)('%s is refused', async (_what, change, code, rule) => {
    const { channel } = await signedOn();
    const refused = await provide(channel, newDocument(change));
    expect({ ...(await errorOf(refused.response)), rule: refused.rule }).toEqual({ status: 'Failure', code, rule });
  });

  test('lenient, the rules stricter than observed behaviour are off and the others on', async () => {
    const { channel } = await signedOn({ strict: false });
    const edit = replace('nodeRepresentation="DUR"', 'nodeRepresentation="BRI"');
    expect(await errorOf((await provide(channel, newDocument({ edit }))).response)).toEqual({
      status: 'Success',
      code: undefined,
    });
    const patientEdit = replace('1.2.276.0.76.4.8&amp;', '1.2.276.0.76.4.9&amp;');
    expect((await provide(channel, newDocument({ edit: patientEdit }))).rule).toBe('xds.patient-id');
  });
});
