// What the inner answer to ITI-41 proves (ebRS 3.0 RegistryResponse; epa-record-system.md 4.5, export-flow.md 5.7). Only an
// answer that came out of the VAU's own frame is read here; whatever is missing in it counts as unknown, never as a no.
//
// | inner answer                                                   | stored? | what it becomes                              |
// |----------------------------------------------------------------|---------|----------------------------------------------|
// | 200 RegistryResponse Success                                   | yes     | stored                                       |
// | 200 RegistryResponse Failure, whatever its errors              | no      | registry-error                               |
// | 200 PartialSuccess, warnings only: the one document is in      | yes     | stored                                       |
// | 200 PartialSuccess with an error that names our uniqueId       | no      | registry-error                               |
// | 200 PartialSuccess otherwise                                   | unknown | no-answer                                    |
// | SOAP fault Sender, VersionMismatch, MustUnderstand             | no      | registry-error, `rejected` unless text says  |
// | SOAP fault Receiver (may fail after storing)                   | unknown | no-answer                                    |
// | 401, 403 invalAuth: authorisation comes first                  | no      | SESSION_LOST (session.ts)                    |
// | 403 notEntitled                                                | no      | registry-error `not-entitled`                |
// | 404 noHealthRecord, 409 statusMismatch: no such record here    | no      | RECORD_NOT_FOUND, RECORD_SUSPENDED (thrown)  |
// | 429                                                            | no      | RECORD_BUSY (thrown)                         |
// | other 4xx: the request was not taken (408 may have been)       | no      | registry-error `rejected`                    |
// | 408, 5xx (a proxy or a failure after storing), 1xx–3xx         | unknown | no-answer                                    |
// | unreadable, truncated, RelatesTo of another message            | unknown | no-answer                                    |
import { WireError } from '../../wire/error.ts';
import { type HttpResponse, header } from '../../wire/http-message.ts';
import { isMultipart, readMtom } from '../../wire/mtom.ts';
import { readEnvelope, type SoapFault, type SoapMessage } from '../../wire/soap.ts';
import { child, childrenOf, type XmlElement } from '../../wire/xml.ts';
import { type Foreign, GatewayError } from '../errors.ts';
import { foreignOf } from './outside.ts';
import { MEANING_BY_CODE, MEANING_BY_TEXT, MEANING_ORDER, type RegistryMeaning } from './tables/registry-errors.ts';
import { ITI41, NS, RESPONSE_STATUS } from './tables/xds.ts';

export type WriteOutcome =
  | { kind: 'stored' }
  | { kind: 'registry-error'; errorCode: string; codeContext: string; meaning: RegistryMeaning }
  | { kind: 'no-answer'; error: GatewayError };

/** `messageId` of the request, `uniqueId` of its one document. */
export type Asked = { messageId: string; uniqueId: string };

/** Throws GatewayError SESSION_LOST, RECORD_NOT_FOUND, RECORD_SUSPENDED, RECORD_BUSY where surely nothing was stored. */
export async function readWriteAnswer(answer: HttpResponse, asked: Asked): Promise<WriteOutcome> {
  const message = await soapMessage(answer);
  if (message?.fault !== undefined) return ofFault(message.fault, answer.status);
  if (answer.status !== 200) return ofStatus(answer);
  if (message === undefined) return unknown('iti41.unreadable', { status: 200 });
  const { body } = message;
  if (!answersUs(message, asked.messageId)) return unknown('iti41.relates-to', { status: 200 });
  if (body === undefined || body.ns !== NS.rs || body.name !== 'RegistryResponse')
    return unknown('iti41.unreadable', { status: 200 });
  return ofRegistryResponse(body, asked.uniqueId);
}

function ofRegistryResponse(response: XmlElement, uniqueId: string): WriteOutcome {
  const said = errorsOf(response);
  const errors = said.filter((error) => !error.warning);
  switch (response.attributes.get('status')) {
    case RESPONSE_STATUS.success:
      return { kind: 'stored' };
    case RESPONSE_STATUS.failure:
      return mostTelling(errors.length > 0 ? errors : said);
    case RESPONSE_STATUS.partialSuccess: {
      if (said.length > 0 && errors.length === 0) return { kind: 'stored' };
      const ours = errors.filter((error) => error.codeContext.includes(uniqueId));
      if (ours.length > 0) return mostTelling(ours);
      return unknown('iti41.partial-success', {
        status: 200,
        code: errors[0]?.errorCode,
        text: errors[0]?.codeContext,
      });
    }
    default:
      return unknown('iti41.status', { status: 200 });
  }
}

