// `GET /v1/events` (api.md section 2): what became of the caller's exports, by pages or as a stream (server-sent events,
// WHATWG HTML section 9.2). A stream reads the outbox when its reader has taken what came before: slow readers cost no memory.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { viewEvent } from '../exports/export-view.ts';
import { type EventBell, type GatewayEvent, readEvents } from '../exports/outbox.ts';
import type { Database } from '../exports/store.ts';
import type { Timer } from '../exports/worker.ts';
import { type Caller, requireRole } from './authentication.ts';
import { readEventsQuery, readLastEventId } from './events-query.ts';
import { type Language, languageOf, RequestError } from './problem.ts';

export type EventsApi = { db: Database; bell: EventBell; timer: Timer };

const HEARTBEAT_MS = 15_000;
/** Each holds a connection for as long as its reader likes (D19). */
const STREAMS_PER_CLIENT = 10;

/** `callerOf` authenticates. Streams end when the listener closes. */
export function registerEvents(app: FastifyInstance, api: EventsApi, callerOf: (r: FastifyRequest) => Caller): void {
  const streams = new Map<AbortController, { client: string; reply: FastifyReply }>();
  app.addHook('preClose', async () => {
    for (const [stop, { reply }] of streams) {
      stop.abort();
      // Who does not read would keep the gateway from stopping; resuming brings what was not read.
      if (reply.raw.writableLength > 0) reply.raw.destroy();
    }
  });

  app.get('/v1/events', async (request, reply) => {
    const caller = callerOf(request);
    requireRole(caller, 'reader');
    const { after, limit } = readEventsQuery(request.query);
    const language = languageOf(request.headers['accept-language']);
    const diga = caller.diga ?? undefined;
    reply.headers({ vary: 'Accept, Accept-Language', 'cache-control': 'no-store, private' });
    // A HEAD asks for the head of an answer that ends.
    if (!wantsStream(request.headers.accept) || request.method === 'HEAD') {
      const page = await readEvents(api.db, { diga, after, limit: limit + 1 });
      const shown = page.slice(0, limit);
      const next = page.length > limit ? (shown.at(-1)?.seq ?? null) : null;
      return reply
        .type('application/json; charset=utf-8')
        .send(JSON.stringify({ events: shown.map((e) => viewEvent(e, language)), next }));
    }
    const from = readLastEventId(request) ?? after;
    if ([...streams.values()].filter((s) => s.client === caller.id).length >= STREAMS_PER_CLIENT)
      throw new RequestError('TOO_MANY_REQUESTS', `a client has ${STREAMS_PER_CLIENT} streams of events at most`, {
        headers: { 'retry-after': String(HEARTBEAT_MS / 1000) },
      });
    const stop = new AbortController();
    streams.set(stop, { client: caller.id, reply });
    reply.raw.once('close', () => stop.abort());
    // Gone before we came to it: then there is no more `close` to wait for.
    if (reply.raw.destroyed) stop.abort();
    const text = Readable.from(follow(api, { diga, after: from, limit, language, stop: stop.signal }));
    text.once('close', () => streams.delete(stop));
    reply.header('x-accel-buffering', 'no').type('text/event-stream; charset=utf-8');
    return reply.send(text);
  });
}

/** The text of the stream, piece by piece, for as long as somebody takes it. */
export async function* follow(
  api: EventsApi,
  o: { diga: string | undefined; after: number; limit: number; language: Language; stop: AbortSignal },
): AsyncGenerator<string> {
  let { after } = o;
  let rung = false;
  let beat = false;
  let wake = () => {};
  const unlisten = api.bell.listen(() => {
    rung = true;
    wake();
  });
  const arm = () =>
    api.timer(HEARTBEAT_MS, () => {
      beat = true;
      wake();
    });
  const stopped = () => wake();
  o.stop.addEventListener('abort', stopped);
  let disarm = arm();
  try {
    // Sends the head of the answer before there is anything to tell.
    yield ': events follow\n\n';
    while (!o.stop.aborted) {
      if (beat) {
        beat = false;
        disarm = arm();
        yield ': still here\n\n';
      }
      // Before reading: what is committed while we read rings again.
      rung = false;
      const page = await readEvents(api.db, { diga: o.diga, after, limit: o.limit });
      for (const event of page) {
        if (o.stop.aborted) return;
        yield frame(event, o.language);
        after = event.seq;
      }
      if (page.length > 0 || rung || beat || o.stop.aborted) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    disarm();
    unlisten();
    o.stop.removeEventListener('abort', stopped);
  }
}

/** JSON has no line breaks of its own, so one `data` line holds it. */
const frame = (event: GatewayEvent, language: Language) =>
  `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(viewEvent(event, language))}\n\n`;

/** Named by the caller and not refused by `q=0` (RFC 9110 section 12.5.1); `*` alone gets pages. */
function wantsStream(accept: string | undefined): boolean {
  return (accept ?? '')
    .toLowerCase()
    .split(',')
    .some((range) => /^\s*text\/event-stream\s*(;|$)/.test(range) && !/;\s*q=0(\.0*)?\s*(;|$)/.test(range));
}
