// The commands `cards` and `pin` against a running gateway and simulator (KON-07, D9): tables for people, JSON for programs, an exit code
// that says whether it is well; `pin` waits for the end of the entry.
import { afterEach, expect, test } from 'vitest';
import type { AdminCallOptions } from '../../../gateway/admin-call.ts';
import type { PinKind } from '../../../gateway/cards/pin-rows.ts';
import { activationCommand, cardsCommand, useCommand } from '../../../gateway/cards-command.ts';
import { parseSettings, type Settings } from '../../../gateway/config.ts';
import { pinCommand } from '../../../gateway/pin-command.ts';
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
  expect(locked.code).toBe(1);
  // What to do for this very card, with the command and the place, and it is told once.
  expect(locked.text).toMatch(
    new RegExp(`\\ncard ${iccsn} in k1/\\S+, slot \\d+: SMCB_PIN_NOT_VERIFIED\\n.*\`epa-gateway pin verify ${iccsn}\``),
  );
  expect(locked.text.match(/pin verify/g)).toHaveLength(1);
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
  expect(await pin('verify', iccsn)).toEqual({ code: 0, text: `verify of card ${iccsn}: done\n` });
  expect(said.splice(0)).toEqual([
    expect.stringMatching(`^card ${iccsn}: terminal \\S+ .slot \\d, Konnektor k1. asks for the entry now .the PIN.\n$`),
  ]);
  await change(iccsn, { pinStatus: 'VERIFIABLE', enteredPin: 'wrong' });
  from = world.logs.length;
  const wrong = await pin('verify', iccsn);
  expect(wrong.code).toBe(1);
  expect(wrong.text).toMatch(/: the PIN entered was wrong, 2 tries left \(PIN_REJECTED\)\n/);
  from = world.logs.length;
  const json = JSON.parse((await pin('verify', iccsn, { json: true })).text);
  expect(json).toMatchObject({ iccsn, kind: 'verify', state: 'ended', result: 'REJECTED', leftTries: 1 });
  const last = await pin('verify', iccsn);
  expect([last.code, last.text]).toEqual([1, expect.stringContaining(`epa-gateway pin verify ${iccsn} --confirm`)]);
  expect(world.sim.operations().VerifyPin).toBe(3);
});

/** With confirmation: nobody has told how many uses the PUK has left. */
const unblock = (iccsn: string) => pin('unblock', iccsn, { confirm: true });

test.each([
  ['verifiable', (iccsn: string) => `  The card cannot sign yet. Next: epa-gateway pin verify ${iccsn}\n`],
  ['verified', () => ''],
] as const)('pin unblock speaks of the PUK, shows its tries, and says what is next: %s', async (after, next) => {
  const iccsn = await start();
  world.sim.world.choices.afterNewPin = after;
  await change(iccsn, { pinStatus: 'BLOCKED', enteredPin: 'wrong' });
  from = world.logs.length;
  // Nobody has told how many uses the PUK has left.
  expect((await pin('unblock', iccsn)).text).toContain('PIN_CONFIRM_NEEDED');
  const wrong = await unblock(iccsn);
  expect(wrong.text).toMatch(
    /: the PUK entered was wrong, \d tries of the PUK left \(PIN_REJECTED\)\n {2}Ask again only with the right PUK/,
  );
  expect(wrong.text).not.toContain('the PIN entered');
  expect((await cardsCommand(settings, { ...admin(), json: false })).text).toMatch(/ blocked +PUK \d /);
  await change(iccsn, { enteredPin: 'right' });
  from = world.logs.length;
  expect(await unblock(iccsn)).toEqual({
    code: 0,
    text: `unblock of card ${iccsn}: done\n${next(iccsn)}`,
  });
});

test('what does not fit the state of a PIN says what fits, in words of this command line', async () => {
  const iccsn = await start();
  for (const kind of ['verify', 'unblock'] as const)
    expect((await pin(kind, iccsn)).text).toBe(
      `card ${iccsn}: the PIN is verified, ${kind} does not fit (PIN_STATE_UNFIT); nobody was asked\n  The card can sign: nothing to do.\n`,
    );
  await change(iccsn, { pinStatus: 'TRANSPORT_PIN' });
  expect((await pin('verify', iccsn)).text).toContain(`epa-gateway pin change ${iccsn}`);
});

test.each([
  ['different', 'PIN_NEW_DIFFERS, Konnektor code 4067', 'the two entries of the new PIN differ; nothing was changed'],
  ['short', 'PIN_LENGTH_WRONG, Konnektor code 4068', 'the new PIN has the wrong length; nothing was changed'],
])('pin change with a new PIN that is %s', async (enteredPin, codes, words) => {
  const iccsn = await start();
  await change(iccsn, { pinStatus: 'VERIFIABLE', enteredPin });
  from = world.logs.length;
  const { code, text } = await pin('change', iccsn);
  expect([code, text]).toEqual([1, expect.stringContaining(`${words} (${codes})\n`)]);
  expect(text).not.toContain('ERROR');
});

test('while an entry is open, cards shows it and a second order says whose it is', async () => {
  const iccsn = await start();
  await change(iccsn, { pinStatus: 'VERIFIABLE', enteredPin: 'none' });
  await world.call('POST', `/admin/v1/cards/${iccsn}/pin/verify`, { admin: true });
  const second = await pin('verify', iccsn);
  expect([second.code, second.refused, second.text]).toEqual([
    1,
    true,
    expect.stringMatching(/\n {2}verify, asked for by demo-operator at \d{4}-\S+ \(Konnektor k1\)/),
  ]);
  expect((await cardsCommand(settings, { ...admin(), json: false })).text).toMatch(
    new RegExp(`\\ncard ${iccsn}: verify is open at the terminal, asked for by demo-operator at `),
  );
  from = world.logs.length;
  await change(iccsn, { enteredPin: 'right' });
  await world.logged('pin operation ended', from);
});

