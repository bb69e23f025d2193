// The route table of documents that are looked at and not exported: what `/openapi.json` tells about them (operation.ts).
import { z } from 'zod';
import { FHIR_JSON, FHIR_XML, previewBody, previewQuery, validateQuery } from './mio.ts';
import type { Operation } from './operation.ts';

const JSON_TYPE = 'application/json';
const tag = 'mio';

const outcome = z
  .object({
    resourceType: z.literal('OperationOutcome'),
    issue: z
      .array(
        z.object({
          severity: z.enum(['error', 'warning', 'information']),
          code: z.string(),
          details: z.object({
            coding: z.array(z.object({ system: z.string(), code: z.string() })).optional(),
            text: z.string(),
          }),
          diagnostics: z.string().optional().meta({ description: 'JSON pointer into what was sent' }),
          expression: z.array(z.string()).optional().meta({ description: 'FHIRPath of the place' }),
        }),
      )
      .min(1),
  })
  .meta({ id: 'OperationOutcome' });

export const mioOperations: readonly Operation[] = [
  {
    id: 'previewMio',
    method: 'post',
    path: '/v1/mio/preview',
    tag,
    summary: 'The document that an export of the same body would write; nothing is stored',
    description:
      'The same bytes as an export that is accepted next, but for the id and the times of the document. Of several parts the ' +
      'newest, unless `part` names another; `Mio-Parts` lists them in the order in which they would be written. Audited.',
    role: 'writer',
    query: previewQuery,
    headers: ['Accept-Language'],
    body: { [JSON_TYPE]: { schema: previewBody } },
    answers: {
      200: {
        description: 'The document',
        headers: ['Content-Disposition', 'Mio-Parts'],
        media: {
          [FHIR_XML]: { description: 'the MIO' },
          'application/pdf': { description: 'the PDF of a finished one' },
        },
      },
    },
    refusals: [
      'BODY_INVALID',
      'EXPORT_INVALID',
      'MIO_INVALID',
      'APP_NOT_CONFIGURED',
      'DOCUMENT_TOO_LARGE',
      'MEDIA_TYPE_UNSUPPORTED',
      'NOT_FOUND',
    ],
  },
  {
    id: 'validateMio',
    method: 'post',
    path: '/v1/mio/validate',
    tag,
    summary: 'What is wrong with a document, a single resource or a content',
    description:
      'FHIR XML, FHIR JSON, or a `content` of an export (alone, or as its member). Of a single resource, references that lead ' +
      'nowhere are warnings. The answer is 200 whatever is found, and holds no value of what was sent.',
    role: 'writer',
    query: validateQuery,
    headers: ['Accept-Language'],
    body: {
      [FHIR_XML]: { description: 'a Bundle or a single resource' },
      [FHIR_JSON]: { description: 'a Bundle or a single resource' },
      [JSON_TYPE]: { schema: z.looseObject({}).meta({ description: 'a Bundle, a single resource, or a content' }) },
    },
    answers: { 200: { description: 'What was found', media: { [FHIR_JSON]: { schema: outcome } } } },
    refusals: ['BODY_INVALID', 'EXPORT_INVALID', 'DOCUMENT_TOO_LARGE', 'MEDIA_TYPE_UNSUPPORTED'],
  },
];
