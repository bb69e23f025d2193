// The official sample answers are read right, and answers that break the interface are refused by name: truncated, of
// another namespace, with missing elements, unknown words, bad base64.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { externalAuthenticate } from '../../../../gateway/konnektor/auth-signature-service.ts';
import { getPinStatus, verifyPin } from '../../../../gateway/konnektor/card-service.ts';
import { readCardCertificate } from '../../../../gateway/konnektor/certificate-service.ts';
import { getCards, getCardTerminals, getResourceInformation } from '../../../../gateway/konnektor/event-service.ts';
import type { LogFields, Logger } from '../../../../gateway/log.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';
import {
  cardsAnswer,
  certificateAnswer,
  envelope,
  fault,
  pinAnswer,
  ScriptedKonnektor,
  signatureAnswer,
  terminalsAnswer,
} from './scripted-konnektor.ts';

const HASH = new Uint8Array(32);
const all = { mandantWide: true, cardType: 'SM-B' };
const answering = (operation: string, body: string | { status: number; body: string }) =>
  new ScriptedKonnektor({ [operation]: body }).client();

describeWithSchemas('the official samples', (dir) => {
  const sample = (file: string) => readFileSync(join(dir, 'schemas/konnektor/samples', file), 'utf8');
  const wrapped = (file: string) => envelope(sample(file).replace(/^<\?xml[^>]*>\s*/, ''));

  test('GetCardsResponse in its envelope: SMC-B and SMC-KT with all we use', async () => {
    const cards = await getCards(answering('GetCards', sample('envelopes/GetCardsResponse.xml')), all);
    expect(cards).toEqual([
      {
        cardHandle: '5f0c6a1e-smcb-0001',
        cardType: 'SMC-B',
        iccsn: '80276883110000012345',
        ctId: 'CT_ID_0041',
        slotId: 1,
        insertTime: '2026-01-15T07:30:00.000+01:00',
        cardHolderName: 'Muster DiGA GmbH TEST-ONLY',
        certificateExpirationDate: '2029-06-30',
      },
      expect.objectContaining({ cardType: 'SMC-KT', slotId: 4, cardHolderName: undefined }),
    ]);
  });
  test('GetCardsResponse without a card is an empty list, with an HSM-B one card', async () => {
    expect(await getCards(answering('GetCards', wrapped('EventService/GetCardsResponse_empty.xml')), all)).toEqual([]);
    const [hsm] = await getCards(answering('GetCards', wrapped('EventService/GetCardsResponse_hsmb.xml')), all);
    expect(hsm).toMatchObject({ cardType: 'HSM-B', ctId: 'HSM_VKT_01' });
  });
  test('GetCardTerminalsResponse', async () => {
    const answer = wrapped('EventService/GetCardTerminalsResponse.xml');
    expect(await getCardTerminals(answering('GetCardTerminals', answer), true)).toEqual([
      {
        ctId: 'CT_ID_0041',
        name: 'KT-Empfang',
        workplaceIds: ['WP1'],
        macAddress: '00-0D-F8-05-2D-9C',
        slots: 4,
        isPhysical: true,
        connected: true,
      },
    ]);
  });
  test('GetResourceInformationResponse of the Konnektor and of a card', async () => {
    const read = (file: string) =>
      getResourceInformation(answering('GetResourceInformation', wrapped(`EventService/${file}`)));
    const { connector, card } = await read('GetResourceInformationResponse_connector.xml');
    expect(card).toBeUndefined();
    expect([connector?.vpnTi.online, connector?.vpnSis.online]).toEqual([true, false]);
    expect(connector?.errorStates.map(({ condition, value }) => [condition, value])).toEqual([
      ['EC_No_VPN_TI_Connection', false],
      ['EC_CardTerminal_Not_Available(CT_ID_0041)', false],
    ]);
    expect((await read('GetResourceInformationResponse_card.xml')).card?.iccsn).toBe('80276883110000012345');
  });
  test.each(['VERIFIED', 'VERIFIABLE', 'BLOCKED', 'TRANSPORT_PIN', 'EMPTY_PIN'])(
    'GetPinStatusResponse %s',
    async (status) => {
      const answer = wrapped(`CardService_v8_1_3/GetPinStatusResponse_${status}.xml`);
      expect((await getPinStatus(answering('GetPinStatus', answer), 'h')).status).toBe(status);
    },
  );
  test('LeftTries of GetPinStatus and of VerifyPin, which stand in two namespaces', async () => {
    const status = answering('GetPinStatus', wrapped('CardService_v8_1_3/GetPinStatusResponse_VERIFIABLE.xml'));
    expect((await getPinStatus(status, 'h')).leftTries).toBe(3);
    const rejected = answering('VerifyPin', wrapped('CardService_v8_1_3/VerifyPinResponse_REJECTED.xml'));
    expect(await verifyPin(rejected, 'h')).toEqual({ result: 'REJECTED', leftTries: 2, warnings: [] });
  });
  test.each([
    ['OK', 'OK', []],
    ['NOWBLOCKED', 'NOWBLOCKED', []],
    ['Warning4043', 'ERROR', [{ code: '4043', text: 'Timeout bei der PIN-Eingabe' }]],
  ])('VerifyPinResponse %s', async (file, result, warnings) => {
    const answer = wrapped(`CardService_v8_1_3/VerifyPinResponse_${file}.xml`);
    expect(await verifyPin(answering('VerifyPin', answer), 'h')).toMatchObject({ result, warnings });
  });
  test('ReadCardCertificateResponse and ExternalAuthenticateResponse', async () => {
    const certificate = wrapped('CertificateService_v6_0_2/ReadCardCertificateResponse.xml');
    const der = await readCardCertificate(answering('ReadCardCertificate', certificate), 'h');
    expect(der?.subarray(0, 4)).toEqual(Uint8Array.of(0x30, 0x82, 0x02, 0x04));
    const signature = wrapped('SignatureService/ExternalAuthenticateResponse_ecdsa.xml');
    const bytes = await externalAuthenticate(answering('ExternalAuthenticate', signature), 'h', HASH);
    expect([bytes[0], bytes.length]).toEqual([0x30, 70]);
  });
  test('the faults, with their code and text kept', async () => {
    const error = await gatewayErrorOf(() =>
      externalAuthenticate(
        answering('ExternalAuthenticate', { status: 500, body: sample('envelopes/Fault_4085.xml') }),
        'h',
        HASH,
      ),
    );
    expect(error.code).toBe('SMCB_PIN_NOT_VERIFIED');
    expect(error.foreign).toEqual({
      code: '4085',
      text: 'Zugriffsbedingungen nicht erfuellt',
      trace: [{ code: '4085', text: 'Zugriffsbedingungen nicht erfuellt' }],
      status: 500,
    });
    const other = answering('GetCards', { status: 500, body: sample('envelopes/Fault_4101.xml') });
    expect((await gatewayErrorOf(() => getCards(other, all))).code).toBe('SMCB_NOT_FOUND');
  });
});

