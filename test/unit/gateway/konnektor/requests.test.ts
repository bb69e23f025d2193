import { afterAll, describe, expect, test } from 'vitest';
import {
  externalAuthenticate,
  externalAuthenticateRequest,
} from '../../../../gateway/konnektor/auth-signature-service.ts';
import { getPinStatus, pinRequest, verifyPin } from '../../../../gateway/konnektor/card-service.ts';
import { readCardCertificate, readCardCertificateRequest } from '../../../../gateway/konnektor/certificate-service.ts';
import {
  getCards,
  getCardsRequest,
  getCardTerminals,
  getCardTerminalsRequest,
  getResourceInformation,
  getResourceInformationRequest,
} from '../../../../gateway/konnektor/event-service.ts';
import { parseXml, serialize } from '../../../../wire/xml.ts';
import { XsdJudge } from '../../../conformance/xsd.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';
import { type OfficialRequest, testOfficialRequests } from './official-requests.ts';
import { ACCESS, ScriptedKonnektor } from './scripted-konnektor.ts';

const client = new ScriptedKonnektor({}).client();
const context = client.context();
const HANDLE = '5f0c6a1e-smcb-0001';
const HASH = Buffer.from('ryvb4aqbbsHireHWlPQfxxqDHQJo6YkVYhE9imKt0b8=', 'base64');

const REQUESTS: OfficialRequest[] = [
  [
    'GetCards over the Mandant',
    getCardsRequest(context, { mandantWide: true, cardType: 'SM-B' }),
    'EventService/GetCards.xml',
  ],
  [
    'GetCards of a slot',
    getCardsRequest(context, { mandantWide: false, ctId: 'CT_ID_0041', slotId: 1, cardType: 'SMC-B' }),
    null,
  ],
  ['GetCardTerminals', getCardTerminalsRequest(context, false), 'EventService/GetCardTerminals.xml'],
  ['GetResourceInformation', getResourceInformationRequest(context, {}), 'EventService/GetResourceInformation.xml'],
  [
    'GetResourceInformation of a card',
    getResourceInformationRequest(context, { cardHandle: HANDLE }),
    'EventService/GetResourceInformation_card.xml',
  ],
  [
    'GetResourceInformation with everything',
    getResourceInformationRequest(context, {
      ctId: 'CT',
      slotId: 2,
      iccsn: '80276883110000012345',
      cardHandle: HANDLE,
    }),
    null,
  ],
  ['GetPinStatus', pinRequest('GetPinStatus', { context, cardHandle: HANDLE }), 'CardService_v8_1_3/GetPinStatus.xml'],
  ['VerifyPin', pinRequest('VerifyPin', { context, cardHandle: HANDLE }), 'CardService_v8_1_3/VerifyPin.xml'],
  [
    'ReadCardCertificate',
    readCardCertificateRequest(context, HANDLE),
    'CertificateService_v6_0_2/ReadCardCertificate.xml',
  ],
  [
    'ExternalAuthenticate',
    externalAuthenticateRequest(context, HANDLE, HASH),
    'SignatureService/ExternalAuthenticate_ecdsa.xml',
  ],
];

describeWithSchemas('by the official files', (dir) => {
  const judge = new XsdJudge(dir);
  afterAll(() => judge.dispose());

  testOfficialRequests(REQUESTS, dir, judge);
  test('a context with UserId is valid', () => {
    const withUser = new ScriptedKonnektor({}).client({ userId: 'admin' }).context();
    expect(judge.judge(serialize(getCardTerminalsRequest(withUser, true))).faults).toEqual([]);
  });
  test('the judge would notice the order: the handle behind the context is refused where it must stand before', () => {
    const swapped = serialize(readCardCertificateRequest(context, HANDLE)).replace(
      /(<CONN:CardHandle>.*<\/CONN:CardHandle>)(<CCTX:Context>.*<\/CCTX:Context>)/,
      '$2$1',
    );
    expect(judge.judge(swapped).faults).not.toEqual([]);
  });
});

