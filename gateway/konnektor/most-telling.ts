// Which of several Konnektors' failures a DiGA is told, when none of them has a card that signs (KON-11).
import { type ErrorCode, GatewayError } from '../errors.ts';

/** The card was found: what it lacks says more than what another Konnektor answered. */
const ABOUT_THE_CARD: readonly ErrorCode[] = [
  'SMCB_PIN_NOT_VERIFIED',
  'SMCB_PIN_TRANSPORT',
  'SMCB_PIN_BLOCKED',
  'CERTIFICATE_REVOKED',
  'CERTIFICATE_NOT_RELEASED',
  'CERTIFICATE_EXPIRED',
  'SMCB_WRONG_ROLE',
  'SMCB_UNTRUSTED',
];

/** One failure for all that were met: about the card first, "not there" last, otherwise the first. */
export function mostTelling(failures: readonly GatewayError[]): GatewayError {
  const about = ABOUT_THE_CARD.flatMap((code) => failures.filter((one) => one.code === code));
  const other = failures.find((one) => one.code !== 'SMCB_NOT_FOUND');
  return about[0] ?? other ?? failures[0] ?? new GatewayError('CONFIG_INVALID', 'a DiGA without a Konnektor');
}
