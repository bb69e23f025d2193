// A second SMC-B of the DiGA beside the first (KON-09), its activation step by step (KON-10), and hosted cards (KON-14): the change comes on
// command or when the old card has ended, only to a card of the same Telematik-ID that can sign, and the documents' chain goes on.
import { afterEach, describe, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { SimulatedClock } from './support/simulated-clock.ts';
import { exportBody, TestWorld } from './support/world.ts';

type SimCard = { iccsn: string; cardType: string; certificateExpires: string };
type Activation = { ok: boolean; failed: string | null; steps: { step: string; state: string; code: string | null }[] };
type Problem = { code: string; detail: string };

const TELEMATIK_ID = '9-DEMO-DIGA-0001';
let world: TestWorld;
let clock: SimulatedClock;
afterEach(() => world.stop());

async function start(): Promise<SimCard> {
  world = await TestWorld.start({
    settings: (s) => ({ ...s, session: { reuse: false } }),
    dependencies: (sim) => {
      clock = new SimulatedClock(sim.world);
      return { now: clock.now, timer: clock.timer };
    },
  });
  const cards = await world.control<SimCard[]>('GET', '/sim/cards');
  return cards.find(({ cardType }) => cardType === 'SMC-B') ?? expect.unreachable('no SMC-B');
}
const plug = (card: object = { pinStatus: 'VERIFIED' }) =>
  world.control<SimCard>('POST', '/sim/cards', { cardType: 'SMC-B', telematikId: TELEMATIK_ID, ...card });
const use = (iccsn: string, body = '{}') => world.call('POST', `/admin/v1/cards/${iccsn}/use`, { admin: true, body });
const look = () => world.call('GET', '/admin/v1/cards?fresh=true', { admin: true });
/** ICCSNs of the cards in use after this. */
async function inUseAfter(run: () => Promise<unknown>): Promise<string[]> {
  await run();
  const answer = (await look()).json() as { cards: { iccsn: string; inUse: boolean }[] };
  return answer.cards.filter(({ inUse }) => inUse).map(({ iccsn }) => iccsn);
}
type Card = { iccsn: string; present: boolean; usable: boolean; inUse: boolean; chosen: boolean; code: string | null };
const cards = async () => ((await look()).json() as { cards: Card[] }).cards;
const alarmsOfCards = async () => {
  const { alarms } = (await world.call('GET', '/admin/v1/alarms?open=true', { admin: true })).json() as {
    alarms: { key: string }[];
  };
  return alarms.filter(({ key }) => !key.startsWith('certificate.'));
};
let version = 0;
async function write(kvnr: string) {
  version += 1;
  const at = new Date(clock.now());
  return world.write(exportBody(kvnr, demoDocument(kvnr, version, at)), new Set(['written']));
}

describe('the change of a card', () => {
  // Each of its looks begins two seconds after the one before.
  test('comes on command, survives a restart of the gateway, and the next version replaces the one before', {
    timeout: 60_000,
  }, async () => {
    const old = await start();
    const kvnr = world.insured(0);
    const first = await write(kvnr);
    const next = await plug();
    expect(await inUseAfter(() => write(kvnr))).toEqual([old.iccsn]);
    const answer = await use(next.iccsn);
    expect([answer.status, answer.json()]).toEqual([200, { diga: 'demo', iccsn: next.iccsn }]);
    let third = await world.get(first.id);
    expect(
      await inUseAfter(async () => {
        third = await write(kvnr);
      }),
    ).toEqual([next.iccsn]);
    expect(third.document).toMatchObject({ version: 3, status: 'written' });
    expect((await world.documents(kvnr)).filter(({ status }) => status === 'Approved')).toHaveLength(1);
    await world.stopGateway();
    await world.startGateway();
    expect(await inUseAfter(() => write(kvnr))).toEqual([next.iccsn]);
    // The chosen one is pulled: the old one does meanwhile, until it is back.
    await world.control('PATCH', `/sim/cards/${next.iccsn}`, { inserted: false });
    await look();
    expect(await inUseAfter(() => write(kvnr))).toEqual([old.iccsn]);
    // Everything is written, so the card's absence has to be told by itself.
    expect(await alarmsOfCards()).toMatchObject([
      { key: 'diga.demo.chosen', code: 'SMCB_CHOSEN_AWAY', diga: 'demo', subject: `${next.iccsn} (demo)` },
    ]);
    const rowOf = (iccsn: string) => cards().then((all) => all.find((card) => card.iccsn === iccsn));
    expect(await rowOf(next.iccsn)).toMatchObject({
      ...{ present: false, usable: false, inUse: false, chosen: true, code: 'SMCB_NOT_FOUND' },
      pin: { state: 'unknown' },
    });
    await world.control('PATCH', `/sim/cards/${next.iccsn}`, { inserted: true, pinStatus: 'VERIFIED' });
    await look();
    expect(await inUseAfter(() => write(kvnr))).toEqual([next.iccsn]);
    expect(await alarmsOfCards()).toEqual([]);
    // One in reserve that is pulled is shown as well, and wakes nobody.
    await world.control('PATCH', `/sim/cards/${old.iccsn}`, { inserted: false });
    expect(await rowOf(old.iccsn)).toMatchObject({
      present: false,
      usable: false,
      chosen: false,
      code: 'SMCB_NOT_FOUND',
    });
    expect(await alarmsOfCards()).toEqual([]);
  });

  test('comes by itself when the old card has ended', async () => {
    const old = await start();
    await plug();
    const kvnr = world.insured(0);
    const ends = new Date(clock.now() + 3_600_000).toISOString();
    await world.control('PATCH', `/sim/cards/${old.iccsn}`, { certificateExpires: ends });
    // A card gets other certificates by being another card: the gateway begins with it.
    await world.stopGateway();
    await world.startGateway();
    expect(await inUseAfter(() => write(kvnr))).toEqual([old.iccsn]);
    clock.advanceTo(clock.now() + 2 * 3_600_000);
    await look();
    const [now] = await inUseAfter(() => write(kvnr));
    expect(now).not.toBe(old.iccsn);
  });

  test.each<[string, object, string]>([
    ['another Telematik-ID', { telematikId: '9-OTHER-0001', pinStatus: 'VERIFIED' }, 'it has another Telematik-ID'],
    ['a PIN that is not verified', { pinStatus: 'VERIFIABLE' }, 'SMCB_PIN_NOT_VERIFIED'],
    ['its transport PIN', { pinStatus: 'TRANSPORT_PIN' }, 'SMCB_PIN_TRANSPORT'],
    ['an ended certificate', { certificateExpires: '2020-01-01T00:00:00Z' }, 'CERTIFICATE_EXPIRED'],
  ])('is refused for a card with %s', async (_what, card, why) => {
    const old = await start();
    const next = await plug({ ...card, ...('certificateExpires' in card && { certificateExpires: undefined }) });
    if ('certificateExpires' in card) await world.control('PATCH', `/sim/cards/${next.iccsn}`, card);
    await look();
    const refused = await use(next.iccsn, '{"diga":"demo"}');
    expect([refused.status, refused.json()]).toEqual([409, expect.objectContaining({ code: 'CARD_CHANGE_REFUSED' })]);
    expect((refused.json() as Problem).detail).toContain(why);
    expect(await inUseAfter(() => write(world.insured(0)))).toEqual([old.iccsn]);
  });

  test('is refused for a card that is nowhere, a DiGA that is none, and who is no operator', async () => {
    const old = await start();
    for (const body of ['{}', '{"diga":"demo"}']) expect((await use('80276883110000099999', body)).status).toBe(404);
    expect((await use(old.iccsn, '{"diga":"nobody"}')).status).toBe(404);
    expect((await use(old.iccsn, '{"pin":"123456"}')).status).toBe(422);
    const path = `/admin/v1/cards/${old.iccsn}/use`;
    expect((await world.call('POST', path, { admin: true, key: null })).status).toBe(401);
  });
});

test('another certificate of the same card is seen once it was pulled and plugged, without a restart', async () => {
  const { iccsn } = await start();
  await look();
  await write(world.insured(0));
  const expires = '2027-02-10T00:00:00.000Z';
  await world.control('PATCH', `/sim/cards/${iccsn}`, { certificateExpires: expires, inserted: false });
  await look();
  await world.control('PATCH', `/sim/cards/${iccsn}`, { inserted: true, pinStatus: 'VERIFIED' });
  const { cards } = (await look()).json() as { cards: { iccsn: string; certificateExpires: string }[] };
  expect(cards.find((one) => one.iccsn === iccsn)?.certificateExpires).toBe(expires);
  const { certificates } = (await world.call('GET', '/admin/v1/certificates?fresh=true', { admin: true })).json() as {
    certificates: { use: string; iccsn: string | null; notAfter: string | null }[];
  };
  const ofCard = certificates.filter((one) => one.iccsn === iccsn && one.use.startsWith('smcb'));
  expect([...new Set(ofCard.map(({ notAfter }) => notAfter))]).toEqual([expires]);
  // And it signs with it: the record system judges the certificate of the login.
  expect((await write(world.insured(0))).status).toBe('written');
});

describe('activation (KON-10)', () => {
  const walk = async (iccsn: string) =>
    (await world.call('GET', `/admin/v1/cards/${iccsn}/activation`, { admin: true })).json() as Activation;

  test('every step is good, and one signature was made', async () => {
    const { iccsn } = await start();
    await look();
    const before = world.sim.operations().ExternalAuthenticate ?? 0;
    const { ok, failed, steps } = await walk(iccsn);
    expect([ok, failed]).toEqual([true, null]);
    expect(steps.map(({ step, state }) => `${step} ${state}`)).toEqual([
      'found ok',
      'certificate ok',
      'pin-set ok',
      'pin-verified ok',
      'ocsp ok',
      'test-signature ok',
    ]);
    expect((world.sim.operations().ExternalAuthenticate ?? 0) - before).toBe(1);
  });

  test.each<[string, object, string, string]>([
    ['its transport PIN', { pinStatus: 'TRANSPORT_PIN' }, 'pin-set', 'SMCB_PIN_TRANSPORT'],
    ['a PIN that is not verified', { pinStatus: 'VERIFIABLE' }, 'pin-verified', 'SMCB_PIN_NOT_VERIFIED'],
    ['a blocked PIN', { pinStatus: 'BLOCKED' }, 'pin-verified', 'SMCB_PIN_BLOCKED'],
    ['an ended certificate', { certificateExpires: '2020-01-01T00:00:00Z' }, 'certificate', 'CERTIFICATE_EXPIRED'],
    ['no place in a terminal', { inserted: false }, 'found', 'SMCB_NOT_FOUND'],
  ])('the first step that fails is named: %s', async (_what, patch, step, code) => {
    await start();
    const { iccsn } = await plug();
    await world.control('PATCH', `/sim/cards/${iccsn}`, patch);
    const before = world.sim.operations().ExternalAuthenticate ?? 0;
    const { ok, failed, steps } = await walk(iccsn);
    expect([ok, failed, steps.find(({ state }) => state === 'failed')?.code]).toEqual([false, step, code]);
    const behind = steps.slice(steps.findIndex((one) => one.state === 'failed') + 1);
    expect(behind.every(({ state }) => state === 'open')).toBe(true);
    expect(world.sim.operations().ExternalAuthenticate ?? 0).toBe(before);
  });
});

test('a hosted card (HSM-B) signs like any other, and its terminal has no plug (KON-14)', async () => {
  const old = await start();
  const hosted = await plug({ cardType: 'HSM-B' });
  await world.control('PATCH', `/sim/cards/${old.iccsn}`, { inserted: false });
  await look();
  expect(await inUseAfter(() => write(world.insured(0)))).toEqual([hosted.iccsn]);
});

test.each([['VERIFIED'], ['VERIFIABLE'], ['BLOCKED']])(
  "another holder's card in the same Mandant, its PIN %s: nobody is told to repair it",
  async (pinStatus) => {
    await start();
    const { iccsn } = await plug({ pinStatus, telematikId: '9-SOMEBODY-0002' });
    const { cards } = (await look()).json() as { cards: { iccsn: string; remedy: { en: string } }[] };
    const stranger = cards.find((card) => card.iccsn === iccsn);
    expect(stranger).toMatchObject({ code: 'SMCB_OF_ANOTHER', diga: null, usable: false, inUse: false });
    expect(stranger?.remedy.en).toContain('nothing to do');
  },
);