describe('the same message in other clothes', () => {
  const good = cardsAnswer({ cardHandle: 'h1', iccsn: '80276000000000000001' });

  test.each([
    ['a byte order mark', (body: string) => `\uFEFF${body}`],
    ['line breaks between elements', (body: string) => body.replaceAll('><', '>\r\n  <')],
    [
      'xsi:schemaLocation on the answer',
      (body: string) =>
        body.replace(
          '<e:GetCardsResponse ',
          '<e:GetCardsResponse xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b" ',
        ),
    ],
    ['a Header', (body: string) => body.replace('<S:Body>', '<S:Header><h xmlns="urn:x"/></S:Header><S:Body>')],
    [
      'a card type we do not know beside ours',
      (body: string) => body.replace('</d:Cards>', `${unknownCard}</d:Cards>`),
    ],
  ])('%s changes nothing', async (_name, dress) => {
    const dressed = dress(good);
    expect(dressed).not.toBe(good);
    expect((await getCards(answering('GetCards', dressed), all))[0]).toMatchObject({
      cardHandle: 'h1',
      cardType: 'SMC-B',
    });
  });
  const unknownCard = /<d:Card>.*<\/d:Card>/.exec(cardsAnswer({ cardHandle: 'u', cardType: 'UNKNOWN' }))?.[0];
});

