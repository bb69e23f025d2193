// What the settings of trust demand of each other (CRT-04, CRT-05): a responder in PU, files or a list, one source of it, anchors where its address is https.
import type { ConfigFault } from './config-rules.ts';
import type { Settings } from './tables/settings-manifest.ts';

export function trustFaults({ trust, environment }: Settings): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const { tsl } = trust;
  for (const key of ['intermediatesFile', 'ocspSignersFile'] as const)
    if (tsl === undefined && trust[key] === undefined)
      faults.push({ key: `trust.${key}`, message: 'is missing: without trust.tsl nothing else names them' });
  const { ocsp } = trust;
  if (ocsp === undefined && environment === 'PU')
    faults.push({
      key: 'trust.ocsp',
      message: 'is missing: in PU no card signs whose status nobody asks for (CRT-04)',
    });
  if (ocsp !== undefined && ocsp.url.startsWith('https:') !== (ocsp.caFile !== undefined))
    faults.push({ key: 'trust.ocsp.caFile', message: 'is for an https address, and mandatory there' });
  if (tsl === undefined) return faults;
  if ((tsl.url === undefined) === (tsl.file === undefined))
    faults.push({ key: 'trust.tsl', message: 'needs either url or file' });
  const https = tsl.url?.startsWith('https:') === true;
  if (https && tsl.caFile === undefined)
    faults.push({ key: 'trust.tsl.caFile', message: 'is missing: the address is https' });
  if (!https && tsl.caFile !== undefined)
    faults.push({ key: 'trust.tsl.caFile', message: 'is for an https address only' });
  return faults;
}
