// connector.sds (konnektor.md section 6): the five vendor shapes, the choice of a version, endpoints that must not lead elsewhere
// (D18) (KON-01). What is refused, and when it is read anew: directory-reading.test.ts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type KonnektorAccess, readConnectorServices } from '../../../../gateway/konnektor/directory.ts';
import { missingServices, serviceAddress, usableVersions } from '../../../../gateway/konnektor/service-versions.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';
import { CONNECTOR_SERVICES } from '../../../tables/connector-services.ts';
import { ACCESS, directoryOf, LAN, SDS } from './scripted-konnektor.ts';

const NAMES = ['EventService', 'CardService', 'CertificateService', 'AuthSignatureService'] as const;

const listed = (services: Record<string, [string, string][]>) =>
  directoryOf(
    Object.fromEntries(
      Object.entries(services).map(([name, versions]) => [
        name,
        versions.map(([version, path]) => ({ version, tls: LAN + path })),
      ]),
    ),
  );
const cardServices = (...versions: string[]) =>
  readConnectorServices(
    directoryOf({ CardService: versions.map((version) => ({ version, tls: `${LAN}/${version}` })) }),
  );
const only = (tls: string | undefined, plain?: string, flag = true) =>
  readConnectorServices(directoryOf({ EventService: [{ version: '7.2.0', tls, plain }] }, { tls: flag }));
const urlOf = (...of: Parameters<typeof serviceAddress>): string => serviceAddress(...of).url;
const access = (more: Partial<KonnektorAccess> = {}): KonnektorAccess => ({ ...ACCESS, ...more });

describe('the shapes of the products', () => {
  test.each(CONNECTOR_SERVICES)('%s', (_vendor, services, chosen) => {
    const directory = readConnectorServices(listed(services));
    expect(NAMES.map((name) => urlOf(directory, name, access()))).toEqual(
      chosen.map((path) => `https://10.0.0.7:8443${path}`),
    );
  });
  test('the product is named for the operator', () => {
    expect(readConnectorServices(SDS).product).toEqual({
      vendor: 'Vendor',
      name: 'Box',
      firmware: '2.3.4',
      typeVersion: '5.0.1',
    });
  });
});

describeWithSchemas('the official sample', (dir) => {
  test('is read: flags, product, five services', () => {
    const file = join(dir, 'schemas/konnektor/samples/ServiceDirectory/connector.sds.xml');
    const directory = readConnectorServices(readFileSync(file));
    expect(directory).toMatchObject({ tlsMandatory: true, clientAutMandatory: true });
    expect(directory.product.name).toBe('Simulated Konnektor');
    expect(directory.versions).toHaveLength(5);
    expect(urlOf(directory, 'AuthSignatureService', access())).toBe('https://10.0.0.7:8443/ws/authsignatureservice');
  });
});