describe('an answer that breaks the interface', () => {
  const cards = cardsAnswer({ cardHandle: 'h1', iccsn: '80276000000000000001' });
  const getThem = (body: string | { status: number; body: string }) => () => getCards(answering('GetCards', body), all);
  const codeOf = async (act: () => unknown) => (await gatewayErrorOf(act)).code;

  test.each([
    ['truncated XML', cards.slice(0, -20)],
    ['nothing', ''],
    ['an HTML page with 200', '<html><body>It works!</body></html>'],
    ['no XML', 'Internal error'],
    ['a DTD', cards.replace('?>', '?><!DOCTYPE S:Envelope [<!ENTITY a "b">]>')],
    ['another encoding', cards.replace('UTF-8', 'ISO-8859-1')],
    ['another service version', cards.replace('EventService/v7.2', 'EventService/v7.1')],
    ['the answer of another operation', terminalsAnswer()],
    ['cards of another schema', cards.replace('CardService/v8.1', 'CardService/v8.0')],
    ['no Status', cards.replace(/<c:Status.*<\/c:Status>/, '')],
    ['an unknown Result', cards.replace('<c:Result>OK', '<c:Result>ERROR')],
    ['no Cards', cards.replace(/<d:Cards .*<\/d:Cards>/, '')],
    ['a card without handle', cards.replace(/<c:CardHandle .*<\/c:CardHandle>/, '')],
    ['a card with an empty handle', cards.replace('>h1<', '><')],
    ['a card without type', cards.replace(/<CardType .*<\/CardType>/, '')],
    ['a slot that is no number', cards.replace('>1</SlotId>', '>one</SlotId>')],
    [
      'a SOAP 1.2 envelope',
      cards.replace('http://schemas.xmlsoap.org/soap/envelope/', 'http://www.w3.org/2003/05/soap-envelope'),
    ],
    ['two elements in the Body', cards.replace('</S:Body>', '<x/></S:Body>')],
    ['an empty Body', envelope('')],
  ])('%s is KONNEKTOR_ANSWER_INVALID, named by Konnektor and operation', async (_name, body) => {
    const error = await gatewayErrorOf(getThem(body));
    expect(error.code).toBe('KONNEKTOR_ANSWER_INVALID');
    expect(error.message).toMatch(/^Konnektor k1: GetCards: /);
    expect(error.message).not.toMatch(/80276|It works|Internal error/);
  });
  test.each([
    [503, '<html>busy</html>', 'KONNEKTOR_UNREACHABLE'],
    [500, 'truncated', 'KONNEKTOR_UNREACHABLE'],
    [404, '<html>not here</html>', 'KONNEKTOR_ANSWER_INVALID'],
    [401, '', 'KONNEKTOR_CONTEXT_REFUSED'],
    [403, '<html>no</html>', 'KONNEKTOR_CONTEXT_REFUSED'],
    [302, '', 'KONNEKTOR_ANSWER_INVALID'],
    [500, cards, 'KONNEKTOR_UNREACHABLE'],
  ])('HTTP %i with no message of ours is %s', async (status, body, code) => {
    const error = await gatewayErrorOf(getThem({ status, body }));
    expect([error.code, error.foreign?.status]).toEqual([code, status]);
  });
  test('a fault is found whatever the HTTP status is', async () => {
    for (const status of [200, 202, 400, 500])
      expect(await codeOf(getThem({ ...fault(4004), status }))).toBe('KONNEKTOR_CONTEXT_REFUSED');
  });
  test('terminals: a Connected that is neither true nor false', async () => {
    const body = terminalsAnswer({ ctId: 'CT1' }).replace('<t:Connected>true', '<t:Connected>yes');
    expect(await codeOf(() => getCardTerminals(answering('GetCardTerminals', body), true))).toBe(
      'KONNEKTOR_ANSWER_INVALID',
    );
  });
  test.each([
    ['an unknown status', pinAnswer('OPEN')],
    ['no status', pinAnswer('VERIFIED').replace(/<d:PinStatus>.*<\/d:PinStatus>/, '')],
    ['tries that are no number', pinAnswer('VERIFIABLE', Number.NaN)],
  ])('PIN: %s', async (_name, body) => {
    expect(await codeOf(() => getPinStatus(answering('GetPinStatus', body), 'h'))).toBe('KONNEKTOR_ANSWER_INVALID');
  });
  test('PIN: a result BLOCKED, which the schema does not have, is read as WASBLOCKED; any other word is refused', async () => {
    const result = (word: string) =>
      envelope(
        `<d:VerifyPinResponse xmlns:d="http://ws.gematik.de/conn/CardService/v8.1"><c:Status xmlns:c="http://ws.gematik.de/conn/ConnectorCommon/v5.0"><c:Result>OK</c:Result></c:Status><PinResult xmlns="http://ws.gematik.de/conn/CardServiceCommon/v2.0">${word}</PinResult></d:VerifyPinResponse>`,
      );
    expect((await verifyPin(answering('VerifyPin', result('BLOCKED')), 'h')).result).toBe('WASBLOCKED');
    expect(await codeOf(() => verifyPin(answering('VerifyPin', result('FINE')), 'h'))).toBe('KONNEKTOR_ANSWER_INVALID');
  });
});

