// One VAU channel: its data frames (A_24628-01, A_24630, A_24632, A_24633; epa-record-system.md 1.5–1.7). One HTTP request
// per frame, strictly one after another (D13); every answer is checked byte by byte before anything in it is believed.
// What a failure proves is decided here, where it happens:
//   the frame's tag was never handed over, or no byte left    the VAU cannot have opened the request: thrown as it is
//   anything else without a frame the VAU itself sealed       nothing is known: WRITE_UNANSWERED, the reason as cause
// An outer error or Restart is of the second kind: it is not authenticated, and a router may have sent the frame twice.
import { randomBytes, randomUUID } from 'node:crypto';
import { WireError } from '../../wire/error.ts';
import { type Headers, type HttpResponse, parseResponse, writeRequestHead } from '../../wire/http-message.ts';
import { decodeFrameHeader, FRAME_OVERHEAD, frameIv, openFrame, sealFrame } from '../../wire/vau-frame.ts';
import type { EgressResponse } from '../egress.ts';
import { EgressError } from '../egress.ts';
import { GatewayError } from '../errors.ts';
import { endsChannel, hasType, outerRefusal, type VauPhase } from './outer-answer.ts';
import { asUnreachable, type Clock, RECORD_SYSTEM_CODES } from './outside.ts';
import { type Handshake, type HandshakeOptions, handshake } from './vau-handshake.ts';

/** For all that is no document: those bring their own (D22). */
const DEFAULT_TIMEOUT_MS = 10_000;
/** Registry responses and JSON; an answer larger than this is not one of ours. */
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

export type InnerBody = Uint8Array | { length: number; chunks: () => AsyncIterable<Uint8Array> };

/** `Host`, `x-useragent`, `X-Request-ID` and `Content-Length` are added. */
export type InnerRequest = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  headers: Headers;
  body?: InnerBody;
  /** For the whole exchange. */
  timeoutMs?: number;
  /** Awaited when the connection stands, before the first byte leaves; when it throws, nothing has left. */
  beforeFirstByte?: () => void | Promise<void>;
  /** Awaited when the last byte has been handed to the connection. */
  afterLastByte?: () => void | Promise<void>;
};

export type ChannelOptions = HandshakeOptions & {
  now: Clock;
  /** Byte 1 of each frame (A_24628-01): true only in the productive environment. */
  pu: boolean;
  /** A_24477: hands the channel's keys to the test environment's tracing; impossible in PU (D16). */
  nonPuTracing?: boolean;
  /** Told why an exchange on this channel failed, whatever is made of it (SEC-11). */
  onFailure?: (failure: unknown) => void;
};

export class VauChannel {
  readonly openedAt: number;
  readonly #o: ChannelOptions;
  readonly #url: string;
  readonly #keys: Handshake['keys'];
  #pseudonym: string | undefined;
  #requests = 0n;
  #encryptions = 0n;
  #queue: Promise<unknown> = Promise.resolve();
  #lost = false;
  #doubtful = false;
  /** Requests so far; those up to `#failedUpTo` were waiting when no connection could be had. */
  #asked = 0;
  #failedUpTo = 0;
  #failure: GatewayError | undefined;

  private constructor(options: ChannelOptions, done: Handshake, openedAt: number) {
    this.#o = options;
    this.#url = done.url;
    this.#keys = done.keys;
    this.#pseudonym = options.pseudonym;
    this.openedAt = openedAt;
  }

  /** M1–M4. Throws what `handshake` throws; CONFIG_INVALID where tracing is asked for in PU. */
  static async open(options: ChannelOptions): Promise<VauChannel> {
    if (options.pu && options.nonPuTracing === true)
      throw new GatewayError('CONFIG_INVALID', 'VAU-nonPU-Tracing cannot be switched on in PU');
    // Taken before M1: a right granted after this moment may not be seen by this channel (D11).
    const openedAt = options.now();
    return new VauChannel(options, await handshake(options), openedAt);
  }

  /** True once the channel can carry nothing more; requests still waiting end with SESSION_LOST, none of their bytes sent. */
  get lost(): boolean {
    return this.#lost;
  }

  /** VAU-NP as the login's end gave it. */
  get pseudonym(): string | undefined {
    return this.#pseudonym;
  }
  set pseudonym(value: string | undefined) {
    this.#pseudonym = value;
  }

