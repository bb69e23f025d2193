// The way through a forward proxy (RFC 9110 section 9.3.6, CONNECT; konnektor.md 8): a tunnel to the target of the allow-list, in
// which TLS with the target itself is spoken. What the proxy resolves is out of our sight; the name that the certificate must
// carry is the target's as ever (D18). A leaf, used by gateway/egress.ts only.
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { clientTlsOptions } from '../wire/tls.ts';
import { type AddressRule, checkedLookup } from './egress-address.ts';

export type EgressProxy = {
  /** http or https, without path and credentials. */
  url: string;
  /** PEM trust anchors of an https proxy. */
  ca?: string;
  /** Proxy-Authorization. */
  authorization?: string;
};

/**
 * Carries how far the proxy let us: EGRESS_PROXY_DOWN, _TLS, accepted and then _ENDED, _SILENT or _GARBAGE, or its HTTP status
 * (EGRESS_PROXY_407).
 */
export class ProxyFailed extends Error {
  readonly code: string;

  constructor(code: string, cause?: unknown) {
    super('the proxy opened no tunnel', cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

type Tunnel = (
  target: { hostname: string; port: string },
  done: (error: Error | null, socket?: Socket) => void,
) => void;

/** Opens tunnels. `timeoutMs` is for everything up to the proxy's answer. */
export function tunnelsThrough(proxy: EgressProxy, rule: AddressRule, timeoutMs: number): Tunnel {
  const { protocol, hostname, port } = new URL(proxy.url);
  const secure = protocol === 'https:';
  const host = hostname.replace(/^\[|\]$/g, '');
  const to = { host, port: Number(port || (secure ? 443 : 80)), lookup: checkedLookup(rule) };
  return (target, done) => {
    const authority = `${target.hostname}:${target.port || '443'}`;
    let settled = false;
    const socket = secure
      ? connectTls({
          ...clientTlsOptions({ ca: proxy.ca ?? '' }),
          ...to,
          ...(isIP(host) === 0 && { servername: host }),
        })
      : connect(to);
    let asked = false;
    const timer = setTimeout(
      () => fail(new ProxyFailed(asked ? 'EGRESS_PROXY_SILENT' : 'EGRESS_PROXY_DOWN')),
      timeoutMs,
    );
    const ended = () => (asked ? 'EGRESS_PROXY_ENDED' : 'EGRESS_PROXY_DOWN');
    const end = () => {
      settled = true;
      clearTimeout(timer);
      socket.off('data', read).off('close', closed).off('error', broken);
    };
    function fail(error: Error) {
      if (settled) return;
      end();
      socket.on('error', () => {}).destroy();
      done(error);
    }
    function broken(cause: Error & { code?: string }) {
      // Of an address that is not allowed it is the address that is told.
      if (cause.code === 'EGRESS_ADDRESS') fail(cause);
      else fail(new ProxyFailed(secure && !/^E[A-Z]+$/.test(cause.code ?? '') ? 'EGRESS_PROXY_TLS' : ended(), cause));
    }
    const closed = () => fail(new ProxyFailed(ended()));
    let head = Buffer.alloc(0);
    function read(chunk: Buffer) {
      head = Buffer.concat([head, chunk]);
      const ends = head.indexOf('\r\n\r\n');
      if (ends === -1 && head.length <= MAX_HEAD) return;
      const status = /^HTTP\/1\.[01] (\d{3})[ \r]/.exec(head.subarray(0, 64).toString('latin1'))?.[1];
      if (ends === -1 || status === undefined) return fail(new ProxyFailed('EGRESS_PROXY_GARBAGE'));
      if (!status.startsWith('2')) return fail(new ProxyFailed(`EGRESS_PROXY_${status}`));
      // Nobody speaks in a TLS tunnel before we do.
      if (head.length > ends + 4) return fail(new ProxyFailed('EGRESS_PROXY_GARBAGE'));
      socket.pause();
      end();
      done(null, socket);
    }
    socket
      .setNoDelay(true)
      .on('data', read)
      .on('close', closed)
      .on('error', broken)
      .once(secure ? 'secureConnect' : 'connect', () => {
        asked = true;
        const credentials = proxy.authorization === undefined ? '' : `Proxy-Authorization: ${proxy.authorization}\r\n`;
        socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`);
      });
  };
}

const MAX_HEAD = 16_384;
