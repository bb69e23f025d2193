// What an XML message may be made of, checked before fast-xml-parser sees it (XML 1.0 sections 2 and 4, stack.md
// section 7). That parser and its validator are lenient and cut tokens by different rules; here the message is proven to
// be a plain sequence of tags, text, comments and CDATA sections of UTF-8, so that both can only see the same thing.
import { WireError } from './error.ts';

/** Deeper than any message of Konnektor, IDP or record system (about 15), far from the end of the stack. */
export const MAX_DEPTH = 100;

/** How much one message may be made of; attributes count with the namespace declarations among them. */
export type XmlLimits = { elements: number; attributes: number; declarations: number };
/** Far above every message of Konnektor and record system, a large document in it is text; a tree of that takes about a second. */
export const XML_LIMITS: XmlLimits = { elements: 100_000, attributes: 200_000, declarations: 100_000 };
/** Of one element: a parser looks for doubles among them. */
const MAX_ATTRIBUTES = 256;

const NAME_START =
  'A-Z_a-z\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}\\u{200C}-\\u{200D}' +
  '\\u{2070}-\\u{218F}\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}';
const NC_NAME = `[${NAME_START}][${NAME_START}\\-.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}-\\u{2040}]*`;
const Q_NAME = `${NC_NAME}(?::${NC_NAME})?`;
const SPACE = '[ \\t\\r\\n]';
const ATTRIBUTE = `${SPACE}+${Q_NAME}${SPACE}*=${SPACE}*(?:"[^<"]*"|'[^<']*')`;

const declaration =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(["'])1\.0\1(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(["'])([A-Za-z][\w.-]*)\2)?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(["'])(?:yes|no)\4)?[ \t\r\n]*\?>/;
const qName = new RegExp(`^${Q_NAME}$`, 'u');
const tag = new RegExp(`<(?:${Q_NAME}(?:${ATTRIBUTE})*${SPACE}*/?|/${Q_NAME}${SPACE}*)>`, 'uy');
const attribute = new RegExp(ATTRIBUTE, 'gu');
const blank = /^[ \t\r\n]*$/;
// XML 1.0 section 2.2; a lone surrogate is no character either.
const forbidden = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
const reference = /&(?:(amp|lt|gt|apos|quot)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));|&/g;
const predefined: Record<string, string> = { amp: '&', lt: '<', gt: '>', apos: "'", quot: '"' };

/** True for `local` or `prefix:local` (Namespaces in XML 1.0, section 4). */
export function isQName(name: string): boolean {
  return qName.test(name);
}

/** The text itself, or WireError XML_CHARACTER when XML 1.0 cannot carry one of its characters, not even escaped. */
export function requireCharacters(value: string): string {
  if (forbidden.test(value)) throw new WireError('XML_CHARACTER', 'a character that XML 1.0 forbids');
  return value;
}

/** Bytes (or text) of a message as text without byte order mark and declaration; WireError XML_ENCODING, XML_CHARACTER. */
export function decodeXml(input: Uint8Array | string): string {
  let message: string;
  try {
    message =
      typeof input === 'string' ? input : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input);
  } catch {
    throw new WireError('XML_ENCODING', 'the message is not valid UTF-8');
  }
  if (message.startsWith('\u{FEFF}')) message = message.slice(1);
  requireCharacters(message);
  if (!/^<\?xml[ \t\r\n]/.test(message)) return message;
  const declared = declaration.exec(message);
  if (declared === null)
    throw new WireError('XML_MALFORMED', 'the XML declaration cannot be read or is not of version 1.0');
  if (declared[3] !== undefined && declared[3].toLowerCase() !== 'utf-8') {
    throw new WireError('XML_ENCODING', 'the message declares another encoding than UTF-8');
  }
  return message.slice(declared[0].length);
}