  /** The exchange on its way still ends; then the keys are overwritten (SEC-18). */
  close(): void {
    if (this.#lost) return;
    this.#lost = true;
    void this.#queue.then(() => {
      for (const key of Object.values(this.#keys)) key.fill(0);
    });
  }

  /**
   * Waits for its turn, sends, gives the inner answer, whatever its status. GatewayError: SESSION_LOST, RECORD_SYSTEM_*,
   * RECORD_BUSY, DOCUMENT_REJECTED (too large), CONFIG_INVALID and what `beforeFirstByte` or the body threw when surely nothing was processed; WRITE_UNANSWERED (`cause`) otherwise.
   */
  request(inner: InnerRequest): Promise<HttpResponse> {
    this.#asked += 1;
    const number = this.#asked;
    const turn = this.#queue.then(() => this.#exchange(inner, number));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #exchange(inner: InnerRequest, number: number): Promise<HttpResponse> {
    if (this.#lost) throw new GatewayError('SESSION_LOST', 'the channel was dropped before this request');
    const { code, message, check } = number <= this.#failedUpTo ? (this.#failure ?? {}) : {};
    // Who waited behind a connection that never stood would wait as long for the next, one after the other.
    if (code !== undefined)
      throw new GatewayError(code, message ?? '', { cause: this.#failure, ...(check !== undefined && { check }) });
    if (this.#doubtful) await this.#stands();
    return await this.#send(inner);
  }

  /** Something in front of the VAU answered for it: a question that changes nothing, before a document is risked again. */
  async #stands(): Promise<void> {
    try {
      await this.#send({ method: 'GET', path: '/VAU-Status', headers: [['Accept', 'application/json']] });
    } catch (thrown) {
      const reason = thrown instanceof GatewayError && thrown.code === 'WRITE_UNANSWERED' ? thrown.cause : thrown;
      if (!isUnknownThere(reason)) throw reason;
      this.close();
      throw new GatewayError('SESSION_LOST', 'what stands before the VAU does not know this channel', {
        cause: reason,
        foreign: reason.foreign,
      });
    }
  }

  async #send(inner: InnerRequest): Promise<HttpResponse> {
    const frame = this.#frame(inner);
    let answer: EgressResponse;
    try {
      answer = await this.#o.egress.request('record-system', {
        url: this.#url,
        method: 'POST',
        headers: this.#outerHeaders(),
        body: { length: frame.length, chunks: frame.chunks },
        timeoutMs: inner.timeoutMs ?? DEFAULT_TIMEOUT_MS,
        maxResponseBytes: MAX_RESPONSE_BYTES,
        ...(inner.beforeFirstByte && { onFirstByte: inner.beforeFirstByte }),
      });
    } catch (thrown) {
      // A counter has been used up and the other side's is unknown: only an untouched channel goes on.
      if (frame.counter !== undefined) this.close();
      const reason = asUnreachable(thrown, RECORD_SYSTEM_CODES);
      this.#o.onFailure?.(reason);
      const nothingLeft = thrown instanceof EgressError && !thrown.bytesSent;
      if (nothingLeft && reason instanceof GatewayError && thrown.code !== 'BODY_FAILED') {
        this.#failure = reason;
        this.#failedUpTo = this.#asked;
      }
      throw frame.complete && !nothingLeft ? unanswered(reason) : reason;
    }
    try {
      const opened = this.#open(answer, frame);
      this.#doubtful = false;
      return opened;
    } catch (reason) {
      if (endsChannel(reason)) this.close();
      else this.#doubtful = true;
      this.#o.onFailure?.(reason);
      // Something in front of the VAU may answer before the tag was handed over (413, 503): no VAU can have opened that frame.
      throw frame.complete ? unanswered(reason) : reason;
    }
  }

  /** The request's frame, sealed while it is sent. `complete` turns true with its tag: before, no receiver can open it (D8). */
  #frame(inner: InnerRequest) {
    const { body = new Uint8Array() } = inner;
    const head = writeRequestHead({
      method: inner.method,
      path: inner.path,
      headers: [
        ['Host', new URL(this.#url).host],
        ['x-useragent', this.#o.userAgent],
        // Required from ePA 3.1.2 on.
        ['X-Request-ID', randomUUID()],
        ...inner.headers,
      ],
      contentLength: body.length,
    });
    const length = FRAME_OVERHEAD + head.length + body.length;
    const phase: VauPhase = body instanceof Uint8Array ? 'call' : 'document';
    const state = { length, phase, counter: undefined as bigint | undefined, complete: false, chunks: () => sealed() };
    const sealed = async function* (this: VauChannel): AsyncGenerator<Uint8Array> {
      // Counter and IV are taken once, when sealing begins: neither may come twice under one key (SES-04).
      if (state.counter !== undefined) throw new GatewayError('INTERNAL', 'a frame is sealed once only');
      this.#requests += 1n;
      this.#encryptions += 1n;
      state.counter = this.#requests;
      const pieces = sealFrame({
        header: { pu: this.#o.pu, kind: 'request', counter: state.counter, keyId: this.#keys.KeyID },
        key: this.#keys.K2_c2s_app_data,
        iv: frameIv(this.#encryptions, randomBytes(4)),
        plaintext: plaintext(head, body),
      });
      let bytes = 0;
      for await (const piece of pieces) {
        bytes += piece.length;
        if (bytes >= length) state.complete = true;
        yield piece;
      }
      await inner.afterLastByte?.();
    }.bind(this);
    return state;
  }

  #outerHeaders(): Record<string, string> {
    const { K2_c2s_app_data, K2_s2c_app_data } = this.#keys;
    const base64 = (key: Uint8Array) => Buffer.from(key).toString('base64');
    return {
      'content-type': 'application/octet-stream',
      accept: 'application/octet-stream',
      'x-useragent': this.#o.userAgent,
      ...(this.#pseudonym !== undefined && { 'vau-np': this.#pseudonym }),
      ...(this.#o.nonPuTracing === true &&
        !this.#o.pu && { 'vau-nonpu-tracing': `${base64(K2_c2s_app_data)} ${base64(K2_s2c_app_data)}` }),
    };
  }

  #open(answer: EgressResponse, { counter, phase }: { counter: bigint | undefined; phase: VauPhase }): HttpResponse {
    if (answer.status !== 200 || !hasType(answer, 'application/octet-stream'))
      throw outerRefusal(phase, answer, (keyId) => Buffer.from(keyId).equals(this.#keys.KeyID));
    const header = frameStep(() => decodeFrameHeader(answer.body));
    if (header.pu !== this.#o.pu) throw broken('vau.frame-pu');
    if (header.kind !== 'response') throw broken('vau.frame-type');
    // The answer belongs to this very request (A_24632).
    if (header.counter !== counter) throw broken('vau.frame-counter');
    if (!Buffer.from(header.keyId).equals(this.#keys.KeyID)) throw broken('vau.frame-key-id');
    const { plaintext } = frameStep(() => openFrame({ key: this.#keys.K2_s2c_app_data, frame: answer.body }));
    return frameStep(() => parseResponse(plaintext));
  }
}

/** A refusal of a question that was sound, by a router that says in its own way what A_24635 calls error 9. */
const isUnknownThere = (reason: unknown): reason is GatewayError =>
  reason instanceof GatewayError &&
  reason.code === 'RECORD_SYSTEM_UNREACHABLE' &&
  [403, 404, 410].includes(reason.foreign?.status ?? 0);

const unanswered = (reason: unknown): GatewayError =>
  new GatewayError('WRITE_UNANSWERED', 'the request was sent and no answer of the VAU came', {
    cause: reason,
    ...(reason instanceof GatewayError && { foreign: reason.foreign, check: reason.check }),
  });

const broken = (check: string, cause?: unknown): GatewayError =>
  new GatewayError('SESSION_LOST', 'an answer of the VAU failed a check', {
    check,
    ...(cause !== undefined && { cause }),
  });

const FRAME_CHECK: Record<string, string> = {
  VAU_FRAME_LENGTH: 'vau.frame-length',
  VAU_FRAME_VERSION: 'vau.frame-version',
  VAU_FRAME_PU: 'vau.frame-pu',
  VAU_FRAME_TYPE: 'vau.frame-type',
  VAU_AEAD: 'vau.frame-aead',
};

function frameStep<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof WireError) throw broken(FRAME_CHECK[cause.code] ?? 'vau.frame-content', cause);
    throw cause;
  }
}

/** Head and body, exactly as many bytes as announced: a source of another length ends before the tag. */
async function* plaintext(head: Uint8Array, body: InnerBody): AsyncGenerator<Uint8Array> {
  yield head;
  if (body instanceof Uint8Array) {
    if (body.length > 0) yield body;
    return;
  }
  let left = body.length;
  for await (const chunk of body.chunks()) {
    left -= chunk.length;
    if (left < 0) break;
    yield chunk;
  }
  if (left !== 0) throw new GatewayError('STORE_BROKEN', 'the content has another length than announced');
}
