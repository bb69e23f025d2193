// How Konnektors, terminals and cards are shown to operators (api.md section 3), from the last look at each. Names of the settings,
// ICCSNs, Telematik-IDs and times; no holder of a card that is not ours, no PIN.
import type { Settings } from '../config.ts';
import { catalogue, type ErrorCode } from '../errors.ts';
import type { SmcbCards } from '../konnektor/smcb.ts';
import type { SeenCard, SeenPin } from '../konnektor/survey.ts';
import type { DigaCard } from './card-watch.ts';
import type { KonnektorSight } from './konnektor-watch.ts';
import { isUnfit, offline, pinCode, telematikIdOf } from './sights.ts';

type Remedy = { de: string; en: string };
const remedyOf = (code: ErrorCode | null): Remedy | null => (code === null ? null : catalogue[code].remedy);
const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

export type KonnektorView = {
  id: string;
  /** Null: not looked at yet. */
  reachable: boolean | null;
  code: ErrorCode | null;
  remedy: Remedy | null;
  since: string | null;
  lookedAt: string | null;
  /** Connection into the TI; null: not told. */
  vpnTi: { online: boolean; since: string } | null;
  /** Conditions that are raised. */
  conditions: { condition: string; severity: string; type: string; since: string }[];
};

export const konnektorViews = (sights: readonly KonnektorSight[]): KonnektorView[] =>
  sights.map(({ id, answers, error, since, lookedAt, survey }) => {
    const connector = answers === true ? survey?.connector : undefined;
    const code = error?.code ?? (connector !== undefined && isUnfit(connector) ? 'KONNEKTOR_NOT_OPERATIONAL' : null);
    return {
      id,
      reachable: answers,
      code,
      remedy: remedyOf(code),
      since: time(since),
      lookedAt: time(lookedAt),
      vpnTi: connector?.vpnTi ?? null,
      conditions: (connector?.errorStates ?? [])
        .filter(({ value }) => value)
        .map(({ condition, severity, type, validFrom }) => ({ condition, severity, type, since: validFrom })),
    };
  });

export type TerminalView = {
  konnektor: string;
  ctId: string;
  name: string;
  slots: number;
  physical: boolean;
  connected: boolean;
  workplaces: string[];
  /** ICCSNs of the SMC-Bs in it, by slot. */
  cards: { slotId: number; iccsn: string }[];
  code: ErrorCode | null;
  remedy: Remedy | null;
};

export const terminalViews = (sights: readonly KonnektorSight[]): TerminalView[] =>
  sights.flatMap(({ id, survey }) =>
    (survey?.terminals ?? []).map(({ ctId, name, slots, isPhysical, connected, workplaceIds }) => {
      const code = isPhysical && !connected ? 'TERMINAL_OFFLINE' : null;
      return {
        ...{ konnektor: id, ctId, name, slots, connected, code },
        physical: isPhysical,
        workplaces: workplaceIds,
        cards: (survey?.cards ?? [])
          .filter((card) => card.ctId === ctId)
          .map(({ slotId, iccsn }) => ({ slotId, iccsn })),
        remedy: remedyOf(code),
      };
    }),
  );

export type CardView = {
  iccsn: string;
  cardType: string;
  konnektor: string;
  ctId: string;
  slotId: number;
  insertedAt: string;
  telematikId: string | null;
  /** Of the settings; null: none has this Telematik-ID, or it cannot be read. */
  diga: string | null;
  /** The Konnektor answers and its terminal is connected. */
  present: boolean;
  pin: SeenPin;
  certificateExpires: string | null;
  /** It signs for its DiGA now; an operator has chosen it. */
  inUse: boolean;
  chosen: boolean;
  /** Calls to it that run or wait (KON-13). */
  queue: number;
  usable: boolean;
  code: ErrorCode | null;
  remedy: Remedy | null;
};

