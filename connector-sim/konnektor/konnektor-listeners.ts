// The listeners of all Konnektors of a world: the first on the fixed port, each further one on a port of its own; switched off,
// on and restarted as a device is (konnektor.md 11), hung, and opened anew where its transport or its certificate changes.
// `follow` opens and closes what the world has gained and lost and leaves the others alone; `reset` makes all as at the start.
import type { HttpHandler } from '../http-server.ts';
import type { SimParts } from '../parts.ts';
import { restartKonnektor } from './cards.ts';
import { FIRST_KONNEKTOR } from './default-konnektor.ts';
import { createKonnektor } from './konnektor.ts';
import { type KonnektorDoors, type OpenListener, openDoors } from './konnektor-doors.ts';
import {
  firstIdentity,
  identityTls,
  type KonnektorIdentity,
  konnektorTlsFaults,
  mintIdentity,
} from './konnektor-tls.ts';
import type { KonnektorState } from './model.ts';
import { isPlainServed } from './sds.ts';
import { DEFAULT_TRANSPORT, type Transport } from './transport.ts';

type Running = {
  listener: KonnektorDoors;
  running: boolean;
  /** Takes connections and says nothing any more. */
  hanging: boolean;
  transport: Transport;
  identity: KonnektorIdentity;
  /** What a reset brings back; undefined for one that was made with another transport. */
  first: KonnektorIdentity | undefined;
};

export class KonnektorListeners {
  readonly #parts: SimParts;
  readonly #open: OpenListener;
  readonly #listeners = new Map<string, Running>();
  readonly #onStart: ((konnektor: KonnektorState) => void)[] = [];
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: SimParts, open: OpenListener) {
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

  /** Resolves when every Konnektor of the world has its listener and no other stands. Those that stay are not touched. */
  follow(): Promise<void> {
    return this.#next(() => this.#follow());
  }

  /** As `follow`, and after a reset all run as at the start: none hangs or is off, each shows its first certificates. */
  reset(): Promise<void> {
    return this.#next(async () => {
      await this.#follow();
      for (const [id, konnektor] of this.#parts.world.konnektors) {
        const found = this.#listeners.get(id);
        if (found === undefined) continue;
        this.#wake(found);
        const first = id === FIRST_KONNEKTOR ? firstIdentity(this.#parts.pki) : found.first;
        const changed = found.transport !== konnektor.transport || found.identity.leaves[0] !== first?.leaves[0];
        if (changed) await this.#anew(id, found, first ?? this.#firstOf(konnektor));
        await this.#start(id);
      }
    });
  }

  async #follow(): Promise<void> {
    const { konnektors } = this.#parts.world;
    for (const [id, found] of this.#listeners) {
      if (konnektors.has(id)) continue;
      this.#listeners.delete(id);
      await found.listener.stop();
    }
    for (const [id, konnektor] of konnektors) {
      this.#parts.cetp?.follow(konnektor);
      if (!this.#listeners.has(id)) await this.#listen(konnektor, this.#firstOf(konnektor));
    }
  }

  /** Opens it again with the transport its state says now, and with new certificates; connections end. */
  apply(id: string, o: { renew: boolean }): Promise<void> {
    return this.#next(async () => {
      const found = this.#listeners.get(id);
      const konnektor = this.#parts.world.konnektors.get(id);
      if (found === undefined || konnektor === undefined) return;
      const { transport } = konnektor;
      await this.#anew(
        id,
        found,
        o.renew ? mintIdentity(this.#parts.pki, transport, found.identity.iccsn) : found.identity,
      );
    });
  }

  /** Connections are taken and requests swallowed, on old connections too; when it ends, what has waited is cut. */
  setHanging(id: string, hanging: boolean): void {
    const found = this.#listeners.get(id);
    if (found === undefined) return;
    // What is switched off hangs no more than it answers.
    if (hanging) found.hanging = found.running;
    else this.#wake(found);
  }

  #wake(found: Running): void {
    if (found.hanging) found.listener.cut();
    found.hanging = false;
  }

  /** Power off: connections end, handles and sessions are lost; nobody types a PIN any more, and what hung is over. */
  switchOff(id: string): Promise<void> {
    return this.#next(async () => {
      const found = this.#listeners.get(id);
      const konnektor = this.#parts.world.konnektors.get(id);
      if (found === undefined || konnektor === undefined || !found.running) return;
      found.running = false;
      found.listener.shut();
      this.#wake(found);
      this.#boot(konnektor);
    });
  }

  /** Its start, and the insertion of its cards as it sees them, are of this moment. */
  switchOn(id: string): Promise<void> {
    return this.#next(async () => {
      const konnektor = this.#parts.world.konnektors.get(id);
      if (konnektor === undefined || !(await this.#start(id))) return;
      this.#boot(konnektor);
      this.#started(id);
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
    const { pki, faults, world } = this.#parts;
    const { id, transport } = konnektor;
    const material = identityTls(pki, identity, transport);
    const taken = konnektorTlsFaults({ pki, faults, id, right: material });
    const addresses = () => {
      const { tls = '', plain = '' } = this.#listeners.get(id)?.listener ?? {};
      return { tls, plain };
    };
    const service = createKonnektor(this.#parts, id, addresses);
    const listener = await openDoors({
      open: this.#open,
      ports: before?.listener.ports ?? { main: id === FIRST_KONNEKTOR ? 'first' : 0, side: 0 },
      material,
      tlsFirst: transport.tls,
      servesPlain: () => {
        const now = world.konnektors.get(id);
        return now !== undefined && isPlainServed({ konnektor: now, world });
      },
      handlers: {
        tls: this.#unlessHanging(id, service.handle),
        plain: this.#unlessHanging(id, service.handlePlain),
      },
      onTls: (socket, server) => (this.isHanging(id) ? 'keep' : taken(socket, server)),
      onPlain: () => (this.isHanging(id) ? 'keep' : 'serve'),
    });
    const first = before?.first ?? (transport === DEFAULT_TRANSPORT ? identity : undefined);
    const hanging = before?.hanging ?? false;
    this.#listeners.set(id, { listener, running: true, hanging, transport, identity, first });
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
