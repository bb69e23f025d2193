// What trust needs from outside, joined for outside.ts: the trust-service list from where the settings say (CRT-05), and the OCSP
// responder for the cards' certificates (CRT-04), both through egress (D18).
import { readFile } from 'node:fs/promises';
import type { TrustAnchors } from '../certs/trust.ts';
import type { Settings } from './config.ts';
import type { Egress } from './egress.ts';
import { GatewayError } from './errors.ts';
import type { Timer } from './exports/worker.ts';
import type { Logger } from './log.ts';
import type { SecurityEvents } from './security-events.ts';
import { keepTrustList, type TrustListKeeper } from './trust-list.ts';

/** How the OCSP responder is asked, and what its answers are judged by. */
export type OcspAccess = {
  ask: (request: Uint8Array) => Promise<Uint8Array>;
  anchors: () => TrustAnchors;
  failed: (thrown: unknown) => void;
};

const OCSP_LIMITS = { timeoutMs: 10_000, maxResponseBytes: 64 * 1024 };
const TSL_LIMITS = { timeoutMs: 60_000, maxResponseBytes: 32 * 1024 * 1024 };

export function trustListOf(o: {
  settings: Settings;
  egress: Egress;
  now: () => number;
  timer: Timer;
  log: Logger;
  security: SecurityEvents;
}): TrustListKeeper | undefined {
  const { tsl } = o.settings.trust;
  if (tsl === undefined) return undefined;
  const { url, file = '' } = tsl;
  const settings = { ...o.settings, trust: { tsl } };
  const published = async () => {
    if (url === undefined) return await readFile(file);
    const headers = { accept: 'application/xml' };
    const answer = await o.egress.request('tsl', { url, method: 'GET', headers, ...TSL_LIMITS });
    if (answer.status === 200) return answer.body;
    throw new GatewayError('TRUST_LIST_UNUSABLE', `status ${answer.status}`, { check: 'tsl.unreachable' });
  };
  return keepTrustList({ ...o, settings, fetch: published, onFailure: (failure) => o.security.met(failure, {}) });
}

/** By POST (RFC 6960 A.1). */
export const ocspAsk =
  (egress: Egress, url: string): OcspAccess['ask'] =>
  async (request) => {
    const headers = { 'content-type': 'application/ocsp-request', accept: 'application/ocsp-response' };
    const answer = await egress.request('ocsp', { url, method: 'POST', headers, body: request, ...OCSP_LIMITS });
    if (answer.status === 200) return answer.body;
    throw new GatewayError('OCSP_UNREACHABLE', `the OCSP responder answers ${answer.status}`);
  };
