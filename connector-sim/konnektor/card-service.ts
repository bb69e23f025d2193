// CardService 8.1.2: GetPinStatus and VerifyPin of an SM-B (konnektor.md 2.2). The PIN itself never passes here: a
// simulated person enters it at the terminal (D23), in `pin-pad.ts`.
import { type Markup, type XmlElement, xml } from '../../wire/xml.ts';
import { enterPin, pinStatusFor } from './cards.ts';
import { type CallContext, checkAccess, checkCard, checkPinPad, readContext } from './context.ts';
import { KonnektorFault, status, telematikError } from './konnektor-fault.ts';
import { must, readCardHandle, readPinTyp, readSequence } from './message.ts';
import type { SimCard } from './model.ts';
import { declare, NS } from './namespaces.ts';
import { awaitPinEntry } from './pin-pad.ts';
import { defineOperation, type OperationCall } from './soap-endpoint.ts';

type PinRequest = { context: CallContext; cardHandle: string; pinTyp: string };

/** Context before handle here, unlike CertificateService (konnektor.md 2.4). */
function readPinRequest(body: XmlElement): PinRequest {
  const found = readSequence(body, ['CCTX:Context', 'CONN:CardHandle', 'CARDCMN:PinTyp']);
  return {
    context: readContext(must(found, 'Context')),
    cardHandle: readCardHandle(must(found, 'CardHandle')),
    pinTyp: readPinTyp(must(found, 'PinTyp')),
  };
}

/** 4209: the card type has no PIN here; 4072: an SM-B has only PIN.SMC. */
function checkPinOf(card: SimCard, pinTyp: string): void {
  if (card.cardType !== 'SMC-B') throw new KonnektorFault(4209);
  if (pinTyp !== 'PIN.SMC') throw new KonnektorFault(4072);
}

const getPinStatus = defineOperation({
  name: 'GetPinStatus',
  ns: NS.CARD,
  read: readPinRequest,
  run(input, { konnektor }) {
    const access = checkAccess(konnektor, input.context);
    const card = checkCard(konnektor, access, input.cardHandle);
    checkPinOf(card, input.pinTyp);
    const pinStatus = pinStatusFor(card, access.mandant.id);
    return xml(
      'CARD:GetPinStatusResponse',
      declare('CARD', 'CONN'),
      status(),
      xml('CARD:PinStatus', {}, pinStatus),
      pinStatus === 'VERIFIABLE' ? xml('CARD:LeftTries', {}, String(card.leftTries)) : undefined,
    );
  },
});

const verifyPin = defineOperation({
  name: 'VerifyPin',
  ns: NS.CARD,
  read: readPinRequest,
  async run(input, call) {
    const { konnektor } = call;
    const access = checkAccess(konnektor, input.context);
    const card = checkCard(konnektor, access, input.cardHandle);
    checkPinOf(card, input.pinTyp);
    const terminal = checkPinPad(konnektor, access, card);
    const mandant = access.mandant.id;
    const before = pinStatusFor(card, mandant);
    if (before === 'VERIFIED') return verifyPinResponse('OK');
    if (before === 'BLOCKED') return refused(call, 'WASBLOCKED', 4063);
    if (before === 'TRANSPORT_PIN' || before === 'EMPTY_PIN') return refused(call, 'TRANSPORT_PIN', 4065);
    const handle = card.cardHandle;
    const entered = await awaitPinEntry(call, terminal.ctId, card);
    if (card.cardHandle !== handle) throw new KonnektorFault(4045); // pulled meanwhile
    if (entered === 'cancel') return interrupted(call, 4049);
    if (entered === 'timeout') return interrupted(call, 4043);
    const result = enterPin(card, mandant, entered === 'right');
    return verifyPinResponse(result, result === 'REJECTED' ? { leftTries: card.leftTries } : {});
  },
});

/** An entry that never happens, because the PIN is blocked or still the transport PIN: as result, or as the fault BCH expects. */
function refused(call: OperationCall, result: 'WASBLOCKED' | 'TRANSPORT_PIN', code: number): Markup {
  if (call.manners.pinRefusedAs === 'fault') throw new KonnektorFault(code);
  return verifyPinResponse(result);
}

/** An entry nobody finished: SOAP fault, or PinResult ERROR with the error as a warning in CONN:Status (ILF 4.1.5.1). */
function interrupted(call: OperationCall, code: number): Markup {
  if (call.manners.pinInterruptedAs === 'fault') throw new KonnektorFault(code);
  return verifyPinResponse('ERROR', {
    warning: telematikError({ code, now: call.world.now(), severity: 'Warning' }),
  });
}

function verifyPinResponse(result: string, o: { leftTries?: number; warning?: Markup } = {}): Markup {
  return xml(
    'CARD:VerifyPinResponse',
    declare('CARD', 'CONN', 'CARDCMN'),
    status(o.warning),
    xml('CARDCMN:PinResult', {}, result),
    // LeftTries stands in CARDCMN here, in CARD in GetPinStatusResponse.
    o.leftTries === undefined ? undefined : xml('CARDCMN:LeftTries', {}, String(o.leftTries)),
  );
}

export const cardService = [getPinStatus, verifyPin];
