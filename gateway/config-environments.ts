// One installation serves one environment (OPS-05): a host or a trust anchor of another one is refused at the start, by name.
// Hosts that no table knows are allowed, since the list of record systems is configuration (A_24592-02).
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConfigFault } from './config-rules.ts';
import { type Environment, HOSTS, markOf, PKI } from './tables/environments.ts';
import type { Settings } from './tables/settings-manifest.ts';

export function environmentFaults(s: Settings): ConfigFault[] {
  return [...hostFaults(s), ...anchorFaults(s)];
}

/** The environment a host belongs to, or undefined. */
export const environmentOf = (host: string): Environment | undefined =>
  HOSTS.find(({ ending }) => ending.test(host.toLowerCase().replace(/\.$/, '')))?.environment;

function hostFaults(s: Settings): ConfigFault[] {
  const urls: [string, string][] = [
    ['idp.issuer', s.idp.issuer],
    ...(s.trust.tsl?.url === undefined ? [] : [['trust.tsl.url', s.trust.tsl.url] as [string, string]]),
    ...(s.trust.ocsp === undefined ? [] : [['trust.ocsp.url', s.trust.ocsp.url] as [string, string]]),
    ...s.idp.origins.map((o, i): [string, string] => [`idp.origins[${i}].origin`, o.origin]),
    ...s.recordSystems.map((r, i): [string, string] => [`recordSystems[${i}].url`, r.url]),
  ];
  return urls.flatMap(([key, url]) => {
    const of = environmentOf(new URL(url).hostname);
    if (of === undefined || of === s.environment) return [];
    return [{ key, message: `is a host of ${of}, and this installation serves ${s.environment} (OPS-05)` }];
  });
}

/** TI anchors are of this environment's PKI; TLS anchors may be public ones, but in PU none of a test, and nowhere a simulator's. */
function anchorFaults(s: Settings): ConfigFault[] {
  const wanted = PKI[s.environment];
  const anchors: [string, string | undefined][] = [
    ['trust.rootsFile', s.trust.rootsFile],
    ['trust.intermediatesFile', s.trust.intermediatesFile],
    ['trust.ocspSignersFile', s.trust.ocspSignersFile],
    ['trust.tsl.signerFile', s.trust.tsl?.signerFile],
  ];
  const tls: [string, string][] = [
    ['idp.caFile', s.idp.caFile],
    ...s.idp.origins.map((o, i): [string, string] => [`idp.origins[${i}].caFile`, o.caFile]),
    ...s.recordSystems.map((r, i): [string, string] => [`recordSystems[${i}].caFile`, r.caFile]),
  ];
  const fault = (key: string) => ({
    key,
    message: `holds a certificate of another environment than ${s.environment} (OPS-05)`,
  });
  return [
    ...anchors.filter(([, path]) => marksIn(path).some((mark) => mark !== wanted)),
    ...tls.filter(([, path]) => marksIn(path).some((mark) => mark !== wanted && mark !== 'productive')),
  ].map(([key]) => fault(key));
}

/** What cannot be read is said by others (config-rules.ts, outside.ts). */
function marksIn(path: string | undefined) {
  if (path === undefined) return [];
  try {
    const blocks = readFileSync(path, 'utf8').matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
    return [...blocks].map(([block]) => markOf(new X509Certificate(block).subject));
  } catch {
    return [];
  }
}
