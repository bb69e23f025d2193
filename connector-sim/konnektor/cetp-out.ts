// Events on their way to the sinks (CETP, konnektor.md 5): TCP, or TLS with the Konnektor as client, which judges the sink's
// certificate by its own client-system CA and shows ID.AK.AUT when asked. Frames of one sink keep their order; whether they
// come in pieces or several on one connection is the seed's. Faults `cetp` strike each frame here.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { clientTlsOptions } from '../../wire/tls.ts';
import { serialize } from '../../wire/xml.ts';
import type { Fault } from '../faults.ts';
import type { SimParts } from '../parts.ts';
import { chainPem } from '../settings.ts';
import { eventMarkup, eventNode, frameOfText, type SinkAddress, sinkAddress } from './cetp-frame.ts';
import type { KonnektorEvent } from './events.ts';
import { firstIdentity } from './konnektor-tls.ts';
import { dressed, mannersOf } from './manners.ts';
import type { KonnektorState } from './model.ts';
import { audience, deliveryFailed, type Subscription } from './subscriptions.ts';

/** A sink that says nothing while a connection is made is given up after this time. */
const CONNECT_MS = 5_000;

type Outgoing = {
  event: KonnektorEvent;
  subscription: Subscription | undefined;
  frame: Buffer;
  fault: Fault | undefined;
};

export type CetpSent = {
  konnektor: string;
  eventTo: string;
  topic: string;
  message: string;
  delivered: boolean;
  fault: string | null;
};

export class CetpOut {
  readonly #parts: SimParts;
  readonly #sent: (sent: CetpSent) => void;
  readonly #known = new WeakSet<KonnektorState>();
  /** Of each Konnektor by address: two of them may have one sink. */
  readonly #queues = new WeakMap<KonnektorState, Map<string, Outgoing[]>>();
  readonly #running = new Set<Promise<void>>();
  readonly #open = new Set<Socket>();
  #stopped = false;

  constructor(parts: SimParts, sent: (sent: CetpSent) => void = () => {}) {
    this.#parts = parts;
    this.#sent = sent;
  }

  /** Follows this Konnektor's events from now on; nothing where it does already. */
  follow(state: KonnektorState): void {
    if (this.#known.has(state)) return;
    this.#known.add(state);
    state.events.listeners.add((event) => this.#tell(state, event));
  }

  /** Resolves when no frame is on its way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  stop(): void {
    this.#stopped = true;
    for (const socket of this.#open) socket.destroy();
  }

  #tell(state: KonnektorState, event: KonnektorEvent): void {
    const { world } = this.#parts;
    const manners = mannersOf({ konnektor: state, world });
    const send = (eventTo: string, subscription: Subscription | undefined) => {
      const message = serialize(eventMarkup(event, subscription?.id ?? '', manners));
      const frame = frameOfText(dressed(message, { ...manners, byteOrderMark: false }));
      const iccsn = event.about?.iccsn;
      const fault = this.#parts.faults.take('cetp', {
        konnektor: state.id,
        ...(iccsn === undefined ? {} : { iccsn }),
      });
      this.#enqueue(state, eventTo, { event, subscription, frame, fault });
    };
    if (event.toSinks === true) {
      for (const eventTo of state.events.sinks) send(eventTo, undefined);
      return;
    }
    const asNode = (id: string) => eventNode(event, id, manners);
    for (const subscription of audience({ state, event, asNode, now: world.now() }))
      send(subscription.eventTo, subscription);
  }

  #enqueue(state: KonnektorState, eventTo: string, outgoing: Outgoing): void {
    const queues = this.#queues.get(state) ?? new Map<string, Outgoing[]>();
    this.#queues.set(state, queues);
    const waiting = queues.get(eventTo);
    if (waiting !== undefined) {
      waiting.push(outgoing);
      return;
    }
    const queue = [outgoing];
    queues.set(eventTo, queue);
    const done = () => queues.delete(eventTo);
    const run = this.#drain(state, eventTo, { queue, done }).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** `done` in the very step in which the queue is found empty: what comes later begins a new one. */
  async #drain(state: KonnektorState, eventTo: string, o: { queue: Outgoing[]; done: () => void }): Promise<void> {
    const { queue } = o;
    // Everything that happens at the same moment is told together.
    await Promise.resolve();
    while (queue.length > 0 && !this.#stopped) {
      const shared = this.#parts.world.choices.cetpConnection === 'shared';
      const batch = queue.splice(0, shared ? queue.length : 1);
      const delivered = await this.#deliver(state, eventTo, batch);
      for (const [index, { event, subscription, frame, fault }] of batch.entries()) {
        const arrived = index < delivered;
        const message = frame.subarray(8).toString('utf8');
        const { id: konnektor } = state;
        this.#sent({ konnektor, eventTo, topic: event.topic, message, delivered: arrived, fault: fault?.kind ?? null });
        if (subscription === undefined) continue;
        if (arrived) subscription.failures = 0;
        else deliveryFailed(state, subscription);
      }
    }
    o.done();
  }

  /** Sends the frames over one connection; how many of them went out, as the Konnektor sees it. */
  async #deliver(state: KonnektorState, eventTo: string, batch: Outgoing[]): Promise<number> {
    const address = sinkAddress(eventTo);
    if (address === undefined) return 0;
    let done = 0;
    let socket: Socket | undefined;
    try {
      for (const { frame, fault } of batch) {
        if (fault?.kind === 'delay') await pause(Number(fault.params?.ms ?? 1000));
        // lost on the way, and nobody notices
        if (fault?.kind !== 'drop-request') {
          socket ??= await this.#connect(address, state);
          if (fault?.kind === 'hang') {
            socket = undefined; // stays open without a byte until the simulator stops
          } else {
            await this.#write(socket, fault === undefined ? frame : faulty(frame, fault));
            if (fault?.kind === 'reset' || fault?.kind === 'truncate') {
              if (fault.kind === 'reset') reset(socket);
              else socket.end();
              socket = undefined;
            }
          }
        }
        done += 1;
      }
      socket?.end();
    } catch {
      socket?.destroy();
    }
    return done;
  }

