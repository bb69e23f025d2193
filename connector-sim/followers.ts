// Who follows the simulated clock (D17): a follower asks and is answered when the clock has moved; asking again with what it was
// told is its acknowledgement. One that is gone, asking no more, is waited for a few seconds and then forgotten.

export type ClockFollowers = {
  /** Resolves with the number of the clock's last move: at once where that is news for the follower, else with the next move, or after a while without one. */
  follow(id: string, seen: number): Promise<number>;
  /** The clock has moved. Resolves when every follower has acknowledged, with those that did not in time. */
  moved(): Promise<{ acknowledged: number; missing: number }>;
  /** It follows no more: nobody waits for it. */
  leave(id: string): void;
  count(): number;
};

type Follower = {
  left?: true;
  seen: number;
  waiting: (() => void) | undefined;
  acknowledged: (() => void) | undefined;
};
type Timer = (ms: number, fire: () => void) => () => void;

/** A follower that is answered without a move asks again: so it is known to live. */
export const FOLLOW_MS = 20_000;
/** Real time in which a follower that lives has acknowledged. */
export const ACKNOWLEDGE_MS = 5_000;

const systemTimer: Timer = (ms, fire) => {
  const handle = setTimeout(fire, ms);
  handle.unref();
  return () => clearTimeout(handle);
};

export function createFollowers(timer: Timer = systemTimer): ClockFollowers {
  const followers = new Map<string, Follower>();
  let version = 0;
  let turn: Promise<unknown> = Promise.resolve();

  /** False: it is gone. */
  function acknowledgement(id: string, follower: Follower, wanted: number): Promise<boolean> {
    if (follower.seen >= wanted) return Promise.resolve(true);
    return new Promise((resolve) => {
      const cancel = timer(ACKNOWLEDGE_MS, () => {
        followers.delete(id);
        follower.acknowledged = undefined;
        resolve(false);
      });
      follower.acknowledged = () => {
        if (follower.seen < wanted && !follower.left) return;
        cancel();
        follower.acknowledged = undefined;
        resolve(!follower.left);
      };
      follower.waiting?.();
    });
  }

  return {
    follow: async (id, seen) => {
      const follower = followers.getOrInsertComputed(id, () => ({ seen, waiting: undefined, acknowledged: undefined }));
      follower.seen = seen;
      follower.acknowledged?.();
      // The one that it asked before and does not wait for any more.
      follower.waiting?.();
      if (seen === version)
        await new Promise<void>((resolve) => {
          const cancel = timer(FOLLOW_MS, () => {
            follower.waiting = undefined;
            resolve();
          });
          follower.waiting = () => {
            cancel();
            follower.waiting = undefined;
            resolve();
          };
        });
      return version;
    },
    moved: () => {
      version += 1;
      const wanted = version;
      // One after the other: the second move waits for followers that have the first behind them.
      const all = turn.then(async () => {
        const answers = await Promise.all(
          [...followers].map(([id, follower]) => acknowledgement(id, follower, wanted)),
        );
        const acknowledged = answers.filter((one) => one).length;
        return { acknowledged, missing: answers.length - acknowledged };
      });
      turn = all;
      return all;
    },
    leave: (id) => {
      const follower = followers.get(id);
      if (follower === undefined) return;
      followers.delete(id);
      follower.left = true;
      follower.waiting?.();
      follower.acknowledged?.();
    },
    count: () => followers.size,
  };
}
