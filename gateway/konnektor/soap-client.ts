// One SOAP 1.1 call to one Konnektor (konnektor.md section 1): document/literal, UTF-8, SOAPAction from the message
// namespace, quoted. The body is read for a fault whatever the HTTP status is: some Konnektors fault with 200.
import { readEnvelope, type SoapMessage, writeEnvelope } from '../../wire/soap.ts';
import { child, type Markup, requireChild, textOf, type XmlElement, xml } from '../../wire/xml.ts';
import { EgressError } from '../egress.ts';
import type { GatewayError } from '../errors.ts';
import { type Logger, silentLogger } from '../log.ts';
import { type ConnectorServices, type KonnektorAccess, type KonnektorEgress, ServiceDirectory } from './directory.ts';
import {
  answerInvalid,
  cardTimeout,
  faultError,
  isConnectionLoss,
  konnektorError,
  reactionTo,
  statusError,
  type Trace,
  tracesOf,
} from './faults.ts';
import { missingServices } from './service-versions.ts';
import { NS } from './tables/namespaces.ts';
import type { ServiceName } from './tables/services.ts';

/** konnektor.md section 7, in milliseconds: answered from memory, card involved, a person types. */
export type TimeLimits = { short: number; card: number; pin: number };
export const TIME_LIMITS: TimeLimits = { short: 5_000, card: 30_000, pin: 90_000 };

export type KonnektorCall = {
  service: ServiceName;
  /** Official name; the request element is built by the service's own file. */
  operation: string;
  /** Made for the namespace of the version that is called where the service has several. */
  body: Markup | ((namespace: string) => Markup);
  limit: keyof TimeLimits;
  /** Milliseconds that the Konnektor itself waits for a person before it answers, on top of the limit. */
  waitMs?: number;
  /** It asks a card: that it is not answered in time says nothing of the Konnektor. */
  ofCard?: true;
  /** A broken connection is tried once more after reading connector.sds anew, and a card that failed; never where a person is prompted. */
  repeat: boolean;
};

/** The response element, its namespace, and the Traces of a `Warning` (empty with `OK`). */
export type KonnektorAnswer = { response: XmlElement; namespace: string; warnings: Trace[] };

/** One Konnektor under one call context. Every method throws GatewayError only. */
export class KonnektorClient {
  readonly access: KonnektorAccess;
  readonly directory: ServiceDirectory;
  readonly #log: Logger;
  readonly #egress: KonnektorEgress;
  readonly #limits: TimeLimits;
  #missing: string[] = [];

  constructor(o: { access: KonnektorAccess; egress: KonnektorEgress; limits?: Partial<TimeLimits>; log?: Logger }) {
    this.access = o.access;
    this.#egress = o.egress;
    this.#limits = { ...TIME_LIMITS, ...o.limits };
    this.#log = o.log ?? silentLogger;
    this.directory = new ServiceDirectory({
      egress: o.egress,
      access: o.access,
      timeoutMs: this.#limits.short,
      onRead: (services) => this.#tellMissing(services),
    });
  }

