// CardService 8.1.2, what is typed at a terminal: VerifyPin, ChangePin, UnblockPin (konnektor.md 2.2, D23); EnablePin and
// DisablePin are of an eGK's MRPIN alone, which no card has here. The PIN itself never passes: a simulated person enters it.
import { type Markup, type XmlElement, xml } from '../../wire/xml.ts';
import { enterPin, enterPuk, hasPinOfItsOwn, pinOf, pinStatusFor, sessionOf, setNewPin } from './card-pin.ts';
import { isSmb } from './cards.ts';
import { type Access, type CallContext, checkAccess, checkCard, checkPinPad, readContext } from './context.ts';
import { emit, type PinAction, pinEvent } from './events.ts';
import { KonnektorFault, status, telematikError } from './konnektor-fault.ts';
import { booleanOf, must, one, type Particle, readCardHandle, readPinTyp, readSequence } from './message.ts';
import type { CardPin, EnteredPin, SimCard } from './model.ts';
import { declare, NS } from './namespaces.ts';
import { awaitPinEntry } from './pin-pad.ts';
import { defineOperation, type Operation, type OperationCall } from './soap-endpoint.ts';

export type PinRequest = { context: CallContext; cardHandle: string; pinTyp: string };

const pinParticles: Particle[] = ['CCTX:Context', 'CONN:CardHandle', 'CARDCMN:PinTyp'];

function pinRequestOf(found: ReadonlyMap<string, XmlElement[]>): PinRequest {
  return {
    context: readContext(must(found, 'Context')),
    cardHandle: readCardHandle(must(found, 'CardHandle')),
    pinTyp: readPinTyp(must(found, 'PinTyp')),
  };
}

/** Context before handle here, unlike CertificateService (konnektor.md 2.4). */
export function readPinRequest(body: XmlElement): PinRequest {
  return pinRequestOf(readSequence(body, pinParticles));
}

/** One PIN of a card as this call's card session sees it. */
type Subject = { call: OperationCall; access: Access; card: SimCard; pin: CardPin; pinTyp: string; session: string };

function subjectOf(input: PinRequest, call: OperationCall): Subject {
  const access = checkAccess(call.konnektor, input.context);
  const card = checkCard(call.konnektor, access, input.cardHandle);
  const pin = pinOf(card, input.pinTyp, call.manners);
  return { call, access, card, pin, pinTyp: input.pinTyp, session: sessionOf(card, access, call.manners) };
}

type PinResult = 'OK' | 'REJECTED' | 'NOWBLOCKED' | 'WASBLOCKED' | 'TRANSPORT_PIN' | 'ERROR';
type Outcome = { result: PinResult; leftTries?: number; interruptedBy?: number };

/** What an entry that the person finished means: right or wrong, and for a new PIN typed twice two faults more. */
type Typed = Exclude<EnteredPin, 'none' | 'cancel' | 'timeout'>;

/** KON-08: has a person type at the terminal, between the two events that tell of it (konnektor.md 5). */
async function atPinPad(subject: Subject, action: PinAction, typed: (what: Typed) => Outcome): Promise<Outcome> {
  const { call, access, card, pinTyp } = subject;
  const { konnektor } = call;
  const terminal = checkPinPad(konnektor, access, card);
  const handle = card.cardHandle;
  const about = { action, card, pinRef: pinTyp, padCtId: terminal.ctId };
  let result: PinResult = 'ERROR';
  try {
    const entered = await awaitPinEntry(
      { ...call, started: () => emit(konnektor, pinEvent(about)) },
      terminal.ctId,
      card,
    );
    if (card.cardHandle !== handle) throw new KonnektorFault(4045); // pulled meanwhile
    checkPinPad(konnektor, access, card); // a remote terminal that fell silent meanwhile: 4222
    if (entered === 'cancel') return { result, interruptedBy: 4049 };
    if (entered === 'timeout') return { result, interruptedBy: 4043 };
    const outcome = typed(entered);
    result = outcome.result;
    return outcome;
  } catch (error) {
    // Another entry is open there: this one never began.
    if (error instanceof KonnektorFault && error.code === 4060) throw error;
    if (card.cardHandle !== handle) throw new KonnektorFault(4045);
    throw error;
  } finally {
    if (card.cardHandle === handle) emit(konnektor, pinEvent({ ...about, result }));
  }
}

function pinOperation<T extends PinRequest>(o: {
  name: string;
  read: (body: XmlElement) => T;
  run: (subject: Subject, input: T) => Outcome | Promise<Outcome>;
}): Operation {
  return defineOperation({
    name: o.name,
    ns: NS.CARD,
    read: o.read,
    run: async (input, call) => pinResponse(o.name, await o.run(subjectOf(input, call), input), call),
  });
}