type RegistryError = { errorCode: string; codeContext: string; warning: boolean };

function errorsOf(response: XmlElement): RegistryError[] {
  const list = child(response, NS.rs, 'RegistryErrorList');
  return (list === undefined ? [] : childrenOf(list, NS.rs, 'RegistryError')).map(({ attributes, text }) => ({
    errorCode: attributes.get('errorCode') ?? '',
    // The text content is where ebRS puts what does not fit into the attribute.
    codeContext: [attributes.get('codeContext') ?? '', text.trim()].filter((part) => part !== '').join(' '),
    warning: /:Warning$/.test(attributes.get('severity') ?? ''),
  }));
}

function mostTelling(errors: readonly RegistryError[]): WriteOutcome {
  const ranked = errors
    .map(({ errorCode, codeContext }) => ({ errorCode, codeContext, meaning: meaningOf(errorCode, codeContext) }))
    .sort((a, b) => MEANING_ORDER.indexOf(a.meaning) - MEANING_ORDER.indexOf(b.meaning));
  const [first = { errorCode: '', codeContext: '', meaning: 'rejected' as const }] = ranked;
  return { kind: 'registry-error', ...first };
}

function meaningOf(errorCode: string, codeContext: string): RegistryMeaning {
  const byCode = Object.hasOwn(MEANING_BY_CODE, errorCode) ? MEANING_BY_CODE[errorCode] : undefined;
  // These codes say it themselves; texts are free and may mention anything.
  if (byCode !== undefined && byCode !== 'busy') return byCode;
  const byText = MEANING_BY_TEXT.find(([pattern]) => pattern.test(`${errorCode} ${codeContext}`));
  return byText?.[1] ?? byCode ?? 'rejected';
}

function ofFault(fault: SoapFault, status: number): WriteOutcome {
  const code = fault.subcodes.at(-1) ?? fault.code;
  if (!['Sender', 'Client', 'VersionMismatch', 'MustUnderstand'].includes(fault.code))
    return unknown('iti41.fault', { status, code, text: fault.reason });
  return { kind: 'registry-error', errorCode: code, codeContext: fault.reason, meaning: meaningOf(code, fault.reason) };
}

function ofStatus(answer: HttpResponse): WriteOutcome {
  const foreign = foreignOf(answer);
  const { code = `HTTP ${answer.status}`, text = '' } = foreign;
  const refused = (as: 'SESSION_LOST' | 'RECORD_NOT_FOUND' | 'RECORD_SUSPENDED' | 'RECORD_BUSY', why: string) =>
    new GatewayError(as, why, { foreign });
  if (answer.status === 404 && code === 'noHealthRecord') throw refused('RECORD_NOT_FOUND', 'the record is not here');
  if (answer.status === 409 && code === 'statusMismatch') throw refused('RECORD_SUSPENDED', 'the record is suspended');
  if (answer.status === 429) throw refused('RECORD_BUSY', 'the record system takes no more requests now');
  if (answer.status < 400 || answer.status >= 500 || answer.status === 408) return unknown('iti41.http', foreign);
  return { kind: 'registry-error', errorCode: code, codeContext: text, meaning: meaningOf(code, text) };
}

/** The envelope, plain or as root of a multipart message; undefined where there is none that can be read. */
async function soapMessage({ headers, body }: HttpResponse): Promise<SoapMessage | undefined> {
  const contentType = header(headers, 'content-type') ?? '';
  try {
    return readEnvelope(isMultipart(contentType) ? (await readMtom(contentType, body)).root : body);
  } catch (thrown) {
    if (thrown instanceof WireError) return undefined;
    throw thrown;
  }
}

/** Frame and counter bind the answer to our request already; a RelatesTo or Action that is there must agree. */
function answersUs(message: SoapMessage, messageId: string): boolean {
  const block = (name: string) => message.header.find((h) => h.ns === NS.wsa && h.name === name)?.text.trim();
  return (
    (block('RelatesTo') ?? messageId) === messageId &&
    (block('Action') ?? ITI41.responseAction) === ITI41.responseAction
  );
}

function unknown(check: string, foreign: Foreign): WriteOutcome {
  const error = new GatewayError('WRITE_UNANSWERED', 'the answer to ITI-41 proves nothing', { check, foreign });
  return { kind: 'no-answer', error };
}
