// CRT-03, CRT-09, KON-09, D17: the clock goes on until the SMC-B ends, five years on. An operator has plugged its follow-up card three months
// before and set its PIN; exports go on all the time, the change costs none of them, and each new version replaces the one before.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { exportBody, TestWorld } from './support/world.ts';

type Card = { iccsn: string; cardType: string; certificateExpires: string; telematikId: string };
type Operation = { id: string; state: string; result: string | null };

const DAY = 86_400_000;
let world: TestWorld;
beforeAll(async () => {
  world = await TestWorld.start({
    settingsFlags: { clock: true },
    settings: (s) => ({ ...s, cards: { pollSeconds: 3600 } }),
  });
});
afterAll(() => world.stop());

const now = () => world.sim.world.now();
const smcbs = async () => (await world.control<Card[]>('GET', '/sim/cards')).filter((one) => one.cardType === 'SMC-B');
async function goOn(days: number): Promise<void> {
  const { followers } = await world.control<{ followers: object }>('POST', '/sim/clock', { advance: `P${days}D` });
  expect(followers).toEqual({ acknowledged: 1, missing: 0 });
}
async function inUse(): Promise<string[]> {
  const answer = await world.call('GET', '/admin/v1/cards?fresh=true', { admin: true });
  const { cards } = answer.json() as { cards: { iccsn: string; inUse: boolean }[] };
  return cards.filter((one) => one.inUse).map((one) => one.iccsn);
}

let versions = 0;
/** One export of two insured, one in each record system; both are written. */
async function write(): Promise<void> {
  versions += 1;
  for (const insured of [0, 1]) {
    const kvnr = world.insured(insured);
    const done = await world.write(exportBody(kvnr, demoDocument(kvnr, versions, new Date(now()))));
    expect([done.status, done.reason, done.document?.version]).toEqual(['written', null, versions]);
  }
}

test('five years on the follow-up card takes over, and no export is lost (CRT-03, CRT-09, KON-09)', {
  timeout: 240_000,
}, async () => {
  const [old] = await smcbs();
  const end = Date.parse(old?.certificateExpires ?? '');
  const left = () => Math.floor((end - now()) / DAY);
  expect(left()).toBeGreaterThan(4 * 365);
  await write();
  while (left() > 120) await goOn(30);
  await write();
  while (left() > 90) await goOn(1);

  // Ordered and plugged; with its transport PIN it can do nothing yet, and nobody minds.
  const next = await world.control<Card>('POST', `/sim/cards/${old?.iccsn}/follow-up`, {});
  expect([next.telematikId, next.iccsn === old?.iccsn]).toEqual([old?.telematikId, false]);
  await write();
  expect(await inUse()).toEqual([old?.iccsn]);
  // Its transport PIN is replaced, then the new one entered; of Konnektors that take a PIN just set for verified nobody need do that.
  world.sim.world.choices.afterNewPin = 'verifiable';
  for (const [kind, state, confirm] of [
    // How many tries a transport PIN has left the Konnektor does not tell.
    ['change', 'verifiable', true],
    ['verify', 'verified', false],
  ] as const) {
    const from = world.logs.length;
    const path = `/admin/v1/cards/${next.iccsn}/pin`;
    const asked = await world.call('POST', `${path}/${kind}`, { admin: true, body: JSON.stringify({ confirm }) });
    expect(asked.status).toBe(202);
    const { id } = asked.json() as Operation;
    await world.logged('pin operation ended', from);
    const operation = (await world.call('GET', `/admin/v1/pin-operations/${id}`, { admin: true })).json() as Operation;
    expect([operation.state, operation.result]).toEqual(['ended', 'OK']);
    expect((await world.call('GET', path, { admin: true })).json()).toMatchObject({ state });
  }

  while (left() > 3) {
    await goOn(Math.min(29, left() - 3));
    await write();
    expect(await inUse()).toEqual([old?.iccsn]);
  }
  while (left() > -3) {
    await goOn(1);
    await write();
  }
  expect(await inUse()).toEqual([next.iccsn]);
  for (const insured of [0, 1]) {
    const documents = await world.documents(world.insured(insured));
    expect(documents.filter(({ status }) => status === 'Approved')).toHaveLength(1);
    expect(documents.at(-1)?.status).toBe('Approved');
  }
  expect(world.sim.operations()['ITI-41']).toBe(2 * versions);
});
