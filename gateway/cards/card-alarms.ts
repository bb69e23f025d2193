// Which alarms cards, terminals and Konnektors have (MON-03): a cause that is there now is raised, one that was there before and is
// not any more is cleared. Names of the settings and ICCSNs only.
import type { ErrorCode } from '../errors.ts';

/** `at`: the Konnektor where it was seen. */
export type Cause = { key: string; code: ErrorCode; subject: string; diga?: string; at?: string };

/** What keeps and tells alarms: raising the same key again changes nothing. */
export type AlarmPort = {
  raise(cause: Cause): void | Promise<void>;
  clear(key: string): void | Promise<void>;
  /** Those without an end, also of an earlier process. */
  open?(): readonly { key: string }[];
};

/** Alarms of ours that an earlier process left open and whose cause is not there any more. */
export function clearStale(alarms: AlarmPort, now: ReadonlyMap<string, Cause>): void {
  for (const { key } of alarms.open?.() ?? []) if (OURS.test(key) && !now.has(key)) void alarms.clear(key);
}

const OURS = /^(konnektor\.[\w-]+$|terminal\.|card\.\w+\.pin$|diga\.[\w-]+\.card$)/;

/** The step from what was to what is. A cause that has become another under its key is raised anew. */
export function tellAlarms(
  alarms: AlarmPort,
  before: ReadonlyMap<string, Cause>,
  now: ReadonlyMap<string, Cause>,
): void {
  for (const key of before.keys()) if (!now.has(key)) void alarms.clear(key);
  for (const [key, cause] of now) {
    const known = before.get(key);
    if (known?.code === cause.code) continue;
    if (known !== undefined) void alarms.clear(key);
    void alarms.raise(cause);
  }
}
