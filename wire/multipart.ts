// Multipart bodies taken apart as they stream in (RFC 2046 section 5.1), and the Content-Type that announces them
// (RFC 2045 section 5.1). Own splitter instead of busboy's Dicer: that one ends a part at any line that merely begins
// with the boundary, so a document with such a line would arrive cut, and it drops broken part headers without a word.
import { WireError } from './error.ts';

export type MediaType = { type: string; parameters: ReadonlyMap<string, string> };

/** What comes out of a body, part by part: first its headers (names in lower case), then its bytes in pieces. */
export type MultipartEvent =
  | { kind: 'headers'; headers: ReadonlyMap<string, string> }
  | { kind: 'bytes'; bytes: Uint8Array };

const MAX_HEADERS = 16 * 1024;
const MAX_PADDING = 64;
const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;
const SPACE = 0x20;
const TAB = 0x09;

/** True for any `multipart/…` Content-Type. */
export function isMultipart(contentType: string): boolean {
  return /^[ \t]*multipart\//i.test(contentType);
}

/**
 * Type and parameters, both names in lower case. Read widely, since each stack writes them differently: values quoted or
 * bare with any character up to the semicolon, blanks around the equals sign. WireError MTOM_CONTENT_TYPE.
 */
export function readMediaType(contentType: string): MediaType {
  const [, type, rest = ''] =
    /^[ \t]*([!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+)[ \t]*(?:$|;(.*))/s.exec(contentType) ?? [];
  if (type === undefined) throw new WireError('MTOM_CONTENT_TYPE', 'the media type cannot be read');
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, bare = ''] of rest.matchAll(parameter)) {
    const key = name.toLowerCase();
    if (parameters.has(key)) throw new WireError('MTOM_CONTENT_TYPE', 'a parameter of the media type is repeated');
    parameters.set(key, quoted === undefined ? bare.trimEnd() : quoted.replace(/\\(.)/gs, '$1'));
  }
  return { type: type.toLowerCase(), parameters };
}

