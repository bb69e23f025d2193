// Readings beside the export itself (api.md section 2): its exact bytes while they are kept, and how a user's series stand.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { appendAudit } from '../exports/audit.ts';
import { readContent } from '../exports/content.ts';
import { viewExport } from '../exports/export-view.ts';
import { readSeriesStates, type SeriesState } from '../exports/series-state.ts';
import { type Caller, coveredDiga, type Role } from './authentication.ts';
import { text } from './export-body.ts';
import { asking, type ExportsApi, send } from './exports.ts';
import { readQuery } from './list-query.ts';
import { type Language, languageOf } from './problem.ts';

/** As the preview names parts, and `pdf` beside them. */
export const contentQuery = z.strictObject({
  part: z
    .string()
    .regex(/^(document|pdf|\d{4}-\d{2}-\d{2})$/, 'must be document, pdf or the first day of a part')
    .optional()
    .meta({ description: '`document`, `pdf`, or the first day of a further part; without it the newest document' }),
});
export const seriesQuery = z.strictObject({
  reference: text(64),
  diga: text(64).optional(),
  series: text(64).optional(),
});

/** `callerOf` authenticates and asks for one of the roles. */
export function registerReadings(
  app: FastifyInstance,
  api: ExportsApi,
  callerOf: (request: FastifyRequest, ...roles: Role[]) => Caller,
): void {
  app.get<{ Params: { id: string } }>('/v1/exports/:id/content', async (request, reply) => {
    // D15: document bytes go only to a writer of that DiGA, and the trail of it is durable before the first one leaves.
    const caller = callerOf(request, 'writer');
    const query = readQuery(contentQuery, request.query);
    const { id } = request.params;
    const { mimeType, content, diga } = await readContent(api, {
      id,
      diga: caller.diga ?? undefined,
      part: query.part === 'document' ? '' : query.part,
    });
    await api.db.transaction().execute((tx) =>
      appendAudit(tx, {
        ...asking(caller, request),
        at: api.now(),
        action: 'content.read',
        object: { kind: 'export', id },
        diga,
      }),
    );
    api.log.info('content read', { export: id, client: caller.id });
    return reply
      .headers({ 'cache-control': 'no-store, private', 'content-disposition': 'attachment' })
      .type(mimeType)
      .send(content);
  });

  app.get('/v1/series', async (request, reply) => {
    const caller = callerOf(request, 'reader');
    const query = readQuery(seriesQuery, request.query);
    const states = await readSeriesStates(api.db, { ...query, diga: coveredDiga(caller, query.diga) });
    const language = languageOf(request.headers['accept-language']);
    return send(request, reply, {
      reference: query.reference,
      series: states.map((state) => viewSeries(state, language)),
    });
  });
}

function viewSeries(state: SeriesState, language: Language) {
  const { diga, series, upToDate, written, open, newest, frozen, doubtful } = state;
  const shown = open === null ? undefined : viewExport(open, language);
  const about = open ?? newest;
  return {
    diga,
    series,
    upToDate,
    frozen,
    doubtful,
    written:
      written === null
        ? null
        : {
            part: written.part || null,
            export: written.export_id || null,
            version: written.version,
            entryUuid: written.entry_uuid,
            recordSystem: written.record_system,
            sha256: written.sha256 || null,
            writtenAt: written.writtenAt === null ? null : new Date(written.writtenAt).toISOString(),
          },
    open:
      shown === undefined
        ? null
        : { id: shown.id, status: shown.status, createdAt: shown.createdAt, updatedAt: shown.updatedAt },
    reason: upToDate || about === null ? null : viewExport(about, language).reason,
  };
}
