// What the settings of Konnektors demand of their environment (D16, KON-03): PU refuses by name what is unsafe; and what is wrong
// with the files and their combination (gateway/konnektor-access.ts). Part of gateway/config-rules.ts.
import type { ConfigFault } from './config-rules.ts';
import { isLoopback } from './egress-address.ts';
import { konnektorWay } from './konnektor-access.ts';
import type { Settings } from './tables/settings-manifest.ts';

/** Every fault of every entry, by the key's name. `now` in ms. */
export function konnektorFaults(s: Settings, now: number): ConfigFault[] {
  return s.konnektors.flatMap((konnektor, i) =>
    [...unsafe(konnektor, s.environment), ...konnektorWay(konnektor, now).faults].map(({ setting, message }) => ({
      key: `konnektors[${i}].${setting}`,
      message,
    })),
  );
}

type Fault = { setting: string; message: string };

function unsafe(k: Settings['konnektors'][number], environment: Settings['environment']): Fault[] {
  const faults: Fault[] = [];
  const fault = (setting: string, message: string) => void faults.push({ setting, message });
  if (k.url.startsWith('http:')) {
    if (environment !== 'SIM')
      fault('url', `is not https: plain HTTP is for SIM only, not for ${environment} (KON-03, D16)`);
    else if (!onLoopback(k.url)) fault('url', 'is not https: plain HTTP goes to loopback only (D16)');
  }
  const proven = k.clientCertificate ?? k.clientPkcs12 ?? k.clientKey ?? k.basicAuthentication;
  if (environment !== 'PU') return faults;
  if (proven === undefined)
    fault(
      'clientCertificate',
      'is missing: in PU nobody goes to a Konnektor without clientCertificate, clientPkcs12 or basicAuthentication (KON-03)',
    );
  if (k.weakRsaUntil !== undefined) fault('weakRsaUntil', 'is for laboratories, never for PU (CRT-07)');
  const { proxy } = k;
  if (proxy?.user !== undefined && proxy.url.startsWith('http:') && !onLoopback(proxy.url))
    fault('proxy.url', 'is not https: in PU no password goes to a proxy in the clear (SEC-01)');
  return faults;
}

function onLoopback(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || isLoopback(host);
}
