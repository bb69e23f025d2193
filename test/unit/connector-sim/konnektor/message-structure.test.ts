// Requests of subscriptions, PINs, slots and certificates that do not fit the official schema: each is 4000 and does nothing
// (konnektor.md 1). Those of the other operations are in soap-endpoint.test.ts.
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type BenchOperation,
  benchPki,
  context,
  type KonnektorBench,
  startKonnektorBench,
} from '../../../support/konnektor-bench.ts';

let bench: KonnektorBench;
beforeAll(async () => {
  bench = await startKonnektorBench();
});
afterAll(() => bench.stop());

const h = '<CONN:CardHandle>x</CONN:CardHandle>';
const slot = '<CT:Slot><CARDCMN:CtId>CT_SIM_0001</CARDCMN:CtId><CARDCMN:SlotId>2</CARDCMN:SlotId></CT:Slot>';
const binaryString = (attributes: string) =>
  `<SIG:BinaryString${attributes}><dss:Base64Data>${'A'.repeat(43)}=</dss:Base64Data></SIG:BinaryString>`;
const verified = (at: string) => {
  const der = benchPki().smcb.certificates.get('C.AUT')?.certificate.der ?? new Uint8Array();
  const certificate = `<CERTCMN:X509Certificate>${Buffer.from(der).toString('base64')}</CERTCMN:X509Certificate>`;
  return `${context()}${certificate}<CERT:VerificationTime>${at}</CERT:VerificationTime>`;
};
const subscription = (content: string) => `${context()}<EVT:Subscription>${content}</EVT:Subscription>`;

test.each<[string, [operation: BenchOperation, content: string, attributes?: string]]>([
  ['Subscribe without a subscription', ['Subscribe', context()]],
  [
    'Subscribe to an address that is not cetp',
    ['Subscribe', subscription('<EVT:EventTo>http://127.0.0.1:1</EVT:EventTo><EVT:Topic>CARD</EVT:Topic>')],
  ],
  [
    'Subscribe to a topic too long',
    [
      'Subscribe',
      subscription(`<EVT:EventTo>cetp://127.0.0.1:1</EVT:EventTo><EVT:Topic>${'x'.repeat(1025)}</EVT:Topic>`),
    ],
  ],
  [
    'Subscribe with the filter before the topic',
    [
      'Subscribe',
      subscription(
        '<EVT:EventTo>cetp://127.0.0.1:1</EVT:EventTo><EVT:Filter>/Event</EVT:Filter><EVT:Topic>CARD</EVT:Topic>',
      ),
    ],
  ],
  [
    'Subscribe that ends on no date',
    [
      'Subscribe',
      subscription(
        '<EVT:TerminationTime>soon</EVT:TerminationTime><EVT:EventTo>cetp://127.0.0.1:1</EVT:EventTo><EVT:Topic>CARD</EVT:Topic>',
      ),
    ],
  ],
  ['RenewSubscriptions of none', ['RenewSubscriptions', context()]],
  [
    'RenewSubscriptions of an ID too long',
    ['RenewSubscriptions', `${context()}<EVT:SubscriptionID>${'x'.repeat(65)}</EVT:SubscriptionID>`],
  ],
  [
    'RenewSubscriptions of more than 1000',
    ['RenewSubscriptions', `${context()}${'<EVT:SubscriptionID>x</EVT:SubscriptionID>'.repeat(1001)}`],
  ],
  ['Unsubscribe of nothing', ['Unsubscribe', context()]],
  [
    'Unsubscribe by ID and address',
    [
      'Unsubscribe',
      `${context()}<EVT:SubscriptionID>x</EVT:SubscriptionID><EVT:EventTo>cetp://127.0.0.1:1</EVT:EventTo>`,
    ],
  ],
  ['GetSubscription with half a boolean', ['GetSubscription', context(), ' mandant-wide="half"']],
  ['ChangePin without PinTyp', ['ChangePin', `${context()}${h}`]],
  [
    'UnblockPin with SetNewPin before PinTyp',
    ['UnblockPin', `${context()}${h}<CARD:SetNewPin>true</CARD:SetNewPin><CARDCMN:PinTyp>PIN.SMC</CARDCMN:PinTyp>`],
  ],
  [
    'UnblockPin with half a SetNewPin',
    ['UnblockPin', `${context()}${h}<CARDCMN:PinTyp>PIN.SMC</CARDCMN:PinTyp><CARD:SetNewPin>half</CARD:SetNewPin>`],
  ],
  [
    'ChangePin with SetNewPin',
    ['ChangePin', `${context()}${h}<CARDCMN:PinTyp>PIN.SMC</CARDCMN:PinTyp><CARD:SetNewPin>true</CARD:SetNewPin>`],
  ],
  ['RequestCard without a slot', ['RequestCard', context()]],
  [
    'RequestCard with a text too long',
    ['RequestCard', `${context()}${slot}<CT:DisplayMsg>${'x'.repeat(49)}</CT:DisplayMsg>`],
  ],
  ['RequestCard with a negative TimeOut', ['RequestCard', `${context()}${slot}<CT:TimeOut>-1</CT:TimeOut>`]],
  [
    'RequestCard with the slot number alone',
    ['RequestCard', `${context()}<CT:Slot><CARDCMN:SlotId>2</CARDCMN:SlotId></CT:Slot>`],
  ],
  ['EjectCard of nothing', ['EjectCard', context()]],
  ['EjectCard by handle and slot', ['EjectCard', `${context()}${h}${slot}`]],
  ['CheckCertificateExpiration with the handle behind the context', ['CheckCertificateExpiration', `${context()}${h}`]],
  [
    'CheckCertificateExpiration with another Crypt',
    ['CheckCertificateExpiration', `${context()}<CERT:Crypt>DSA</CERT:Crypt>`],
  ],
  ['VerifyCertificate without a certificate', ['VerifyCertificate', context()]],
  [
    'VerifyCertificate of text that is not base64',
    ['VerifyCertificate', `${context()}<CERTCMN:X509Certificate>A*A</CERTCMN:X509Certificate>`],
  ],
  [
    'VerifyCertificate of no certificate',
    ['VerifyCertificate', `${context()}<CERTCMN:X509Certificate>AAAA</CERTCMN:X509Certificate>`],
  ],
  [
    'VerifyCertificate at no time',
    [
      'VerifyCertificate',
      `${context()}<CERTCMN:X509Certificate>AAAA</CERTCMN:X509Certificate><CERT:VerificationTime>2026-01-31</CERT:VerificationTime>`,
    ],
  ],
  [
    'Subscribe with a user that is nil',
    [
      'Subscribe',
      subscription('<EVT:EventTo>cetp://127.0.0.1:1</EVT:EventTo><EVT:Topic>CARD</EVT:Topic>').replace(
        '</CCTX:Context>',
        '<CONN:UserId xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/></CCTX:Context>',
      ),
    ],
  ],
  [
    'ExternalAuthenticate of a string whose ID is no name',
    ['ExternalAuthenticate', `${h}${context()}${binaryString(' ID="1 2"')}`],
  ],
  ...[
    '2027-02-30T00:00:00Z',
    '2027-02-29T00:00:00Z',
    '2027-13-01T00:00:00Z',
    '2027-00-01T00:00:00Z',
    '2027-01-00T00:00:00Z',
    '2027-01-01T24:00:01Z',
    '2027-01-01T00:60:00Z',
    '2027-01-01T00:00:60Z',
    '2027-01-01T00:00:00+15:00',
    '2027-01-01T00:00:00-14:01',
    '2027-01-01T00:00:00+01:60',
    '0000-01-01T00:00:00Z',
    '02027-01-01T00:00:00Z',
  ].map((at): [string, [BenchOperation, string]] => [
    `VerifyCertificate at ${at}`,
    ['VerifyCertificate', verified(at)],
  ]),
])('%s is 4000', async (_what, call) => {
  const answer = await bench.call(...call);
  expect([answer.status, answer.code]).toEqual([500, 4000]);
  expect(bench.world.konnektor.events.subscriptions.size).toBe(0);
});