describe('the context', () => {
  test('is what the settings of this Konnektor say, each up to 64 characters (KON-02)', () => {
    const long = 'M'.repeat(64);
    const access = { mandant: long, clientSystem: 'C-1', workplace: 'W_1', userId: 'admin' };
    const { children } = parseXml(
      serialize(getCardTerminalsRequest(new ScriptedKonnektor({}).client(access).context(), true)),
    );
    expect(children[0]?.children.map(({ name, text }) => [name, text])).toEqual([
      ['MandantId', long],
      ['ClientSystemId', 'C-1'],
      ['WorkplaceId', 'W_1'],
      ['UserId', 'admin'],
    ]);
  });
  test('holds no UserId when there is none, and none that is empty', () => {
    for (const userId of [undefined, ''])
      expect(new ScriptedKonnektor({}).client({ userId }).context().markup).not.toContain('UserId');
  });
  test('escapes what a setting holds', () => {
    expect(new ScriptedKonnektor({}).client({ mandant: 'a<b&c' }).context().markup).toContain('a&lt;b&amp;c');
  });
});

describe('on the way', () => {
  const calls: [
    operation: string,
    service: string,
    namespace: string,
    timeoutMs: number,
    act: (k: ScriptedKonnektor) => unknown,
  ][] = [
    [
      'GetCards',
      'EventService',
      'http://ws.gematik.de/conn/EventService/v7.2',
      5_000,
      (k) => getCards(k.client(), { mandantWide: true }),
    ],
    [
      'GetCardTerminals',
      'EventService',
      'http://ws.gematik.de/conn/EventService/v7.2',
      5_000,
      (k) => getCardTerminals(k.client(), true),
    ],
    [
      'GetResourceInformation',
      'EventService',
      'http://ws.gematik.de/conn/EventService/v7.2',
      5_000,
      (k) => getResourceInformation(k.client()),
    ],
    [
      'GetPinStatus',
      'CardService',
      'http://ws.gematik.de/conn/CardService/v8.1',
      30_000,
      (k) => getPinStatus(k.client(), HANDLE),
    ],
    [
      'VerifyPin',
      'CardService',
      'http://ws.gematik.de/conn/CardService/v8.1',
      90_000,
      (k) => verifyPin(k.client(), HANDLE),
    ],
    [
      'ReadCardCertificate',
      'CertificateService',
      'http://ws.gematik.de/conn/CertificateService/v6.0',
      30_000,
      (k) => readCardCertificate(k.client(), HANDLE),
    ],
    [
      'ExternalAuthenticate',
      'AuthSignatureService',
      'http://ws.gematik.de/conn/SignatureService/v7.4',
      30_000,
      (k) => externalAuthenticate(k.client(), HANDLE, HASH),
    ],
  ];

  test.each(calls)(
    '%s goes to its endpoint with its SOAPAction, UTF-8 and its time limit',
    async (operation, service, namespace, timeoutMs, act) => {
      const konnektor = new ScriptedKonnektor({ [operation]: 'TIMEOUT' });
      // Where a card is asked, its silence says nothing of the Konnektor (KON-11).
      const ofCard = /^(GetPinStatus|ReadCardCertificate|ExternalAuthenticate)$/.test(operation);
      expect((await gatewayErrorOf(() => act(konnektor))).code).toBe(
        ofCard ? 'SMCB_ACCESS_FAILED' : 'KONNEKTOR_UNREACHABLE',
      );
      const [directory, call] = konnektor.asked;
      expect(directory?.url).toBe(`${ACCESS.url}/connector.sds`);
      expect(call).toMatchObject({
        operation,
        url: `${ACCESS.url}/ws/${service}`,
        headers: { 'Content-Type': 'text/xml; charset=utf-8', SOAPAction: `"${namespace}#${operation}"` },
        timeoutMs,
      });
      const sent = parseXml(call?.body ?? '');
      expect([sent.ns, sent.name]).toEqual(['http://schemas.xmlsoap.org/soap/envelope/', 'Envelope']);
    },
  );
  test('a hash that is not SHA-256 is not sent: its length would choose another algorithm', async () => {
    const konnektor = new ScriptedKonnektor({ ExternalAuthenticate: 'TIMEOUT' });
    for (const length of [0, 20, 31, 33, 64]) {
      const act = () => externalAuthenticate(konnektor.client(), HANDLE, new Uint8Array(length));
      expect((await gatewayErrorOf(act)).code).toBe('INTERNAL');
    }
    expect(konnektor.asked).toEqual([]);
  });
});
