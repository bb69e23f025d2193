// Turns journal entries of the simulator into judged messages: every request the gateway sent and every answer and fault the
// simulator gave, each beside the official file that judged it.

import type { JournalEntry } from '../../connector-sim/journal.ts';
import { inlineXop, isMultipart, readMtom } from '../../wire/mtom.ts';
import { readEnvelope } from '../../wire/soap.ts';
import type { OpenApiJudge } from './openapi.ts';
import type { XsdJudge } from './xsd.ts';

export type Judged = { side: 'gateway' | 'simulator'; kind: string; file: string; faults: string[] };

const BODY = "/*[local-name()='Envelope']/*[local-name()='Body']/*";
const FAULT_DETAIL =
  "/*[local-name()='Envelope']/*[local-name()='Body']/*[local-name()='Fault']/*[local-name()='detail' or local-name()='Detail']/*";
const EVT = 'http://ws.gematik.de/conn/EventService/v7.2';
const CARD = ['http://ws.gematik.de/conn/CardService/v8.1', 'http://ws.gematik.de/conn/CardService/v8.2'];
const CT = 'http://ws.gematik.de/conn/CardTerminalService/v1.1';
const CERT = 'http://ws.gematik.de/conn/CertificateService/v6.0';
/** Every operation of the Konnektor with the namespaces its messages may have. */
export const KONNEKTOR_OPERATIONS: Record<string, readonly string[]> = {
  GetCards: [EVT],
  GetCardTerminals: [EVT],
  GetResourceInformation: [EVT],
  Subscribe: [EVT],
  RenewSubscriptions: [EVT],
  Unsubscribe: [EVT],
  GetSubscription: [EVT],
  GetPinStatus: CARD,
  VerifyPin: CARD,
  ChangePin: CARD,
  UnblockPin: CARD,
  RequestCard: [CT],
  EjectCard: [CT],
  ReadCardCertificate: [CERT],
  CheckCertificateExpiration: [CERT],
  VerifyCertificate: [CERT],
  ExternalAuthenticate: ['http://ws.gematik.de/conn/SignatureService/v7.4'],
};
const WSA = 'http://www.w3.org/2005/08/addressing';
const ITI_41 = 'urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b';

function headersOf(message: { headers: [string, string][] }): Map<string, string> {
  return new Map(message.headers.map(([name, text]) => [name.toLowerCase(), text]));
}
const bytesOf = (message: { body: string }): Uint8Array => Buffer.from(message.body, 'base64');

/** One SOAP message of the Konnektor: envelope, transport headers, and its payload by the official XSD. */
function judgeKonnektorSoap(entry: JournalEntry, xsd: XsdJudge): Judged[] {
  const judged: Judged[] = [];
  const headers = headersOf(entry.request);
  const payload = xsd.extract(bytesOf(entry.request), BODY) ?? '<none/>';
  const request = xsd.judge(payload);
  const faults = [...request.faults];
  if (readEnvelope(bytesOf(entry.request)).version !== '1.1') faults.push('the Konnektor speaks SOAP 1.1');
  if (!/^text\/xml; *charset=utf-8$/i.test(headers.get('content-type') ?? ''))
    faults.push('Content-Type must be text/xml; charset=utf-8');
  const namespace = readEnvelope(bytesOf(entry.request)).body?.ns ?? '';
  if (KONNEKTOR_OPERATIONS[entry.operation]?.includes(namespace) !== true) faults.push(`not a namespace: ${namespace}`);
  if (headers.get('soapaction') !== `"${namespace}#${entry.operation}"`)
    faults.push(`SOAPAction must be "${namespace}#${entry.operation}"`);
  judged.push({ side: 'gateway', kind: `${entry.operation} request`, file: request.file, faults });
  if (entry.response === null) return judged;
  const answer = bytesOf(entry.response);
  const detail = xsd.extract(answer, FAULT_DETAIL);
  const response = xsd.judge(detail ?? xsd.extract(answer, BODY) ?? '<none/>');
  const answerFaults = [...response.faults];
  if (readEnvelope(answer).version !== '1.1') answerFaults.push('the Konnektor answers SOAP 1.1');
  judged.push({
    side: 'simulator',
    kind: detail === undefined ? `${entry.operation} answer` : 'Konnektor fault',
    file: response.file,
    faults: answerFaults,
  });
  return judged;
}

