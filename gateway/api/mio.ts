// `POST /v1/mio/preview` and `POST /v1/mio/validate` (api.md section 2, EXP-12, EXP-29): the document that an export of the same
// body would write, and what is wrong with a document or a content. Nothing is stored; document bytes go to a writer only (D15).
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Finding as MioFinding } from '../../mio/error.ts';
import type { OpenedBody } from '../documents/content.ts';
import { outcomeOf } from '../documents/outcome.ts';
import { appendAudit } from '../exports/audit.ts';
import { type Part, partsOf } from '../exports/ordered-document.ts';
import { newestOf } from '../exports/parts.ts';
import { type Caller, digaOf, type Role } from './authentication.ts';
import { exportBody, kvnr } from './export-body.ts';
import { asking, bodyOf, type ExportsApi } from './exports.ts';
import { openOrder, parseOpened, readBody, submissionOf, unreadable } from './json-submission.ts';
import { readQuery } from './list-query.ts';
import { RequestError } from './problem.ts';
import { onGrounds } from './submission.ts';

export const FHIR_XML = 'application/fhir+xml';
export const FHIR_JSON = 'application/fhir+json';

/** The part of the document itself is called `document`, as where content is read. */
export const previewQuery = z.strictObject({
  part: z
    .string()
    .regex(/^(document|\d{4}-\d{2}-\d{2})$/)
    .optional()
    .meta({ description: '`document`, or the first day of a further part; without it the newest' }),
});
export const validateQuery = z.strictObject({});

/** Of an export only who it is about and what is in it. */
export const previewBody = exportBody
  .partial()
  .extend({ kvnr, content: exportBody.shape.content })
  .meta({ id: 'PreviewOrder', description: 'An export; only `kvnr` and `content` are needed.' });

/** What an export says besides, and a preview does not need. */
const UNSAID = {
  kvnrSource: { issuer: '', authenticatedAt: '' },
  consent: { id: '', version: '', grantedAt: '' },
  prescriptionEnds: '',
};

/** `callerOf` authenticates and asks for one of the roles. */
export function registerMio(
  app: FastifyInstance,
  api: ExportsApi,
  callerOf: (request: FastifyRequest, ...roles: Role[]) => Caller,
): void {
  app.post('/v1/mio/preview', async (request, reply) => {
    const caller = callerOf(request, 'writer');
    const query = readQuery(previewQuery, request.query);
    const bytes = bodyOf(request);
    const opened = await readBody(bytes, { api, caller });
    const body = { ...UNSAID, ...parseOpened(previewBody, opened) };
    const whole = exportBody.shape;
    const terms = {
      ...body,
      series: body.series ?? whole.series.parse(undefined),
      queue: body.queue ?? whole.queue.parse(undefined),
      priority: body.priority ?? whole.priority.parse(undefined),
      notBefore: body.notBefore ?? null,
      notAfter: body.notAfter ?? null,
      onTargetGone: body.onTargetGone ?? whole.onTargetGone.parse(undefined),
    };
    const submission = submissionOf(terms, { api, caller, bytes, content: opened.content });
    const parts = partsOf(await onGrounds(() => submission.prepare([]))).map(([part, document]) => ({
      part,
      document,
    }));
    const wanted = query.part === undefined ? newestOf(parts) : parts.find(({ part }) => nameOf(part) === query.part);
    if (wanted === undefined || !('content' in wanted.document))
      throw new RequestError('NOT_FOUND', 'the document has no such part');
    const { diga } = submission.terms;
    await api.db.transaction().execute((tx) =>
      appendAudit(tx, {
        ...asking(caller, request),
        at: api.now(),
        action: 'mio.previewed',
        object: { kind: 'person', id: api.vault.audit.person(diga, body.kvnr) },
        diga,
      }),
    );
    api.log.info('document previewed', { diga, client: caller.id, count: parts.length });
    return reply
      .headers({
        'cache-control': 'no-store, private',
        'content-disposition': 'attachment',
        'mio-parts': parts.map(({ part }) => nameOf(part)).join(', '),
      })
      .type(wanted.document.mimeType)
      .send(Buffer.from(wanted.document.content));
  });

  // In a scope of its own: nowhere else is FHIR a body.
  app.register(async (scope) => {
    const limit = { bodyLimit: Math.max(api.bodyBytes, api.documentBytes), parseAs: 'buffer' as const };
    for (const type of [/^application\/fhir\+(xml|json)\s*(;|$)/i])
      scope.addContentTypeParser(type, limit, (_request, body, done) => done(null, body));
    scope.post('/v1/mio/validate', async (request, reply) => {
      const caller = callerOf(request, 'writer');
      readQuery(validateQuery, request.query);
      const findings = await judge(bodyOf(request), { api, caller, xml: isXml(request) });
      api.log.info('document validated', { client: caller.id, count: findings.length });
      return reply
        .header('cache-control', 'no-store, private')
        .type(`${FHIR_JSON}; charset=utf-8`)
        .send(JSON.stringify(outcomeOf(findings)));
    });
  });
}

