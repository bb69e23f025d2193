// The listeners of all Konnektors of a world: the first on the fixed port, each further one on a port of its own; switched off,
// on and restarted as a device is (konnektor.md 11), hung, and opened anew where its transport or its certificate changes.
// `follow` opens and closes what the world has gained and lost.
import type { HttpHandler, HttpListener, listen } from '../http-server.ts';
import type { SimParts } from '../parts.ts';
import { restartKonnektor } from './cards.ts';
import { FIRST_KONNEKTOR } from './default-konnektor.ts';
import { createKonnektor } from './konnektor.ts';
import {
  firstIdentity,
  identityTls,
  type KonnektorIdentity,
  konnektorTlsFaults,
  mintIdentity,
} from './konnektor-tls.ts';
import type { KonnektorState } from './model.ts';
import { DEFAULT_TRANSPORT, type Transport } from './transport.ts';

type Listening = Omit<Parameters<typeof listen>[0], 'port' | 'journal'>;

type Running = {
  listener: HttpListener;
  running: boolean;
  /** Takes connections and says nothing any more. */
  hanging: boolean;
  transport: Transport;
  identity: KonnektorIdentity;
};

export class KonnektorListeners {
  readonly #parts: SimParts;
  readonly #open: (port: number | 'first', o: Listening) => Promise<HttpListener>;
  readonly #listeners = new Map<string, Running>();
  readonly #onStart: ((konnektor: KonnektorState) => void)[] = [];
  #turn: Promise<void> = Promise.resolve();

  /** `open`: a port that was had before, 0 for any, or that of the first Konnektor. */
  constructor(parts: SimParts, open: (port: number | 'first', o: Listening) => Promise<HttpListener>) {
    this.#parts = parts;
    this.#open = open;
  }

  /** After a Konnektor has started anew, handles and sessions gone (events: BOOTUP/BOOTUP_COMPLETE). */
  onStart(listener: (konnektor: KonnektorState) => void): void {
    this.#onStart.push(listener);
  }

  /** Empty for an id the world does not know. */
  url(id: string): string {
    return this.#listeners.get(id)?.listener.url ?? '';
  }

  /** What its TLS shows now. */
  identity(id: string): KonnektorIdentity | undefined {
    return this.#listeners.get(id)?.identity;
  }

  isRunning(id: string): boolean {
    return this.#listeners.get(id)?.running ?? false;
  }

  isHanging(id: string): boolean {
    return this.#listeners.get(id)?.hanging ?? false;
  }