type Shown = {
  settings: Pick<Settings, 'digas'>;
  smcb: Pick<SmcbCards, 'inUse' | 'queueLength'>;
  chosen: (diga: string) => string | undefined;
  digas: readonly DigaCard[];
  now: () => number;
};

/** Those that are plugged somewhere, then those of our DiGAs that were pulled not long ago: somebody may look for them. */
export function cardViews(sights: readonly KonnektorSight[], o: Shown): CardView[] {
  const plugged = sights.flatMap((sight) => (sight.survey?.cards ?? []).map((card) => cardView(sight, card, o)));
  const there = new Set(plugged.map(({ iccsn }) => iccsn));
  const pulled = sights
    .flatMap((sight) => sight.pulled.map((one) => ({ sight, ...one })))
    .sort((a, b) => a.missedAt - b.missedAt)
    .map(({ sight, card }) => pulledView(cardView(sight, card, o)))
    .filter(({ iccsn, diga }) => diga !== null && !there.has(iccsn));
  // One that moved is shown where it was missed last.
  return [...plugged, ...new Map(pulled.map((view) => [view.iccsn, view])).values()];
}

/** What was known of its PIN does not hold for a card that is plugged again. */
const pulledView = (view: CardView): CardView => ({
  ...view,
  present: false,
  pin: { state: 'unknown', leftTries: null, code: 'SMCB_NOT_FOUND' },
  inUse: false,
  usable: false,
  code: 'SMCB_NOT_FOUND',
  remedy: remedyOf('SMCB_NOT_FOUND'),
});

function cardView(sight: KonnektorSight, card: SeenCard, o: Shown): CardView {
  const { iccsn, cardType, ctId, slotId, insertTime, certificate, pin } = card;
  const telematikId = telematikIdOf(card);
  const diga = o.settings.digas.find((one) => one.telematikId === telematikId && one.konnektors.includes(sight.id));
  const used = diga && o.smcb.inUse(diga.id);
  const present = sight.answers === true && !offline(sight.survey?.terminals ?? []).has(ctId);
  const code = codeOf(sight, card, { present, diga: diga?.id, now: o.now(), digas: o.digas });
  return {
    ...{ iccsn, cardType, konnektor: sight.id, ctId, slotId, telematikId, present, pin, code },
    insertedAt: insertTime,
    diga: diga?.id ?? null,
    certificateExpires: certificate?.notAfter.toISOString() ?? null,
    inUse: used?.iccsn === iccsn && used.konnektor === sight.id,
    chosen: diga !== undefined && o.chosen(diga.id) === iccsn,
    queue: o.smcb.queueLength(iccsn),
    usable: code === null,
    remedy: remedyOf(code),
  };
}

/** The first thing that stands in its way. */
function codeOf(
  { answers, error }: KonnektorSight,
  { pin, certificate, iccsn }: SeenCard,
  o: { present: boolean; diga: string | undefined; now: number; digas: readonly DigaCard[] },
): ErrorCode | null {
  if (answers !== true) return error?.code ?? 'KONNEKTOR_UNREACHABLE';
  // Another holder's in the same Mandant: whatever it lacks, nobody here is to repair it.
  if (certificate !== undefined && o.diga === undefined) return 'SMCB_OF_ANOTHER';
  if (!o.present) return 'TERMINAL_OFFLINE';
  // Before its PIN, which would be entered for nothing.
  if (certificate !== undefined && o.now > certificate.notAfter.getTime()) return 'CERTIFICATE_EXPIRED';
  const locked = pinCode(pin);
  if (locked !== null) return locked;
  // A card that says nothing at all is not yet one that nobody can trust.
  if (certificate === undefined) return pin.code ?? 'SMCB_UNTRUSTED';
  // What trust says of a card that looking finds nothing wrong with: the DiGA's last search met it.
  const known = o.digas.find(({ diga }) => diga === o.diga);
  if (known?.iccsn !== iccsn && known?.code != null && /^(SMCB_|CERTIFICATE_)/.test(known.code)) return known.code;
  return pin.state === 'unknown' ? pin.code : null;
}
