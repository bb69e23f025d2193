// The story of api.md section 1, step by step, told through the public interfaces only: the gateway's REST API, and the
// simulator's control API for what insured people do. Every step checks its end in the simulated record itself.
import { createHash, randomUUID } from 'node:crypto';
import { demoDocument } from './document.ts';
import { demoContent } from './entries.ts';
import type { World } from './processes.ts';

export type StoryExport = { id: string; status: string; entryUuid: string | null; version: number | null };
export type StoryStep = { name: string; title: string; run: () => Promise<string> };
type ExportAnswer = {
  id: string;
  status: string;
  attempts: number;
  reason: { code: string; who: string; remedy: string; userMessage?: { de: string; en: string } } | null;
  document: { entryUuid: string; version: number; replaces: string | null; recordSystem: string; sha256: string };
  timeline: { at: string; step: string; code?: string }[];
};
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
const SHORT_WAIT_S = 1;
const STEP_LIMIT_MS = 60_000;

/** Fails the step with a sentence that says what was expected. */
function expect(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Error(sentence);
}

export class Story {
  readonly exports = new Map<string, StoryExport>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async #gateway<Answer>(
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

  async #control<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await fetch(`${this.#world.simulator.control}${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`the simulator answered ${answer.status} to ${method} ${path.split('/')[2]}`);
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  }

  #insured(index: number): string {
    const kvnr = this.#world.simulator.insured[index];
    expect(kvnr !== undefined, 'the simulator has three insured persons');
    return kvnr;
  }

  #post(kvnr: string, document: Uint8Array, waitSeconds = LONG_WAIT_S): Promise<ExportAnswer> {
    const base64 = Buffer.from(document).toString('base64');
    return this.#order(kvnr, { mode: 'document', mimeType: 'application/fhir+xml', base64 }, waitSeconds);
  }

  async #order(kvnr: string, content: object, waitSeconds = LONG_WAIT_S): Promise<ExportAnswer> {
    const body = {
      reference: `demo-${createHash('sha256').update(kvnr).digest('hex').slice(0, 12)}`,
      kvnr,
      kvnrSource: { issuer: 'https://idp.kasse.example', authenticatedAt: new Date(Date.now() - 60_000).toISOString() },
      series: 'main',
      consent: { id: 'c-demo', version: '2026-05', grantedAt: '2026-10-01T08:00:00Z' },
      prescriptionEnds: new Date(Date.now() + 60 * 86_400_000).toISOString().slice(0, 10),
      content,
    };
    const accepted = await this.#gateway<ExportAnswer>('POST', '/v1/exports', body, {
      'idempotency-key': randomUUID(),
      prefer: `wait=${waitSeconds}`,
    });
    return this.#settled(accepted, waitSeconds);
  }

  /** The export when it is final, or waits for somebody and no answer was to be waited for longer. */
  async #settled(accepted: ExportAnswer, waitSeconds = LONG_WAIT_S): Promise<ExportAnswer> {
    const end = Date.now() + STEP_LIMIT_MS;
    for (let now = accepted; ; now = await this.#wait(accepted.id, waitSeconds)) {
      const { id, status, document } = now;
      const { entryUuid, version } = status === 'written' ? document : { entryUuid: null, version: null };
      this.exports.set(id, { id, status, entryUuid, version });
      if (FINAL.has(status) || (status === 'waiting' && waitSeconds === SHORT_WAIT_S)) return now;
      if (Date.now() > end)
        throw new Error(`export still ${status} after a minute (${now.reason?.code ?? 'no reason'})`);
    }
  }

  #wait(id: string, seconds: number): Promise<ExportAnswer> {
    return this.#gateway('GET', `/v1/exports/${id}`, undefined, { prefer: `wait=${seconds}` });
  }

  async #inRecord(kvnr: string): Promise<StoredDocument[]> {
    return this.#control('GET', `/sim/records/${kvnr}/documents`);
  }

  async #written(kvnr: string, version: number, recordSystem: string): Promise<ExportAnswer> {
    const document = demoDocument(kvnr, version, new Date());
    const done = await this.#post(kvnr, document);
    await this.#checkWritten(done, kvnr, document, recordSystem);
    return done;
  }

  /** Small JSON goes in, and what lies in the record is a document of the toolkit that the gateway made of it. */
  async #writtenOfEntries(kvnr: string, version: number, recordSystem: string): Promise<ExportAnswer> {
    const content = demoContent(version, new Date());
    const done = await this.#order(kvnr, content);
    const stored = await this.#newest(kvnr, done);
    await this.#checkWritten(done, kvnr, stored, recordSystem);
    const text = Buffer.from(stored).toString('utf8');
    expect(text.includes('KBV_PR_MIO_DIGA_Bundle|1.1.0'), 'the record should hold a document of the toolkit');
    const values = (text.match(/<Observation>/g) ?? []).length;
    expect(values === content.entries.length, `it should hold ${content.entries.length} entries, not ${values}`);
    return done;
  }

  async #newest(kvnr: string, done: ExportAnswer): Promise<Uint8Array> {
    expect(done.status === 'written', `the export should be written, it is ${done.status} (${done.reason?.code})`);
    const path = `/sim/records/${kvnr}/documents/${done.document.entryUuid}`;
    const answer = await fetch(`${this.#world.simulator.control}${path}`);
    expect(answer.ok, 'the record should hold the document');
    return new Uint8Array(await answer.arrayBuffer());
  }

  async #checkWritten(done: ExportAnswer, kvnr: string, document: Uint8Array, recordSystem: string): Promise<void> {
    expect(
      done.status === 'written',
      `the export should be written, it is ${done.status} (${done.reason?.code ?? 'no reason'})`,
    );
    expect(
      done.document.recordSystem === recordSystem,
      `it should lie in ${recordSystem}, not in ${done.document.recordSystem}`,
    );
    const newest = (await this.#inRecord(kvnr)).at(-1);
    const hash = createHash('sha256').update(document).digest('hex');
    expect(newest?.entryUuid === done.document.entryUuid, 'the newest document of the record should be ours');
    expect(newest.sha256 === hash && newest.bytes === document.length, 'the record should hold our bytes unchanged');
    expect(newest.status === 'Approved', 'our document should be Approved');
  }

  steps(): StoryStep[] {
    let first: ExportAnswer | undefined;
    return [
      {
        name: 'first-export',
        title: 'Entries for insured 1 become a MIO, which is written into the record (epa-as-1)',
        run: async () => {
          first = await this.#writtenOfEntries(this.#insured(0), 1, 'epa-as-1');
          return `written as version ${first.document.version}`;
        },
      },
      {
        name: 'second-version',
        title: 'A second version with the entries of one day more replaces the first (RPLC)',
        run: async () => {
          const second = await this.#writtenOfEntries(this.#insured(0), 2, 'epa-as-1');
          const [old] = await this.#inRecord(this.#insured(0));
          expect(second.document.version === 2, 'the second export should be version 2');
          expect(second.document.replaces === first?.document.entryUuid, 'it should replace the first');
          expect(old?.status === 'Deprecated', 'the first version should be Deprecated');
          return 'version 2 is Approved, version 1 Deprecated';
        },
      },
      {
        name: 'other-record-system',
        title: 'A finished MIO for insured 2 is written in the other record system (epa-as-2)',
        run: async () => {
          await this.#written(this.#insured(1), 1, 'epa-as-2');
          return 'written';
        },
      },
      {
        name: 'approval',
        title: 'Insured 3 has not approved the DiGA: the export waits, they approve, the backend retries',
        run: async () => {
          const kvnr = this.#insured(2);
          const document = demoDocument(kvnr, 1, new Date());
          const waiting = await this.#post(kvnr, document, SHORT_WAIT_S);
          expect(waiting.status === 'waiting', `it should wait, it is ${waiting.status}`);
          expect(
            waiting.reason?.code === 'RECORD_NOT_ENTITLED',
            `the reason should be RECORD_NOT_ENTITLED, not ${waiting.reason?.code}`,
          );
          expect(waiting.reason.who === 'insured', 'the insured should be the one who must act');
          expect(waiting.reason.userMessage !== undefined, 'there should be a message ready for the app');
          const message = waiting.reason.userMessage.de;
          const { telematikId } = this.#world.simulator;
          await this.#control('PUT', `/sim/records/${kvnr}`, { entitled: [telematikId] });
          const retried = await this.#gateway<ExportAnswer>('POST', `/v1/exports/${waiting.id}/retry`);
          const done = await this.#settled(retried);
          await this.#checkWritten(done, kvnr, document, 'epa-as-1');
          return `waited for the insured ("${message}"), then written`;
        },
      },
      {
        name: 'lost-answer',
        title:
          'An answer is lost after the record of insured 2 took version 2: the gateway finds out, nothing is written twice',
        run: () => this.#lostAnswer(this.#insured(1)),
      },
    ];
  }

  /** The record system stores the document and the connection ends without an answer (D1, D22). */
  async #lostAnswer(kvnr: string): Promise<string> {
    const [first] = await this.#inRecord(kvnr);
    const writes = await this.#operations('ITI-41');
    await this.#control('POST', '/sim/faults', { at: 'xds.iti41', kind: 'drop-response', times: 1, match: { kvnr } });
    const document = demoDocument(kvnr, 2, new Date());
    const done = await this.#post(kvnr, document);
    await this.#checkWritten(done, kvnr, document, 'epa-as-2');
    const unclear = done.timeline.some((one) => one.step === 'unclear' && one.code === 'WRITE_UNANSWERED');
    expect(unclear, 'it should have been unclear after the lost answer');
    const sent = (await this.#operations('ITI-41')) - writes;
    expect(done.attempts === 2 && sent === 2, `it should be sent twice, not ${done.attempts} times (${sent} arrived)`);
    const [stored, ...more] = await this.#copies(kvnr, document);
    expect(stored !== undefined && more.length === 0, `the record should hold it once, not ${more.length + 1} times`);
    const repeated = done.timeline.findLast((one) => one.step === 'sent');
    expect(
      repeated !== undefined && Date.parse(stored.receivedAt) < Date.parse(repeated.at),
      'the record should hold it since the first try',
    );
    expect(
      done.document.version === 2 && stored.replaces === first?.entryUuid,
      'it should be version 2 and replace version 1',
    );
    return 'unclear, then sent again with the same bytes and IDs and found written: version 2 is in the record once';
  }

  /** Every document of the record with exactly these bytes, also those that fell out of its history. */
  async #copies(kvnr: string, document: Uint8Array): Promise<StoredDocument[]> {
    const hash = createHash('sha256').update(document).digest('hex');
    const all = await this.#control<StoredDocument[]>('GET', `/sim/records/${kvnr}/documents?trimmed=true`);
    return all.filter((one) => one.sha256 === hash);
  }

  async #operations(name: string): Promise<number> {
    return (await this.#control<Record<string, number>>('GET', '/sim/operations'))[name] ?? 0;
  }

  /** How many signatures the SMC-B has made so far, counted by the simulated Konnektor. */
  cardSignatures(): Promise<number> {
    return this.#operations('ExternalAuthenticate');
  }
}
