// npm soap with the official WSDLs is a second client of the simulated Konnektor, over mutual TLS (style.md B3, konnektor.md
// 10): each of the five services, answers and faults, and every operation a WSDL has that is not offered.
import https from 'node:https';
import { join } from 'node:path';
import { ClientSSLSecurity, createClientAsync, type IOptions } from 'soap';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setInserted, setPinStatus } from '../../../../connector-sim/konnektor/cards.ts';
import { mannersOf } from '../../../../connector-sim/konnektor/manners.ts';
import { chainPem, KONNEKTOR_NAME } from '../../../../connector-sim/settings.ts';
import type { KonnektorVendor } from '../../../../connector-sim/tables/konnektor-profiles.ts';
import { clientTlsOptions } from '../../../../wire/tls.ts';
import { XsdJudge } from '../../../conformance/xsd.ts';
import {
  BENCH_OPERATIONS,
  type BenchOperation,
  findText,
  type KonnektorBench,
  startKonnektorBench,
} from '../../../support/konnektor-bench.ts';
import { EVENT_TO, messageOf } from '../../../support/konnektor-messages.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';

const BODY = "/*[local-name()='Envelope']/*[local-name()='Body']/*";
const DETAIL = "//*[local-name()='detail']/*";

type Trace = { Code: string };
type SoapError = {
  response?: { status: number };
  root?: { Envelope: { Body: { Fault: { detail: { Error: { Trace: Trace | Trace[] } } } } } };
};

/** As the seed has it, and as each product speaks: with or without prefixes, faults with HTTP 200, traces of the vendor. */
const VENDORS = [undefined, 'secunet', 'rise', 'kocobox', 'highspeed'] as const;

describeWithSchemas('the simulated Konnektor by npm soap and the official WSDLs', (dir) => {
  for (const vendor of VENDORS) describe(`vendor: ${vendor ?? 'drawn by seed'}`, () => bySoap(dir, vendor));
});

