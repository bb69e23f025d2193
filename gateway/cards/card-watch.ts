// What the gateway knows of Konnektors, terminals and cards, kept fresh by looking (KON-06, KON-11, MON-02): without events it is
// enough. A lost PIN or card raises its alarm at once while exports go on over live sessions (D10); when a card works again,
// the exports that waited for it run at once. Cards are known by ICCSN and Telematik-ID, never by handle.
import type { Settings } from '../config.ts';
import { asGatewayError, type ErrorCode } from '../errors.ts';
import type { ChainHealth } from '../exports/chain-health.ts';
import type { CardPort } from '../exports/ports.ts';
import type { Timer } from '../exports/worker.ts';
import { getCards } from '../konnektor/event-service.ts';
import type { KonnektorHealth } from '../konnektor/konnektor-health.ts';
import type { SmcbCards } from '../konnektor/smcb.ts';
import type { KonnektorClient } from '../konnektor/soap-client.ts';
import { type SeenCard, type SeenPin, surveyKonnektor } from '../konnektor/survey.ts';
import type { Logger } from '../log.ts';
import { type AlarmPort, type Cause, standing, tellAlarms } from './card-alarms.ts';
import type { CardChoices } from './card-choices.ts';
import { type KonnektorSight, KonnektorWatch } from './konnektor-watch.ts';
import { causesAt, chosenAway, untold, usableAt } from './sights.ts';

/** How it stands with the card of a DiGA. */
export type DigaCard = {
  diga: string;
  iccsn: string | null;
  konnektor: string | null;
  code: ErrorCode | null;
  since: number;
};

export type CardWatch = {
  /** Something may have changed at these Konnektors (all of them): looked at soon. */
  hint(konnektor?: string): void;
  /** A login of this DiGA did not get a signature. */
  missed(diga: string): void;
  /** Looked at now; resolves when it is known. */
  look(konnektor?: string): Promise<void>;
  sights(): KonnektorSight[];
  digas(): DigaCard[];
  /** Resolves when the first look at everything has ended. */
  begun: Promise<void>;
  stop(): void;
};

export type CardWatchNeeds = {
  settings: Pick<Settings, 'digas' | 'cards'>;
  konnektors: readonly KonnektorClient[];
  health: KonnektorHealth;
  smcb: Pick<SmcbCards, 'certificateOf' | 'atCard' | 'silence' | 'probe' | 'lookAnew' | 'inUse'>;
  cards: CardPort;
  chain: Pick<ChainHealth, 'fails' | 'cardBack'>;
  /** A Konnektor answers that did not. */
  back: (konnektor: string) => void;
  /** Exports that may run now. */
  wake: (exports: string[]) => void;
  alarms: AlarmPort;
  /** The cards that operators have chosen (KON-09), perhaps at another gateway on this store. */
  choices: Pick<CardChoices, 'changed' | 'of'>;
  /** A person is typing the PIN of this card. */
  busy: (iccsn: string) => boolean;
  now: () => number;
  timer: Timer;
  log: Logger;
};

