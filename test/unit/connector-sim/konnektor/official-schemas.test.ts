// Outside judges of the simulated Konnektor (style.md B3): the official XSDs validate every answer and fault of every
// operation, and npm soap with the official WSDLs is a second client over mutual TLS (konnektor.md 10).
import { randomBytes } from 'node:crypto';
import https from 'node:https';
import { join } from 'node:path';
import { ClientSSLSecurity, createClientAsync, type IOptions } from 'soap';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setConnected, setPinStatus } from '../../../../connector-sim/konnektor/cards.ts';
import { chainPem, KONNEKTOR_NAME } from '../../../../connector-sim/settings.ts';
import { KONNEKTOR_VENDORS } from '../../../../connector-sim/tables/konnektor-profiles.ts';
import { clientTlsOptions } from '../../../../wire/tls.ts';
import { XsdJudge } from '../../../conformance/xsd.ts';
import {
  type BenchAnswer,
  type BenchOperation,
  context,
  type KonnektorBench,
  startKonnektorBench,
} from '../../../support/konnektor-bench.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';

const BODY = "/*[local-name()='Envelope']/*[local-name()='Body']/*";
const DETAIL = "//*[local-name()='detail']/*";

describeWithSchemas('every message of the simulated Konnektor by the official files', (dir) => {
  let bench: KonnektorBench;
  let judge: XsdJudge;
  beforeAll(async () => {
    bench = await startKonnektorBench();
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
  const handle = () => `<CONN:CardHandle>${bench.cardHandle()}</CONN:CardHandle>`;
  const pin = () => `${context()}${handle()}<CARDCMN:PinTyp>PIN.SMC</CARDCMN:PinTyp>`;
  const requests: Record<string, () => [BenchOperation, string]> = {
    GetCards: () => ['GetCards', context()],
    GetCardTerminals: () => ['GetCardTerminals', context()],
    'GetResourceInformation of the Konnektor': () => ['GetResourceInformation', context()],
    'GetResourceInformation of a card': () => ['GetResourceInformation', `${context()}${handle()}`],
    'GetResourceInformation of a terminal': () => [
      'GetResourceInformation',
      `${context()}<CARDCMN:CtId>${card().ctId}</CARDCMN:CtId>`,
    ],
    GetPinStatus: () => ['GetPinStatus', pin()],
    VerifyPin: () => ['VerifyPin', pin()],
    ReadCardCertificate: () => [
      'ReadCardCertificate',
      `${handle()}${context()}<CERT:CertRefList><CERT:CertRef>C.AUT</CERT:CertRef><CERT:CertRef>C.QES</CERT:CertRef></CERT:CertRefList><CERT:Crypt>ECC</CERT:Crypt>`,
    ],
    ExternalAuthenticate: () => [
      'ExternalAuthenticate',
      `${handle()}${context()}<SIG:OptionalInputs><dss:SignatureType>urn:bsi:tr:03111:ecdsa</dss:SignatureType></SIG:OptionalInputs>` +
        `<SIG:BinaryString><dss:Base64Data MimeType="application/octet-stream">${randomBytes(32).toString('base64')}</dss:Base64Data></SIG:BinaryString>`,
    ],
  };

  test.each(Object.keys(requests))('%s: request, answer and fault are valid', async (name) => {
    const [operation, content] = requests[name]?.() ?? ['GetCards', ''];
    const request = judge.extract(bench.envelope(operation, content), BODY) ?? '<none/>';
    expect(judge.judge(request).faults).toEqual([]); // the bench itself asks as the schema wants
    const answer = await bench.call(operation, content);
    expect(answer.code).toBeNull();
    expect(faultsOf(answer)).toEqual([]);
    const fault = await bench.call(operation, content.replace('>m1<', '>mX<'));
    expect(fault.code).toBe(4004);
    expect(faultsOf(fault)).toEqual([]);
  });

  test('every code a test may ask for makes a valid fault', async () => {
    for (const code of [4000, 4001, 4043, 4085, 4101, 4209, 9999]) {
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

  test('connector.sds is valid in every vendor’s shape', async () => {
    for (const vendor of KONNEKTOR_VENDORS) {
      bench.world.choices.konnektorVendor = vendor;
      expect(judge.judge((await bench.raw('/connector.sds', { method: 'GET' })).text).faults).toEqual([]);
    }
  });

  test('the judge itself refuses a broken answer', async () => {
    const answer = await bench.call('GetCards', context());
    const broken = { ...answer, text: answer.text.replaceAll('CARDCMN:SlotId', 'CARD:SlotId') };
    expect(faultsOf(broken)).not.toEqual([]);
  });

  test.each<[BenchOperation, string, (handle: string) => object]>([
    ['GetCards', 'EventService.wsdl', () => ({ Context: ids() })],
    ['GetCardTerminals', 'EventService.wsdl', () => ({ Context: ids() })],
    ['GetResourceInformation', 'EventService.wsdl', (h) => ({ Context: ids(), CardHandle: h })],
    ['GetPinStatus', 'CardService_v8_1_2.wsdl', (h) => ({ Context: ids(), CardHandle: h, PinTyp: 'PIN.SMC' })],
    ['VerifyPin', 'CardService_v8_1_2.wsdl', (h) => ({ Context: ids(), CardHandle: h, PinTyp: 'PIN.SMC' })],
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
    const [result, text] = (await call.call(client, args(bench.cardHandle()))) as [Record<string, unknown>, string];
    expect(result).toMatchObject({ Status: { Result: 'OK' } });
    expect(judge.judge(judge.extract(text, BODY) ?? '<none/>').faults).toEqual([]);

    const refused = call.call(client, replaceMandant(args(bench.cardHandle())));
    await expect(refused).rejects.toMatchObject({
      response: { status: 500 },
      root: { Envelope: { Body: { Fault: { detail: { Error: { Trace: { Code: '4004' } } } } } } },
    });
  });

  test.each([
    ['EventService.wsdl', 'GetCards'],
    ['CardService_v8_1_2.wsdl', 'GetPinStatus'],
    ['CertificateService_v6_0_1.wsdl', 'ReadCardCertificate'],
    ['AuthSignatureService_v7_4_1.wsdl', 'ExternalAuthenticate'],
  ] as const)('every other operation of %s is refused by a valid fault 4000', async (wsdl, known) => {
    const client = await createClientAsync(join(dir, 'schemas/konnektor/conn', wsdl), soapOptions());
    client.setEndpoint(bench.url + bench.path(known));
    client.setSecurity(mutualTls());
    const simulated =
      /^(GetCards|GetCardTerminals|GetResourceInformation|GetPinStatus|VerifyPin|ReadCardCertificate|ExternalAuthenticate)$/;
    const [service] = Object.values(client.describe() as Record<string, Record<string, object>>);
    const operations = Object.values(service ?? {}).flatMap((port) => Object.keys(port));
    expect(operations).toContain(known);
    for (const name of operations.filter((one) => !simulated.test(one))) {
      const refused = await client[`${name}Async`]?.({ Context: ids() }).then(
        () => undefined,
        (error: { response: { status: number; data: string } }) => error.response,
      );
      expect([name, refused?.status]).toEqual([name, 500]);
      const detail = judge.extract(refused?.data ?? '', DETAIL) ?? '<none/>';
      expect(judge.judge(detail).faults, name).toEqual([]);
      expect(detail, name).toMatch(/Code[^>]*>4000</);
    }
  });

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
});
