// Every answer to ITI-41 inside the frame (epa-record-system.md 4.5, export-flow.md 5.6–5.7) as test/tables/answers.ts has those
// of all other places: HTTP statuses, registry codes, SOAP faults, and answers that are none.
import { writeFault } from '../../wire/soap.ts';
import { error, PARTIAL, registry, STATUS, soap } from '../unit/gateway/record-system/registry-answers.ts';
import { type Answer, http, json, type Means } from './answers.ts';

/** `second`: the document replaces one. */
export type Iti41Row = { answer: Answer; means: Means; second?: true };

/** What the answer says is kept, and nothing else is said of HTTP: the registry is the one who speaks. */
const xds = (body: string, kept?: Answer['foreign']): Answer => ({
  ...http(200, 'application/soap+xml; charset=UTF-8', body),
  ...(kept === undefined ? { foreign: { status: 200 } } : { foreign: kept }),
});
const failure = (code: string, text: string): Answer =>
  xds(soap(registry(`${STATUS}Failure`, error(code, text)), []), { code, text });
const fault = (code: string, status: number, kept: object): Answer => ({
  // Whatever stack writes it: the code alone decides, not the status it comes with.
  ...http(status, 'application/soap+xml', envelope(code)),
  foreign: { code, text: 'no such luck', ...kept },
});
const envelope = (code: string) =>
  writeFault({ version: '1.2', code: 'Client', reason: 'no such luck' }).replace('soap:Sender', `soap:${code}`);

const refused = (answer: Answer): Iti41Row => ({ answer, means: { code: 'DOCUMENT_REJECTED' } });
const busy = (answer: Answer): Iti41Row => ({ answer, means: { code: 'RECORD_BUSY' } });
const unclear = (answer: Answer, check: string): Iti41Row => ({ answer, means: { code: 'WRITE_UNANSWERED', check } });
const lost = (answer: Answer): Iti41Row => ({ answer, means: { code: 'SESSION_LOST' } });
const written = (answer: Answer): Iti41Row => ({ answer, means: null });
const page = (status: number): Answer => http(status, 'text/html', '<html><body>a page</body></html>');
/** Without an errorCode the status is the code. */
const refusedPage = (status: number): Iti41Row =>
  refused({ ...page(status), foreign: { code: `HTTP ${status}`, text: '' } });
const refusedJson = (status: number, code: string): Iti41Row =>
  refused({ ...json(status, code), foreign: { code, text: `about ${code}` } });

export const HTTP_ROWS: Record<string, Iti41Row> = {
  '302': unclear(page(302), 'iti41.http'),
  '400 malformedRequest': refusedJson(400, 'malformedRequest'),
  'HTML 400': refusedPage(400),
  // Authorisation comes before all work (2.5).
  'HTML 401': lost(page(401)),
  '403 invalAuth': lost({ ...json(403, 'invalAuth'), foreign: { status: 403 } }),
  '403 notEntitled': {
    answer: { ...json(403, 'notEntitled'), foreign: { code: 'notEntitled', text: 'about notEntitled' } },
    means: { code: 'RECORD_NOT_ENTITLED' },
  },
  '403 invalidOid': refusedJson(403, 'invalidOid'),
  'HTML 403': refusedPage(403),
  '404 of another code': refusedJson(404, 'noResource'),
  'HTML 404': refusedPage(404),
  '408': unclear(page(408), 'iti41.http'),
  '409 statusMismatch': { answer: json(409, 'statusMismatch'), means: { code: 'RECORD_SUSPENDED' } },
  'HTML 409': refusedPage(409),
  'HTML 413': refusedPage(413),
  'HTML 415': refusedPage(415),
  'HTML 429': busy(page(429)),
  '500 internalError': unclear(json(500, 'internalError'), 'iti41.http'),
  'HTML 502': unclear(page(502), 'iti41.http'),
  'HTML 503': unclear(page(503), 'iti41.http'),
  'HTML 504': unclear(page(504), 'iti41.http'),
};

/** Codes of IHE ITI TF-3 table 4.2.4.1, of gematik, and of what was seen; the text decides where it says more. */
export const CODE_ROWS: Record<string, Iti41Row> = {
  NotEntitled: { answer: failure('NotEntitled', 'no entitlement'), means: { code: 'RECORD_NOT_ENTITLED' } },
  AccessDenied: refused(failure('AccessDenied', 'the category is hidden')),
  XDSDuplicateDocument: { answer: failure('XDSDuplicateDocument', 'known'), means: { code: 'DOCUMENT_DUPLICATE' } },
  XDSDuplicateUniqueIdInRegistry: {
    answer: failure('XDSDuplicateUniqueIdInRegistry', 'known'),
    means: { code: 'DOCUMENT_DUPLICATE' },
  },
  // Bytes and ids are fixed before 202: never the backend's fault.
  XDSNonIdenticalHash: { answer: failure('XDSNonIdenticalHash', 'other bytes'), means: { code: 'INTERNAL' } },
  XDSRepositoryMetadataError: refused(failure('XDSRepositoryMetadataError', 'typeCode')),
  XDSRegistryMetadataError: refused(failure('XDSRegistryMetadataError', 'typeCode')),
  XDSPatientIdDoesNotMatch: refused(failure('XDSPatientIdDoesNotMatch', 'patientId')),
  XDSUnknownPatientId: refused(failure('XDSUnknownPatientId', 'patientId')),
  XDSMissingDocument: refused(failure('XDSMissingDocument', 'no part')),
  XDSMissingDocumentMetadata: refused(failure('XDSMissingDocumentMetadata', 'no entry')),
  XDSReplaceFailed: refused(failure('XDSReplaceFailed', 'not possible')),
  XDSRegistryDuplicateUniqueIdInMessage: refused(failure('XDSRegistryDuplicateUniqueIdInMessage', 'twice')),
  XDSRepositoryDuplicateUniqueIdInMessage: refused(failure('XDSRepositoryDuplicateUniqueIdInMessage', 'twice')),
  XDSFutureMetadata: refused(failure('XDSFutureMetadata', 'creationTime')),
  XDSUnknownRepositoryId: refused(failure('XDSUnknownRepositoryId', 'repositoryUniqueId')),
  XDSRegistryError: busy(failure('XDSRegistryError', 'internal')),
  XDSRepositoryError: busy(failure('XDSRepositoryError', 'internal')),
  XDSRegistryBusy: busy(failure('XDSRegistryBusy', 'later')),
  XDSRepositoryBusy: busy(failure('XDSRepositoryBusy', 'later')),
  XDSRegistryNotAvailable: busy(failure('XDSRegistryNotAvailable', 'later')),
  XDSRegistryOutOfResources: busy(failure('XDSRegistryOutOfResources', 'later')),
  XDSRepositoryOutOfResources: busy(failure('XDSRepositoryOutOfResources', 'later')),
  notEntitled: { answer: failure('notEntitled', 'spelt as in JSON'), means: { code: 'RECORD_NOT_ENTITLED' } },
  XDSMadeUp: refused(failure('XDSMadeUp', 'a code of a later release')),
};

