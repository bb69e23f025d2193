// Whether the chain card → IDP → VAU works for each DiGA and record system, as the journeys met it: answers `canExport`
// (MON-01), and names the exports that wait for something that has come back, so that they run at once (D22).
import type { ErrorCode } from '../errors.ts';
import type { AvailabilityChange } from './ports.ts';

type Place = { diga: string; recordSystem: string };

export type ChainHealth = {
  /** No channel could be had; `exportId` waits for one (null: a check outside an export). */
  fails(place: Place, code: ErrorCode, exportId: string | null): void;
  /** Some record system could not say whether it has the record. */
  notLocated(exportId: string): void;
  /** There was no place on the way to this record system. */
  noPlace(recordSystem: string, exportId: string): void;
  /** The export was located and has a channel: it waits for neither any more. */
  goesOn(exportId: string): void;
  /** An answer was lost here: the export is repeated by its schedule, or when a channel is there again after a failure. */
  unanswered(place: Place, exportId: string): void;
  /** The export waits for nothing any more. */
  settled(exportId: string): void;
  /** A channel was had; after a failure it answers the exports that waited for one. */
  works(place: Place): string[];
  /** The card of this DiGA works: the exports that waited for it, or for what stands before it. */
  cardBack(diga: string): string[];
  /** How often a record system has come back: who met an error and began before that tries again at once. */
  recoveries(): number;
  /** The exports that may run now that this has changed; each is named once. */
  toWake(change: AvailabilityChange): string[];
  /** The first trouble known, or null: nothing known hinders exports. */
  trouble(diga?: string): ErrorCode | null;
  /** How the last way over the IDP ended, whatever has failed before it since; `ok` null: none was gone yet. */
  idp(diga?: string): { ok: boolean | null; code: ErrorCode | null };
};

export function createChainHealth(): ChainHealth {
  const places = new Map<string, Place & { code: ErrorCode; waiting: Set<string> }>();
  const idps = new Map<string, { diga: string; code: ErrorCode | null }>();
  const inDoubt = new Map<string, Place & { exports: Set<string> }>();
  const unlocated = new Set<string>();
  let recoveries = 0;
  const withoutPlace = new Map<string, Set<string>>();
  const keyOf = (place: Place) => `${place.diga} ${place.recordSystem}`;
  const at = <V extends Place>(map: Map<string, V>, recordSystem: string) =>
    [...map.values()].filter((place) => place.recordSystem === recordSystem);
  const placesFreed = (recordSystem: string, free: number) => taken(withoutPlace.get(recordSystem), free);

  const goesOn = (exportId: string) => {
    unlocated.delete(exportId);
    for (const exports of withoutPlace.values()) exports.delete(exportId);
  };

  return {
    fails: (place, code, exportId) => {
      const known = places.get(keyOf(place)) ?? { ...place, code, waiting: new Set<string>() };
      known.code = code;
      if (code.startsWith('IDP_')) idps.set(keyOf(place), { diga: place.diga, code });
      if (exportId !== null) known.waiting.add(exportId);
      places.set(keyOf(place), known);
    },
    notLocated: (exportId) => void unlocated.add(exportId),
    noPlace: (recordSystem, exportId) =>
      void withoutPlace.getOrInsertComputed(recordSystem, () => new Set()).add(exportId),
    goesOn,
    unanswered: (place, exportId) => {
      inDoubt.getOrInsertComputed(keyOf(place), () => ({ ...place, exports: new Set() })).exports.add(exportId);
    },
    settled: (exportId) => {
      for (const { exports } of inDoubt.values()) exports.delete(exportId);
      goesOn(exportId);
    },
    works: (place) => {
      const failed = places.get(keyOf(place));
      // A channel stands on a login.
      idps.set(keyOf(place), { diga: place.diga, code: null });
      // Only the change from none to one wakes anybody: else each lost answer would cost the next channel at once.
      const waiting = failed === undefined ? [] : [...failed.waiting, ...(inDoubt.get(keyOf(place))?.exports ?? [])];
      places.delete(keyOf(place));
      return waiting;
    },
    cardBack: (diga) => {
      const back = [...places].filter(
        ([, one]) => one.diga === diga && (one.recordSystem === '' || ABOUT_CARD.test(one.code)),
      );
      return back.flatMap(([key, { waiting }]) => {
        places.delete(key);
        return [...waiting, ...(inDoubt.get(key)?.exports ?? [])];
      });
    },
    recoveries: () => recoveries,
    toWake: (change) => {
      const { recordSystem } = change;
      if (change.kind === 'places') return placesFreed(recordSystem, change.free);
      if (change.kind === 'probe') {
        if (change.service === 'location') return taken(unlocated, 1);
        for (const { waiting } of at(places, recordSystem)) if (waiting.size > 0) return taken(waiting, 1);
        for (const { exports } of at(inDoubt, recordSystem)) if (exports.size > 0) return [...exports].slice(0, 1);
        return [];
      }
      recoveries += 1;
      const waiting = at(places, recordSystem).flatMap((place) => taken(place.waiting, Number.POSITIVE_INFINITY));
      const doubtful = at(inDoubt, recordSystem).flatMap((place) => [...place.exports]);
      const others = [
        ...taken(unlocated, Number.POSITIVE_INFINITY),
        ...placesFreed(recordSystem, Number.POSITIVE_INFINITY),
      ];
      return [...new Set([...waiting, ...doubtful, ...others])];
    },
    trouble: (diga) => {
      for (const place of places.values()) if (diga === undefined || place.diga === diga) return place.code;
      return null;
    },
    idp: (diga) => {
      const known = [...idps.values()].filter((one) => diga === undefined || one.diga === diga);
      const code = known.find((one) => one.code !== null)?.code ?? null;
      return { ok: known.length === 0 ? null : code === null, code };
    },
  };
}

/** What stands between a DiGA and the signatures of its card. */
const ABOUT_CARD = /^(SMCB_|KONNEKTOR_|TERMINAL_|CERTIFICATE_)/;

/** The first of them, taken out. */
function taken(from: Set<string> | undefined, count: number): string[] {
  const ids = from === undefined ? [] : [...from].slice(0, count);
  for (const id of ids) from?.delete(id);
  return ids;
}
