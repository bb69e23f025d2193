// A reader of `GET /v1/events` as a stream, which takes piece by piece what came (server-sent events).
import { WRITER_KEY } from './gateway-server.ts';

/** One event as pages and streams tell it. */
export type Told = {
  seq: number;
  id: string;
  type: string;
  at: string;
  diga: string;
  data: Record<string, unknown>;
};

/** `take` resolves when that many events have come; `piece` is one event or comment, undefined at the end. */
export async function openStream(
  address: string,
  o: { signal: AbortSignal; query?: string; headers?: Record<string, string>; key?: string },
) {
  const answer = await fetch(`${address}/v1/events${o.query ?? ''}`, {
    headers: { authorization: `Bearer ${o.key ?? WRITER_KEY}`, accept: 'text/event-stream', ...o.headers },
    signal: o.signal,
  });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const piece = async (): Promise<string | undefined> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const one = text.slice(0, end);
        text = text.slice(end + 2);
        return one;
      }
      const read = await reader?.read();
      if (read === undefined || read.done) return undefined;
      text += read.value;
    }
  };
  return {
    answer,
    piece,
    take: async (count: number) => {
      const told: { id: number; event: string; data: Told }[] = [];
      while (told.length < count) {
        const one = await piece();
        if (one === undefined) throw new Error('the stream has ended');
        const match = /^id: ([0-9]+)\nevent: ([a-z.]+)\ndata: (.*)$/.exec(one);
        if (match !== null)
          told.push({ id: Number(match[1]), event: match[2] ?? '', data: JSON.parse(match[3] ?? '') });
      }
      return told;
    },
  };
}
