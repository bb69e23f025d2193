// A card that does not answer while its Konnektor does (KON-11, MON-04): it is that card's failure and its DiGA's. The Konnektor is not
// silent by it, the other cards are seen and used, nobody waits for it twice, and it is used again as soon as it is heard.
import { expect, test } from 'vitest';
import { type CardWatch, watchCards } from '../../../../gateway/cards/card-watch.ts';
import { createChainHealth } from '../../../../gateway/exports/chain-health.ts';
import { KonnektorHealth } from '../../../../gateway/konnektor/konnektor-health.ts';
import { SmcbCards } from '../../../../gateway/konnektor/smcb.ts';
import { KonnektorClient } from '../../../../gateway/konnektor/soap-client.ts';
import { silentLogger } from '../../../../gateway/log.ts';
import { handClock } from '../../../support/hand-clock.ts';
import { DIGA_ADMISSION } from '../../../support/test-pki.ts';
import {
  ACCESS,
  type Asked,
  cardsAnswer,
  certificateAnswer,
  fault,
  pinAnswer,
} from '../konnektor/scripted-konnektor.ts';
import {
  anchors,
  handleOf,
  healthy,
  ICCSN,
  issue,
  mine,
  OTHER_ICCSN,
  TELEMATIK_ID,
} from '../konnektor/scripted-smcb.ts';

const OTHER_ID = '9-TEST-DIGA-0002';
const other = issue({ admission: { ...DIGA_ADMISSION, registrationNumber: OTHER_ID } });
const DIGAS = [
  { id: 'demo', telematikId: TELEMATIK_ID, konnektors: ['k1'] },
  { id: 'diga-2', telematikId: OTHER_ID, konnektors: ['k1'] },
];

/** One Konnektor with the cards of two DiGAs; `silent` names the operations that the first one's card does not answer. */
function bench() {
  const silent = new Set<string>();
  const of = (operation: string, answer: (asked: Asked) => string) => (asked: Asked) =>
    handleOf(asked) === 'h1' && silent.has(operation) ? 'TIMEOUT' : answer(asked);
  const konnektor = healthy({
    GetCards: cardsAnswer({ cardHandle: 'h1', iccsn: ICCSN }, { cardHandle: 'h2', iccsn: OTHER_ICCSN }),
    GetResourceInformation: fault(4002),
    ReadCardCertificate: of('ReadCardCertificate', (asked) =>
      certificateAnswer((handleOf(asked) === 'h1' ? mine : other).certificate.der),
    ),
    GetPinStatus: of('GetPinStatus', () => pinAnswer('VERIFIED')),
  });
  const clock = handClock(Date.now());
  const { now, timer } = clock;
  const health = new KonnektorHealth(timer);
  const client = new KonnektorClient({ access: ACCESS, egress: health.guard(konnektor) });
  const smcb = new SmcbCards({ konnektors: [client], anchors: () => anchors, now, health });
  const chain = createChainHealth();
  const watch: CardWatch = watchCards({
    ...{ konnektors: [client], health, smcb, chain, now, timer, log: silentLogger },
    settings: { digas: DIGAS as never, cards: { pollSeconds: 60, probeSeconds: 5 } as never },
    cards: { signerFor: (diga) => smcb.signerFor(diga) },
    back: () => {},
    wake: () => {},
    alarms: { open: () => [], raise: async () => {}, clear: async () => {} } as never,
    choices: { changed: async () => [], of: () => undefined },
    busy: () => false,
  });
  const codes = () => Object.fromEntries(watch.digas().map(({ diga, code }) => [diga, code]));
  const asked = (operation: string, handle: string) =>
    konnektor.asked.filter((one) => one.operation === operation && handleOf(one) === handle).length;
  const sight = () => watch.sights()[0];
  const pin = (iccsn: string) => sight()?.survey?.cards.find((card) => card.iccsn === iccsn)?.pin;
  return { silent, konnektor, clock, health, smcb, watch, codes, asked, sight, pin };
}

test.each(['ReadCardCertificate', 'GetPinStatus'])(
  'from the start (%s): the other DiGA can use its card, and the Konnektor answers',
  async (operation) => {
    const { silent, health, watch, codes, sight, pin, asked } = bench();
    silent.add(operation);
    await watch.begun;
    expect(codes()).toEqual({ demo: 'SMCB_ACCESS_FAILED', 'diga-2': null });
    expect(sight()).toMatchObject({ answers: true, error: null });
    expect(health.isSilent('k1')).toBe(false);
    expect(pin(ICCSN)).toEqual({ state: 'unknown', leftTries: null, code: 'SMCB_ACCESS_FAILED' });
    expect(pin(OTHER_ICCSN)?.state).toBe('verified');
    // Look, search and PIN: its time limit has been waited for once.
    expect(asked(operation, 'h1')).toBe(1);
    watch.stop();
  },
);

test('while it runs, and when it is heard again both are used', async () => {
  const { silent, health, smcb, watch, codes, sight } = bench();
  await watch.begun;
  expect(codes()).toEqual({ demo: null, 'diga-2': null });
  silent.add('GetPinStatus');
  await watch.look();
  expect(sight()?.answers).toBe(true);
  expect([codes(), health.isSilent('k1')]).toEqual([{ demo: 'SMCB_ACCESS_FAILED', 'diga-2': null }, false]);
  silent.clear();
  // The look asks it beside itself; when it was heard, the next one uses it.
  await watch.look();
  expect(smcb.silence(ICCSN)).toBeUndefined();
  await watch.look();
  expect(codes()).toEqual({ demo: null, 'diga-2': null });
  watch.stop();
});

test('a look does not wait for a card that is known to be silent', async () => {
  const { silent, konnektor, watch, sight } = bench();
  silent.add('GetPinStatus');
  await watch.begun;
  const { GetPinStatus: answered } = konnektor.script;
  const never = Promise.withResolvers<string>();
  const probes: string[] = [];
  konnektor.script.GetPinStatus = (one) => {
    if (handleOf(one) !== 'h1') return typeof answered === 'function' ? answered(one) : 'TIMEOUT';
    probes.push(handleOf(one));
    return never.promise;
  };
  await watch.look();
  await watch.look();
  expect([probes, sight()?.survey?.cards.map(({ iccsn }) => iccsn)]).toEqual([['h1'], [ICCSN, OTHER_ICCSN]]);
  watch.stop();
});

test('cards are asked side by side', async () => {
  const { konnektor, watch, asked } = bench();
  await watch.begun;
  const { GetPinStatus: answered } = konnektor.script;
  const first = Promise.withResolvers<string>();
  const second = Promise.withResolvers<void>();
  konnektor.script.GetPinStatus = (one) => {
    if (handleOf(one) === 'h1') return first.promise;
    second.resolve();
    return typeof answered === 'function' ? answered(one) : 'TIMEOUT';
  };
  const look = watch.look();
  await second.promise;
  first.resolve(pinAnswer('VERIFIED'));
  await look;
  expect(asked('GetPinStatus', 'h2')).toBeGreaterThan(1);
  watch.stop();
});

test('a Konnektor that does not answer GetCards is silent all the same', async () => {
  const { konnektor, health, watch, codes } = bench();
  await watch.begun;
  konnektor.script.GetCards = 'TIMEOUT';
  await watch.look();
  expect([health.isSilent('k1'), codes()]).toEqual([
    true,
    { demo: 'KONNEKTOR_UNREACHABLE', 'diga-2': 'KONNEKTOR_UNREACHABLE' },
  ]);
  watch.stop();
});