function bySoap(dir: string, vendor: KonnektorVendor | undefined): void {
  let bench: KonnektorBench;
  let judge: XsdJudge;
  let subscriptionId = '';
  beforeAll(async () => {
    bench = await startKonnektorBench();
    bench.world.konnektor.vendor = vendor;
    judge = new XsdJudge(dir);
  });
  beforeEach(async () => {
    const card = bench.world.konnektor.cards.get(bench.pki.smcb.iccsn);
    if (card === undefined) throw new Error('no SMC-B in the world');
    setInserted(bench.world.konnektor, card, true, bench.world.now());
    setPinStatus(bench.world.konnektor, card, 'VERIFIED');
    const subscribed = await bench.call('Subscribe', messageOf(bench, 'Subscribe'));
    subscriptionId = findText(subscribed.soap.body, 'SubscriptionID') ?? '';
  });
  afterAll(async () => {
    judge.dispose();
    await bench.stop();
  });

  test.each<[BenchOperation, string, (handle: string) => object]>([
    ['GetCards', 'EventService.wsdl', () => ({ Context: ids() })],
    ['GetCardTerminals', 'EventService.wsdl', () => ({ Context: ids() })],
    ['GetResourceInformation', 'EventService.wsdl', (h) => ({ Context: ids(), CardHandle: h })],
    ['GetPinStatus', 'CardService_v8_1_2.wsdl', (h) => ({ Context: ids(), CardHandle: h, PinTyp: 'PIN.SMC' })],
    ['VerifyPin', 'CardService_v8_1_2.wsdl', (h) => ({ Context: ids(), CardHandle: h, PinTyp: 'PIN.SMC' })],
    ['ChangePin', 'CardService_v8_1_2.wsdl', (h) => ({ Context: ids(), CardHandle: h, PinTyp: 'PIN.SMC' })],
    [
      'UnblockPin',
      'CardService_v8_1_2.wsdl',
      (h) => ({ Context: ids(), CardHandle: h, PinTyp: 'PIN.SMC', SetNewPin: true }),
    ],
    ['Subscribe', 'EventService.wsdl', () => ({ Context: ids(), Subscription: { EventTo: EVENT_TO, Topic: 'CARD' } })],
    ['RenewSubscriptions', 'EventService.wsdl', () => ({ Context: ids(), SubscriptionID: [subscriptionId] })],
    ['GetSubscription', 'EventService.wsdl', () => ({ Context: ids() })],
    ['Unsubscribe', 'EventService.wsdl', () => ({ Context: ids(), SubscriptionID: subscriptionId })],
    [
      'RequestCard',
      'CardTerminalService.wsdl',
      () => ({ Context: ids(), Slot: { CtId: 'CT_SIM_0001', SlotId: 1 }, CardType: 'SM-B', TimeOut: 0 }),
    ],
    ['EjectCard', 'CardTerminalService.wsdl', (h) => ({ Context: ids(), CardHandle: h })],
    [
      'CheckCertificateExpiration',
      'CertificateService_v6_0_1.wsdl',
      (h) => ({ CardHandle: h, Context: ids(), Crypt: 'ECC' }),
    ],
    ['VerifyCertificate', 'CertificateService_v6_0_1.wsdl', () => ({ Context: ids(), X509Certificate: autOf() })],
    [
      'ReadCardCertificate',
      'CertificateService_v6_0_1.wsdl',
      (h) => ({ CardHandle: h, Context: ids(), CertRefList: { CertRef: ['C.AUT'] }, Crypt: 'ECC' }),
    ],
    [
      'ExternalAuthenticate',
      'AuthSignatureService_v7_4_1.wsdl',
      (h) => ({
        CardHandle: h,
        Context: ids(),
        OptionalInputs: { SignatureType: 'urn:bsi:tr:03111:ecdsa' },
        BinaryString: {
          Base64Data: { attributes: { MimeType: 'application/octet-stream' }, $value: `${'A'.repeat(43)}=` },
        },
      }),
    ],
  ])('npm soap with the official WSDL gets an answer and a fault from %s', async (operation, wsdl, args) => {
    const client = await createClientAsync(join(dir, 'schemas/konnektor/conn', wsdl), soapOptions());
    client.setEndpoint(bench.url + bench.path(operation));
    client.setSecurity(mutualTls());
    const call = client[`${operation}Async`];
    if (call === undefined) throw new Error(`${wsdl} has no ${operation}`);
    const refused = call.call(client, replaceMandant(args(bench.cardHandle())));
    const fault = (await refused.then(
      () => undefined,
      (error: unknown) => error,
    )) as SoapError | undefined;
    const traces = [fault?.root?.Envelope.Body.Fault.detail.Error.Trace ?? []].flat();
    const { faultStatus, unknownContext } = mannersOf({ konnektor: bench.world.konnektor, world: bench.world });
    expect([fault?.response?.status, traces.at(-1)?.Code]).toEqual([
      faultStatus,
      unknownContext === 4204 ? '4204' : '4004',
    ]);
    const [result, text] = (await call.call(client, args(bench.cardHandle()))) as [Record<string, unknown>, string];
    expect(result).toMatchObject({ Status: { Result: 'OK' } });
    expect(judge.judge(judge.extract(text, BODY) ?? '<none/>').faults).toEqual([]);
  });

  test.each([
    ['EventService.wsdl', 'GetCards'],
    ['CardService_v8_1_2.wsdl', 'GetPinStatus'],
    ['CardTerminalService.wsdl', 'RequestCard'],
    ['CertificateService_v6_0_1.wsdl', 'ReadCardCertificate'],
    ['AuthSignatureService_v7_4_1.wsdl', 'ExternalAuthenticate'],
  ] as const)('every other operation of %s is refused by a valid fault 4000', async (wsdl, known) => {
    const client = await createClientAsync(join(dir, 'schemas/konnektor/conn', wsdl), soapOptions());
    client.setEndpoint(bench.url + bench.path(known));
    client.setSecurity(mutualTls());
    const [service] = Object.values(client.describe() as Record<string, Record<string, object>>);
    const operations = Object.values(service ?? {}).flatMap((port) => Object.keys(port));
    expect(operations).toContain(known);
    for (const name of operations.filter((one) => !BENCH_OPERATIONS.some((known) => known === one))) {
      const refused = await client[`${name}Async`]?.({ Context: ids() }).then(
        () => undefined,
        (error: { response: { status: number; data: string } }) => error.response,
      );
      const { faultStatus } = mannersOf({ konnektor: bench.world.konnektor, world: bench.world });
      expect([name, refused?.status]).toEqual([name, faultStatus]);
      const detail = judge.extract(refused?.data ?? '', DETAIL) ?? '<none/>';
      expect(judge.judge(detail).faults, name).toEqual([]);
      expect(detail, name).toMatch(/Code[^>]*>4000</);
    }
  });

  const autOf = () => Buffer.from(bench.pki.smcb.certificates.get('C.AUT')?.certificate.der ?? []).toString('base64');
  const ids = () => ({ MandantId: 'm1', ClientSystemId: 'c1', WorkplaceId: 'w1' });
  const replaceMandant = (args: object) => ({ ...args, Context: { ...ids(), MandantId: 'mX' } });
  const soapOptions = (): IOptions => ({ forceSoap12Headers: false });
  const mutualTls = () => {
    const { clientCertificate, konnektorCa, konnektorRoot } = bench.pki;
    const pem = (text: string) => Buffer.from(text);
    const cert = chainPem(clientCertificate, konnektorCa);
    const profile = clientTlsOptions({ ca: konnektorRoot.certPem, servername: KONNEKTOR_NAME });
    return new ClientSSLSecurity(pem(clientCertificate.keyPem), pem(cert), pem(konnektorRoot.certPem), {
      ...profile,
      agent: new https.Agent({ ...profile, key: clientCertificate.keyPem, cert }),
    });
  };
}
