// The PIN of the SMC-B is lost while 200 exports run (D10, KON-06, KON-07): the alarm comes at once, exports go on over live sessions;
// when the record systems have forgotten the sessions they wait; one VerifyPin by an operator, and all are written, each once.
import { afterEach, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { byClients } from './support/clients.ts';
import { exportBody, TestWorld } from './support/world.ts';

const EXPORTS = Number(process.env.EPA_PIN_LOST ?? '200');
const SERIES = 10;
const SYSTEMS = ['epa-as-1', 'epa-as-2'] as const;

let world: TestWorld;
afterEach(() => world.stop());

type SimCard = { iccsn: string; cardType: string };
type Alarms = { alarms: { key: string; code: string }[] };

const openAlarms = async () =>
  ((await world.call('GET', '/admin/v1/alarms?open=true', { admin: true })).json() as Alarms).alarms;
/** Of the exports that have come to rest so. */
const settledIn = (status: string) =>
  new Set(
    world.logs.flatMap(({ event, fields }) =>
      event === 'export settled' && fields.step === status ? [fields.export] : [],
    ),
  ).size;
async function until(done: () => boolean): Promise<void> {
  for (let from = world.logs.length; !done(); from = world.logs.length) await world.logged('export settled', from);
}

test(`the PIN lost while ${EXPORTS} exports run: alarm at once, live sessions go on, then one VerifyPin (KON-06)`, {
  timeout: 240_000,
}, async () => {
  world = await TestWorld.start({
    settings: (s) => ({ ...s, cards: { pollSeconds: 1 }, limits: { requestsPerSecond: 10_000 } }),
  });
  const cards = await world.control<SimCard[]>('GET', '/sim/cards');
  const iccsn = cards.find(({ cardType }) => cardType === 'SMC-B')?.iccsn ?? '';
  const people = await byClients(
    4,
    Array.from({ length: EXPORTS / SERIES }, (_, n) => n),
    (n) => world.newInsured(70_000 + n, SYSTEMS[n % 2] ?? 'epa-as-1'),
  );
  const orders = Array.from({ length: SERIES }, (_, n) => n).flatMap((n) =>
    people.map((kvnr, person) => ({ kvnr, series: `s${n}`, at: new Date(Date.now() - person * 60_000 - n * 1000) })),
  );
  const post = (from: number, to: number) =>
    byClients(8, orders.slice(EXPORTS * from, EXPORTS * to), async ({ kvnr, series, at }) => {
      return (await world.post(exportBody(kvnr, demoDocument(kvnr, 1, at), { series }))).id;
    });
  const running = post(0, 0.5);
  await until(() => settledIn('written') >= EXPORTS / 10);
  const logins = world.sim.operations().send_authcode_sc;

  // The PIN is lost: the alarm stands as soon as it is seen, and no export minds.
  const line = world.logs.length;
  const lostAt = performance.now();
  await world.control('PATCH', `/sim/cards/${iccsn}`, { pinStatus: 'VERIFIABLE' });
  const alarm = await world.logged('alarm', line);
  const alarmMs = Math.round(performance.now() - lostAt);
  expect(alarm.fields.code).toBe('SMCB_PIN_NOT_VERIFIED');
  await expect.poll(async () => (await openAlarms()).map(({ key }) => key)).toContain(`card.${iccsn}.pin.k1`);
  expect((await world.call('GET', '/readyz', { key: null })).json()).toMatchObject({
    ...{ ok: true, canExport: false, code: 'SMCB_PIN_NOT_VERIFIED' },
  });
  const before = settledIn('written');
  const more = post(0.5, 0.7);
  const ids = [...(await running), ...(await more)];
  await Promise.all(ids.map((id) => world.settled(id, new Set(['written']))));
  const alive = settledIn('written') - before;
  expect([world.sim.operations().send_authcode_sc, settledIn('waiting')]).toEqual([logins, 0]);
  expect(alive).toBeGreaterThanOrEqual(EXPORTS * 0.2);

  // Both record systems forget every session: what comes now waits for the card, and nobody asks it for its PIN.
  for (const recordSystem of SYSTEMS)
    await world.control('POST', '/sim/faults', {
      ...{ at: 'vau.data', kind: 'restart', times: 1, match: { recordSystem } },
    });
  const last = await post(0.7, 1);
  // The one that met the restart of its record system in the middle of its write is in doubt and waits as well.
  const hindered = await Promise.all(last.map((id) => world.settled(id, new Set(['waiting', 'unclear']))));
  const ofCard = hindered.filter(({ status }) => status === 'waiting');
  expect(hindered.length - ofCard.length).toBeLessThanOrEqual(SYSTEMS.length);
  for (const { reason } of ofCard) expect(reason).toMatchObject({ code: 'SMCB_PIN_NOT_VERIFIED', who: 'operator' });
  expect(world.sim.operations().VerifyPin ?? 0).toBe(0);

  // One operator, one entry, and everything goes on by itself.
  const verifiedAt = performance.now();
  const asked = await world.call('POST', `/admin/v1/cards/${iccsn}/pin/verify`, { admin: true });
  expect(asked.status).toBe(202);
  await Promise.all(last.map((id) => world.settled(id, new Set(['written']))));
  const allMs = Math.round(performance.now() - verifiedAt);
  expect(world.sim.operations().VerifyPin).toBe(1);
  for (const kvnr of people) {
    const documents = await world.documents(kvnr, true);
    expect([documents.length, new Set(documents.map(({ sha256 }) => sha256)).size]).toEqual([SERIES, SERIES]);
  }
  await expect.poll(openAlarms).toEqual([]);
  process.stdout.write(
    `PIN lost under ${EXPORTS} exports: alarm after ${alarmMs} ms, ${alive} written over live sessions meanwhile, ` +
      `${last.length} waited after the restart of the VAU, all written ${allMs} ms after the operator asked, VerifyPin 1\n`,
  );
});
