// CardService 8.1 (konnektor.md 2.2): the PIN of the SMC-B. The PIN itself never travels here: it is typed at the terminal
// (KON-08). VerifyPin prompts a person and a wrong entry burns one of three tries, so nothing in the gateway calls it by
// itself and nothing repeats it (KON-07).
import { child, type Markup, textOf, xml } from '../../wire/xml.ts';
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

/** Request body of both operations; order of the XSD: Context, CardHandle, PinTyp. */
export function pinRequest(operation: 'GetPinStatus' | 'VerifyPin', context: Markup, cardHandle: string): Markup {
  return xml(
    `CARD:${operation}`,
    declare('CARD', 'CONN', 'CCTX', 'CARDCMN'),
    context,
    xml('CONN:CardHandle', {}, cardHandle),
    xml('CARDCMN:PinTyp', {}, PIN_SMC),
  );
}

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
    // LeftTries stands in another namespace here than in the answer of VerifyPin.
    const left = child(response, NS.CARD, 'LeftTries');
    return { status, leftTries: left && readNumber(left.text.trim()) };
  });
}

/**
 * Prompts for the PIN at the terminal and waits until the entry ends. A wrong PIN is an answer (REJECTED), no error; an
 * aborted or timed-out entry is ERROR with its code in `warnings`, or a fault of the same code (4049, 4043).
 */
export async function verifyPin(
  client: KonnektorClient,
  cardHandle: string,
): Promise<{ result: PinResult; leftTries: number | undefined; warnings: Trace[] }> {
  const { response, warnings } = await client.call({
    service: 'CardService',
    operation: 'VerifyPin',
    body: pinRequest('VerifyPin', client.context(), cardHandle),
    answer: 'CARD',
    limit: 'pin',
    repeat: false,
  });
  return client.reading('VerifyPin', () => {
    const word = textOf(response, NS.CARDCMN, 'PinResult');
    // ILF 4.1.5.1 names BLOCKED, which the schema does not have.
    const result = word === 'BLOCKED' ? 'WASBLOCKED' : PIN_RESULT.find((known) => known === word);
    if (result === undefined) throw answerInvalid('unknown PinResult');
    const left = child(response, NS.CARDCMN, 'LeftTries');
    return { result, leftTries: left && readNumber(left.text.trim()), warnings };
  });
}
