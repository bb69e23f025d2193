// Cards that were pulled, as operators are shown them (KON-06): once each, where they were last, and nothing of other holders.
import { expect, test } from 'vitest';
import { cardViews } from '../../../../gateway/cards/card-views.ts';
import type { KonnektorSight } from '../../../../gateway/cards/konnektor-watch.ts';
import type { SeenCard } from '../../../../gateway/konnektor/survey.ts';

const card = (iccsn: string, telematikId: string): SeenCard =>
  ({
    ...{ iccsn, cardType: 'SMC-B', cardHandle: 'h', ctId: 'CT1', slotId: 1, insertTime: '', cardHolderName: null },
    certificate: { notAfter: new Date(9e12), admission: { registrationNumber: telematikId } },
    pin: { state: 'verified', leftTries: null, code: null },
  }) as SeenCard;
const OURS = card('1', '9-OURS');
const sight = (id: string, pulled: KonnektorSight['pulled'], cards: SeenCard[] = []): KonnektorSight => ({
  ...{ id, answers: true, error: null, since: 0, lookedAt: 0, pulled },
  survey: { connector: undefined, terminals: [], cards },
});
const shown = (sights: KonnektorSight[]) =>
  cardViews(sights, {
    settings: { digas: [{ id: 'demo', telematikId: '9-OURS', konnektors: ['k1', 'k2'] }] } as never,
    smcb: { inUse: () => undefined, queueLength: () => 0 },
    chosen: () => undefined,
    digas: [],
    now: () => 0,
  }).map(({ iccsn, konnektor, present, code }) => [iccsn, konnektor, present, code]);

test.each([
  [2, 1, 'k1'],
  [1, 2, 'k2'],
])('missed at one Konnektor at %i and at another at %i: shown once, at the later one', (first, second, konnektor) => {
  const sights = [sight('k1', [{ card: OURS, missedAt: first }]), sight('k2', [{ card: OURS, missedAt: second }])];
  expect(shown(sights)).toEqual([['1', konnektor, false, 'SMCB_NOT_FOUND']]);
});

test('plugged elsewhere it is not pulled', () => {
  const sights = [sight('k1', [{ card: OURS, missedAt: 1 }]), sight('k2', [], [OURS])];
  expect(shown(sights)).toEqual([['1', 'k2', true, null]]);
});

test('a card of somebody else is not missed by us', () => {
  expect(shown([sight('k1', [{ card: card('2', '9-OTHER'), missedAt: 1 }])])).toEqual([]);
});
