// Simulator and gateway in this process, on ephemeral ports, for the tests that see the whole way. Everything is asked over
// HTTP as a DiGA backend would; the only shortcut is waiting: on the gateway's own log events, never on time.
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Simulator, SimulatorOptions } from '../../connector-sim/main.ts';
import type { SettingsFlags } from '../../connector-sim/settings.ts';
import { parseSettings } from '../../gateway/config.ts';
import type { LogFields, Logger } from '../../gateway/log.ts';
import { type Gateway, type GatewayDependencies, startGateway } from '../../gateway/main.ts';
import { startCountedSimulator } from './counted-simulator.ts';

export type ExportView = {
  id: string;
  status: string;
  attempts: number;
  reason: {
    code: string;
    who: string;
    check?: string;
    export?: string;
    foreign?: { code?: string; text?: string };
    userMessage?: object;
  } | null;
  document: {
    entryUuid: string;
    uniqueId: string;
    version: number;
    replaces: string | null;
    recordSystem: string;
    bytes: number;
    sha256: string;
    status: string;
  };
  timeline: { step: string }[];
};
export type StoredDocument = {
  entryUuid: string;
  uniqueId: string;
  status: 'Approved' | 'Deprecated';
  replaces: string | null;
  bytes: number;
  sha256: string;
  mimeType: string;
  classCode: string;
  typeCode: string;
  formatCode: string;
  title: string;
  telematikId: string;
};
export type LogLine = { level: string; event: string; fields: LogFields };
export type Answer = { status: number; headers: Headers; body: string; json: () => unknown };

const FINAL = new Set(['written', 'unchanged', 'superseded', 'refused', 'failed', 'cancelled', 'waiting', 'unclear']);

export type TestWorldOptions = SimulatorOptions & {
  /** Changes the settings the simulator offers before the gateway reads them. */
  settings?: (settings: Record<string, unknown>) => Record<string, unknown>;
  /** The gateway's own listeners behind TLS. */
  tls?: boolean;
  /** What else of the simulator its settings name. */
  settingsFlags?: Omit<SettingsFlags, 'tls'>;
  /** What the gateway gets in the place of the real thing, e.g. the simulator's clock. */
  dependencies?: (sim: Simulator) => Omit<GatewayDependencies, 'log'>;
};

export class TestWorld {
  readonly sim: Simulator;
  readonly logs: LogLine[] = [];
  readonly #settings: NonNullable<TestWorldOptions['settings']>;
  readonly #folder = mkdtempSync(join(tmpdir(), 'epa-world-'));
  readonly #events = new EventEmitter().setMaxListeners(0);
  readonly #flags: SettingsFlags;
  readonly #dependencies: Omit<GatewayDependencies, 'log'>;
  #gateway: Gateway | undefined;

  private constructor(
    sim: Simulator,
    o: Required<Pick<TestWorldOptions, 'settings' | 'dependencies'>> & { flags: SettingsFlags },
  ) {
    this.sim = sim;
    this.#settings = o.settings;
    this.#flags = o.flags;
    this.#dependencies = o.dependencies(sim);
  }

  static async start({
    settings = (same) => same,
    tls = false,
    settingsFlags = {},
    dependencies = () => ({}),
    ...options
  }: TestWorldOptions = {}): Promise<TestWorld> {
    const sim = await startCountedSimulator({ seed: 1, pinEntryMs: 0, ...options });
    const world = new TestWorld(sim, { settings, flags: { ...settingsFlags, tls }, dependencies });
    await world.startGateway();
    return world;
  }

