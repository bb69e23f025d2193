// Reads a JSON body strictly (RFC 8259, I-JSON): UTF-8, one value, and no member twice in one object, since parsers differ
// in which of two they take and a checker must not see another document than the writer meant.
import { RequestError } from './problem.ts';

/** BODY_INVALID for everything that cannot be read as one JSON value. */
export function readJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new RequestError('BODY_INVALID', 'the body is not UTF-8', { cause });
  }
  // Before it is parsed: a few MB of brackets cost seconds and memory.
  if (isTooDeep(text)) throw new RequestError('BODY_INVALID', `the body is nested deeper than ${MAX_DEPTH} levels`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the text: not passed on.
    throw new RequestError('BODY_INVALID', 'the body is not JSON');
  }
  if (hasDoubledMember(text)) throw new RequestError('BODY_INVALID', 'a member stands twice in one object');
  return value;
}

const MAX_DEPTH = 100;

/** Of any text: what is no JSON is found out afterwards. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) at = endOfString(text, at);
    else if (char === 0x7b || char === 0x5b) depth++;
    else if (char === 0x7d || char === 0x5d) depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

/** One pass over text that JSON.parse has accepted: strings are skipped whole, keys collected per open object. */
function hasDoubledMember(text: string): boolean {
  const open: (Set<string> | null)[] = [];
  let key = false;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
        open.push(new Set());
        key = true;
        break;
      case 0x5b: // [
        open.push(null);
        key = false;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        key = false;
        break;
      case 0x2c: // ,
        key = open.at(-1) != null;
        break;
      case 0x22: {
        const end = endOfString(text, at);
        const keys = open.at(-1);
        if (key && keys != null) {
          const name: string = JSON.parse(text.slice(at, end + 1));
          if (keys.has(name)) return true;
          keys.add(name);
          key = false;
        }
        at = end;
        break;
      }
      default:
        break;
    }
  }
  return false;
}

/** Index of the closing quote of the string that opens at `at`. */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

/** The same text for the same JSON value, whatever the order of its members and its white space. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
}
