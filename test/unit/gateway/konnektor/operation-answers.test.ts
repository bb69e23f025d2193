// The answers of the operations an operator starts or a subscription needs: each in every spelling a Konnektor may choose,
// and broken in the ways that must be refused (konnektor.md 2.1 to 2.4).
import { describe, expect, test } from 'vitest';
import { changePin, unblockPin, verifyPin } from '../../../../gateway/konnektor/card-service.ts';
import { ejectCard, requestCard } from '../../../../gateway/konnektor/card-terminal-service.ts';
import {
  checkCertificateExpiration,
  readCardCertificates,
  verifyCertificate,
} from '../../../../gateway/konnektor/certificate-service.ts';
import {
  getSubscriptions,
  renewSubscriptions,
  subscribe,
  unsubscribe,
} from '../../../../gateway/konnektor/event-subscriptions.ts';
import type { KonnektorClient } from '../../../../gateway/konnektor/soap-client.ts';
import { foreignSpellings } from '../../../support/foreign-spellings.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { cardsAnswer, envelope, ScriptedKonnektor } from './scripted-konnektor.ts';

const URI = {
  c: 'http://ws.gematik.de/conn/ConnectorCommon/v5.0',
  d: 'http://ws.gematik.de/conn/CardService/v8.1',
  m: 'http://ws.gematik.de/conn/CardServiceCommon/v2.0',
  e: 'http://ws.gematik.de/conn/EventService/v7.2',
  t: 'http://ws.gematik.de/conn/CardTerminalService/v1.1',
  f: 'http://ws.gematik.de/conn/CertificateService/v6.0',
  g: 'http://ws.gematik.de/conn/CertificateServiceCommon/v2.0',
  x: 'http://ws.gematik.de/tel/error/v2.0',
};
const declared = Object.entries(URI)
  .map(([prefix, uri]) => ` xmlns:${prefix}="${uri}"`)
  .join('');
const answer = (name: string, content: string) =>
  envelope(`<${name}${declared}><c:Status><c:Result>OK</c:Result></c:Status>${content}</${name}>`);
const error = (...codes: number[]) =>
  `<x:Error><x:MessageID>1</x:MessageID><x:Timestamp>2026-01-15T07:31:00Z</x:Timestamp>${codes
    .map((code) => `<x:Trace><x:Code>${code}</x:Code><x:ErrorText>text of ${code}</x:ErrorText></x:Trace>`)
    .join('')}</x:Error>`;
const card = /<d:Card>.*<\/d:Card>/.exec(cardsAnswer({ cardHandle: 'h1', iccsn: '80276000000000000001' }))?.[0] ?? '';
const id = (name: string, time = '2026-01-16T08:30:00.000Z') =>
  `<e:SubscriptionID>${name}</e:SubscriptionID><e:TerminationTime>${time}</e:TerminationTime>`;
const AT = new Date('2026-01-16T08:30:00Z');
const pin = (operation: string, content: string) => answer(`d:${operation}Response`, content);
const rejected = '<m:PinResult>REJECTED</m:PinResult><m:LeftTries>2</m:LeftTries>';
const expiration =
  '<f:CertificateExpiration><f:CtID>CT1</f:CtID><c:CardHandle>h1</c:CardHandle><f:ICCSN>80276000000000000001</f:ICCSN><f:subject_commonName>TEST-ONLY</f:subject_commonName><f:serialNumber>17</f:serialNumber><f:validity>2029-06-30</f:validity></f:CertificateExpiration>';
const info = (ref: string, content: string) =>
  `<g:X509DataInfo><g:CertRef>${ref}</g:CertRef>${content === '' ? '' : `<g:X509Data><g:X509Certificate>${content}</g:X509Certificate></g:X509Data>`}</g:X509DataInfo>`;
const list = (...infos: string[]) => `<g:X509DataInfoList>${infos.join('')}</g:X509DataInfoList>`;
const verdict = (result: string, more = '', roles = '<f:RoleList><f:Role>1.2.276.0.76.4.282</f:Role></f:RoleList>') =>
  `<f:VerificationStatus><f:VerificationResult>${result}</f:VerificationResult>${more}</f:VerificationStatus>${roles}`;
