// One call of the control API: what it is given, what it answers, and how its query is read.
import type { ClockFollowers } from '../followers.ts';
import type { HttpAnswer, HttpRequestIn } from '../http-server.ts';
import type { Journal } from '../journal.ts';
import type { KonnektorListeners } from '../konnektor/konnektor-listeners.ts';
import type { SimParts, SimService } from '../parts.ts';
import { Refusal } from '../refusal.ts';
import type { GatewaySettingsJson, SettingsFlags } from '../settings.ts';
import type { StepRunner } from '../steps/runner.ts';

export type ControlDeps = {
  parts: SimParts;
  journal: Journal;
  /** Absent where no listener stands. */
  konnektors?: KonnektorListeners;
  /** Anchors, authorities or signers have changed: the files that name them are written anew. */
  trustChanged?: () => void;
  settings(o?: SettingsFlags): GatewaySettingsJson;
  /** The secret that those settings name for the receiver `demo`. */
  webhookSecret: string;
  /** services that show something of their own in GET /sim/state */
  services: Record<string, SimService>;
  /** Timed steps of the scenario; absent where none are run. */
  steps?: StepRunner;
  /** In the place of those of its own; for tests. */
  followers?: ClockFollowers;
};

export type ControlCall = { request: HttpRequestIn; params: Record<string, string>; body: () => unknown };

/** `path` with `{name}` for one segment. */
export type ControlRoute = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  run(call: ControlCall): HttpAnswer | Promise<HttpAnswer>;
};

/** `true` or `false`, false when absent. */
export function flagOf(value: string | undefined, name: string): boolean {
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  throw new Refusal({ status: 400, code: 'QUERY_INVALID', message: `${name} is true or false` });
}

/** Query members the call knows; anything else is a typing error worth telling. */
export function queryOf<const K extends string>(
  request: HttpRequestIn,
  known: readonly K[],
): Partial<Record<K, string>> {
  const found: Partial<Record<K, string>> = {};
  for (const [name, value] of request.query) {
    const key = known.find((k) => k === name);
    if (key === undefined || found[key] !== undefined) {
      throw new Refusal({
        status: 400,
        code: 'QUERY_INVALID',
        message: `query: ${known.join(', ') || 'none'} only, each once`,
      });
    }
    found[key] = value;
  }
  return found;
}
