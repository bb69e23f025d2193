// A Konnektor of PTV6 may have CardService 8.2 alone (konnektor.md 2.2): the PIN's messages go out in its namespace with its
// SOAPAction, and answers of 8.2 are read; none of 8.1 is taken for one of 8.2.
import { describe, expect, test } from 'vitest';
import { changePin, getPinStatus, unblockPin, verifyPin } from '../../../../gateway/konnektor/card-service.ts';
import { requestCard } from '../../../../gateway/konnektor/card-terminal-service.ts';
import { getCards } from '../../../../gateway/konnektor/event-service.ts';
import type { KonnektorClient } from '../../../../gateway/konnektor/soap-client.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { cardsAnswer, envelope, pinAnswer, ScriptedKonnektor, SDS } from './scripted-konnektor.ts';

const NEW = 'http://ws.gematik.de/conn/CardService/v8.2';
const only82 = SDS.replace('Version="8.1.2"', 'Version="8.2.1"');
const to82 = (message: string) => message.replaceAll('CardService/v8.1', 'CardService/v8.2');
const entry = (operation: string, namespace = NEW) =>
  envelope(
    `<d:${operation}Response xmlns:d="${namespace}"><c:Status xmlns:c="http://ws.gematik.de/conn/ConnectorCommon/v5.0"><c:Result>OK</c:Result></c:Status><PinResult xmlns="http://ws.gematik.de/conn/CardServiceCommon/v2.0">REJECTED</PinResult><d:LeftTries>2</d:LeftTries></d:${operation}Response>`,
  );
const ACTS: [operation: string, act: (client: KonnektorClient) => Promise<unknown>][] = [
  ['VerifyPin', (client) => verifyPin(client, 'h')],
  ['ChangePin', (client) => changePin(client, 'h')],
  ['UnblockPin', (client) => unblockPin(client, 'h', { setNewPin: false })],
];

describe('CardService 8.2 alone', () => {
  test.each(ACTS)('%s speaks 8.2', async (operation, act) => {
    const konnektor = new ScriptedKonnektor({ 'connector.sds': only82, [operation]: entry(operation) });
    expect(await act(konnektor.client())).toMatchObject({ result: 'REJECTED', leftTries: 2 });
    const sent = konnektor.asked[1];
    expect(sent?.headers.SOAPAction).toBe(`"${NEW}#${operation}"`);
    expect(sent?.body).toContain(`xmlns:CARD="${NEW}"`);
    expect(sent?.body).not.toContain('v8.1');
  });
  test('GetPinStatus speaks 8.2', async () => {
    const konnektor = new ScriptedKonnektor({
      'connector.sds': only82,
      GetPinStatus: to82(pinAnswer('VERIFIABLE', 3)),
    });
    expect(await getPinStatus(konnektor.client(), 'h')).toEqual({ status: 'VERIFIABLE', leftTries: 3 });
    expect(konnektor.asked[1]?.headers.SOAPAction).toBe(`"${NEW}#GetPinStatus"`);
  });
  test.each(ACTS)('%s: an answer of 8.1 is refused', async (operation, act) => {
    const answer = entry(operation, NEW.replace('8.2', '8.1'));
    const konnektor = new ScriptedKonnektor({ 'connector.sds': only82, [operation]: answer });
    expect((await gatewayErrorOf(() => act(konnektor.client()))).code).toBe('KONNEKTOR_ANSWER_INVALID');
  });
});

test.each(ACTS)('%s: beside 8.1 an answer of 8.2 to a question of 8.1 is refused', async (operation, act) => {
  const konnektor = new ScriptedKonnektor({ [operation]: entry(operation) });
  expect((await gatewayErrorOf(() => act(konnektor.client()))).code).toBe('KONNEKTOR_ANSWER_INVALID');
});

describe('cards in the namespace of 8.2', () => {
  const cards = to82(cardsAnswer({ cardHandle: 'h1', iccsn: '80276000000000000001' }));
  const read = (message: string) =>
    getCards(new ScriptedKonnektor({ GetCards: message }).client(), { mandantWide: true });

  test('are read by GetCards and RequestCard', async () => {
    expect(await read(cards)).toMatchObject([{ cardHandle: 'h1', insertTime: '2026-01-15T07:30:00Z' }]);
    const card = /<d:Card>.*<\/d:Card>/.exec(cards)?.[0].replace('<d:Card>', `<d:Card xmlns:d="${NEW}">`) ?? '';
    const answer = envelope(
      `<t:RequestCardResponse xmlns:t="http://ws.gematik.de/conn/CardTerminalService/v1.1"><c:Status xmlns:c="http://ws.gematik.de/conn/ConnectorCommon/v5.0"><c:Result>OK</c:Result></c:Status>${card}</t:RequestCardResponse>`,
    );
    const client = new ScriptedKonnektor({ RequestCard: answer }).client();
    expect((await requestCard(client, { ctId: 'CT1', slotId: 1 })).card?.cardHandle).toBe('h1');
  });
  test('of a version that nobody knows are refused', async () => {
    expect((await gatewayErrorOf(() => read(cards.replaceAll('v8.2', 'v8.3')))).code).toBe('KONNEKTOR_ANSWER_INVALID');
  });
});
