// Checks a finished document before 202 (D5): FHIR XML as a stream without DTD (SEC-16), that it is a MIO DiGA Toolkit
// bundle of version 1.1.0 (mio-diga.md) and names no other insured (D15); or a PDF by D24. The full judgement of the MIO
// against its profiles is issue #5. Findings never hold a value of the document.
import { SaxesParser } from 'saxes';
import type { Finding } from './finding.ts';
import { openShortener } from './long-runs.ts';

export const MIO_PROFILE = 'https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_Bundle';
export const MIO_VERSION = '1.1.0';
const FHIR = 'http://hl7.org/fhir';
const KVNR_SYSTEMS = ['http://fhir.de/sid/gkv/kvid-10', 'http://fhir.de/sid/pkv/kvid-10'];
const DEPTH_LIMIT = 200;
const SLICE = 64 * 1024;
/** Well below what the shortener keeps: two names that are different stay different. */
const LONGEST_NAME = 1024;

export type DocumentVerdict = { code: 'EXPORT_INVALID' | 'MIO_INVALID'; findings: Finding[] };

export type DocumentToCheck = {
  mimeType: string;
  content: Uint8Array;
  kvnr: string;
  /** Where in the request the bytes came from. */
  pointer: string;
};

/** A document judged while it comes in, piece by piece; nothing of it is held. */
export type DocumentCheck = {
  write(bytes: Uint8Array): void;
  /** After the last piece. Undefined: may be accepted. */
  end(): DocumentVerdict | undefined;
};

export function openDocumentCheck(o: Omit<DocumentToCheck, 'content'>): DocumentCheck {
  const findings: Finding[] = [];
  const add = (path: string, code: string, message: string) =>
    findings.push({ pointer: o.pointer, path, code, message });
  const check = o.mimeType === 'application/pdf' ? openPdfCheck(add) : openFhirCheck(o.kvnr, add);
  return {
    write: check.write,
    end: () => {
      check.end();
      if (findings.length === 0) return undefined;
      return { code: o.mimeType === 'application/pdf' ? 'EXPORT_INVALID' : 'MIO_INVALID', findings };
    },
  };
}

/** Undefined: may be accepted. */
export function checkDocument(o: DocumentToCheck): DocumentVerdict | undefined {
  const check = openDocumentCheck(o);
  for (const slice of slicesOf(o.content)) check.write(slice);
  return check.end();
}

/** As checkDocument, but lets others have their turn in between: 25 MB take about a second. */
export async function checkDocumentInTurns(o: DocumentToCheck): Promise<DocumentVerdict | undefined> {
  const check = openDocumentCheck(o);
  for (const slice of slicesOf(o.content)) {
    check.write(slice);
    await turn();
  }
  return check.end();
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function* slicesOf(content: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < content.length; at += SLICE) yield content.subarray(at, at + SLICE);
}

type Add = (path: string, code: string, message: string) => void;

const PDF_NAMES = new Set(['JavaScript', 'JS', 'Rendition', 'EmbeddedFile', 'EmbeddedFiles', 'Encrypt']);
const PDF_HEAD = '%PDF-';
/** The EOF marker stands in the last kilobyte (ISO 32000-1, annex H.3, note 18). */
const PDF_TAIL = 1024;
/** Longer than any of the names with every character escaped: what is longer is none of them. */
const PDF_NAME = 64;

