// multipart/form-data (RFC 7578) as a stream: each part is handed to a sink while it comes in. Strict, since two readers that
// disagree about where a part ends would judge another document than the one that is written. Names and file names of parts
// are the caller's text and are never repeated (D15).
import { WireError } from '../../wire/error.ts';
import { readMediaType, splitMultipart } from '../../wire/multipart.ts';
import type { Finding } from '../exports/finding.ts';
import { RequestError } from './problem.ts';

/** `type` in lower case without parameters; undefined: the part names none. `nth` counts from 1. */
export type FormPart = { name: string; type: string | undefined; nth: number };

/** Where the bytes of one part go. */
export type Sink = { write(bytes: Uint8Array): Promise<void>; end(): Promise<void> };

/** Reads a form to its end, or until `open` or a sink throws. BODY_INVALID when it cannot be read. */
export async function receiveForm(o: {
  body: AsyncIterable<Uint8Array>;
  contentType: string;
  open: (part: FormPart) => Sink;
}): Promise<void> {
  let sink: Sink | undefined;
  let nth = 0;
  try {
    for await (const event of splitMultipart(o.body, boundaryOf(o.contentType))) {
      if (event.kind === 'bytes') await sink?.write(event.bytes);
      else {
        await sink?.end();
        nth += 1;
        sink = o.open(partOf(event.headers, nth));
      }
    }
    await sink?.end();
  } catch (thrown) {
    // The splitter's messages are fixed texts.
    if (thrown instanceof WireError) throw new RequestError('BODY_INVALID', `multipart: ${thrown.message}`);
    throw thrown;
  }
}

/** RFC 2046 section 5.1.1. */
function boundaryOf(contentType: string): string {
  const boundary = readMediaType(contentType).parameters.get('boundary') ?? '';
  if (!/^[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]$/.test(boundary))
    throw new RequestError('BODY_INVALID', 'multipart: the boundary is missing or not one');
  return boundary;
}

function partOf(headers: ReadonlyMap<string, string>, nth: number): FormPart {
  const disposition = headers.get('content-disposition') ?? '';
  const [, name] = /^form-data\s*;(?:[^"]|"(?:[^"\\]|\\.)*")*?\bname\s*=\s*"([^"\\]*)"/i.exec(disposition) ?? [];
  if (name === undefined)
    throw partFault(nth, 'PART_NAMELESS', 'has no Content-Disposition of form-data with a name in quotes');
  const encoding = (headers.get('content-transfer-encoding') ?? 'binary').toLowerCase();
  // RFC 7578 section 4.7 has done away with it; bytes are bytes.
  if (!['binary', '8bit', '7bit'].includes(encoding))
    throw partFault(nth, 'PART_ENCODED', 'must hold its bytes as they are, without Content-Transfer-Encoding');
  const type = headers.get('content-type');
  return { name, type: type === undefined ? undefined : readMediaType(type).type, nth };
}

/** A fault of the form itself. */
export function partFault(nth: number, code: string, message: string): RequestError {
  const finding: Finding = { pointer: '', path: `part ${nth}`, code, message };
  return new RequestError('EXPORT_INVALID', 'the parts of the body are not as they must be, see findings', {
    findings: [finding],
  });
}