  /** TIP1-A_4968: what this Konnektor lacks is said when it is first looked at, once, and not by the first export that needs it. */
  #tellMissing(services: ConnectorServices): void {
    const reasons = missingServices(services).map(({ message }) => message);
    if (reasons.join() === this.#missing.join()) return;
    this.#missing = reasons;
    for (const reason of reasons)
      this.#log.error('konnektor service missing', {
        konnektor: this.access.id,
        code: 'KONNEKTOR_SERVICE_MISSING',
        reason,
      });
  }

  /** CCTX:Context of this Konnektor's settings (KON-02). */
  context(): Markup {
    const { mandant, clientSystem, workplace, userId } = this.access;
    return xml(
      'CCTX:Context',
      {},
      xml('CONN:MandantId', {}, mandant),
      xml('CONN:ClientSystemId', {}, clientSystem),
      xml('CONN:WorkplaceId', {}, workplace),
      userId === undefined || userId === '' ? undefined : xml('CONN:UserId', {}, userId),
    );
  }

  /** Calls and reads up to CONN:Status. A fault is the GatewayError of its gematik code, with all Traces in `foreign`. */
  async call(call: KonnektorCall): Promise<KonnektorAnswer> {
    try {
      return await this.#once(call);
    } catch (thrown) {
      const error = this.#error(thrown, call);
      const lost = isConnectionLoss(error);
      // An update or another configuration may have moved a service: nothing answers at its old path, and nothing was done there.
      const moved = error.code === 'KONNEKTOR_ANSWER_INVALID' && error.foreign?.status === 404;
      if (lost || moved) this.directory.forget();
      // A silent Konnektor is not asked twice: the caller has waited long enough. A card that failed once is (KON-12).
      const again = lost ? connectionBroke(error) : moved || reactionTo(error) === 'retry-once';
      if (!call.repeat || !again) throw error;
    }
    try {
      return await this.#once(call);
    } catch (thrown) {
      throw this.#error(thrown, call);
    }
  }

  #error(thrown: unknown, call: KonnektorCall): GatewayError {
    const what = this.#what(call);
    return (call.ofCard && cardTimeout(thrown, what)) ?? konnektorError(thrown, what);
  }

  async #once(call: KonnektorCall): Promise<KonnektorAnswer> {
    const { url, namespace } = await this.directory.address(call.service);
    const body = typeof call.body === 'function' ? call.body(namespace) : call.body;
    const answer = await this.#egress.request('konnektor', {
      url,
      target: this.access.id,
      method: 'POST',
      headers: {
        'Content-Type': 'text/xml; charset=utf-8',
        SOAPAction: `"${namespace}#${call.operation}"`,
      },
      body: Buffer.from(writeEnvelope({ version: '1.1', body })),
      timeoutMs: this.#limits[call.limit] + (call.waitMs ?? 0),
      maxResponseBytes: MAX_ANSWER_BYTES,
    });
    return this.#read(answer, call, namespace);
  }

  #read(answer: { status: number; body: Uint8Array }, call: KonnektorCall, namespace: string): KonnektorAnswer {
    const what = this.#what(call);
    const message = readMessage(answer, what);
    if (message.fault !== undefined) throw faultError(message.fault, answer.status, what);
    if (answer.status !== 200) throw statusError(answer.status, what);
    const response = message.body;
    if (message.version !== '1.1' || response?.ns !== namespace || response.name !== `${call.operation}Response`)
      throw answerInvalid(`${what}: the answer is no ${call.operation}Response`);
    const status = requireChild(response, NS.CONN, 'Status');
    const result = textOf(status, NS.CONN, 'Result');
    if (result !== 'OK' && result !== 'Warning') throw answerInvalid(`${what}: unknown Result`);
    const error = child(status, NS.GERROR, 'Error');
    const warnings = error === undefined ? [] : tracesOf(error);
    for (const { code } of warnings) this.warn(call.operation, /^\d{1,6}$/.test(code) ? code : 'unreadable');
    return { response, namespace, warnings };
  }

  /** Something a Konnektor should not do and that does no harm: logged, never thrown. `code` is a code, no foreign text. */
  warn(operation: string, code: string): void {
    this.#log.warn('konnektor warning', { konnektor: this.access.id, step: operation, code });
  }

  /** Reads an answer's content; what breaks the interface becomes KONNEKTOR_ANSWER_INVALID with the operation's name. */
  reading<T>(operation: string, read: () => T): T {
    try {
      return read();
    } catch (thrown) {
      throw konnektorError(thrown, this.#what({ operation }));
    }
  }

  #what(call: { operation: string }): string {
    return `Konnektor ${this.access.id}: ${call.operation}`;
  }
}

/** An unreadable body is a broken message with 200 and an error page with anything else. */
function readMessage(answer: { status: number; body: Uint8Array }, what: string): SoapMessage {
  try {
    return readEnvelope(answer.body);
  } catch (thrown) {
    throw answer.status === 200 ? thrown : statusError(answer.status, what);
  }
}

function connectionBroke({ cause }: { cause?: unknown }): boolean {
  return cause instanceof EgressError && cause.code === 'RESET';
}

const MAX_ANSWER_BYTES = 4_194_304;
