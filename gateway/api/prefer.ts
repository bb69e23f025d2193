// `Prefer: wait=N` (RFC 7240 section 4.3; api.md section 2): the answer comes when the export is final, or after N seconds.
import type { FastifyReply, FastifyRequest } from 'fastify';

export const LONGEST_WAIT_S = 30;

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/.source;
const QUOTED = /"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"/.source;
const PIECE = new RegExp(`[ \\t]*(${TOKEN}|${QUOTED}|[=;,])`, 'y');

/**
 * Seconds of the first `wait` (1 to 30), or null. A preference is a wish: one that is not understood, and a header that
 * cannot be read, is ignored (RFC 7240 section 2).
 */
export function preferredWait(prefer: string | undefined): number | null {
  const pieces = piecesOf(prefer ?? '');
  const preferences = splitAt(pieces, ',').filter((p) => p.length > 0);
  for (const preference of preferences) {
    const [name = '', ...values] = splitAt(preference, ';')[0] ?? [];
    if (name.toLowerCase() !== 'wait') continue;
    // Of a preference that stands twice only the first counts.
    const [equals, seconds = '', ...more] = values;
    const n = equals === '=' && more.length === 0 && /^\d{1,9}$/.test(seconds) ? Number(seconds) : 0;
    return n >= 1 && n <= LONGEST_WAIT_S ? n : null;
  }
  return null;
}

/** Waits as the client prefers, says so in Preference-Applied, and gives up when the client goes away. */
export async function waitAsPreferred(
  request: FastifyRequest,
  reply: FastifyReply,
  until: (o: { ms: number; gone: AbortSignal }) => Promise<void>,
): Promise<void> {
  const seconds = preferredWait(request.headers.prefer?.toString());
  if (seconds === null) return;
  reply.header('preference-applied', `wait=${seconds}`);
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  if (reply.raw.destroyed) return;
  await until({ ms: seconds * 1000, gone: gone.signal });
}

/** Tokens, quoted strings and separators; none when the text is no list of preferences. */
function piecesOf(text: string): string[] {
  const header = text.trim();
  const pieces: string[] = [];
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < header.length) {
    const piece = PIECE.exec(header)?.[1];
    if (piece === undefined) return [];
    pieces.push(piece);
  }
  return pieces;
}

function splitAt(pieces: readonly string[], separator: string): string[][] {
  const parts: string[][] = [[]];
  for (const piece of pieces) {
    if (piece === separator) parts.push([]);
    else parts.at(-1)?.push(piece);
  }
  return parts;
}
