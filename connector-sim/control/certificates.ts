// Control calls about what runs out (D17, CRT-02): the follow-up card of a card, and certificates of the TI renewed on demand.
import { z } from 'zod';
import { type HttpAnswer, jsonAnswer } from '../http-server.ts';
import { addCard } from '../konnektor/inventory.ts';
import { accept, Refusal } from '../refusal.ts';
import { certificateNamed, RENEWABLE, type Renewable, renew } from '../renewals.ts';
import { cardView } from './cards.ts';
import type { ControlDeps, ControlRoute } from './route.ts';

const followUpSchema = z.strictObject({
  /** Another slot, if need be of another terminal; the first free one unless said. */
  ctId: z.string().min(1).max(64).optional(),
  slotId: z.int().min(1).max(16).optional(),
  inserted: z.boolean().optional(),
  /** As it comes from its issuer: with a transport PIN. */
  pinStatus: z.enum(['VERIFIED', 'VERIFIABLE', 'TRANSPORT_PIN']).optional(),
  /** A card of somebody else, put in by mistake. */
  telematikId: z.string().min(1).max(128).optional(),
  keys: z.enum(['ECC', 'RSA', 'both']).optional(),
  certificateExpires: z.iso.datetime({ offset: true }).optional(),
});
const renewalSchema = z.strictObject({ notAfter: z.iso.datetime({ offset: true }).optional() });

export function certificateRoutes({ parts, trustChanged }: ControlDeps): ControlRoute[] {
  const { world, pki } = parts;
  const view = (name: Renewable): Record<string, unknown> => {
    const { subject, issuer, serialNumber, notBefore, notAfter } = certificateNamed(pki, name).certificate;
    const dates = { notBefore: notBefore.toISOString(), notAfter: notAfter.toISOString() };
    return { name, subject, issuer, serialNumber, ...dates };
  };
  return [
    {
      method: 'POST',
      path: '/sim/cards/{iccsn}/follow-up',
      run({ params, body }): HttpAnswer {
        const state = world.konnektorOfCard(params.iccsn ?? '');
        const card = state?.cards.get(params.iccsn ?? '');
        if (state === undefined || card === undefined)
          throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such card' });
        if (card.cardType !== 'SMC-B' && card.cardType !== 'HSM-B')
          throw new Refusal({ status: 409, code: 'NO_FOLLOW_UP', message: `a ${card.cardType} has none here` });
        const { pinStatus = 'TRANSPORT_PIN', telematikId, ...given } = accept(followUpSchema, body());
        const follower = addCard(
          state,
          {
            ...given,
            cardType: card.cardType,
            telematikId: telematikId ?? card.telematikId ?? '',
            holder: card.holder ?? undefined,
            pinStatus: card.cardType === 'HSM-B' ? undefined : pinStatus,
          },
          { pki, now: world.now(), random: world.random },
        );
        return jsonAnswer(201, cardView(state, follower));
      },
    },
    { method: 'GET', path: '/sim/certificates', run: () => jsonAnswer(200, RENEWABLE.map(view)) },
    {
      method: 'POST',
      path: '/sim/certificates/{name}/renew',
      run({ params, body }): HttpAnswer {
        const name = RENEWABLE.find((one) => one === params.name);
        if (name === undefined) throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such certificate' });
        const { notAfter } = accept(renewalSchema, body());
        renew(pki, name, { now: world.now(), ...(notAfter !== undefined && { notAfter: new Date(notAfter) }) });
        trustChanged?.();
        return jsonAnswer(200, view(name));
      },
    },
  ];
}
