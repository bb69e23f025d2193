// Runs cells of the lost-answer matrix on one simulator and one gateway, over the simulator's clock. Every version 1 is written
// first; then a second gateway on a copy of the store writes what is to be imported and replaces what is to be stale, and the
// insured delete what is to be gone. judge.ts compares what an export is told with what the record holds, asked for by the control API.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoDocument } from '../../demo/document.ts';
import { byClients } from '../support/clients.ts';
import { findsIn } from '../support/marks.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';
import { exportBody, inventedKvnr, type StoredDocument, TestWorld } from '../support/world.ts';
import { ANSWER_SECONDS, type Group, SCENES } from './cells.ts';
import { effectOf, isAsked } from './expected.ts';
import { type Cell, copiesIn, type Insured, judge, type Prepared, type View } from './judge.ts';

const CLIENTS = 16;
/** Due times that a batch may need, as many share a channel; an export still open then is judged as it is. */
const ROUNDS = 60;
const FINAL = ['written', 'refused', 'failed', 'cancelled', 'superseded', 'unchanged'];

/** The cells in their order, each when its group has ended. */
export async function* runMatrix(groups: readonly Group[], seed: number, rounds = ROUNDS): AsyncGenerator<Cell> {
  let clock: SimulatedClock | undefined;
  const world = await TestWorld.start({
    seed,
    settings: (given) => ({
      ...given,
      egress: { answerSeconds: ANSWER_SECONDS },
      limits: { requestsPerSecond: 100_000 },
    }),
    dependencies: (sim) => {
      clock = new SimulatedClock(sim.world);
      return { now: clock.now, timer: clock.timer };
    },
  });
  if (clock === undefined) throw new Error('the world has no clock');
  try {
    const matrix = new Matrix(world, clock, rounds);
    yield* matrix.run(groups);
    // Through all of this, nothing of anybody is kept or logged in the clear (SEC-07, SEC-10).
    const finds = findsIn(world, matrix.kvnrs);
    if (finds.length > 0) throw new Error(`found in the clear: ${JSON.stringify(finds.slice(0, 10))}`);
  } finally {
    await world.stop();
  }
}

class Matrix {
  readonly #world: TestWorld;
  readonly #clock: SimulatedClock;
  readonly #rounds: number;
  readonly kvnrs: string[] = [];
  #warm = 0;

  constructor(world: TestWorld, clock: SimulatedClock, rounds: number) {
    this.#world = world;
    this.#clock = clock;
    this.#rounds = rounds;
  }

  async *run(groups: readonly Group[]): AsyncGenerator<Cell> {
    const prepared = await this.#prepare(groups);
    const of = (wanted: (group: Group) => boolean) => groups.filter(wanted).map((group) => prepared.get(group) ?? []);
    // At ITI-41 a fault names its insured: all that share an answer go together. A frame does not: one after another.
    for (const answer of new Set(groups.map((group) => group.answer)))
      if (answer !== null) {
        this.#world.sim.world.choices.duplicateAnswer = answer;
        yield* await this.#writes(of((g) => g.strike.at === 'xds.iti41' && g.answer === answer).flat());
        for (const one of of((g) => g.strike.at === 'vau.data' && g.answer === answer).flat())
          yield* await this.#frame(one);
      }
    for (const group of of((g) => g.strike.phase === 'way')) yield* await this.#way(group);
  }

