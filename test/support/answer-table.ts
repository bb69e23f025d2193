// Plays rows of test/tables/answers.ts and iti41-answers.ts: one answer at one place, to one export. Every export signs on by
// itself (`session.reuse` off), so each meets the whole way; the clock is the simulator's, so each is seen through to its end.
import { expect } from 'vitest';
import { demoDocument } from '../../demo/document.ts';
import { catalogue } from '../../gateway/errors.ts';
import { type Answer, EFFECTS, type Means } from '../tables/answers.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { type ExportView, exportBody, TestWorld } from './world.ts';

/** Where the fault stands: place, and how many exchanges pass before it. */
export type Place = { at: string; after?: number; times?: number };

export type PlayedRow = Place & { answer: Answer; means: Means; second?: boolean };

const ENDED = new Set(['written', 'refused', 'failed', 'cancelled']);

export class AnswerBench {
  readonly world: TestWorld;
  readonly #clock: SimulatedClock;
  #next: number;

  private constructor(world: TestWorld, clock: SimulatedClock, first: number) {
    this.world = world;
    this.#clock = clock;
    this.#next = first;
  }

  /** `first` keeps the invented insured of different files apart. */
  static async start(first: number): Promise<AnswerBench> {
    let clock: SimulatedClock | undefined;
    const world = await TestWorld.start({
      settings: (settings) => ({ ...settings, session: { ...(settings.session as object), reuse: false } }),
      dependencies: (sim) => {
        clock = new SimulatedClock(sim.world);
        return { now: clock.now, timer: clock.timer };
      },
    });
    if (clock === undefined) throw new Error('the world has no clock');
    return new AnswerBench(world, clock, first);
  }

  stop = (): Promise<void> => this.world.stop();

  /** The export as the answer left it, after every column of its row has been compared; then seen through to its end. */
  async play({ at, answer, means, second = false, ...often }: PlayedRow): Promise<ExportView> {
    const { world } = this;
    const recordSystem = this.#next % 2 === 0 ? 'epa-as-1' : 'epa-as-2';
    const kvnr = await world.newInsured(this.#next++, recordSystem);
    if (second) expect(await world.write(this.body(kvnr, 1))).toMatchObject({ status: 'written' });
    const { params = {} } = answer;
    const match = at === 'xds.iti41' ? { kvnr } : { recordSystem };
    const fault = { at, kind: answer.kind, params, match, ...often };
    const { id } = await world.control<{ id: string }>('POST', '/sim/faults', fault);
    const accepted = await world.post(this.body(kvnr, second ? 2 : 1));
    const tried = await world.tried(accepted.id);
    const left = await world.control<{ id: string }[]>('GET', '/sim/faults');
    expect(left.filter((one) => one.id === id && 'struck' in one && one.struck === 0)).toEqual([]);
    await world.control('DELETE', '/sim/faults');

    this.#compare(tried, answer, means);
    if (means !== null) await this.#seeThrough(tried, kvnr, second ? 2 : 1);
    return tried;
  }

  body(kvnr: string, version: number): Record<string, unknown> {
    return exportBody(kvnr, demoDocument(kvnr, version, new Date(this.#clock.now())));
  }

  #compare({ status, reason }: ExportView, answer: Answer, means: Means): void {
    if (means === null) {
      expect({ status, reason }).toEqual({ status: 'written', reason: null });
      return;
    }
    const [kind, expected, usual] = EFFECTS[means.code] ?? [];
    const retry = means.retry ?? usual;
    expect({ code: reason?.code, check: reason?.check, kind: catalogue[means.code].kind, status }).toEqual({
      code: means.code,
      check: means.check,
      kind,
      status: expected,
    });
    const foreign = means.plain === true ? undefined : answer.foreign;
    if (foreign === undefined) expect(reason?.foreign).toBeUndefined();
    else expect(reason?.foreign).toEqual(foreign);
    const { since, nextAttemptAt } = reason as unknown as { since: string; nextAttemptAt: string | null };
    const wait = nextAttemptAt === null ? null : (Date.parse(nextAttemptAt) - Date.parse(since)) / 1000;
    if (retry === null || retry === undefined) expect(wait).toBe(retry);
    // With jitter, so that a thousand do not come back together.
    else expect(wait).toSatisfy((seconds: number) => seconds >= retry && seconds <= retry * 1.1);
  }

  /** Whatever it was: tried again at its time it is written, once; what is final left nothing in the record. */
  async #seeThrough({ id, status, reason }: ExportView, kvnr: string, version: number): Promise<void> {
    const before = version - 1;
    if (ENDED.has(status)) {
      expect(await this.world.documents(kvnr)).toHaveLength(before);
      return;
    }
    const { nextAttemptAt } = reason as unknown as { nextAttemptAt: string | null };
    if (nextAttemptAt === null) return;
    this.#clock.advanceTo(Date.parse(nextAttemptAt) + 1);
    expect(await this.world.settled(id, ENDED)).toMatchObject({ status: 'written' });
    expect(await this.world.documents(kvnr)).toHaveLength(before + 1);
  }
}
