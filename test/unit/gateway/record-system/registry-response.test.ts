// The table of registry-response.ts line by line: which answers prove that the document is stored, which prove that it is not,
// and which prove nothing (epa-record-system.md 4.5, export-flow.md 5.6–5.7).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readWriteAnswer } from '../../../../gateway/record-system/registry-response.ts';
import type { HttpResponse } from '../../../../wire/http-message.ts';
import { writeMtom } from '../../../../wire/mtom.ts';
import { readEnvelope, writeFault } from '../../../../wire/soap.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';
import { errorOf } from './peers.ts';
import {
  ACTION,
  addressing,
  error,
  failure,
  json,
  MESSAGE_ID,
  PARTIAL,
  RS,
  registry,
  response,
  STATUS,
  soap,
  UNIQUE_ID,
} from './registry-answers.ts';

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
    // Said of a code, not of the target: on a repeat it must not count as "the first try arrived".
    ['XDSRegistryMetadataError', 'formatCode urn:gematik:ig:diga:v1.0 is deprecated', 'rejected'],
    ['XDSRepositoryMetadataError', 'typeCode is not in the approved value set', 'rejected'],
    ['XDSRepositoryError', 'only approved codes are taken', 'busy'],
    ['SomethingNew', 'the entry has not the status Approved', 'target-not-approved'],
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

describeWithSchemas('the official answers of the examples', (dir) => {
  it.each(['response_noreplace.xml', 'response_replace.xml'])('%s is a success', async (file) => {
    const bytes = readFileSync(join(dir, 'schemas/epa/examples/epa2.6-diga', file));
    const relatesTo = readEnvelope(bytes).header.find((h) => h.name === 'RelatesTo')?.text ?? '';
    expect(await readWriteAnswer(response(200, bytes), { messageId: relatesTo, uniqueId: UNIQUE_ID })).toEqual({
      kind: 'stored',
    });
  });
});
