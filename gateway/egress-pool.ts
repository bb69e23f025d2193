// The connections to one allowed origin: TLS by its material, the address checked when it is resolved, keys and pins judged before a byte
// of a request leaves, a proxy on the way (SEC-01..05, CRT-07, CRT-10). Used by gateway/egress.ts only.
import { buildConnector, Pool } from 'undici';
import { clientTlsOptions } from '../wire/tls.ts';
import type { EgressTarget } from './egress.ts';
import { type AddressRule, checkedLookup, isLinkLocal, isLoopback } from './egress-address.ts';
import { type EgressErrorCode, kindOf, notAllowed } from './egress-error.ts';
import { type Stage, telling } from './egress-handshake.ts';
import { keyCheck, peerCertificate, pinCheck } from './egress-pins.ts';
import { tunnelsThrough } from './egress-proxy.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const CONNECTIONS_PER_ORIGIN = 16;

/** `tell` hears of every connection and of every one that did not come about. Throws EgressError NOT_ALLOWED. */
export function openPool(
  target: EgressTarget,
  { origin, stage }: { origin: string; stage: Stage },
  rule: Omit<AddressRule, 'loopbackOnly'> & { signed: boolean; now: () => number },
  tell: (ms: number, code: EgressErrorCode | null, certificate?: Uint8Array) => void,
): Pool {
  const { protocol, hostname } = new URL(origin);
  const host = hostname.replace(/^\[|\]$/g, '');
  const plain = protocol === 'http:';
  if (rule.neverLinkLocal === true && isLinkLocal(host)) throw notAllowed(`${origin}: never a link-local address`);
  // D18: what is signed may come over plain http, from anywhere.
  const plainHere = rule.signed || (rule.environment === 'SIM' && (host === 'localhost' || isLoopback(host)));
  if (plain ? !plainHere : protocol !== 'https:')
    throw notAllowed(`${origin}: only https, plain http only in SIM on loopback (D16)`);
  if (!plain && target.ca === undefined) throw notAllowed(`${origin}: no trust anchors given`);
  if (plain && target.proxy !== undefined) throw notAllowed(`${origin}: only https goes through a proxy`);
  const { ca = [], cert, key, servername, pins = [], strongKey = false, weakKeysUntil } = target;
  const unpinned = pinCheck(pins, ca);
  const weak = strongKey ? keyCheck(ca, cert) : () => undefined;
  /** At each connection: the day on which weak keys end needs no restart. */
  const mustBeStrong = () => weakKeysUntil === undefined || rule.now() >= weakKeysUntil;
  const judge = (socket: unknown) => (mustBeStrong() ? weak(socket) : undefined) ?? unpinned(socket);
  const tunnel = target.proxy && tunnelsThrough(target.proxy, { ...rule, loopbackOnly: false }, CONNECT_TIMEOUT_MS);
  const connector = buildConnector({
    ...(plain
      ? {}
      : clientTlsOptions({ ca, ...(cert && { cert }), ...(key && { key }), ...(servername && { servername }) })),
    timeout: CONNECT_TIMEOUT_MS,
    allowH2: false,
    // No TLS session is resumed: chain and name are checked on every connection (SEC-03).
    maxCachedSessions: 0,
    lookup: checkedLookup({ ...rule, loopbackOnly: plain && !rule.signed }),
  });
  const connect: buildConnector.connector = (options, callback) => {
    const from = performance.now();
    const told = (code: EgressErrorCode | null, certificate?: Uint8Array) =>
      tell(Math.round(performance.now() - from), code, certificate);
    const connected: buildConnector.Callback = (...result) => {
      const socket = result[1];
      const error = result[0] ?? judge(socket);
      told(error === undefined ? null : kindOf(error), error === undefined ? peerCertificate(socket) : undefined);
      if (error !== undefined) {
        socket?.on('error', () => {}).destroy();
        return callback(error, null);
      }
      // A TLS alert after the handshake (TLS 1.3: our client certificate refused) is followed by an orderly end, which
      // undici would report instead: ending the socket here keeps the alert as the reason.
      socket?.once('error', (late) => {
        if (kindOf(late) === 'TLS_UNTRUSTED') told('TLS_UNTRUSTED');
        socket.destroy();
      });
      callback(...result);
    };
    const reach = telling(connector, stage);
    if (tunnel === undefined) return reach(options, connected);
    tunnel(options, (error, httpSocket) => {
      if (httpSocket === undefined) connected(error ?? new Error('no tunnel'), null);
      else reach({ ...options, httpSocket }, connected);
    });
  };
  return new Pool(origin, { connect, allowH2: false, pipelining: 1, connections: CONNECTIONS_PER_ORIGIN });
}