const SLOT = { ctId: 'CT1', slotId: 1 };
const REFS = ['C.AUT', 'C.ENC', 'C.SIG'] as const;
const subscription = `<e:Subscription>${id('s1')}<e:EventTo>cetp://h:1</e:EventTo><e:Topic>CARD</e:Topic></e:Subscription>`;
const filtered = subscription.replace('</e:Topic>', '</e:Topic><e:Filter>//x</e:Filter>').replace('>s1<', '>s2<');

type Case = [operation: string, message: string, act: (c: KonnektorClient) => Promise<unknown>, read: unknown];
const CASES: Case[] = [
  [
    'VerifyPin',
    pin('VerifyPin', rejected),
    (c) => verifyPin(c, 'h'),
    { result: 'REJECTED', leftTries: 2, warnings: [] },
  ],
  [
    'ChangePin',
    pin('ChangePin', '<m:PinResult>OK</m:PinResult>'),
    (c) => changePin(c, 'h'),
    { result: 'OK', leftTries: undefined, warnings: [] },
  ],
  [
    'UnblockPin',
    pin('UnblockPin', rejected.replace('>2<', '>9<')),
    (c) => unblockPin(c, 'h', { setNewPin: true }),
    { result: 'REJECTED', leftTries: 9, warnings: [] },
  ],
  [
    'Subscribe',
    answer('e:SubscribeResponse', id('s1')),
    (c) => subscribe(c, { eventTo: 'cetp://h:1', topic: 'CARD' }),
    { subscriptionId: 's1', terminationTime: AT },
  ],
  [
    'RenewSubscriptions',
    answer(
      'e:RenewSubscriptionsResponse',
      `<e:SubscribeRenewals><e:SubscriptionRenewal>${id('s1')}</e:SubscriptionRenewal></e:SubscribeRenewals>`,
    ),
    (c) => renewSubscriptions(c, ['s1', 's2']),
    [{ subscriptionId: 's1', terminationTime: AT }],
  ],
  ['Unsubscribe', answer('e:UnsubscribeResponse', ''), (c) => unsubscribe(c, { subscriptionId: 's1' }), undefined],
  [
    'GetSubscription',
    answer('e:GetSubscriptionResponse', `<e:Subscriptions>${subscription}${filtered}</e:Subscriptions>`),
    (c) => getSubscriptions(c, { mandantWide: true }),
    [
      { subscriptionId: 's1', terminationTime: AT, eventTo: 'cetp://h:1', topic: 'CARD' },
      { subscriptionId: 's2', terminationTime: AT, eventTo: 'cetp://h:1', topic: 'CARD', filter: '//x' },
    ],
  ],
  [
    'RequestCard',
    answer('t:RequestCardResponse', `<t:AlreadyInserted>true</t:AlreadyInserted>${card}`),
    (c) => requestCard(c, SLOT),
    { alreadyInserted: true, card: expect.objectContaining({ cardHandle: 'h1', cardType: 'SMC-B', slotId: 1 }) },
  ],
  ['EjectCard', answer('t:EjectCardResponse', ''), (c) => ejectCard(c, SLOT), undefined],
  [
    'CheckCertificateExpiration',
    answer('f:CheckCertificateExpirationResponse', expiration),
    (c) => checkCertificateExpiration(c, 'h1'),
    [
      {
        ctId: 'CT1',
        cardHandle: 'h1',
        iccsn: '80276000000000000001',
        commonName: 'TEST-ONLY',
        serialNumber: '17',
        validity: new Date('2029-06-30T00:00:00Z'),
      },
    ],
  ],
  [
    'VerifyCertificate',
    answer('f:VerifyCertificateResponse', verdict('INVALID', error(1, 1036))),
    (c) => verifyCertificate(c, Uint8Array.of(0x30, 0)),
    { result: 'INVALID', error: { code: '1036', text: 'text of 1036' }, roles: ['1.2.276.0.76.4.282'] },
  ],
  [
    'ReadCardCertificate',
    answer('f:ReadCardCertificateResponse', list(info('C.SIG', 'AQID'), info('C.AUT', 'BAUG'), info('C.ENC', ''))),
    (c) => readCardCertificates(c, 'h', REFS),
    new Map([
      ['C.AUT', Uint8Array.of(4, 5, 6)],
      ['C.SIG', Uint8Array.of(1, 2, 3)],
    ]),
  ],
];
const client = (operation: string, message: string) => new ScriptedKonnektor({ [operation]: message }).client();
const caseOf = (operation: string): Case => CASES.find(([name]) => name === operation) as Case;