// What the schema allows is not refused; that it does something is another matter.
test.each<[string, [operation: BenchOperation, content: string]]>([
  [
    'Subscribe to an address without a port',
    ['Subscribe', subscription('<EVT:EventTo>cetp://127.0.0.1</EVT:EventTo><EVT:Topic>CARD</EVT:Topic>')],
  ],
  [
    'Subscribe to every topic',
    ['Subscribe', subscription('<EVT:EventTo>cetp://127.0.0.1:1</EVT:EventTo><EVT:Topic/>')],
  ],
  ...[
    '2028-02-29T00:00:00Z',
    '2027-01-01T24:00:00Z',
    '2027-01-01T00:00:00.5-14:00',
    '2027-01-01T00:00:00+14:00',
    '2027-01-01T00:00:00',
    '12027-01-01T00:00:00Z',
    '999999-01-01T00:00:00Z',
  ].map((at): [string, [BenchOperation, string]] => [
    `VerifyCertificate at ${at}`,
    ['VerifyCertificate', verified(at)],
  ]),
])('%s is taken', async (_what, call) => {
  expect((await bench.call(...call)).code).toBeNull();
  bench.world.konnektor.events.subscriptions.clear();
});

test('ExternalAuthenticate takes what a document may have (dss:DocumentBaseType), and where its schema lies', async () => {
  const attributes =
    ' ID="doc1" RefURI="urn:x" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x x.xsd"';
  const handle = `<CONN:CardHandle>${bench.cardHandle()}</CONN:CardHandle>`;
  const type = '<SIG:OptionalInputs><dss:SignatureType>urn:bsi:tr:03111:ecdsa</dss:SignatureType></SIG:OptionalInputs>';
  const answer = await bench.call('ExternalAuthenticate', `${handle}${context()}${type}${binaryString(attributes)}`);
  expect(answer.code).toBeNull();
});
