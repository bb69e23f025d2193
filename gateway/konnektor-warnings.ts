// What is weak on the way to a Konnektor and only borne with (CRT-07, KON-03): said at each start, and a standing alarm for as long
// as the settings leave it so.
import type { Alarms } from './alarms/alarms.ts';
import { type CauseGroup, tellGroup } from './alarms/watch.ts';
import type { Settings } from './config.ts';
import { konnektorWay } from './konnektor-access.ts';
import type { Logger } from './log.ts';

/** A file that should only be written anew is no alarm. */
const ALARMED = ['weak-rsa', 'unauthenticated'] as const;

/** Looked at by the alarms' watch; one whose files cannot be read keeps its alarm. */
export function weakWays(settings: Pick<Settings, 'konnektors'>, now: () => number): CauseGroup {
  const ways = () => settings.konnektors.map((konnektor) => ({ id: konnektor.id, ...konnektorWay(konnektor, now()) }));
  return {
    ours: new RegExp(`^konnektor\\.[\\w-]+\\.(${ALARMED.join('|')})$`),
    causes: () =>
      ways().flatMap(({ id, way }) =>
        ALARMED.filter((kind) => way?.warnings.some((warning) => warning.kind === kind)).map((kind) => ({
          key: `konnektor.${id}.${kind}`,
          code: 'KONNEKTOR_ACCESS_WEAK' as const,
          subject: id,
          stage: kind,
        })),
      ),
    untold: (key) => ways().some(({ id, way }) => way === undefined && key.startsWith(`konnektor.${id}.`)),
  };
}

export async function warnOfWeakWays(o: {
  settings: Pick<Settings, 'konnektors'>;
  now: () => number;
  log: Logger;
  alarms: Pick<Alarms, 'raise' | 'clear' | 'open'>;
}): Promise<void> {
  for (const konnektor of o.settings.konnektors)
    for (const { reason } of konnektorWay(konnektor, o.now()).way?.warnings ?? [])
      o.log.warn('konnektor access weak', { konnektor: konnektor.id, code: 'KONNEKTOR_ACCESS_WEAK', reason });
  await tellGroup(o.alarms, weakWays(o.settings, o.now));
}
