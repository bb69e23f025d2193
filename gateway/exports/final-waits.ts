// Who waits for the final state of an export (`Prefer: wait`, api.md section 2): told by whatever ends it (settle, sweep,
// a newer export, cancel), never by polling. A leaf: those who end an export get `ended` alone.

/** Sets one timer and answers how to take it back. */
type SetTimer = (ms: number, fire: () => void) => () => void;

export type FinalWaits = {
  /** The export has reached a final state, durably. */
  ended(id: string): void;
  /** Resolves when the export has ended, after `ms`, when `gone` aborts, or when the gateway stops; says not which. */
  until(id: string, o: { ms: number; gone: AbortSignal; isFinal: () => Promise<boolean> }): Promise<void>;
  /** Something may have ended unheard: every wait looks for itself. */
  look(): void;
  /** The gateway stops: every wait ends, later ones end at once. */
  stop(): void;
  /** How many wait now. */
  readonly size: number;
};

export function createFinalWaits(timer: SetTimer): FinalWaits {
  const waiting = new Map<string, Set<() => void>>();
  const looks = new Set<() => void>();
  let stopped = false;
  const release = (id: string) => {
    for (const resolve of waiting.get(id) ?? []) resolve();
  };
  return {
    ended: release,
    until: async (id, o) => {
      if (stopped || o.gone.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const those = waiting.getOrInsertComputed(id, () => new Set());
      those.add(resolve);
      const cancel = timer(o.ms, resolve);
      o.gone.addEventListener('abort', () => resolve());
      const look = () => {
        o.isFinal().then(
          (final) => final && resolve(),
          () => {},
        );
      };
      looks.add(look);
      try {
        // Asked after the wait stands: an end in between is seen by one of the two.
        if (!(await o.isFinal())) await promise;
      } finally {
        cancel();
        looks.delete(look);
        those.delete(resolve);
        if (those.size === 0) waiting.delete(id);
      }
    },
    look: () => {
      for (const look of looks) look();
    },
    stop: () => {
      stopped = true;
      for (const id of waiting.keys()) release(id);
    },
    get size() {
      return [...waiting.values()].reduce((sum, those) => sum + those.size, 0);
    },
  };
}