describe('an answer is read the same', () => {
  const spelled = CASES.flatMap(([operation, message, act, read]) =>
    foreignSpellings(message).map(([spelling, text]) => ({ operation, spelling, text, act, read })),
  );
  test.each(spelled)('$operation with $spelling', async ({ operation, text, act, read }) => {
    expect(await act(client(operation, text))).toEqual(read);
  });
  test.each([
    ['VerifyPin', 2],
    ['UnblockPin', 9],
  ])('%s with LeftTries in the other namespace', async (operation, leftTries) => {
    const [, message, act] = caseOf(operation);
    const other = message.replace('<m:LeftTries>', '<d:LeftTries>').replace('</m:LeftTries>', '</d:LeftTries>');
    expect(await act(client(operation, other))).toMatchObject({ leftTries });
  });
  test.each(['VerifyPin', 'ChangePin', 'UnblockPin'])('%s with the word BLOCKED', async (operation) => {
    const [, message, act] = caseOf(operation);
    const blocked = message.replace(/PinResult>\w+</, 'PinResult>BLOCKED<');
    expect(await act(client(operation, blocked))).toMatchObject({ result: 'WASBLOCKED' });
  });
  test('ChangePin that nobody finished: the warning is kept', async () => {
    const message = pin('ChangePin', '<m:PinResult>ERROR</m:PinResult>').replace(
      '<c:Result>OK</c:Result>',
      `<c:Result>Warning</c:Result>${error(12000, 4043)}`,
    );
    const { result, warnings } = await changePin(client('ChangePin', message), 'h');
    expect([result, warnings.map(({ code }) => code)]).toEqual(['ERROR', ['12000', '4043']]);
  });
  test('what the schema leaves open may be missing', async () => {
    expect(await requestCard(client('RequestCard', answer('t:RequestCardResponse', '')), SLOT)).toEqual({
      alreadyInserted: false,
      card: undefined,
    });
    const none = answer('f:CheckCertificateExpirationResponse', '');
    expect(await checkCertificateExpiration(client('CheckCertificateExpiration', none))).toEqual([]);
    const roleless = answer('f:VerifyCertificateResponse', verdict('VALID', '', ''));
    expect(await verifyCertificate(client('VerifyCertificate', roleless), Uint8Array.of(0x30, 0))).toEqual({
      result: 'VALID',
      error: undefined,
      roles: [],
    });
    const nobody = answer('e:GetSubscriptionResponse', '<e:Subscriptions/>');
    expect(await getSubscriptions(client('GetSubscription', nobody), { mandantWide: false })).toEqual([]);
  });
  test.each([
    ['2026-01-16T08:30:00Z', '2026-01-16T08:30:00.000Z'],
    ['2026-01-16T09:30:00+01:00', '2026-01-16T08:30:00.000Z'],
    ['2026-01-16T08:30:00.123456Z', '2026-01-16T08:30:00.123Z'],
    // Without a zone: the earliest it can be in Germany, so that nothing is renewed too late.
    ['2026-01-16T08:30:00', '2026-01-16T06:30:00.000Z'],
  ])('a time written %s is %s', async (written, read) => {
    const message = answer('e:SubscribeResponse', id('s1', written));
    const { terminationTime } = await subscribe(client('Subscribe', message), { eventTo: 'cetp://h:1', topic: 'X' });
    expect(terminationTime.toISOString()).toBe(read);
  });
  test('a day with a zone begins there', async () => {
    const message = caseOf('CheckCertificateExpiration')[1].replace('2029-06-30', '2029-06-30+02:00');
    const [one] = await checkCertificateExpiration(client('CheckCertificateExpiration', message));
    expect(one?.validity.toISOString()).toBe('2029-06-29T22:00:00.000Z');
  });
});

