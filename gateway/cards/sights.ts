// What a look at a Konnektor means: which of its cards a DiGA can use, and what somebody must be told (KON-06, MON-03).
import type { Settings } from '../config.ts';
import type { ErrorCode } from '../errors.ts';
import { isValidAt } from '../konnektor/card-trust.ts';
import type { SeenCard, SeenPin } from '../konnektor/survey.ts';
import type { Cause } from './card-alarms.ts';
import type { KonnektorSight } from './konnektor-watch.ts';

type Diga = Pick<Settings['digas'][number], 'id' | 'telematikId' | 'konnektors'>;

export const telematikIdOf = (card: SeenCard): string | null => card.certificate?.admission?.registrationNumber ?? null;

/** Cards of this DiGA that can sign there, as far as looking tells; judged by trust they are when they are used (card-trust.ts). */
export function usableAt({ answers, survey }: KonnektorSight, diga: Diga, now: number): SeenCard[] {
  if (answers !== true || survey === undefined) return [];
  const away = offline(survey.terminals);
  return survey.cards.filter(
    (card) =>
      telematikIdOf(card) === diga.telematikId &&
      card.pin.state === 'verified' &&
      !away.has(card.ctId) &&
      card.certificate !== undefined &&
      isValidAt(card.certificate, new Date(now)),
  );
}

/** A virtual terminal of an HSM-B has no plug to pull (KON-14). */
export const offline = (terminals: NonNullable<KonnektorSight['survey']>['terminals']): Set<string> =>
  new Set(terminals.filter((one) => one.isPhysical && !one.connected).map(({ ctId }) => ctId));

const OF_PIN: Partial<Record<SeenPin['state'], ErrorCode>> = {
  verifiable: 'SMCB_PIN_NOT_VERIFIED',
  blocked: 'SMCB_PIN_BLOCKED',
  'transport-pin': 'SMCB_PIN_TRANSPORT',
};

/** The code of a PIN that lets nobody sign; null for one that does, or of which that is not known. */
export const pinCode = (pin: SeenPin): ErrorCode | null => OF_PIN[pin.state] ?? null;

/**
 * A DiGA whose chosen card is nowhere while another one signs for it (KON-09): nothing fails, and nobody would know. Where a Konnektor
 * of the DiGA does not tell, it stands as it was before.
 */
export function chosenAway(
  sights: readonly KonnektorSight[],
  diga: Diga,
  o: { chosen: string | undefined; used: string | undefined; before: ReadonlyMap<string, Cause> },
): Cause[] {
  const key = `diga.${diga.id}.chosen`;
  const { chosen, used } = o;
  if (chosen === undefined || used === undefined || used === chosen) return [];
  const own = sights.filter(({ id }) => diga.konnektors.includes(id));
  if (own.some(({ survey }) => survey?.cards.some(({ iccsn }) => iccsn === chosen))) return [];
  const before = o.before.get(key);
  if (own.some(({ answers }) => answers !== true)) return before === undefined ? [] : [before];
  return [{ key, code: 'SMCB_CHOSEN_AWAY', subject: `${chosen} (${diga.id})`, diga: diga.id }];
}

/** Everything there that a person must act on; of a Konnektor that does not answer, what was there before stays. */
export function causesAt(sight: KonnektorSight, digas: readonly Diga[]): Cause[] {
  const { id, answers, error, survey } = sight;
  const causes: Cause[] = [];
  if (answers === false)
    causes.push({ key: `konnektor.${id}`, code: error?.code ?? 'KONNEKTOR_UNREACHABLE', subject: id, at: id });
  if (survey === undefined) return causes;
  if (answers === true && survey.connector !== undefined && isUnfit(survey.connector))
    causes.push({ key: `konnektor.${id}`, code: 'KONNEKTOR_NOT_OPERATIONAL', subject: id, at: id });
  for (const ctId of offline(survey.terminals))
    causes.push({ key: `terminal.${id}.${ctId}`, code: 'TERMINAL_OFFLINE', subject: `${id}/${ctId}`, at: id });
  for (const card of survey.cards) {
    const diga = digas.find(
      ({ telematikId, konnektors }) => konnektors.includes(id) && telematikId === telematikIdOf(card),
    );
    const code = pinCode(card.pin);
    if (diga === undefined || code === null) continue;
    // Each session has a PIN state of its own: verified for one Mandant a card may lack it for another, and a hosted one stands at several.
    causes.push({ key: `card.${card.iccsn}.pin.${id}`, code, subject: `${card.iccsn} (${id})`, diga: diga.id, at: id });
  }
  return causes;
}

/**
 * What was a cause before, and of which the looks could not tell whether it still is (KON-06): at a Konnektor that was never seen, or
 * that refuses to tell. It stands until a look tells.
 */
export function untold(sights: readonly KonnektorSight[], before: ReadonlyMap<string, Cause>): Cause[] {
  const seen = new Set(sights.flatMap(({ survey }) => survey?.cards ?? []).map(({ iccsn }) => iccsn));
  const mayBeAt = ({ id, answers, survey }: KonnektorSight, { key, code }: Cause): boolean => {
    if (key.startsWith(`terminal.${id}.`)) return survey === undefined || survey.terminalsUntold === true;
    if (key === `konnektor.${id}`)
      return answers === null || (code === 'KONNEKTOR_NOT_OPERATIONAL' && answers && survey?.connector === undefined);
    const [, iccsn, konnektor] = /^card\.(\w+)\.pin\.(.+)$/.exec(key) ?? [];
    if (iccsn === undefined || konnektor !== id) return false;
    if (survey === undefined) return !seen.has(iccsn);
    return survey.cards.some((card) => card.iccsn === iccsn && isUntold(card));
  };
  return [...before.values()].flatMap((cause) => {
    const sight = sights.find((one) => mayBeAt(one, cause));
    return sight === undefined ? [] : [{ ...cause, at: sight.id }];
  });
}

/** Its PIN, or whose card it is while the PIN is amiss. */
const isUntold = ({ pin, certificate }: SeenCard): boolean =>
  pin.state === 'unknown' || (certificate === undefined && pinCode(pin) !== null);

/** No way into the TI, or a condition that the Konnektor itself calls fatal (konnektor.md section 5). */
export function isUnfit({
  vpnTi,
  errorStates,
}: NonNullable<NonNullable<KonnektorSight['survey']>['connector']>): boolean {
  return !vpnTi.online || errorStates.some(({ severity, value }) => value && severity === 'Fatal');
}
