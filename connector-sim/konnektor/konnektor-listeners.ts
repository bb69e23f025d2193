// The listeners of all Konnektors of a world: the first on the fixed port, each further one on a port of its own; switched off,
// on and restarted as a device is (konnektor.md 11). `follow` opens and closes what the world has gained and lost.
import type { HttpListener, listen } from '../http-server.ts';
import type { SimParts } from '../parts.ts';
import { restartKonnektor } from './cards.ts';
import { FIRST_KONNEKTOR } from './default-konnektor.ts';
import { createKonnektor } from './konnektor.ts';
import { konnektorTls, konnektorTlsFaults, mintKonnektorTls } from './konnektor-tls.ts';
import type { KonnektorState } from './model.ts';

type Listening = Omit<Parameters<typeof listen>[0], 'port' | 'journal'>;

type Running = { listener: HttpListener; running: boolean };

export class KonnektorListeners {
  readonly #parts: SimParts;
  readonly #open: (first: boolean, o: Listening) => Promise<HttpListener>;
  readonly #listeners = new Map<string, Running>();
  readonly #onStart: ((konnektor: KonnektorState) => void)[] = [];
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: SimParts, open: (first: boolean, o: Listening) => Promise<HttpListener>) {
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

  isRunning(id: string): boolean {
    return this.#listeners.get(id)?.running ?? false;
  }

  /** Resolves when every Konnektor of the world has its listener and no other stands. After a reset all run. */
  follow(): Promise<void> {
    return this.#next(async () => {
      const { konnektors } = this.#parts.world;
      for (const [id, { listener }] of this.#listeners) {
        if (konnektors.has(id)) await this.#start(id);
        else {
          this.#listeners.delete(id);
          await listener.stop();
        }
      }
      for (const id of konnektors.keys()) {
        if (!this.#listeners.has(id)) this.#listeners.set(id, { listener: await this.#listen(id), running: true });
      }
    });
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
      await this.#start(id);
      this.#started(id);
    });
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

  #listen(id: string): Promise<HttpListener> {
    const { pki, faults } = this.#parts;
    const first = id === FIRST_KONNEKTOR;
    const right = first ? konnektorTls(pki) : konnektorTls(pki, mintKonnektorTls(pki));
    return this.#open(first, {
      handler: createKonnektor(this.#parts, id, () => this.url(id)).handle,
      service: 'konnektor',
      tls: right,
      onConnection: konnektorTlsFaults({ pki, faults, id, right }),
      bodyLimit: 1_000_000,
    });
  }

  /** One change after the other: two of them at one listener would open a port twice. */
  #next(act: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
