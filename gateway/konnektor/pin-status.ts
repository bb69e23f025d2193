// Whether the PIN of an SMC-B lets it sign (GetPinStatus for PIN.SMC, KON-06; konnektor.md 2.2): only VERIFIED and DISABLED do,
// and every other state says who must do what. The PIN itself never passes here (KON-08).
import { type ErrorCode, GatewayError } from '../errors.ts';
import { getPinStatus, type PinStatus } from './card-service.ts';
import type { FoundCard } from './card-trust.ts';
import { reactionTo } from './faults.ts';

const UNUSABLE: Record<Exclude<PinStatus, 'VERIFIED' | 'DISABLED'>, ErrorCode> = {
  VERIFIABLE: 'SMCB_PIN_NOT_VERIFIED',
  BLOCKED: 'SMCB_PIN_BLOCKED',
  TRANSPORT_PIN: 'SMCB_PIN_TRANSPORT',
  EMPTY_PIN: 'SMCB_PIN_TRANSPORT',
};

/** Asks for PIN.SMC. Throws SMCB_PIN_NOT_VERIFIED, SMCB_PIN_BLOCKED, SMCB_PIN_TRANSPORT, or what the Konnektor answered. */
export async function requirePin({ client, cardHandle, iccsn, cardType }: FoundCard): Promise<void> {
  let pin: Awaited<ReturnType<typeof getPinStatus>>;
  try {
    pin = await getPinStatus(client, cardHandle);
  } catch (thrown) {
    // KON-14: an HSM-B need not have a PIN at all (4072, 4209); whether it signs shows when it is asked to.
    if (cardType === 'HSM-B' && reactionTo(thrown) === 'permanent') return;
    throw thrown;
  }
  if (pin.status === 'VERIFIED' || pin.status === 'DISABLED') return;
  const left = pin.leftTries === undefined ? '' : `, ${pin.leftTries} tries left`;
  throw new GatewayError(UNUSABLE[pin.status], `card ${iccsn}: PIN.SMC is ${pin.status}${left}`);
}
