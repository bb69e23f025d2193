// The route table of readings, events and health: what `/openapi.json` tells about them (operation.ts).
import { eventPage, eventView, healthAnswer, liveness, readinessAnswer, seriesAnswer } from './answers.ts';
import { eventsQuery } from './events-query.ts';
import { healthQuery } from './health.ts';
import type { Operation } from './operation.ts';
import { contentQuery, seriesQuery } from './readings.ts';

const JSON_TYPE = 'application/json';

export const readingOperations: readonly Operation[] = [
  {
    id: 'readExportContent',
    method: 'get',
    path: '/v1/exports/{id}/content',
    tag: 'exports',
    summary: 'The exact bytes, while they are kept',
    role: 'writer',
    query: contentQuery,
    answers: {
      200: {
        description: 'The document as accepted',
        headers: ['Content-Disposition'],
        media: {
          'application/fhir+xml': { description: 'the MIO' },
          'application/pdf': { description: 'the PDF' },
        },
      },
    },
    refusals: ['NOT_FOUND', 'CONTENT_ERASED', 'EXPORT_INVALID', 'STORE_BROKEN'],
  },
  {
    id: 'readSeries',
    method: 'get',
    path: '/v1/series',
    tag: 'series',
    summary: 'Is the record of the user with this reference up to date',
    role: 'reader',
    query: seriesQuery,
    headers: ['Accept-Language', 'If-None-Match'],
    answers: {
      200: {
        description: 'Every series in which the reference was used, latest used first',
        headers: ['ETag'],
        media: { [JSON_TYPE]: { schema: seriesAnswer } },
      },
      304: { description: 'Unchanged since If-None-Match', headers: ['ETag'] },
    },
    refusals: ['EXPORT_INVALID'],
  },
  {
    id: 'readEvents',
    method: 'get',
    path: '/v1/events',
    tag: 'events',
    summary: 'What became of the exports: pages, or a stream of server-sent events',
    description:
      'Every change of state is an event; kept 30 days. A stream resumes behind `Last-Event-ID`, which goes before `after`; ' +
      'its `data` is one event.',
    role: 'reader',
    query: eventsQuery,
    headers: ['Accept-Language', 'Last-Event-ID'],
    answers: {
      200: {
        description: 'A page, or with `Accept: text/event-stream` the stream',
        media: { [JSON_TYPE]: { schema: eventPage }, 'text/event-stream': { schema: eventView, stream: true } },
      },
    },
    refusals: ['EXPORT_INVALID'],
  },
  {
    id: 'readHealth',
    method: 'get',
    path: '/v1/health',
    tag: 'health',
    summary: 'The chain to the record for the DiGA of the caller, link by link, with code and remedy',
    role: 'monitor',
    query: healthQuery,
    headers: ['Accept-Language'],
    answers: {
      200: {
        description: 'As it was last seen; asking costs nothing',
        media: { [JSON_TYPE]: { schema: healthAnswer } },
      },
    },
    refusals: ['EXPORT_INVALID'],
  },
  {
    id: 'isAlive',
    method: 'get',
    path: '/livez',
    tag: 'health',
    summary: 'The process answers',
    role: null,
    answers: { 200: { description: 'It does', media: { [JSON_TYPE]: { schema: liveness } } } },
    refusals: [],
  },
  {
    id: 'isReady',
    method: 'get',
    path: '/readyz',
    tag: 'health',
    summary: 'The gateway takes exports; `canExport`: nothing known hinders them from being written',
    role: null,
    answers: {
      200: { description: 'It does', media: { [JSON_TYPE]: { schema: readinessAnswer } } },
      503: { description: 'It is starting or stopping', media: { [JSON_TYPE]: { schema: readinessAnswer } } },
    },
    refusals: [],
  },
  {
    id: 'readDescription',
    method: 'get',
    path: '/openapi.json',
    tag: 'description',
    summary: 'This description (OpenAPI 3.1)',
    role: null,
    headers: ['If-None-Match'],
    answers: {
      200: {
        description: 'The description',
        headers: ['ETag'],
        media: { [JSON_TYPE]: { description: 'OpenAPI 3.1' } },
      },
      304: { description: 'Unchanged since If-None-Match', headers: ['ETag'] },
    },
    refusals: [],
  },
  {
    id: 'readDocs',
    method: 'get',
    path: '/docs',
    tag: 'description',
    summary: 'This description as a page to read',
    role: null,
    answers: {
      200: { description: 'The page', media: { 'text/html': { description: 'no scripts, nothing from elsewhere' } } },
    },
    refusals: [],
  },
];