// What follows a quoted value up to the next semicolon is skipped: some stacks put unescaped quotes inside start-info.
const parameter = /\s*([!#$%&'*+.^_`|~\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"[^;]*|([^";\s][^;]*)?)(?:;|$)/gsy;

/**
 * Streams the parts of a body. Preamble and epilogue are skipped; a line counts as delimiter only when nothing but
 * blanks follows the boundary, so text that looks like it stays content. WireError MTOM_TRUNCATED (no closing boundary),
 * MTOM_LINE_END (LF instead of CRLF), MTOM_HEADERS (a part header that cannot be read).
 */
export async function* splitMultipart(
  body: Uint8Array | AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<MultipartEvent> {
  // A delimiter owns the line end before it. The first one may stand at the very start: it gets a line end lent.
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  const source = new ByteSource(body, Buffer.from('\r\n'));
  let inPart = false;
  let hidden = 0;
  let from = 0;
  try {
    for (;;) {
      const at = source.bytes.indexOf(delimiter, from);
      const line = at === -1 ? partial : delimiterLine(source, at + delimiter.length);
      if (line.kind === 'content') {
        if (!inPart) requireCrLf(source.bytes[at + delimiter.length]);
        from = at + 1;
        continue;
      }
      // All before a delimiter, or before what may still become one, is content of the part.
      const settled = source.take(at === -1 ? source.bytes.length - delimiter.length + 1 : at);
      const shown = settled.subarray(Math.min(hidden, settled.length));
      hidden -= settled.length - shown.length;
      from = 0;
      if (inPart && shown.length > 0) yield { kind: 'bytes', bytes: shown };
      if (line.kind === 'partial') {
        if (source.ended) throw new WireError('MTOM_TRUNCATED', 'the body ends without its closing boundary');
        await source.more();
        continue;
      }
      source.take(delimiter.length + line.length);
      if (line.kind === 'close') break;
      yield { kind: 'headers', headers: readHeaders(await takeHeaderBlock(source)) };
      inPart = true;
      // The empty line's own CRLF was left in place, since it may be that of the next delimiter (a part without body).
      hidden = 2;
    }
    await source.drain();
  } finally {
    await source.close();
  }
}

type DelimiterLine = { kind: 'open' | 'close'; length: number } | { kind: 'partial' } | { kind: 'content' };
const partial: DelimiterLine = { kind: 'partial' };

/** What stands behind the boundary: line end, `--`, more bytes to come, or anything else (then it was content). */
function delimiterLine(source: ByteSource, start: number): DelimiterLine {
  const bytes = source.bytes;
  const close = bytes[start] === DASH && bytes[start + 1] === DASH;
  let at = start + (close ? 2 : 0);
  while ((bytes[at] === SPACE || bytes[at] === TAB) && at - start < MAX_PADDING) at += 1;
  if (bytes[at] === CR && bytes[at + 1] === LF) return { kind: close ? 'close' : 'open', length: at + 2 - start };
  if (at === bytes.length && close && source.ended) return { kind: 'close', length: at - start };
  const unfinished = at === bytes.length || (at === bytes.length - 1 && (bytes[at] === CR || bytes[at] === DASH));
  return unfinished ? partial : { kind: 'content' };
}

function requireCrLf(after: number | undefined): void {
  if (after === LF) throw new WireError('MTOM_LINE_END', 'lines of a multipart body end in CRLF, not in LF');
}

/** The header lines of a part; the CRLF that ends the empty line behind them stays in the source. */
async function takeHeaderBlock(source: ByteSource): Promise<string> {
  for (;;) {
    const none = source.bytes[0] === CR && source.bytes[1] === LF;
    const end = none ? -2 : source.bytes.indexOf('\r\n\r\n');
    if ((end === -1 ? source.bytes.length : end) > MAX_HEADERS) {
      throw new WireError('MTOM_HEADERS', 'the headers of a part are too long');
    }
    if (end !== -1) return source.take(end + 2).toString('latin1');
    if (source.ended) throw new WireError('MTOM_TRUNCATED', 'the body ends inside the headers of a part');
    await source.more();
  }
}

function readHeaders(block: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  // A line that starts with a blank continues the one before (RFC 5322 section 2.2.3).
  for (const line of block.replace(/\r\n(?=[ \t])/g, '').split('\r\n')) {
    if (line === '') continue;
    if (/[\r\n]/.test(line)) throw new WireError('MTOM_LINE_END', 'part headers end in CRLF, not in CR or LF alone');
    const [, name, value = ''] = /^([!#$%&'*+.^_`|~\w-]+)[ \t]*:(.*)$/.exec(line) ?? [];
    if (name === undefined || headers.has(name.toLowerCase())) {
      throw new WireError('MTOM_HEADERS', 'a part header cannot be read or is repeated');
    }
    headers.set(name.toLowerCase(), value.trim());
  }
  return headers;
}

/** The bytes of a body not yet consumed, filled chunk by chunk; holds no more than a chunk and a delimiter's length. */
class ByteSource {
  bytes: Buffer;
  ended = false;
  readonly #rest: AsyncIterator<Uint8Array>;

  constructor(body: Uint8Array | AsyncIterable<Uint8Array>, first: Buffer) {
    this.bytes = first;
    this.#rest = (body instanceof Uint8Array ? single(body) : body)[Symbol.asyncIterator]();
  }

  /** Appends the next chunk; with none left, `ended` becomes true. */
  async more(): Promise<void> {
    const next = await this.#rest.next();
    if (next.done === true) this.ended = true;
    else this.bytes = Buffer.concat([this.bytes, next.value]);
  }

  take(length: number): Buffer {
    const taken = this.bytes.subarray(0, Math.max(length, 0));
    this.bytes = this.bytes.subarray(taken.length);
    return taken;
  }

  /** Reads the epilogue away, so that the connection below can serve the next message. */
  async drain(): Promise<void> {
    while (!this.ended) {
      this.bytes = this.bytes.subarray(this.bytes.length);
      await this.more();
    }
  }

  async close(): Promise<void> {
    if (!this.ended) await this.#rest.return?.();
  }
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
