// Answers to ITI-41 as a record system writes them (ebRS 3.0), for the tests that read them.
import type { HttpResponse } from '../../../../wire/http-message.ts';
import { writeEnvelope } from '../../../../wire/soap.ts';
import { raw } from '../../../../wire/xml.ts';

export const UNIQUE_ID = '2.25.48963580284622215826';
export const MESSAGE_ID = 'urn:uuid:a0e9532b-d6ae-4f9f-ab9a-79db63742e8a';
export const ACTION = 'urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b';
export const RS = 'urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0';
export const STATUS = 'urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:';
export const PARTIAL = 'urn:ihe:iti:2007:ResponseStatusType:PartialSuccess';

export const response = (
  status: number,
  body: string | Uint8Array,
  contentType = 'application/soap+xml; charset=UTF-8',
): HttpResponse => ({
  status,
  reason: '',
  headers: [['content-type', contentType]],
  body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
});
export const addressing = (o: { relatesTo?: string; action?: string } = {}) => [
  raw(`<a:Action xmlns:a="http://www.w3.org/2005/08/addressing">${o.action ?? `${ACTION}Response`}</a:Action>`),
  raw(`<a:RelatesTo xmlns:a="http://www.w3.org/2005/08/addressing">${o.relatesTo ?? MESSAGE_ID}</a:RelatesTo>`),
];
export const soap = (body: string, header = addressing()) => writeEnvelope({ version: '1.2', header, body: raw(body) });
export const error = (code: string, context = '', severity = 'Error') =>
  `<r:RegistryError errorCode="${code}" codeContext="${context}" severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:${severity}"/>`;
export const registry = (status: string, ...errors: string[]) =>
  `<r:RegistryResponse xmlns:r="${RS}" status="${status}">${errors.length > 0 ? `<r:RegistryErrorList>${errors.join('')}</r:RegistryErrorList>` : ''}</r:RegistryResponse>`;
export const failure = (...errors: string[]) => response(200, soap(registry(`${STATUS}Failure`, ...errors)));
export const json = (status: number, errorCode?: string) =>
  response(status, JSON.stringify(errorCode === undefined ? {} : { errorCode, errorDetail: 'd' }), 'application/json');
