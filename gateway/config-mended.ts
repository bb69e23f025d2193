// What the rules say of settings of which some are broken (OPS-10): all faults in one round, so each broken setting is replaced by
// something that has its form, once by the least and once by the most, and only what is wrong beside both is said. What depends on
// a broken setting differs between the two, and stays silent until that one is mended.
import type { z } from 'zod';
import { type ConfigFault, checkRules } from './config-rules.ts';
import { type Settings, settingsManifest } from './tables/settings-manifest.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];
type Way = 'least' | 'most';

/** Faults of the settings that are not broken. `issues`: those of the first look at `raw`; `keyOf` names a path as people know it. */
export function faultsBeside(
  raw: unknown,
  issues: readonly Issue[],
  o: { now: number; keyOf: (path: Path) => string },
): ConfigFault[] {
  const [least, most] = [mended(raw, 'least'), mended(raw, 'most')];
  if (least === undefined || most === undefined) return [];
  const broken = issues.filter(({ code }) => code !== 'unrecognized_keys').map(({ path }) => o.keyOf(path));
  const named = (fault: ConfigFault) => `${fault.key} ${fault.message}`;
  const also = new Set(checkRules(most, o.now).map(named));
  return checkRules(least, o.now).filter(
    (fault) =>
      also.has(named(fault)) &&
      !broken.some((key) => fault.key === key || fault.key.startsWith(`${key}.`) || fault.key.startsWith(`${key}[`)) &&
      !namesOneOf(fault, broken),
  );
}

/** A reference whose target may be the entry that has no readable name. */
function namesOneOf({ message }: ConfigFault, broken: readonly string[]): boolean {
  const list = /^names no \S+ of (konnektors|digas|tokenIssuers)$/.exec(message)?.[1];
  if (list === undefined) return false;
  const name = new RegExp(`^${list}(\\[\\d+\\](\\.(id|issuer))?)?$`);
  return broken.some((key) => name.test(key));
}

/** Gives up after so many looks: nothing of the manifest needs nearly as many. */
const LOOKS = 200;

/** The same with everything broken replaced; undefined where nothing fits. */
function mended(raw: unknown, way: Way): Settings | undefined {
  const value: unknown = structuredClone(raw);
  const tried = new Map<string, number>();
  let made = 0;
  for (let look = 0; look < LOOKS; look += 1) {
    const parsed = settingsManifest.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys) put(value, [...issue.path, key], undefined);
        continue;
      }
      const place = JSON.stringify(issue.path.map(String));
      const nth = tried.get(place) ?? 0;
      tried.set(place, nth + 1);
      made += 1;
      const candidates = replacements(issue, way, made);
      if (nth >= candidates.length) return undefined;
      put(value, issue.path, candidates[nth]);
    }
  }
  return undefined;
}

/** One of them has the form of whatever setting it is; names, as no two entries may share one, are new each time. */
function replacements(issue: Issue, way: Way, nth: number): unknown[] {
  if (issue.code === 'invalid_value') return [issue.values.at(way === 'least' ? 0 : -1)];
  const numbers = [1, 100, 10_000, 200_000, 1_000_000, 100_000_000];
  const texts = [`unread-${nth}`, `unread_${nth}`, `1-unread.${nth}`, `unread/${nth}`, 'cetp://127.0.0.1:9', '1.1.0'];
  const forms = ['00000000', '2999-01-01', '2999-01-01T00:00:00Z', Buffer.alloc(32, nth).toString('base64')];
  const urls = [`http://unread-${nth}.invalid`, `https://unread-${nth}.invalid`];
  const parts = [{}, [], [{}], ...texts, ...(way === 'least' ? urls : urls.toReversed()), ...forms];
  const rest = [...parts, ...(way === 'least' ? numbers : numbers.toReversed()), way === 'most', way === 'least'];
  // Left out, it has its default or is not there at all.
  return way === 'least' ? [undefined, ...rest] : [...rest, undefined];
}

/** Puts it there, or takes the member away; entries of lists keep their places. */
function put(value: unknown, path: Path, member: unknown): void {
  let at = value;
  for (const step of path.slice(0, -1)) at = isHolder(at) ? at[String(step)] : undefined;
  const last = path.at(-1);
  if (!isHolder(at) || last === undefined) return;
  if (member === undefined && !Array.isArray(at)) delete at[String(last)];
  else at[String(last)] = member;
}

const isHolder = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
