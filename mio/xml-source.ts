// Bytes in pieces of any size as events for the FHIR reader: decoded as UTF-8 and scanned, within limits. What FHIR XML never
// needs is refused before it can do anything: DTD, entities, processing instructions, other encodings.
import { MioError } from './error.ts';
import { type XmlEvents, XmlScanner } from './xml-scan.ts';

/** A document may have 25,000,000 bytes (mio-diga.md section 9); no FHIR structure of the toolkit is nested this deep. */
export const MAX_BYTES = 25_000_000;
export const MAX_DEPTH = 100;
const PIECE = 65_536;
const GREATER = 0x3e;

export class XmlSource {
  readonly scanner: XmlScanner;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(events: XmlEvents, limits: { maxBytes?: number; maxDepth?: number } = {}) {
    this.scanner = new XmlScanner(events, limits.maxDepth ?? MAX_DEPTH);
    this.#maxBytes = limits.maxBytes ?? MAX_BYTES;
  }

  /** MioError XML_*, MIO_TOO_LARGE. */
  write(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes > this.#maxBytes) throw new MioError('MIO_TOO_LARGE', `more than ${this.#maxBytes} bytes`);
    // Pieces end with a tag wherever they can: then the scanner looks at each as it was decoded, and joins none.
    for (let at = 0, end = bytes.indexOf(GREATER) + 1; at < bytes.length; ) {
      if (end <= at) end = Math.min(at + PIECE, bytes.length);
      this.scanner.write(this.#decode(bytes.subarray(at, end)));
      at = end;
      end = at + bytes.subarray(at, at + PIECE).lastIndexOf(GREATER) + 1;
    }
  }

  end(): void {
    this.scanner.write(this.#decode());
    this.scanner.end();
  }

  /** Without bytes: the end, where no character may be cut in two. */
  #decode(bytes?: Uint8Array): string {
    try {
      return bytes === undefined ? this.#decoder.decode() : this.#decoder.decode(bytes, { stream: true });
    } catch {
      return this.scanner.refuse('XML_ENCODING');
    }
  }
}
