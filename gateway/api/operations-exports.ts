// The route table of exports: what `/openapi.json` tells about them (operation.ts).

import { z } from 'zod';
import { acceptedView, batchResult, exportList, exportView, foreseenView } from './answers.ts';
import { BATCH_LINES, batchLine, batchQuery, NDJSON } from './batch.ts';
import { dryRunQuery } from './dry-run.ts';
import { exportBody, exportPart } from './export-body.ts';
import { listQuery } from './list-query.ts';
import type { Operation } from './operation.ts';

const JSON_TYPE = 'application/json';
const tag = 'exports';

const bytes = (description: string) => z.string().meta({ format: 'binary', description });
/** The parts are read by multipart-export.ts, as they come. */
const exportForm = z
  .strictObject({
    export: exportPart,
    document: bytes('the bytes, streamed; their Content-Type is `content.mimeType` of export'),
    pdf: bytes('beside a MIO').optional(),
  })
  .meta({ id: 'ExportForm', description: 'Parts in this order, each once.' });
const FORM_PARTS = {
  export: 'application/json',
  document: 'application/fhir+xml, application/pdf',
  pdf: 'application/pdf',
};

export const exportOperations: readonly Operation[] = [
  {
    id: 'createExport',
    method: 'post',
    path: '/v1/exports',
    tag,
    summary: 'Order the write of one document into the record of an insured',
    description:
      '202 means: on disk, validated, survives kill -9. With the same Idempotency-Key and the same body the export that ' +
      'stands already is answered. `Prefer: wait=N` (1 to 30) answers as soon as the export is final.',
    role: 'writer',
    query: dryRunQuery,
    headers: ['Accept-Language', 'Idempotency-Key', 'Prefer'],
    body: { [JSON_TYPE]: { schema: exportBody }, 'multipart/form-data': { schema: exportForm, parts: FORM_PARTS } },
    answers: {
      200: {
        description: 'With `dryRun=true`: what would be written. Nothing is stored.',
        headers: ['ETag'],
        media: { [JSON_TYPE]: { schema: foreseenView } },
      },
      202: {
        description: 'Accepted',
        headers: ['Location', 'ETag', 'Idempotent-Replayed', 'Preference-Applied'],
        media: { [JSON_TYPE]: { schema: acceptedView } },
      },
    },
    refusals: [
      'BODY_INVALID',
      'EXPORT_INVALID',
      'MIO_INVALID',
      'APP_NOT_CONFIGURED',
      'DOCUMENT_TOO_LARGE',
      'MEDIA_TYPE_UNSUPPORTED',
      'PRESCRIPTION_ENDED',
      'REVOKED',
      'SERIES_SPLIT',
      'IDEMPOTENCY_KEY_IN_USE',
      'IDEMPOTENCY_KEY_REUSED',
    ],
  },
  {
    id: 'createExports',
    method: 'post',
    path: '/v1/exports/batch',
    tag,
    summary: 'Order many writes: a line for each export in, a line for each result out',
    description:
      `At most ${BATCH_LINES} lines. Each is accepted or refused for itself, in order; empty ones are passed over and ` +
      'counted. Results come while lines are still sent: read them meanwhile. A result that was received is durable; give ' +
      'each line an `idempotencyKey`, and lines whose result was lost can be sent again.',
    role: 'writer',
    query: batchQuery,
    headers: ['Accept-Language'],
    body: { [NDJSON]: { schema: batchLine, stream: true, description: 'one export in each line' } },
    answers: {
      200: {
        description: 'The batch was read',
        media: { [NDJSON]: { schema: batchResult, stream: true, description: 'one result in each line' } },
      },
    },
    refusals: ['EXPORT_INVALID', 'MEDIA_TYPE_UNSUPPORTED'],
  },
  {
    id: 'listExports',
    method: 'get',
    path: '/v1/exports',
    tag,
    summary: 'Own exports, newest first, by pages',
    role: 'reader',
    query: listQuery,
    headers: ['Accept-Language', 'If-None-Match'],
    answers: {
      200: { description: 'One page', headers: ['ETag'], media: { [JSON_TYPE]: { schema: exportList } } },
      304: { description: 'The page is the one that If-None-Match names', headers: ['ETag'] },
    },
    refusals: ['EXPORT_INVALID'],
  },
  {
    id: 'readExport',
    method: 'get',
    path: '/v1/exports/{id}',
    tag,
    summary: 'One export: state, who must act, documents, timeline',
    role: 'reader',
    headers: ['Accept-Language', 'If-None-Match', 'Prefer'],
    answers: {
      200: {
        description: 'The export',
        headers: ['ETag', 'Preference-Applied'],
        media: { [JSON_TYPE]: { schema: exportView } },
      },
      304: { description: 'Unchanged since If-None-Match', headers: ['ETag'] },
    },
    refusals: ['NOT_FOUND'],
  },
  {
    id: 'retryExport',
    method: 'post',
    path: '/v1/exports/{id}/retry',
    tag,
    summary: 'Try a waiting export now, for instance because the insured has approved',
    description: 'Once a minute for each export; Retry-After tells the rest of it.',
    role: 'writer',
    headers: ['Accept-Language'],
    answers: {
      202: { description: 'It runs again', headers: ['ETag'], media: { [JSON_TYPE]: { schema: exportView } } },
    },
    refusals: ['NOT_FOUND', 'STATE_CONFLICT'],
  },
  {
    id: 'cancelExport',
    method: 'post',
    path: '/v1/exports/{id}/cancel',
    tag,
    summary: 'End an export that surely wrote nothing; its content is erased',
    role: 'writer',
    headers: ['Accept-Language'],
    answers: {
      200: { description: 'Cancelled', headers: ['ETag'], media: { [JSON_TYPE]: { schema: exportView } } },
    },
    refusals: ['NOT_FOUND', 'STATE_CONFLICT'],
  },
];
