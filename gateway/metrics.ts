// Counters and histograms for Prometheus (MON-02). Labels are names from the settings and codes of the catalogue: never a
// person, a reference or an export id. A leaf: parts get the functions of this object, not the registry.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type OversightGauges, oversightMetrics } from './metrics-oversight.ts';

const STEP_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** `failed`: surely nothing was written, or it could not be sent; `no-answer`: nobody knows. */
export type UploadResult = 'stored' | 'registry-error' | 'no-answer' | 'failed';

export type Metrics = {
  exportEntered(status: string, code: string | null): void;
  step(step: string, ms: number): void;
  /** A row of the store is not what was sealed. */
  storeBroken(kind: string): void;
  /** A trust check that failed (SEC-11); both labels are of closed sets. */
  securityEvent(code: string, check: string): void;
  cardSignature(diga: string): void;
  /** A call to a card: how long it waited for its turn, and how long it took (KON-13). */
  cardUse(use: { iccsn: string; waitedMs: number; tookMs: number }): void;
  /** Called at each scrape to read how Konnektors and cards stand, as they were last seen. */
  onCardScrape(read: () => CardGauges): void;
  handshake(recordSystem: string): void;
  login(recordSystem: string): void;
  /** One document sent to a record system, and what came of it. */
  upload(recordSystem: string, result: UploadResult): void;
  request(route: string, method: string, status: number): void;
  /** Messages to one target: taken, failed tries, dropped because they are too old. */
  webhook(target: string, result: 'delivered' | 'failed' | 'dropped', count: number): void;
  /** Called at each scrape to read what the targets have not taken yet. */
  onWebhookScrape(read: () => Promise<{ target: string; count: number; oldestSeconds: number }[]>): void;
  /** Called at each scrape to read what lies in the store. */
  onScrape(read: () => Promise<{ status: string; count: number; oldestSeconds: number }[]>): void;
  /** Called at each scrape to read what is watched: certificates, OCSP, trust-service list, alarms. */
  onOversightScrape(read: () => OversightGauges): void;
  text(): Promise<{ contentType: string; body: string }>;
};

/** What is last known; `pin` is one of KON-06's states. */
export type CardGauges = {
  konnektors: { konnektor: string; up: boolean }[];
  cards: { konnektor: string; iccsn: string; present: boolean; pin: string; queue: number }[];
};