test('an entry whose connection was lost: cards says that the terminal may still ask, and until when', async () => {
  const iccsn = await start();
  await change(iccsn, { pinStatus: 'VERIFIABLE', enteredPin: 'none' });
  await world.control('POST', '/sim/faults', { at: 'konnektor.VerifyPin', kind: 'reset-request', times: 1 });
  from = world.logs.length;
  expect((await pin('verify', iccsn)).text).toMatch(/PIN_OUTCOME_UNKNOWN.*takes no other entry before \d{4}-/s);
  expect((await cardsCommand(settings, { ...admin(), json: false })).text).toMatch(
    new RegExp(`\\ncard ${iccsn}: verify may still be open at the terminal, .*no other entry meanwhile, until \\d{4}-`),
  );
});

test('a card that was pulled: who must act, in cards and in pin', async () => {
  const iccsn = await start();
  await cardsCommand(settings, { ...admin(), json: false });
  await change(iccsn, { inserted: false });
  const { code, text } = await cardsCommand(settings, { ...admin(), json: false });
  expect(code).toBe(1);
  expect(text).toMatch(new RegExp(`^${iccsn} .* \\(\\S+/1\\) .* SMCB_NOT_FOUND$`, 'm'));
  expect(text).toMatch(new RegExp(`\ncard ${iccsn} pulled from k1/.*, slot 1: SMCB_NOT_FOUND\n {2}Insert the SMC-B`));
  expect((await pin('verify', iccsn)).text).toMatch(/^SMCB_NOT_FOUND: .*\n {2}Insert the SMC-B/);
});

test('of a Konnektor that does not answer, terminal and PIN are marked as old', async () => {
  await start();
  await cardsCommand(settings, { ...admin(), json: false });
  await world.control('PATCH', '/sim/konnektors/k1', { running: false });
  const { code, text } = await cardsCommand(settings, { ...admin(), json: false });
  expect(code).toBe(1);
  expect(text).toMatch(/ \(verified\) /);
  expect(text).toMatch(/\n\(…\): as it was last seen; Konnektor k1 does not answer since/);
  await world.control('PATCH', '/sim/konnektors/k1', { running: true });
});

test('activation names each step and what is next; use changes to the card (KON-09, KON-10)', async () => {
  const iccsn = await start();
  const o = { ...admin(), json: false, iccsn };
  const ready = await activationCommand(settings, o);
  expect([ready.code, ready.text]).toEqual([0, expect.stringContaining(`epa-gateway cards use ${iccsn}`)]);
  expect(ready.text.match(/^ok {3}/gm)).toHaveLength(6);
  expect(await useCommand(settings, o)).toEqual({
    code: 0,
    text: `DiGA demo signs with card ${iccsn} from its next login on\n`,
  });
  await change(iccsn, { pinStatus: 'VERIFIABLE' });
  const locked = await activationCommand(settings, o);
  expect([locked.code, locked.text]).toEqual([1, expect.stringContaining(`epa-gateway pin verify ${iccsn}`)]);
  expect(locked.text).toMatch(/FAIL pin-verified: SMCB_PIN_NOT_VERIFIED\n- {4}ocsp\n/);
  expect(await useCommand(settings, { ...o, iccsn: '80276883110000099999' })).toMatchObject({ code: 1, refused: true });
});

test.each<[string, AdminCallOptions, string, RegExp]>([
  [
    'nobody listens',
    { admin: 'http://127.0.0.1:9' },
    'ADMIN_UNREACHABLE',
    /^http:\/\/127.0.0.1:9 .*nothing listens there/,
  ],
  ['no address', { admin: 'nonsense' }, 'ARGUMENT_INVALID', /^--admin: /],
  ['a path behind it', { admin: 'http://127.0.0.1:9/admin' }, 'ARGUMENT_INVALID', /^--admin: /],
  ['a key file that is not there', { keyFile: '/nix' }, 'ARGUMENT_INVALID', /^--key-file: \/nix .*ENOENT/],
  ['a CA that is not there', { ca: '/nix' }, 'ARGUMENT_INVALID', /^--ca: \/nix /],
])('a gateway that cannot be asked is said so: %s', async (_what, o, code, message) => {
  await start();
  const refused = await gatewayErrorOf(() => cardsCommand(settings, { ...admin(), ...o, json: false }));
  expect([refused.code, refused.message]).toEqual([code, expect.stringMatching(message)]);
});

test('https asked of a listener without TLS is said so, with its CA and without', async () => {
  await start();
  const { port } = new URL(world.gateway.adminAddress);
  const o = { admin: `https://127.0.0.1:${port}`, json: false };
  const bare = await gatewayErrorOf(() => cardsCommand(settings, o));
  expect([bare.code, bare.message]).toEqual([
    'ARGUMENT_INVALID',
    expect.stringMatching(/https needs --ca FILE.* by http/),
  ]);
  const tried = await gatewayErrorOf(() => cardsCommand(settings, { ...o, ca: settings.konnektors[0]?.caFile }));
  expect([tried.code, tried.message]).toEqual(['ADMIN_UNREACHABLE', expect.stringContaining('ask it by http://')]);
});
