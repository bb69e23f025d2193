// Plain HTTPS for the foreign peers: node:https alone, one request per connection, the target's path sent exactly as it is
// (a VAU-CID may hold `//`). No code of gateway/, connector-sim/ or wire/ (test/foreign is written from the reference alone).

import { readFileSync } from 'node:fs';
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request as plain } from 'node:http';
import { request as secure } from 'node:https';

export type Reply = { status: number; headers: IncomingHttpHeaders; body: Buffer };
/** PEM of trust anchors, and what a Konnektor wants besides. */
export type Trust = { ca: string; cert?: string; key?: string; servername?: string };

/** Curves of konnektor.md 7 and stack.md 2: without them TLS 1.2 refuses a brainpool certificate. */
const ecdhCurve = 'prime256v1:secp384r1:brainpoolP256r1:brainpoolP384r1';

export function pem(path: string): string {
  return readFileSync(path, 'utf8');
}

export function send(
  url: string,
  o: { method?: string; headers?: OutgoingHttpHeaders; body?: Uint8Array | string; trust?: Trust } = {},
): Promise<Reply> {
  const [, scheme = '', host = '', port = '', path = '/'] = /^(https?):\/\/([^/:]+):?(\d*)(\/.*)?$/.exec(url) ?? [];
  const options = { host, port: port === '' ? 443 : Number(port), path, method: o.method ?? 'GET', headers: o.headers };
  return new Promise((resolve, reject) => {
    const outgoing =
      scheme === 'http'
        ? plain({ ...options, agent: false })
        : secure({ ...options, agent: false, ecdhCurve, ...o.trust });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
      );
    });
    outgoing.end(o.body);
  });
}
