// I_Document_Management of a simulated record system (epa-record-system.md 4): ITI-41 with the checks of 4.7 in their order,
// and the refusal of everything an oid_diga may not do (EXP-02). Faults at `xds.iti41`: docs/faults.md.
import { type HttpRequest, header } from '../../wire/http-message.ts';
import { type HttpAnswer, jsonAnswer } from '../http-server.ts';
import { underFault } from '../network-faults.ts';
import type { SimParts } from '../parts.ts';
import type { RecordSystemId, SimRecord } from '../records.ts';
import { NS } from '../tables/ebrim.ts';
import { OID_DIGA } from '../tables/roles.ts';
import type { User, UserSession } from './authz.ts';
import { schemaViolation } from './ebrim-schema.ts';
import { recordRefusal } from './record-status.ts';
import { ACTIONS, type AnswerForm, faultAnswer, type Operation, registryAnswer } from './xds-answer.ts';
import { authorRefusal, codeRefusal, timeRefusal } from './xds-entry-rules.ts';
import { readDocuments, readXdsMessage, SoapRefusal, type SubmittedDocument, type XdsMessage } from './xds-message.ts';
import { readSubmission, type Submission } from './xds-read.ts';
import { folderRefusal, identifierRefusal, patientRefusal, type Refusal, structureRefusal } from './xds-rules.ts';
import { type Candidate, candidatesOf, REQUEST_LIMIT, storeCandidate, storeRefusal } from './xds-store.ts';

export const DOCUMENT_PATH = '/epa/xds-document/api/I_Document_Management';

/** Rules stricter than record systems were seen to be; without `strict` they are not applied (TST-03). */
export const DOCUMENT_LENIENCIES = [
  'xds.codes',
  'xds.category',
  'xds.mime-type',
  'xds.metadata',
  'xds.time',
  'xds.folder',
  'xds.author',
];

export type Documents = {
  /** Answers one inner POST to I_Document_Management. `user` undefined = not logged in. */
  handle(request: HttpRequest, user: User | undefined, session: UserSession): Promise<HttpAnswer>;
};

