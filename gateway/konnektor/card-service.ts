// CardService 8.1 (konnektor.md 2.2): the PIN of the SMC-B. The PIN itself never travels here: it is typed at the terminal
// (KON-08). VerifyPin, ChangePin and UnblockPin prompt a person and a wrong entry burns a try, so nothing in the gateway
// calls them by itself and nothing repeats them (KON-07).
import { child, type Markup, textOf, type XmlElement, xml } from '../../wire/xml.ts';
import { readNumber } from './event-service.ts';
import { answerInvalid, type Trace } from './faults.ts';
import type { KonnektorClient } from './soap-client.ts';
import { declare, NS } from './tables/namespaces.ts';

/** The one PIN of an SMC-B or HSM-B that the gateway knows. */
export const PIN_SMC = 'PIN.SMC';

/** Only VERIFIED and DISABLED (PIN protection off, schema 8.1.3) can sign. */
const PIN_STATUS = ['VERIFIED', 'VERIFIABLE', 'TRANSPORT_PIN', 'EMPTY_PIN', 'BLOCKED', 'DISABLED'] as const;
export type PinStatus = (typeof PIN_STATUS)[number];

const PIN_RESULT = ['OK', 'ERROR', 'REJECTED', 'WASBLOCKED', 'NOWBLOCKED', 'TRANSPORT_PIN'] as const;
export type PinResult = (typeof PIN_RESULT)[number];

/** How an entry at the terminal ended. `leftTries` of UnblockPin counts the uses of the PUK. */
export type PinOutcome = { result: PinResult; leftTries: number | undefined; warnings: Trace[] };

export type PinEntry = 'VerifyPin' | 'ChangePin' | 'UnblockPin';

/** Request body; order of the XSD: Context, CardHandle, PinTyp. */
export function pinRequest(
  operation: 'GetPinStatus' | Exclude<PinEntry, 'UnblockPin'>,
  context: Markup,
  cardHandle: string,
): Markup {
  return xml(`CARD:${operation}`, declare('CARD', 'CONN', 'CCTX', 'CARDCMN'), ...pinOf(context, cardHandle));
}

/** The same, and SetNewPin behind it. */
export function unblockPinRequest(context: Markup, cardHandle: string, setNewPin: boolean): Markup {
  return xml(
    'CARD:UnblockPin',
    declare('CARD', 'CONN', 'CCTX', 'CARDCMN'),
    ...pinOf(context, cardHandle),
    xml('CARD:SetNewPin', {}, String(setNewPin)),
  );
}

const pinOf = (context: Markup, cardHandle: string): Markup[] => [
  context,
  xml('CONN:CardHandle', {}, cardHandle),
  xml('CARDCMN:PinTyp', {}, PIN_SMC),
];

/** State of PIN.SMC in the card session of this Mandant (BCH FR-021). `leftTries`: entries left before it blocks. */
export async function getPinStatus(
  client: KonnektorClient,
  cardHandle: string,
): Promise<{ status: PinStatus; leftTries: number | undefined }> {
  const { response } = await client.call({
    service: 'CardService',
    operation: 'GetPinStatus',
    body: pinRequest('GetPinStatus', client.context(), cardHandle),
    answer: 'CARD',
    limit: 'card',
    repeat: true,
  });
  return client.reading('GetPinStatus', () => {
    const word = textOf(response, NS.CARD, 'PinStatus');
    const status = PIN_STATUS.find((known) => known === word);
    if (status === undefined) throw answerInvalid('unknown PinStatus');
    return { status, leftTries: leftTriesOf(response) };
  });
}

/**
 * Prompts for the PIN at the terminal and waits until the entry ends. A wrong PIN is an answer (REJECTED), no error; an
 * aborted or timed-out entry is ERROR with its code in `warnings`, or a fault of the same code (4049, 4043).
 */
export function verifyPin(client: KonnektorClient, cardHandle: string): Promise<PinOutcome> {
  return enter(client, 'VerifyPin', pinRequest('VerifyPin', client.context(), cardHandle));
}

/** Prompts for the old PIN (or the transport PIN) and twice for the new one. Answers as VerifyPin does. */
export function changePin(client: KonnektorClient, cardHandle: string): Promise<PinOutcome> {
  return enter(client, 'ChangePin', pinRequest('ChangePin', client.context(), cardHandle));
}

/**
 * Prompts for the PUK, which has ten uses in its life, and with `setNewPin` twice for a new PIN. Only for a PIN that is
 * surely blocked: of one that is not, the operation ends without an effect (BCH).
 */
export function unblockPin(
  client: KonnektorClient,
  cardHandle: string,
  { setNewPin }: { setNewPin: boolean },
): Promise<PinOutcome> {
  return enter(client, 'UnblockPin', unblockPinRequest(client.context(), cardHandle, setNewPin));
}

async function enter(client: KonnektorClient, operation: PinEntry, body: Markup): Promise<PinOutcome> {
  const { response, warnings } = await client.call({
    service: 'CardService',
    operation,
    body,
    answer: 'CARD',
    limit: 'pin',
    repeat: false, // KON-07
  });
  return client.reading(operation, () => {
    const word = textOf(response, NS.CARDCMN, 'PinResult');
    // ILF 4.1.5.1 names BLOCKED, which the schema does not have.
    const result = word === 'BLOCKED' ? 'WASBLOCKED' : PIN_RESULT.find((known) => known === word);
    if (result === undefined) throw answerInvalid('unknown PinResult');
    return { result, leftTries: leftTriesOf(response), warnings };
  });
}

/** The schema puts it in CARD in the answer of GetPinStatus and in CARDCMN in the others; either is read in each. */
function leftTriesOf(response: XmlElement): number | undefined {
  const left = child(response, NS.CARDCMN, 'LeftTries') ?? child(response, NS.CARD, 'LeftTries');
  return left && readNumber(left.text.trim());
}
