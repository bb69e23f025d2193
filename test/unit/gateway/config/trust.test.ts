// Settings of trust: files or a list, one source of it, and hosts and signers of this environment only (CRT-05, OPS-05, D18).
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mintRoot } from '../../../../certs/mint.ts';
import { parseSettings } from '../../../../gateway/config.ts';
import { secretFile, temporaryDirectory } from '../../../support/gateway-fakes.ts';
import { rawSettings } from '../../../support/gateway-server.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let signerFile: string;
beforeEach(() => {
  directory = temporaryDirectory();
  signerFile = secretFile(directory.path, 'signer.pem', mintRoot('TSL-CA').certPem);
});
afterEach(() => directory.remove());

function faultsOf(trust: object, environment: 'SIM' | 'RU' | 'TU' | 'PU' = 'SIM'): string[] {
  const raw = rawSettings(directory.path, environment);
  const { rootsFile } = raw.trust;
  const tls = { certFile: rootsFile, keyFile: rootsFile };
  const outside = { listen: { ...raw.listen, tls }, admin: { ...raw.admin, tls }, operators: [] };
  const result = parseSettings({
    ...raw,
    ...(environment !== 'SIM' && outside),
    environment,
    trust: { rootsFile, ...trust },
  });
  return result.ok ? [] : result.faults.map((fault) => `${fault.key} ${fault.message}`);
}
const url = 'http://tsl.example/TSL.xml';

test('a list alone is enough, by plain http, by https with anchors, or as a file; so are the two files (D18)', () => {
  const some = signerFile;
  expect(faultsOf({ tsl: { url, signerFile } })).toEqual([]);
  expect(faultsOf({ tsl: { url: 'https://tsl.example/TSL.xml', caFile: some, signerFile } })).toEqual([]);
  expect(faultsOf({ tsl: { file: some, signerFile, graceDays: 0 } })).toEqual([]);
  expect(faultsOf({ intermediatesFile: some, ocspSignersFile: some })).toEqual([]);
  expect(faultsOf({ intermediatesFile: some, tsl: { url, signerFile } })).toEqual([]);
});

test.each<[string, (signer: string) => object, string]>([
  [
    'neither files nor a list',
    () => ({}),
    'trust.intermediatesFile is missing: without trust.tsl nothing else names them',
  ],
  ['no source of the list', (signerFile) => ({ tsl: { signerFile } }), 'trust.tsl needs either url or file'],
  [
    'two sources',
    (signerFile) => ({ tsl: { url, file: signerFile, signerFile } }),
    'trust.tsl needs either url or file',
  ],
  [
    'https without anchors',
    (signerFile) => ({ tsl: { url: 'https://tsl.example/TSL.xml', signerFile } }),
    'trust.tsl.caFile is missing: the address is https',
  ],
  [
    'anchors for http',
    (signerFile) => ({ tsl: { url, caFile: signerFile, signerFile } }),
    'trust.tsl.caFile is for an https address only',
  ],
  ['no signer', () => ({ tsl: { url } }), 'trust.tsl.signerFile is missing or not of type text'],
  [
    'a signer file that is not there',
    () => ({ tsl: { url, signerFile: '/nowhere.pem' } }),
    'trust.tsl.signerFile cannot be read',
  ],
  [
    'an endless grace time',
    (signerFile) => ({ tsl: { url, signerFile, graceDays: 91 } }),
    'trust.tsl.graceDays must be at most 90',
  ],
  [
    'a user in the address',
    (signerFile) => ({ tsl: { url: 'ftp://x/', signerFile } }),
    'trust.tsl.url must be a valid url',
  ],
])('%s is refused by name', (_what, trust, fault) => {
  expect(faultsOf(trust(signerFile))[0]).toBe(fault);
});

test.each([
  ['PU', 'download-ref.tsl.ti-dienste.de', 'RU'],
  ['RU', 'download.tsl.ti-dienste.de', 'PU'],
  ['TU', 'download.tsl.ti-dienste.de', 'PU'],
  ['SIM', 'download-test.tsl.ti-dienste.de', 'TU'],
] as const)('%s with the list at %s, which is of %s, is refused (OPS-05)', (environment, host, of) => {
  expect(faultsOf({ tsl: { url: `http://${host}/ECC/TSL.xml`, signerFile } }, environment)).toContain(
    `trust.tsl.url is a host of ${of}, and this installation serves ${environment} (OPS-05)`,
  );
});

test.each(['PU', 'RU', 'TU'] as const)('the signer of a simulator is none in %s (OPS-05)', (environment) => {
  const ocsp = { url: 'http://ocsp.example' };
  expect(faultsOf({ tsl: { url, signerFile }, ocsp }, environment)).toEqual([
    `trust.tsl.signerFile holds a certificate of another environment than ${environment} (OPS-05)`,
  ]);
});

test.each(['PU', 'RU', 'TU', 'SIM'] as const)('%s without a responder: refused in PU alone (CRT-04)', (environment) => {
  const missing = faultsOf({ tsl: { url, signerFile } }, environment).filter((fault) => fault.startsWith('trust.ocsp'));
  const fault = 'trust.ocsp is missing: in PU no card signs whose status nobody asks for (CRT-04)';
  expect(missing).toEqual(environment === 'PU' ? [fault] : []);
});