/** The xop root with its parts inlined, or the plain body. */
async function soapOf(headers: Map<string, string>, body: Uint8Array): Promise<string | Uint8Array> {
  const contentType = headers.get('content-type') ?? '';
  if (!isMultipart(contentType)) return body;
  const message = await readMtom(contentType, body);
  return inlineXop(message.root, message.parts);
}

async function judgeIti41(entry: JournalEntry, xsd: XsdJudge): Promise<Judged[]> {
  const headers = headersOf(entry.request);
  const soap = await soapOf(headers, bytesOf(entry.request));
  const request = xsd.judge(xsd.extract(soap, BODY) ?? '<none/>');
  const faults = [...request.faults];
  const envelope = readEnvelope(soap);
  const addressing = new Map(envelope.header.filter((one) => one.ns === WSA).map((one) => [one.name, one.text.trim()]));
  if (!isMultipart(headers.get('content-type') ?? '')) faults.push('MTOM is mandatory (A_14418)');
  if (envelope.version !== '1.2') faults.push('ITI-41 is SOAP 1.2');
  if (addressing.get('Action') !== ITI_41) faults.push('wsa:Action must name ITI-41');
  for (const name of ['MessageID', 'To', 'ReplyTo']) if (!addressing.has(name)) faults.push(`wsa:${name} is missing`);
  const replaces = /AssociationType:RPLC/.test(String(soap));
  const judged: Judged[] = [
    { side: 'gateway', kind: replaces ? 'ITI-41 request with RPLC' : 'ITI-41 request', file: request.file, faults },
  ];
  if (entry.response === null) return judged;
  const answer = await soapOf(headersOf(entry.response), bytesOf(entry.response));
  const body = xsd.extract(answer, BODY) ?? '<none/>';
  const response = xsd.judge(body);
  const answerFaults = [...response.faults];
  const back = readEnvelope(answer);
  if (back.fault === undefined) {
    const relates = back.header.find((one) => one.ns === WSA && one.name === 'RelatesTo');
    if (relates?.text.trim() !== addressing.get('MessageID')) answerFaults.push('wsa:RelatesTo must name the request');
  }
  const kind = /ResponseStatusType:Success/.test(body) ? 'registry response, success' : 'registry response, failure';
  judged.push({ side: 'simulator', kind, file: response.file, faults: answerFaults });
  return judged;
}

/** Every message of one entry, judged; entries no official file describes (VAU, IDP, OCSP) give nothing. */
export async function judgeEntry(entry: JournalEntry, xsd: XsdJudge, openapi: OpenApiJudge): Promise<Judged[]> {
  if (entry.service === 'konnektor') {
    if (entry.operation in KONNEKTOR_OPERATIONS) return judgeKonnektorSoap(entry, xsd);
    if (entry.operation !== 'connector.sds' || entry.response === null) return [];
    const { file, faults } = xsd.judge(bytesOf(entry.response));
    return [{ side: 'simulator', kind: 'connector.sds', file, faults }];
  }
  if (entry.service === 'cetp') {
    const { file, faults } = xsd.judge(bytesOf(entry.request));
    return [{ side: 'simulator', kind: 'CETP event', file, faults }];
  }
  if (entry.operation === 'ITI-41') return judgeIti41(entry, xsd);
  if (entry.response === null) return [];
  const result = openapi.judge({
    method: entry.request.method,
    path: entry.request.path.split('?')[0] ?? '',
    requestHeaders: headersOf(entry.request),
    requestBody: bytesOf(entry.request),
    status: entry.response.status,
    responseHeaders: headersOf(entry.response),
    responseBody: bytesOf(entry.response),
  });
  if (result === undefined) return [];
  // A request that the other side calls malformed is wrong on purpose.
  const malformed = entry.response.status === 400;
  const own = result.faults.filter((fault) => fault.startsWith('request'));
  return [
    ...(malformed
      ? []
      : [{ side: 'gateway' as const, kind: `${result.operation} request`, file: result.file, faults: own }]),
    {
      side: 'simulator',
      kind: `${result.operation} answer ${entry.response.status}`,
      file: result.file,
      faults: result.faults.filter((fault) => !own.includes(fault)),
    },
  ];
}
