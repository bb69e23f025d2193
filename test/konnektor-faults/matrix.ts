// Plays cells of code × operation at the simulated Konnektor (issue 7, "It shows"): each called by the gateway's own typed operation,
// and, where an export comes by there, met by one that waits for it; what it says is compared with reference.ts.
import { demoDocument } from '../../demo/document.ts';
import { parseSettings } from '../../gateway/config.ts';
import { createEgress, type Egress } from '../../gateway/egress.ts';
import { catalogue, GatewayError } from '../../gateway/errors.ts';
import { externalAuthenticate } from '../../gateway/konnektor/auth-signature-service.ts';
import { changePin, getPinStatus, unblockPin, verifyPin } from '../../gateway/konnektor/card-service.ts';
import { ejectCard, requestCard } from '../../gateway/konnektor/card-terminal-service.ts';
import {
  checkCertificateExpiration,
  readCardCertificate,
  verifyCertificate,
} from '../../gateway/konnektor/certificate-service.ts';
import { getCards, getCardTerminals, getResourceInformation } from '../../gateway/konnektor/event-service.ts';
import {
  getSubscriptions,
  renewSubscriptions,
  subscribe,
  unsubscribe,
} from '../../gateway/konnektor/event-subscriptions.ts';
import { KonnektorClient } from '../../gateway/konnektor/soap-client.ts';
import { konnektorWay } from '../../gateway/konnektor-access.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';
import { type ExportView, exportBody, TestWorld } from '../support/world.ts';
import type { CodeRow, Operation } from './reference.ts';

export type Cell = {
  row: CodeRow;
  operation: Operation;
  /** What the operation threw: our code and kind, the code of the Konnektor as it was kept. */
  code: string;
  kind: string;
  foreign: string | undefined;
  remedy: string;
  /** Of an export that met it; undefined where none was sent there. */
  state?: string;
  faults: string[];
};

const HANDLE = 'handle-of-nobody';
const SLOT = { ctId: 'CT_SIM_0001', slotId: 1 };
const CALLS: Readonly<Record<Operation, (client: KonnektorClient) => Promise<unknown>>> = {
  GetCards: (c) => getCards(c, { mandantWide: true }),
  GetCardTerminals: (c) => getCardTerminals(c, true),
  GetResourceInformation: (c) => getResourceInformation(c),
  Subscribe: (c) => subscribe(c, { eventTo: 'cetp://127.0.0.1:1', topic: 'CARD' }),
  RenewSubscriptions: (c) => renewSubscriptions(c, ['s1']),
  Unsubscribe: (c) => unsubscribe(c, { subscriptionId: 's1' }),
  GetSubscription: (c) => getSubscriptions(c, { mandantWide: true }),
  VerifyPin: (c) => verifyPin(c, HANDLE),
  ChangePin: (c) => changePin(c, HANDLE),
  UnblockPin: (c) => unblockPin(c, HANDLE, { setNewPin: true }),
  GetPinStatus: (c) => getPinStatus(c, HANDLE),
  RequestCard: (c) => requestCard(c, SLOT),
  EjectCard: (c) => ejectCard(c, SLOT),
  ReadCardCertificate: (c) => readCardCertificate(c, HANDLE),
  CheckCertificateExpiration: (c) => checkCertificateExpiration(c),
  VerifyCertificate: (c) => verifyCertificate(c, Uint8Array.of(0x30, 0)),
  ExternalAuthenticate: (c) => externalAuthenticate(c, HANDLE, new Uint8Array(32)),
};

const AT_REST = new Set(['queued', 'waiting', 'written', 'refused', 'failed', 'cancelled', 'unclear']);

export class FaultMatrix {
  readonly #world: TestWorld;
  readonly #clock: SimulatedClock;
  readonly #egress: Egress;
  readonly #client: KonnektorClient;
  readonly #exports: { id: string; kvnr: string }[] = [];
  #next: number;

  private constructor(o: {
    world: TestWorld;
    clock: SimulatedClock;
    egress: Egress;
    client: KonnektorClient;
    first: number;
  }) {
    this.#world = o.world;
    this.#clock = o.clock;
    this.#egress = o.egress;
    this.#client = o.client;
    this.#next = o.first;
  }

  /** `first` keeps the invented insured of different files apart. */
  static async start(first: number): Promise<FaultMatrix> {
    let clock: SimulatedClock | undefined;
    const world = await TestWorld.start({
      // Every export signs on by itself, so each meets the card.
      settings: (settings) => ({ ...settings, session: { reuse: false } }),
      dependencies: (sim) => {
        clock = new SimulatedClock(sim.world);
        return { now: clock.now, timer: clock.timer };
      },
    });
    const read = parseSettings({ ...world.sim.settings(), dataDirectory: world.dataDirectory });
    const access = read.ok ? read.settings.konnektors[0] : undefined;
    const way = access && konnektorWay(access, Date.now()).way;
    if (clock === undefined || access === undefined || way === undefined) throw new Error('the world is not whole');
    const egress = createEgress({ environment: 'SIM', purposes: { konnektor: [way.target] } });
    return new FaultMatrix({ world, clock, egress, client: new KonnektorClient({ access, egress }), first });
  }