describe('the choice of a version', () => {
  test('compares numbers, not text: 8.1.10 is above 8.1.9', () => {
    expect(usableVersions(cardServices('8.1.9', '8.1.10', '8.1.2'), 'CardService')[0].version).toBe('8.1.10');
  });
  test.each([
    ['another minor version only', ['8.3.1', '8.0.9']],
    ['another major version only', ['9.1.2', '81.2.0']],
    ['no version of three numbers', ['8.1', '8.1.x', '8.1.2-beta', '', '8.1.2.3']],
  ])('finds none among %s', async (_name, versions) => {
    const error = await gatewayErrorOf(() => usableVersions(cardServices(...versions), 'CardService'));
    expect(error.code).toBe('KONNEKTOR_SERVICE_MISSING');
    expect(error.message).toContain('CardService 8.1.x from 8.1.0 on or 8.2.x from 8.2.0 on; of it there is ');
    const readable = versions.filter((version) => /^[\d.]+$/.test(version));
    for (const version of readable) expect(error.message).toContain(version);
    expect(error.message).not.toMatch(/beta|x\b(?! from)/);
  });
  test.each([
    ['8.1 alone', ['8.1.0', '8.1.2'], ['8.1.2', '8.1.0'], 'v8.1'],
    ['8.2 alone, of PTV6', ['8.2.0', '8.2.10', '8.2.9'], ['8.2.10', '8.2.9', '8.2.0'], 'v8.2'],
    [
      'both, side by side in any order',
      ['8.2.1', '8.1.0', '8.2.0', '8.1.2'],
      ['8.1.2', '8.1.0', '8.2.1', '8.2.0'],
      'v8.1',
    ],
    ['one of ours among strangers', ['9.0.0', '8.2.1', '7.4.3', '8.0.2'], ['8.2.1'], 'v8.2'],
  ])('of CardService with %s', (_name, listed, chosen, namespace) => {
    const usable = usableVersions(cardServices(...listed), 'CardService');
    expect(usable.map(({ version }) => version)).toEqual(chosen);
    expect(usable[0].namespace).toBe(`http://ws.gematik.de/conn/CardService/${namespace}`);
  });
  test('goes on to the next where the best has no endpoint of the kind that is needed', () => {
    const directory = readConnectorServices(
      directoryOf({
        CardService: [
          { version: '8.1.2', plain: 'http://192.168.178.42/a' },
          { version: '8.1.1', tls: 'not a URL' },
          { version: '8.2.1', tls: `${LAN}/ws/CardService/v8.2` },
        ],
      }),
    );
    expect(serviceAddress(directory, 'CardService', access())).toEqual({
      url: 'https://10.0.0.7:8443/ws/CardService/v8.2',
      version: '8.2.1',
      namespace: 'http://ws.gematik.de/conn/CardService/v8.2',
    });
  });
  test('does not go on where the best lies on a foreign origin: that directory is refused (D18)', async () => {
    const directory = readConnectorServices(
      directoryOf({
        CardService: [
          { version: '8.1.2', tls: 'https://evil.example/ws' },
          { version: '8.2.1', tls: 'https://10.0.0.7:8443/ws' },
        ],
      }),
    );
    const error = await gatewayErrorOf(() => urlOf(directory, 'CardService', access({ rewriteEndpoints: false })));
    expect([error.code, error.check]).toEqual(['KONNEKTOR_ANSWER_INVALID', 'konnektor.endpoint']);
  });
  test('does not take CertificateService 6.0.0, which does not know Crypt', async () => {
    const directory = readConnectorServices(
      directoryOf({ CertificateService: [{ version: '6.0.0', tls: `${LAN}/x` }] }),
    );
    expect((await gatewayErrorOf(() => usableVersions(directory, 'CertificateService'))).code).toBe(
      'KONNEKTOR_SERVICE_MISSING',
    );
  });
  test('a service that is not listed at all: what there is instead is named', async () => {
    const error = await gatewayErrorOf(() => usableVersions(cardServices('8.1.2'), 'EventService'));
    expect([error.code, error.message]).toEqual([
      'KONNEKTOR_SERVICE_MISSING',
      'lists no EventService 7.2.x from 7.2.0 on; there is CardService',
    ]);
  });
  test('names of services that are no names are not repeated', async () => {
    const odd = readConnectorServices(directoryOf({ 'A123456780 Muster': [{ version: '1.0.0' }] }));
    const error = await gatewayErrorOf(() => usableVersions(odd, 'CardService'));
    expect(error.message).toMatch(/; there is no service at all$/);
  });
  test('says all that is missing for an export; that only cards can be moved by is not missed', () => {
    expect(missingServices(readConnectorServices(SDS))).toEqual([]);
    const without = readConnectorServices(SDS.replace('Name="CardTerminalService"', 'Name="Other"'));
    expect(missingServices(without)).toEqual([]);
    const missing = missingServices(cardServices('8.0.1')).map(({ message }) => message);
    expect(missing).toHaveLength(4);
    expect(missing[1]).toContain('of it there is 8.0.1');
  });
});

describe('the endpoint', () => {
  test('keeps path and query and takes the rest from the base address', () => {
    const url = urlOf(only('https://evil.example:9/ws/EventService?x=1'), 'EventService', access());
    expect(url).toBe('https://10.0.0.7:8443/ws/EventService?x=1');
  });
  test('is taken as listed on our own origin when it is not to be rewritten', () => {
    const own = only('https://10.0.0.7:8443/ws/EventService');
    expect(urlOf(own, 'EventService', access({ rewriteEndpoints: false }))).toBe(
      'https://10.0.0.7:8443/ws/EventService',
    );
  });
  test.each([
    'https://evil.example/ws/EventService',
    'http://10.0.0.7:8443/ws',
    'https://10.0.0.7/ws',
    'https://u@10.0.0.7:8443/ws',
  ])('on a foreign origin is refused when it is not to be rewritten: %s', async (tls) => {
    const act = () => urlOf(only(tls), 'EventService', access({ rewriteEndpoints: false }));
    expect((await gatewayErrorOf(act)).code).toBe('KONNEKTOR_ANSWER_INVALID');
  });
  test.each([undefined, 'ws/EventService', 'file:///etc/passwd', 'javascript:alert(1)'])(
    'is refused when it is %s',
    async (tls) => {
      expect((await gatewayErrorOf(() => urlOf(only(tls), 'EventService', access()))).code).toBe(
        'KONNEKTOR_ANSWER_INVALID',
      );
    },
  );
  test('is the TLS one for an https base and when TLS is mandatory, else the plain one', () => {
    const both = (flag: boolean) => only(`${LAN}/tls`, 'http://192.168.178.42/plain', flag);
    const path = (flag: boolean, url: string) => new URL(urlOf(both(flag), 'EventService', access({ url }))).pathname;
    expect(path(false, 'https://k.test')).toBe('/tls');
    expect(path(true, 'http://127.0.0.1:1')).toBe('/tls');
    expect(path(false, 'http://127.0.0.1:1')).toBe('/plain');
  });
});
