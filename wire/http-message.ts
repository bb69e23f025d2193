// One HTTP/1.1 message as bytes, as it stands inside a VAU frame (RFC 9112; export-flow.md 3.5, A_24633). The frame
// carries exactly one message, so its end is the message's end: no chunking, no pipelining, no lenient line ends, and
// bodies are never taken for text, because answers may hold MTOM.
import { WireError } from './error.ts';

export type Headers = readonly (readonly [name: string, value: string])[];
export type RequestHead = { method: string; path: string; headers: Headers };
export type HttpRequest = RequestHead & { body: Uint8Array };
export type HttpResponse = { status: number; reason: string; headers: Headers; body: Uint8Array };

/** RFC 9110 section 5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Visible ASCII, space, tab and bytes above 0x7F (RFC 9110 section 5.5). */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;
const originForm = /^\/[\x21-\x22\x24-\x7e]*$/;
const requestLine = /^([^ ]+) ([^ ]+) HTTP\/1\.1$/;
/** No 1xx: an interim response has no frame of its own. */
const statusLine = /^HTTP\/1\.1 ([2-5][0-9]{2})(?: (.*))?$/;
/** A head of this size is an attack or a mistake; the frames' own heads are below 2 KiB. */
const MAX_HEAD = 64 * 1024;

/** The value of the first header of that name, whatever its case. */
export function header(h: Headers, name: string): string | undefined {
  const wanted = name.toLowerCase();
  return h.find(([key]) => key.toLowerCase() === wanted)?.[1];
}

/**
 * Request line and headers up to the empty line; the body of `contentLength` bytes follows it. Content-Length is added
 * here and may not be given. WireError HTTP_HEADER, HTTP_START_LINE.
 */
export function writeRequestHead(h: RequestHead & { contentLength: number }): Uint8Array {
  if (!token.test(h.method) || !originForm.test(h.path)) {
    throw new WireError('HTTP_START_LINE', 'method or path cannot stand in a request line');
  }
  return head(`${h.method} ${h.path} HTTP/1.1`, h.headers, h.contentLength);
}

export function writeRequest(r: HttpRequest): Uint8Array {
  return Buffer.concat([writeRequestHead({ ...r, contentLength: r.body.length }), r.body]);
}

/** Reads a whole request. WireError HTTP_HEAD, HTTP_START_LINE, HTTP_HEADER, HTTP_CHUNKED, HTTP_LENGTH. */
export function parseRequest(bytes: Uint8Array): HttpRequest {
  const { start, headers, body } = split(bytes);
  const [, method = '', path = ''] = requestLine.exec(start) ?? [];
  if (!token.test(method) || !originForm.test(path)) {
    throw new WireError('HTTP_START_LINE', 'no HTTP/1.1 request line with method and path');
  }
  // Without Content-Length a request has no body (RFC 9112 section 6.3), so no byte may follow its head.
  if ((contentLength(headers) ?? 0) !== body.length) throw lengthMismatch();
  return { method, path, headers, body };
}

/** `contentLength: false` leaves the header out, as one vendor's record system does (export-flow.md 3.5). */
export function writeResponse(r: {
  status: number;
  headers: Headers;
  body: Uint8Array;
  contentLength?: boolean;
}): Uint8Array {
  const start = `HTTP/1.1 ${r.status} ${reasons[r.status] ?? ''}`;
  if (!statusLine.test(start)) throw new WireError('HTTP_START_LINE', 'no HTTP status');
  return Buffer.concat([head(start, r.headers, r.contentLength === false ? undefined : r.body.length), r.body]);
}

/**
 * Reads a whole response. Without Content-Length the body is the rest of the bytes (export-flow.md 3.5); a wrong one is
 * refused. WireError HTTP_HEAD, HTTP_START_LINE, HTTP_HEADER, HTTP_CHUNKED, HTTP_LENGTH.
 */
export function parseResponse(bytes: Uint8Array): HttpResponse {
  const { start, headers, body } = split(bytes);
  const [, status, reason = ''] = statusLine.exec(start) ?? [];
  if (status === undefined || !fieldValue.test(reason))
    throw new WireError('HTTP_START_LINE', 'no HTTP/1.1 status line');
  if ((contentLength(headers) ?? body.length) !== body.length) throw lengthMismatch();
  return { status: Number(status), reason, headers, body };
}

function head(start: string, headers: Headers, length: number | undefined): Uint8Array {
  if (length !== undefined && (!Number.isSafeInteger(length) || length < 0)) throw lengthMismatch();
  const lines = [start];
  for (const [name, value] of headers) {
    if (!token.test(name) || !fieldValue.test(value)) {
      throw new WireError('HTTP_HEADER', 'a header holds what may not stand in it');
    }
    if (/^(?:content-length|transfer-encoding|te)$/i.test(name)) {
      throw new WireError('HTTP_HEADER', `${name} is not for the caller to set`);
    }
    lines.push(`${name}: ${value}`);
  }
  if (length !== undefined) lines.push(`Content-Length: ${length}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function split(bytes: Uint8Array): { start: string; headers: Headers; body: Uint8Array } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.subarray(0, MAX_HEAD).indexOf('\r\n\r\n');
  if (end === -1) throw new WireError('HTTP_HEAD', 'the head of the message has no end');
  const [start = '', ...lines] = buffer.toString('latin1', 0, end).split('\r\n');
  return { start, headers: lines.map(headerOf), body: bytes.subarray(end + 4) };
}

/** One header line; a folded one (section 5.2), white space before the colon (5.1) or a bare CR or LF is refused. */
function headerOf(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0));
  const value = withoutOuterSpace(line.slice(colon + 1));
  if (!token.test(name) || !fieldValue.test(value)) throw new WireError('HTTP_HEADER', 'a header line cannot be read');
  return [name, value];
}

/** Optional white space around a value (section 5.1); a loop, since a regular expression would be quadratic here. */
function withoutOuterSpace(value: string): string {
  let start = 0;
  let end = value.length;
  while (value[start] === ' ' || value[start] === '\t') start += 1;
  while (end > start && (value[end - 1] === ' ' || value[end - 1] === '\t')) end -= 1;
  return value.slice(start, end);
}

function contentLength(headers: Headers): number | undefined {
  const named = (name: string) => headers.filter(([key]) => key.toLowerCase() === name);
  if (named('transfer-encoding').length > 0) {
    throw new WireError('HTTP_CHUNKED', 'Transfer-Encoding has no place inside a VAU frame');
  }
  const [length, ...more] = named('content-length');
  if (length === undefined) return undefined;
  if (more.length > 0 || !/^[0-9]{1,15}$/.test(length[1])) {
    throw new WireError('HTTP_LENGTH', 'Content-Length is repeated or no number');
  }
  return Number(length[1]);
}

function lengthMismatch(): WireError {
  return new WireError('HTTP_LENGTH', 'Content-Length differs from the length of the body');
}

/** RFC 9110 section 15, those our peers answer; any other status gets an empty reason. */
const reasons: Record<number, string> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  302: 'Found',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  423: 'Locked',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};