export function createDocuments(parts: SimParts & { id: RecordSystemId }): Documents {
  const { world, faults, id, strict } = parts;

  async function handle(request: HttpRequest, user: User | undefined, session: UserSession): Promise<HttpAnswer> {
    const kvnr = header(request.headers, 'x-insurantid') ?? '';
    let operation: Operation = 'ITI-41';
    try {
      const message = await readXdsMessage(request);
      const named = ACTIONS.get(message.action);
      if (named === undefined) throw new SoapRefusal('xds.action', 'The action cannot be processed at the receiver');
      operation = named;
      if (operation !== 'ITI-41') return { ...(await forbidden(operation, message, user, kvnr)), operation };
      const fault = faults.take('xds.iti41', { recordSystem: id, kvnr });
      const answered = await underFault(fault, operation, async () => {
        if (fault?.kind === 'soap-fault')
          return faultAnswer({
            code: fault.params?.code === 'Client' ? 'Client' : 'Server',
            message: String(fault.params?.text ?? 'simulated'),
            rule: 'fault',
          });
        if (fault?.kind === 'registry-error') {
          const error = {
            code: String(fault.params?.code ?? 'XDSRepositoryError'),
            text: String(fault.params?.text ?? 'simulated'),
          };
          return { ...(await registryAnswer(operation, [error], formOf(message))), rule: 'fault' };
        }
        return provideAndRegister(message, { user, session, kvnr });
      });
      return { ...answered, operation };
    } catch (error) {
      if (error instanceof SoapRefusal) return { ...faultAnswer(error), operation };
      throw error;
    }
  }

  function formOf(message: XdsMessage): AnswerForm {
    const { answerForm, foreignHeaders } = world.profileOf(id);
    return {
      form: answerForm,
      action: message.action,
      messageId: message.messageId,
      foreignHeaders,
    };
  }

  async function provideAndRegister(
    message: XdsMessage,
    o: { user: User | undefined; session: UserSession; kvnr: string },
  ): Promise<HttpAnswer> {
    const { user, kvnr } = o;
    if (user === undefined) return jsonAnswer(403, { errorCode: 'invalAuth' }, { rule: 'xds.session' }); // no 1
    if (user.professionOid !== OID_DIGA) return jsonAnswer(403, { errorCode: 'invalAuth' }, { rule: 'xds.role' });
    const status = recordRefusal(world.records, id, kvnr); // no 2
    if ('answer' in status) return status.answer;
    const { record } = status;
    const notEntitled = entitlementRefusal(record, user, o.session);
    const refused = notEntitled === null ? submit(message, record, user) : [notEntitled];
    const answer = await registryAnswer('ITI-41', refused, formOf(message));
    return { ...answer, rule: refused[0]?.rule ?? null };
  }

  /** No 3. A session may keep the view it had of the record when it first touched it (EXP-24, D11). */
  function entitlementRefusal(record: SimRecord, user: User, session: UserSession): Refusal | null {
    const entitled = record.entitled.has(user.telematikId);
    const atFirst = session.contexts.get(record.kvnr) ?? entitled;
    session.contexts.set(record.kvnr, atFirst);
    if (!entitled || (!atFirst && world.choices.newEntitlement === 'new-session'))
      return { rule: 'xds.entitlement', code: 'NotEntitled', text: world.profileOf(id).wording.notEntitled };
    if (record.hidden && world.choices.hiddenWrite === 'reject')
      return { rule: 'xds.hidden', code: 'AccessDenied', text: 'the category is hidden' };
    return null;
  }

  /** Nos 4 to 14; stores only when every check has passed. */
  function submit(message: XdsMessage, record: SimRecord, user: User): Refusal[] {
    if (message.body.ns !== NS.xds || message.body.name !== 'ProvideAndRegisterDocumentSetRequest')
      throw new SoapRefusal('xds.message', 'Body does not fit the action');
    const documents = readDocuments(message);
    const violation = schemaViolation(message.body);
    const submitElement = message.body.children[0];
    if (violation !== null || submitElement === undefined)
      return [metadata('xds.schema', violation ?? 'empty request')];
    if (message.homeCommunityBlock)
      return [metadata('xds.home-community', 'homeCommunityBlock does not belong into an ePA 3 message')];
    const submission = readSubmission(submitElement);
    const at = new Date(world.now());
    const whole = wholeRefusal(submission, documents, record);
    if (whole !== null) return [whole];
    const candidates = candidatesOf(submission, documents);
    const refused = world.release().errorPerDocument
      ? eachRefused(submission, candidates, record, user, at)
      : firstRefused(submission, candidates, record, user, at);
    if (refused.length === 0) for (const candidate of candidates) storeCandidate({ record, candidate, user, at });
    return refused;
  }

  /** What is wrong with the submission as one thing. */
  function wholeRefusal(
    submission: Submission,
    documents: readonly SubmittedDocument[],
    record: SimRecord,
  ): Refusal | null {
    const ids = documents.map((document) => document.id);
    const total = documents.reduce((sum, document) => sum + document.bytes.length, 0);
    return (
      lenient(folderRefusal(submission)) ??
      structureRefusal(submission, ids) ??
      identifierRefusal(submission) ??
      patientRefusal(submission, record.kvnr) ??
      (total > REQUEST_LIMIT ? metadata('xds.size', 'request larger than 250 MB') : null)
    );
  }

  /** Codes, times and authors of these objects. */
  function valueRefusal(submission: Submission, user: User, now: Date): Refusal | null {
    return (
      lenient(codeRefusal(submission, now)) ??
      lenient(timeRefusal(submission, now)) ??
      lenient(authorRefusal(submission, user.telematikId))
    );
  }

  function recordRefusalOf(candidate: Candidate, record: SimRecord, user: User): Refusal | null {
    const manner = { ...world.profileOf(id), duplicateAnswer: world.choices.duplicateAnswer };
    return storeRefusal(record, candidate, user.telematikId, manner);
  }

  function firstRefused(...[submission, candidates, record, user, now]: Judged): Refusal[] {
    const values = valueRefusal(submission, user, now);
    if (values !== null) return [values];
    const found = candidates.map((one) => recordRefusalOf(one, record, user)).find((one) => one !== null);
    return found === undefined ? [] : [found];
  }

  /** From 3.1.3 on: an error for each faulty document, which it names. */
  function eachRefused(...[submission, candidates, record, user, now]: Judged): Refusal[] {
    const ofSet = valueRefusal({ ...submission, entries: [] }, user, now);
    const ofEach = candidates.map((candidate) => {
      const alone = { ...submission, sets: [], entries: [candidate.entry] };
      const found = valueRefusal(alone, user, now) ?? recordRefusalOf(candidate, record, user);
      return found === null ? null : { ...found, text: named(found.text, candidate.uniqueId) };
    });
    return [ofSet, ...ofEach].filter((one) => one !== null);
  }

  function lenient(refusal: Refusal | null): Refusal | null {
    return refusal !== null && !strict && DOCUMENT_LENIENCIES.includes(refusal.rule) ? null : refusal;
  }

  /** EXP-02: no reading, searching, deleting or changing of metadata for oid_diga (legal policy, row 8). */
  async function forbidden(
    operation: Operation,
    message: XdsMessage,
    user: User | undefined,
    kvnr: string,
  ): Promise<HttpAnswer> {
    if (user === undefined) return jsonAnswer(403, { errorCode: 'invalAuth' }, { rule: 'xds.session' });
    const status = recordRefusal(world.records, id, kvnr);
    if ('answer' in status) return status.answer;
    const error = { code: 'AccessDenied', text: `${operation} is not allowed to this role` };
    return { ...(await registryAnswer(operation, [error], formOf(message))), rule: 'xds.operation' };
  }

  return { handle };
}

type Judged = [submission: Submission, candidates: Candidate[], record: SimRecord, user: User, now: Date];

const metadata = (rule: string, text: string): Refusal => ({ rule, code: 'XDSRepositoryMetadataError', text });

function named(text: string, uniqueId: string): string {
  return text.includes(uniqueId) ? text : `${text} (${uniqueId})`;
}