const nameOf = (part: Part) => (part === '' ? 'document' : part);
const isXml = (request: FastifyRequest) =>
  /^application\/fhir\+xml\s*(;|$)/i.test(request.headers['content-type'] ?? '');

type Context = { api: ExportsApi; caller: Caller };

async function judge(bytes: Uint8Array, { xml, ...context }: Context & { xml: boolean }): Promise<MioFinding[]> {
  const { api, caller } = context;
  const { workshop, versions, defaultVersion } = api.documents;
  const place = <T>(work: () => Promise<T>) => workshop.place(bytes.length, work);
  const own = caller.diga === null ? [defaultVersion] : (versions[caller.diga] ?? [defaultVersion]);
  const order = { versions: own, maxBytes: api.documentBytes, single: true };
  if (xml) return (await place(() => workshop.run('judge', { ...order, bytes }, bytes.length))).findings;
  const inspecting = { bytes, judge: order, open: openOrder(context) };
  const found = await place(() => workshop.run('inspect', inspecting, bytes.length));
  if (found.kind === 'unreadable') throw unreadable(found.finding);
  if (found.kind === 'fhir') return found.findings;
  const alone = found.kind === 'content';
  return judgeContent(found, { ...context, bytes: alone ? wrapped(bytes) : bytes, alone });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const BYTE_ORDER_MARK = Buffer.from('\uFEFF');

/** A content as the body of an export has it. */
function wrapped(bytes: Uint8Array): Uint8Array {
  const marked = BYTE_ORDER_MARK.equals(bytes.subarray(0, BYTE_ORDER_MARK.length));
  const content = marked ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
  return Buffer.concat([Buffer.from('{"content":'), content, Buffer.from('}')]);
}

/** `alone`: pointers are those of the content itself. */
async function judgeContent(
  { value, content }: OpenedBody,
  { api, caller, bytes, alone }: Context & { bytes: Uint8Array; alone: boolean },
): Promise<MioFinding[]> {
  const at = alone ? '' : '/content';
  const moved = (findings: readonly MioFinding[]) =>
    findings.map((one) => ({ ...one, pointer: `${at}${one.pointer ?? ''}` }));
  if (content === undefined) return judgeDocument(value, { api, caller }, at);
  if (content.findings.length > 0) return moved(content.findings);
  const { workshop, apps } = api.documents;
  const diga = isObject(value) && typeof value.diga === 'string' ? value.diga : (caller.diga ?? '');
  const own = digaOf(caller, diga === '' ? undefined : diga, api.digas);
  const named = isObject(value) && typeof value.kvnr === 'string' ? value.kvnr : undefined;
  const order = {
    version: content.version,
    app: apps.get(own),
    kvnr: named,
    ids: { namespace: api.vault.documents.namespace, diga: own, patientKey: '' },
    digestKey: api.vault.documents.digestKey,
    now: api.now(),
    documentBytes: api.documentBytes,
    before: [],
  };
  const built = await workshop.place(bytes.length, () => workshop.run('build', { ...order, bytes }, bytes.length));
  return moved(built.findings);
}

/** Mode `document`, or what is no content at all. */
async function judgeDocument(value: unknown, { api, caller }: Context, at: string): Promise<MioFinding[]> {
  const schema = z.object({ content: exportBody.shape.content });
  const parsed = parseOpened(schema, {
    value: isObject(value) ? { content: value.content } : value,
    content: undefined,
  });
  if (parsed.content.mode !== 'document') throw new TypeError('a content to build was not opened');
  const bytes = Buffer.from(parsed.content.base64, 'base64');
  if (parsed.content.mimeType === 'application/pdf')
    throw new RequestError('MEDIA_TYPE_UNSUPPORTED', 'a PDF has no profile to be judged against');
  const { versions, defaultVersion, workshop } = api.documents;
  const own = caller.diga === null ? [defaultVersion] : (versions[caller.diga] ?? [defaultVersion]);
  const order = { versions: own, maxBytes: api.documentBytes, single: true, bytes };
  const { findings } = await workshop.place(bytes.length, () => workshop.run('judge', order, bytes.length));
  return findings.map((one) => ({ ...one, pointer: `${at}/base64` }));
}
