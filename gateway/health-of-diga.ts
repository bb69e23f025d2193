// What GET /v1/health answers a backend (api.md section 2, MON-01): the chain to the record for its own DiGA, link by link, each with code
// and remedy. Of other DiGAs, their cards and clients nothing is told (EXP-27). Made of what is known; costs no call to the outside.
import type { CardView } from './cards/card-views.ts';
import type { Settings } from './config.ts';
import { catalogue, type ErrorCode, type Language } from './errors.ts';
import type { Concern, ConcernedLink, HealthLink, LinkName } from './health.ts';

/** The links of health.ts, and the PIN of each card of the DiGA. */
export type DigaLink = Omit<HealthLink, 'link'> & { link: LinkName | 'pin' };

export type DigaHealth = {
  diga: string;
  /** Takes exports; nothing known hinders those of this DiGA from being written. */
  ok: boolean;
  canExport: boolean;
  code: ErrorCode | null;
  remedy: string | null;
  links: DigaLink[];
};

export type HealthOfDiga = (diga: string, language: Language) => DigaHealth;

export function createHealthOfDiga(o: {
  settings: Pick<Settings, 'digas'>;
  links: (language: Language, diga: string) => ConcernedLink[];
  cards: () => CardView[];
  trouble: (diga: string) => ErrorCode | null;
  readiness: () => { ok: boolean; code: ErrorCode | null };
}): HealthOfDiga {
  return (id, language) => {
    const diga = o.settings.digas.find((one) => one.id === id);
    const { ok, code: unready } = o.readiness();
    const code = ok ? o.trouble(id) : (unready ?? 'NOT_READY');
    const links: DigaLink[] = [];
    for (const { link, concerns } of o.links(language, id)) {
      if (diga === undefined || !isConcerned(diga, concerns)) continue;
      links.push(link);
      if (link.link === 'card') links.push(...o.cards().flatMap((card) => pinLink(card, id, language)));
    }
    const remedy = code === null ? null : catalogue[code].remedy[language];
    return { diga: id, ok, canExport: ok && code === null, code, remedy, links };
  };
}

function isConcerned(diga: Settings['digas'][number], concerns: Concern): boolean {
  if (typeof concerns === 'string') return concerns === 'all';
  return 'diga' in concerns ? concerns.diga === diga.id : diga.konnektors.includes(concerns.konnektor);
}

const PIN_CODES = /^SMCB_PIN_/;

function pinLink(card: CardView, diga: string, language: Language): DigaLink[] {
  if (card.diga !== diga) return [];
  const code = card.code !== null && PIN_CODES.test(card.code) ? card.code : null;
  const remedy = code === null ? null : catalogue[code].remedy[language];
  const known = card.pin.state !== 'unknown';
  return [
    { link: 'pin', of: `${card.konnektor}/${card.iccsn}`, ok: known ? code === null : null, code, remedy, since: null },
  ];
}
