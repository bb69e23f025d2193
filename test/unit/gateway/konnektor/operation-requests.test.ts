import { afterAll, describe, expect, test } from 'vitest';
import { changePin, pinRequest, unblockPin } from '../../../../gateway/konnektor/card-service.ts';
import {
  ejectCard,
  ejectCardRequest,
  requestCard,
  requestCardRequest,
} from '../../../../gateway/konnektor/card-terminal-service.ts';
import {
  checkCertificateExpiration,
  checkCertificateExpirationRequest,
  readCardCertificateRequest,
  verifyCertificate,
  verifyCertificateRequest,
} from '../../../../gateway/konnektor/certificate-service.ts';
import {
  getSubscriptionRequest,
  getSubscriptions,
  renewSubscriptions,
  renewSubscriptionsRequest,
  subscribe,
  subscribeRequest,
  unsubscribe,
  unsubscribeRequest,
} from '../../../../gateway/konnektor/event-subscriptions.ts';
import { type Markup, serialize } from '../../../../wire/xml.ts';
import { XsdJudge } from '../../../conformance/xsd.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';
import { type OfficialRequest, testOfficialRequests } from './official-requests.ts';
import { envelope, ScriptedKonnektor } from './scripted-konnektor.ts';

const context = new ScriptedKonnektor({}).client().context();
const HANDLE = '5f0c6a1e-smcb-0001';
const SLOT = { ctId: 'CT_ID_0041', slotId: 1 };
const EVENT_TO = 'cetp://10.0.0.5:8585';
const FILTER = '/EVT:Event/EVT:Message/EVT:Parameter[EVT:Key="CtID" and EVT:Value="CT_ID_0041"]';
const DER = Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x05);

const REQUESTS: OfficialRequest[] = [
  ['ChangePin', pinRequest('ChangePin', { context, cardHandle: HANDLE }), 'CardService_v8_1_3/ChangePin.xml'],
  [
    'UnblockPin with a new PIN',
    pinRequest('UnblockPin', { context, cardHandle: HANDLE, setNewPin: true }),
    'CardService_v8_1_3/UnblockPin.xml',
  ],
  ['UnblockPin alone', pinRequest('UnblockPin', { context, cardHandle: HANDLE, setNewPin: false }), null],
  ['Subscribe', subscribeRequest(context, { eventTo: EVENT_TO, topic: 'CARD' }), 'EventService/Subscribe.xml'],
  [
    'Subscribe with a filter',
    subscribeRequest(context, { eventTo: EVENT_TO, topic: 'CARD/INSERTED', filter: FILTER }),
    'EventService/Subscribe_filter.xml',
  ],
  ['RenewSubscriptions', renewSubscriptionsRequest(context, ['sub-1']), 'EventService/RenewSubscriptions.xml'],
  ['RenewSubscriptions of two', renewSubscriptionsRequest(context, ['sub-1', 'sub-2']), null],
  ['Unsubscribe', unsubscribeRequest(context, { subscriptionId: 'sub-1' }), 'EventService/Unsubscribe.xml'],
  [
    'Unsubscribe of an address',
    unsubscribeRequest(context, { eventTo: EVENT_TO }),
    'EventService/Unsubscribe_eventto.xml',
  ],
  ['GetSubscription', getSubscriptionRequest(context, false), 'EventService/GetSubscription.xml'],
  ['GetSubscription of the Mandant', getSubscriptionRequest(context, true), null],
  [
    'RequestCard',
    requestCardRequest(context, {
      ...SLOT,
      cardType: 'SM-B',
      displayMessage: 'Bitte SMC-B in SLOT 1 stecken',
      timeoutSeconds: 20,
    }),
    'CardTerminalService/RequestCard.xml',
  ],
  ['RequestCard of a slot alone', requestCardRequest(context, SLOT), null],
  [
    'EjectCard by handle',
    ejectCardRequest(context, { cardHandle: HANDLE }, { timeoutMs: 5000 }),
    'CardTerminalService/EjectCard_handle.xml',
  ],
  ['EjectCard by slot', ejectCardRequest(context, SLOT), 'CardTerminalService/EjectCard_slot.xml'],
  ['EjectCard with a text', ejectCardRequest(context, SLOT, { displayMessage: 'Karte entnehmen & warten' }), null],
  [
    'CheckCertificateExpiration',
    checkCertificateExpirationRequest(context, HANDLE),
    'CertificateService_v6_0_2/CheckCertificateExpiration.xml',
  ],
  ['CheckCertificateExpiration of all', checkCertificateExpirationRequest(context), null],
  ['VerifyCertificate', verifyCertificateRequest(context, DER, new Date(0)), null],
  ['VerifyCertificate for now', verifyCertificateRequest(context, DER), null],
  ['ReadCardCertificate of three', readCardCertificateRequest(context, HANDLE, ['C.AUT', 'C.ENC', 'C.SIG']), null],
];

describeWithSchemas('by the official files', (dir) => {
  const judge = new XsdJudge(dir);
  afterAll(() => judge.dispose());

  testOfficialRequests(REQUESTS, dir, judge);
  test.each([
    ['a filter before the topic', REQUESTS[4], /(<EVT:Topic>.*<\/EVT:Topic>)(<EVT:Filter>.*<\/EVT:Filter>)/],
    ['SetNewPin before the PIN type', REQUESTS[1], /(<CARDCMN:PinTyp>.*<\/CARDCMN:PinTyp>)(<CARD:SetNewPin>.*?n>)/],
    ['the time before the text', REQUESTS[11], /(<CT:DisplayMsg>.*<\/CT:DisplayMsg>)(<CT:TimeOut>.*<\/CT:TimeOut>)/],
    ['the handle behind the context', REQUESTS[16], /(<CONN:CardHandle>.*<\/CONN:CardHandle>)(<CCTX:Context>.*?xt>)/],
  ])('the judge would notice %s', (_name, request, order) => {
    const right = serialize(request?.[1] as Markup);
    const swapped = right.replace(order, '$2$1');
    expect(swapped).not.toBe(right);
    expect(judge.judge(swapped).faults).not.toEqual([]);
  });
});

