// Writing a document (export-flow.md 5, epa-record-system.md 4.5): what goes out, and the table of registry-response.ts line
// by line: which answers prove that it is stored, which prove that it is not, and which prove nothing.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { type WriteOrder, writeDocument } from '../../../../gateway/record-system/documents.ts';
import { readWriteAnswer } from '../../../../gateway/record-system/registry-response.ts';
import type { InnerRequest } from '../../../../gateway/record-system/session.ts';
import { type HttpResponse, header } from '../../../../wire/http-message.ts';
import { readMtom, writeMtom } from '../../../../wire/mtom.ts';
import { readEnvelope, writeEnvelope, writeFault } from '../../../../wire/soap.ts';
import { raw } from '../../../../wire/xml.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';
import { errorOf } from './peers.ts';

const KVNR = 'X110425360';
const UNIQUE_ID = '2.25.48963580284622215826';
const MESSAGE_ID = 'urn:uuid:a0e9532b-d6ae-4f9f-ab9a-79db63742e8a';
const ACTION = 'urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b';
const RS = 'urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0';
const STATUS = 'urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:';
const PARTIAL = 'urn:ihe:iti:2007:ResponseStatusType:PartialSuccess';

const response = (
  status: number,
  body: string | Uint8Array,
  contentType = 'application/soap+xml; charset=UTF-8',
): HttpResponse => ({
  status,
  reason: '',
  headers: [['content-type', contentType]],
  body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
});
const addressing = (o: { relatesTo?: string; action?: string } = {}) => [
  raw(`<a:Action xmlns:a="http://www.w3.org/2005/08/addressing">${o.action ?? `${ACTION}Response`}</a:Action>`),
  raw(`<a:RelatesTo xmlns:a="http://www.w3.org/2005/08/addressing">${o.relatesTo ?? MESSAGE_ID}</a:RelatesTo>`),
];
const soap = (body: string, header = addressing()) => writeEnvelope({ version: '1.2', header, body: raw(body) });
const error = (code: string, context = '', severity = 'Error') =>
  `<r:RegistryError errorCode="${code}" codeContext="${context}" severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:${severity}"/>`;
const registry = (status: string, ...errors: string[]) =>
  `<r:RegistryResponse xmlns:r="${RS}" status="${status}">${errors.length > 0 ? `<r:RegistryErrorList>${errors.join('')}</r:RegistryErrorList>` : ''}</r:RegistryResponse>`;
const failure = (...errors: string[]) => response(200, soap(registry(`${STATUS}Failure`, ...errors)));
const json = (status: number, errorCode?: string) =>
  response(status, JSON.stringify(errorCode === undefined ? {} : { errorCode, errorDetail: 'd' }), 'application/json');

const read = (answer: HttpResponse) => readWriteAnswer(answer, { messageId: MESSAGE_ID, uniqueId: UNIQUE_ID });

describe('stored', () => {
  const cases: [string, HttpResponse][] = [
    ['Success', response(200, soap(registry(`${STATUS}Success`)))],
    [
      'Success with a warning',
      response(200, soap(registry(`${STATUS}Success`, error('XDSExtraMetadataNotSaved', '', 'Warning')))),
    ],
    ['Success without addressing headers', response(200, soap(registry(`${STATUS}Success`), []))],
    ['PartialSuccess with warnings only', response(200, soap(registry(PARTIAL, error('x', '', 'Warning'))))],
  ];
  it.each(cases)('%s', async (_title, answer) => {
    expect(await read(answer)).toEqual({ kind: 'stored' });
  });

  it('Success in a multipart answer', async () => {
    const { contentType, body } = writeMtom({
      root: soap(registry(`${STATUS}Success`)),
      action: ACTION,
      boundary: 'b',
      rootContentId: 'root@x',
      parts: [],
    });
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece);
    expect(await read(response(200, Buffer.concat(pieces), contentType))).toEqual({ kind: 'stored' });
  });
});

