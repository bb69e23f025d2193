// Counters and histograms for Prometheus (MON-02). Labels are names from the settings and codes of the catalogue: never a
// person, a reference or an export id. A leaf: parts get the functions of this object, not the registry.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const STEP_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export type Metrics = {
  exportEntered(status: string, code: string | null): void;
  step(step: string, ms: number): void;
  cardSignature(diga: string): void;
  handshake(recordSystem: string): void;
  login(recordSystem: string): void;
  request(route: string, method: string, status: number): void;
  /** Called at each scrape to read what lies in the store. */
  onScrape(read: () => Promise<{ status: string; count: number; oldestSeconds: number }[]>): void;
  text(): Promise<{ contentType: string; body: string }>;
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
  const steps = new Histogram({
    name: 'epa_export_step_seconds',
    help: 'Duration of the steps of an export',
    labelNames: ['step'],
    buckets: STEP_SECONDS,
    registers,
  });
  const signatures = new Counter({
    name: 'epa_card_signatures_total',
    help: 'ExternalAuthenticate calls, by DiGA',
    labelNames: ['diga'],
    registers,
  });
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
  const requests = new Counter({
    name: 'epa_api_requests_total',
    help: 'Requests answered, by route, method and status',
    labelNames: ['route', 'method', 'status'],
    registers,
  });
  let read: (() => Promise<{ status: string; count: number; oldestSeconds: number }[]>) | undefined;
  const oldest = new Gauge({
    name: 'epa_export_queue_oldest_seconds',
    help: 'Age of the oldest open export, by status',
    labelNames: ['status'],
    registers,
  });
  new Gauge({
    name: 'epa_export_queue_depth',
    help: 'Open exports, by status',
    labelNames: ['status'],
    registers,
    async collect() {
      if (read === undefined) return;
      this.reset();
      oldest.reset();
      for (const row of await read()) {
        this.set({ status: row.status }, row.count);
        oldest.set({ status: row.status }, row.oldestSeconds);
      }
    },
  });
  return {
    exportEntered: (status, code) => exports.inc({ status, code: code ?? '' }),
    step: (step, ms) => steps.observe({ step }, ms / 1000),
    cardSignature: (diga) => signatures.inc({ diga }),
    handshake: (recordSystem) => handshakes.inc({ record_system: recordSystem }),
    login: (recordSystem) => logins.inc({ record_system: recordSystem }),
    request: (route, method, status) => requests.inc({ route, method, status: String(status) }),
    onScrape: (reader) => {
      read = reader;
    },
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}
