// What the HTTP parser refuses before there is a request (RFC 9112): answered like everything else, with request id,
// environment and a problem document (OPS-05, RFC 9457). Nothing of what was received is repeated or logged.
import { randomUUIDv7 } from 'node:crypto';
import type { Socket } from 'node:net';
import { type ErrorCode, GatewayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { type Audience, problemOf } from './problem.ts';

/** Where the other side is gone or never spoke HTTP nothing is answered; a failed TLS handshake is an event (SEC-11). */
export function refuseUnreadable(
  o: { environment: string; log: Logger; metrics: Metrics; audience?: Audience },
  error: NodeJS.ErrnoException,
  socket: Socket,
): void {
  const code = codeOf(error.code ?? '');
  if (code === undefined || !socket.writable) {
    if (/SSL|TLS/.test(error.code ?? '')) o.log.warn('TLS handshake failed', { address: socket.remoteAddress });
    socket.destroy();
    return;
  }
  const requestId = randomUUIDv7();
  const problem = problemOf(new GatewayError(code, 'the request cannot be read'), 'de', [], o.audience);
  const body = JSON.stringify(problem);
  socket.write(
    [
      `HTTP/1.1 ${problem.status} ${problem.title}`,
      `x-request-id: ${requestId}`,
      `x-environment: ${o.environment}`,
      'x-content-type-options: nosniff',
      'cache-control: no-store',
      'content-type: application/problem+json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
  socket.destroySoon();
  o.metrics.request('(none)', '(none)', problem.status);
  o.log.info('request', { requestId, route: '(none)', status: problem.status });
}

/** Node's parser errors (`HPE_…`) and the limits of node:http. */
function codeOf(code: string): ErrorCode | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return 'HEADERS_TOO_LARGE';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'REQUEST_TIMEOUT';
  return code.startsWith('HPE_') ? 'REQUEST_INVALID' : undefined;
}
