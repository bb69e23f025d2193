// The activation of a new SMC-B, step by step (KON-10): found at a Konnektor, certificate of a DiGA of ours, PIN set and verified,
// not revoked as the Konnektor's OCSP says, and a test signature that its certificate verifies. The first that fails is named.
import { randomBytes } from 'node:crypto';
import { asGatewayError, catalogue, type ErrorCode, GatewayError } from '../errors.ts';
import type { PluggedCard } from '../konnektor/card-desk.ts';
import type { KonnektorParts } from '../konnektor-parts.ts';
import type { PinOperations } from './pin-operations.ts';
import { pinCode } from './sights.ts';

const STEPS = ['found', 'certificate', 'pin-set', 'pin-verified', 'ocsp', 'test-signature'] as const;
export type ActivationStep = (typeof STEPS)[number];

export type ActivationResult = {
  iccsn: string;
  diga: string | null;
  konnektor: string | null;
  ok: boolean;
  /** The first step that failed. */
  failed: ActivationStep | null;
  steps: {
    step: ActivationStep;
    /** `open`: not tried, since one before it failed. */
    state: 'ok' | 'failed' | 'open';
    code: ErrorCode | null;
    remedy: { de: string; en: string } | null;
  }[];
};

/** Walks the steps for a card; costs one signature where every step before it succeeds. Throws INTERNAL only. */
export function createActivation({
  pins,
  desk,
  now,
}: {
  pins: Pick<PinOperations, 'find'>;
  desk: Pick<KonnektorParts['desk'], 'pin' | 'judge' | 'ocsp' | 'testSignature'>;
  now: () => number;
}): (iccsn: string) => Promise<ActivationResult> {
  return async (iccsn) => {
    let card: PluggedCard | undefined;
    let diga: string | null = null;
    let konnektor: string | null = null;
    const plugged = () => {
      if (card === undefined) throw new GatewayError('INTERNAL', 'a step before has not found the card');
      return card;
    };
    const acts: Record<ActivationStep, () => Promise<void>> = {
      found: async () => {
        const found = await pins.find({ iccsn }).catch((thrown: unknown) => {
          const { code } = asGatewayError(thrown);
          throw code === 'NOT_FOUND' ? new GatewayError('SMCB_NOT_FOUND', `card ${iccsn} is at no Konnektor`) : thrown;
        });
        card = found.card;
        diga = found.diga;
        konnektor = card.konnektor;
      },
      certificate: async () => {
        if (diga === null) throw new GatewayError('SMCB_UNTRUSTED', `card ${iccsn}: its certificate cannot be read`);
        await desk.judge(plugged());
      },
      'pin-set': async () => {
        const { state, code } = await desk.pin(plugged());
        if (state === 'transport-pin') throw new GatewayError('SMCB_PIN_TRANSPORT', `card ${iccsn}`);
        if (state === 'unknown') throw new GatewayError(code ?? 'KONNEKTOR_FAULT', `card ${iccsn}`);
      },
      'pin-verified': async () => {
        const code = pinCode(await desk.pin(plugged()));
        if (code !== null) throw new GatewayError(code, `card ${iccsn}`);
      },
      ocsp: async () => {
        const { result } = await desk.ocsp(plugged(), new Date(now()));
        if (result === 'INVALID') throw new GatewayError('CERTIFICATE_REVOKED', `card ${iccsn}`);
        if (result === 'INCONCLUSIVE') throw new GatewayError('CERTIFICATE_STATUS_UNKNOWN', `card ${iccsn}`);
      },
      'test-signature': () => desk.testSignature(plugged(), new Uint8Array(randomBytes(32))),
    };
    const steps: ActivationResult['steps'] = [];
    let failed: ActivationStep | null = null;
    for (const step of STEPS) {
      let code: ErrorCode | null = null;
      if (failed === null)
        try {
          await acts[step]();
        } catch (thrown) {
          const error = asGatewayError(thrown);
          if (error.kind === 'bug') throw error;
          code = error.code;
        }
      const state = failed !== null ? 'open' : code === null ? 'ok' : 'failed';
      if (state === 'failed') failed = step;
      steps.push({ step, state, code, remedy: code === null ? null : catalogue[code].remedy });
    }
    return { iccsn, diga, konnektor, ok: failed === null, failed, steps };
  };
}
