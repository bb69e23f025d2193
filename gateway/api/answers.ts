// The answers of the REST API as schemas (api.md section 2), for `/openapi.json`. Objects are open: within v1 members may be
// added, so a client must not refuse what it does not know. The views are checked against them in tests.
import { z } from 'zod';
import { catalogue, type ErrorCode } from '../errors.ts';
import { LINKS } from '../health.ts';
import { EXPORT_STATUSES } from './list-query.ts';

const CODES = Object.keys(catalogue) as [ErrorCode, ...ErrorCode[]];

export const time = z.string().meta({ format: 'date-time' });
export const code = z.enum(CODES).meta({ id: 'Code', description: 'Stable; each is explained in docs/errors.md.' });
export const who = z.enum(['backend', 'insured', 'operator', 'gateway', 'none']).meta({
  id: 'Who',
  description: 'Who must act so that it goes on.',
});
const status = z.enum(EXPORT_STATUSES).meta({ id: 'ExportStatus' });
export const userMessage = z
  .object({ key: z.string(), de: z.string(), en: z.string() })
  .meta({ id: 'UserMessage', description: 'Ready to show in the app, whenever the insured must act.' });

export const finding = z
  .object({
    pointer: z.string().meta({ description: 'JSON pointer into the body (RFC 6901)' }),
    path: z.string(),
    code: z.string(),
    message: z.string(),
  })
  .meta({ id: 'Finding', description: 'One fault; all are listed at once, and never with a value.' });