const deleted = failure('XDSRepositoryError', 'Invalid target ID in urn:ihe:iti:2007:AssociationType:RPLC association');
const replaced = failure('XDSReplaceFailed', 'Only an approved DocumentEntry can be target of an RPLC');
const deprecated = failure('XDSRegistryError', 'the replaced entry is Deprecated');

/** What vendors say under whatever code; each pattern of MEANING_BY_TEXT has one. */
export const TEXT_ROWS: Record<string, Iti41Row> = {
  'Telematik-ID does not match': {
    answer: failure('XDSRegistryMetadataError', 'Telematik-ID 9-1 of author does not match'),
    means: { code: 'SMCB_WRONG_ROLE' },
  },
  'target unknown, nothing replaced': refused(deleted),
  'target unknown': { answer: deleted, means: { code: 'TARGET_GONE' }, second: true },
  'target not approved, nothing replaced': refused(replaced),
  'target not approved': { answer: replaced, means: { code: 'TARGET_STALE' }, second: true },
  'target deprecated': { answer: deprecated, means: { code: 'TARGET_STALE' }, second: true },
};

const success = registry(`${STATUS}Success`);
const bare = (body: string): string => soap(body, []);

/** Messages: SOAP faults by all codes of SOAP 1.2, several errors, warnings, and what cannot be read. */
export const MESSAGE_ROWS: Record<string, Iti41Row> = {
  'fault Sender': refused(fault('Sender', 400, {})),
  'fault VersionMismatch': refused(fault('VersionMismatch', 500, {})),
  'fault MustUnderstand': refused(fault('MustUnderstand', 500, {})),
  // May fail after storing.
  'fault Receiver': unclear(fault('Receiver', 500, { status: 500 }), 'iti41.fault'),
  'fault Receiver with 200': unclear(fault('Receiver', 200, { status: 200 }), 'iti41.fault'),
  'fault DataEncodingUnknown': unclear(fault('DataEncodingUnknown', 500, { status: 500 }), 'iti41.fault'),
  'two errors, the second decides': {
    answer: xds(bare(registry(`${STATUS}Failure`, error('XDSRegistryBusy', 'a'), error('NotEntitled', 'b'))), {
      code: 'NotEntitled',
      text: 'b',
    }),
    means: { code: 'RECORD_NOT_ENTITLED' },
  },
  'an error and a warning that says more': refused(
    xds(bare(registry(`${STATUS}Failure`, error('NotEntitled', 'a', 'Warning'), error('XDSMissingDocument', 'b'))), {
      code: 'XDSMissingDocument',
      text: 'b',
    }),
  ),
  'Failure without errors': refused(xds(bare(registry(`${STATUS}Failure`)), { code: '', text: '' })),
  Success: written(xds(bare(success))),
  'Success with a warning': written(
    xds(bare(registry(`${STATUS}Success`, error('XDSExtraMetadataNotSaved', '', 'Warning')))),
  ),
  'PartialSuccess with warnings': written(xds(bare(registry(PARTIAL, error('x', '', 'Warning'))))),
  'PartialSuccess with an error of who knows what': unclear(
    xds(bare(registry(PARTIAL, error('XDSRegistryBusy', 'something'))), {
      status: 200,
      code: 'XDSRegistryBusy',
      text: 'something',
    }),
    'iti41.partial-success',
  ),
  'a status nobody knows': unclear(xds(bare(registry(`${STATUS}Maybe`))), 'iti41.status'),
  'the answer to another message': unclear(xds(soap(success)), 'iti41.relates-to'),
  'another element': unclear(xds(bare('<x/>')), 'iti41.unreadable'),
  'half an envelope': unclear(xds(bare(success).slice(0, -20)), 'iti41.unreadable'),
  nothing: unclear(xds(''), 'iti41.unreadable'),
  'a page with 200': unclear(page(200), 'iti41.unreadable'),
  'Success with 202': unclear({ ...http(202, 'application/soap+xml', bare(success)) }, 'iti41.http'),
  'Success with 500': unclear({ ...http(500, 'application/soap+xml', bare(success)) }, 'iti41.http'),
};
