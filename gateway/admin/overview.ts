// What the page of the admin listener shows beside the state: open alarms, Konnektors, terminals and cards, each with what to do. Names
// of the settings, ICCSNs and codes; no person, no export, no content (D15). Deny by default (SEC-14): outside SIM, where nothing
// is real, only an operator sees it, who shows the client certificate to the browser's connection.
import type { Alarm } from '../alarms/alarms.ts';
import { remedyOf, sinceOf } from '../alarms/text.ts';
import type { Authenticate, Presented } from '../api/authentication.ts';
import type { Cards } from '../cards/cards.ts';
import { catalogue, type ErrorCode, forCard, type Language } from '../errors.ts';

/** One line: what it is, how it stands, and where it does not stand well why and what to do. */
export type OverviewLine = {
  name: string;
  facts: readonly string[];
  code: ErrorCode | null;
  remedy: string | null;
};

export type Overview = {
  alarms: (OverviewLine & { code: ErrorCode })[];
  konnektors: OverviewLine[];
  terminals: OverviewLine[];
  cards: OverviewLine[];
};

/** Whether this caller may see it; never throws. */
export async function maySee(
  o: { environment: string; authenticate: Authenticate },
  presented: Presented,
): Promise<boolean> {
  if (o.environment === 'SIM') return true;
  if (presented.authorization === undefined && presented.certificate === undefined) return false;
  return o.authenticate(presented).then(
    ({ roles }) => roles.includes('operator'),
    () => false,
  );
}

/** From what is known already: it costs no call to the outside. */
export function overviewOf(
  o: { alarms: { open(): Alarm[] }; cards: Pick<Cards, 'konnektors' | 'terminals' | 'cards'> },
  language: Language,
): Overview {
  const konnektors = o.cards.konnektors();
  const old = new Set(konnektors.filter(({ reachable }) => reachable === false).map(({ id }) => id));
  const seen = (konnektor: string) => (old.has(konnektor) ? [WORDS.old[language]] : []);
  const remedy = (code: ErrorCode | null) => (code === null ? null : catalogue[code].remedy[language]);
  return {
    alarms: o.alarms
      .open()
      .toSorted((a, b) => b.raisedAt - a.raisedAt)
      .map((alarm) => ({
        name: alarm.subject,
        facts: [
          `${WORDS.since[language]} ${minute(sinceOf(alarm))}`,
          ...(alarm.diga === null ? [] : [`DiGA ${alarm.diga}`]),
        ],
        code: alarm.code,
        remedy: remedyOf(alarm, language),
      })),
    konnektors: konnektors.map(({ id, code, vpnTi, lookedAt }) => ({
      name: id,
      facts: [
        ...(vpnTi === null ? [] : [`TI ${vpnTi.online ? 'online' : 'offline'}`]),
        ...(lookedAt === null ? [] : [`${WORDS.looked[language]} ${minute(Date.parse(lookedAt))}`]),
      ],
      ...{ code, remedy: remedy(code) },
    })),
    terminals: o.cards.terminals().map(({ konnektor, ctId, name, code }) => ({
      name: `${konnektor}/${ctId}`,
      facts: [...(name === ctId ? [] : [name]), ...seen(konnektor)],
      ...{ code, remedy: remedy(code) },
    })),
    cards: o.cards.cards().map((card) => {
      const { iccsn, cardType, konnektor, ctId, slotId, diga, pin, code } = card;
      const words = remedy(code);
      return {
        name: `${cardType} ${iccsn}`,
        facts: [
          ...(diga === null ? [] : [`DiGA ${diga}`]),
          `${konnektor}/${ctId}, ${WORDS.slot[language]} ${slotId}`,
          `PIN ${pin.state}`,
          ...(card.inUse ? [WORDS.inUse[language]] : []),
          ...seen(konnektor),
        ],
        code,
        remedy: words === null ? null : forCard(words, iccsn),
      };
    }),
  };
}

const WORDS = {
  since: { de: 'seit', en: 'since' },
  looked: { de: 'angesehen', en: 'looked at' },
  slot: { de: 'Steckplatz', en: 'slot' },
  inUse: { de: 'signiert', en: 'in use' },
  old: { de: 'wie zuletzt gesehen', en: 'as it was last seen' },
} as const satisfies Record<string, Record<Language, string>>;

/** `2026-12-01 10:00 UTC`. */
const minute = (at: number) => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