export const problem = z
  .object({
    type: z.string().meta({ format: 'uri-reference' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    code,
    who,
    remedy: z.string().meta({ description: 'German, or English by Accept-Language' }),
    findings: z.array(finding).optional(),
    userMessage: userMessage.optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' });

const documentView = z
  .object({
    part: z.string().nullable().meta({
      description: 'null: the document itself; `pdf`: the PDF beside it; a day: a further part of one that is split',
    }),
    mimeType: z.string(),
    entryUuid: z.string(),
    uniqueId: z.string(),
    version: z.int().nullable(),
    replaces: z.string().nullable(),
    recordSystem: z.string().nullable(),
    bytes: z.int(),
    sha256: z.string(),
    status,
    writtenAt: time.nullable(),
  })
  .meta({ id: 'Document' });

const reason = z
  .object({
    code,
    who,
    remedy: z.string(),
    userMessage: userMessage.optional(),
    since: time.nullable(),
    nextAttemptAt: time.nullable(),
    export: z.string().optional().meta({ description: 'The export that the reason is about' }),
    check: z.string().optional().meta({ description: 'The single trust or protocol check that failed' }),
    foreign: z
      .object({
        code: z.string().optional(),
        text: z.string().optional(),
        status: z.int().optional(),
        trace: z.array(z.object({ code: z.string(), text: z.string() })).optional(),
      })
      .optional()
      .meta({ description: 'What the other side said, masked' }),
  })
  .meta({ id: 'Reason' });

const snapshotMembers = {
  id: z.string(),
  reference: z.string().nullable(),
  status,
  diga: z.string(),
  series: z.string(),
  createdAt: time,
  updatedAt: time,
  attempts: z.int(),
  reason: reason.nullable(),
  document: documentView.nullable().meta({ description: 'The newest of documents' }),
  documents: z.array(documentView),
};
const timeline = z.array(
  z.object({ at: time, step: z.string(), ms: z.int().optional(), code: code.optional() }).meta({ id: 'TimelineStep' }),
);

/** As events and webhooks carry it. */
export const snapshotView = z.object(snapshotMembers).meta({ id: 'ExportSnapshot' });
export const exportView = z.object({ ...snapshotMembers, timeline }).meta({ id: 'Export' });

const warnings = z
  .array(finding)
  .optional()
  .meta({ description: 'What is odd about the documents and does not refuse them; told where they are accepted.' });
export const acceptedView = z.object({ ...exportView.shape, warnings }).meta({ id: 'AcceptedExport' });

const dryDocument = z
  .object({
    ...documentView.shape,
    entryUuid: z.null(),
    uniqueId: z.null(),
    recordSystem: z.null(),
    writtenAt: z.null(),
  })
  .meta({ id: 'ForeseenDocument' });
export const foreseenView = z
  .object({
    ...snapshotMembers,
    id: z.null(),
    createdAt: z.null(),
    updatedAt: z.null(),
    document: dryDocument.nullable(),
    documents: z.array(dryDocument),
    timeline,
    warnings,
  })
  .meta({ id: 'ForeseenExport', description: 'What would become of the export; nothing is stored.' });

export const exportList = z
  .object({
    exports: z.array(exportView),
    next: z.string().nullable().meta({ description: '`after` of the next page' }),
  })
  .meta({ id: 'ExportList' });

/** One of each line of a batch. */
export const batchResult = z
  .object({
    line: z.int().min(1),
    status: z.int().meta({ description: '202, or what the export would be answered alone' }),
    id: z.string().optional().meta({ description: 'The export' }),
    warnings,
    replayed: z.literal(true).optional().meta({ description: 'The export stood already' }),
    problem: problem.optional(),
  })
  .meta({ id: 'BatchResult' });

export const seriesAnswer = z
  .object({
    reference: z.string(),
    series: z.array(
      z
        .object({
          diga: z.string(),
          series: z.string(),
          upToDate: z.boolean(),
          frozen: z.boolean().meta({ description: 'Nothing is sent until POST /v1/series/import' }),
          doubtful: z.boolean().meta({ description: 'What is known of the newest document is told, not proven' }),
          written: z
            .object({
              part: z.string().nullable().meta({ description: 'the part with the newest data; null: it is not split' }),
              export: z.string().nullable().meta({ description: 'null: imported' }),
              version: z.int(),
              entryUuid: z.string(),
              recordSystem: z.string(),
              sha256: z.string().nullable(),
              writtenAt: time.nullable(),
            })
            .nullable(),
          open: z.object({ id: z.string(), status, createdAt: time, updatedAt: time }).nullable(),
          reason: reason.nullable(),
        })
        .meta({ id: 'SeriesState' }),
    ),
  })
  .meta({ id: 'SeriesStates' });

/** What an event about a person tells; the backend knows the person by its own references, or by its receipt. */
const revokedData = z
  .object({ references: z.array(z.string()), cancelled: z.int(), finishing: z.int() })
  .meta({ id: 'RevokedEvent' });
const forgottenData = z
  .object({ receipt: z.string(), exports: z.int(), unclear: z.int() })
  .meta({ id: 'ForgottenEvent' });

export const eventView = z
  .object({
    id: z.string(),
    seq: z.int(),
    type: z.string(),
    at: time,
    diga: z.string(),
    data: z.union([snapshotView, revokedData, forgottenData]),
  })
  .meta({ id: 'Event' });
export const eventPage = z.object({ events: z.array(eventView), next: z.int().nullable() }).meta({ id: 'EventPage' });

export const healthAnswer = z
  .object({
    diga: z.string(),
    ok: z.boolean(),
    canExport: z.boolean().meta({ description: 'Nothing known hinders exports of this DiGA from being written' }),
    code: code.nullable(),
    remedy: z.string().nullable(),
    links: z.array(
      z
        .object({
          link: z.enum([...LINKS, 'pin']),
          of: z.string().meta({ description: 'a name of the settings; of a terminal or card behind its Konnektor' }),
          ok: z.boolean().nullable().meta({ description: 'null: not known' }),
          code: code.nullable(),
          remedy: z.string().nullable(),
          since: time.nullable(),
        })
        .meta({ id: 'HealthLink' }),
    ),
  })
  .meta({ id: 'Health' });
export const liveness = z.object({ ok: z.boolean() }).meta({ id: 'Liveness' });
export const readinessAnswer = z
  .object({ ok: z.boolean(), canExport: z.boolean(), code: code.nullable() })
  .meta({ id: 'Readiness' });
