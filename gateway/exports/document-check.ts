// Checks a finished document before 202 (D5): FHIR XML as a stream without DTD (SEC-16), that it is a MIO DiGA Toolkit
// bundle of version 1.1.0 (mio-diga.md) and names no other insured (D15); or a PDF by D24. The full judgement of the MIO
// against its profiles is issue #5. Findings never hold a value of the document.
import { SaxesParser } from 'saxes';
import type { Finding } from './finding.ts';

export const MIO_PROFILE = 'https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_Bundle';
export const MIO_VERSION = '1.1.0';
const FHIR = 'http://hl7.org/fhir';
const KVNR_SYSTEMS = ['http://fhir.de/sid/gkv/kvid-10', 'http://fhir.de/sid/pkv/kvid-10'];
const DEPTH_LIMIT = 200;
const SLICE = 64 * 1024;

export type DocumentVerdict = { code: 'EXPORT_INVALID' | 'MIO_INVALID'; findings: Finding[] };

export type DocumentToCheck = {
  mimeType: string;
  content: Uint8Array;
  kvnr: string;
  /** Where in the request the bytes came from. */
  pointer: string;
};

/** Undefined: may be accepted. */
export function checkDocument(o: DocumentToCheck): DocumentVerdict | undefined {
  const steps = verdictOf(o);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** As checkDocument, but lets others have their turn in between: 25 MB take about a second. */
export async function checkDocumentInTurns(o: DocumentToCheck): Promise<DocumentVerdict | undefined> {
  const steps = verdictOf(o);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await turn();
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function* verdictOf(o: DocumentToCheck): Generator<void, DocumentVerdict | undefined> {
  const findings: Finding[] = [];
  const add = (path: string, code: string, message: string) =>
    findings.push({ pointer: o.pointer, path, code, message });
  if (o.mimeType === 'application/pdf') checkPdf(o.content, add);
  else yield* checkFhir(o.content, o.kvnr, add);
  if (findings.length === 0) return undefined;
  return { code: o.mimeType === 'application/pdf' ? 'EXPORT_INVALID' : 'MIO_INVALID', findings };
}

type Add = (path: string, code: string, message: string) => void;

const PDF_NAMES = new Set(['JavaScript', 'JS', 'Rendition', 'EmbeddedFile', 'EmbeddedFiles', 'Encrypt']);

/** D24: header, EOF marker, no JavaScript, no attachments, no encryption. */
function checkPdf(content: Uint8Array, add: Add): void {
  // Latin-1 keeps bytes as characters; names may be written with #xx escapes (ISO 32000-1, 7.3.5).
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
  if (!text.startsWith('%PDF-')) add('', 'PDF_HEADER', 'does not begin as a PDF');
  if (!text.slice(-1024).includes('%%EOF')) add('', 'PDF_EOF', 'does not end as a PDF');
  const names = new Set<string>();
  for (const [, name = ''] of text.matchAll(/\/((?:[A-Za-z0-9]|#[0-9A-Fa-f]{2})+)/g)) {
    const plain = name.includes('#')
      ? name.replace(/#([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      : name;
    if (PDF_NAMES.has(plain)) names.add(plain);
  }
  // /JS alone is three bytes that compressed data holds by chance; it acts only in actions of these two types (12.6.4).
  if (names.has('JavaScript') || (names.has('JS') && names.has('Rendition')))
    add('', 'PDF_JAVASCRIPT', 'contains JavaScript');
  if (names.has('EmbeddedFile') || names.has('EmbeddedFiles')) add('', 'PDF_ATTACHMENT', 'contains attachments');
  if (names.has('Encrypt')) add('', 'PDF_ENCRYPTED', 'is encrypted');
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

/** Yields after each slice. */
function* checkFhir(content: Uint8Array, kvnr: string, add: Add): Generator<void> {
  const seen: Seen = { path: [], types: [], profiles: [], identifiers: [], otherInsured: false };
  const parser = new SaxesParser({ xmlns: true });
  const stop = (code: string, message: string): never => {
    throw new Stop(code, message);
  };
  parser.on('doctype', () => stop('XML_DOCTYPE', 'contains a DOCTYPE'));
  parser.on('error', () => {
    // Line and column only: the parser's message may quote the document.
    stop('XML_NOT_WELL_FORMED', `is not well-formed XML (line ${parser.line}, column ${parser.column})`);
  });
  parser.on('xmldecl', (declaration) => {
    if (declaration.encoding !== undefined && !/^utf-?8$/i.test(declaration.encoding))
      stop('XML_ENCODING', 'must be UTF-8');
  });
  parser.on('opentag', (tag) => {
    if (seen.path.length === 0 && (tag.local !== 'Bundle' || tag.uri !== FHIR))
      stop('MIO_ROOT', `must be a Bundle in namespace ${FHIR}`);
    if (seen.path.length >= DEPTH_LIMIT) stop('XML_TOO_DEEP', `is nested deeper than ${DEPTH_LIMIT} elements`);
    seen.path.push(tag.local);
    if (tag.uri === FHIR) open(seen, tag.local, tag.attributes.value?.value);
  });
  parser.on('closetag', () => {
    close(seen, kvnr);
    seen.path.pop();
  });
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    for (let at = 0; at < content.length; at += SLICE) {
      parser.write(decodeStrictly(decoder, content.subarray(at, at + SLICE)));
      yield;
    }
    parser.write(decoder.decode());
    parser.close();
  } catch (thrown) {
    if (thrown instanceof Stop) add('', thrown.code, thrown.message);
    else add('', 'XML_ENCODING', 'is not valid UTF-8');
    return;
  }
  if (seen.types.length !== 1 || seen.types[0] !== 'document') add('Bundle.type', 'MIO_TYPE', 'must be document');
  if (!seen.profiles.includes(`${MIO_PROFILE}|${MIO_VERSION}`))
    add('Bundle.meta.profile', 'MIO_PROFILE', `must name ${MIO_PROFILE}|${MIO_VERSION}`);
  if (seen.otherInsured) add('identifier', 'KVNR_MISMATCH', "names another insured than the export's kvnr");
}

const decodeStrictly = (decoder: TextDecoder, bytes: Uint8Array) => decoder.decode(bytes, { stream: true });

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
