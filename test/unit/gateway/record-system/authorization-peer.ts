import { Idp } from '../../../../gateway/record-system/idp.ts';
import { type Acquire, SessionPool, type SessionPoolOptions } from '../../../../gateway/record-system/session-pool.ts';
import type { Timer } from '../../../../gateway/record-system/timer.ts';
import { VauTrust } from '../../../../gateway/record-system/vau-trust.ts';
import type { HttpRequest } from '../../../../wire/http-message.ts';
import { ISSUER, idpPeer, locationOf } from './idp-peer.ts';
import {
  type Answer,
  fakeEgress,
  NOW,
  type Pki,
  RECORD_SYSTEM,
  type Route,
  smcbSigner,
  TELEMATIK_ID,
  USER_AGENT,
} from './peers.ts';
import { vauPeer } from './vau-peer.ts';

export const json = (value: unknown, status = 200): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});
export const NONCE = '7721435277f5d0137b17ef8b835ca03cf09dc23926aa1766e4f8132433ff37d6';

/** Operations by their last path segment; the first answer that is defined counts, else the honest one. */
export type Instead = (operation: string, request: HttpRequest) => Answer | undefined;

/** What a test changes of it. */
export type SignOnChanges = [instead?: Instead, options?: Partial<SessionPoolOptions>, before?: Route];

/** A record system's authorization service; its state is per VAU channel only as far as the tests look. */
export function createSignOn(
  pki: Pki,
  instead: Instead = () => undefined,
  options: Partial<SessionPoolOptions> = {},
  before: Route = () => undefined,
) {
  const world = { now: NOW, user: 'None', log: [] as string[], attests: [] as string[], dropped: false };
  const honest: Record<string, (request: HttpRequest) => Answer> = {
    'VAU-Status': () =>
      json({
        'VAU-Type': 'epa',
        'VAU-Version': '1',
        'User-Authentication': world.user,
        KeyID: 'x',
        'Connection-Start': '',
      }),
    getNonce: () => json({ nonce: NONCE }),
    send_authorization_request_sc: () => ({ status: 302, headers: { Location: locationOf() } }),
    send_authcode_sc: ({ body }) => {
      world.attests.push(String(JSON.parse(Buffer.from(body).toString()).clientAttest));
      world.user = `Telematik-ID: ${TELEMATIK_ID}`;
      return json({ 'vau-np': 'c9a7', actorId: TELEMATIK_ID, displayName: 'Demo' });
    },
  };
  const peer = vauPeer(pki, (request) => {
    const operation = request.path.split('/').at(-1) ?? '';
    world.log.push(operation);
    return instead(operation, request) ?? honest[operation]?.(request) ?? json({ ok: operation });
  });
  const idp = idpPeer(pki);
  // Each handshake begins with an unknown user, as on a real VAU.
  const watch: Route = ({ request }) => {
    if (request.url.endsWith('/VAU')) world.user = 'None';
    return undefined;
  };
  const egress = fakeEgress(watch, before, peer.route, idp.route);
  const now = () => world.now;
  const anchors = () => pki.anchors;
  const waiting = new Map<symbol, { at: number; fire: () => void }>();
  const timer: Timer = (ms, fire) => {
    const key = Symbol();
    waiting.set(key, { at: now() + ms, fire });
    return () => void waiting.delete(key);
  };
  /** Time goes on, and what was to happen in it happens. */
  const passed = (ms: number) => {
    world.now += ms;
    for (const [key, { at, fire }] of waiting) if (at <= now() && waiting.delete(key)) fire();
  };
  const pool = new SessionPool({
    recordSystems: [RECORD_SYSTEM, { id: 'epa-as-2', url: 'https://as2.test' }],
    egress,
    trust: new VauTrust({ egress, anchors, userAgent: USER_AGENT, now }),
    idp: new Idp({ idp: { issuer: ISSUER }, egress, anchors, userAgent: USER_AGENT, now }),
    userAgent: USER_AGENT,
    pu: false,
    now,
    timer,
    ...options,
  });
  const signer = smcbSigner(pki);
  const order = {
    recordSystem: 'epa-as-1',
    diga: { id: 'demo', telematikId: TELEMATIK_ID },
    signer: async () => signer,
  };
  const acquire = (more: Partial<Acquire> = {}) => pool.acquire({ ...order, ...more });
  return { world, peer, egress, pool, signer, order, acquire, passed };
}

export const count = (log: string[], operation: string) => log.filter((one) => one === operation).length;
