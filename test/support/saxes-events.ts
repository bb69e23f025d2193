// XML as events by saxes, the judge of mio/xml-scan.ts: the same events, and what is refused with the same codes.
import { SaxesParser } from 'saxes';
import { MioError } from '../../mio/error.ts';
import { type XmlEvents, XmlScanner } from '../../mio/xml-scan.ts';

/** `verdict`: 'ok' or the code of the refusal; `events` up to there. */
export type Seen = { verdict: string; events: string[] };

export function seenByScanner(pieces: readonly string[], maxDepth = 100): Seen {
  return seen((events) => {
    const scanner = new XmlScanner(events, maxDepth);
    for (const piece of pieces) scanner.write(piece);
    scanner.end();
  });
}

export function seenBySaxes(text: string, maxDepth = 100): Seen {
  return seen((events) => {
    let depth = 0;
    const refuse = (code: string): never => {
      throw new MioError(code, code);
    };
    const parser = new SaxesParser({ xmlns: false, position: true });
    parser.on('error', (error) => refuse(codeOf(error.message)));
    parser.on('doctype', () => refuse('XML_DOCTYPE'));
    parser.on('processinginstruction', () => refuse('XML_PROCESSING_INSTRUCTION'));
    parser.on('xmldecl', ({ version, encoding }) => {
      if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') refuse('XML_ENCODING');
      if (version !== '1.0') refuse('XML_MALFORMED');
    });
    parser.on('opentagstart', () => {
      depth += 1;
      if (depth > maxDepth) refuse('XML_DEPTH');
    });
    parser.on('opentag', (tag) => events.open(tag.name, Object.entries(tag.attributes).flat(), tag.isSelfClosing));
    parser.on('closetag', () => {
      depth -= 1;
      events.close();
    });
    parser.on('text', (one) => {
      if (/[^ \t\r\n]/.test(one)) events.text();
    });
    parser.on('cdata', () => events.text());
    parser.write(text).close();
  });
}

function seen(run: (events: XmlEvents) => void): Seen {
  const events: string[] = [];
  try {
    run({
      // Objects put names that are whole numbers first; no XML name is one.
      open: (name, attributes, closed) => events.push(JSON.stringify([name, ...attributes, closed])),
      close: () => events.push('close'),
      text: () => events.push('text'),
    });
  } catch (error) {
    if (error instanceof MioError) return { verdict: error.code, events };
    throw error;
  }
  return { verdict: 'ok', events };
}

/** saxes has no codes; these are the texts of its pinned version. */
function codeOf(message: string): string {
  if (/undefined entity|empty entity name|malformed character entity/.test(message)) return 'XML_ENTITY';
  if (/disallowed character\.$/.test(message)) return 'XML_CHARACTER';
  if (/processing instruction/.test(message)) return 'XML_PROCESSING_INSTRUCTION';
  return /doctype/.test(message) ? 'XML_DOCTYPE' : 'XML_MALFORMED';
}