describe('refused by the registry: surely not stored', () => {
  const cases: [errorCode: string, codeContext: string, meaning: string][] = [
    ['NotEntitled', '', 'not-entitled'],
    ['XDSDuplicateDocument', 'hash known', 'duplicate'],
    ['XDSDuplicateUniqueIdInRegistry', '', 'duplicate'],
    ['XDSNonIdenticalHash', '', 'rejected'],
    ['XDSRegistryError', 'Invalid target ID in RPLC association', 'target-unknown'],
    ['XDSReplaceFailed', 'RPLC target not found', 'target-unknown'],
    [
      'XDSRepositoryError',
      'Only an approved DocumentEntry can be target of an urn:ihe:iti:2007:AssociationType:RPLC',
      'target-not-approved',
    ],
    ['XDSReplaceFailed', 'target is not in status Approved', 'target-not-approved'],
    ['XDSReplaceFailed', 'the document is deprecated', 'target-not-approved'],
    ['XDSReplaceFailed', '', 'rejected'],
    ['XDSRegistryMetadataError', 'Telematik-ID does not match', 'wrong-telematik-id'],
    ['XDSRegistryMetadataError', 'typeCode', 'rejected'],
    ['XDSPatientIdDoesNotMatch', '', 'rejected'],
    ['AccessDenied', '', 'rejected'],
    ['SomethingNew', 'of a later release', 'rejected'],
    ['toString', '', 'rejected'],
    ['XDSRepositoryBusy', '', 'busy'],
    ['XDSRegistryOutOfResources', '', 'busy'],
    ['XDSRegistryError', 'internal', 'busy'],
  ];
  it.each(cases)('%s "%s": %s', async (errorCode, codeContext, meaning) => {
    expect(await read(failure(error(errorCode, codeContext)))).toEqual({
      kind: 'registry-error',
      errorCode,
      codeContext,
      meaning,
    });
  });

  it('of several errors the one that decides counts', async () => {
    const all = [error('XDSRepositoryBusy'), error('XDSRegistryMetadataError', 'x'), error('NotEntitled', 'y')];
    expect(await read(failure(...all))).toMatchObject({ errorCode: 'NotEntitled', meaning: 'not-entitled' });
  });

  it('a warning beside an error is no reason', async () => {
    const all = [error('NotEntitled', '', 'Warning'), error('XDSRegistryMetadataError')];
    expect(await read(failure(...all))).toMatchObject({ errorCode: 'XDSRegistryMetadataError', meaning: 'rejected' });
  });

  it('Failure without any error is still a Failure', async () => {
    expect(await read(failure())).toEqual({
      kind: 'registry-error',
      errorCode: '',
      codeContext: '',
      meaning: 'rejected',
    });
  });

  it('PartialSuccess with an error that names our document', async () => {
    const answer = response(200, soap(registry(PARTIAL, error('XDSDuplicateDocument', `document ${UNIQUE_ID}`))));
    expect(await read(answer)).toMatchObject({ kind: 'registry-error', meaning: 'duplicate' });
  });

  it.each(['Client', 'VersionMismatch', 'MustUnderstand'] as const)('a SOAP fault %s', async (code) => {
    const answer = response(500, writeFault({ version: '1.2', code, reason: 'no' }));
    expect(await read(answer)).toMatchObject({ kind: 'registry-error', codeContext: 'no', meaning: 'rejected' });
  });

  it.each([
    [400, 'malformedRequest', 'rejected'],
    [403, 'notEntitled', 'not-entitled'],
    [404, undefined, 'rejected'],
    [413, undefined, 'rejected'],
    [415, undefined, 'rejected'],
  ])('inner HTTP %s %s', async (status, code, meaning) => {
    expect(await read(json(status, code))).toMatchObject({
      kind: 'registry-error',
      errorCode: code ?? `HTTP ${status}`,
      meaning,
    });
  });
});

describe('refused before the registry: thrown, surely not stored', () => {
  it.each([
    [404, 'noHealthRecord', 'RECORD_NOT_FOUND'],
    [409, 'statusMismatch', 'RECORD_SUSPENDED'],
    [429, undefined, 'RECORD_BUSY'],
  ])('inner HTTP %s %s: %s', async (status, code, expected) => {
    expect((await errorOf(read(json(status, code)))).code).toBe(expected);
  });
});