describe('a certificate', () => {
  const read = (body: string) => readCardCertificate(answering('ReadCardCertificate', body), 'h');
  const der = Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x05);

  test('that the card does not have is undefined, no error', async () => {
    expect(await read(certificateAnswer(null))).toBeUndefined();
  });
  test('may be broken into lines', async () => {
    expect(await read(certificateAnswer(der).replace('MAMC', '\r\n MA\tMC\n'))).toEqual(der);
  });
  test.each([
    ['bad base64', certificateAnswer(der).replace('MAMCAQU=', 'MAMC*QU=')],
    ['base64 without padding', certificateAnswer(der).replace('MAMCAQU=', 'MAMCAQU')],
    ['an empty certificate', certificateAnswer(new Uint8Array(0))],
    ['another certificate than asked for', certificateAnswer(der).replace('C.AUT', 'C.ENC')],
    ['two of them', certificateAnswer(der).replace(/(<m:X509DataInfo>.*<\/m:X509DataInfo>)/, '$1$1')],
    [
      'X509Data without a certificate',
      certificateAnswer(der).replace(/<m:X509Certificate>.*<\/m:X509Certificate>/, ''),
    ],
  ])('is refused with %s', async (_name, body) => {
    expect((await gatewayErrorOf(() => read(body))).code).toBe('KONNEKTOR_ANSWER_INVALID');
  });
});

describe('a signature', () => {
  test.each([
    ['bad base64', signatureAnswer('####')],
    ['no value', signatureAnswer('')],
    ['no SignatureObject', signatureAnswer('AAAA').replace(/<s:SignatureObject.*<\/s:SignatureObject>/, '')],
  ])('is refused with %s', async (_name, body) => {
    const act = () => externalAuthenticate(answering('ExternalAuthenticate', body), 'h', HASH);
    expect((await gatewayErrorOf(act)).code).toBe('KONNEKTOR_ANSWER_INVALID');
  });
  test('of another Type is only a warning in the log: the signature itself is judged later', async () => {
    const lines: [string, LogFields | undefined][] = [];
    const none = () => {};
    const log: Logger = { debug: none, info: none, error: none, warn: (event, fields) => lines.push([event, fields]) };
    const konnektor = new ScriptedKonnektor({ ExternalAuthenticate: signatureAnswer('AQID', 'urn:ietf:rfc:3447') });
    expect(await externalAuthenticate(konnektor.client({}, log), 'h', HASH)).toEqual(Uint8Array.of(1, 2, 3));
    expect(lines).toEqual([
      ['konnektor warning', { konnektor: 'k1', step: 'ExternalAuthenticate', code: 'signature-type' }],
    ]);
  });
});
