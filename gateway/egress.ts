// The only module that opens HTTP connections to the outside (decisions.md D18; SEC-01..05): per purpose an allow-list of
// origins with their TLS material, no redirects, the resolved address checked at connect, limits on time and size.
// It says exactly whether a byte of the request body may have left: exports decide from it between queued and unclear.
import { Readable } from 'node:stream';
import type { Pool } from 'undici';
import type { EgressEnvironment } from './egress-address.ts';
import { plainHeaders, readCapped } from './egress-answer.ts';
import { asEgressError, DeadlinePassed, type EgressErrorCode, notAllowed } from './egress-error.ts';
import type { Stage } from './egress-handshake.ts';
import { openPool } from './egress-pool.ts';
import type { EgressProxy } from './egress-proxy.ts';

export type { EgressEnvironment } from './egress-address.ts';
export { EgressError, type EgressErrorCode } from './egress-error.ts';

const PURPOSES = [
  'konnektor',
  'record-system',
  'idp',
  'token-keys',
  'tsl',
  'ocsp',
  'webhook',
  'admin',
  'clock',
] as const;
export type EgressPurpose = (typeof PURPOSES)[number];

/** One allowed origin. `id` tells two entries of one origin apart (two Mandanten of one Konnektor with own certificates). */
export type EgressTarget = {
  id?: string;
  origin: string;
  /** PEM trust anchors; nothing else is trusted for this origin. Absent only for plain http. */
  ca?: string | string[];
  /** Our client certificate and key, PEM. */
  cert?: string;
  key?: string;
  /** The name the certificate must carry when it is not the host of the URL (KON-04). */
  servername?: string;
  /** Pins, of which one must be met (CRT-10); without any the anchors alone decide. */
  pins?: readonly string[];
  /** RSA keys of the chain and our own must be as long as CRT-07 wants them. */
  strongKey?: boolean;
  /** Until then (ms) they need not be. */
  weakKeysUntil?: number;
  /** Authorization of every request (basic authentication at a Konnektor). */
  authorization?: string;
  /** Reached through this proxy; for https targets only. */
  proxy?: EgressProxy;
};

export type EgressOptions = {
  environment: EgressEnvironment;
  purposes: Partial<Record<EgressPurpose, readonly EgressTarget[]>>;
  /** For `weakKeysUntil`; Date.now without it. */
  now?: () => number;
  /** Told of every connection, and of every one that did not come about (SEC-11). */
  onConnection?: (connection: Connected) => void;
};

/** `code`: null where it stands, then over TLS with the certificate of the other side (DER). Never a path, so nothing of whom it is about. */
export type Connected = {
  purpose: EgressPurpose;
  host: string;
  ms: number;
  code: EgressErrorCode | null;
  certificate?: Uint8Array;
};

export type EgressBody = Uint8Array | { length: number; chunks: () => AsyncIterable<Uint8Array> };

export type EgressRequest = {
  url: string;
  /** `id` of the target, needed only where one origin stands twice in the allow-list. */
  target?: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  headers?: Record<string, string>;
  body?: EgressBody;
  /** For everything together: connect, send, answer read to its end. */
  timeoutMs: number;
  maxResponseBytes: number;
  /** Awaited after the connection stands and before the first byte of the request leaves; when it throws, nothing has left. */
  onFirstByte?: () => void | Promise<void>;
};

/** Header names in lower case, repeated ones joined by ', '. A status of 3xx is an answer like any other: nothing is followed. */
export type EgressResponse = { status: number; headers: Record<string, string>; body: Uint8Array };

/** A pool and what every request through it carries. */
type Door = { pool: Pool; authorization: string | undefined; stage: Stage };

/** One connection pool per allowed origin and purpose, kept alive until `close`. */
export class Egress {
  readonly #doors = new Map<string, Door | null>();
  /** Of doors that were renewed, while something is still on its way through them. */
  readonly #leaving = new Set<Pool>();
  readonly #environment: EgressEnvironment;
  readonly #now: () => number;
  readonly #onConnection: (connection: Connected) => void;

