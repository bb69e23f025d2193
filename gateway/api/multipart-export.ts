// `POST /v1/exports` as multipart/form-data (api.md section 2): part `export` first, then `document`, streamed and sealed while it
// comes in (D8), unless the documents are built of `export`, and optionally `pdf` beside a MIO (D4, EXP-14). Whatever goes wrong,
// nothing half stays stored.
import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { OpenedContent } from '../documents/content.ts';
import { SMALL_BYTES } from '../documents/workshop.ts';
import type { Finding } from '../exports/finding.ts';
import type { OrderedDocument, Part } from '../exports/ordered-document.ts';
import { openPdfCheck } from '../exports/pdf-check.ts';
import { openStaging, type Staging } from '../exports/staging.ts';
import type { Caller } from './authentication.ts';
import { type ExportPart, exportPart } from './export-body.ts';
import type { ExportsApi } from './exports.ts';
import { type FormPart, partFault, receiveForm, type Sink } from './form-data.ts';
import type { Intake, Taken } from './intake.ts';
import { parseOpened, readBody } from './json-submission.ts';
import { RequestError } from './problem.ts';
import {
  buildContent,
  judgeDocument,
  nameOf,
  orderedParts,
  refuseFaulty,
  type Submission,
  type Terms,
  termsOf,
  versionFaults,
} from './submission.ts';

/** Of boundaries and part headers. */
const FORM_BYTES = 64 * 1024;
/** A refused body is read on so far, so that the answer reaches a client that sends before it reads. */
const READ_ON_BYTES = 64 * 1024 * 1024;

/** Of a whole body; the part `export` may be as long as a body of JSON. */
export const longestForm = (o: { documentBytes: number; bodyBytes: number }) =>
  o.bodyBytes + 2 * o.documentBytes + FORM_BYTES;

export type FormContext = {
  api: ExportsApi;
  caller: Caller;
  contentType: string;
  contentLength: number | undefined;
  /** Told what is ordered before a byte of a document is taken. */
  announced: (terms: Terms) => void;
};

/** `staging` holds its documents: who took the form drops it in the end. */
type Received = Submission & { staging: Staging };

/** Takes in what comes as a form; the errors of receiving and of the intake. */
export async function takeForm(
  body: Readable,
  o: Omit<FormContext, 'announced'> & { intake: Intake; key: string | null; requestId: string },
): Promise<Taken> {
  const { intake, key, requestId } = o;
  let release = () => {};
  const announced = (terms: Terms) => {
    release = intake.hold(terms, key);
    // An order that stands already is answered as it stands, also when it could not be made any more.
    if (key === null) intake.early(terms);
  };
  try {
    return await withForm(body, { ...o, announced }, (received) =>
      intake.take(received, { key, requestId, staging: received.staging }),
    );
  } finally {
    release();
  }
}

/** Reads a form and has it `used`; nothing of it is left in the store then but what was adopted. */
export async function withForm<T>(
  body: Readable,
  o: FormContext,
  used: (received: Received) => Promise<T>,
): Promise<T> {
  const form = new ExportForm(o);
  try {
    return await used(await receive(body, form, o));
  } finally {
    await form.staging?.drop();
  }
}

async function receive(body: Readable, form: ExportForm, o: FormContext): Promise<Received> {
  const limit = longestForm(o.api);
  const tooLarge = () =>
    new RequestError(
      'DOCUMENT_TOO_LARGE',
      `a document may have ${o.api.documentBytes} bytes (limits.documentBytes), the whole body ${limit}`,
    );
  try {
    if ((o.contentLength ?? 0) > limit) throw tooLarge();
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
    // It may wait long for its turn to be judged, and nothing moves on the connection then.
    if (body instanceof IncomingMessage) body.socket.setTimeout(0);
    return form.received();
  } catch (thrown) {
    readOn(body);
    throw thrown;
  }
}

type Opened = { part: ExportPart; terms: Terms; content: OpenedContent | undefined; bytes: Uint8Array };

class ExportForm {
  staging: Staging | undefined;
  readonly #o: FormContext;
  readonly #faults: Finding[] = [];
  readonly #documents = new Map<Part, OrderedDocument>();
  /** A document that is small is judged from here. */
  #small: Uint8Array[] | undefined = [];
  #export: Opened | undefined;

  constructor(o: FormContext) {
    this.#o = o;
  }

