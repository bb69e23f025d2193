// The story of api.md section 1, step by step, told through the public interfaces only: the gateway's REST API, and the
// simulator's control API for what insured people do. Every step checks its end in the simulated record itself.
import { demoDocument } from './document.ts';
import type { World } from './processes.ts';
import { type ExportAnswer, expect, SHORT_WAIT_S, StoryClient, type StoryExport } from './story-client.ts';

export type StoryStep = { name: string; title: string; run: () => Promise<string> };

/** Some on a way of their own, beside the chain of the other steps. */
const SERIES = ['diary', 'sleep', 'steps'];

export class Story {
  readonly #at: StoryClient;

  constructor(world: World) {
    this.#at = new StoryClient(world);
  }

  /** Every export of the story, as it stands. */
  get exports(): Map<string, StoryExport> {
    return this.#at.exports;
  }

  /** How many signatures the SMC-B has made so far, counted by the simulated Konnektor. */
  cardSignatures(): Promise<number> {
    return this.#at.operations('ExternalAuthenticate');
  }

  steps(): StoryStep[] {
    let first: ExportAnswer | undefined;
    return [
      {
        name: 'first-export',
        title: 'Entries for insured 1 become a MIO, which is written into the record (epa-as-1)',
        run: async () => {
          first = await this.#at.writtenOfEntries(this.#at.insured(0), 1, 'epa-as-1');
          return `written as version ${first.document.version}`;
        },
      },
      {
        name: 'second-version',
        title: 'A second version with the entries of one day more replaces the first (RPLC)',
        run: async () => {
          const second = await this.#at.writtenOfEntries(this.#at.insured(0), 2, 'epa-as-1');
          const [old] = await this.#at.inRecord(this.#at.insured(0));
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
          await this.#at.written(this.#at.insured(1), 1, 'epa-as-2');
          return 'written';
        },
      },
      {
        name: 'approval',
        title: 'Insured 3 has not approved the DiGA: the export waits, they approve, the backend retries',
        run: async () => {
          const kvnr = this.#at.insured(2);
          const document = demoDocument(kvnr, 1, new Date());
          const waiting = await this.#at.post(kvnr, document, { waitSeconds: SHORT_WAIT_S });
          expect(waiting.status === 'waiting', `it should wait, it is ${waiting.status}`);
          expect(
            waiting.reason?.code === 'RECORD_NOT_ENTITLED',
            `the reason should be RECORD_NOT_ENTITLED, not ${waiting.reason?.code}`,
          );
          expect(waiting.reason.who === 'insured', 'the insured should be the one who must act');
          expect(waiting.reason.userMessage !== undefined, 'there should be a message ready for the app');
          const message = waiting.reason.userMessage.de;
          const { telematikId } = this.#at.simulator;
          await this.#at.control('PUT', `/sim/records/${kvnr}`, { entitled: [telematikId] });
          const retried = await this.#at.gateway<ExportAnswer>('POST', `/v1/exports/${waiting.id}/retry`);
          const done = await this.#at.settled(retried);
          await this.#at.checkWritten(done, kvnr, document, 'epa-as-1');
          return `waited for the insured ("${message}"), then written`;
        },
      },
      {
        name: 'pin-lost',
        title:
          'The PIN of the SMC-B is lost and both record systems restart their VAU: exports wait, an operator verifies the PIN, they finish',
        run: () => this.#pinLost([this.#at.insured(0), this.#at.insured(1)]),
      },
      {
        name: 'lost-answer',
        title:
          'An answer is lost after the record of insured 2 took version 2: the gateway finds out, nothing is written twice',
        run: () => this.#lostAnswer(this.#at.insured(1)),
      },
    ];
  }

  /**
   * The card is locked, and at the first frame that comes each record system forgets every channel and session (SES-02, D10): the
   * exports wait for the card until an operator has its PIN verified, and run by themselves then (KON-07, D22).
   */
  async #pinLost(people: readonly string[]): Promise<string> {
    const card = await this.#at.smcb();
    await this.#at.control('PATCH', `/sim/cards/${card}`, { pinStatus: 'VERIFIABLE' });
    const recordSystems = ['epa-as-1', 'epa-as-2'];
    for (const recordSystem of recordSystems)
      await this.#at.control('POST', '/sim/faults', {
        at: 'vau.data',
        kind: 'restart',
        times: 1,
        match: { recordSystem },
      });
    const logins = await this.#at.operations('send_authcode_sc');
    const entries = await this.#at.operations('VerifyPin');
    const exports = people.flatMap((kvnr) =>
      SERIES.map((series, n) => ({ kvnr, series, document: demoDocument(kvnr, 10 + n, new Date()) })),
    );
    const posted = await Promise.all(
      exports.map((one) => this.#at.post(one.kvnr, one.document, { series: one.series, waitSeconds: SHORT_WAIT_S })),
    );
    for (const { status, reason } of posted)
      expect(
        (status === 'waiting' || status === 'unclear') && reason?.code === 'SMCB_PIN_NOT_VERIFIED',
        `every export should wait for the PIN and the operator, one is ${status} (${reason?.code})`,
      );
    expect((await this.#at.control<[]>('GET', '/sim/faults')).length === 0, 'both VAU should have restarted');
    const operation = await this.#at.pinVerified(card);
    expect(operation.result === 'OK', `the entry should end with OK, not ${operation.result}`);
    for (const [index, { kvnr, document }] of exports.entries()) {
      const accepted = posted[index];
      expect(accepted !== undefined, 'every export was accepted');
      const { status, reason } = await this.#at.settled(accepted);
      expect(status === 'written', `every export should be written, one is ${status} (${reason?.code})`);
      const copies = await this.#at.copies(kvnr, document);
      expect(copies.length === 1, `the record should hold each document once, not ${copies.length} times`);
    }
    const more = (await this.#at.operations('send_authcode_sc')) - logins;
    expect(more === recordSystems.length, `one login for each record system should be enough, there were ${more}`);
    const asked = (await this.#at.operations('VerifyPin')) - entries;
    expect(asked === 1, `the PIN should have been asked for once, not ${asked} times`);
    return `${exports.length} exports waited for the operator; one entry of the PIN, one login for each record system, each written once`;
  }

  /** The record system stores the document and the connection ends without an answer (D1, D22). */
  async #lostAnswer(kvnr: string): Promise<string> {
    const [first] = await this.#at.inRecord(kvnr);
    const writes = await this.#at.operations('ITI-41');
    await this.#at.control('POST', '/sim/faults', {
      at: 'xds.iti41',
      kind: 'drop-response',
      times: 1,
      match: { kvnr },
    });
    const document = demoDocument(kvnr, 2, new Date());
    const done = await this.#at.post(kvnr, document);
    await this.#at.checkWritten(done, kvnr, document, 'epa-as-2');
    const unclear = done.timeline.some((one) => one.step === 'unclear' && one.code === 'WRITE_UNANSWERED');
    expect(unclear, 'it should have been unclear after the lost answer');
    const sent = (await this.#at.operations('ITI-41')) - writes;
    expect(done.attempts === 2 && sent === 2, `it should be sent twice, not ${done.attempts} times (${sent} arrived)`);
    const [stored, ...more] = await this.#at.copies(kvnr, document);
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
}
