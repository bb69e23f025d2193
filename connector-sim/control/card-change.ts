// What PATCH /sim/cards changes about a card: which members a card of its kind has, what fits its Konnektor, and all of it or nothing.
import { z } from 'zod';
import { certificateEnd, lifeUntil } from '../certificate-life.ts';
import { PUK_USES } from '../konnektor/card-pin.ts';
import { certificateOf, isSmb, isUp, setInserted, setPinStatus } from '../konnektor/cards.ts';
import { ENTERED_PIN, type KonnektorState, PIN_STATUS, PIN_TRIES, type SimCard } from '../konnektor/model.ts';
import { mintSmcb, rsaKey, type SimPki } from '../pki.ts';
import type { Finding, Readable } from '../refusal.ts';

/** What GET shows can be sent back: `iccsn` and `cardType` must be the card's own, null is what a card without PIN.SMC shows. */
export const cardSchema = z.strictObject({
  konnektor: z.string().optional(),
  iccsn: z.string().optional(),
  cardType: z.string().optional(),
  inserted: z.boolean().optional(),
  ctId: z.string().min(1).max(64).optional(),
  slotId: z.int().min(1).max(16).optional(),
  telematikId: z.string().min(1).max(128).nullish(),
  pinStatus: z.enum(PIN_STATUS).nullish(),
  leftTries: z.int().min(0).max(PIN_TRIES).nullish(),
  pukTries: z.int().min(0).max(PUK_USES).nullish(),
  enteredPin: z.enum(ENTERED_PIN).nullish(),
  signDelayMs: z.int().min(0).max(600_000).optional(),
  certificateExpires: certificateEnd.nullish(),
});
type CardGiven = z.infer<typeof cardSchema>;
type CardChange = { [K in keyof CardGiven]?: NonNullable<CardGiven[K]> };

/**
 * What really changes against what GET shows, and everything that does not fit: members a card of its kind does not have, places
 * that are free, PIN states that can be. A PIN status counts always, since moving the card would change it.
 */
export function checkedChange(
  state: KonnektorState,
  card: SimCard,
  { shown, given }: { shown: Record<string, unknown>; given: Readable<CardGiven> },
): { change: CardChange; findings: Finding[] } {
  const findings: Finding[] = [];
  const kept = Object.entries(given).filter(
    ([member, value]) => value !== shown[member] || (member === 'pinStatus' && value !== null),
  );
  for (const [member, value] of kept) {
    if (member === 'iccsn' || member === 'cardType' || member === 'konnektor')
      findings.push({ pointer: `/${member}`, code: 'read-only', message: 'what the card is does not change' });
    else if (value === null)
      findings.push({ pointer: `/${member}`, code: 'invalid_type', message: 'the card has one' });
  }
  const change = Object.fromEntries(kept.filter(([, value]) => value !== null)) as CardChange;
  for (const member of NOT_OF[card.cardType])
    if (change[member] !== undefined)
      findings.push({ pointer: `/${member}`, code: 'not-applicable', message: `a ${card.cardType} has none` });
  findings.push(...placeFindings(state, card, change), ...pinFindings(state, card, { change, given }));
  return { change, findings: findings.filter((one, i) => findings.findIndex((f) => f.pointer === one.pointer) === i) };
}

const PIN_MEMBERS = ['pinStatus', 'leftTries', 'pukTries'] as const;
const SMB_MEMBERS = ['telematikId', 'certificateExpires'] as const;
/** Members that a card of this kind does not have. */
const NOT_OF: Readonly<Record<SimCard['cardType'], readonly (keyof CardChange)[]>> = {
  'SMC-B': [],
  'HSM-B': PIN_MEMBERS,
  'SMC-KT': [...SMB_MEMBERS, ...PIN_MEMBERS, 'enteredPin', 'signDelayMs'],
  HBA: SMB_MEMBERS,
  EGK: [...SMB_MEMBERS, 'signDelayMs'],
};

function placeFindings(state: KonnektorState, card: SimCard, change: CardChange): Finding[] {
  const { ctId = card.ctId, slotId = card.slotId } = change;
  const terminal = state.terminals.get(ctId);
  if (terminal === undefined) return [{ pointer: '/ctId', code: 'unknown', message: 'no such terminal' }];
  if (terminal.physical === (card.cardType === 'HSM-B'))
    return [{ pointer: '/ctId', code: 'not-applicable', message: 'not a terminal for such a card' }];
  if (slotId > terminal.slots)
    return [{ pointer: '/slotId', code: 'unknown', message: `the terminal has ${terminal.slots} slots` }];
  const taken = [...state.cards.values()].some((c) => c !== card && c.ctId === ctId && c.slotId === slotId);
  return taken ? [{ pointer: '/slotId', code: 'taken', message: 'another card is in that slot' }] : [];
}

