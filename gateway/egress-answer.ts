// What comes back, read within its limit. A leaf of gateway/egress.ts.
import type { Dispatcher } from 'undici';
import { AnswerTooLarge } from './egress-error.ts';

/** The answer's body, whole; AnswerTooLarge as soon as it is known to be, and the connection is given up. */
export async function readCapped({ headers, body }: Dispatcher.ResponseData, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = Number(headers['content-length'] ?? 0);
  if (length <= limit) {
    length = 0;
    for await (const chunk of body) {
      if (!(chunk instanceof Uint8Array)) continue;
      length += chunk.byteLength;
      if (length > limit) break;
      parts.push(chunk);
    }
  }
  if (length <= limit) return new Uint8Array(Buffer.concat(parts));
  body.destroy();
  throw new AnswerTooLarge(`more than ${limit} bytes`);
}

export function plainHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const plain: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : value;
  return plain;
}