/** Begins at once, ends by `stop`. */
export function watchCards(o: CardWatchNeeds): CardWatch {
  const { settings, health, smcb, log, now } = o;
  const digas = new Map<string, DigaCard>();
  let causes: ReadonlyMap<string, Cause> = new Map();
  /** Of each DiGA without a card that can be used. */
  const lacking = new Map<string, Cause>();
  const away = new Set<string>();
  /** What a look of ours meets is no hint to look again. */
  const checking = new Set<string>();
  let stopped = false;
  // Until the first look has ended nothing is known: canExport says no.
  for (const diga of settings.digas) o.chain.fails({ diga: diga.id, recordSystem: '' }, 'NOT_READY', null);

  const watches = o.konnektors.map((client) => {
    const { id } = client.access;
    return new KonnektorWatch({
      id,
      survey: () =>
        surveyKonnektor({
          client,
          cards: smcb,
          answered: () => health.answered(id),
          typing: (iccsn) => typing(id, iccsn),
          back: () => {
            for (const watch of named(id)) watch.hint();
          },
        }).catch((thrown) => {
          health.failed(id, thrown);
          throw thrown;
        }),
      now,
      timer: o.timer,
      pollMs: settings.cards.pollSeconds * 1000,
      probeMs: settings.cards.probeSeconds * 1000,
      amiss: () =>
        settings.digas.some((diga) => diga.konnektors.includes(id) && lacking.has(keyOf(diga.id))) ||
        [...causes.values()].some(({ at }) => at === id),
      seen,
    });
  });
  /** While a person types its PIN a card is as it was: an alarm must not end by that. */
  function typing(konnektor: string, iccsn: string): SeenPin | undefined {
    if (!o.busy(iccsn)) return undefined;
    const [before] = named(konnektor)
      .flatMap(({ sight }) => sight.survey?.cards ?? [])
      .filter((one) => one.iccsn === iccsn);
    return before?.pin ?? { state: 'unknown', leftTries: null, code: 'PIN_OPERATION_RUNNING' };
  }
  const named = (konnektor: string | undefined) =>
    watches.filter(({ sight }) => konnektor === undefined || sight.id === konnektor);
  const probing = new Set<string>();
  health.listen({
    silent: (id) => {
      for (const watch of named(id)) watch.hint();
    },
    // Beside the look, which may wait for the very call that is slow.
    slow: (id) => {
      const client = o.konnektors.find(({ access }) => access.id === id);
      if (client === undefined || probing.has(id)) return;
      probing.add(id);
      getCards(client, { mandantWide: true, cardType: 'SM-B' })
        .catch((thrown: unknown) => health.failed(id, thrown))
        .finally(() => probing.delete(id));
    },
  });

  /** After each look: what does not hold any more is forgotten, then each DiGA's card is looked for where it must be. */
  async function seen(sight: KonnektorSight): Promise<void> {
    const { id, error } = sight;
    log.debug('konnektor seen', { konnektor: id, code: error?.code });
    const concerned = settings.digas.filter(({ konnektors }) => konnektors.includes(id));
    if (sight.answers === true && away.delete(id)) o.back(id);
    if (sight.answers === false) away.add(id);
    for (const diga of await chosenAnew()) smcb.lookAnew(diga);
    for (const diga of concerned) {
      const used = smcb.inUse(diga.id);
      if (used === undefined) continue;
      const usable = usableAt(sight, diga, now());
      const lost = used.konnektor === id && !usable.some((card) => card.cardHandle === used.cardHandle);
      if (lost || isBetter({ id, usable, used, diga, chosen: o.choices.of(diga.id) })) smcb.lookAnew(diga.id);
    }
    await Promise.all(concerned.map(check));
    tell();
  }

  const chosenAnew = () =>
    o.choices.changed().catch((thrown: unknown) => {
      log.warn('card choices not read', { code: asGatewayError(thrown).code });
      return [];
    });

  function tell(): void {
    const before = standing(o.alarms, causes);
    const sights = watches.map(({ sight }) => sight);
    const there = [...untold(sights, before), ...sights.flatMap((sight) => causesAt(sight, settings.digas))];
    // A DiGA without a card has an alarm of its own only where nothing else says why.
    const unexplained = [...lacking.values()].filter(({ code }) => !there.some((cause) => cause.code === code));
    const kept = settings.digas.flatMap(({ id }) => stillLacking(id, before));
    const chosen = settings.digas.flatMap((diga) =>
      chosenAway(sights, diga, { chosen: o.choices.of(diga.id), used: smcb.inUse(diga.id)?.iccsn, before }),
    );
    const found = new Map([...there, ...unexplained, ...kept, ...chosen].map((cause) => [cause.key, cause]));
    tellAlarms(o.alarms, before, found);
    causes = found;
  }

  /** A DiGA's alarm of before, where its card was not looked for yet or no Konnektor could say. */
  function stillLacking(diga: string, before: ReadonlyMap<string, Cause>): Cause[] {
    const cause = before.get(keyOf(diga));
    if (cause === undefined) return [];
    const code = lacking.get(cause.key)?.code;
    const unsaid = code?.startsWith('KONNEKTOR_') === true && !cause.code.startsWith('KONNEKTOR_');
    return unsaid || !digas.has(diga) ? [cause] : [];
  }

  /** The card as a login would find it; costs a call only where none is remembered. */
  async function check(diga: Settings['digas'][number]): Promise<void> {
    const place = { diga: diga.id, recordSystem: '' };
    const before = digas.get(diga.id);
    let after: Omit<DigaCard, 'since'>;
    checking.add(diga.id);
    try {
      const { iccsn } = await o.cards.signerFor(diga);
      after = { diga: diga.id, iccsn, konnektor: smcb.inUse(diga.id)?.konnektor ?? null, code: null };
    } catch (thrown) {
      const { code, check: failed } = asGatewayError(thrown);
      after = { diga: diga.id, iccsn: null, konnektor: null, code };
      if (before?.code !== code) log.warn('card not usable', { diga: diga.id, code, check: failed });
    } finally {
      checking.delete(diga.id);
    }
    if (stopped) return;
    const same = before !== undefined && before.code === after.code && before.iccsn === after.iccsn;
    digas.set(diga.id, { ...after, since: same ? before.since : now() });
    const key = keyOf(diga.id);
    if (after.code !== null) {
      o.chain.fails(place, after.code, null);
      lacking.set(key, { key, code: after.code, subject: diga.id, diga: diga.id });
      return;
    }
    lacking.delete(key);
    if (!same || before.konnektor !== after.konnektor)
      log.info('card usable', {
        diga: diga.id,
        iccsn: after.iccsn ?? undefined,
        konnektor: after.konnektor ?? undefined,
      });
    const waiting = o.chain.cardBack(diga.id);
    if (waiting.length > 0) {
      log.info('exports go on with the card', { diga: diga.id, count: waiting.length });
      o.wake(waiting);
    }
  }

  /** Fakes of the outside have no Konnektor to look at: their cards are asked for as they are. */
  let cancel = () => {};
  const lookBlindly = async () => {
    await Promise.all(settings.digas.map(check));
    tell();
    if (!stopped && settings.digas.some(({ id }) => digas.get(id)?.code != null))
      cancel = o.timer(BLIND_LOOK_MS, () => void lookBlindly());
  };
  const first = watches.length === 0 ? lookBlindly() : Promise.all(watches.map((watch) => watch.look()));
  const begun = Promise.resolve(first).then(() => {});

  return {
    hint: (konnektor) => {
      for (const watch of named(konnektor)) watch.hint();
    },
    missed: (diga) => {
      if (checking.has(diga)) return;
      const { konnektors = [] } = settings.digas.find(({ id }) => id === diga) ?? {};
      for (const konnektor of konnektors) for (const watch of named(konnektor)) watch.hint();
    },
    look: async (konnektor) => {
      await Promise.all(named(konnektor).map((watch) => watch.look()));
    },
    sights: () => watches.map(({ sight }) => sight),
    digas: () => [...digas.values()],
    begun,
    stop: () => {
      stopped = true;
      cancel();
      for (const watch of watches) watch.stop();
    },
  };
}

/** The chosen card is there again while another is used; or a preferred Konnektor has a card again (KON-09, KON-11). */
function isBetter(o: {
  id: string;
  usable: readonly SeenCard[];
  used: { iccsn: string; konnektor: string };
  diga: { konnektors: readonly string[] };
  chosen: string | undefined;
}): boolean {
  if (o.used.iccsn === o.chosen) return false;
  if (o.usable.some(({ iccsn }) => iccsn === o.chosen)) return true;
  return o.usable.length > 0 && o.diga.konnektors.indexOf(o.id) < o.diga.konnektors.indexOf(o.used.konnektor);
}

const keyOf = (diga: string) => `diga.${diga}.card`;

const BLIND_LOOK_MS = 30_000;