  /** Resolves when every Konnektor of the world has its listener and no other stands. After a reset all run as at the start. */
  follow(): Promise<void> {
    return this.#next(async () => {
      const { konnektors } = this.#parts.world;
      for (const [id, found] of this.#listeners) {
        const konnektor = konnektors.get(id);
        if (konnektor === undefined) {
          this.#listeners.delete(id);
          await found.listener.stop();
          continue;
        }
        this.#wake(found);
        const renewed = id === FIRST_KONNEKTOR && found.identity.leaves[0] !== this.#parts.pki.tls.konnektor;
        if (found.transport !== konnektor.transport || renewed) await this.#anew(id, found, this.#firstOf(konnektor));
        await this.#start(id);
      }
      for (const konnektor of konnektors.values()) this.#parts.cetp?.follow(konnektor);
      for (const [id, konnektor] of konnektors)
        if (!this.#listeners.has(id)) await this.#listen(konnektor, this.#firstOf(konnektor));
    });
  }

  /** Opens it again with the transport its state says now, and with new certificates; connections end. */
  apply(id: string, o: { renew: boolean }): Promise<void> {
    return this.#next(async () => {
      const found = this.#listeners.get(id);
      const konnektor = this.#parts.world.konnektors.get(id);
      if (found === undefined || konnektor === undefined) return;
      const { transport } = konnektor;
      await this.#anew(id, found, o.renew ? mintIdentity(this.#parts.pki, transport) : found.identity);
    });
  }

  /** Connections are taken and requests swallowed, on old connections too; when it ends, what has waited is cut. */
  setHanging(id: string, hanging: boolean): void {
    const found = this.#listeners.get(id);
    if (found === undefined) return;
    if (hanging) found.hanging = true;
    else this.#wake(found);
  }

  #wake(found: Running): void {
    if (found.hanging) found.listener.cut();
    found.hanging = false;
  }

  /** Power off: connections end, handles and sessions are lost; nobody types a PIN any more. */
  switchOff(id: string): Promise<void> {
    return this.#next(async () => {
      const found = this.#listeners.get(id);
      const konnektor = this.#parts.world.konnektors.get(id);
      if (found === undefined || konnektor === undefined || !found.running) return;
      found.running = false;
      found.listener.shut();
      this.#boot(konnektor);
    });
  }

  switchOn(id: string): Promise<void> {
    return this.#next(async () => {
      if (await this.#start(id)) this.#started(id);
    });
  }

  /** Off and on again at once. */
  restart(id: string): Promise<void> {
    return this.#next(async () => {
      const found = this.#listeners.get(id);
      const konnektor = this.#parts.world.konnektors.get(id);
      if (found === undefined || konnektor === undefined) return;
      found.listener.shut();
      found.running = false;
      this.#boot(konnektor);
      this.#wake(found);
      await this.#start(id);
      this.#started(id);
    });
  }

  async stop(): Promise<void> {
    await this.#turn;
    await Promise.all([...this.#listeners.values()].map(({ listener }) => listener.stop()));
  }

  #boot(konnektor: KonnektorState): void {
    for (const entry of konnektor.pinEntries.values()) entry.arrive();
    restartKonnektor(konnektor, this.#parts.world.now());
  }

  #started(id: string): void {
    const konnektor = this.#parts.world.konnektors.get(id);
    if (konnektor !== undefined) for (const listener of this.#onStart) listener(konnektor);
  }

  async #start(id: string): Promise<boolean> {
    const found = this.#listeners.get(id);
    if (found === undefined || found.running) return false;
    await found.listener.reopen();
    found.running = true;
    return true;
  }

  /** The certificates of the beginning, which a reset brings back. */
  #firstOf({ id, transport }: KonnektorState): KonnektorIdentity {
    const { pki } = this.#parts;
    return id === FIRST_KONNEKTOR && transport === DEFAULT_TRANSPORT
      ? firstIdentity(pki)
      : mintIdentity(pki, transport);
  }

  async #anew(id: string, found: Running, identity: KonnektorIdentity): Promise<void> {
    const konnektor = this.#parts.world.konnektors.get(id);
    if (konnektor === undefined) return;
    await found.listener.stop();
    await this.#listen(konnektor, identity, found);
    if (!found.running) {
      const opened = this.#listeners.get(id);
      opened?.listener.shut();
      if (opened !== undefined) opened.running = false;
    }
  }

  async #listen(konnektor: KonnektorState, identity: KonnektorIdentity, before?: Running): Promise<void> {
    const { pki, faults } = this.#parts;
    const { id, transport } = konnektor;
    const right = transport.tls ? identityTls(pki, identity, transport) : undefined;
    const taken = right && konnektorTlsFaults({ pki, faults, id, right });
    const { handle } = createKonnektor(this.#parts, id, () => this.url(id));
    const listener = await this.#open(before?.listener.port ?? (id === FIRST_KONNEKTOR ? 'first' : 0), {
      handler: this.#unlessHanging(id, handle),
      service: 'konnektor',
      tls: right,
      onConnection: (socket, server) => (this.isHanging(id) ? 'keep' : (taken?.(socket, server) ?? 'serve')),
      bodyLimit: 1_000_000,
    });
    this.#listeners.set(id, { listener, running: true, hanging: before?.hanging ?? false, transport, identity });
  }

  #unlessHanging(id: string, handle: HttpHandler): HttpHandler {
    return (request) => (this.isHanging(id) ? new Promise(() => {}) : handle(request));
  }

  /** One change after the other: two of them at one listener would open a port twice. */
  #next(act: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