  open(part: FormPart): Sink {
    const { name, nth } = part;
    if (name !== 'export' && name !== 'document' && name !== 'pdf')
      throw partFault(nth, 'PART_UNKNOWN', 'is none of export, document, pdf');
    const stored: Part = name === 'pdf' ? 'pdf' : '';
    if (name === 'export' ? this.#export !== undefined : this.#documents.has(stored))
      throw partFault(nth, 'PART_DOUBLED', `${name} must stand once`);
    if (name === 'export') return this.#openExport(part);
    if (this.#export === undefined) throw partFault(nth, 'PART_ORDER', 'export must come first');
    const { content } = this.#export.part;
    if (name === 'document' && content.mode !== 'document')
      throw partFault(nth, 'PART_UNEXPECTED', 'document goes with content.mode document only');
    if (name === 'pdf' && content.mode === 'document' && content.mimeType !== 'application/fhir+xml')
      throw partFault(nth, 'PART_UNEXPECTED', 'pdf stands beside a MIO only');
    if (name === 'pdf' && content.mode === 'document' && !this.#documents.has(''))
      throw partFault(nth, 'PART_ORDER', 'document comes before pdf');
    const mimeType = name === 'pdf' || content.mode !== 'document' ? 'application/pdf' : content.mimeType;
    if (part.type !== mimeType) throw partFault(nth, 'PART_TYPE', `${name} must have the Content-Type ${mimeType}`);
    return this.#openDocument(stored, mimeType);
  }

  received(): Received {
    const finished = this.#export === undefined || this.#export.part.content.mode === 'document';
    const missing = [
      ...(this.#export === undefined ? ['export'] : []),
      ...(finished && !this.#documents.has('') ? ['document'] : []),
    ].map((path) => ({ pointer: '', path, code: 'PART_MISSING', message: 'is missing' }));
    if (missing.length > 0 || this.#export === undefined || this.staging === undefined)
      throw new RequestError('EXPORT_INVALID', 'the body lacks parts, see findings', { findings: missing });
    const { terms, content } = this.#export;
    const named = nameOf(terms, { documents: [...this.#documents], content });
    return { terms, named, staging: this.staging, prepare: (also) => this.#prepare(also) };
  }

  async #prepare(also: readonly Finding[]) {
    if (this.#export === undefined) throw new TypeError('a form without its part export');
    const { terms, part, content, bytes } = this.#export;
    const pdf = this.#documents.get('pdf');
    if (content !== undefined) {
      const built = await buildContent(this.#o.api, { terms, content, bytes });
      refuseFaulty([...also, ...this.#faults], built.errors, 'MIO_INVALID');
      return { ...orderedParts(built), pdf, warnings: built.warnings };
    }
    const document = this.#documents.get('');
    if (document === undefined || part.content.mode !== 'document') throw new TypeError('a form without its document');
    if (part.content.mimeType === 'application/pdf') {
      refuseFaulty(also, this.#faults, 'EXPORT_INVALID');
      return { document, warnings: [] };
    }
    const verdict = await judgeDocument(this.#o.api, {
      terms,
      mioVersion: part.content.mioVersion,
      pointer: '/document',
      content: this.#content(document),
    });
    const code = verdict.errors.length > 0 ? 'MIO_INVALID' : 'EXPORT_INVALID';
    refuseFaulty(also, [...verdict.errors, ...this.#faults], code);
    return { document: { ...document, period: verdict.period }, pdf, warnings: verdict.warnings };
  }

  #content(document: OrderedDocument) {
    if (this.#small !== undefined) return Buffer.concat(this.#small);
    const { staging } = this;
    if (staging === undefined || !('bytes' in document)) throw new TypeError('a large document that was not staged');
    return { bytes: document.bytes, read: () => staging.read('') };
  }

  #openExport({ type, nth }: FormPart): Sink {
    // Without a type it is plain text (RFC 7578 section 4.4), which is what forms send for a field.
    if (type !== undefined && type !== 'application/json')
      throw partFault(nth, 'PART_TYPE', 'export must have the Content-Type application/json, or none');
    const { api, caller, announced } = this.#o;
    const pieces: Uint8Array[] = [];
    let length = 0;
    return {
      write: async (piece) => {
        length += piece.length;
        if (length > api.bodyBytes)
          throw new RequestError(
            'DOCUMENT_TOO_LARGE',
            `the part export may have ${api.bodyBytes} bytes (limits.bodyBytes)`,
          );
        pieces.push(Buffer.from(piece));
      },
      end: async () => {
        const bytes = Buffer.concat(pieces);
        const body = await readBody(bytes, { api, caller });
        const part = parseOpened(exportPart, body);
        const terms = termsOf(part, caller, api.digas);
        refuseFaulty([], versionFaults(terms, part.content.mioVersion, api.documents), 'EXPORT_INVALID');
        this.#export = { part, terms, content: body.content, bytes };
        announced(terms);
        const { db, vault, now, checkpoint } = api;
        this.staging = openStaging({ db, vault, diga: terms.diga, now, checkpoint });
      },
    };
  }

  #openDocument(part: Part, mimeType: string): Sink {
    const check = mimeType === 'application/pdf' ? openPdfCheck(part === '' ? '/document' : '/pdf') : undefined;
    const staged = this.staging?.open(part);
    const limit = this.#o.api.documentBytes;
    let bytes = 0;
    this.#documents.set(part, { mimeType, bytes: 0, sha256: '' });
    return {
      write: async (piece) => {
        bytes += piece.length;
        if (bytes > limit)
          throw new RequestError(
            'DOCUMENT_TOO_LARGE',
            `the document is larger than ${limit} bytes (limits.documentBytes)`,
          );
        check?.write(piece);
        if (check === undefined) this.#hold(piece, bytes);
        await staged?.write(piece);
      },
      end: async () => {
        if (bytes === 0)
          throw new RequestError('EXPORT_INVALID', 'the body has an empty part, see findings', {
            findings: [{ pointer: '', path: part === '' ? 'document' : part, code: 'PART_EMPTY', message: 'is empty' }],
          });
        this.#faults.push(...(check?.end() ?? []));
        if (staged !== undefined) this.#documents.set(part, { mimeType, ...(await staged.end()) });
      },
    };
  }

  #hold(piece: Uint8Array, bytes: number): void {
    if (bytes > SMALL_BYTES) this.#small = undefined;
    this.#small?.push(Buffer.from(piece));
  }
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
