// MTOM/XOP messages of SOAP 1.2, written and read as streams (XOP 1.0, MTOM 1.0, RFC 2387, RFC 2392; export-flow.md 5.1,
// epa-record-system.md 4.1, A_14418-01). The writer's shape is CXF's, which both open-source clients send to the record
// systems in service; the reader takes any shape of Content-Type and part order those and other stacks produce.
import { WireError } from './error.ts';
import { readMediaType, splitMultipart } from './multipart.ts';
import { parseXml, raw, serialize, type XmlElement } from './xml.ts';
import { decodeXml, tokensOf } from './xml-lexis.ts';

export { isMultipart } from './multipart.ts';

export const XOP_NS = 'http://www.w3.org/2004/08/xop/include';

/** `contentId` without angle brackets; `bytes` must give exactly `length` bytes. */
export type MtomPart = {
  contentId: string;
  contentType: string;
  length: number;
  bytes: AsyncIterable<Uint8Array> | Uint8Array;
};

/**
 * A message of SOAP 1.2 with its root first. The length is exact before the first byte is read; parts are passed on
 * chunk by chunk. `body` can be read again if the parts can. WireError MTOM_HEADERS for a value that cannot stand in a
 * header; MTOM_LENGTH, while reading `body`, when a part is not as long as announced, before any byte too many.
 */
