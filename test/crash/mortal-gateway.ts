// The gateway's process as the crash matrix sees it: started again and again over one data directory, killed at a checkpoint,
// asked over HTTP by clients that outlive it. Everything waits on lines of its output or on its death, never on time.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { PostgresSettings } from '../../gateway/config.ts';
import type { CheckpointName } from '../../gateway/exports/checkpoints.ts';
import { SCHEMA } from '../../gateway/exports/database.ts';
import { lowerPostgres, lowerStore } from '../support/old-store.ts';

/** Where, and at the how manieth time, the next process dies, or with `stop` falls asleep (SIGSTOP) until it is woken. */
export type Arming = { point: CheckpointName; time: number; stop?: boolean };

type Door = { address: string; apiKey: string; adminAddress: string; operatorKey: string };
type Line = Partial<Door> & { crash?: string; msg?: string; export?: string };
/** Under which name `change` tells of a key rotation that has ended. */
export const KEYS = 'keys';
const RECOVERED = 'recovered';

type MortalSettings = { masterKeyFile: string; store?: { postgres: PostgresSettings } };

export class MortalGateway {
  readonly #folder = mkdtempSync(join(tmpdir(), 'epa-crash-'));
  readonly #changes = new Map<string, PromiseWithResolvers<void>>();
  #child: ChildProcess | undefined;
  #door = Promise.withResolvers<Door>();
  #armed = Promise.withResolvers<void>();
  #reached = Promise.withResolvers<void>();
  #died: Promise<unknown> = Promise.resolve();
  #dying = false;
  #stands = false;
  #settings: MortalSettings;

  constructor(settings: MortalSettings) {
    this.#settings = settings;
    this.#writeSettings();
  }

  /** The next process gets a new master key, and the one of before to open with. */
  newMasterKey(): void {
    const masterKeyFile = join(this.#folder, `master-${randomUUID()}.key`);
    writeFileSync(masterKeyFile, randomBytes(32), { mode: 0o600 });
    const previous = { previousMasterKeyFile: this.#settings.masterKeyFile };
    this.#settings = { ...this.#settings, masterKeyFile, ...previous };
    this.#writeSettings();
  }

  /** The store of the dead process becomes one of the gateway before this one. */
  async lowerSchema(): Promise<void> {
    const postgres = this.#settings.store?.postgres;
    if (postgres === undefined) await lowerStore(join(this.#folder, 'data'), SCHEMA - 1);
    else await lowerPostgres(postgres, SCHEMA - 1);
  }

  #writeSettings(): void {
    writeFileSync(join(this.#folder, 'gateway.json'), JSON.stringify(this.#settings), { mode: 0o600 });
  }

  /** A new process; it is ready when `door` resolves, unless it is armed for a point of its start. */
  start(arming?: Arming): void {
    const child = spawn(
      process.execPath,
      [
        join(import.meta.dirname, 'gateway-child.ts'),
        join(this.#folder, 'gateway.json'),
        join(this.#folder, 'data'),
        ...(arming === undefined ? [] : [arming.point, String(arming.time)]),
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
        // Hundreds of starts: what Node has compiled once is taken from there.
        env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'epa-crash-compiled') },
      },
    );
    this.#child = child;
    this.#dying = false;
    this.#reached = Promise.withResolvers();
    const { stdout } = child;
    if (stdout === null) throw new Error('the child has no output');
    createInterface({ input: stdout }).on('line', (line) => this.#read(JSON.parse(line) as Line));
    this.#died = once(child, 'exit').then(() => {
      if (!this.#dying) this.#fail(new Error('the gateway ended by itself'));
    });
  }

  /** Where the living process answers; waits for one. */
  get door(): Promise<Door> {
    return this.#door.promise;
  }

  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  async arm(arming: Arming): Promise<void> {
    this.#armed = Promise.withResolvers();
    if (arming.stop === true) this.#reached = Promise.withResolvers();
    this.#child?.send(arming);
    await this.#armed.promise;
  }

  /** SIGCONT to a process that has fallen asleep. */
  wake(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Resolves when the living process takes up exports that another one no longer holds. */
  recovering(): Promise<void> {
    return this.change(RECOVERED);
  }

  /** SIGKILL; resolves when the process is gone. Who waits for an export looks again once the next one stands. */
  async kill(): Promise<void> {
    this.#dying = true;
    // Who waits already waits for the next process that stands.
    if (this.#stands) this.#door = Promise.withResolvers();
    this.#stands = false;
    this.#child?.kill('SIGKILL');
    await this.#died;
    for (const id of [...this.#changes.keys()]) this.#changed(id);
  }

  /** Resolves at the next end of a try of this export, or when the process dies. */
  change(id: string): Promise<void> {
    const waiting = this.#changes.get(id) ?? Promise.withResolvers<void>();
    this.#changes.set(id, waiting);
    return waiting.promise;
  }

  /** A call of one try; undefined when its answer was lost because the process died. */
  async once<Body>(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: Body } | undefined> {
    // The door first: a kill while this waits puts another in its place.
    const door = this.#door;
    const { address, apiKey } = await door.promise;
    try {
      const answer = await fetch(`${address}${path}`, {
        method,
        headers: {
          ...headers,
          authorization: `Bearer ${apiKey}`,
          'content-type': 'application/json',
          connection: 'close',
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: answer.status, body: (await answer.json()) as Body };
    } catch (lost) {
      if (!this.#dying && this.#door === door) throw lost;
      return undefined;
    }
  }

  /** A call that is repeated, the same in every respect, until a process has answered it. `repeats` counts the lost ones. */
  async call<Body>(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: Body; repeats: number }> {
    for (let repeats = 0; ; repeats++) {
      const door = this.#door;
      const { address, apiKey, adminAddress, operatorKey } = await door.promise;
      const admin = path.startsWith('/admin/');
      try {
        const answer = await fetch(`${admin ? adminAddress : address}${path}`, {
          method,
          headers: {
            ...headers,
            authorization: `Bearer ${admin ? operatorKey : apiKey}`,
            ...(body !== undefined && { 'content-type': 'application/json' }),
            connection: 'close',
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        return { status: answer.status, body: (await answer.json()) as Body, repeats };
      } catch (lost) {
        // Only a process that was killed may leave a call without an answer.
        if (!this.#dying && this.#door === door) throw lost;
      }
    }
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #read(line: Line): void {
    if (line.crash === 'ready') {
      this.#stands = true;
      const { address = '', apiKey = '', adminAddress = '', operatorKey = '' } = line;
      this.#door.resolve({ address, apiKey, adminAddress, operatorKey });
    } else if (line.crash === 'armed') this.#armed.resolve();
    else if (line.crash === 'reached') this.#reached.resolve();
    else if (line.msg === 'keys rotated') this.#changed(KEYS);
    else if (line.msg === 'exports recovered' && this.#stands) this.#changed(RECOVERED);
    else if (line.msg === 'export settled' && line.export !== undefined) this.#changed(line.export);
  }

  #changed(id: string): void {
    this.#changes.get(id)?.resolve();
    this.#changes.delete(id);
  }

  #fail(reason: Error): void {
    for (const waiting of [this.#door, this.#armed, this.#reached, ...this.#changes.values()]) waiting.reject(reason);
    this.#changes.clear();
  }
}
