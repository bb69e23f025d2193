// Looks at one Konnektor again and again (KON-06, KON-11, MON-04): by its time, sooner when something hints at a change (an event, a
// failed login, the end of a PIN entry), and often while it does not answer. Looking costs no signature and prompts nobody.
import { asGatewayError, type GatewayError } from '../errors.ts';
import type { Timer } from '../exports/worker.ts';
import type { SeenCard, Survey } from '../konnektor/survey.ts';

/** What is known of a Konnektor; `survey` is the last one that succeeded, from before where it does not answer now. */
export type KonnektorSight = {
  id: string;
  /** Null: not looked at yet. */
  answers: boolean | null;
  error: GatewayError | null;
  /** Since when it answers, or does not. */
  since: number | null;
  lookedAt: number | null;
  survey: Survey | undefined;
  /** Cards that this process has seen there and that are not there any more; forgotten after a day (KON-06). */
  pulled: readonly PulledCard[];
};

export type PulledCard = { card: SeenCard; missedAt: number };

/** By then it was pulled for good: the old one after a change of cards. */
const PULLED_SHOWN_MS = 86_400_000;
const MOST_PULLED = 20;

export type KonnektorWatchNeeds = {
  id: string;
  survey: () => Promise<Survey>;
  now: () => number;
  timer: Timer;
  /** Between two looks; while it does not answer, or something is amiss there; at least between two that were hinted at. */
  pollMs: number;
  probeMs: number;
  hintMs?: number;
  /** A person may be at work there: the next look should not be long in coming. */
  amiss: () => boolean;
  /** After each look. */
  seen: (sight: KonnektorSight) => void | Promise<void>;
};

/** A hundred exports that meet the same failure hint a hundred times. */
const HINT_MS = 1_000;

export class KonnektorWatch {
  readonly #o: KonnektorWatchNeeds;
  #sight: KonnektorSight;
  #cancel: () => void = () => {};
  #looking: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  #dueAt = Number.POSITIVE_INFINITY;
  #begunAt = Number.NEGATIVE_INFINITY;

  constructor(o: KonnektorWatchNeeds) {
    this.#o = o;
    this.#sight = { id: o.id, answers: null, error: null, since: null, lookedAt: null, survey: undefined, pulled: [] };
  }

  get sight(): KonnektorSight {
    return this.#sight;
  }

  /** Something may have changed there: looked at soon, once more where a look is on its way. */
  hint(): void {
    if (this.#stopped) return;
    if (this.#looking !== undefined) {
      this.#again = true;
      return;
    }
    const pause = this.#o.hintMs ?? HINT_MS;
    this.#schedule(Math.max(0, this.#begunAt + pause - this.#o.now()));
  }

  /** A look that begins now, or right behind the one on its way; resolves when it has ended. Never throws. */
  async look(): Promise<void> {
    while (this.#looking !== undefined) await this.#looking;
    if (!this.#stopped) await this.#start();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #schedule(ms: number): void {
    const at = this.#o.now() + ms;
    if (at >= this.#dueAt || this.#stopped) return;
    this.#cancel();
    this.#dueAt = at;
    this.#cancel = this.#o.timer(ms, () => void this.look());
  }

  #start(): Promise<void> {
    this.#cancel();
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#begunAt = this.#o.now();
    this.#looking = this.#once().finally(() => {
      this.#looking = undefined;
      const again = this.#again;
      this.#again = false;
      if (again) this.hint();
      const calm = this.#sight.answers === true && !this.#o.amiss();
      this.#schedule(calm ? this.#o.pollMs : this.#o.probeMs);
    });
    return this.#looking;
  }

  async #once(): Promise<void> {
    const before = this.#sight;
    let after: Pick<KonnektorSight, 'answers' | 'error' | 'survey'>;
    try {
      after = { answers: true, error: null, survey: await this.#o.survey() };
    } catch (thrown) {
      after = { answers: false, error: asGatewayError(thrown), survey: before.survey };
    }
    const now = this.#o.now();
    const since = after.answers === before.answers ? before.since : now;
    this.#sight = { ...before, ...after, since, lookedAt: now, pulled: pulledSince(before, after.survey, now) };
    if (!this.#stopped) await this.#o.seen(this.#sight);
  }
}

function pulledSince({ survey, pulled }: KonnektorSight, after: Survey | undefined, now: number): PulledCard[] {
  const there = new Set((after?.cards ?? []).map(({ iccsn }) => iccsn));
  const missed = (survey?.cards ?? []).filter(({ iccsn }) => !there.has(iccsn));
  const again = new Set([...there, ...missed.map(({ iccsn }) => iccsn)]);
  const before = pulled.filter(({ card, missedAt }) => !again.has(card.iccsn) && now - missedAt < PULLED_SHOWN_MS);
  return [...before, ...missed.map((card) => ({ card, missedAt: now }))].slice(-MOST_PULLED);
}
