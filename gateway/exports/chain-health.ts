// Whether the chain card → IDP → VAU works for each DiGA and record system, as the journeys met it: answers `canExport`
// (MON-01), and names the exports that wait for a channel, so that they run at once when one is there again (D22).
import type { ErrorCode } from '../errors.ts';

export type ChainHealth = {
  /** No channel could be had; `exportId` waits for one (null: a check outside an export). */
  fails(place: { diga: string; recordSystem: string }, code: ErrorCode, exportId: string | null): void;
  /** An answer was lost here: the export is repeated by its schedule, or when a channel is there again after a failure. */
  unanswered(place: { diga: string; recordSystem: string }, exportId: string): void;
  /** The export waits for nothing any more. */
  settled(exportId: string): void;
  /** A channel was had; after a failure it answers the exports that waited for one. */
  works(place: { diga: string; recordSystem: string }): string[];
  /** The first trouble known, or null: nothing known hinders exports. */
  trouble(diga?: string): ErrorCode | null;
};

export function createChainHealth(): ChainHealth {
  const places = new Map<string, { diga: string; code: ErrorCode; waiting: Set<string> }>();
  const inDoubt = new Map<string, Set<string>>();
  const keyOf = (place: { diga: string; recordSystem: string }) => `${place.diga} ${place.recordSystem}`;
  return {
    fails: (place, code, exportId) => {
      const known = places.get(keyOf(place)) ?? { diga: place.diga, code, waiting: new Set<string>() };
      known.code = code;
      if (exportId !== null) known.waiting.add(exportId);
      places.set(keyOf(place), known);
    },
    unanswered: (place, exportId) => {
      inDoubt.getOrInsertComputed(keyOf(place), () => new Set()).add(exportId);
    },
    settled: (exportId) => {
      for (const exports of inDoubt.values()) exports.delete(exportId);
    },
    works: (place) => {
      const failed = places.get(keyOf(place));
      // Only the change from none to one wakes anybody: else each lost answer would cost the next channel at once.
      const waiting = failed === undefined ? [] : [...failed.waiting, ...(inDoubt.get(keyOf(place)) ?? [])];
      places.delete(keyOf(place));
      // A check of the card alone ('') is answered by any channel of the DiGA.
      places.delete(keyOf({ diga: place.diga, recordSystem: '' }));
      return waiting;
    },
    trouble: (diga) => {
      for (const place of places.values()) if (diga === undefined || place.diga === diga) return place.code;
      return null;
    },
  };
}
