// What the settings say about who may call: every client and operator has a way to prove who they are, no proof belongs to
// two of them, and what a proof needs is there (SEC-13, SEC-15, EXP-27). Part of config-rules.ts.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConfigFault } from './config-rules.ts';
import type { Settings } from './tables/settings-manifest.ts';

/** Every fault; the files are read, and must be readable, as config-rules.ts checks. */
export function checkCredentials(s: Settings): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const add = (key: string, message: string) => void faults.push({ key, message });
  const issuers = new Set(s.tokenIssuers.map((i) => i.issuer));
  const holders = new Map<string, string>();
  s.tokenIssuers.forEach((issuer, i) => {
    const key = `tokenIssuers[${i}]`;
    if (s.tokenIssuers.findIndex((other) => other.issuer === issuer.issuer) !== i) add(`${key}.issuer`, 'stands twice');
    if ((issuer.jwksFile === undefined) === (issuer.jwksUrl === undefined))
      add(`${key}.jwksUrl`, 'one of jwksFile and jwksUrl is needed, not both');
    // SEC-03: nothing is trusted that the settings do not name.
    if (issuer.jwksUrl !== undefined && issuer.caFile === undefined) add(`${key}.caFile`, 'is needed with jwksUrl');
  });
  s.clients.forEach((client, i) => {
    const key = `clients[${i}]`;
    if (client.keyFile === undefined && client.token === undefined && client.certificateFiles.length === 0)
      add(key, 'needs a keyFile, a token or certificateFiles');
    if (client.token === undefined) return;
    if (!issuers.has(client.token.issuer)) add(`${key}.token.issuer`, 'names no issuer of tokenIssuers');
    const holder = `${client.token.issuer} ${client.token.client}`;
    const first = holders.getOrInsert(holder, key);
    if (first !== key) add(`${key}.token`, `is the same client as ${first}`);
  });
  certificates(s, 'clients', s.listen.tls !== undefined, add);
  certificates(s, 'operators', s.admin.tls !== undefined, add);
  return faults;
}

function certificates(
  s: Settings,
  list: 'clients' | 'operators',
  tls: boolean,
  add: (key: string, message: string) => void,
): void {
  const holders = new Map<string, string>();
  s[list].forEach((caller, i) => {
    caller.certificateFiles.forEach((path, j) => {
      const key = `${list}[${i}].certificateFiles[${j}]`;
      if (!tls) add(key, `needs TLS: ${list === 'clients' ? 'listen.tls' : 'admin.tls'}`);
      try {
        const { fingerprint256 } = new X509Certificate(readFileSync(path));
        const first = holders.getOrInsert(fingerprint256, `${list}[${i}]`);
        if (first !== `${list}[${i}]`) add(key, `is the certificate of ${first}, too`);
      } catch {
        add(key, 'holds no readable certificate');
      }
    });
  });
}
