// Control calls about what runs out (D17, CRT-02): the follow-up card of a card, and certificates of the TI renewed on demand.
import { z } from 'zod';
import { certificateEnd } from '../certificate-life.ts';
import { type HttpAnswer, jsonAnswer } from '../http-server.ts';
import { addCard, cardFindings } from '../konnektor/inventory.ts';
import { acceptMeant, type Readable, Refusal } from '../refusal.ts';
import { beginsAt, certificateNamed, RENEWABLE, type Renewable, renew } from '../renewals.ts';
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
  certificateExpires: certificateEnd.optional(),
});
type FollowUp = z.infer<typeof followUpSchema>;
const renewalSchema = z.strictObject({ notAfter: certificateEnd.optional() });

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
        const { cardType, holder } = card;
        if (cardType !== 'SMC-B' && cardType !== 'HSM-B')
          throw new Refusal({ status: 409, code: 'NO_FOLLOW_UP', message: `a ${cardType} has none here` });
        const isTaken = (ctId: string) => world.konnektorOfTerminal(ctId) !== undefined;
        const seedOf = ({ pinStatus = 'TRANSPORT_PIN', ...given }: Readable<FollowUp>) => ({
          telematikId: card.telematikId ?? '',
          ...given,
          cardType,
          holder: holder ?? undefined,
          pinStatus: cardType === 'HSM-B' ? undefined : pinStatus,
        });
        const given = acceptMeant(
          followUpSchema,
          body(),
          (readable) => cardFindings(state, seedOf(readable), isTaken).findings,
        );
        const parts = { pki, now: world.now(), random: world.random, isTaken };
        const follower = addCard(state, seedOf(given), parts);
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
        const from = beginsAt(pki, name);
        const { notAfter } = acceptMeant(renewalSchema, body(), (readable) =>
          from !== undefined && Date.parse(readable.notAfter ?? '') <= from.getTime()
            ? [{ pointer: '/notAfter', code: 'contradiction', message: `before it begins (${from.toISOString()})` }]
            : [],
        );
        renew(pki, name, { now: world.now(), ...(notAfter !== undefined && { notAfter: new Date(notAfter) }) });
        trustChanged?.();
        return jsonAnswer(200, view(name));
      },
    },
  ];
}
