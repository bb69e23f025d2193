// `POST /v1/exports` as multipart/form-data (api.md section 2): part `export` first, then `document`, streamed and sealed
// while it comes in (D8), and optionally `pdf` beside a MIO (D4). Whatever goes wrong, nothing half stays stored.
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { ExportOrder } from '../exports/accept.ts';
import { type DocumentVerdict, openDocumentCheck } from '../exports/document-check.ts';
import type { OrderedDocument, Part } from '../exports/ordered-document.ts';
import { openStaging, type StagedDocument, type Staging } from '../exports/staging.ts';
import type { Caller } from './authentication.ts';
import { type ExportPart, parseExportPart } from './export-body.ts';
import type { ExportsApi } from './exports.ts';
import { type FormPart, partFault, receiveForm, type Sink } from './form-data.ts';
import { type Intake, type Judge, type Taken, termsOf } from './intake.ts';
import { readJson } from './json-body.ts';
import { RequestError } from './problem.ts';

/** The part `export` is read whole. */
const EXPORT_PART_BYTES = 256 * 1024;
/** Of boundaries and part headers. */
const FORM_BYTES = 64 * 1024;
/** A refused body is read on so far, so that the answer reaches a client that sends before it reads. */
const READ_ON_BYTES = 64 * 1024 * 1024;

/** Of a whole body. */
export const longestForm = (documentBytes: number) => EXPORT_PART_BYTES + 2 * documentBytes + FORM_BYTES;

export type Received = { order: ExportOrder; judge: Judge };

export type Submission = {
  api: ExportsApi;
  caller: Caller;
  contentType: string;
  contentLength: number | undefined;
  /** Told what is ordered before a byte of a document is taken; answers where documents go, undefined: nowhere. */
  announced: (terms: ReturnType<typeof termsOf>) => Staging | undefined;
};

/** Takes in what comes as a form; the errors of `receiveExport` and of the intake. */
export async function takeForm(
  body: Readable,
  o: Omit<Submission, 'announced'> & { intake: Intake; key: string | null; requestId: string },
): Promise<Taken> {
  const { api, intake, key, requestId } = o;
  let release = () => {};
  let staging: Staging | undefined;
  try {
    const { order, judge } = await receiveExport(body, {
      ...o,
      announced: (terms) => {
        release = intake.hold(terms, key);
        // An order that stands already is answered as it stands, also when it could not be made any more.
        if (key === null) intake.early(terms);
        staging = openStaging({ db: api.db, vault: api.vault, diga: terms.diga, now: api.now });
        return staging;
      },
    });
    return await intake.take(order, { judge, key, requestId, staging });
  } finally {
    await staging?.drop();
    release();
  }
}

/** EXPORT_INVALID, DOCUMENT_TOO_LARGE, BODY_INVALID. Who made the staging drops it in the end, whatever became of this. */
export async function receiveExport(body: Readable, o: Submission): Promise<Received> {
  const { documentBytes } = o.api;
  const limit = longestForm(documentBytes);
  const tooLarge = () =>
    new RequestError('DOCUMENT_TOO_LARGE', `a document may have ${documentBytes} bytes, the whole body ${limit}`);
  try {
    if ((o.contentLength ?? 0) > limit) throw tooLarge();
    const form = new ExportForm(o);
    const counted = async function* () {
      let bytes = 0;
      // Not destroyed when we stop early: the answer goes out on the same connection.
      for await (const piece of body.iterator({ destroyOnReturn: false })) {
        bytes += piece.length;
        if (bytes > limit) throw tooLarge();
        yield piece;
      }
    };
    await receiveForm({ body: counted(), contentType: o.contentType, open: (part) => form.open(part) });
    return form.received();
  } catch (thrown) {
    readOn(body);
    throw thrown;
  }
}

class ExportForm {
  readonly #o: Submission;
  readonly #verdicts: DocumentVerdict[] = [];
  readonly #documents = new Map<Part, OrderedDocument>();
  #part: ExportPart | undefined;
  #terms: ReturnType<typeof termsOf> | undefined;
  #staging: Staging | undefined;

  constructor(o: Submission) {
    this.#o = o;
  }