/**
 * Refuses all but elements, attributes, text, comments, CDATA sections and the predefined and numeric references.
 * `message` as decodeXml gives it. WireError XML_DOCTYPE, XML_PROCESSING_INSTRUCTION, XML_ENTITY, XML_DEPTH,
 * XML_MALFORMED, and XML_LIMIT beyond `limits`. Tag pairs and repeated attributes are left to the validator.
 */
export function requirePlainMarkup(message: string, limits?: XmlLimits): void {
  const left = limits && { ...limits };
  if (/<!DOCTYPE/i.test(message)) throw new WireError('XML_DOCTYPE', 'the message has a DOCTYPE');
  let depth = 0;
  for (const token of tokensOf(message)) {
    if (token.startsWith('</')) depth -= 1;
    else if (token.startsWith('<!--')) continue;
    else if (token.startsWith('<![')) requireInside(depth > 0);
    else if (token.startsWith('<')) {
      if (token.includes('&')) decodeReferences(token);
      if (left !== undefined) spend(left, token);
      if (!token.endsWith('/>')) depth += 1;
    } else {
      requireInside(depth > 0 || blank.test(token));
      if (token.includes(']]>')) throw new WireError('XML_MALFORMED', 'the end of a CDATA section without its start');
      if (token.includes('&')) decodeReferences(token);
    }
    if (depth > MAX_DEPTH) throw new WireError('XML_DEPTH', `elements nested deeper than ${MAX_DEPTH}`);
  }
}

/** Takes one start tag off what is left. WireError XML_LIMIT. */
function spend(left: XmlLimits, token: string): void {
  const attributes = token.includes('=') ? (token.match(attribute) ?? []) : [];
  left.elements -= 1;
  left.attributes -= attributes.length;
  for (const one of attributes) if (/^[ \t\r\n]+xmlns[:= \t\r\n]/.test(one)) left.declarations -= 1;
  if (attributes.length > MAX_ATTRIBUTES || Math.min(left.elements, left.attributes, left.declarations) < 0)
    throw new WireError('XML_LIMIT', 'more elements, attributes or namespace declarations than any message has');
}

/** Tags, comments, CDATA sections and the text between them, in order; joined again they are the message. */
export function* tokensOf(message: string): Generator<string> {
  for (let at = 0; at < message.length; ) {
    const token = nextToken(message, at);
    yield token;
    at += token.length;
  }
}

function nextToken(message: string, at: number): string {
  if (message[at] !== '<') {
    const end = message.indexOf('<', at);
    return end === -1 ? message.slice(at) : message.slice(at, end);
  }
  if (message[at + 1] === '?') {
    throw new WireError('XML_PROCESSING_INSTRUCTION', 'SOAP forbids processing instructions');
  }
  let end = -1;
  if (message.startsWith('<!--', at)) {
    const dashes = message.indexOf('--', at + 4);
    if (dashes !== -1 && message[dashes + 2] === '>') end = dashes + 3;
  } else if (message.startsWith('<![CDATA[', at)) {
    const close = message.indexOf(']]>', at + 9);
    if (close !== -1) end = close + 3;
  } else {
    tag.lastIndex = at;
    if (tag.test(message)) end = tag.lastIndex;
  }
  if (end === -1) throw new WireError('XML_MALFORMED', 'the message is not well-formed');
  return message.slice(at, end);
}

function requireInside(inside: boolean): void {
  if (!inside) throw new WireError('XML_MALFORMED', 'text outside the root element');
}

/** Text with its references replaced. WireError XML_ENTITY for any but the five predefined and numeric ones. */
export function decodeReferences(value: string): string {
  return value.replace(
    reference,
    (whole, name: string | undefined, decimal: string | undefined, hex: string | undefined) => {
      if (whole === '&')
        throw new WireError('XML_ENTITY', 'a reference to something else than a predefined entity or a character');
      if (name !== undefined) return predefined[name] ?? '';
      const point = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number.parseInt(decimal, 10);
      if (point > 0x10ffff) throw new WireError('XML_CHARACTER', 'a reference to a character that does not exist');
      return requireCharacters(String.fromCodePoint(point));
    },
  );
}
