// An outside judge of the simulated Konnektor (style.md B3): the official XSDs validate every request, answer and fault of every
// operation. npm soap with the official WSDLs is the other one, in official-wsdls.test.ts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setConnected, setInserted, setPinStatus } from '../../../../connector-sim/konnektor/cards.ts';
import { CARD_82 } from '../../../../connector-sim/konnektor/manners.ts';
import { KONNEKTOR_ERRORS } from '../../../../connector-sim/tables/konnektor-errors.ts';
import { KONNEKTOR_VENDORS, type KonnektorVendor } from '../../../../connector-sim/tables/konnektor-profiles.ts';
import { XsdJudge } from '../../../conformance/xsd.ts';
import {
  BENCH_OPERATIONS,
  type BenchAnswer,
  type BenchOperation,
  context,
  findText,
  type KonnektorBench,
  startKonnektorBench,
} from '../../../support/konnektor-bench.ts';
import { EVENT_TO, messageOf, slotOf } from '../../../support/konnektor-messages.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';

const BODY = "/*[local-name()='Envelope']/*[local-name()='Body']/*";
const DETAIL = "//*[local-name()='detail']/*";

/** Under the vendor the seed drew, and under every one fixed by name; the default world's SMC-B stays, as with PATCH. */
const VENDORS = [undefined, ...KONNEKTOR_VENDORS];

describeWithSchemas('every message of the simulated Konnektor by the official files', (dir) => {
  for (const vendor of VENDORS) describe(`vendor: ${vendor ?? 'drawn by seed'}`, () => judgeVendor(dir, vendor));
});

