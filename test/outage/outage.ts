// One record system hangs, fails or is gone while the other has its full work (style.md, issue "It shows"): how fast the other
// one's exports go, and how long those of the ill one take once it is well again. Used by the suite and by `npm run outage`.
import { demoDocument } from '../../demo/document.ts';
import { exportBody, type TestWorld } from '../support/world.ts';

export const ILL = 'epa-as-1';
const WELL = 'epa-as-2';
const match = { recordSystem: ILL };

/** What the faults of one outage are. */
export const OUTAGES = {
  hangs: [{ at: 'record-system.tls', kind: 'hang', match }],
  'answers 500': ['information.ehr', 'vau.handshake', 'vau.data'].map((at) => ({
    ...{ at, kind: 'http-status', match },
    params: { status: 500 },
  })),
  'is gone': [{ at: 'record-system.tls', kind: 'refuse', match }],
} as const;
export type Outage = keyof typeof OUTAGES;

export type Round = { perSecond: number; recoverySeconds: number | null };

/** Insured of both record systems that were located before, a new series for each round, and as many never seen. */
export class OutageStory {
  readonly #world: TestWorld;
  readonly #known = new Map<string, string[]>();
  #index = 1000;
  #series = 0;

  constructor(world: TestWorld) {
    this.#world = world;
  }

  /** One document for each of `count` insured at each record system: sessions stand, records are located. */
  async begin(count: { well: number; ill: number }): Promise<void> {
    for (const [recordSystem, n] of [
      [WELL, count.well],
      [ILL, count.ill],
    ] as const) {
      const insured = await this.#insured(recordSystem, n);
      this.#known.set(recordSystem, insured);
      await this.#writeAll(insured);
    }
  }

  /** Without `outage` the undisturbed round. Throws where an export is not written in the end. */
  async round(
    o: { outage: Outage | null; exports: number; waiting: number },
    onWell: () => void = () => {},
  ): Promise<Round> {
    const mine = await this.#half(WELL, o.exports);
    const waiting = o.outage === null ? [] : await this.#half(ILL, o.waiting);
    if (o.outage !== null)
      for (const fault of OUTAGES[o.outage]) await this.#world.control('POST', '/sim/faults', fault);
    const waits = await Promise.all(waiting.map((kvnr) => this.#post(kvnr)));
    for (const id of waits) await this.#world.tried(id);
    const from = performance.now();
    await this.#writeAll(mine);
    const perSecond = (1000 * mine.length) / (performance.now() - from);
    if (o.outage === null) return { perSecond, recoverySeconds: null };
    const well = performance.now();
    await this.#world.control('DELETE', '/sim/faults');
    onWell();
    for (const id of waits) await this.#world.settled(id, WRITTEN);
    return { perSecond, recoverySeconds: (performance.now() - well) / 1000 };
  }

  /** Half of them located before, half never. */
  async #half(recordSystem: 'epa-as-1' | 'epa-as-2', count: number): Promise<string[]> {
    const known = (this.#known.get(recordSystem) ?? []).slice(0, Math.floor(count / 2));
    return [...known, ...(await this.#insured(recordSystem, count - known.length))];
  }

  async #insured(recordSystem: 'epa-as-1' | 'epa-as-2', count: number): Promise<string[]> {
    const list: string[] = [];
    for (let n = 0; n < count; n++) list.push(await this.#world.newInsured(this.#index++, recordSystem));
    return list;
  }

  async #post(kvnr: string): Promise<string> {
    this.#series += 1;
    const document = demoDocument(kvnr, 1, new Date());
    return (await this.#world.post(exportBody(kvnr, document, { series: `s${this.#series}` }))).id;
  }

  /** Sixteen clients, each with its next as soon as one is written. */
  async #writeAll(insured: readonly string[]): Promise<void> {
    const left = [...insured];
    const client = async () => {
      for (let kvnr = left.pop(); kvnr !== undefined; kvnr = left.pop())
        await this.#world.settled(await this.#post(kvnr), WRITTEN);
    };
    await Promise.all(Array.from({ length: 16 }, client));
  }
}

const WRITTEN = new Set(['written']);
