// One installation, one environment (OPS-05): hosts and anchors of each environment in the settings of each, by name.
import { rootCertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import { parseSettings } from '../../../../gateway/config.ts';
import { environmentOf } from '../../../../gateway/config-environments.ts';
import { markOf } from '../../../../gateway/tables/environments.ts';
import { secretFile, temporaryDirectory } from '../../../support/gateway-fakes.ts';
import { rawSettings } from '../../../support/gateway-server.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

const environments = ['PU', 'RU', 'TU', 'SIM'] as const;
type Environment = (typeof environments)[number];
const pairs = environments.flatMap((ours) => environments.map((theirs) => [ours, theirs] as const));

const ocsp = { url: 'http://ocsp.example' };

/** Settings of an environment, complete but for what each test puts in. */
function settingsOf(environment: Environment) {
  const raw = rawSettings(directory.path, environment);
  const tls = { certFile: raw.trust.rootsFile, keyFile: raw.trust.rootsFile };
  if (environment === 'SIM') return raw;
  const trust = environment === 'PU' ? { ...raw.trust, ocsp } : raw.trust;
  return { ...raw, trust, environment, listen: { ...raw.listen, tls }, admin: { ...raw.admin, tls }, operators: [] };
}
const faultsOf = (raw: object) => {
  const result = parseSettings(raw);
  return result.ok ? [] : result.faults;
};
const keysOf = (raw: object) => faultsOf(raw).map((fault) => fault.key);

const HOSTS: Record<Environment, { recordSystem: string; idp: string }> = {
  PU: { recordSystem: 'epa-as-1.prod.epa4all.de', idp: 'idp.zentral.idp.splitdns.ti-dienste.de' },
  RU: { recordSystem: 'epa-as-2.ref.epa4all.de', idp: 'idp-ref.app.ti-dienste.de' },
  TU: { recordSystem: 'epa-as-1.test.epa4all.de', idp: 'idp-test.app.ti-dienste.de' },
  SIM: { recordSystem: 'epa-as-1.sim.epa4all.de', idp: 'idp.sim.epa4all.de' },
};

describe.each(pairs)('%s with hosts of %s', (ours, theirs) => {
  test(`${ours === theirs ? 'is right' : 'is refused by name'} (OPS-05)`, () => {
    const raw = settingsOf(ours);
    const { recordSystem, idp } = HOSTS[theirs];
    const at = (host: string) => `https://${host}`;
    const caFile = raw.idp.caFile;
    const found = keysOf({
      ...raw,
      idp: { issuer: at(idp), caFile, origins: [{ origin: at(idp.toUpperCase()), caFile }] },
      recordSystems: [...raw.recordSystems, { id: 'other', url: at(recordSystem), caFile }],
    });
    expect(found).toEqual(ours === theirs ? [] : ['idp.issuer', 'idp.origins[0].origin', 'recordSystems[1].url']);
  });
});

test.each([
  ['epa-as-3.dev.epa4all.de', 'RU'],
  ['epa-as-2.epa4all.de', 'PU'],
  ['EPA-AS-1.PROD.EPA4ALL.DE.', 'PU'],
  ['download.tsl.ti-dienste.de', 'PU'],
  ['download-ref.tsl.ti-dienste.de', 'RU'],
  ['download-test.tsl.ti-dienste.de', 'TU'],
  ['idp-ref.zentral.idp.splitdns.ti-dienste.de', 'RU'],
  ['epa.prod.kasse.example', undefined],
  ['prod.epa4all.de.example', undefined],
  ['notprod.epa4all.de', undefined],
  ['127.0.0.1', undefined],
])('%s belongs to %s', (host, environment) => {
  expect(environmentOf(host)).toBe(environment);
});

test.each([
  ['CN=GEM.RCA3,OU=Zentrale Root-CA der Telematikinfrastruktur,O=gematik GmbH,C=DE', 'productive'],
  ['CN=GEM.RCA3 TEST-ONLY,OU=Zentrale Root-CA der Telematikinfrastruktur,O=gematik GmbH NOT-VALID,C=DE', 'test'],
  ['CN=TI Root CA TEST-ONLY', 'simulated'],
  ['CN=LATEST-ONLYX', 'productive'],
])('%s is %s', (subject, mark) => {
  expect(markOf(subject)).toBe(mark);
});

describe('anchors', () => {
  const simulated = mintRoot('TI Root CA').certPem;
  const test1 = mintLeaf(mintRoot('x'), { commonName: 'GEM.RCA3', organization: 'gematik GmbH NOT-VALID' }).certPem;
  // Any public root: what marks a test is missing.
  const [productive = ''] = rootCertificates;
  const anchors: Record<Environment, string> = { PU: productive, RU: test1, TU: test1, SIM: simulated };
  const same = (a: Environment, b: Environment) => anchors[a] === anchors[b];

  test.each(pairs)('%s with TI anchors of %s: refused unless they share a PKI (OPS-05)', (ours, theirs) => {
    const raw = settingsOf(ours);
    const mixed = secretFile(directory.path, 'mixed.pem', `${anchors[ours]}\n${anchors[theirs]}`);
    const found = keysOf({
      ...raw,
      trust: { ...raw.trust, rootsFile: mixed, intermediatesFile: mixed, ocspSignersFile: mixed },
    });
    expect(found).toEqual(
      same(ours, theirs) ? [] : ['trust.rootsFile', 'trust.intermediatesFile', 'trust.ocspSignersFile'],
    );
  });

  test.each(pairs)(
    '%s with TLS anchors of %s: public ones may stand anywhere, test ones only at home',
    (ours, theirs) => {
      const raw = settingsOf(ours);
      const caFile = secretFile(directory.path, 'tls.pem', anchors[theirs]);
      const found = keysOf({
        ...raw,
        idp: { ...raw.idp, caFile, origins: [{ origin: 'https://idp.example', caFile }] },
        recordSystems: [{ ...raw.recordSystems[0], caFile }],
      });
      expect(found).toEqual(
        same(ours, theirs) || theirs === 'PU' ? [] : ['idp.caFile', 'idp.origins[0].caFile', 'recordSystems[0].caFile'],
      );
    },
  );

  test('the message names both sides and no certificate', () => {
    const raw = settingsOf('PU');
    const rootsFile = secretFile(directory.path, 'roots.pem', simulated);
    expect(faultsOf({ ...raw, trust: { ...raw.trust, rootsFile } })).toEqual([
      { key: 'trust.rootsFile', message: 'holds a certificate of another environment than PU (OPS-05)' },
    ]);
  });
});
