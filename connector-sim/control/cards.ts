// Control calls about terminals and cards (api.md section 4, D23, D27): what a person does with them, and what they are.
import { z } from 'zod';
import { jsonAnswer } from '../http-server.ts';
import { hasPinOfItsOwn, PUK_USES, pinStatusFor } from '../konnektor/card-pin.ts';
import { isSmb, setInserted, setPinStatus, setTerminal } from '../konnektor/cards.ts';
import { ENTERED_PIN, type KonnektorState, PIN_STATUS, type SimCard, type SimTerminal } from '../konnektor/model.ts';
import { personArrives } from '../konnektor/pin-pad.ts';
import { mintSmcb, rsaKey, type SimPki } from '../pki.ts';
import { accept, type Finding, Refusal } from '../refusal.ts';
import type { ControlDeps, ControlRoute } from './route.ts';

const terminalSchema = z.strictObject({ connected: z.boolean().optional(), active: z.boolean().optional() });
/** What GET shows can be sent back: `iccsn` and `cardType` must be the card's own, null is what a card without PIN.SMC shows. */
const cardSchema = z.strictObject({
  konnektor: z.string().optional(),
  iccsn: z.string().optional(),
  cardType: z.string().optional(),
  inserted: z.boolean().optional(),
  ctId: z.string().min(1).max(64).optional(),
  slotId: z.int().min(1).max(16).optional(),
  telematikId: z.string().min(1).max(128).nullish(),
  pinStatus: z.enum(PIN_STATUS).nullish(),
  leftTries: z.int().min(0).max(3).nullish(),
  pukTries: z.int().min(0).max(PUK_USES).nullish(),
  enteredPin: z.enum(ENTERED_PIN).nullish(),
  signDelayMs: z.int().min(0).max(600_000).optional(),
  certificateExpires: z.iso.datetime({ offset: true }).nullish(),
});
type CardGiven = z.infer<typeof cardSchema>;
type CardChange = { [K in keyof CardGiven]?: NonNullable<CardGiven[K]> };

export function terminalView(konnektor: KonnektorState, terminal: SimTerminal): Record<string, unknown> {
  const { ctId, name, slots, physical, active, connected, workplaces } = terminal;
  return { konnektor: konnektor.id, ctId, name, slots, physical, active, connected, workplaces };
}

/**
 * `pinStatus` as the first Mandant that manages the card sees it; null for a card whose PIN nobody types. Of a person's card
 * it is PIN.CH.
 */
export function cardView(state: KonnektorState, card: SimCard): Record<string, unknown> {
  const hasPin = card.cardType !== 'SMC-KT' && hasPinOfItsOwn(card);
  const mandant = state.model.mandants.find((m) => m.smbs.includes(card.iccsn))?.id ?? '';
  return {
    konnektor: state.id,
    iccsn: card.iccsn,
    cardType: card.cardType,
    telematikId: card.telematikId,
    ctId: card.ctId,
    slotId: card.slotId,
    inserted: card.inserted,
    pinStatus: hasPin ? pinStatusFor(card, mandant) : null,
    leftTries: hasPin ? card.leftTries : null,
    pukTries: hasPin ? card.pukTries : null,
    enteredPin: card.cardType === 'SMC-KT' ? null : card.enteredPin,
    signDelayMs: card.signDelayMs,
    certificateExpires: autOf(card)?.notAfter.toISOString() ?? null,
  };
}

export function cardRoutes({ parts }: ControlDeps): ControlRoute[] {
  const { world, pki } = parts;
  return [
    {
      method: 'GET',
      path: '/sim/terminals',
      run: () =>
        jsonAnswer(
          200,
          [...world.konnektors.values()].flatMap((k) => [...k.terminals.values()].map((t) => terminalView(k, t))),
        ),
    },
    {
      method: 'PATCH',
      path: '/sim/terminals/{ctId}',
      run({ params, body }) {
        const konnektor = world.konnektorOfTerminal(params.ctId ?? '');
        const terminal = konnektor?.terminals.get(params.ctId ?? '');
        if (konnektor === undefined || terminal === undefined)
          throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such terminal' });
        setTerminal(konnektor, terminal, { ...accept(terminalSchema, body()), now: world.now() });
        personArrives(konnektor);
        return jsonAnswer(200, terminalView(konnektor, terminal));
      },
    },
    {
      method: 'GET',
      path: '/sim/cards',
      run: () =>
        jsonAnswer(
          200,
          [...world.konnektors.values()].flatMap((k) => [...k.cards.values()].map((card) => cardView(k, card))),
        ),
    },
    {
      method: 'PATCH',
      path: '/sim/cards/{iccsn}',
      run({ params, body }) {
        const konnektor = world.konnektorOfCard(params.iccsn ?? '');
        const card = konnektor?.cards.get(params.iccsn ?? '');
        if (konnektor === undefined || card === undefined)
          throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such card' });
        const findings: Finding[] = [];
        const change = realChange(cardView(konnektor, card), accept(cardSchema, body()), findings);
        checkChange(konnektor, card, change, findings);
        applyChange(konnektor, card, change, { now: world.now(), pki });
        personArrives(konnektor);
        return jsonAnswer(200, cardView(konnektor, card));
      },
    },
  ];
}