export function writeMtom(o: {
  root: string;
  action: string;
  boundary: string;
  rootContentId: string;
  parts: MtomPart[];
}): { contentType: string; length: number; body: AsyncIterable<Uint8Array> } {
  if (!/^[0-9A-Za-z'()+_,\-./:=?]{1,70}$/.test(o.boundary)) throw badHeader();
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(o.action)) throw badHeader();
  const root = Buffer.from(o.root, 'utf8');
  const soapType = `application/soap+xml; action=\\"${o.action}\\"`;
  const rootPart: MtomPart = {
    contentId: o.rootContentId,
    contentType: `application/xop+xml; charset=UTF-8; type="${soapType}"`,
    length: root.length,
    bytes: root,
  };
  const sections = [rootPart, ...o.parts].map((part, index) => ({ head: partHead(part, o.boundary, index), part }));
  const end = Buffer.from(`\r\n--${o.boundary}--\r\n`);
  return {
    contentType:
      `multipart/related; type="application/xop+xml"; boundary="${o.boundary}"; ` +
      `start="<${o.rootContentId}>"; start-info="${soapType}"`,
    length: sections.reduce((sum, { head, part }) => sum + head.length + part.length, end.length),
    body: {
      async *[Symbol.asyncIterator]() {
        for (const { head, part } of sections) {
          yield head;
          yield* exactly(part);
        }
        yield end;
      },
    },
  };
}

function partHead(part: MtomPart, boundary: string, index: number): Buffer {
  if (!/^[\x21-\x3b\x3d\x3f-\x7e]+$/.test(part.contentId)) throw badHeader();
  if (!/^[\x20-\x7e]+$/.test(part.contentType)) throw badHeader();
  const lines = [
    `${index === 0 ? '' : '\r\n'}--${boundary}`,
    `Content-Type: ${part.contentType}`,
    'Content-Transfer-Encoding: binary',
    `Content-ID: <${part.contentId}>`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

async function* exactly(part: MtomPart): AsyncGenerator<Uint8Array> {
  let left = part.length;
  for await (const chunk of part.bytes instanceof Uint8Array ? [part.bytes] : part.bytes) {
    left -= chunk.length;
    if (left < 0) break;
    yield chunk;
  }
  if (left !== 0) throw new WireError('MTOM_LENGTH', 'a part is not as long as announced');
}

function badHeader(): WireError {
  return new WireError('MTOM_HEADERS', 'a value that cannot stand in a multipart header');
}

/** `parts` are all but the root, by content id without angle brackets. */
export type MtomMessage = {
  root: Uint8Array;
  rootContentType: string;
  parts: Map<string, { contentType: string; bytes: Uint8Array }>;
};

/** Twice the 25 MB a document may have in the record (epa-record-system.md 4.6), base64 included. */
const DEFAULT_PART_BYTES = 50 * 1024 * 1024;
const MAX_PARTS = 100;

/**
 * Reads a message; its root is the part named by `start`, else the first (RFC 2387 section 3.2). WireError
 * MTOM_CONTENT_TYPE (not multipart/related, no boundary), MTOM_TRUNCATED, MTOM_LINE_END, MTOM_HEADERS, MTOM_ENCODING,
 * MTOM_CONTENT_ID (missing, repeated), MTOM_ROOT (none), MTOM_TOO_LARGE (a part beyond `partBytes`, too many parts).
 */
export async function readMtom(
  contentType: string,
  body: Uint8Array | AsyncIterable<Uint8Array>,
  limits: { partBytes?: number } = {},
): Promise<MtomMessage> {
  const { type, parameters } = readMediaType(contentType);
  const boundary = parameters.get('boundary') ?? '';
  if (type !== 'multipart/related' || boundary === '' || boundary.length > 200) {
    throw new WireError('MTOM_CONTENT_TYPE', 'no multipart/related with a boundary');
  }
  const partBytes = limits.partBytes ?? DEFAULT_PART_BYTES;
  const sections: Section[] = [];
  for await (const event of splitMultipart(body, boundary)) {
    if (event.kind === 'headers') {
      if (sections.length === MAX_PARTS) throw new WireError('MTOM_TOO_LARGE', 'too many parts');
      sections.push({ headers: event.headers, chunks: [], length: 0 });
      continue;
    }
    const current = sections.at(-1);
    if (current === undefined) continue;
    current.length += event.bytes.length;
    if (current.length > partBytes) throw new WireError('MTOM_TOO_LARGE', `a part is larger than ${partBytes} bytes`);
    current.chunks.push(event.bytes);
  }
  return messageOf(sections, parameters.get('start'));
}

type Section = { headers: ReadonlyMap<string, string>; chunks: Uint8Array[]; length: number };

function messageOf(sections: Section[], start: string | undefined): MtomMessage {
  const rootSection =
    start === undefined
      ? sections[0]
      : sections.find((section) => contentIdIn(section.headers.get('content-id')) === contentIdIn(start));
  if (rootSection === undefined) throw new WireError('MTOM_ROOT', 'no part is the root of the message');
  const parts: MtomMessage['parts'] = new Map();
  for (const section of sections) {
    if (section === rootSection) continue;
    const contentId = contentIdIn(section.headers.get('content-id'));
    if (contentId === '' || parts.has(contentId)) {
      throw new WireError('MTOM_CONTENT_ID', 'a part without Content-ID of its own');
    }
    parts.set(contentId, { contentType: contentTypeOf(section), bytes: decoded(section) });
  }
  return { root: decoded(rootSection), rootContentType: contentTypeOf(rootSection), parts };
}

/** RFC 2045 section 5.2 calls a part without type text; what is meant here are bytes. */
function contentTypeOf(section: Section): string {
  return section.headers.get('content-type') ?? 'application/octet-stream';
}

function contentIdIn(value: string | undefined): string {
  return (value ?? '').trim().replace(/^<(.*)>$/s, '$1');
}

function decoded(section: Section): Uint8Array {
  const [only] = section.chunks;
  const bytes = section.chunks.length === 1 && only !== undefined ? only : Buffer.concat(section.chunks);
  const encoding = (section.headers.get('content-transfer-encoding') ?? 'binary').toLowerCase();
  if (encoding === 'binary' || encoding === '8bit' || encoding === '7bit') return bytes;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('latin1')
    .replace(/[ \t\r\n]+/g, '');
  if (encoding !== 'base64' || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new WireError('MTOM_ENCODING', 'an unknown Content-Transfer-Encoding, or content that does not fit it');
  }
  return Buffer.from(text, 'base64');
}

/** The URL of a part for `xop:Include` (RFC 2392): percent-encoded, so that any content id survives the way there and back. */
export function includeHref(contentId: string): string {
  return `cid:${encodeURIComponent(contentId)}`;
}

/** The content id an `xop:Include` names; some stacks encode `@`, some do not. WireError MTOM_HREF. */
export function contentIdOf(href: string): string {
  try {
    if (/^cid:./i.test(href)) return decodeURIComponent(href.slice('cid:'.length));
  } catch {
    // falls through: a broken percent encoding names nothing
  }
  throw new WireError('MTOM_HREF', 'the reference to a part is no cid: URL');
}

/**
 * The key in `parts` that an `xop:Include` names; undefined when no part is meant. CXF percent-encodes the id in the part's
 * header already and writes it into the URL as it is, so the text as it stands counts too. WireError MTOM_HREF.
 */
export function partOf(href: string, parts: MtomMessage['parts']): string | undefined {
  return [contentIdOf(href), href.slice('cid:'.length)].find((contentId) => parts.has(contentId));
}

/**
 * The root with each `xop:Include` replaced by its part in base64 (XOP 1.0 section 3.2), for validation against an XSD.
 * WireError MTOM_HREF, MTOM_CONTENT_ID (no such part), XML_*.
 */
export function inlineXop(root: Uint8Array, parts: MtomMessage['parts']): string {
  // Start tags and elements come in the same order, so the tree tells which of the tags are Includes, whatever their prefix.
  const elements = inOrder(parseXml(root));
  let inlined = '';
  let skipping = false;
  for (const token of tokensOf(decodeXml(root))) {
    if (skipping) {
      skipping = !token.startsWith('</');
      continue;
    }
    const element = /^<[^!/]/.test(token) ? elements.next().value : undefined;
    if (element?.ns !== XOP_NS || element.name !== 'Include') {
      inlined += token;
      continue;
    }
    const contentId = partOf(element.attributes.get('href') ?? '', parts);
    const part = contentId === undefined ? undefined : parts.get(contentId);
    if (part === undefined) throw new WireError('MTOM_CONTENT_ID', 'an Include names a part that is not there');
    inlined += Buffer.from(part.bytes).toString('base64');
    skipping = !token.endsWith('/>');
  }
  return serialize(raw(inlined));
}

function* inOrder(element: XmlElement): Generator<XmlElement, undefined> {
  yield element;
  for (const inner of element.children) yield* inOrder(inner);
}
