// Which alarms cards, terminals and Konnektors have (MON-03): a cause that is there now is raised, one that was there before and is
// not any more is cleared. Names of the settings and ICCSNs only.
import type { ErrorCode } from '../errors.ts';

/** `at`: the Konnektor where it was seen. */
export type Cause = { key: string; code: ErrorCode; subject: string; diga?: string; at?: string };

/** What keeps and tells alarms: raising the same key again only says that it is still there. */
export type AlarmPort = {
  raise(cause: Cause): void | Promise<void>;
  clear(key: string): void | Promise<void>;
  /** Those without an end, also of an earlier process and of other gateways. */
  open?(): readonly { key: string; code: ErrorCode; subject: string; diga: string | null }[];
};

const OURS = /^(konnektor\.[\w-]+$|terminal\.|card\.\w+\.pin(\.|$)|diga\.[\w-]+\.(card|chosen)$)/;

/** What is to be judged anew at a look: the causes of the last one, and alarms of ours that somebody else has left open. */
export function standing(alarms: AlarmPort, causes: ReadonlyMap<string, Cause>): Map<string, Cause> {
  const open = (alarms.open?.() ?? []).filter(({ key }) => OURS.test(key));
  const left = open.map(
    ({ key, code, subject, diga }) => [key, { key, code, subject, ...(diga && { diga }) }] as const,
  );
  return new Map([...left, ...causes]);
}

/** The step from what was to what is. A cause that has become another under its key is raised anew. */
export function tellAlarms(
  alarms: AlarmPort,
  before: ReadonlyMap<string, Cause>,
  now: ReadonlyMap<string, Cause>,
): void {
  for (const key of before.keys()) if (!now.has(key)) void alarms.clear(key);
  for (const [key, cause] of now) {
    const known = before.get(key);
    if (known !== undefined && known.code !== cause.code) void alarms.clear(key);
    void alarms.raise(cause);
  }
}