  /** Version 1 of everybody, then the targets as each scene wants them. */
  async #prepare(groups: readonly Group[]): Promise<Map<Group, Prepared[]>> {
    const prepared = new Map<Group, Prepared[]>();
    let n = 20_000;
    for (const [index, group] of groups.entries()) {
      // One group shares one record system, so that its exports share one login.
      const recordSystem = index % 2 === 0 ? 'epa-as-1' : 'epa-as-2';
      const insured = group.scenes.map((scene): Prepared => {
        const kvnr = inventedKvnr(n++);
        const document = demoDocument(kvnr, SCENES[scene].version, new Date());
        const cell: Cell = { group, scene, end: '', held: false, told: false, faults: [] };
        return { kvnr, recordSystem, first: null, group, scene, document, id: '', cell };
      });
      prepared.set(group, insured);
    }
    const everybody = [...prepared.values()].flat();
    await byClients(CLIENTS, everybody, (one) => this.#newInsured(one));
    const second = everybody.filter(({ scene }) => SCENES[scene].version === 2 && !SCENES[scene].imported);
    const posted = await byClients(CLIENTS, second, async (one) => ({
      one,
      id: await this.#post(one.kvnr, demoDocument(one.kvnr, 1, new Date())),
    }));
    await this.#world.gateway.idle();
    for (const { one, id } of posted) {
      const view = await this.#view(id);
      if (view.status !== 'written') throw new Error(`version 1 of a cell is ${view.status} ${view.reason?.code}`);
      one.first = view.document.entryUuid;
    }
    const elsewhere = everybody.filter(({ scene }) => SCENES[scene].imported);
    const targets = (target: string) => everybody.filter((one) => SCENES[one.scene].target === target);
    await this.#atAnotherGateway([
      { cells: elsewhere, version: 1 },
      { cells: targets('stale'), version: 7 },
    ]);
    await this.#imported(elsewhere);
    for (const one of targets('gone'))
      await this.#world.control('DELETE', `/sim/records/${one.kvnr}/documents/${one.first}`);
    return prepared;
  }

  async #newInsured({ kvnr, recordSystem }: Pick<Insured, 'kvnr' | 'recordSystem'>): Promise<void> {
    this.kvnrs.push(kvnr);
    const entitled = [this.#world.sim.ready.telematikId];
    await this.#world.control('PUT', `/sim/records/${kvnr}`, { recordSystem, status: 'ACTIVATED', entitled });
  }

  /** A gateway restored from a copy of the store goes on by itself: what it writes, ours does not know (D2). */
  async #atAnotherGateway(writes: readonly { cells: readonly Prepared[]; version: number }[]): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'epa-restored-'));
    await this.#world.stopGateway();
    cpSync(this.#world.dataDirectory, join(folder, 'data'), { recursive: true });
    const other = await this.#world.gatewayOn(join(folder, 'data'));
    const headers = { authorization: `Bearer ${other.ready.apiKey}`, 'content-type': 'application/json' };
    for (const { cells, version } of writes) {
      await byClients(CLIENTS, cells, async ({ kvnr }) => {
        const body = JSON.stringify(exportBody(kvnr, demoDocument(kvnr, version, new Date())));
        const answer = await fetch(`${other.address}/v1/exports`, { method: 'POST', headers, body });
        if (answer.status !== 202) throw new Error(`the other gateway answered ${answer.status}`);
        await answer.arrayBuffer();
      });
      await other.idle();
    }
    await other.stop();
    rmSync(folder, { recursive: true, force: true });
    await this.#world.startGateway();
  }

  /** What another client wrote first, by its IDs (OPS-04). */
  async #imported(cells: readonly Prepared[]): Promise<void> {
    await byClients(CLIENTS, cells, async (one) => {
      const [first] = await this.#world.documents(one.kvnr);
      one.first = first?.entryUuid ?? null;
      const entry = { kvnr: one.kvnr, entryUuid: one.first, version: 1, recordSystem: one.recordSystem };
      const answer = await this.#world.call('POST', '/v1/series/import', {
        body: JSON.stringify({ entries: [entry] }),
      });
      if (answer.status !== 200) throw new Error(`an import was answered ${answer.status}: ${answer.body}`);
    });
  }

  /** Cells at ITI-41, each with a fault of its own. */
  async #writes(cells: readonly Prepared[]): Promise<Cell[]> {
    for (const { kvnr, group } of cells) {
      const { at, kind, params } = group.strike;
      await this.#world.control('POST', '/sim/faults', { at, kind, params, times: 1, match: { kvnr } });
    }
    await this.#posted(cells);
    await this.#toTheEnd(cells);
    const left = await this.#faultsLeft();
    for (const one of cells)
      if (left.some((fault) => fault.match?.kvnr === one.kvnr)) one.cell.faults.push('the fault never struck');
    return this.#judged(cells);
  }

  /** A fault at the frame of one document: once an idle gateway has used the channel, nothing else is on it, no login either. */
  async #frame(one: Prepared): Promise<Cell[]> {
    const { recordSystem, group } = one;
    const kvnr = inventedKvnr(900_000 + this.#warm++);
    await this.#newInsured({ kvnr, recordSystem });
    const warm = { id: await this.#post(kvnr, demoDocument(kvnr, 1, new Date())) };
    await this.#world.gateway.idle();
    await this.#toTheEnd([warm]);
    const { status } = await this.#view(warm.id);
    if (status !== 'written') one.cell.faults.push(`the document before it is ${status}`);
    const { at, kind, params } = group.strike;
    await this.#world.control('POST', '/sim/faults', { at, kind, params, times: 1, match: { recordSystem } });
    await this.#posted([one]);
    if ((await this.#faultsLeft()).length > 0) one.cell.faults.push('the fault never struck');
    await this.#toTheEnd([one]);
    return this.#judged([one]);
  }

  /** A fault on the way to the document, in force from a cold start until the first try of each has ended. */
  async #way(cells: readonly Prepared[]): Promise<Cell[]> {
    const [first] = cells;
    if (first === undefined) return [];
    await this.#world.stopGateway();
    const { at, kind, params } = first.group.strike;
    const { id } = await this.#world.control<{ id: string }>('POST', '/sim/faults', { at, kind, params });
    await this.#world.startGateway();
    await this.#posted(cells);
    const [fault] = await this.#faultsLeft();
    const struck = fault?.id === id && fault.struck > 0;
    const asked = isAsked(first.group.strike);
    if (asked !== 'perhaps' && struck !== asked)
      for (const { cell } of cells) cell.faults.push(struck ? 'the place was asked' : 'the fault never struck');
    await this.#world.control('DELETE', '/sim/faults');
    for (const one of cells)
      if ((await this.#copies(one)).length > 0 && struck && effectOf(one.group.strike) === 'held-back')
        one.cell.faults.push('the record holds what cannot have been sent');
    await this.#toTheEnd(cells);
    return this.#judged(cells);
  }

  #faultsLeft(): Promise<{ id: string; struck: number; match?: { kvnr?: string } }[]> {
    return this.#world.control('GET', '/sim/faults');
  }

  /** Accepts the cells' exports and waits until the first try of each has ended. */
  async #posted(cells: readonly Prepared[]): Promise<void> {
    await byClients(CLIENTS, cells, async (one) => {
      one.id = await this.#post(one.kvnr, one.document, SCENES[one.scene].onTargetGone);
    });
    await this.#world.gateway.idle();
  }

  /** Goes on to when all are due, again and again, until only a person can move anything or it plainly leads nowhere. */
  async #toTheEnd(cells: readonly Pick<Prepared, 'id'>[]): Promise<void> {
    for (let round = 0; round < this.#rounds; round++) {
      const views = await byClients(CLIENTS, cells, (one) => this.#view(one.id));
      const times = views
        .filter((view) => !FINAL.includes(view.status) && view.reason?.who !== 'insured')
        .flatMap((view) => (view.reason?.nextAttemptAt == null ? [] : [Date.parse(view.reason.nextAttemptAt)]));
      if (times.length === 0) return;
      this.#clock.advanceTo(Math.max(...times) + 1);
      await this.#world.gateway.idle();
    }
  }

  async #judged(cells: readonly Prepared[]): Promise<Cell[]> {
    for (const one of cells)
      judge(one, { view: await this.#view(one.id), record: await this.#world.documents(one.kvnr, true) });
    return cells.map((one) => one.cell);
  }

  async #copies(one: Prepared): Promise<StoredDocument[]> {
    return copiesIn(await this.#world.documents(one.kvnr, true), one.document);
  }

  async #post(kvnr: string, document: Uint8Array, onTargetGone = 'fail'): Promise<string> {
    return (await this.#world.post(exportBody(kvnr, document, { onTargetGone }))).id;
  }

  async #view(id: string): Promise<View> {
    return (await this.#world.get(id)) as View;
  }
}