  open(part: FormPart): Sink {
    const { name, nth } = part;
    if (name !== 'export' && name !== 'document' && name !== 'pdf')
      throw partFault(nth, 'PART_UNKNOWN', 'is none of export, document, pdf');
    const stored: Part = name === 'pdf' ? 'pdf' : '';
    if (name === 'export' ? this.#part !== undefined : this.#documents.has(stored))
      throw partFault(nth, 'PART_DOUBLED', `${name} must stand once`);
    if (name === 'export') return this.#openExport(part);
    if (this.#part === undefined || this.#terms === undefined)
      throw partFault(nth, 'PART_ORDER', 'export must come first');
    if (name === 'pdf' && this.#part.content.mimeType !== 'application/fhir+xml')
      throw partFault(nth, 'PART_UNEXPECTED', 'pdf stands beside a MIO only');
    if (name === 'pdf' && !this.#documents.has('')) throw partFault(nth, 'PART_ORDER', 'document comes before pdf');
    const mimeType = name === 'pdf' ? 'application/pdf' : this.#part.content.mimeType;
    if (part.type !== mimeType) throw partFault(nth, 'PART_TYPE', `${name} must have the Content-Type ${mimeType}`);
    return this.#openDocument(stored, { mimeType, kvnr: this.#terms.kvnr });
  }

  received(): Received {
    const missing = [
      ...(this.#part === undefined ? ['export'] : []),
      ...(this.#documents.has('') ? [] : ['document']),
    ].map((path) => ({ pointer: '', path, code: 'PART_MISSING', message: 'is missing' }));
    const document = this.#documents.get('');
    if (missing.length > 0 || document === undefined || this.#terms === undefined)
      throw new RequestError('EXPORT_INVALID', 'the body lacks parts, see findings', { findings: missing });
    const order: ExportOrder = { ...this.#terms, document, pdf: this.#documents.get('pdf') };
    return { order, judge: async () => joined(this.#verdicts) };
  }

  #openExport({ type, nth }: FormPart): Sink {
    // Without a type it is plain text (RFC 7578 section 4.4), which is what forms send for a field.
    if (type !== undefined && type !== 'application/json')
      throw partFault(nth, 'PART_TYPE', 'export must have the Content-Type application/json, or none');
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    return {
      write: async (piece) => {
        bytes += piece.length;
        if (bytes > EXPORT_PART_BYTES)
          throw new RequestError('DOCUMENT_TOO_LARGE', `the part export may have ${EXPORT_PART_BYTES} bytes`);
        pieces.push(Buffer.from(piece));
      },
      end: async () => {
        this.#part = parseExportPart(readJson(Buffer.concat(pieces)));
        this.#terms = termsOf(this.#part, this.#o.caller, this.#o.api.digas);
        this.#staging = this.#o.announced(this.#terms);
      },
    };
  }

  #openDocument(part: Part, o: { mimeType: string; kvnr: string }): Sink {
    const check = openDocumentCheck({ ...o, pointer: part === '' ? '/document' : `/${part}` });
    const staged = this.#staging?.open(part) ?? onlyHashed();
    const limit = this.#o.api.documentBytes;
    let bytes = 0;
    this.#documents.set(part, { mimeType: o.mimeType, bytes: 0, sha256: '' });
    return {
      write: async (piece) => {
        bytes += piece.length;
        if (bytes > limit) throw new RequestError('DOCUMENT_TOO_LARGE', `the document is larger than ${limit} bytes`);
        check.write(piece);
        await staged.write(piece);
      },
      end: async () => {
        if (bytes === 0)
          throw new RequestError('EXPORT_INVALID', 'the body has an empty part, see findings', {
            findings: [{ pointer: '', path: part === '' ? 'document' : part, code: 'PART_EMPTY', message: 'is empty' }],
          });
        const verdict = check.end();
        if (verdict !== undefined) this.#verdicts.push(verdict);
        this.#documents.set(part, { mimeType: o.mimeType, ...(await staged.end()) });
      },
    };
  }
}

/** One answer for all documents. */
function joined(verdicts: readonly DocumentVerdict[]): DocumentVerdict | undefined {
  const [first] = verdicts;
  return first === undefined ? undefined : { code: first.code, findings: verdicts.flatMap((v) => v.findings) };
}

/** Of a dry run. */
function onlyHashed(): StagedDocument {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    write: async (piece) => {
      bytes += piece.length;
      hash.update(piece);
    },
    end: async () => ({ bytes, sha256: hash.digest('hex') }),
  };
}

/** What a refused client still sends is taken and thrown away, up to a limit: many read the answer only afterwards. */
export function readOn(body: Readable): void {
  let left = READ_ON_BYTES;
  body.on('error', () => {});
  body.on('data', (piece: Uint8Array) => {
    left -= piece.length;
    if (left < 0) body.destroy();
  });
}
