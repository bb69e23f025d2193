// The doctor's steps with a card (OPS-06): role, end, PIN, status. Where several cards of the DiGA are plugged (KON-09), one that signs
// is enough: the gateway takes it, so the walk goes over it.
import { readCertificate } from '../../certs/certificate.ts';
import { GatewayError } from '../errors.ts';
import { type FoundCard, judgeCard } from '../konnektor/card-trust.ts';
import { requirePin } from '../konnektor/pin-status.ts';
import type { OutsideParts } from '../outside.ts';
import type { Session } from '../record-system/session.ts';
import type { StepName } from './faults.ts';

/** Answers what was found, or why there was nothing to look at; throws what is wrong. */
export type StepAct = () => Promise<string | null | { skipped: string }>;
type CardStep = [step: StepName, act: StepAct];

/** The old card before the one that follows it, as a login takes them. */
export const byEnd = (a: FoundCard, b: FoundCard): number =>
  a.certificate.notAfter.getTime() - b.certificate.notAfter.getTime();

export function cardSteps(
  { outside, now }: { outside: Pick<OutsideParts<Session>, 'inspect'>; now: () => number },
  card: FoundCard,
): CardStep[] {
  const anchors = () => outside.inspect?.anchors() ?? { roots: [], intermediates: [], ocspSigners: [] };
  return [
    [
      'role',
      async () => {
        judgeCard(card, anchors(), new Date(now()));
        return `oid_diga, card ${card.iccsn}`;
      },
    ],
    ['certificate', async () => `until ${card.certificate.notAfter.toISOString().slice(0, 10)}`],
    [
      'pin',
      async () => {
        await requirePin(card);
        return null;
      },
    ],
    [
      'ocsp',
      async () => {
        const status = outside.inspect?.status;
        if (status === undefined) return { skipped: 'no responder in the settings (trust.ocsp)' };
        await status.require(readCertificate(card.certificate.der));
        const sight = status.sight(card.certificate);
        if (sight === undefined) {
          const { check = null, reason = 'the OCSP responder cannot be asked' } = status.failingSince() ?? {};
          throw new GatewayError('OCSP_UNREACHABLE', reason, { ...(check !== null && { check }) });
        }
        return sight.status;
      },
    ],
  ];
}

/** The first with which every step goes well; of none such the one that comes farthest, the first of equals. */
export async function farthest<Card>(
  cards: readonly Card[],
  stepsOf: (card: Card) => readonly CardStep[],
): Promise<Card | undefined> {
  if (cards.length < 2) return cards[0];
  let best: { card: Card; went: number } | undefined;
  for (const card of cards) {
    const steps = stepsOf(card);
    let went = 0;
    for (const [, act] of steps) {
      const well = await act().then(
        () => true,
        () => false,
      );
      if (!well) break;
      went += 1;
    }
    if (went === steps.length) return card;
    if (best === undefined || went > best.went) best = { card, went };
  }
  return best?.card;
}
