// What the settings of webhooks, those of alarms as well, demand beyond their form: ids once per DiGA, addresses that egress can reach (D16, D18), and
// secrets as Standard Webhooks has them, readable by their owner only. Part of gateway/config-rules.ts.
import { readFileSync, statSync } from 'node:fs';
import { isLinkLocal, isLoopback } from './egress-address.ts';
import type { Settings } from './tables/settings-manifest.ts';
import { readSecret } from './webhooks/signature.ts';

type Fault = { key: string; message: string };

/** Every fault; never a value. */
export function webhookFaults(s: Settings): Fault[] {
  return [
    ...s.digas.flatMap((diga, i) => faultsOf(`digas[${i}].webhooks`, diga.webhooks, s.environment)),
    ...mailFaults(s.alarms.mail),
    ...faultsOf('alarms.webhooks', s.alarms.webhooks, s.environment),
  ];
}

function mailFaults(mail: Settings['alarms']['mail']): Fault[] {
  if (mail === undefined) return [];
  const faults: Fault[] = [];
  const fault = (member: string, message: string) => faults.push({ key: `alarms.mail.${member}`, message });
  if ((mail.user === undefined) !== (mail.passwordFile === undefined))
    fault(mail.user === undefined ? 'user' : 'passwordFile', 'is missing: user and passwordFile go together');
  if (isLinkLocal(mail.host)) fault('host', 'must not be a link-local address (D18)');
  if (mail.caFile !== undefined && !readable(mail.caFile, /-----BEGIN (?:TRUSTED )?CERTIFICATE-----/))
    fault('caFile', 'cannot be read as certificates (PEM)');
  if (mail.passwordFile !== undefined)
    try {
      if ((statSync(mail.passwordFile).mode & 0o077) !== 0)
        fault('passwordFile', 'is readable by others than its owner: set mode 0600');
      if (!/^[^\r\n]{1,512}\r?\n?$/.test(readFileSync(mail.passwordFile, 'utf8')))
        fault('passwordFile', 'must hold one line');
    } catch {
      fault('passwordFile', 'cannot be read');
    }
  return faults;
}

type Target = {
  id: string;
  url: string;
  secretFile: string;
  previousSecretFile?: string | undefined;
  caFile?: string | undefined;
};

function faultsOf(list: string, webhooks: readonly Target[], environment: Settings['environment']): Fault[] {
  return webhooks.flatMap((webhook, j) => {
    const at = `${list}[${j}]`;
    const faults: Fault[] = [];
    const first = webhooks.findIndex((other) => other.id === webhook.id);
    if (first !== j) faults.push({ key: `${at}.id`, message: `stands twice, first in ${list}[${first}]` });
    for (const message of urlFaults(webhook.url, environment)) faults.push({ key: `${at}.url`, message });
    faults.push(...secretFaults(`${at}.secretFile`, webhook.secretFile));
    faults.push(...secretFaults(`${at}.previousSecretFile`, webhook.previousSecretFile));
    if (webhook.caFile !== undefined && !readable(webhook.caFile, /-----BEGIN (?:TRUSTED )?CERTIFICATE-----/))
      faults.push({ key: `${at}.caFile`, message: 'cannot be read as certificates (PEM)' });
    return faults;
  });
}

function urlFaults(text: string, environment: Settings['environment']): string[] {
  const url = new URL(text);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const faults: string[] = [];
  if (url.username !== '' || url.password !== '') faults.push('must hold no credentials: messages are signed instead');
  if (url.protocol === 'http:' && (environment !== 'SIM' || !(host === 'localhost' || isLoopback(host))))
    faults.push('must be https: plain HTTP is for SIM on loopback only (D16)');
  // The metadata services of clouds live there: never a receiver (D18).
  if (isLinkLocal(host)) faults.push('must not be a link-local address (D18)');
  return faults;
}

function secretFaults(key: string, path: string | undefined): Fault[] {
  if (path === undefined) return [];
  try {
    const faults: Fault[] = [];
    if ((statSync(path).mode & 0o077) !== 0)
      faults.push({ key, message: 'is readable by others than its owner: set mode 0600' });
    if (readSecret(readFileSync(path, 'utf8')) === undefined)
      faults.push({ key, message: 'must hold one line: whsec_ and 24 to 64 bytes in Base64' });
    return faults;
  } catch {
    return [{ key, message: 'cannot be read' }];
  }
}

function readable(path: string, form: RegExp): boolean {
  try {
    return form.test(readFileSync(path, 'utf8'));
  } catch {
    return false;
  }
}
