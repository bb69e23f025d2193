// Reading connector.sds (konnektor.md section 6): what is refused, and when it is read anew (KON-01).
import { describe, expect, test } from 'vitest';
import { verifyPin } from '../../../../gateway/konnektor/card-service.ts';
import { readConnectorServices } from '../../../../gateway/konnektor/directory.ts';
import { getCards, getCardTerminals } from '../../../../gateway/konnektor/event-service.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { codeOf } from '../../../support/wire-error.ts';
import {
  cardsAnswer,
  directoryOf,
  LAN,
  recordingLog,
  ScriptedKonnektor,
  SDS,
  terminalsAnswer,
} from './scripted-konnektor.ts';

describe('a directory that is refused', () => {
  test.each([
    ['another root', SDS.replaceAll('ConnectorServices', 'Services')],
    ['another version of the schema', SDS.replace('ServiceDirectory/v3.1', 'ServiceDirectory/v3.0')],
    ['a TLSMandatory that is no boolean', SDS.replace('<TLSMandatory>true', '<TLSMandatory>maybe')],
  ])('for %s', async (_name, sds) => {
    expect((await gatewayErrorOf(() => readConnectorServices(sds))).code).toBe('KONNEKTOR_ANSWER_INVALID');
  });
  test.each([
    [
      'no ProductInformation',
      SDS.replace(/<p:ProductInformation.*<\/p:ProductInformation>/, ''),
      'XML_ELEMENT_MISSING',
    ],
    [
      'no ServiceInformation',
      SDS.replace(/<i:ServiceInformation.*<\/i:ServiceInformation>/, ''),
      'XML_ELEMENT_MISSING',
    ],
    ['no ClientAutMandatory', SDS.replace('<ClientAutMandatory>true</ClientAutMandatory>', ''), 'XML_ELEMENT_MISSING'],
    ['being cut off', SDS.slice(0, -30), 'XML_MALFORMED'],
    ['a DTD', SDS.replace('?>', '?><!DOCTYPE a>'), 'XML_DOCTYPE'],
  ])('for %s', (_name, sds, code) => expect(codeOf(() => readConnectorServices(sds))).toBe(code));
  test('when a call finds no service in it, and says by which Konnektor', async () => {
    const konnektor = new ScriptedKonnektor({ 'connector.sds': directoryOf({}) });
    const error = await gatewayErrorOf(() => getCards(konnektor.client(), { mandantWide: true }));
    expect(error.code).toBe('KONNEKTOR_SERVICE_MISSING');
    expect(error.message).toMatch(/^Konnektor k1: connector.sds: lists no EventService 7.2/);
  });
  test('and says by which Konnektor', async () => {
    const konnektor = new ScriptedKonnektor({ 'connector.sds': '<html/>' });
    const error = await gatewayErrorOf(() => konnektor.client().directory.services());
    expect([error.code, error.message]).toEqual([
      'KONNEKTOR_ANSWER_INVALID',
      'Konnektor k1: connector.sds: not a ConnectorServices v3.1',
    ]);
  });
});

