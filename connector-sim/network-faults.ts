// Faults that happen on the wire (api.md section 4, D22): what is done to the outer TCP connection, and the frame every
// service puts around its own work so that a fault strikes before or after that work.
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Fault } from './faults.ts';
import type { HttpAnswer } from './http-server.ts';

const before: ReadonlySet<string> = new Set(['drop-request', 'reset-request']);
const after: ReadonlySet<string> = new Set(['drop-response', 'reset', 'truncate', 'garbage', 'delay', 'hang']);

/** Kinds every exchange with an HTTP answer may suffer; `http-status` replaces the answer without acting. */
export const NETWORK_KINDS = [...before, ...after] as const;

/** True for kinds that strike before the service has done anything (D22). */
export function strikesBefore(fault: Fault | undefined): boolean {
  return fault !== undefined && before.has(fault.kind);
}

export function isNetworkFault(fault: Fault | undefined): boolean {
  return fault !== undefined && (before.has(fault.kind) || after.has(fault.kind) || cuts(fault));
}

/** A forgotten channel (`vau.data`) may be told, or noticed by a connection that ends. */
function cuts(fault: Fault): boolean {
  return fault.kind === 'drop-channel' && fault.params?.answer === 'cut';
}

/**
 * Runs a service's work under the fault it took: a request lost before it does not act at all; `http-status` answers
 * `params.status` (default 503) with `params.body` of `params.type` and `params.headers` instead of acting, else with the page
 * of `infrastructure`; every other kind acts and leaves the rest to the listener. A service that gives a kind its own meaning (soap-fault, registry-error …) handles it before or inside `act`.
 */
export async function underFault(
  fault: Fault | undefined,
  operation: string,
  act: () => Promise<HttpAnswer>,
  infrastructure: 'html' | 'json' = 'html',
): Promise<HttpAnswer> {
  if (fault !== undefined && strikesBefore(fault)) {
    return { status: 0, headers: [], body: '', operation, uncounted: true, fault };
  }
  if (fault?.kind === 'http-status') {
    const status = Number(fault.params?.status ?? 503);
    const page = PAGES[fault.params?.body === undefined ? infrastructure : 'html'];
    const type = String(fault.params?.type ?? page.type);
    const body = String(fault.params?.body ?? page.body(status));
    const more = Object.entries(fault.params?.headers ?? {}).map(([name, value]): [string, string] => [
      name,
      String(value),
    ]);
    return { status, headers: [['Content-Type', type], ...more], body, operation, rule: 'fault', fault };
  }
  const answer = await act();
  return fault === undefined ? answer : { ...answer, fault };
}

const PAGES = {
  html: { type: 'text/html', body: () => '<html><body>simulated</body></html>' },
  json: { type: 'application/json', body: (status: number) => JSON.stringify({ errorCode: `http${status}` }) },
};

/** True when no byte of the answer reaches the client as it was meant: the journal then holds no response. */
export function losesAnswer(fault: Fault | undefined): boolean {
  return fault !== undefined && fault.kind !== 'delay' && isNetworkFault(fault);
}

/**
 * Plays the fault on the connection. Resolves true when it took the answer's place, false when the answer is still to be
 * written (no fault, not a network fault, or a delay that is over).
 */
export async function playOnConnection(o: {
  fault: Fault | undefined;
  answer: HttpAnswer & { body: Uint8Array };
  response: ServerResponse;
  tcp: Socket;
}): Promise<boolean> {
  const { fault, answer, response, tcp } = o;
  if (fault === undefined || !isNetworkFault(fault)) return false;
  const connection = response.socket ?? tcp;
  switch (fault.kind) {
    case 'delay':
      await new Promise((resolve) => setTimeout(resolve, Number(fault.params?.ms ?? 1000)).unref());
      return false;
    case 'hang':
      return true; // until the client gives up or the simulator stops
    case 'reset-request':
    case 'reset':
      tcp.resetAndDestroy();
      return true;
    case 'truncate': {
      // Headers promise the whole body, half of it comes, then FIN.
      const half = answer.body.subarray(0, answer.body.length >> 1);
      if (fault.params?.inBody === true) {
        response.writeHead(answer.status, [...answer.headers, ['Content-Length', String(half.length)]].flat());
        response.end(half);
        return true;
      }
      response.writeHead(answer.status, [...answer.headers, ['Content-Length', String(answer.body.length + 1)]].flat());
      response.write(half);
      connection.destroySoon();
      return true;
    }
    case 'garbage': {
      const noise = randomBytes(Number(fault.params?.bytes ?? 512));
      if (fault.params?.inBody === true) {
        response.writeHead(answer.status, [...answer.headers, ['Content-Length', String(noise.length)]].flat());
        response.end(noise);
        return true;
      }
      noise[0] = 0; // never the first letter of an HTTP status line
      connection.write(noise);
      connection.destroySoon();
      return true;
    }
    default: // drop-request, drop-response, drop-channel that cuts: FIN without an answer
      connection.destroySoon();
      return true;
  }
}
