// `POST /v1/exports/batch` (api.md section 2): a line of JSON for each export in, a line for each result out, in order and
// both ways as a stream: a line is read when the result of the one before has been taken. Each line is accepted or refused
// for itself; a result that was received is durable, also when the connection breaks right after it.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { asGatewayError, catalogue, type Language } from '../errors.ts';
import type { Timer } from '../exports/worker.ts';
import { stackOf } from '../log.ts';
import type { Caller, Role } from './authentication.ts';
import { bounded, exportBody, JSON_DOCUMENT_BYTES } from './export-body.ts';
import { type ExportsApi, refuseCoding, takeSubmission } from './exports.ts';
import { IDEMPOTENCY_KEY, type Intake } from './intake.ts';
import { parseOpened, readBody, submissionOf } from './json-submission.ts';
import { readQuery } from './list-query.ts';
import { readOn } from './multipart-export.ts';
import { languageOf, problemOf, RequestError } from './problem.ts';
import type { RequestRate } from './request-rate.ts';

export const BATCH_LINES = 1000;
/** A document of 1 MiB in base64, and what stands around it. */
const LINE_BYTES = Math.ceil(JSON_DOCUMENT_BYTES / 3) * 4 + 64 * 1024;
export const NDJSON = 'application/x-ndjson';

export const batchQuery = z.strictObject({});

/** An export and the key that makes its repeat safe, as the header does for a single one. */
export const batchLine = z
  .strictObject({ ...exportBody.shape, idempotencyKey: z.string().regex(IDEMPOTENCY_KEY).optional() })
  .meta({ id: 'BatchLine' });

export type BatchApi = { exports: ExportsApi; rate: RequestRate; timer: Timer; intake: Intake };

/** `callerOf` authenticates and asks for one of the roles. */
export function registerBatch(
  app: FastifyInstance,
  api: BatchApi,
  callerOf: (request: FastifyRequest, ...roles: Role[]) => Caller,
): void {
  app.register(async (scope) => {
    scope.addContentTypeParser(/^application\/x-ndjson\s*(;|$)/i, (_request, body, done) => done(null, body));
    scope.post('/v1/exports/batch', async (request, reply) => {
      const caller = callerOf(request, 'writer');
      readQuery(batchQuery, request.query);
      refuseCoding(request);
      if (!(request.body instanceof Readable))
        throw new RequestError('MEDIA_TYPE_UNSUPPORTED', `the body of a batch is ${NDJSON}`);
      if (request.headers['idempotency-key'] !== undefined)
        throw new RequestError('EXPORT_INVALID', 'a batch has no key of its own', {
          findings: [
            {
              pointer: '',
              path: 'Idempotency-Key',
              code: 'HEADER_INVALID',
              message: 'stands in the lines: idempotencyKey',
            },
          ],
        });
      const language = languageOf(request.headers['accept-language']);
      const lines = resultsOf(request.body, { ...api, caller, language, requestId: request.id });
      reply.headers({ 'cache-control': 'no-store, private', vary: 'Accept-Language', 'x-accel-buffering': 'no' });
      return reply.type(`${NDJSON}; charset=utf-8`).send(Readable.from(lines, { highWaterMark: 1 }));
    });
  });
}

type Batch = BatchApi & { caller: Caller; language: Language; requestId: string };

async function* resultsOf(body: Readable, o: Batch): AsyncGenerator<string> {
  let line = 0;
  try {
    for await (const bytes of linesOf(body)) {
      line += 1;
      if (bytes?.length === 0) continue;
      if (line > BATCH_LINES) {
        yield result(
          line,
          refusalOf(new RequestError('DOCUMENT_TOO_LARGE', `a batch may have ${BATCH_LINES} lines`), o),
        );
        return;
      }
      // A client's share counts lines (D19): where it is used up the batch goes as fast as it fills.
      for (let ms = o.rate.waitFor(o.caller.id); ms > 0; ms = o.rate.waitFor(o.caller.id))
        await new Promise<void>((resolve) => o.timer(ms, resolve));
      yield result(line, await take(bytes, o));
    }
  } finally {
    readOn(body);
  }
}

const result = (line: number, members: object) => `${JSON.stringify({ line, ...members })}\n`;

/** `bytes` undefined: longer than a line may be. */
async function take(bytes: Uint8Array | undefined, o: Batch): Promise<object> {
  try {
    if (bytes === undefined) throw new RequestError('DOCUMENT_TOO_LARGE', `a line may have ${LINE_BYTES} bytes`);
    const context = { api: o.exports, caller: o.caller };
    const opened = await readBody(bytes, context);
    const { idempotencyKey, ...body } = parseOpened(batchLine, opened);
    const submission = submissionOf(body, { ...context, bytes, content: opened.content });
    const { id, replayed, warnings } = await takeSubmission(submission, { ...o, key: idempotencyKey ?? null });
    return {
      status: 202,
      id,
      ...(replayed && { replayed: true }),
      ...(warnings.length > 0 && { warnings: bounded(warnings) }),
    };
  } catch (thrown) {
    return refusalOf(thrown, o);
  }
}

/** What the same export would be answered alone. */
function refusalOf(thrown: unknown, { language, exports: { log }, requestId }: Batch) {
  const wrapped = thrown instanceof RequestError ? thrown : undefined;
  const error = wrapped?.error ?? asGatewayError(thrown);
  if (catalogue[error.code].kind === 'bug')
    log.error('request failed', { requestId, code: error.code, stack: stackOf(error.cause ?? error) });
  const problem = problemOf(error, language, wrapped?.findings);
  return { status: problem.status, problem };
}

/** Lines without their ends, of which the last may lack it; undefined: one that is too long, of which nothing is held. */
async function* linesOf(body: Readable): AsyncGenerator<Uint8Array | undefined> {
  let held: Uint8Array[] = [];
  let length = 0;
  const line = () => {
    const whole = length > LINE_BYTES ? undefined : withoutCr(Buffer.concat(held));
    held = [];
    length = 0;
    return whole;
  };
  const hold = (piece: Uint8Array) => {
    length += piece.length;
    if (length > LINE_BYTES) held = [];
    else held.push(piece);
  };
  for await (const piece of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = piece.indexOf(0x0a); at !== -1; at = piece.indexOf(0x0a, from)) {
      hold(piece.subarray(from, at));
      from = at + 1;
      yield line();
    }
    if (from < piece.length) hold(piece.subarray(from));
  }
  if (length > 0) yield line();
}

const withoutCr = (line: Uint8Array) => (line.at(-1) === 0x0d ? line.subarray(0, -1) : line);