describe('reading it', () => {
  const all = { mandantWide: true };

  test('happens once, however many calls start together', async () => {
    const konnektor = new ScriptedKonnektor({ GetCards: cardsAnswer(), GetCardTerminals: terminalsAnswer() });
    const client = konnektor.client();
    await Promise.all([getCards(client, all), getCards(client, all), getCardTerminals(client, true)]);
    await getCards(client, all);
    expect([konnektor.count('connector.sds'), konnektor.count('GetCards')]).toEqual([1, 3]);
  });
  test('lies below the base address, whatever slash it ends with', async () => {
    const konnektor = new ScriptedKonnektor({});
    await konnektor.client({ url: 'https://proxy.test/k7/' }).directory.services();
    expect(konnektor.asked[0]?.url).toBe('https://proxy.test/k7/connector.sds');
  });
  test('is tried again by the next call after a failure', async () => {
    const konnektor = new ScriptedKonnektor({ 'connector.sds': ['UNREACHABLE', SDS], GetCards: cardsAnswer() });
    const client = konnektor.client();
    expect((await gatewayErrorOf(() => getCards(client, all))).code).toBe('KONNEKTOR_UNREACHABLE');
    expect(await getCards(client, all)).toEqual([]);
  });
  test.each(['UNREACHABLE', 'TIMEOUT'] as const)('happens anew after %s, with the next call', async (failure) => {
    const konnektor = new ScriptedKonnektor({ GetCards: [failure, cardsAnswer()] });
    const client = konnektor.client();
    expect((await gatewayErrorOf(() => getCards(client, all))).code).toBe('KONNEKTOR_UNREACHABLE');
    expect([konnektor.count('connector.sds'), konnektor.count('GetCards')]).toEqual([1, 1]);
    await getCards(client, all);
    expect(konnektor.count('connector.sds')).toBe(2);
  });
  test('happens anew at once after a broken connection, and the call is repeated once at its new place (KON-01)', async () => {
    const moved = directoryOf({ EventService: [{ version: '7.2.0', tls: `${LAN}/new/EventService` }] });
    const konnektor = new ScriptedKonnektor({ 'connector.sds': [SDS, moved], GetCards: ['RESET', cardsAnswer()] });
    expect(await getCards(konnektor.client(), all)).toEqual([]);
    expect(konnektor.asked.map(({ url }) => new URL(url).pathname)).toEqual([
      '/connector.sds',
      '/ws/EventService',
      '/connector.sds',
      '/new/EventService',
    ]);
  });
  test.each([404])(
    'where a service has moved without a lost connection (HTTP %i): read again, asked there once',
    async (status) => {
      const moved = SDS.replaceAll('/ws/EventService', '/elsewhere/EventService');
      expect(moved).not.toBe(SDS);
      const gone = { status, body: '<html>not here</html>' };
      const konnektor = new ScriptedKonnektor({ 'connector.sds': [SDS, moved], GetCards: [gone, cardsAnswer()] });
      expect(await getCards(konnektor.client(), { mandantWide: true })).toEqual([]);
      expect(
        konnektor.asked.filter((one) => one.operation === 'GetCards').map((one) => new URL(one.url).pathname),
      ).toEqual(['/ws/EventService', '/elsewhere/EventService']);
    },
  );
  test('a service that is not where the new directory says either is an answer that breaks the interface, asked twice only', async () => {
    const konnektor = new ScriptedKonnektor({ GetCards: { status: 404, body: '' } });
    await expect(getCards(konnektor.client(), { mandantWide: true })).rejects.toMatchObject({
      code: 'KONNEKTOR_ANSWER_INVALID',
    });
    expect([konnektor.count('GetCards'), konnektor.count('connector.sds')]).toEqual([2, 2]);
  });
  test('a connection that breaks twice is given up', async () => {
    const konnektor = new ScriptedKonnektor({ GetCards: 'RESET' });
    expect((await gatewayErrorOf(() => getCards(konnektor.client(), all))).code).toBe('KONNEKTOR_UNREACHABLE');
    expect(konnektor.count('GetCards')).toBe(2);
  });
  test('VerifyPin is never repeated: each time it prompts a person and may burn a try', async () => {
    const konnektor = new ScriptedKonnektor({ VerifyPin: 'RESET' });
    expect((await gatewayErrorOf(() => verifyPin(konnektor.client(), 'h'))).code).toBe('KONNEKTOR_UNREACHABLE');
    expect(konnektor.count('VerifyPin')).toBe(1);
  });
});

describe('what is missing in it', () => {
  const all = { mandantWide: true };
  const old = SDS.replace('Version="8.1.2"', 'Version="8.0.3"').replace('Version="7.4.1"', 'Version="7.3.0"');

  test('is said in the log when it is first read, once, whatever was asked (TIP1-A_4968)', async () => {
    const { log, lines } = recordingLog();
    const konnektor = new ScriptedKonnektor({ 'connector.sds': old, GetCards: ['TIMEOUT', cardsAnswer()] });
    const client = konnektor.client({}, log);
    await gatewayErrorOf(() => getCards(client, all));
    await getCards(client, all);
    expect(konnektor.count('connector.sds')).toBe(2);
    const said = lines.filter(({ event }) => event === 'konnektor service missing');
    expect(said.map(({ fields }) => fields)).toEqual([
      {
        konnektor: 'k1',
        code: 'KONNEKTOR_SERVICE_MISSING',
        reason: 'lists no CardService 8.1.x from 8.1.0 on or 8.2.x from 8.2.0 on; of it there is 8.0.3',
      },
      {
        konnektor: 'k1',
        code: 'KONNEKTOR_SERVICE_MISSING',
        reason: 'lists no AuthSignatureService 7.4.x from 7.4.0 on; of it there is 7.3.0',
      },
    ]);
  });
  test('is not said of one that has everything', async () => {
    const { log, lines } = recordingLog();
    await new ScriptedKonnektor({ GetCards: cardsAnswer() }).client({}, log).directory.services();
    expect(lines).toEqual([]);
  });
});
