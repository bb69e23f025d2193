// What is weak on the way to a Konnektor and only borne with (CRT-07, KON-03): said at each start, and a standing alarm for as long
// as the settings leave it so.
import type { AlarmBell } from './alarms/alarms.ts';
import type { Settings } from './config.ts';
import { konnektorWay } from './konnektor-access.ts';
import type { Logger } from './log.ts';

/** A file that should only be written anew is no alarm. */
const ALARMED = ['weak-rsa', 'unauthenticated'] as const;

export async function warnOfWeakWays(o: {
  settings: Pick<Settings, 'konnektors'>;
  now: number;
  log: Logger;
  alarms: AlarmBell;
}): Promise<void> {
  for (const konnektor of o.settings.konnektors) {
    const warnings = konnektorWay(konnektor, o.now).way?.warnings ?? [];
    for (const { reason } of warnings)
      o.log.warn('konnektor access weak', { konnektor: konnektor.id, code: 'KONNEKTOR_ACCESS_WEAK', reason });
    for (const kind of ALARMED) {
      const key = `konnektor.${konnektor.id}.${kind}`;
      if (warnings.every((warning) => warning.kind !== kind)) await o.alarms.clear(key);
      else await o.alarms.raise({ key, code: 'KONNEKTOR_ACCESS_WEAK', subject: konnektor.id, stage: kind });
    }
  }
}
