// Multipart bodies for tests, put together line by line as other stacks write them.

export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

export async function* inChunks(content: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

/** A body as a stack wrote it: header lines and content of each part. */
export function bodyOf(boundary: string, ...parts: [headers: string, content: string][]): Buffer {
  const sections = parts.map(([headers, content]) => `--${boundary}\r\n${headers}\r\n\r\n${content}\r\n`);
  return bytes(`${sections.join('')}--${boundary}--\r\n`);
}

export const ROOT =
  'Content-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\nContent-Transfer-Encoding: binary';
export const DOC = 'Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <doc>';
