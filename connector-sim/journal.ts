// What arrived and what was answered, decrypted, for assertions (api.md section 4, TST-04): a ring of 64 MB of bodies,
// numbered from 1 without gaps, and the counts of /sim/operations, which outlive the ring.
import type { HttpAnswer, HttpRequestIn } from './http-server.ts';
import { losesAnswer } from './network-faults.ts';

export const SERVICES = ['konnektor', 'cetp', 'idp', 'epa-as-1', 'epa-as-2', 'ocsp', 'webhook'] as const;
export type ServiceName = (typeof SERVICES)[number];
export type ExchangeMessage = { headers: readonly (readonly [string, string])[]; body: Uint8Array };

export type JournalEntry = {
  n: number;
  at: string;
  service: ServiceName;
  operation: string;
  /** true: the HTTP message inside a VAU frame; its outer frame is an entry of its own. */
  inner: boolean;
  /** Which Konnektor it was sent to; null at any other service. */
  konnektor: string | null;
  request: { method: string; path: string; headers: [string, string][]; body: string };
  /** null: the answer never left whole (fault). */
  response: { status: number; headers: [string, string][]; body: string } | null;
  /** The rule that refused the request. */
  rule: string | null;
  /** The kind of the fault played on this exchange. */
  fault: string | null;
};

type Stored = {
  n: number;
  at: number;
  service: ServiceName;
  operation: string;
  inner: boolean;
  konnektor: string | null;
  request: ExchangeMessage & { method: string; path: string };
  response: (ExchangeMessage & { status: number }) | null;
  rule: string | null;
  fault: string | null;
  bytes: number;
};

export class Journal {
  readonly #now: () => number;
  readonly #limit: number;
  #entries: Stored[] = [];
  #bytes = 0;
  #next = 1;
  #counts = new Map<string, number>();
  readonly #seen = new Map<string, Map<string, number>>();

  constructor(o: { now: () => number; limitBytes?: number }) {
    this.#now = o.now;
    this.#limit = o.limitBytes ?? 64 * 1024 * 1024;
  }

  /** One exchange with its inner ones (oldest first: the inner exchange is what the outer frame carried). */
  record(service: ServiceName, request: HttpRequestIn, answer: HttpAnswer & { body: Uint8Array }): void {
    const lost = losesAnswer(answer.fault);
    const fault = answer.fault?.kind ?? null;
    const query = request.query.size === 0 ? '' : `?${request.query}`;
    const operation = answer.operation ?? `${request.method} ${request.path}`;
    const konnektor = answer.konnektor ?? null;
    if (answer.uncounted !== true) this.#counted(service, operation, konnektor);
    this.#push({
      service,
      operation,
      inner: false,
      konnektor,
      request: {
        method: request.method,
        path: `${request.path}${query}`,
        headers: request.headers,
        body: request.body,
      },
      response: lost ? null : { status: answer.status, headers: answer.headers, body: answer.body },
      rule: answer.rule ?? null,
      fault,
    });
    for (const exchange of answer.inner ?? []) {
      if (answer.uncounted !== true) this.#counted(service, exchange.operation);
      this.#push({
        service,
        operation: exchange.operation,
        inner: true,
        konnektor,
        request: exchange.request,
        response: lost ? null : exchange.response,
        rule: exchange.rule ?? null,
        fault,
      });
    }
  }

  /** An event a Konnektor has sent, or could not: counted as `CETP`, its topic as operation, no answer to it. */
  recordSent(o: {
    konnektor: string;
    eventTo: string;
    topic: string;
    message: string;
    delivered: boolean;
    fault: string | null;
  }): void {
    this.#counted('cetp', 'CETP', o.konnektor);
    this.#push({
      service: 'cetp',
      operation: o.topic,
      inner: false,
      konnektor: o.konnektor,
      request: { method: 'CETP', path: o.eventTo, headers: [], body: Buffer.from(o.message, 'utf8') },
      response: null,
      rule: o.delivered ? null : 'cetp: not delivered',
      fault: o.fault,
    });
  }

  count(operation: string): void {
    this.#counts.set(operation, (this.#counts.get(operation) ?? 0) + 1);
  }

  /** What one service has seen since the simulator started; neither a reset nor a new scenario takes anything from it. */
  seen(service: ServiceName): Record<string, number> {
    return Object.fromEntries(this.#seen.get(service) ?? []);
  }

  /** What one Konnektor has seen since the simulator started. */
  seenByKonnektor(id: string): Record<string, number> {
    return Object.fromEntries(this.#seen.get(`konnektor ${id}`) ?? []);
  }

  #counted(service: ServiceName, operation: string, konnektor: string | null = null): void {
    this.count(operation);
    this.#see(service, operation);
    if (konnektor !== null) this.#see(`konnektor ${konnektor}`, operation);
  }

  #see(service: string, operation: string): void {
    const seen = this.#seen.get(service) ?? new Map<string, number>();
    this.#seen.set(service, seen.set(operation, (seen.get(operation) ?? 0) + 1));
  }

  /** Flat counts, in the order of first use. */
  operations(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  /** Entries with n > `after`, oldest first, of one service or all. */
  entries(o: { after?: number; service?: string } = {}): JournalEntry[] {
    return this.#entries
      .filter((e) => e.n > (o.after ?? 0) && (o.service === undefined || e.service === o.service))
      .map(asEntry);
  }

  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
  }

  resetCounts(): void {
    this.#counts = new Map();
  }

  #push(entry: Omit<Stored, 'n' | 'at' | 'bytes'>): void {
    const bytes = entry.request.body.length + (entry.response?.body.length ?? 0) + 1024;
    this.#entries.push({ ...entry, n: this.#next, at: this.#now(), bytes });
    this.#next += 1;
    this.#bytes += bytes;
    let drop = 0;
    while (this.#bytes > this.#limit && drop < this.#entries.length - 1) {
      this.#bytes -= this.#entries[drop]?.bytes ?? 0;
      drop += 1;
    }
    if (drop > 0) this.#entries.splice(0, drop);
  }
}

function asEntry(e: Stored): JournalEntry {
  const message = (m: ExchangeMessage) => ({
    headers: m.headers.map(([name, value]): [string, string] => [name, value]),
    body: Buffer.from(m.body).toString('base64'),
  });
  return {
    n: e.n,
    at: new Date(e.at).toISOString(),
    service: e.service,
    operation: e.operation,
    inner: e.inner,
    konnektor: e.konnektor,
    request: { method: e.request.method, path: e.request.path, ...message(e.request) },
    response: e.response === null ? null : { status: e.response.status, ...message(e.response) },
    rule: e.rule,
    fault: e.fault,
  };
}