describe('nothing is proved', () => {
  const success = registry(`${STATUS}Success`);
  const cases: [string, HttpResponse, string][] = [
    ['500 with JSON', json(500, 'internalError'), 'iti41.http'],
    ['503', json(503), 'iti41.http'],
    ['504', json(504), 'iti41.http'],
    ['408', json(408), 'iti41.http'],
    ['a redirect', json(302), 'iti41.http'],
    ['202 with a Success', response(202, soap(success)), 'iti41.http'],
    ['500 with a Success', response(500, soap(success)), 'iti41.http'],
    [
      'a SOAP fault Receiver',
      response(500, writeFault({ version: '1.2', code: 'Server', reason: 'boom' })),
      'iti41.fault',
    ],
    [
      'a Receiver fault with 200',
      response(200, writeFault({ version: '1.2', code: 'Server', reason: 'boom' })),
      'iti41.fault',
    ],
    ['no body', response(200, ''), 'iti41.unreadable'],
    ['garbage', response(200, new Uint8Array([1, 2, 3])), 'iti41.unreadable'],
    ['a truncated envelope', response(200, soap(success).slice(0, -20)), 'iti41.unreadable'],
    ['an envelope with DOCTYPE', response(200, `<!DOCTYPE x>${success}`), 'iti41.unreadable'],
    ['a truncated multipart', response(200, '--b\r\n\r\n', 'multipart/related; boundary=b'), 'iti41.unreadable'],
    ['another element', response(200, soap('<x/>')), 'iti41.unreadable'],
    [
      'a RegistryResponse of no namespace',
      response(200, soap(`<RegistryResponse status="${STATUS}Success"/>`)),
      'iti41.unreadable',
    ],
    ['no status', response(200, soap(`<r:RegistryResponse xmlns:r="${RS}"/>`)), 'iti41.status'],
    ['an unknown status', response(200, soap(registry(`${STATUS}Maybe`))), 'iti41.status'],
    [
      'the answer to another message',
      response(200, soap(success, addressing({ relatesTo: 'urn:uuid:other' }))),
      'iti41.relates-to',
    ],
    [
      'the answer to another operation',
      response(200, soap(success, addressing({ action: 'urn:ihe:iti:2007:RegistryStoredQueryResponse' }))),
      'iti41.relates-to',
    ],
    [
      'a Failure for another message',
      response(
        200,
        soap(registry(`${STATUS}Failure`, error('NotEntitled')), addressing({ relatesTo: 'urn:uuid:other' })),
      ),
      'iti41.relates-to',
    ],
    [
      'PartialSuccess with an error about something else',
      response(200, soap(registry(PARTIAL, error('XDSRegistryError', '2.25.1')))),
      'iti41.partial-success',
    ],
    ['PartialSuccess without a word', response(200, soap(registry(PARTIAL))), 'iti41.partial-success'],
  ];
  it.each(cases)('%s', async (_title, answer, check) => {
    const outcome = await read(answer);
    expect(outcome.kind).toBe('no-answer');
    expect(outcome.kind === 'no-answer' ? [outcome.error.code, outcome.error.check] : []).toEqual([
      'WRITE_UNANSWERED',
      check,
    ]);
  });
});

// ---- writing

const CONTENT = new TextEncoder().encode('<Bundle xmlns="http://hl7.org/fhir"/>');
const ORDER: WriteOrder = {
  kvnr: KVNR,
  entryUuid: 'urn:uuid:758b59c8-5175-41a7-a2f0-efb659256708',
  uniqueId: UNIQUE_ID,
  replaces: null,
  mimeType: 'application/fhir+xml',
  title: 'Export',
  author: { telematikId: '9-TEST', digaName: 'Demo', manufacturer: 'Demo GmbH' },
  creationTime: new Date('2026-11-25T09:00:00Z'),
  content: {
    length: CONTENT.length,
    async *chunks() {
      yield CONTENT.subarray(0, 5);
      yield CONTENT.subarray(5);
    },
  },
  beforeFirstByte: () => {},
};

/** A session that answers with `answer` and keeps what was sent. */
function session(answer: (request: InnerRequest) => HttpResponse | Promise<HttpResponse>) {
  const seen: { requests: InnerRequest[]; bodies: Uint8Array[]; dropped: number } = {
    requests: [],
    bodies: [],
    dropped: 0,
  };
  return {
    seen,
    origin: 'https://as1.test',
    drop: () => {
      seen.dropped += 1;
    },
    request: async (request: InnerRequest) => {
      await request.beforeFirstByte?.();
      const pieces: Uint8Array[] = [];
      const { body = new Uint8Array() } = request;
      for await (const piece of body instanceof Uint8Array ? [body] : body.chunks())
        pieces.push(Uint8Array.from(piece));
      seen.requests.push(request);
      seen.bodies.push(Buffer.concat(pieces));
      return await answer(request);
    },
  };
}
const succeeds = () => response(200, soap(registry(`${STATUS}Success`), []));

async function sent(order: Partial<WriteOrder> = {}, settings = {}) {
  const to = session(succeeds);
  const outcome = await writeDocument(to, { ...ORDER, ...order }, settings);
  const [request] = to.seen.requests;
  if (request === undefined) throw new Error('nothing sent');
  const message = await readMtom(header(request.headers, 'content-type') ?? '', to.seen.bodies[0] ?? new Uint8Array());
  return {
    outcome,
    request,
    bytes: to.seen.bodies[0] ?? new Uint8Array(),
    message,
    envelope: readEnvelope(message.root),
  };
}

