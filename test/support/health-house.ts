// What `/v1/health` and `/admin/v1/health` are made of, for two DiGAs, each with a Konnektor of its own and one that both share.
import type { CardView } from '../../gateway/cards/card-views.ts';
import { type InventoryEntry, viewEntry } from '../../gateway/certificates/entry.ts';
import { createChainHealth } from '../../gateway/exports/chain-health.ts';
import { type HealthSources, healthLinks } from '../../gateway/health.ts';
import { createHealthOfDiga } from '../../gateway/health-of-diga.ts';
import { NOON } from './gateway-fakes.ts';

const ISSUER = 'https://idp.example';

/** All well, a login of each DiGA made. */
export function healthHouse(change: Partial<HealthSources> = {}, certificate?: InventoryEntry, cards: CardView[] = []) {
  const chain = createChainHealth();
  for (const diga of ['a', 'b']) chain.works({ diga, recordSystem: 'r1' });
  const settings = {
    environment: 'SIM',
    digas: [
      { id: 'a', konnektors: ['own-a', 'both'] },
      { id: 'b', konnektors: ['both', 'own-b'] },
    ],
    idp: { issuer: ISSUER, origins: [] },
    trust: { ocsp: { url: 'http://ocsp.example' } },
  } as unknown as HealthSources['settings'];
  const ids = ['own-a', 'both', 'own-b'];
  const sources: HealthSources = {
    settings,
    chain,
    konnektors: () => ids.map((id) => ({ id, reachable: true, code: null, since: null })),
    terminals: () => ids.map((konnektor) => ({ konnektor, ctId: 'CT1', code: null })),
    cards: () => ['a', 'b'].map((diga) => ({ diga, code: null, since: NOON })),
    certificates: () =>
      certificate === undefined ? [] : [viewEntry(certificate, { now: NOON, ocsp: undefined, warnDays: 30 })],
    recordSystems: () => [{ recordSystem: 'r1', state: 'ok', answered: true, code: null, since: null }],
    trustList: { state: () => ({ inForce: true, check: null, list: null }) } as unknown as HealthSources['trustList'],
    ocspFailing: () => null,
    ...change,
  };
  const ofDiga = createHealthOfDiga({
    settings,
    links: (language, diga) => healthLinks(sources, language, diga),
    cards: () => cards,
    trouble: (diga) => chain.trouble(diga),
    readiness: () => ({ ok: true, code: null }),
  });
  return {
    admin: () => healthLinks(sources, 'en').map(({ link }) => link),
    ofDiga: (diga: string, language: 'en' | 'de' = 'en') => ofDiga(diga, language).links,
  };
}