  /** Throws EgressError NOT_ALLOWED for an origin this environment cannot have (plain http, doubled without id). */
  constructor({ environment, purposes, onConnection = () => {}, now = Date.now }: EgressOptions) {
    this.#environment = environment;
    this.#now = now;
    this.#onConnection = onConnection;
    for (const purpose of PURPOSES) {
      for (const target of purposes[purpose] ?? []) {
        const origin = originOf(target.origin);
        const byId = `${purpose} ${origin} ${target.id ?? ''}`;
        if (this.#doors.has(byId)) throw notAllowed(`${purpose}: ${origin} stands twice in the allow-list`);
        const door = this.#open(purpose, target);
        this.#doors.set(byId, door);
        const alone = `${purpose} ${origin}`;
        this.#doors.set(alone, this.#doors.has(alone) ? null : door);
      }
    }
  }

  #open(purpose: EgressPurpose, target: EgressTarget): Door {
    const origin = originOf(target.origin);
    const { host } = new URL(origin);
    const signed = purpose === 'tsl' || purpose === 'ocsp';
    const rule = { environment: this.#environment, neverLinkLocal: purpose === 'webhook', signed, now: this.#now };
    const stage: Stage = { accepted: false };
    const pool = openPool(target, { origin, stage }, rule, (ms, code, certificate) =>
      this.#onConnection({ purpose, host, ms, code, ...(certificate && { certificate }) }),
    );
    return { pool, authorization: target.authorization, stage };
  }

  /** An entry of the allow-list with other TLS material (CRT-11): what is asked from now on goes this way, what was asked ends as it began. */
  renew(purpose: EgressPurpose, target: EgressTarget): void {
    const before = this.#doors.get(`${purpose} ${originOf(target.origin)} ${target.id ?? ''}`);
    if (!before) throw notAllowed(`${purpose}: ${target.origin} is not in the allow-list`);
    const after = this.#open(purpose, target);
    for (const [key, door] of this.#doors) if (door === before) this.#doors.set(key, after);
    this.#leaving.add(before.pool);
    const gone = () => void this.#leaving.delete(before.pool);
    before.pool.close().then(gone, gone);
  }

  /** One request, one answer. Throws EgressError only. */
  async request(purpose: EgressPurpose, request: EgressRequest): Promise<EgressResponse> {
    const url = URL.parse(request.url);
    if (url === null) throw notAllowed(`${purpose}: not a URL`);
    const entry = request.target === undefined ? url.origin : `${url.origin} ${request.target}`;
    const door = this.#doors.get(`${purpose} ${entry}`);
    if (!door || url.username !== '' || url.password !== '') {
      // Somebody's answer led us here: as much of an attempt as a connection would be.
      this.#onConnection({ purpose, host: url.host, ms: 0, code: 'NOT_ALLOWED' });
      throw notAllowed(`${purpose}: ${url.origin} is not in the allow-list`);
    }

    const state: Sending = { sent: false, over: false, failure: undefined };
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(new DeadlinePassed(undefined, !state.sent && door.stage.accepted)),
      request.timeoutMs,
    );
    try {
      const answer = await door.pool.request({
        path: `${url.pathname}${url.search}`,
        method: request.method,
        headers: {
          ...request.headers,
          ...(door.authorization !== undefined && { authorization: door.authorization }),
          ...contentLength(request),
        },
        body: Readable.from(outgoing(request, state)),
        signal: deadline.signal,
        // The one deadline above rules; undici's own limits must only never be shorter.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      answer.body.on('error', () => {});
      return {
        status: answer.statusCode,
        headers: plainHeaders(answer.headers),
        body: await readCapped(answer, request.maxResponseBytes),
      };
    } catch (thrown) {
      throw asEgressError(thrown, state, `${purpose} ${url.host}`);
    } finally {
      state.over = true;
      clearTimeout(timer);
    }
  }

  /** Ends every connection; requests still running fail with RESET. */
  async close(): Promise<void> {
    const pools = [...this.#doors.values()].flatMap((door) => (door === null ? [] : [door.pool]));
    await Promise.all([...new Set([...pools, ...this.#leaving])].map((pool) => pool.destroy()));
  }
}

export const createEgress = (options: EgressOptions): Egress => new Egress(options);

function originOf(text: string): string {
  const url = URL.parse(text);
  if (url === null || url.origin === 'null' || url.username !== '')
    throw notAllowed('an allow-list entry is no origin');
  return url.origin;
}

/** `failure` is what our own source threw; `over` stops a source that is still running after the request has ended. */
type Sending = { sent: boolean; over: boolean; failure: { cause: unknown } | undefined };

function contentLength({ body }: EgressRequest): Record<string, string> {
  return body === undefined
    ? {}
    : { 'content-length': String(body instanceof Uint8Array ? body.byteLength : body.length) };
}

/**
 * The body as undici pulls it: only when the connection stands, and head and first chunk go out together. So `sent` turns
 * true exactly when the first bytes are handed over. Without a body the same empty source marks the head.
 */
async function* outgoing({ body, onFirstByte }: EgressRequest, state: Sending): AsyncGenerator<Uint8Array> {
  try {
    await onFirstByte?.();
    if (state.over) throw new DeadlinePassed('the request has ended meanwhile');
    for await (const chunk of body === undefined ? [] : body instanceof Uint8Array ? [body] : body.chunks()) {
      if (chunk.byteLength === 0) continue;
      state.sent = true;
      yield chunk;
    }
  } catch (cause) {
    state.failure = { cause };
    throw cause;
  }
  state.sent = true;
}
