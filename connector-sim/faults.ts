// Faults switched on by tests and the control API (api.md section 4, TST-02): where (`at`), what (`kind`), how often.
// A fault whose place or kind does not exist is refused, so no test passes because its fault never struck.
import { z } from 'zod';
import { paramsOf } from './fault-params.ts';
import { isKvnr } from './kvnr.ts';
import { RECORD_SYSTEMS } from './records.ts';
import { type Finding, findingsOf, refusalOf } from './refusal.ts';
import { FAULT_MATCHES, FAULT_POINTS, LASTING } from './tables/fault-points.ts';

export type FaultMatch = { konnektor?: string; recordSystem?: string; kvnr?: string; iccsn?: string };

export type Fault = {
  id: string;
  at: string;
  kind: string;
  /** Strikes this many times, then is gone; without it, until removed. */
  times?: number;
  /** Lets this many matching exchanges pass first. */
  after?: number;
  probability?: number;
  match?: FaultMatch;
  params?: Record<string, unknown>;
};

/** `struckAt`: how often at which record system, where the place is one of theirs. */
export type FaultState = Fault & { struck: number; seen: number; struckAt: Record<string, number> };

const name = z.string().min(1).max(200);
const faultSchema = z.strictObject({
  at: name,
  kind: name,
  times: z.int().min(1).optional(),
  after: z.int().min(0).optional(),
  probability: z.number().gt(0).max(1).optional(),
  match: z
    .strictObject({
      konnektor: name.optional(),
      recordSystem: name.optional(),
      kvnr: name.optional(),
      iccsn: name.optional(),
    })
    .optional(),
  params: z.record(z.string(), z.unknown()).optional(),
});

export class Faults {
  readonly #random: () => number;
  readonly #konnektors: (() => Iterable<string>) | undefined;
  readonly #listeners: ((added: Fault | undefined) => Promise<void>)[] = [];
  #active: FaultState[] = [];
  #next = 1;
  #settled: Promise<unknown> = Promise.resolve();

  /** `random` gives [0,1) by the world's seed; only `probability` uses it. `konnektors`: ids a fault may be narrowed to. */
  constructor(o: { random: () => number; konnektors?: () => Iterable<string> }) {
    this.#random = o.random;
    this.#konnektors = o.konnektors;
  }

  /** Switches a fault on. Throws Refusal with every finding (unknown member, place, kind) at once. */
  add(given: unknown): FaultState {
    const checked = faultSchema.safeParse(given);
    const findings = [
      ...(checked.success ? [] : findingsOf(checked.error)),
      ...placeFindings(given, this.#konnektors?.()),
    ];
    if (!checked.success || findings.length > 0)
      throw refusalOf(findings, checked.success ? 'FAULT_UNKNOWN' : 'BODY_INVALID');
    const state: FaultState = { id: `f${this.#next}`, ...checked.data, struck: 0, seen: 0, struckAt: {} };
    this.#next += 1;
    this.#active.push(state);
    this.#changed(state);
    return copyOf(state);
  }

  /** Called when a fault was switched on (`added`) or off; for faults that are a state of a place, not an event at it. */
  onChange(listener: (added: Fault | undefined) => Promise<void>): void {
    this.#listeners.push(listener);
  }

  /** Resolves when every place has followed the last change. */
  async settled(): Promise<void> {
    await this.#settled;
  }

  #changed(added: Fault | undefined): void {
    this.#settled = Promise.all([this.#settled, ...this.#listeners.map((listener) => listener(added))]);
  }

  /** Whether this fault is meant for this place and exchange. */
  concerns(fault: Fault, at: string, context: FaultMatch = {}): boolean {
    return fault.at === at && matches(fault.match, context);
  }

  /** Whether a lasting fault is on here; the first to find it so has seen it strike. */
  isOn(at: string, kind: string, context: FaultMatch = {}): boolean {
    const fault = this.#active.find((one) => one.kind === kind && this.concerns(one, at, context));
    const { recordSystem } = context;
    if (fault !== undefined && recordSystem !== undefined && fault.struckAt[recordSystem] === undefined)
      count(fault, recordSystem);
    return fault !== undefined;
  }

  /** A place that follows lasting faults by `onChange` says that this one has done what it does. */
  markStruck(id: string): void {
    const fault = this.#active.find((one) => one.id === id);
    if (fault !== undefined) count(fault, undefined);
  }

  list(): FaultState[] {
    return this.#active.map(copyOf);
  }

  /** Removes one or all; false when the id is unknown. */
  clear(id?: string): boolean {
    const left = id === undefined ? [] : this.#active.filter((fault) => fault.id !== id);
    const removed = id === undefined || left.length < this.#active.length;
    this.#active = left;
    if (removed) this.#changed(undefined);
    return removed;
  }

