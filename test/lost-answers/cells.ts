// The cells of the lost-answer matrix: every place and kind of fault that the simulator plays (connector-sim/tables/
// fault-points.ts) × version 1, version 2 with its target present, gone or stale × what the record system tells a repeat (D1).
// The last is collapsed where no byte of the document has left when the fault strikes: then there is no repeat to be told.
import { FAULT_POINTS } from '../../connector-sim/tables/fault-points.ts';

export const ANSWERS = ['XDSDuplicateDocument', 'XDSDuplicateUniqueIdInRegistry', 'target-not-approved'] as const;
export type DuplicateAnswer = (typeof ANSWERS)[number];

/**
 * What the export finds in the record. `gone`: the insured deleted it; `stale`: another gateway has replaced it (D2).
 * `imported`: this gateway knows its target by series/import only, so its series is not free of doubt (D1).
 */
export const SCENES = {
  'version 1': { version: 1, target: 'none', onTargetGone: 'fail', imported: false },
  'target present': { version: 2, target: 'present', onTargetGone: 'fail', imported: false },
  'gone, fail': { version: 2, target: 'gone', onTargetGone: 'fail', imported: false },
  'gone, create-new': { version: 2, target: 'gone', onTargetGone: 'create-new', imported: false },
  'target stale': { version: 2, target: 'stale', onTargetGone: 'fail', imported: false },
  'imported, present': { version: 2, target: 'present', onTargetGone: 'fail', imported: true },
  'imported, stale': { version: 2, target: 'stale', onTargetGone: 'fail', imported: true },
} as const;
export type SceneName = keyof typeof SCENES;
export const SCENE_NAMES = Object.keys(SCENES) as SceneName[];

export type Params = Readonly<Record<string, string | number>>;
/** One fault; `way`: in force while the first try is on its way to the document; `write`: strikes the document itself, once. */
export type Strike = { at: string; kind: string; params?: Params; phase: 'way' | 'write' };
/** Exports that meet one fault together. `answer` null: collapsed. */
export type Group = { strike: Strike; answer: DuplicateAnswer | null; scenes: readonly SceneName[] };

/** Limit for an ITI-41 answer in the matrix: these seconds, and one more per begun MB (D22). */
export const ANSWER_SECONDS = 4;
const LATE_MS = 6_500;

/** Where one kind has several meanings for a document on its way (docs/faults.md). */
const VARIANTS: Readonly<Record<string, readonly Params[]>> = {
  'xds.iti41 delay': [{ ms: 50 }, { ms: LATE_MS }],
  'xds.iti41 http-status': [{ status: 503 }, { status: 429 }, { status: 400 }],
  'xds.iti41 soap-fault': [{ code: 'Server' }, { code: 'Client' }],
  'xds.iti41 registry-error': [{ code: 'XDSRepositoryError' }, { code: 'XDSRepositoryMetadataError' }],
  'vau.data drop-channel': [{ when: 'before' }, { when: 'after' }, { when: 'after', answer: 'cut' }],
  'vau.data delay': [{ ms: 50 }, { ms: LATE_MS }],
};
const SOON: Params = { ms: 50 };

const strikes = (at: string, kind: string, phase: Strike['phase']): Strike[] => {
  const variants = phase === 'write' ? VARIANTS[`${at} ${kind}`] : kind === 'delay' ? [SOON] : undefined;
  return variants === undefined ? [{ at, kind, phase }] : variants.map((params) => ({ at, kind, params, phase }));
};

/** `vau.data` twice: as a frame of the login, and as the frame of the document. */
export const STRIKES: readonly Strike[] = Object.entries(FAULT_POINTS).flatMap(([at, kinds]) =>
  // What becomes of a webhook changes nothing for an export (test/webhooks.test.ts).
  (at === 'webhook' ? [] : kinds).flatMap((kind) => [
    ...(at === 'xds.iti41' ? [] : strikes(at, kind, 'way')),
    ...(at === 'xds.iti41' || at === 'vau.data' ? strikes(at, kind, 'write') : []),
  ]),
);

/** Every cell there is. */
export function allGroups(): Group[] {
  return STRIKES.flatMap((strike): Group[] =>
    strike.phase === 'way'
      ? [{ strike, answer: null, scenes: SCENE_NAMES }]
      : ANSWERS.map((answer) => ({ strike, answer, scenes: SCENE_NAMES })),
  );
}

/** Waits out a limit of the gateway in real time. */
export const isSlow = ({ strike }: Group): boolean => strike.kind === 'hang' || (strike.params?.ms ?? 0) === LATE_MS;

/**
 * The suite's share: every strike at `xds.iti41` with every answer, where something is lost with version 1, target present and two
 * more scenes, else with one; of the slow ones and of those at `vau.data` one answer and one scene each; of the places on the way every place and every kind at
 * least once. The seed draws the rest; strikes that are `kin` share out the scenes among each other.
 */
export function someGroups(seed: number, kin: (strike: Strike) => string): Group[] {
  const random = seeded(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const one = (strike: Strike): Group => ({
    strike,
    answer: strike.phase === 'way' ? null : pick(ANSWERS),
    scenes: [pick(SCENE_NAMES)],
  });
  const turnOf = new Map<string, number>();
  const near = allGroups()
    .filter((group) => group.strike.at === 'xds.iti41' && !isSlow(group))
    .map((group): Group => {
      const turns = `${kin(group.strike)} ${group.answer}`;
      const turn = turnOf.get(turns) ?? seed;
      turnOf.set(turns, turn + 1);
      if (!kin(group.strike).startsWith('lost')) return { ...group, scenes: [pick(SCENE_NAMES)] };
      const more = SCENE_NAMES.slice(2);
      return {
        ...group,
        scenes: [...SCENE_NAMES.slice(0, 2), ...[...more, ...more].slice(turn % more.length).slice(0, 2)],
      };
    });
  const narrow = STRIKES.filter((strike) => strike.phase === 'write')
    .map(one)
    .filter((group) => group.strike.at !== 'xds.iti41' || isSlow(group));
  // A place waits out its limit of up to 30 s where it hangs: that is for the full form.
  const way = STRIKES.filter((strike) => strike.phase === 'way' && strike.kind !== 'hang');
  const chosen = new Set([...new Set(way.map((s) => s.kind))].map((kind) => pick(way.filter((s) => s.kind === kind))));
  for (const at of new Set(way.map((strike) => strike.at)))
    if (![...chosen].some((strike) => strike.at === at)) chosen.add(pick(way.filter((strike) => strike.at === at)));
  return [...near, ...narrow, ...[...chosen].map(one)];
}

/** [0,1), the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
