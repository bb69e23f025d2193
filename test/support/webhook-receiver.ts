// A receiver of webhooks on loopback, for tests of the whole way: it keeps what came and answers as told.
import { createServer } from 'node:http';
import { bodyOf, listen } from './https-server.ts';
import { verified } from './webhook-bench.ts';

export type Received = {
  path: string;
  id: string;
  body: { id: string; seq: number | null; type: string; diga: string; data: Record<string, unknown> | null };
  text: string;
};

export type WebhookReceiver = {
  origin: string;
  received: Received[];
  /** Status of the next answers; a promise holds them back. */
  answer: (one: Received) => number | Promise<number>;
  /** Resolves once one that fits has come. */
  once(fits: (one: Received) => boolean): Promise<Received>;
  close(): Promise<void>;
};

/** What is not signed with `secret` now is answered 401 and not kept. */
export async function webhookReceiver(secret: string, now: () => number = Date.now): Promise<WebhookReceiver> {
  const waiting = new Set<{ fits: (one: Received) => boolean; resolve: (one: Received) => void }>();
  const server = createServer(async (request, response) => {
    const text = (await bodyOf(request)).toString('utf8');
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    let body: Received['body'];
    try {
      body = verified({ text, headers }, secret, now()) as Received['body'];
    } catch {
      response.writeHead(401).end();
      return;
    }
    const one = { path: request.url ?? '', id: headers['webhook-id'] ?? '', body, text };
    receiver.received.push(one);
    for (const w of waiting)
      if (w.fits(one)) {
        waiting.delete(w);
        w.resolve(one);
      }
    response.writeHead(await receiver.answer(one)).end();
  });
  const port = await listen(server);
  const receiver: WebhookReceiver = {
    origin: `http://127.0.0.1:${port}`,
    received: [],
    answer: () => 204,
    once: (fits) => {
      const there = receiver.received.find(fits);
      return there === undefined ? new Promise((resolve) => waiting.add({ fits, resolve })) : Promise.resolve(there);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}