describe('writeDocument', () => {
  it('sends the bytes unchanged as one MIME part of exactly the announced length', async () => {
    const { outcome, request, bytes, message } = await sent();
    expect(outcome).toEqual({ kind: 'stored' });
    expect(request.body?.length).toBe(bytes.length);
    expect([...message.parts.values()].map((part) => Buffer.from(part.bytes).toString())).toEqual([
      Buffer.from(CONTENT).toString(),
    ]);
  });

  it('addresses I_Document_Management for this insured, SOAP 1.2 with WS-Addressing', async () => {
    const { request, envelope } = await sent();
    expect([request.method, request.path]).toEqual(['POST', '/epa/xds-document/api/I_Document_Management']);
    expect(header(request.headers, 'x-insurantid')).toBe(KVNR);
    expect(envelope.version).toBe('1.2');
    const block = (name: string) =>
      envelope.header.find((h) => h.name === name && h.ns === 'http://www.w3.org/2005/08/addressing');
    expect(block('Action')?.text).toBe(ACTION);
    expect(block('MessageID')?.text).toMatch(/^urn:uuid:[0-9a-f-]{36}$/);
    expect(block('To')?.text).toBe('https://as1.test/epa/xds-document/api/I_Document_Management');
    expect(block('ReplyTo')?.children[0]?.text).toBe('http://www.w3.org/2005/08/addressing/anonymous');
    expect(envelope.header.length).toBe(4);
  });

  it.each([
    [1, 21_000],
    [1_000_000, 21_000],
    [1_000_001, 22_000],
    [25_000_000, 45_000],
  ])('waits for an answer to %s bytes for %s ms (D22)', async (length, ms) => {
    const to = session(succeeds);
    const chunks = async function* () {
      yield new Uint8Array(length);
    };
    await writeDocument(to, { ...ORDER, content: { length, chunks } });
    expect(to.seen.requests[0]?.timeoutMs).toBe(ms);
  });

  it('passes on the hook that marks the export sent, and nothing leaves when it refuses', async () => {
    const to = session(succeeds);
    const refuse = () => Promise.reject(new GatewayError('STATE_CONFLICT', 'no lease'));
    expect((await errorOf(writeDocument(to, { ...ORDER, beforeFirstByte: refuse }))).code).toBe('STATE_CONFLICT');
    expect(to.seen.bodies).toEqual([]);
  });

  it('an answer to an older message of ours does not count', async () => {
    const to = session(() => response(200, soap(registry(`${STATUS}Success`))));
    expect(await writeDocument(to, ORDER)).toMatchObject({ kind: 'no-answer', error: { check: 'iti41.relates-to' } });
  });

  it('turns an exchange without an answer into an outcome', async () => {
    const to = session(() => {
      throw new GatewayError('WRITE_UNANSWERED', 'cut');
    });
    expect(await writeDocument(to, ORDER)).toMatchObject({ kind: 'no-answer', error: { code: 'WRITE_UNANSWERED' } });
  });

  it.each(['SESSION_LOST', 'RECORD_SYSTEM_UNREACHABLE', 'STORE_BROKEN'] as const)(
    'throws %s: nothing was written',
    async (code) => {
      const to = session(() => {
        throw new GatewayError(code, 'test');
      });
      expect((await errorOf(writeDocument(to, ORDER))).code).toBe(code);
    },
  );

  it('gives up a channel that belongs to another card', async () => {
    const to = session(() =>
      response(200, soap(registry(`${STATUS}Failure`, error('X', 'Telematik-ID does not match')), [])),
    );
    expect(await writeDocument(to, ORDER)).toMatchObject({ meaning: 'wrong-telematik-id' });
    expect(to.seen.dropped).toBe(1);
  });

  it('keeps a channel after any other refusal', async () => {
    const to = session(() => response(200, soap(registry(`${STATUS}Failure`, error('NotEntitled')), [])));
    await writeDocument(to, ORDER);
    expect(to.seen.dropped).toBe(0);
  });
});

describeWithSchemas('the official answers of the examples', (dir) => {
  it.each(['response_noreplace.xml', 'response_replace.xml'])('%s is a success', async (file) => {
    const bytes = readFileSync(join(dir, 'schemas/epa/examples/epa2.6-diga', file));
    const relatesTo = readEnvelope(bytes).header.find((h) => h.name === 'RelatesTo')?.text ?? '';
    expect(await readWriteAnswer(response(200, bytes), { messageId: relatesTo, uniqueId: UNIQUE_ID })).toEqual({
      kind: 'stored',
    });
  });
});