function judgeVendor(dir: string, vendor: KonnektorVendor | undefined): void {
  let bench: KonnektorBench;
  let judge: XsdJudge;
  beforeAll(async () => {
    bench = await startKonnektorBench();
    bench.world.konnektor.vendor = vendor;
    judge = new XsdJudge(dir);
  });
  afterAll(async () => {
    judge.dispose();
    await bench.stop();
  });

  const card = () => {
    const found = bench.world.konnektor.cards.get(bench.pki.smcb.iccsn);
    if (found === undefined) throw new Error('no SMC-B in the world');
    return found;
  };
  const faultsOf = (answer: BenchAnswer) =>
    judge.judge(judge.extract(answer.text, answer.code === null ? BODY : DETAIL) ?? '<none/>').faults;
  const pin = () => messageOf(bench, 'GetPinStatus');
  const more: Record<string, [BenchOperation, () => string]> = {
    'GetResourceInformation of a card': [
      'GetResourceInformation',
      () => `${context()}<CONN:CardHandle>${bench.cardHandle()}</CONN:CardHandle>`,
    ],
    'GetResourceInformation of a terminal': [
      'GetResourceInformation',
      () => `${context()}<CARDCMN:CtId>${card().ctId}</CARDCMN:CtId>`,
    ],
    'Unsubscribe by address': ['Unsubscribe', () => `${context()}<EVT:EventTo>${EVENT_TO}</EVT:EventTo>`],
    'EjectCard of a slot': ['EjectCard', () => `${context()}${slotOf(card().ctId, card().slotId)}`],
    'CheckCertificateExpiration of all': ['CheckCertificateExpiration', () => context()],
  };
  const requests = new Map<string, [BenchOperation, () => string]>([
    ...BENCH_OPERATIONS.map((name): [string, [BenchOperation, () => string]] => [
      name,
      [name, () => messageOf(bench, name)],
    ]),
    ...Object.entries(more),
  ]);
  /** Answered by a fault, whoever asks: no card here has a PIN that can be switched off. */
  const alwaysFaults: BenchOperation[] = ['EnablePin', 'DisablePin'];

  test.each([...requests.keys()])('%s: request, answer and fault are valid', async (name) => {
    const [operation, content] = requests.get(name) ?? ['GetCards', () => ''];
    setInserted(bench.world.konnektor, card(), true, bench.world.now());
    setPinStatus(bench.world.konnektor, card(), 'VERIFIED');
    const subscribed = await bench.call('Subscribe', messageOf(bench, 'Subscribe'));
    const subscriptionId = findText(subscribed.soap.body, 'SubscriptionID') ?? '';
    const text = content().replace('>unknown<', `>${subscriptionId}<`);
    const request = judge.extract(bench.envelope(operation, text), BODY) ?? '<none/>';
    expect(judge.judge(request).faults).toEqual([]); // the bench itself asks as the schema wants
    const fault = await bench.call(operation, text.replace('>m1<', '>mX<'));
    expect(fault.code).toBe(vendor === 'highspeed' ? 4204 : 4004);
    expect(faultsOf(fault)).toEqual([]);
    const answer = await bench.call(operation, text);
    expect(answer.code).toBe(alwaysFaults.includes(operation) ? 4209 : null);
    expect(faultsOf(answer)).toEqual([]);
  });

  test('every code a test may ask for makes a valid fault', async () => {
    for (const code of [...Object.keys(KONNEKTOR_ERRORS).map(Number), 9999]) {
      bench.faults.add({ at: 'konnektor.GetCards', kind: 'soap-fault', times: 1, params: { code } });
      const fault = await bench.call('GetCards', context());
      expect([fault.code, ...faultsOf(fault)]).toEqual([code]);
    }
  });

  test('every PIN status and every result of an entry is valid', async () => {
    for (const status of ['VERIFIED', 'VERIFIABLE', 'TRANSPORT_PIN', 'EMPTY_PIN', 'BLOCKED'] as const) {
      setPinStatus(bench.world.konnektor, card(), status);
      const answer = await bench.call('GetPinStatus', pin());
      expect([answer.text.includes(`>${status}<`), ...faultsOf(answer)]).toEqual([true]);
    }
    bench.world.choices.pinInterruptedAs = 'warning';
    bench.world.choices.pinRefusedAs = 'result';
    setPinStatus(bench.world.konnektor, card(), 'VERIFIABLE');
    for (const entered of ['timeout', 'cancel', 'wrong', 'wrong', 'wrong', 'right'] as const) {
      card().enteredPin = entered;
      expect(faultsOf(await bench.call('VerifyPin', pin()))).toEqual([]);
    }
    for (const entered of ['timeout', 'wrong', 'right', 'wrong', 'cancel', 'right'] as const) {
      for (const operation of ['UnblockPin', 'ChangePin'] as const) {
        card().enteredPin = entered;
        expect(faultsOf(await bench.call(operation, messageOf(bench, operation)))).toEqual([]);
      }
    }
    setPinStatus(bench.world.konnektor, card(), 'VERIFIED');
  });

  test('an empty card list, a disconnected terminal and an error state are valid', async () => {
    const [terminal] = bench.world.konnektor.terminals.values();
    if (terminal === undefined) throw new Error('no terminal');
    setConnected(bench.world.konnektor, terminal, false, bench.world.now());
    for (const operation of ['GetCards', 'GetCardTerminals', 'GetResourceInformation'] as const) {
      expect(faultsOf(await bench.call(operation, context()))).toEqual([]);
    }
    setConnected(bench.world.konnektor, terminal, true, bench.world.now());
    setPinStatus(bench.world.konnektor, card(), 'VERIFIED');
  });

  test('connector.sds is valid', async () => {
    for (const cardService of ['8.1', 'both', '8.2'] as const) {
      bench.world.konnektor.manners = { cardService };
      const { text } = await bench.raw('/connector.sds', { method: 'GET' });
      expect([text.includes('"8.2.1"'), ...judge.judge(text).faults]).toEqual([cardService !== '8.1']);
    }
    bench.world.konnektor.manners = {};
  });

  test('every message of CardService 8.2 is valid by the schema of 8.1 read in the namespace of 8.2', async () => {
    bench.world.konnektor.manners = { cardService: 'both' };
    setPinStatus(bench.world.konnektor, card(), 'VERIFIED');
    for (const operation of ['GetPinStatus', 'VerifyPin', 'ChangePin', 'UnblockPin', 'EnablePin'] as const) {
      const { status, text } = await bench.raw(`${bench.path(operation)}/v8.2`, {
        headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: `"${CARD_82}#${operation}"` },
        body: bench
          .envelope(operation, messageOf(bench, operation))
          .replace('http://ws.gematik.de/conn/CardService/v8.1', CARD_82),
      });
      const body = judge.extract(text, operation === 'EnablePin' ? DETAIL : BODY) ?? '<none/>';
      expect([operation, body.includes(CARD_82), ...judge.judge(body).faults]).toEqual([
        operation,
        operation !== 'EnablePin',
      ]);
      if (operation !== 'EnablePin') expect(status).toBe(200);
    }
    bench.world.konnektor.manners = {};
  });

  test('every event on its way to a sink is valid', async () => {
    await bench.call('Subscribe', messageOf(bench, 'Subscribe'));
    bench.sent.length = 0;
    setInserted(bench.world.konnektor, card(), false, bench.world.now());
    setInserted(bench.world.konnektor, card(), true, bench.world.now());
    await bench.cetp.idle();
    expect(bench.sent.length).toBeGreaterThanOrEqual(2);
    for (const { message } of bench.sent) expect(judge.judge(message).faults).toEqual([]);
    setPinStatus(bench.world.konnektor, card(), 'VERIFIED');
  });

  test('the judge itself refuses a broken answer', async () => {
    const answer = await bench.call('GetCards', context());
    const broken = {
      ...answer,
      text: answer.text.replace(/<([\w:]*)SlotId([^>]*)>/, '<$1CtId$2>').replace('SlotId>', 'CtId>'),
    };
    expect(faultsOf(broken)).not.toEqual([]);
  });
}
