// Pins of the settings (CRT-10): a list without a spare is refused, for the day the certificate changes would stop every export.
import type { ConfigFault } from './config-rules.ts';
import type { Settings } from './tables/settings-manifest.ts';

export function pinFaults(s: Settings): ConfigFault[] {
  const lists: [string, readonly string[]][] = [
    ...s.konnektors.map((k, i): [string, readonly string[]] => [`konnektors[${i}].pins`, k.pins]),
    ['idp.pins', s.idp.pins],
    ...s.idp.origins.map((o, i): [string, readonly string[]] => [`idp.origins[${i}].pins`, o.pins]),
    ...s.recordSystems.map((r, i): [string, readonly string[]] => [`recordSystems[${i}].pins`, r.pins]),
  ];
  return lists
    .filter(([, pins]) => pins.length > 0 && new Set(pins).size < 2)
    .map(([key]) => ({
      key,
      message: 'needs a second pin, of a spare key: without one a changed certificate stops everything',
    }));
}
