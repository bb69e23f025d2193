// What a backend and an insured can do in the story: calls of the gateway's REST API and of the simulator's control API, and what
// must be true of an export that was written.
import { createHash, randomUUID } from 'node:crypto';
import { demoDocument } from './document.ts';
import { demoContent } from './entries.ts';
import type { World } from './processes.ts';

export type StoryExport = { id: string; status: string; entryUuid: string | null; version: number | null };
export type ExportAnswer = {
  id: string;
  status: string;
  attempts: number;
  reason: { code: string; who: string; remedy: string; userMessage?: { de: string; en: string } } | null;
  document: { entryUuid: string; version: number; replaces: string | null; recordSystem: string; sha256: string };
  timeline: { at: string; step: string; code?: string }[];
};
export type PinOperation = { id: string; state: string; result: string | null };
type StoredDocument = {
  entryUuid: string;
  status: string;
  replaces: string | null;
  sha256: string;
  bytes: number;
  receivedAt: string;
};

const FINAL = new Set(['written', 'unchanged', 'superseded', 'refused', 'failed', 'cancelled']);
/** `Prefer: wait`: the answer comes at once when the export is final. */
const LONG_WAIT_S = 30;
/** Where the export is to wait for somebody, which is not final. */
export const SHORT_WAIT_S = 1;
const STEP_LIMIT_MS = 60_000;

/** Fails the step with a sentence that says what was expected. */
export function expect(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Error(sentence);
}

export class StoryClient {
  readonly exports = new Map<string, StoryExport>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async gateway<Answer>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const { gateway } = this.#world;
    const answer = await fetch(`${gateway.gateway}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${gateway.apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok)
      throw new Error(`the gateway answered ${answer.status} to ${method} ${path}: ${text.slice(0, 600)}`);
    return JSON.parse(text) as Answer;
  }

  async control<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await fetch(`${this.#world.simulator.control}${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`the simulator answered ${answer.status} to ${method} ${path.split('/')[2]}`);
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  }

  /** A call of an operator at the admin listener. */
  async admin<Answer>(method: string, path: string): Promise<Answer> {
    const { admin, operatorKey } = this.#world.gateway;
    const answer = await fetch(`${admin}${path}`, { method, headers: { authorization: `Bearer ${operatorKey}` } });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`the admin listener answered ${answer.status} to ${method} ${path}: ${text}`);
    return JSON.parse(text) as Answer;
  }

  /** ICCSN of the SMC-B, as the gateway sees it. */
  async smcb(): Promise<string> {
    const { cards } = await this.admin<{ cards: { iccsn: string; inUse: boolean }[] }>('GET', '/admin/v1/cards');
    const used = cards.find(({ inUse }) => inUse);
    expect(used !== undefined, 'the gateway should use an SMC-B');
    return used.iccsn;
  }

