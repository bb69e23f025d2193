// `POST /v1/series/import` (OPS-03, OPS-04; api.md section 2): known document IDs, all of a list or none of it, every fault at
// once with its place. Who imports vouches for it; the audit trail names them. No KVNR comes back or is kept (D15).
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { appendAudit } from '../exports/audit.ts';
import type { Finding } from '../exports/finding.ts';
import { type ImportEntry, ImportRefused, importSeries } from '../exports/series-import.ts';
import { type Caller, digaOf, type Role } from './authentication.ts';
import { parseBody } from './export-body.ts';
import { asking, bodyOf, send } from './exports.ts';
import { readJson } from './json-body.ts';
import { readQuery } from './list-query.ts';
import type { PersonsApi } from './persons.ts';
import { RequestError } from './problem.ts';
import { type ImportBody, importBody } from './series-import-body.ts';

/** `callerOf` authenticates and asks for one of the roles. */
export function registerSeriesImport(
  app: FastifyInstance,
  api: PersonsApi,
  callerOf: (request: FastifyRequest, ...roles: Role[]) => Caller,
): void {
  app.post('/v1/series/import', async (request, reply) => {
    const caller = callerOf(request, 'writer');
    readQuery(z.strictObject({}), request.query);
    const body = parseBody(importBody, readJson(bodyOf(request)));
    const entries = entriesOf(body, caller, api);
    const now = api.now();
    const places = await refusing(() =>
      importSeries(api.db, { entries, now }, async (tx, done) => {
        for (const { place } of done)
          await appendAudit(tx, {
            ...asking(caller, request),
            at: now,
            action: 'series.imported',
            object: { kind: 'series', id: place.series },
            diga: place.diga,
            details: {
              part: place.part === '' ? null : place.part,
              version: place.documents[0]?.document.version ?? null,
              entryUuid: place.documents[0]?.document.entryUuid ?? null,
            },
          });
      }),
    );
    for (const { written } of places)
      for (const id of written) {
        api.finalWaits.ended(id);
        api.metrics.exportEntered('written', null);
        api.log.info('export settled', { export: id, step: 'written', client: caller.id });
      }
    api.log.info('series imported', { client: caller.id, count: places.length });
    // Content of what is written was erased, and what waited is due.
    api.erased();
    return send(request, reply, {
      series: places.map(({ place, changed, written, resumed }) => {
        const newest = place.documents[0]?.document;
        return {
          entry: place.index,
          diga: place.diga,
          series: place.series,
          part: place.part === '' ? null : place.part,
          version: newest?.version ?? null,
          entryUuid: newest?.entryUuid ?? null,
          changed,
          written,
          resumed,
        };
      }),
    });
  });
}

/** FORBIDDEN for a DiGA that the key does not cover; EXPORT_INVALID for record systems that this gateway does not know. */
function entriesOf(body: ImportBody, caller: Caller, api: PersonsApi): ImportEntry[] {
  const findings: Finding[] = [];
  const entries = body.entries.map((entry, index): ImportEntry => {
    const diga = digaOf(caller, entry.diga, api.digas);
    const { entryUuid, version, recordSystem } = entry;
    if (recordSystem !== undefined && !api.recordSystems.has(recordSystem))
      findings.push({
        pointer: `/entries/${index}/recordSystem`,
        path: `entries.${index}.recordSystem`,
        code: 'VALUE_INVALID',
        message: `must be one of ${[...api.recordSystems].join(', ')}`,
      });
    return {
      diga,
      lookupKey: api.vault.lookupKey(diga, entry.kvnr),
      series: entry.series,
      part: entry.part ?? '',
      document:
        entryUuid === null || version === undefined || recordSystem === undefined
          ? null
          : {
              entryUuid,
              version,
              recordSystem,
              sha256: entry.sha256 ?? null,
              writtenAt: entry.writtenAt === undefined ? null : Date.parse(entry.writtenAt),
            },
    };
  });
  if (findings.length > 0)
    throw new RequestError('EXPORT_INVALID', 'the body has faults, each named in findings', { findings });
  return entries;
}

async function refusing<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    if (!(thrown instanceof ImportRefused)) throw thrown;
    throw new RequestError('STATE_CONFLICT', 'the list contradicts what is known here, see findings', {
      findings: thrown.findings,
      cause: thrown,
    });
  }
}
