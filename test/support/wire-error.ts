// What a test says about a refusal of the wire layer: the code, and nothing about the words.
import { WireError } from '../../wire/error.ts';

/** The WireError `act` throws; the test fails when it throws nothing or something else. */
export function wireErrorOf(act: () => unknown): WireError {
  try {
    act();
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
  throw new Error('nothing thrown');
}

/** The code of the WireError `act` throws; 'nothing thrown' when it passes, and any other error goes on. */
export function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

/** As codeOf, for what is thrown later. */
export async function rejectionCode(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

/** A copy with one bit of the byte at `index` changed; negative indexes count from the end. */
export function flipped(bytes: Uint8Array, index: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = index < 0 ? copy.length + index : index;
  copy[at] = (copy[at] ?? 0) ^ 0x01;
  return copy;
}
