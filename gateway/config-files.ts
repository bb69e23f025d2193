// The files that settings name, beside those of Konnektors and webhooks: they are there, secrets for their owner alone (SEC-06), and hold what
// they are for. Part of gateway/config-rules.ts.
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { ConfigFault } from './config-rules.ts';
import type { Settings } from './tables/settings-manifest.ts';

/** Files are opened once at the start, so that a wrong path is a fault of the settings and not of the first export. */
export function fileFaults(s: Settings): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const holders = new Map<string, string>();
  const look = (key: string, path: string | undefined, secret: boolean) => {
    if (path === undefined) return;
    try {
      const mode = statSync(path).mode;
      const bytes = readFileSync(path);
      if (holdsCertificates(key) && !readsAsCertificates(bytes))
        faults.push({ key, message: 'does not hold readable certificates (PEM)' });
      if (secret && (mode & 0o077) !== 0)
        faults.push({ key, message: 'is readable by others than its owner: set mode 0600' });
      if (key.endsWith('asterKeyFile') && bytes.length !== 32)
        faults.push({ key, message: 'must hold exactly 32 bytes' });
      if (!key.endsWith('].keyFile')) return;
      const presented = bytes.toString('utf8').trim();
      if (!/^[\x21-\x7e]{16,512}$/.test(presented))
        faults.push({ key, message: 'must hold one line of 16 to 512 visible ASCII characters' });
      // Who calls would be a matter of order, and one DiGA could read the other's exports (EXP-27).
      const holder = holders.getOrInsert(presented, key);
      if (holder !== key) faults.push({ key, message: `holds the same key as ${holder}` });
    } catch {
      faults.push({ key, message: 'cannot be read' });
    }
  };
  look('masterKeyFile', s.masterKeyFile, true);
  look('previousMasterKeyFile', s.previousMasterKeyFile, true);
  look('store.postgres.passwordFile', s.store.postgres?.passwordFile, true);
  look('store.postgres.caFile', s.store.postgres?.caFile, false);
  for (const [name, l] of [['listen', s.listen] as const, ['admin', s.admin] as const]) {
    look(`${name}.tls.certFile`, l.tls?.certFile, false);
    look(`${name}.tls.keyFile`, l.tls?.keyFile, true);
  }
  look('trust.rootsFile', s.trust.rootsFile, false);
  look('trust.intermediatesFile', s.trust.intermediatesFile, false);
  look('trust.ocspSignersFile', s.trust.ocspSignersFile, false);
  look('trust.tsl.signerFile', s.trust.tsl?.signerFile, false);
  look('trust.tsl.caFile', s.trust.tsl?.caFile, false);
  look('trust.tsl.file', s.trust.tsl?.file, false);
  look('trust.ocsp.caFile', s.trust.ocsp?.caFile, false);
  look('doctor.insuredFile', s.doctor.insuredFile, true);
  look('idp.caFile', s.idp.caFile, false);
  s.idp.origins.forEach((o, i) => {
    look(`idp.origins[${i}].caFile`, o.caFile, false);
  });
  s.konnektors.forEach((k, i) => {
    const { certFile, keyFile, clientCaFile } = k.events?.listen.tls ?? {};
    look(`konnektors[${i}].events.listen.tls.certFile`, certFile, false);
    look(`konnektors[${i}].events.listen.tls.keyFile`, keyFile, true);
    look(`konnektors[${i}].events.listen.tls.clientCaFile`, clientCaFile, false);
  });
  s.recordSystems.forEach((r, i) => {
    look(`recordSystems[${i}].caFile`, r.caFile, false);
  });
  s.tokenIssuers.forEach((t, i) => {
    look(`tokenIssuers[${i}].jwksFile`, t.jwksFile, false);
    look(`tokenIssuers[${i}].caFile`, t.caFile, false);
  });
  s.clients.forEach((c, i) => {
    look(`clients[${i}].keyFile`, c.keyFile, true);
    for (const [j, path] of c.certificateFiles.entries()) look(`clients[${i}].certificateFiles[${j}]`, path, false);
  });
  s.operators.forEach((o, i) => {
    look(`operators[${i}].keyFile`, o.keyFile, true);
    for (const [j, path] of o.certificateFiles.entries()) look(`operators[${i}].certificateFiles[${j}]`, path, false);
  });
  return faults;
}

/** Anchors: garbage in them is a fault of the settings, not of the first connection. Those of Konnektors are read with the rest of theirs. */
const holdsCertificates = (key: string) =>
  /(^trust\.(rootsFile|intermediatesFile|ocspSignersFile|tsl\.signerFile)|[cC]aFile)$/.test(key);

/** As node:crypto reads them: what the TI demands beyond that is judged where they are used. */
function readsAsCertificates(bytes: Buffer): boolean {
  try {
    const blocks = bytes.toString('utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    return blocks.map((block) => new X509Certificate(block)).length > 0;
  } catch {
    return false;
  }
}