  async stop(): Promise<void> {
    await this.#egress.close();
    await this.#world.stop();
  }

  /** The operation itself, with the code injected as `status` or as the simulator's product has it. */
  async call(row: CodeRow, operation: Operation, status?: number): Promise<Cell> {
    const { faults } = this.#world.sim;
    const params = { code: row.code, ...(status !== undefined && { status }) };
    const { id } = faults.add({ at: `konnektor.${operation}`, kind: 'soap-fault', params });
    const thrown = await CALLS[operation](this.#client).then(
      () => undefined,
      (error: unknown) => error,
    );
    faults.clear(id);
    const error = thrown instanceof GatewayError ? thrown : undefined;
    const { code = '', kind = '', foreign } = error ?? {};
    const remedy = error === undefined ? '' : catalogue[error.code].remedy.en;
    const cell: Cell = { row, operation, code, kind, foreign: foreign?.code, remedy, faults: [] };
    const want = (what: string, is: unknown, should: unknown) => {
      if (is !== should) cell.faults.push(`${what} is ${String(is)}, not ${String(should)}`);
    };
    want('code', code, row.means.code);
    want('kind', kind, row.means.kind);
    want('the code kept', foreign?.code, String(row.code));
    want('the traces kept', foreign?.trace?.at(-1)?.code, String(row.code));
    if (error !== undefined)
      for (const text of Object.values(catalogue[error.code].remedy))
        if (text.length < 10) cell.faults.push('no remedy');
    return cell;
  }

  /** The same met by an export on its way; it stays as it is until `heal`. */
  async met(cell: Cell): Promise<void> {
    const { row, operation } = cell;
    const { faults } = this.#world.sim;
    const inject = () =>
      faults.add({ at: `konnektor.${operation}`, kind: 'soap-fault', params: { code: row.code } }).id;
    let id: string;
    if (operation === 'ReadCardCertificate') {
      // A certificate is read once in a gateway's life.
      await this.#world.stopGateway();
      id = inject();
      await this.#world.startGateway();
    } else {
      id = inject();
      // The card is remembered: a handle that is none any more makes the gateway look for it anew.
      if (operation !== 'ExternalAuthenticate')
        faults.add({ at: 'konnektor.ExternalAuthenticate', kind: 'soap-fault', times: 1, params: { code: 4101 } });
    }
    const kvnr = await this.#world.newInsured(this.#next++, this.#next % 2 === 0 ? 'epa-as-1' : 'epa-as-2');
    const { id: exported } = await this.#world.post(
      exportBody(kvnr, demoDocument(kvnr, 1, new Date(this.#clock.now()))),
    );
    this.#exports.push({ id: exported, kvnr });
    await this.#world.tried(exported);
    // A card that is looked at meanwhile and found well wakes the export: it meets the fault again.
    const { status, reason } = await this.#world.settled(exported, AT_REST);
    const struck = faults.list().find((one) => one.id === id)?.struck ?? 0;
    faults.clear();
    cell.state = status;
    if (struck === 0) cell.faults.push('the fault never struck');
    const goesOn = operation === 'GetCardTerminals';
    const wanted = goesOn ? 'written' : row.means.state;
    if (status !== wanted) cell.faults.push(`the export is ${status}, not ${wanted}`);
    if (!goesOn && reason?.code !== row.means.code)
      cell.faults.push(`the export's reason is ${reason?.code}, not ${row.means.code}`);
    if (!goesOn && reason?.foreign?.code !== undefined && reason.foreign.code !== String(row.code))
      cell.faults.push(`the export keeps ${reason.foreign.code}`);
  }

  /** With the faults gone every export is written by itself at its time, once. Answers what is not so. */
  async heal(): Promise<string[]> {
    const wrong: string[] = [];
    for (const { id, kvnr } of this.#exports) {
      for (let view = await this.#view(id); view.status !== 'written'; view = await this.#view(id)) {
        const next = view.reason?.nextAttemptAt;
        if (next == null) {
          wrong.push(`${id} stays ${view.status}`);
          break;
        }
        this.#clock.advanceTo(Date.parse(next) + 1);
        await this.#world.gateway.idle();
      }
      const { length } = await this.#world.documents(kvnr);
      if (length !== 1) wrong.push(`${id} stands ${length} times in the record`);
    }
    return wrong;
  }

  async #view(id: string): Promise<ExportView & { reason: { nextAttemptAt?: string | null } | null }> {
    return this.#world.get(id);
  }
}