/** D24: header, EOF marker, no JavaScript, no attachments, no encryption. */
function openPdfCheck(add: Add): { write(bytes: Uint8Array): void; end(): void } {
  const names = new Set<string>();
  let head = '';
  let tail = '';
  /** A name that the last piece may have cut. */
  let cut = '';
  const look = (text: string) => {
    for (const [, name = ''] of text.matchAll(/\/((?:[A-Za-z0-9]|#[0-9A-Fa-f]{2})+)/g)) {
      const plain = name.includes('#')
        ? name.replace(/#([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
        : name;
      if (PDF_NAMES.has(plain)) names.add(plain);
    }
  };
  return {
    write: (bytes) => {
      // Latin-1 keeps bytes as characters; names may be written with #xx escapes (ISO 32000-1, 7.3.5).
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
      if (head.length < PDF_HEAD.length) head = (head + text).slice(0, PDF_HEAD.length);
      tail = (tail + text).slice(-PDF_TAIL);
      const joined = cut + text;
      cut = /\/[A-Za-z0-9#]*$/.exec(joined.slice(-PDF_NAME))?.[0] ?? '';
      look(joined.slice(0, joined.length - cut.length));
    },
    end: () => {
      look(cut);
      if (head !== PDF_HEAD) add('', 'PDF_HEADER', 'does not begin as a PDF');
      if (!tail.includes('%%EOF')) add('', 'PDF_EOF', 'does not end as a PDF');
      // /JS alone is three bytes that compressed data holds by chance; it acts only in actions of these two types (12.6.4).
      if (names.has('JavaScript') || (names.has('JS') && names.has('Rendition')))
        add('', 'PDF_JAVASCRIPT', 'contains JavaScript');
      if (names.has('EmbeddedFile') || names.has('EmbeddedFiles')) add('', 'PDF_ATTACHMENT', 'contains attachments');
      if (names.has('Encrypt')) add('', 'PDF_ENCRYPTED', 'is encrypted');
    },
  };
}

/** What the stream has told so far. */
type Seen = {
  path: string[];
  types: string[];
  profiles: string[];
  /** System and value of the identifier that is open, by depth. */
  identifiers: { depth: number; system?: string; value?: string }[];
  otherInsured: boolean;
};

function openFhirCheck(kvnr: string, add: Add): { write(bytes: Uint8Array): void; end(): void } {
  const seen: Seen = { path: [], types: [], profiles: [], identifiers: [], otherInsured: false };
  const parser = new SaxesParser({ xmlns: true });
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const shortener = openShortener();
  let stopped = false;
  const stop = (code: string, message: string): never => {
    throw new Stop(code, message);
  };
  parser.on('doctype', () => stop('XML_DOCTYPE', 'contains a DOCTYPE'));
  parser.on('error', () => {
    // Line and column only: the parser's message may quote the document.
    const column = shortener.cut ? '' : `, column ${parser.column}`;
    stop('XML_NOT_WELL_FORMED', `is not well-formed XML (line ${parser.line}${column})`);
  });
  parser.on('xmldecl', (declaration) => {
    if (declaration.encoding !== undefined && !/^utf-?8$/i.test(declaration.encoding))
      stop('XML_ENCODING', 'must be UTF-8');
  });
  parser.on('opentag', (tag) => {
    if (seen.path.length === 0 && (tag.local !== 'Bundle' || tag.uri !== FHIR))
      stop('MIO_ROOT', `must be a Bundle in namespace ${FHIR}`);
    if (seen.path.length >= DEPTH_LIMIT) stop('XML_TOO_DEEP', `is nested deeper than ${DEPTH_LIMIT} elements`);
    if ([tag.name, ...Object.keys(tag.attributes)].some((name) => name.length > LONGEST_NAME))
      stop('XML_NAME_TOO_LONG', `has a name of more than ${LONGEST_NAME} characters`);
    seen.path.push(tag.local);
    if (tag.uri === FHIR) open(seen, tag.local, tag.attributes.value?.value);
  });
  parser.on('closetag', () => {
    close(seen, kvnr);
    seen.path.pop();
  });
  /** The first fault that makes the rest unreadable ends the judgement. */
  const guarded = (act: () => void) => {
    if (stopped) return;
    try {
      act();
    } catch (thrown) {
      stopped = true;
      if (thrown instanceof Stop) add('', thrown.code, thrown.message);
      else add('', 'XML_ENCODING', 'is not valid UTF-8');
    }
  };
  return {
    write: (bytes) => guarded(() => void parser.write(shortener.shorten(decoder.decode(bytes, { stream: true })))),
    end: () => {
      guarded(() => void parser.write(shortener.shorten(decoder.decode())).close());
      if (stopped) return;
      if (seen.types.length !== 1 || seen.types[0] !== 'document') add('Bundle.type', 'MIO_TYPE', 'must be document');
      if (!seen.profiles.includes(`${MIO_PROFILE}|${MIO_VERSION}`))
        add('Bundle.meta.profile', 'MIO_PROFILE', `must name ${MIO_PROFILE}|${MIO_VERSION}`);
      if (seen.otherInsured) add('identifier', 'KVNR_MISMATCH', "names another insured than the export's kvnr");
    },
  };
}

function open(seen: Seen, local: string, value: string | undefined): void {
  const depth = seen.path.length;
  const at = seen.path.join('/');
  if (at === 'Bundle/type') seen.types.push(value ?? '');
  if (at === 'Bundle/meta/profile') seen.profiles.push(value ?? '');
  // Any element that carries both a system and a value: identifier of a Patient, a reference, an extension.
  const parent = seen.identifiers.at(-1);
  if (parent !== undefined && parent.depth === depth - 1) {
    if (local === 'system') parent.system = value ?? '';
    if (local === 'value') parent.value = value ?? '';
  }
  seen.identifiers.push({ depth });
}

function close(seen: Seen, kvnr: string): void {
  const last = seen.identifiers.at(-1);
  if (last === undefined || last.depth !== seen.path.length) return;
  seen.identifiers.pop();
  if (last.system !== undefined && KVNR_SYSTEMS.includes(last.system.trim()) && last.value !== undefined)
    if (last.value.trim() !== kvnr) seen.otherInsured = true;
}

/** Ends the parse at the first fault that makes the rest unreadable. */
class Stop extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