  /**
   * The first active fault at this place that matches the exchange and strikes now; uses up one of its times.
   * A `match` member the exchange does not know (undefined) does not match.
   */
  take(at: string, context: FaultMatch = {}): Fault | undefined {
    for (const fault of this.#active) {
      if (LASTING.has(fault.kind) || !this.concerns(fault, at, context)) continue;
      fault.seen += 1;
      if (fault.seen <= (fault.after ?? 0)) continue;
      if (fault.probability !== undefined && this.#random() >= fault.probability) continue;
      count(fault, context.recordSystem);
      if (fault.times !== undefined && fault.struck >= fault.times) {
        this.#active = this.#active.filter((other) => other !== fault);
      }
      return fault;
    }
    return undefined;
  }
}

function count(fault: FaultState, recordSystem: string | undefined): void {
  fault.struck += 1;
  if (recordSystem !== undefined) fault.struckAt[recordSystem] = (fault.struckAt[recordSystem] ?? 0) + 1;
}

function copyOf(fault: FaultState): FaultState {
  return { ...fault, struckAt: { ...fault.struckAt } };
}

function matches(match: FaultMatch | undefined, context: FaultMatch): boolean {
  if (match === undefined) return true;
  return (
    (match.konnektor === undefined || match.konnektor === context.konnektor) &&
    (match.recordSystem === undefined || match.recordSystem === context.recordSystem) &&
    (match.kvnr === undefined || match.kvnr === context.kvnr) &&
    (match.iccsn === undefined || match.iccsn === context.iccsn)
  );
}

const named = z.looseObject({
  at: z.string(),
  kind: z.unknown().optional(),
  match: z.unknown().optional(),
  params: z.unknown().optional(),
});

/**
 * What the schema cannot say: the place, the kinds it plays, what these take, and by what they can be narrowed. Judged beside the
 * schema.
 */
function placeFindings(given: unknown, konnektors: Iterable<string> | undefined): Finding[] {
  const read = named.safeParse(given);
  if (!read.success) return [];
  const { at, kind, match, params } = read.data;
  const kinds = FAULT_POINTS[at];
  const findings: Finding[] = [];
  if (kinds === undefined) {
    const message = `not one of ${Object.keys(FAULT_POINTS).join(', ')}`;
    findings.push({ pointer: '/at', code: 'unknown-place', message });
    if (typeof kind === 'string' && !Object.values(FAULT_POINTS).some((all) => all.includes(kind)))
      findings.push({ pointer: '/kind', code: 'unknown-kind', message: 'no place knows this kind' });
    return findings;
  }
  if (typeof kind === 'string' && !kinds.includes(kind))
    findings.push({ pointer: '/kind', code: 'unknown-kind', message: `at ${at} only ${kinds.join(', ')}` });
  else if (typeof kind === 'string' && typeof params === 'object' && params !== null) {
    const fits = paramsOf(at, kind).safeParse(params);
    if (!fits.success)
      findings.push(...findingsOf(fits.error).map((one) => ({ ...one, pointer: `/params${one.pointer}` })));
  }
  if (typeof kind === 'string' && LASTING.has(kind)) {
    const counted = (['times', 'after', 'probability'] as const).filter((member) => read.data[member] !== undefined);
    const message = `${kind} lasts until it is switched off`;
    for (const member of counted) findings.push({ pointer: `/${member}`, code: 'not-applicable', message });
  }
  const known = FAULT_MATCHES[at] ?? [];
  const members: Record<string, unknown> = typeof match === 'object' && match !== null ? { ...match } : {};
  for (const member of ['konnektor', 'recordSystem', 'kvnr', 'iccsn'] as const) {
    if (members[member] === undefined || known.includes(member)) continue;
    // it would never strike, and a test would pass without its fault
    findings.push({ pointer: `/match/${member}`, code: 'unknown-match', message: `${at} does not know it` });
  }
  return [...findings, ...neverMet(members, known, konnektors)];
}

/** Values of `match` that nothing here can ever have. A card of a well-formed number may be plugged later. */
function neverMet(
  members: Record<string, unknown>,
  known: readonly string[],
  konnektors: Iterable<string> | undefined,
): Finding[] {
  const ids = konnektors === undefined ? undefined : [...konnektors];
  const can: Readonly<Record<string, { holds: (value: string) => boolean; message: string }>> = {
    konnektor: { holds: (id) => ids?.includes(id) ?? true, message: `not one of ${ids?.join(', ')}` },
    recordSystem: {
      holds: (id) => RECORD_SYSTEMS.some((one) => one === id),
      message: `not one of ${RECORD_SYSTEMS.join(', ')}`,
    },
    kvnr: { holds: isKvnr, message: 'not a letter and nine digits with a right check digit' },
    iccsn: { holds: (text) => /^\d{20}$/.test(text), message: 'not 20 digits' },
  };
  return Object.entries(can).flatMap(([member, { holds, message }]): Finding[] => {
    const value = members[member];
    if (!known.includes(member) || typeof value !== 'string' || value === '' || holds(value)) return [];
    return [{ pointer: `/match/${member}`, code: 'unknown-match', message }];
  });
}