  async #connect({ host, port }: SinkAddress, konnektor: KonnektorState): Promise<Socket> {
    const socket =
      konnektor.cetp === 'tls'
        ? connectTls({ ...this.#tlsOptions(konnektor), host, port })
        : connectTcp({ host, port });
    this.#open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#open.delete(socket));
    socket.setTimeout(CONNECT_MS, () => socket.destroy());
    const closed = once(socket, 'close').then(() => Promise.reject(new Error('the sink does not answer')));
    await Promise.race([once(socket, konnektor.cetp === 'tls' ? 'secureConnect' : 'connect'), closed]);
    closed.catch(() => undefined);
    socket.setTimeout(0);
    socket.setNoDelay(true);
    socket.resume(); // no answer is read (konnektor.md 5)
    return socket;
  }

  /** As its own TLS shows it now: renewed certificates, an imported CA. */
  #tlsOptions({ id }: KonnektorState): ConnectionOptions {
    const { pki, identityOf } = this.#parts;
    const { leaves, ca } = identityOf?.(id) ?? firstIdentity(pki);
    const cert = leaves.map((leaf) => chainPem(leaf, ca));
    const key = leaves.map((leaf) => leaf.keyPem);
    return {
      ...clientTlsOptions({ ca: pki.konnektorRoot.certPem }),
      cert,
      key,
      // The certificate is judged by its chain alone: a client system has an address, rarely a name (KON, konnektor.md 5).
      checkServerIdentity: () => undefined,
    };
  }

  async #write(socket: Socket, bytes: Buffer): Promise<void> {
    const pieces = this.#parts.world.choices.cetpPieces === 'pieces';
    for (let at = 0; at < bytes.length; ) {
      // inside the head, at its end, and then by the hundred
      const end = pieces ? Math.min(bytes.length, at < 3 ? 3 : at < 8 ? 8 : at + 100) : bytes.length;
      if (socket.destroyed) throw new Error('the sink is gone');
      await new Promise<void>((resolve, reject) => {
        socket.write(bytes.subarray(at, end), (error) => (error == null ? resolve() : reject(error)));
      });
      if (pieces) await new Promise((turn) => setImmediate(turn));
      at = end;
    }
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms).unref());

/** RST where the connection is TCP; TLS has no way to send one without its TCP socket, so it is cut. */
function reset(socket: Socket): void {
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}

/** What is sent instead of the frame (docs/faults.md). */
function faulty(frame: Buffer, fault: Fault): Buffer {
  if (fault.kind === 'truncate' || fault.kind === 'reset') return frame.subarray(0, frame.length >> 1);
  if (fault.kind !== 'garbage') return frame;
  const message = frame.subarray(8).toString('utf8');
  switch (fault.params?.what) {
    case 'length': {
      const lying = Buffer.from(frame);
      lying.writeUInt32BE(0x7fff_ffff, 4);
      return lying;
    }
    case 'xml':
      return frameOfText(message.slice(0, -5));
    case 'doctype':
      return frameOfText(`<!DOCTYPE e [<!ENTITY x "x">]>${message.replace(/^<\?xml[^>]*\?>/, '')}`);
    case 'schema':
      return frameOfText(message.replaceAll('EVT:Severity', 'EVT:Seriousness'));
    default: {
      const noise = randomBytes(64);
      noise[0] = 0; // never the first letter of CETP
      return noise;
    }
  }
}
