// What a test says about a refusal of the gateway: the GatewayError itself, so that code, kind and foreign can be judged.
import { GatewayError } from '../../gateway/errors.ts';

/** The GatewayError `act` throws or rejects with; any other error goes on, and so does a pass. */
export async function gatewayErrorOf(act: () => unknown): Promise<GatewayError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