  /** An operator has the PIN verified at the terminal (KON-07), where a simulated person types it. */
  async pinVerified(iccsn: string): Promise<PinOperation> {
    let operation = await this.admin<PinOperation>('POST', `/admin/v1/cards/${iccsn}/pin/verify`);
    for (const end = Date.now() + STEP_LIMIT_MS; operation.state === 'running' && Date.now() < end; ) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      operation = await this.admin<PinOperation>('GET', `/admin/v1/pin-operations/${operation.id}`);
    }
    return operation;
  }

  get simulator(): World['simulator'] {
    return this.#world.simulator;
  }

  insured(index: number): string {
    const kvnr = this.#world.simulator.insured[index];
    expect(kvnr !== undefined, 'the simulator has three insured persons');
    return kvnr;
  }

  /** A finished document, in the DiGA's only series unless told. */
  post(kvnr: string, document: Uint8Array, o: { waitSeconds?: number; series?: string } = {}): Promise<ExportAnswer> {
    const base64 = Buffer.from(document).toString('base64');
    return this.order(kvnr, { mode: 'document', mimeType: 'application/fhir+xml', base64 }, o);
  }

  async order(
    kvnr: string,
    content: object,
    { waitSeconds = LONG_WAIT_S, series = 'main' }: { waitSeconds?: number; series?: string } = {},
  ): Promise<ExportAnswer> {
    const body = {
      reference: `demo-${createHash('sha256').update(kvnr).digest('hex').slice(0, 12)}`,
      kvnr,
      kvnrSource: { issuer: 'https://idp.kasse.example', authenticatedAt: new Date(Date.now() - 60_000).toISOString() },
      series,
      consent: { id: 'c-demo', version: '2026-05', grantedAt: '2026-10-01T08:00:00Z' },
      prescriptionEnds: new Date(Date.now() + 60 * 86_400_000).toISOString().slice(0, 10),
      content,
    };
    const accepted = await this.gateway<ExportAnswer>('POST', '/v1/exports', body, {
      'idempotency-key': randomUUID(),
      prefer: `wait=${waitSeconds}`,
    });
    return this.settled(accepted, waitSeconds);
  }

  /** The export when it is final, or waits for somebody and no answer was to be waited for longer. */
  async settled(accepted: ExportAnswer, waitSeconds = LONG_WAIT_S): Promise<ExportAnswer> {
    const end = Date.now() + STEP_LIMIT_MS;
    for (let now = accepted; ; now = await this.#wait(accepted.id, waitSeconds)) {
      const { id, status, document, reason } = now;
      const { entryUuid, version } = status === 'written' ? document : { entryUuid: null, version: null };
      this.exports.set(id, { id, status, entryUuid, version });
      // One whose answer was lost is in doubt, and waits for the operator all the same.
      const waits = status === 'waiting' || (status === 'unclear' && reason?.who === 'operator');
      if (FINAL.has(status) || (waits && waitSeconds === SHORT_WAIT_S)) return now;
      if (Date.now() > end) throw new Error(`export still ${status} after a minute (${reason?.code ?? 'no reason'})`);
    }
  }

  #wait(id: string, seconds: number): Promise<ExportAnswer> {
    return this.gateway('GET', `/v1/exports/${id}`, undefined, { prefer: `wait=${seconds}` });
  }

  async inRecord(kvnr: string): Promise<StoredDocument[]> {
    return this.control('GET', `/sim/records/${kvnr}/documents`);
  }

  async written(kvnr: string, version: number, recordSystem: string): Promise<ExportAnswer> {
    const document = demoDocument(kvnr, version, new Date());
    const done = await this.post(kvnr, document);
    await this.checkWritten(done, kvnr, document, recordSystem);
    return done;
  }

  /** Small JSON goes in, and what lies in the record is a document of the toolkit that the gateway made of it. */
  async writtenOfEntries(kvnr: string, version: number, recordSystem: string): Promise<ExportAnswer> {
    const content = demoContent(version, new Date());
    const done = await this.order(kvnr, content);
    const stored = await this.newest(kvnr, done);
    await this.checkWritten(done, kvnr, stored, recordSystem);
    const text = Buffer.from(stored).toString('utf8');
    expect(text.includes('KBV_PR_MIO_DIGA_Bundle|1.1.0'), 'the record should hold a document of the toolkit');
    const values = (text.match(/<Observation>/g) ?? []).length;
    expect(values === content.entries.length, `it should hold ${content.entries.length} entries, not ${values}`);
    return done;
  }

  async newest(kvnr: string, done: ExportAnswer): Promise<Uint8Array> {
    expect(done.status === 'written', `the export should be written, it is ${done.status} (${done.reason?.code})`);
    const path = `/sim/records/${kvnr}/documents/${done.document.entryUuid}`;
    const answer = await fetch(`${this.#world.simulator.control}${path}`);
    expect(answer.ok, 'the record should hold the document');
    return new Uint8Array(await answer.arrayBuffer());
  }

  async checkWritten(done: ExportAnswer, kvnr: string, document: Uint8Array, recordSystem: string): Promise<void> {
    expect(
      done.status === 'written',
      `the export should be written, it is ${done.status} (${done.reason?.code ?? 'no reason'})`,
    );
    expect(
      done.document.recordSystem === recordSystem,
      `it should lie in ${recordSystem}, not in ${done.document.recordSystem}`,
    );
    const newest = (await this.inRecord(kvnr)).at(-1);
    const hash = createHash('sha256').update(document).digest('hex');
    expect(newest?.entryUuid === done.document.entryUuid, 'the newest document of the record should be ours');
    expect(newest.sha256 === hash && newest.bytes === document.length, 'the record should hold our bytes unchanged');
    expect(newest.status === 'Approved', 'our document should be Approved');
  }

  /** Every document of the record with exactly these bytes, also those that fell out of its history. */
  async copies(kvnr: string, document: Uint8Array): Promise<StoredDocument[]> {
    const hash = createHash('sha256').update(document).digest('hex');
    const all = await this.control<StoredDocument[]>('GET', `/sim/records/${kvnr}/documents?trimmed=true`);
    return all.filter((one) => one.sha256 === hash);
  }

  async operations(name: string): Promise<number> {
    return (await this.control<Record<string, number>>('GET', '/sim/operations'))[name] ?? 0;
  }
}