  /** Where the gateway keeps its store. */
  get dataDirectory(): string {
    return join(this.#folder, 'data');
  }

  get gateway(): Gateway {
    if (this.#gateway === undefined) throw new Error('the gateway of this world is stopped');
    return this.#gateway;
  }

  /** A gateway over the same data directory; after `stopGateway` it takes up what was open. */
  async startGateway(): Promise<void> {
    this.#gateway = await this.gatewayOn(this.dataDirectory);
  }

  /** A gateway with these settings over any data directory; who starts it stops it. */
  async gatewayOn(dataDirectory: string): Promise<Gateway> {
    const raw = this.#settings({ ...this.sim.settings(this.#flags) } as Record<string, unknown>);
    const read = parseSettings({ ...raw, dataDirectory });
    if (!read.ok)
      throw new Error(`settings: ${read.faults.map((fault) => `${fault.key} ${fault.message}`).join('; ')}`);
    return startGateway(read.settings, { ...this.#dependencies, log: this.#logger() });
  }

  async stopGateway(): Promise<void> {
    await this.#gateway?.stop();
    this.#gateway = undefined;
  }

  async stop(): Promise<void> {
    await this.stopGateway();
    await this.sim.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #logger(): Logger {
    const line =
      (level: string) =>
      (event: string, fields: LogFields = {}) => {
        const logged = { level, event, fields };
        this.logs.push(logged);
        this.#events.emit('line', logged);
      };
    return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  }

  /** Any call to the gateway; `key: null` sends no credential. */
  async call(
    method: string,
    path: string,
    o: { body?: string | Uint8Array; headers?: Record<string, string>; key?: string | null; admin?: boolean } = {},
  ): Promise<Answer> {
    const key =
      o.key === undefined ? (o.admin === true ? this.gateway.ready.operatorKey : this.gateway.ready.apiKey) : o.key;
    const answer = await fetch(`${o.admin === true ? this.gateway.adminAddress : this.gateway.address}${path}`, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(o.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...o.headers,
      },
      ...(o.body === undefined ? {} : { body: o.body }),
    });
    const body = await answer.text();
    return { status: answer.status, headers: answer.headers, body, json: () => JSON.parse(body) as unknown };
  }

  async post(body: object, headers: Record<string, string> = {}): Promise<ExportView> {
    const answer = await this.call('POST', '/v1/exports', { body: JSON.stringify(body), headers });
    if (answer.status !== 202) throw new Error(`POST /v1/exports answered ${answer.status}: ${answer.body}`);
    return answer.json() as ExportView;
  }

  async get(id: string): Promise<ExportView> {
    return (await this.call('GET', `/v1/exports/${id}`)).json() as ExportView;
  }

  /** The export once it has come to rest in one of `states` (every state but queued and running unless said). */
  async settled(id: string, states: ReadonlySet<string> = FINAL): Promise<ExportView> {
    for (;;) {
      const next = this.#nextSettling(id);
      const now = await this.get(id);
      if (states.has(now.status)) {
        next.cancel();
        return now;
      }
      await next.happened;
    }
  }

  /** The export once its `n`th try has ended, wherever that left it: queued for a later try, too. */
  async tried(id: string, n = 1): Promise<ExportView> {
    const ended = () => this.logs.filter((line) => line.event === 'export settled' && line.fields.export === id).length;
    while (ended() < n) await once(this.#events, 'line');
    return this.get(id);
  }

  /** The first line of this event since the world began, or since the line number `from`, written already or not. */
  async logged(event: string, from = 0): Promise<LogLine> {
    for (;;) {
      const line = this.logs.slice(from).find((one) => one.event === event);
      if (line !== undefined) return line;
      await once(this.#events, 'line');
    }
  }

  #nextSettling(id: string): { happened: Promise<void>; cancel: () => void } {
    let cancel = () => {};
    const happened = new Promise<void>((resolve) => {
      const onLine = (line: LogLine) => {
        if (line.fields.export === id && /settled|cancelled|superseded/.test(line.event)) cancel();
      };
      cancel = () => {
        this.#events.off('line', onLine);
        resolve();
      };
      this.#events.on('line', onLine);
    });
    return { happened, cancel };
  }

  /** Posts and waits; the usual way to one document. */
  async write(body: object, states?: ReadonlySet<string>): Promise<ExportView> {
    return this.settled((await this.post(body)).id, states);
  }

  async control<Result>(method: string, path: string, body?: unknown): Promise<Result> {
    const answer = await fetch(`${this.sim.ready.control}${path}`, {
      method,
      // A connection kept from before may be closed by the other side just as it is used again.
      headers: { connection: 'close', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as Result;
  }

  documents(kvnr: string, trimmed = false): Promise<StoredDocument[]> {
    return this.control('GET', `/sim/records/${kvnr}/documents${trimmed ? '?trimmed=true' : ''}`);
  }

  async storedBytes(kvnr: string, entryUuid: string): Promise<Uint8Array> {
    const answer = await fetch(`${this.sim.ready.control}/sim/records/${kvnr}/documents/${entryUuid}`);
    return new Uint8Array(await answer.arrayBuffer());
  }

  insured(index: number): string {
    const kvnr = this.sim.ready.insured[index];
    if (kvnr === undefined) throw new Error(`there is no insured ${index}`);
    return kvnr;
  }

  /** A new invented insured with an active record that has entitled the demo DiGA. */
  async newInsured(index: number, recordSystem: 'epa-as-1' | 'epa-as-2', entitled = true): Promise<string> {
    const kvnr = inventedKvnr(index);
    const { telematikId } = this.sim.ready;
    await this.control('PUT', `/sim/records/${kvnr}`, {
      recordSystem,
      status: 'ACTIVATED',
      entitled: entitled ? [telematikId] : [],
    });
    return kvnr;
  }
}

/** The invented KVNR number `index` with a right check digit (Krankenversichertennummer, unchangeable part). */
export function inventedKvnr(index: number): string {
  const letter = 'QWXYZ'[index % 5] ?? 'Q';
  const digits = String(10_000_000 + index).padStart(8, '0');
  const all = String(letter.charCodeAt(0) - 64).padStart(2, '0') + digits;
  let sum = 0;
  for (const [place, digit] of [...all].entries()) {
    const product = Number(digit) * (place % 2 === 0 ? 1 : 2);
    sum += product > 9 ? product - 9 : product;
  }
  return `${letter}${digits}${sum % 10}`;
}

/** A body of `POST /v1/exports` with a finished document. */
export function exportBody(
  kvnr: string,
  document: Uint8Array,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    kvnr,
    kvnrSource: { issuer: 'https://idp.kasse.example', authenticatedAt: '2026-11-20T08:00:00Z' },
    consent: { id: 'c-1', version: '2026-05', grantedAt: '2026-10-01T08:00:00Z' },
    prescriptionEnds: '2199-12-31',
    content: { mode: 'document', mimeType: 'application/fhir+xml', base64: Buffer.from(document).toString('base64') },
    ...more,
  };
}