describe('on the way', () => {
  const calls: [operation: string, path: string, ms: number, act: (k: ScriptedKonnektor) => unknown][] = [
    ['ChangePin', 'CardService/v8.1', 90_000, (k) => changePin(k.client(), HANDLE)],
    ['UnblockPin', 'CardService/v8.1', 90_000, (k) => unblockPin(k.client(), HANDLE, { setNewPin: true })],
    ['Subscribe', 'EventService/v7.2', 5_000, (k) => subscribe(k.client(), { eventTo: EVENT_TO, topic: 'CARD' })],
    ['RenewSubscriptions', 'EventService/v7.2', 5_000, (k) => renewSubscriptions(k.client(), ['sub-1'])],
    ['Unsubscribe', 'EventService/v7.2', 5_000, (k) => unsubscribe(k.client(), { eventTo: EVENT_TO })],
    ['GetSubscription', 'EventService/v7.2', 5_000, (k) => getSubscriptions(k.client(), { mandantWide: false })],
    ['RequestCard', 'CardTerminalService/v1.1', 50_000, (k) => requestCard(k.client(), SLOT)],
    [
      'RequestCard',
      'CardTerminalService/v1.1',
      90_000,
      (k) => requestCard(k.client(), { ...SLOT, timeoutSeconds: 60 }),
    ],
    ['EjectCard', 'CardTerminalService/v1.1', 50_000, (k) => ejectCard(k.client(), { cardHandle: HANDLE })],
    ['EjectCard', 'CardTerminalService/v1.1', 31_000, (k) => ejectCard(k.client(), SLOT, { timeoutMs: 1_000 })],
    ['CheckCertificateExpiration', 'CertificateService/v6.0', 30_000, (k) => checkCertificateExpiration(k.client())],
    ['VerifyCertificate', 'CertificateService/v6.0', 30_000, (k) => verifyCertificate(k.client(), DER)],
  ];

  test.each(calls)('%s goes out with the action of %s and waits %i ms', async (operation, path, timeoutMs, act) => {
    const konnektor = new ScriptedKonnektor({ [operation]: 'TIMEOUT' });
    expect((await gatewayErrorOf(() => act(konnektor))).code).toBe('KONNEKTOR_UNREACHABLE');
    expect(konnektor.asked[1]).toMatchObject({
      operation,
      headers: { SOAPAction: `"http://ws.gematik.de/conn/${path}#${operation}"` },
      timeoutMs,
    });
  });
  test.each(calls)('%s of %s: a connection lost on the way', async (operation, _path, _ms, act) => {
    const konnektor = new ScriptedKonnektor({ [operation]: 'RESET' });
    expect((await gatewayErrorOf(() => act(konnektor))).code).toBe('KONNEKTOR_UNREACHABLE');
    // A person was prompted: never again by itself (KON-07).
    const prompts = /Pin$|RequestCard|EjectCard/.test(operation);
    expect(konnektor.count(operation)).toBe(prompts ? 1 : 2);
  });
  test('a text too long for the display is not sent', async () => {
    const konnektor = new ScriptedKonnektor({ RequestCard: 'TIMEOUT', EjectCard: 'TIMEOUT' });
    const displayMessage = 'ä'.repeat(49);
    for (const act of [
      () => requestCard(konnektor.client(), { ...SLOT, displayMessage }),
      () => ejectCard(konnektor.client(), SLOT, { displayMessage }),
    ])
      expect((await gatewayErrorOf(act)).code).toBe('INTERNAL');
    expect(konnektor.asked).toEqual([]);
  });
  test('more renewals than fit one request are asked for in parts; for none nothing is asked', async () => {
    const sizes: number[] = [];
    const konnektor = new ScriptedKonnektor({
      RenewSubscriptions: ({ body }) => {
        const ids = [...body.matchAll(/<EVT:SubscriptionID>(.*?)<\/EVT:SubscriptionID>/g)].map(([, id]) => id);
        sizes.push(ids.length);
        const renewals = ids.map(
          (id) =>
            `<e:SubscriptionRenewal><e:SubscriptionID>${id}</e:SubscriptionID><e:TerminationTime>2026-01-16T08:30:00Z</e:TerminationTime></e:SubscriptionRenewal>`,
        );
        return envelope(
          `<e:RenewSubscriptionsResponse xmlns:e="http://ws.gematik.de/conn/EventService/v7.2"><c:Status xmlns:c="http://ws.gematik.de/conn/ConnectorCommon/v5.0"><c:Result>OK</c:Result></c:Status><e:SubscribeRenewals>${renewals.join('')}</e:SubscribeRenewals></e:RenewSubscriptionsResponse>`,
        );
      },
    });
    expect(await renewSubscriptions(konnektor.client(), [])).toEqual([]);
    expect(konnektor.asked).toEqual([]);
    const ids = Array.from({ length: 1001 }, (_, at) => `s${at}`);
    const renewed = await renewSubscriptions(konnektor.client(), ids);
    expect(renewed.map(({ subscriptionId }) => subscriptionId)).toEqual(ids);
    expect(sizes).toEqual([1000, 1]);
  });
});
