// GET /v1/health (MON-01, api.md section 2): the chain to the record link by link for the DiGA of the caller, with code and remedy, and
// nothing of the card, certificate or Konnektor of another DiGA (EXP-27).
import { afterEach, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { exportBody, TestWorld } from './support/world.ts';

type Link = { link: string; of: string; ok: boolean | null; code: string | null; remedy: string | null };
type Health = { diga: string; ok: boolean; canExport: boolean; code: string | null; remedy: string; links: Link[] };
type SimCard = { iccsn: string; cardType: string; telematikId: string | null };
type Client = { diga: string; roles: string[] };

let world: TestWorld;
afterEach(() => world.stop());

async function start(roles = ['writer', 'reader', 'monitor'], scenario: object = {}): Promise<void> {
  world = await TestWorld.start({
    scenario,
    settings: (s) => ({ ...s, clients: (s.clients as Client[]).map((client) => ({ ...client, roles })) }),
  });
  await world.call('GET', '/admin/v1/cards?fresh=true', { admin: true });
}
const health = async (query = '', language = 'en') =>
  (await world.call('GET', `/v1/health${query}`, { headers: { 'accept-language': language } })).json() as Health;
const smcb = async () =>
  (await world.control<SimCard[]>('GET', '/sim/cards')).find(({ cardType }) => cardType === 'SMC-B')?.iccsn ?? '';

test('all is well: every link from the Konnektor to both record systems (MON-01)', async () => {
  await start();
  // Nobody has been at the IDP and the record systems yet.
  const unknown = ['idp', 'record-system', 'record-system'].map((link) => ({ link, ok: null, code: null }));
  expect((await health()).links.filter(({ ok }) => ok !== true)).toMatchObject(unknown);
  const kvnr = world.insured(0);
  const asked = await world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
  await world.settled(asked.id, new Set(['written']));
  const { links, ...answer } = await health();
  expect(answer).toEqual({ diga: 'demo', ok: true, canExport: true, code: null, remedy: null });
  const iccsn = await smcb();
  expect(links.filter(({ ok }) => ok !== true)).toEqual([]);
  const named = links.map(({ link, of }) => `${link} ${of}`);
  for (const one of [
    'konnektor k1',
    'card demo',
    `pin k1/${iccsn}`,
    'record-system epa-as-1',
    'record-system epa-as-2',
  ])
    expect(named).toContain(one);
  expect(named.some((one) => one.startsWith('terminal k1/'))).toBe(true);
  expect(named.some((one) => one.startsWith('idp '))).toBe(true);
});

test.each<[string, () => Promise<unknown>, string, string]>([
  [
    'the PIN is lost',
    async () => world.control('PATCH', `/sim/cards/${await smcb()}`, { pinStatus: 'VERIFIABLE' }),
    'pin',
    'SMCB_PIN_NOT_VERIFIED',
  ],
  [
    'the card is pulled',
    async () => world.control('PATCH', `/sim/cards/${await smcb()}`, { inserted: false }),
    'card',
    'SMCB_NOT_FOUND',
  ],
  [
    'the Konnektor is away',
    () => world.control('PATCH', '/sim/konnektors/k1', { running: false }),
    'konnektor',
    'KONNEKTOR_UNREACHABLE',
  ],
])('%s: the link says so, with what to do, in the language asked for', async (_what, breaks, link, code) => {
  await start();
  await breaks();
  await world.call('GET', '/admin/v1/cards?fresh=true', { admin: true });
  const answer = await health();
  expect(answer).toMatchObject({ ok: true, canExport: false, code });
  const failed = answer.links.find((one) => one.link === link);
  expect(failed).toMatchObject({ ok: false, code, remedy: expect.stringMatching(/\w{3}/) });
  const german = (await health('', 'de')).links.find((one) => one.link === link);
  expect(german?.remedy).not.toBe(failed?.remedy);
});

test('nothing of another DiGA, and nothing without the role', async () => {
  await start(['writer', 'reader', 'monitor'], {
    cards: [{ telematikId: '9-SECOND-0002', organization: 'Second GmbH' }],
  });
  const other = (await world.control<SimCard[]>('GET', '/sim/cards')).find(
    (card) => card.telematikId === '9-SECOND-0002',
  );
  expect(other).toBeDefined();
  expect(JSON.stringify(await health())).not.toContain(other?.iccsn);
  expect((await world.call('GET', '/v1/health?diga=second')).status).toBe(403);
  expect((await world.call('GET', '/v1/health?unknown=1')).status).toBe(422);
  expect((await world.call('GET', '/v1/health', { key: null })).status).toBe(401);
  await world.stop();
  await start(['writer', 'reader']);
  expect((await world.call('GET', '/v1/health')).status).toBe(403);
});