function pinFindings(
  state: KonnektorState,
  card: SimCard,
  { change, given }: { change: CardChange; given: Readable<CardGiven> },
): Finding[] {
  const { pinStatus, ctId = card.ctId, inserted = card.inserted } = change;
  const tries = given.leftTries ?? undefined;
  const findings: Finding[] = [];
  const wrong = (member: keyof CardChange, code: string, message: string) =>
    findings.push({ pointer: `/${member}`, code, message });
  if (pinStatus === 'VERIFIED' && !isSmb(card) && card.cardType !== 'SMC-KT')
    wrong('pinStatus', 'not-applicable', 'verified for a person, never at large');
  else if (pinStatus === 'VERIFIED' && !(inserted && isUp(state.terminals.get(ctId))))
    wrong('pinStatus', 'not-applicable', 'a card that cannot be read has no card session');
  if (tries === undefined) return findings;
  if (tries === 0 && (pinStatus ?? 'BLOCKED') !== 'BLOCKED')
    wrong('leftTries', 'contradiction', 'no tries left is BLOCKED');
  else if (pinStatus === 'BLOCKED' && tries > 0) wrong('leftTries', 'contradiction', 'a blocked PIN has no tries left');
  else if (pinStatus === 'VERIFIED' && tries < PIN_TRIES)
    wrong('leftTries', 'contradiction', 'the right PIN gives all tries back');
  return findings;
}

/** All of it: what can fail, the new certificates, is made before anything changes. */
export function applyChange(
  state: KonnektorState,
  card: SimCard,
  change: CardChange,
  o: { now: number; pki: SimPki },
): void {
  const { telematikId, certificateExpires, inserted, pinStatus, leftTries } = change;
  const issued =
    telematikId === undefined && certificateExpires === undefined
      ? {}
      : { telematikId: telematikId ?? card.telematikId, ...reissued(card, change, o.pki) };
  const { ctId = card.ctId, slotId = card.slotId } = change;
  if (ctId !== card.ctId || slotId !== card.slotId) {
    // Moving a card is pulling it and inserting it elsewhere: new handle, no card session left.
    const wasInserted = card.inserted;
    setInserted(state, card, false, o.now);
    Object.assign(card, { ctId, slotId });
    setInserted(state, card, wasInserted, o.now);
  }
  if (inserted !== undefined) setInserted(state, card, inserted, o.now);
  if (pinStatus !== undefined) setPinStatus(state, card, pinStatus);
  if (leftTries !== undefined) setTries(state, card, leftTries);
  card.pukTries = change.pukTries ?? card.pukTries;
  card.enteredPin = change.enteredPin ?? card.enteredPin;
  card.signDelayMs = change.signDelayMs ?? card.signDelayMs;
  Object.assign(card, issued);
}

/** A wrong entry ends every card session, and the last one blocks. */
function setTries(state: KonnektorState, card: SimCard, tries: number): void {
  if (tries === 0) setPinStatus(state, card, 'BLOCKED');
  else if (card.pinState === 'BLOCKED') setPinStatus(state, card, 'VERIFIABLE');
  if (tries < PIN_TRIES) card.verifiedFor = new Set();
  card.leftTries = tries;
}

/** Other certificates with new keys: another Telematik-ID, another end of validity. */
function reissued(
  card: SimCard,
  { telematikId, certificateExpires }: CardChange,
  pki: SimPki,
): Partial<Pick<SimCard, 'certificates' | 'rsaCertificates'>> {
  const before = certificateOf(card, 'C.AUT');
  const end = certificateExpires === undefined ? before?.notAfter : new Date(certificateExpires);
  if (end === undefined) return {};
  const issue = {
    smcbCa: pki.smcbCa,
    organization: card.holder ?? 'TEST-ONLY',
    telematikId: telematikId ?? card.telematikId ?? '',
    life: lifeUntil(end, before?.notBefore ?? end),
  };
  return {
    ...(card.certificates.size > 0 && { certificates: mintSmcb(issue) }),
    ...(card.rsaCertificates.size > 0 && { rsaCertificates: mintSmcb({ ...issue, privateKey: rsaKey }) }),
  };
}
