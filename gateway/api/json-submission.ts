// What comes as JSON (api.md section 2): a finished document in base64, or a content that documents are built of. A body that is
// large, or whose content is built, is read in the workshop, where numbers keep their spelling (72.50).

import type { z } from 'zod';
import { BUILT_MODES, type OpenedBody, type OpenedContent, type OpenOrder } from '../documents/content.ts';
import type { Finding } from '../exports/finding.ts';
import { openPdfCheck } from '../exports/pdf-check.ts';
import type { Caller } from './authentication.ts';
import { type ExportBody, JSON_DOCUMENT_BYTES, parseAs } from './export-body.ts';
import type { ExportsApi } from './exports.ts';
import { readJson } from './json-body.ts';
import { RequestError } from './problem.ts';
import {
  buildContent,
  judgeDocument,
  nameOf,
  orderedParts,
  refuseFaulty,
  type Submission,
  termsOf,
  versionFaults,
} from './submission.ts';

/** Reading so much takes about 20 ms: a document of 1 MiB in base64, and what stands around it. */
const READ_HERE = 1_600_000;

type Context = { api: ExportsApi; caller: Caller };

const UNREADABLE: Readonly<Record<string, string>> = {
  JSON_ENCODING: 'the body is not UTF-8',
  JSON_REPEATED: 'a member stands twice in one object',
  JSON_DEPTH: 'the body is nested too deep',
};

/** BODY_INVALID. Faults of a content against its schema are in `content`. */
export async function readBody(bytes: Uint8Array, { api, caller }: Context): Promise<OpenedBody> {
  const { workshop } = api.documents;
  if (bytes.length <= READ_HERE) {
    const value = readJson(bytes);
    if (!isBuilt(value)) return { value, content: undefined };
  }
  const order = { ...openOrder({ api, caller }), bytes };
  const opened = await workshop.place(bytes.length, () => workshop.run('open', order, bytes.length));
  if ('unreadable' in opened) throw unreadable(opened.unreadable);
  return opened;
}

/** What a body of this caller is opened by. */
export function openOrder({ api, caller: { diga } }: Context): Omit<OpenOrder, 'bytes'> {
  const { versions, defaultVersion } = api.documents;
  // Of other DiGAs a key learns nothing.
  const own = diga === null ? versions : { [diga]: versions[diga] ?? [defaultVersion] };
  return { diga, versions: own, defaultVersion };
}

/** BODY_INVALID. */
export const unreadable = ({ code }: { code: string }) =>
  new RequestError('BODY_INVALID', UNREADABLE[code] ?? 'the body is not JSON');

const isBuilt = (value: unknown) => {
  const content = typeof value === 'object' && value !== null && 'content' in value ? value.content : undefined;
  const mode = typeof content === 'object' && content !== null && 'mode' in content ? content.mode : undefined;
  return BUILT_MODES.some((one) => one === mode);
};

/** What a body says by its schema; EXPORT_INVALID with every fault of it and of its content. */
export function parseOpened<Schema extends z.ZodType>(
  schema: Schema,
  { value, content }: OpenedBody,
): z.output<Schema> {
  const faults = (content?.findings ?? []).map(
    ({ pointer = '', path, code, message }): Finding => ({
      pointer: `/content${pointer}`,
      path: path === '' ? 'content' : `content.${path}`,
      code,
      message,
    }),
  );
  return parseAs(schema, value, faults);
}

/** A body that was read and parsed. DOCUMENT_TOO_LARGE, FORBIDDEN, EXPORT_INVALID. */
export function submissionOf(
  body: ExportBody,
  { bytes, content, ...context }: Context & { bytes: Uint8Array; content: OpenedContent | undefined },
): Submission {
  const { api, caller } = context;
  const terms = termsOf(body, caller, api.digas);
  const faults = versionFaults(terms, body.content.mioVersion, api.documents);
  refuseFaulty([], faults, 'EXPORT_INVALID');
  if (body.content.mode === 'document') return ofDocument(body.content, terms, api);
  if (content === undefined) throw new TypeError('a content to build was not opened');
  return {
    terms,
    named: nameOf(terms, { documents: [], content }),
    prepare: async (also) => {
      const built = await buildContent(api, { terms, content, bytes });
      refuseFaulty(also, built.errors, 'MIO_INVALID');
      return { ...orderedParts(built), warnings: built.warnings };
    },
  };
}

function ofDocument(
  { mimeType, base64, mioVersion }: Extract<ExportBody['content'], { mode: 'document' }>,
  terms: Submission['terms'],
  api: ExportsApi,
): Submission {
  const content = Buffer.from(base64, 'base64');
  const limit = Math.min(api.documentBytes, JSON_DOCUMENT_BYTES);
  if (content.length > limit)
    throw new RequestError(
      'DOCUMENT_TOO_LARGE',
      `a document inside JSON may have ${limit} bytes; as multipart/form-data it may have ${api.documentBytes} (limits.documentBytes)`,
    );
  const document = { mimeType, content };
  const pointer = '/content/base64';
  return {
    terms,
    named: nameOf(terms, { documents: [['', document]] }),
    prepare: async (also) => {
      if (mimeType === 'application/pdf') {
        const check = openPdfCheck(pointer);
        check.write(content);
        refuseFaulty(also, check.end(), 'EXPORT_INVALID');
        return { document, warnings: [] };
      }
      const verdict = await judgeDocument(api, { terms, mioVersion, pointer, content });
      refuseFaulty(also, verdict.errors, 'MIO_INVALID');
      return { document: { ...document, period: verdict.period }, warnings: verdict.warnings };
    },
  };
}