const verifyPin = pinOperation({
  name: 'VerifyPin',
  read: readPinRequest,
  run(subject) {
    const { call, card, pin, session } = subject;
    // A virtual card's PIN is nobody's to type (konnektor.md 8): it is usable as it stands.
    if (!hasPinOfItsOwn(card)) return { result: 'OK' };
    const before = pinStatusFor(pin, session);
    if (before === 'VERIFIED') return { result: 'OK' };
    if (before === 'BLOCKED') return refused(call, 'WASBLOCKED', 4063);
    if (before !== 'VERIFIABLE') return refused(call, 'TRANSPORT_PIN', 4065);
    // One card session at a time may hold a raised security state of a person's card.
    if (!isSmb(card) && pin.verifiedFor.size > 0) throw new KonnektorFault(4018);
    return atPinPad(subject, 'VERIFY', (typed) => withTries(enterPin(pin, session, typed !== 'wrong'), pin.leftTries));
  },
});

const changePin = pinOperation({
  name: 'ChangePin',
  read: readPinRequest,
  run(subject) {
    const { call, pin, session } = subject;
    if (pin.pinState === 'BLOCKED') return refused(call, 'WASBLOCKED', 4063);
    return atPinPad(subject, 'CHANGE', (typed) => {
      // The old PIN is judged first: with a wrong one nobody gets so far as to type a new one.
      if (typed === 'wrong') return withTries(enterPin(pin, session, false), pin.leftTries);
      checkNewPin(typed);
      setNewPin(pin, session, call.world.choices.afterNewPin);
      return { result: 'OK' };
    });
  },
});

const unblockPin = pinOperation({
  name: 'UnblockPin',
  read(body) {
    const found = readSequence(body, [...pinParticles, 'CARD:SetNewPin?']);
    const given = one(found, 'SetNewPin');
    return { ...pinRequestOf(found), setNewPin: given !== undefined && booleanOf(given) };
  },
  run(subject, { setNewPin: withNewPin }) {
    const { call, pin, pinTyp, session } = subject;
    if (pinTyp === 'PIN.QES' && withNewPin) throw new KonnektorFault(4000, 'PIN.QES takes no new PIN here');
    // BCH: what is not blocked stays as it is, and that is a success.
    if (pin.pinState !== 'BLOCKED') return { result: 'OK' };
    // KON-07: a transport PIN that was blocked is lost for good; the holder needs another card, as with a PUK used up.
    if (pin.pukTries === 0 || pin.transportPinLost) return refused(call, 'WASBLOCKED', 4064);
    return atPinPad(subject, 'UNBLOCK', (typed) => {
      // PUK and new PIN are one command to the card: while the two new ones do not fit, the terminal sends none.
      if (withNewPin) checkNewPin(typed);
      const entry = enterPuk(pin, typed !== 'wrong');
      if (entry !== 'OK') return withTries(entry, pin.pukTries);
      if (withNewPin) setNewPin(pin, session, call.world.choices.afterNewPin);
      return { result: 'OK' };
    });
  },
});

/** An eGK's MRPIN alone can be switched off and on; no card here has one. */
const mrpinOnly = (name: string) =>
  pinOperation({
    name,
    read: readPinRequest,
    run({ card }): Outcome {
      throw new KonnektorFault(card.cardType === 'EGK' ? 4072 : 4209);
    },
  });

const enablePin = mrpinOnly('EnablePin');
const disablePin = mrpinOnly('DisablePin');

function checkNewPin(typed: Typed): void {
  if (typed === 'different') throw new KonnektorFault(4067);
  if (typed === 'short') throw new KonnektorFault(4068);
}

function withTries(result: PinResult, leftTries: number): Outcome {
  return result === 'REJECTED' ? { result, leftTries } : { result };
}

/** An entry that never happens, because PIN or PUK is blocked or the PIN still the transport PIN: as result, or as the fault BCH expects. */
function refused(call: OperationCall, result: 'WASBLOCKED' | 'TRANSPORT_PIN', code: number): Outcome {
  if (call.manners.pinRefusedAs === 'fault') throw new KonnektorFault(code);
  return { result };
}

/** An entry nobody finished: SOAP fault, or PinResult ERROR with the error as a warning in CONN:Status (ILF 4.1.5.1). */
function pinResponse(operation: string, outcome: Outcome, call: OperationCall): Markup {
  const { interruptedBy: code, leftTries } = outcome;
  if (code !== undefined && call.manners.pinInterruptedAs === 'fault') throw new KonnektorFault(code);
  const warning = code === undefined ? undefined : telematikError({ code, now: call.world.now(), severity: 'Warning' });
  return xml(
    `CARD:${operation}Response`,
    declare('CARD', 'CONN', 'CARDCMN'),
    status(warning),
    xml('CARDCMN:PinResult', {}, outcome.result),
    // LeftTries stands in CARDCMN here, in CARD in GetPinStatusResponse.
    leftTries === undefined ? undefined : xml('CARDCMN:LeftTries', {}, String(leftTries)),
  );
}

export const pinOperations = [verifyPin, changePin, unblockPin, enablePin, disablePin];
