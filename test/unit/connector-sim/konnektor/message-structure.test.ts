// Requests of subscriptions, PINs, slots and certificates that do not fit the official schema: each is 4000 and does nothing
// (konnektor.md 1). Those of the other operations are in soap-endpoint.test.ts.
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type BenchOperation,
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
const subscription = (content: string) => `${context()}<EVT:Subscription>${content}</EVT:Subscription>`;

test.each<[string, [operation: BenchOperation, content: string, attributes?: string]]>([
  ['Subscribe without a subscription', ['Subscribe', context()]],
  [
    'Subscribe to an address that is not cetp',
    ['Subscribe', subscription('<EVT:EventTo>http://127.0.0.1:1</EVT:EventTo><EVT:Topic>CARD</EVT:Topic>')],
  ],
  [
    'Subscribe to an address without a port',
    ['Subscribe', subscription('<EVT:EventTo>cetp://127.0.0.1</EVT:EventTo><EVT:Topic>CARD</EVT:Topic>')],
  ],
  ['Subscribe to nothing', ['Subscribe', subscription('<EVT:EventTo>cetp://127.0.0.1:1</EVT:EventTo><EVT:Topic/>')]],
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
])('%s is 4000', async (_what, call) => {
  const answer = await bench.call(...call);
  expect([answer.status, answer.code]).toEqual([500, 4000]);
  expect(bench.world.konnektor.events.subscriptions.size).toBe(0);
});