/** One registry per gateway, so that two in one process (tests) do not share counts. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: 'epa_gateway_' });
  const exports = new Counter({
    name: 'epa_exports_total',
    help: 'Exports that entered a status, by status and reason code',
    labelNames: ['status', 'code'],
    registers,
  });
  const brokenRows = new Counter({
    name: 'epa_store_broken_total',
    help: 'Rows of the store met that are not what was sealed, by kind',
    labelNames: ['kind'],
    registers,
  });
  const steps = new Histogram({
    name: 'epa_export_step_seconds',
    help: 'Duration of the steps of an export',
    labelNames: ['step'],
    buckets: STEP_SECONDS,
    registers,
  });
  const securityEvents = new Counter({
    name: 'epa_security_events_total',
    help: 'Trust checks that failed and TLS handshakes refused or cut, by code and check',
    labelNames: ['code', 'check'],
    registers,
  });
  const signatures = new Counter({
    name: 'epa_card_signatures_total',
    help: 'ExternalAuthenticate calls, by DiGA',
    labelNames: ['diga'],
    registers,
  });
  const cards = cardMetrics(registers);
  const handshakes = new Counter({
    name: 'epa_vau_handshakes_total',
    help: 'VAU channels opened, by record system',
    labelNames: ['record_system'],
    registers,
  });
  const logins = new Counter({
    name: 'epa_logins_total',
    help: 'Logins finished, by record system',
    labelNames: ['record_system'],
    registers,
  });
  const uploads = new Counter({
    name: 'epa_uploads_total',
    help: 'Documents sent, by record system and result',
    labelNames: ['record_system', 'result'],
    registers,
  });
  const requests = new Counter({
    name: 'epa_api_requests_total',
    help: 'Requests answered, by route, method and status',
    labelNames: ['route', 'method', 'status'],
    registers,
  });
  const webhooks = new Counter({
    name: 'epa_webhook_messages_total',
    help: 'Webhook messages delivered, failed tries, and messages dropped, by target',
    labelNames: ['target', 'result'],
    registers,
  });
  const scrapeWebhooks = countAndAge<{ target: string; count: number; oldestSeconds: number }>({
    label: 'target',
    name: (row) => row.target,
    count: { name: 'epa_webhook_backlog', help: 'Events that a webhook target has not taken' },
    oldest: {
      name: 'epa_webhook_backlog_oldest_seconds',
      help: 'Age of the oldest event that a webhook target has not taken',
    },
    registers,
  });
  const scrapeQueue = countAndAge<{ status: string; count: number; oldestSeconds: number }>({
    label: 'status',
    name: (row) => row.status,
    count: { name: 'epa_export_queue_depth', help: 'Open exports, by status' },
    oldest: { name: 'epa_export_queue_oldest_seconds', help: 'Age of the oldest open export, by status' },
    registers,
  });
  return {
    exportEntered: (status, code) => exports.inc({ status, code: code ?? '' }),
    storeBroken: (kind) => brokenRows.inc({ kind }),
    step: (step, ms) => steps.observe({ step }, ms / 1000),
    securityEvent: (code, check) => securityEvents.inc({ code, check }),
    cardSignature: (diga) => signatures.inc({ diga }),
    ...cards,
    handshake: (recordSystem) => handshakes.inc({ record_system: recordSystem }),
    login: (recordSystem) => logins.inc({ record_system: recordSystem }),
    upload: (recordSystem, result) => uploads.inc({ record_system: recordSystem, result }),
    request: (route, method, status) => requests.inc({ route, method, status: String(status) }),
    webhook: (target, result, count) => webhooks.inc({ target, result }, count),
    onWebhookScrape: scrapeWebhooks,
    onScrape: scrapeQueue,
    onOversightScrape: oversightMetrics(registers),
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

/** Cards and Konnektors (MON-02, KON-13): labels are names of the settings and ICCSNs. */
function cardMetrics(registers: Registry[]): Pick<Metrics, 'cardUse' | 'onCardScrape'> {
  let read = (): CardGauges => ({ konnektors: [], cards: [] });
  const seconds = (name: string, help: string) =>
    new Histogram({ name, help, labelNames: ['iccsn'], buckets: STEP_SECONDS, registers });
  const took = seconds('epa_card_call_seconds', 'Time of one call to a card, a signature above all');
  const waited = seconds('epa_card_wait_seconds', 'Time a call waited for its turn at the card');
  const gauge = (o: { name: string; help: string; labelNames: string[] }, rows: () => [object, number][]) =>
    new Gauge({
      ...o,
      registers,
      collect() {
        this.reset();
        for (const [labels, value] of rows()) this.set({ ...labels }, value);
      },
    });
  const card = ['konnektor', 'iccsn'];
  gauge({ name: 'epa_konnektor_up', help: 'Konnektor answered the last look', labelNames: ['konnektor'] }, () =>
    read().konnektors.map(({ konnektor, up }) => [{ konnektor }, Number(up)]),
  );
  gauge({ name: 'epa_card_present', help: 'Card plugged in a connected terminal', labelNames: card }, () =>
    read().cards.map(({ konnektor, iccsn, present }) => [{ konnektor, iccsn }, Number(present)]),
  );
  gauge(
    { name: 'epa_card_pin_state', help: 'State of PIN.SMC: 1 at the state it has', labelNames: [...card, 'state'] },
    () => read().cards.map(({ konnektor, iccsn, pin }) => [{ konnektor, iccsn, state: pin }, 1]),
  );
  gauge({ name: 'epa_card_queue_length', help: 'Calls to a card that run or wait', labelNames: card }, () =>
    read().cards.map(({ konnektor, iccsn, queue }) => [{ konnektor, iccsn }, queue]),
  );
  return {
    cardUse: ({ iccsn, waitedMs, tookMs }) => {
      took.observe({ iccsn }, tookMs / 1000);
      waited.observe({ iccsn }, waitedMs / 1000);
    },
    onCardScrape: (reader) => {
      read = reader;
    },
  };
}

/** Two gauges over what lies in the store, read once per scrape; answers how to set the reader. */
function countAndAge<Row extends { count: number; oldestSeconds: number }>(o: {
  label: string;
  name: (row: Row) => string;
  count: { name: string; help: string };
  oldest: { name: string; help: string };
  registers: Registry[];
}): (read: () => Promise<Row[]>) => void {
  let read = async (): Promise<Row[]> => [];
  let reading: Promise<Row[]> | undefined;
  // Both are asked at once, and each writes down what it was given before it returns: neither may wait for the other.
  const rows = () => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  for (const [name, value] of [
    ['count', (row: Row) => row.count] as const,
    ['oldest', (row: Row) => row.oldestSeconds] as const,
  ])
    new Gauge({
      ...o[name],
      labelNames: [o.label],
      registers: o.registers,
      async collect() {
        const found = await rows();
        this.reset();
        for (const row of found) this.set({ [o.label]: o.name(row) }, value(row));
      },
    });
  return (reader) => {
    read = reader;
  };
}
