// Several SMC-Bs in the simulated terminal and a DiGA for each in the gateway's configuration (EXP-26): what a scenario may say
// of them, what the Konnektor and the settings show, and that a gateway writes for each with its own card.
import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Refusal } from '../../../connector-sim/refusal.ts';
import { checkScenario } from '../../../connector-sim/scenario.ts';
import { DEMO_TELEMATIK_ID, World } from '../../../connector-sim/world.ts';
import { demoDocument } from '../../../demo/document.ts';
import { benchPki } from '../../support/konnektor-bench.ts';
import { type ExportView, exportBody, TestWorld } from '../../support/world.ts';

const AT = new Date('2026-11-20T08:00:00Z');
const cards = [
  { telematikId: '9-OTHER-DIGA-0002', organization: 'Andere DiGA GmbH' },
  { telematikId: '9-THIRD-DIGA-0003', organization: 'Dritte & Söhne' },
];

describe('a scenario', () => {
  test.each([
    ['the demo DiGA’s Telematik-ID', [{ ...cards[0], telematikId: DEMO_TELEMATIK_ID }]],
    ['one Telematik-ID twice', [cards[0], cards[0]]],
    ['a Telematik-ID of another sector', [{ ...cards[0], telematikId: '1-OTHER' }]],
    ['a Telematik-ID with a separator of XCN', [{ ...cards[0], telematikId: '9-A^B' }]],
    ['a card without organization', [{ telematikId: '9-A' }]],
    ['a card with an unknown member', [{ ...cards[0], pin: '123456' }]],
    [
      'more cards than a terminal of this world takes',
      Array.from({ length: 21 }, (_n, i) => ({ ...cards[0], telematikId: `9-${i}` })),
    ],
  ])('is refused for %s', (_what, given) => expect(() => checkScenario({ cards: given })).toThrow(Refusal));

  test('puts each card into a slot of its own, with PIN verified, and a reset keeps or replaces them', () => {
    const world = new World({
      pki: benchPki(),
      seed: 1,
      ...checkScenario({ cards: [...cards, { telematikId: '9-4', organization: 'x' }] }),
    });
    const smcbs = () => [...world.konnektor.cards.values()].filter((card) => card.cardType === 'SMC-B');
    const slots = [...world.konnektor.cards.values()].map((card) => card.slotId);
    expect(new Set(slots).size).toBe(5);
    expect(Math.max(...slots)).toBeLessThanOrEqual(world.konnektor.terminals.get('CT_SIM_0001')?.slots ?? 0);
    expect(smcbs().map((card) => [card.telematikId, card.verifiedFor.has('m1')])).toEqual(
      [DEMO_TELEMATIK_ID, ...cards.map((card) => card.telematikId), '9-4'].map((id) => [id, true]),
    );
    const before = smcbs().map((card) => card.certificates);
    world.reset(2);
    expect(smcbs().map((card) => card.certificates)).toEqual(before);
    world.reset(2, { cards: [] });
    expect(smcbs().map((card) => card.telematikId)).toEqual([DEMO_TELEMATIK_ID]);
  });
});

describe('a gateway of several DiGAs (EXP-26)', () => {
  let world: TestWorld;
  beforeAll(async () => {
    world = await TestWorld.start({ scenario: { cards } });
  });
  afterAll(() => world.stop());

  test('is told of a DiGA and a client for each card, every key its own', () => {
    const settings = world.sim.settings({ webhooks: true });
    expect(settings.digas.map((diga) => [diga.id, diga.telematikId])).toEqual([
      ['demo', DEMO_TELEMATIK_ID],
      ['diga-2', '9-OTHER-DIGA-0002'],
      ['diga-3', '9-THIRD-DIGA-0003'],
    ]);
    expect(settings.digas.map((diga) => diga.webhooks?.length)).toEqual([1, undefined, undefined]);
    expect(settings.clients.map((client) => client.diga)).toEqual(['demo', 'diga-2', 'diga-3']);
    const keys = settings.clients.map((client) => readFileSync(client.keyFile, 'utf8'));
    expect(new Set(keys).size).toBe(3);
    expect(settings.clients.map((client) => statSync(client.keyFile).mode & 0o777)).toEqual([0o600, 0o600, 0o600]);
    expect(world.sim.settings().clients.map((client) => readFileSync(client.keyFile, 'utf8'))).toEqual(keys);
  });

  test('writes for each with its own card into its own folder', async () => {
    const kvnr = world.insured(0);
    const entitled = [DEMO_TELEMATIK_ID, ...cards.map((card) => card.telematikId)];
    await world.control('PUT', `/sim/records/${kvnr}`, { entitled });
    for (const [index, { keyFile }] of world.sim.settings().clients.entries()) {
      const key = readFileSync(keyFile, 'utf8').trim();
      const body = JSON.stringify(exportBody(kvnr, demoDocument(kvnr, index + 1, AT)));
      const posted = await world.call('POST', '/v1/exports', { key, body, headers: { prefer: 'wait=20' } });
      expect([posted.status, (posted.json() as ExportView).status]).toEqual([202, 'written']);
    }
    expect((await world.documents(kvnr)).map((one) => one.telematikId)).toEqual(entitled);
    expect(world.sim.world.records.get(kvnr)?.folders.map((folder) => folder.title)).toEqual(
      ['Demo DiGA GmbH', ...cards.map((card) => card.organization)].map((name) => expect.stringContaining(name)),
    );
  });
});
