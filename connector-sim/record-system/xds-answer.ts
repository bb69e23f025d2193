// What I_Document_Management answers (epa-record-system.md 4.1, 4.5): registry responses, refusals of what a DiGA may not do
// (EXP-02) and SOAP faults, as plain SOAP or as multipart, one vendor with more headers than needed.
import { randomUUID } from 'node:crypto';
import { writeMtom } from '../../wire/mtom.ts';
import { writeEnvelope, writeFault } from '../../wire/soap.ts';
import { type Markup, xml } from '../../wire/xml.ts';
import type { HttpAnswer } from '../http-server.ts';
import { NS } from '../tables/ebrim.ts';
import type { SoapRefusal } from './xds-message.ts';

export type RegistryError = { code: string; text: string };
export type Operation = 'ITI-41' | 'ITI-18' | 'ITI-43' | 'ITI-62' | 'ITI-92';

/** wsa:Action of each request, and what names the answer. */
export const ACTIONS: ReadonlyMap<string, Operation> = new Map([
  ['urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b', 'ITI-41'],
  ['urn:ihe:iti:2007:RegistryStoredQuery', 'ITI-18'],
  ['urn:ihe:iti:2007:RetrieveDocumentSet', 'ITI-43'],
  ['urn:ihe:iti:2010:DeleteDocumentSet', 'ITI-62'],
  ['urn:ihe:iti:2018:RestrictedUpdateDocumentSet', 'ITI-92'],
]);

const STATUS = 'urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:';
const SEVERITY = 'urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error';

export type AnswerForm = { form: 'soap' | 'multipart'; action: string; messageId: string; foreignHeaders: boolean };

/** No error = Success. Registry failures come with HTTP 200. */
export async function registryAnswer(
  operation: Operation,
  errors: readonly RegistryError[],
  o: AnswerForm,
): Promise<HttpAnswer> {
  const action = `${o.action}Response`;
  const wsa = { 'xmlns:wsa': NS.wsa };
  const header = [
    xml('wsa:Action', wsa, action),
    xml('wsa:RelatesTo', wsa, o.messageId),
    xml('wsa:To', wsa, `${NS.wsa}/anonymous`),
  ];
  if (o.foreignHeaders) {
    const must = { 'soap:mustUnderstand': 'true' };
    header.push(xml('wsa:MessageID', { ...wsa, ...must }, `urn:uuid:${randomUUID()}`));
    header.push(xml('vendor:Instance', { 'xmlns:vendor': 'urn:sim:vendor', ...must }, 'TEST-ONLY'));
  }
  const envelope = writeEnvelope({ version: '1.2', header, body: responseBody(operation, errors) });
  if (o.form === 'soap') {
    return { status: 200, headers: [['Content-Type', 'application/soap+xml; charset=UTF-8']], body: envelope };
  }
  const rootContentId = `root.${randomUUID()}@record-system`;
  const message = writeMtom({ root: envelope, action, boundary: `uuid:${randomUUID()}`, rootContentId, parts: [] });
  return {
    status: 200,
    headers: [['Content-Type', message.contentType]],
    body: Buffer.concat(await Array.fromAsync(message.body)),
  };
}

function responseBody(operation: Operation, errors: readonly RegistryError[]): Markup {
  if (operation === 'ITI-18') {
    const names = { 'xmlns:query': NS.query, 'xmlns:rs': NS.rs, 'xmlns:rim': NS.rim, status: statusOf(errors) };
    return xml('query:AdhocQueryResponse', names, errorList(errors), xml('rim:RegistryObjectList'));
  }
  const response = xml('rs:RegistryResponse', { 'xmlns:rs': NS.rs, status: statusOf(errors) }, errorList(errors));
  return operation === 'ITI-43' ? xml('xds:RetrieveDocumentSetResponse', { 'xmlns:xds': NS.xds }, response) : response;
}

function statusOf(errors: readonly RegistryError[]): string {
  return `${STATUS}${errors.length === 0 ? 'Success' : 'Failure'}`;
}

function errorList(errors: readonly RegistryError[]): Markup | undefined {
  if (errors.length === 0) return undefined;
  const each = errors.map(({ code: errorCode, text: codeContext }) =>
    xml('rs:RegistryError', { errorCode, codeContext, severity: SEVERITY, location: '' }),
  );
  return xml('rs:RegistryErrorList', { highestSeverity: SEVERITY }, ...each);
}

/** SOAP 1.2 fault with the HTTP status of its binding: 400 for the sender's fault, 500 for the receiver's. */
export function faultAnswer(refusal: Pick<SoapRefusal, 'code' | 'message' | 'rule'>): HttpAnswer {
  const body = writeFault({ version: '1.2', code: refusal.code, reason: refusal.message });
  return {
    status: refusal.code === 'Client' ? 400 : 500,
    headers: [['Content-Type', 'application/soap+xml; charset=UTF-8']],
    body,
    rule: refusal.rule,
  };
}
