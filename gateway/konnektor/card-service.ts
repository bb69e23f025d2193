// CardService 8.1 and 8.2 (konnektor.md 2.2): the PIN of the SMC-B. The PIN itself never travels here: it is typed at the terminal
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

/** A card in a call context. `setNewPin` belongs to UnblockPin alone. */
export type PinOf = { context: Markup; cardHandle: string; setNewPin?: boolean };

/** Request body in the namespace of 8.1 or of 8.2; order of the XSD: Context, CardHandle, PinTyp, SetNewPin. */
export function pinRequest(
  operation: 'GetPinStatus' | PinEntry,
  { context, cardHandle, setNewPin }: PinOf,
  namespace: string = NS.CARD,
): Markup {
  return xml(
    `CARD:${operation}`,
    { ...declare('CONN', 'CCTX', 'CARDCMN'), 'xmlns:CARD': namespace },
    context,
    xml('CONN:CardHandle', {}, cardHandle),
    xml('CARDCMN:PinTyp', {}, PIN_SMC),
    setNewPin === undefined ? undefined : xml('CARD:SetNewPin', {}, String(setNewPin)),
  );
}

/** State of PIN.SMC in the card session of this Mandant (BCH FR-021). `leftTries`: entries left before it blocks. */
export async function getPinStatus(
  client: KonnektorClient,
  cardHandle: string,
): Promise<{ status: PinStatus; leftTries: number | undefined }> {
  const { response, namespace } = await client.call({
    service: 'CardService',
    operation: 'GetPinStatus',
    body: (of) => pinRequest('GetPinStatus', { context: client.context(), cardHandle }, of),

    limit: 'card',
    ofCard: true,
    repeat: true,
  });
  return client.reading('GetPinStatus', () => {
    const word = textOf(response, namespace, 'PinStatus');
    const status = PIN_STATUS.find((known) => known === word);
    if (status === undefined) throw answerInvalid('unknown PinStatus');
    return { status, leftTries: leftTriesOf(response, namespace) };
  });
}

/**
 * Prompts for the PIN at the terminal and waits until the entry ends. A wrong PIN is an answer (REJECTED), no error; an
 * aborted or timed-out entry is ERROR with its code in `warnings`, or a fault of the same code (4049, 4043).
 */
export function verifyPin(client: KonnektorClient, cardHandle: string): Promise<PinOutcome> {
  return enter(client, 'VerifyPin', { cardHandle });
}

/** Prompts for the old PIN (or the transport PIN) and twice for the new one. Answers as VerifyPin does. */
export function changePin(client: KonnektorClient, cardHandle: string): Promise<PinOutcome> {
  return enter(client, 'ChangePin', { cardHandle });
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
  return enter(client, 'UnblockPin', { cardHandle, setNewPin });
}

async function enter(client: KonnektorClient, operation: PinEntry, card: Omit<PinOf, 'context'>): Promise<PinOutcome> {
  const { response, namespace, warnings } = await client.call({
    service: 'CardService',
    operation,
    body: (of) => pinRequest(operation, { context: client.context(), ...card }, of),
    limit: 'pin',
    repeat: false, // KON-07
  });
  return client.reading(operation, () => {
    const word = textOf(response, NS.CARDCMN, 'PinResult');
    // ILF 4.1.5.1 names BLOCKED, which the schema does not have.
    const result = word === 'BLOCKED' ? 'WASBLOCKED' : PIN_RESULT.find((known) => known === word);
    if (result === undefined) throw answerInvalid('unknown PinResult');
    return { result, leftTries: leftTriesOf(response, namespace), warnings };
  });
}

/** The schema puts it in CARD in the answer of GetPinStatus and in CARDCMN in the others; either is read in each. */
function leftTriesOf(response: XmlElement, namespace: string): number | undefined {
  const left = child(response, NS.CARDCMN, 'LeftTries') ?? child(response, namespace, 'LeftTries');
  return left && readNumber(left.text.trim());
}
