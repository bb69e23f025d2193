// The commands `cards` and `pin` against a running gateway and simulator (KON-07, D9): tables for people, JSON for programs, an exit code
// that says whether it is well; `pin` waits for the end of the entry.
import { afterEach, expect, test } from 'vitest';
import type { PinKind } from '../../../gateway/cards/pin-rows.ts';
import { cardsCommand, pinCommand } from '../../../gateway/cards-command.ts';
import { parseSettings, type Settings } from '../../../gateway/config.ts';
import { gatewayErrorOf } from '../../support/gateway-error.ts';
import { TestWorld } from '../../support/world.ts';

let world: TestWorld;
let settings: Settings;
afterEach(() => world.stop());

type SimCard = { iccsn: string; cardType: string };

async function start(): Promise<string> {
  world = await TestWorld.start();
  const read = parseSettings({ ...world.sim.settings(), dataDirectory: world.dataDirectory });
  settings = read.ok ? read.settings : expect.unreachable(JSON.stringify(read.faults));
  const cards = await world.control<SimCard[]>('GET', '/sim/cards');
  return cards.find(({ cardType }) => cardType === 'SMC-B')?.iccsn ?? '';
}
const admin = () => ({ admin: world.gateway.adminAddress });
const change = (iccsn: string, patch: object) => world.control('PATCH', `/sim/cards/${iccsn}`, patch);
const said: string[] = [];
const pin = (kind: PinKind, iccsn: string, more: { json?: boolean; confirm?: boolean } = {}) =>
  pinCommand(settings, {
    ...{ json: false, confirm: false, kind, iccsn, ...admin(), ...more },
    pause: async () => void (await world.logged('pin operation ended', from)),
    progress: (text) => said.push(text),
  });
let from = 0;

test('cards shows Konnektor, terminal, card and DiGA, and ends with 1 and what to do when one cannot be used', async () => {
  const iccsn = await start();
  const well = await cardsCommand(settings, { ...admin(), json: false });
  expect(well.code).toBe(0);
  expect(well.text).toMatch(/^KONNEKTOR +STATE +TI +SINCE\nk1 +ok +online /);
  expect(well.text).toMatch(
    new RegExp(`\\n${iccsn} +SMC-B +k1 +\\S+/\\d+ +demo +verified +\\S+ +\\d{4}-\\d\\d-\\d\\d +ok, in use\\n`),
  );
  await change(iccsn, { pinStatus: 'VERIFIABLE' });
  const locked = await cardsCommand(settings, { ...admin(), json: false });
  expect([locked.code, locked.text]).toEqual([1, expect.stringContaining('SMCB_PIN_NOT_VERIFIED: ')]);
  const json = await cardsCommand(settings, { ...admin(), json: true });
  expect([json.code, Object.keys(JSON.parse(json.text)).sort()]).toEqual([
    1,
    ['cards', 'digas', 'konnektors', 'terminals'],
  ]);
});

test('pin verify waits for the end of the entry and says how it ended', async () => {
  const iccsn = await start();
  await change(iccsn, { pinStatus: 'VERIFIABLE' });
  from = world.logs.length;
  expect(await pin('verify', iccsn)).toEqual({ code: 0, text: expect.stringMatching(/^verify of card \d{20}: OK/) });
  expect(said).toEqual([`card ${iccsn}: the terminal asks for the entry now\n`]);
  await change(iccsn, { pinStatus: 'VERIFIABLE', enteredPin: 'wrong' });
  from = world.logs.length;
  const wrong = await pin('verify', iccsn);
  expect(wrong.code).toBe(1);
  expect(wrong.text).toMatch(/: REJECTED, 2 tries left\nPIN_REJECTED: The PIN entered was wrong/);
  from = world.logs.length;
  const json = JSON.parse((await pin('verify', iccsn, { json: true })).text);
  expect(json).toMatchObject({ iccsn, kind: 'verify', state: 'ended', result: 'REJECTED', leftTries: 1 });
  const last = await pin('verify', iccsn);
  expect([last.code, last.text]).toEqual([1, expect.stringContaining('PIN_CONFIRM_NEEDED')]);
  expect(world.sim.operations().VerifyPin).toBe(3);
});

test('pin unblock of a blocked PIN, and what does not fit its state', async () => {
  const iccsn = await start();
  expect((await pin('unblock', iccsn)).text).toContain('PIN_STATE_UNFIT');
  await change(iccsn, { pinStatus: 'BLOCKED' });
  from = world.logs.length;
  // Nobody has told how many uses the PUK has left.
  expect((await pin('unblock', iccsn)).text).toContain('PIN_CONFIRM_NEEDED');
  expect(await pin('unblock', iccsn, { confirm: true })).toMatchObject({ code: 0 });
  expect((await pin('verify', '80276883110000099999')).text).toContain('NOT_FOUND');
});

test('a gateway that cannot be asked is said so', async () => {
  await start();
  const refused = await gatewayErrorOf(() => cardsCommand(settings, { admin: 'http://127.0.0.1:9', json: false }));
  expect(refused.code).toBe('CONFIG_INVALID');
});