describe('an answer that breaks the interface is refused', () => {
  const broken: [operation: string, what: string, from: string | RegExp, to: string][] = [
    ['VerifyPin', 'another operation', /d:VerifyPinResponse/g, 'd:ChangePinResponse'],
    ['VerifyPin', 'no result', /<m:PinResult>.*<\/m:PinResult>/, ''],
    ['ChangePin', 'an unknown result', '>OK</m:PinResult>', '>FINE</m:PinResult>'],
    ['ChangePin', 'a result of another namespace', /m:PinResult/g, 'd:PinResult'],
    ['UnblockPin', 'tries that are no number', '>9<', '>many<'],
    ['UnblockPin', 'negative tries', '>9<', '>-1<'],
    ['Subscribe', 'no ID', /<e:SubscriptionID>.*<\/e:SubscriptionID>/, ''],
    ['Subscribe', 'an empty ID', '>s1<', '><'],
    ['Subscribe', 'no end', /<e:TerminationTime>.*<\/e:TerminationTime>/, ''],
    ['Subscribe', 'an end that is no time', '2026-01-16T08:30:00.000Z', 'tomorrow'],
    ['Subscribe', 'an end on a day that does not exist', '2026-01-16T', '2026-02-30T'],
    ['Subscribe', 'an end at an hour that does not exist', 'T08:30', 'T28:30'],
    ['RenewSubscriptions', 'no list', /<e:SubscribeRenewals>.*<\/e:SubscribeRenewals>/, ''],
    ['RenewSubscriptions', 'a subscription nobody asked for', '>s1<', '>s9<'],
    ['GetSubscription', 'no list', /<e:Subscriptions>.*<\/e:Subscriptions>/, ''],
    ['GetSubscription', 'no address', '<e:EventTo>cetp://h:1</e:EventTo>', ''],
    ['GetSubscription', 'no topic', '<e:Topic>CARD</e:Topic>', ''],
    ['Unsubscribe', 'no status', /<c:Status>.*<\/c:Status>/, ''],
    ['RequestCard', 'neither true nor false', '>true<', '>yes<'],
    ['RequestCard', 'a card without a handle', '>h1<', '><'],
    ['EjectCard', 'the answer of RequestCard', /t:EjectCardResponse/g, 't:RequestCardResponse'],
    ['CheckCertificateExpiration', 'no day', '<f:validity>2029-06-30</f:validity>', ''],
    ['CheckCertificateExpiration', 'a day that does not exist', '2029-06-30', '2029-06-31'],
    ['CheckCertificateExpiration', 'no card', '<f:ICCSN>80276000000000000001</f:ICCSN>', ''],
    ['VerifyCertificate', 'an unknown verdict', '>INVALID<', '>MAYBE<'],
    ['VerifyCertificate', 'no verdict', /<f:VerificationStatus>.*<\/f:VerificationStatus>/, ''],
    ['ReadCardCertificate', 'one missing', info('C.ENC', ''), ''],
    ['ReadCardCertificate', 'one twice', info('C.ENC', ''), info('C.AUT', 'BAUG') + info('C.ENC', '')],
    ['ReadCardCertificate', 'bad base64', '>AQID<', '>AQ*D<'],
  ];
  test.each(broken)('%s: %s', async (operation, _what, from, to) => {
    const [, message, act] = caseOf(operation);
    const bad = message.replace(from, to);
    expect(bad).not.toBe(message);
    const thrown = await gatewayErrorOf(() => act(client(operation, bad)));
    expect(thrown.code).toBe('KONNEKTOR_ANSWER_INVALID');
    expect(thrown.message).toMatch(new RegExp(`^Konnektor k1: ${operation}: `));
    expect(thrown.message).not.toMatch(/80276|many|tomorrow/);
  });
});