/** Members that are not what GET shows already; a PIN status counts always, since moving the card would change it. */
function realChange(shown: Record<string, unknown>, given: CardGiven, findings: Finding[]): CardChange {
  const kept = Object.entries(given).filter(
    ([member, value]) => value !== shown[member] || (member === 'pinStatus' && value !== null),
  );
  for (const [member, value] of kept) {
    if (member === 'iccsn' || member === 'cardType' || member === 'konnektor')
      findings.push({ pointer: `/${member}`, code: 'read-only', message: 'what the card is does not change' });
    else if (value === null)
      findings.push({ pointer: `/${member}`, code: 'invalid_type', message: 'the card has one' });
  }
  return Object.fromEntries(kept.filter(([, value]) => value !== null)) as CardChange;
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

/** What the schema alone cannot judge: places that exist and are free, members a card without PIN.SMC does not have. */
function checkChange(state: KonnektorState, card: SimCard, change: CardChange, findings: Finding[]): void {
  const ctId = change.ctId ?? card.ctId;
  const slotId = change.slotId ?? card.slotId;
  const terminal = state.terminals.get(ctId);
  if (terminal === undefined) findings.push({ pointer: '/ctId', code: 'unknown', message: 'no such terminal' });
  else if (slotId > terminal.slots) {
    findings.push({ pointer: '/slotId', code: 'unknown', message: `the terminal has ${terminal.slots} slots` });
  } else if ([...state.cards.values()].some((c) => c !== card && c.ctId === ctId && c.slotId === slotId)) {
    findings.push({ pointer: '/slotId', code: 'taken', message: 'another card is in that slot' });
  } else if (terminal.physical === (card.cardType === 'HSM-B'))
    findings.push({ pointer: '/ctId', code: 'not-applicable', message: 'not a terminal for such a card' });
  for (const member of NOT_OF[card.cardType]) {
    if (change[member] !== undefined)
      findings.push({ pointer: `/${member}`, code: 'not-applicable', message: `a ${card.cardType} has none` });
  }
  if (change.pinStatus === 'VERIFIED' && !isSmb(card) && card.cardType !== 'SMC-KT')
    findings.push({ pointer: '/pinStatus', code: 'not-applicable', message: 'verified for a person, never at large' });
  if (change.leftTries === 0 && (change.pinStatus ?? 'BLOCKED') !== 'BLOCKED') {
    findings.push({ pointer: '/leftTries', code: 'contradiction', message: 'no tries left is BLOCKED' });
  }
  if (change.pinStatus === 'BLOCKED' && (change.leftTries ?? 0) > 0) {
    findings.push({ pointer: '/leftTries', code: 'contradiction', message: 'a blocked PIN has no tries left' });
  }
  if (findings.length > 0) {
    throw new Refusal({ status: 422, code: 'BODY_INVALID', message: 'the card cannot be changed so', findings });
  }
}

function applyChange(state: KonnektorState, card: SimCard, change: CardChange, o: { now: number; pki: SimPki }): void {
  const moves =
    (change.ctId !== undefined && change.ctId !== card.ctId) ||
    (change.slotId !== undefined && change.slotId !== card.slotId);
  if (moves) {
    // Moving a card is pulling it and inserting it elsewhere: new handle, no card session left.
    const wasInserted = card.inserted;
    setInserted(state, card, false, o.now);
    card.ctId = change.ctId ?? card.ctId;
    card.slotId = change.slotId ?? card.slotId;
    setInserted(state, card, wasInserted, o.now);
  }
  if (change.inserted !== undefined) setInserted(state, card, change.inserted, o.now);
  if (change.pinStatus !== undefined) setPinStatus(state, card, change.pinStatus);
  if (change.leftTries !== undefined) {
    card.leftTries = change.leftTries;
    if (change.leftTries === 0) setPinStatus(state, card, 'BLOCKED');
    else if (card.pinState === 'BLOCKED') setPinStatus(state, card, 'VERIFIABLE');
  }
  if (change.pukTries !== undefined) card.pukTries = change.pukTries;
  if (change.enteredPin !== undefined) card.enteredPin = change.enteredPin;
  if (change.signDelayMs !== undefined) card.signDelayMs = change.signDelayMs;
  if (change.telematikId !== undefined || change.certificateExpires !== undefined) {
    card.telematikId = change.telematikId ?? card.telematikId;
    reissue(card, change.certificateExpires, o.pki);
  }
}

const autOf = (card: SimCard) => (card.certificates.get('C.AUT') ?? card.rsaCertificates.get('C.AUT'))?.certificate;

/** The card gets other certificates (new keys too): another Telematik-ID, another end of validity. */
function reissue(card: SimCard, expires: string | undefined, pki: SimPki): void {
  const before = autOf(card);
  const notAfter = expires === undefined ? before?.notAfter : new Date(expires);
  const end = notAfter ?? new Date();
  const start = before?.notBefore ?? end;
  const life = { notBefore: start < end ? start : new Date(end.getTime() - 86_400_000), notAfter: end };
  const organization = card.holder ?? 'TEST-ONLY';
  const issue = { smcbCa: pki.smcbCa, organization, telematikId: card.telematikId ?? '', life };
  if (card.certificates.size > 0) card.certificates = mintSmcb(issue);
  if (card.rsaCertificates.size > 0) card.rsaCertificates = mintSmcb({ ...issue, privateKey: rsaKey });
}
