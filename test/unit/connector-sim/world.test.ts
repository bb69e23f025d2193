// What the seed decides, what a scenario may say, and the KVNR’s check digit.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inventKvnr, isKvnr, kvnrCheckDigit } from '../../../connector-sim/kvnr.ts';
import { Refusal } from '../../../connector-sim/refusal.ts';
import { readScenario } from '../../../connector-sim/scenario.ts';
import { DEMO_TELEMATIK_ID, World } from '../../../connector-sim/world.ts';
import { benchPki } from '../../support/konnektor-bench.ts';

const pki = benchPki();

describe('KVNR', () => {
  test.each(['X110411675', 'A123456780'])('%s has a right check digit', (kvnr) => expect(isKvnr(kvnr)).toBe(true));
  test.each(['X110411676', 'x110411675', 'X11041167', 'X1104116755', '1234567890', 'Ä110411675', ''])(
    '%j is none',
    (kvnr) => expect(isKvnr(kvnr)).toBe(false),
  );

  test('any invented one is right, and a wrong last digit never is', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.integer({ min: 1, max: 9 }),
        (draw, shift) => {
          const kvnr = inventKvnr(() => draw);
          const other = (Number(kvnr[9]) + shift) % 10;
          return (
            isKvnr(kvnr) && !isKvnr(kvnr.slice(0, 9) + other) && kvnrCheckDigit(kvnr.slice(0, 9)) === Number(kvnr[9])
          );
        },
      ),
    );
  });
});

describe('the default world (D27)', () => {
  test('three insured: entitled in system 1, entitled in system 2, in system 1 without entitlement', () => {
    const world = new World({ pki, seed: 1 });
    const records = world.insured.map((kvnr) => world.records.get(kvnr));
    expect(records.map((r) => [r?.recordSystem, r?.status, [...(r?.entitled ?? [])]])).toEqual([
      ['epa-as-1', 'ACTIVATED', [DEMO_TELEMATIK_ID]],
      ['epa-as-2', 'ACTIVATED', [DEMO_TELEMATIK_ID]],
      ['epa-as-1', 'ACTIVATED', []],
    ]);
    expect(world.insured.every(isKvnr)).toBe(true);
  });

  test('the same seed makes the same choices and insured, and over many seeds each choice falls every way', () => {
    const twice = [1, 1].map((seed) => new World({ pki, seed }));
    expect(twice[0]?.choices).toEqual(twice[1]?.choices);
    expect(twice[0]?.insured).toEqual(twice[1]?.insured);
    const drawn = Array.from({ length: 40 }, (_none, seed) => new World({ pki, seed }).choices);
    for (const [name, value] of Object.entries(drawn[0] ?? {})) {
      expect(
        new Set(drawn.map((c) => Object.entries(c).find(([n]) => n === name)?.[1])).size,
        `${name} is always ${value}`,
      ).toBeGreaterThan(1);
    }
  });

  test('the clock only moves forward', () => {
    const world = new World({ pki, seed: 1, realNow: () => 1000 });
    world.advance(500);
    expect(world.now()).toBe(1500);
    for (const ms of [-1, Number.NaN]) expect(() => world.advance(ms)).toThrow(RangeError);
  });

  test('a reset tells every service, and keeps the clock', () => {
    const world = new World({ pki, seed: 1, realNow: () => 0 });
    let told = 0;
    world.onReset(() => {
      told += 1;
    });
    world.advance(5);
    world.records.clear();
    world.reset();
    expect([told, world.now(), world.records.size]).toEqual([1, 5, 3]);
  });
});

describe('a scenario', () => {
  test('gives seed and insured', () => {
    expect(readScenario('seed: 3\ninsured:\n  - recordSystem: epa-as-2\n    entitled: [9-A]\n')).toEqual({
      seed: 3,
      insured: [{ recordSystem: 'epa-as-2', entitled: ['9-A'] }],
    });
    expect(readScenario('')).toEqual({});
  });

  test('says whose the record systems are, each or both, or leaves it to the seed', () => {
    const vendorsOf = (text: string, seed = 1) => new World({ pki, seed, ...readScenario(text) }).vendors;
    expect(vendorsOf('')).toEqual({ 'epa-as-1': 'ibm', 'epa-as-2': 'rise' });
    expect(vendorsOf('recordSystems: { epa-as-1: rise }')).toEqual({ 'epa-as-1': 'rise', 'epa-as-2': 'rise' });
    const drawn = Array.from({ length: 40 }, (_none, seed) =>
      Object.values(vendorsOf('recordSystems: seed', seed)).join(),
    );
    expect(new Set(drawn).size).toBe(4);
    expect(vendorsOf('recordSystems: seed', 7)).toEqual(vendorsOf('recordSystems: seed', 7));
    const [fixed, free] = ['', 'recordSystems: seed'].map((text) => new World({ pki, seed: 7, ...readScenario(text) }));
    expect([fixed?.choices, fixed?.insured]).toEqual([free?.choices, free?.insured]);
  });

  test('of a reset changes the vendors, and a reset without leaves them', () => {
    const world = new World({ pki, seed: 1 });
    world.reset(undefined, readScenario('recordSystems: { epa-as-2: ibm }'));
    world.reset(2);
    expect(world.vendors).toEqual({ 'epa-as-1': 'ibm', 'epa-as-2': 'ibm' });
    expect([world.profileOf('epa-as-1').answerForm, world.profileOf('epa-as-2').instances]).toEqual(['multipart', 1]);
    world.choices.answerForm = 'soap';
    expect(world.profileOf('epa-as-1').answerForm).toBe('soap');
  });

  test('plugs terminals and cards, the same numbers after a reset, and changes no draw of the seed', () => {
    const text =
      'terminals: [{ ctId: CT_2, place: remote }]\ncards: [{ telematikId: 9-X, organization: X GmbH }, ' +
      '{ cardType: HSM-B, telematikId: 9-Y }, { cardType: EGK, ctId: CT_2 }]';
    const world = new World({ pki, seed: 5, ...readScenario(text) });
    const shown = () =>
      [...world.konnektor.cards.values()].map((card) => [card.cardType, card.ctId, card.iccsn, card.kvnr]);
    const before = shown();
    expect(before.map(([type, ctId]) => `${type} ${ctId}`)).toEqual([
      'SMC-B CT_SIM_0001',
      'SMC-B CT_SIM_0001',
      'SMC-KT CT_SIM_0001',
      'HSM-B HSM_SIM_k1',
      'EGK CT_2',
    ]);
    world.reset();
    expect(shown()).toEqual(before);
    const { seed: _same, ...without } = new World({ pki, seed: 5 });
    expect([world.choices, world.insured]).toEqual([without.choices, without.insured]);
    world.reset(undefined, { plugs: { terminals: [], cards: [] } });
    expect(world.konnektor.terminals.size).toBe(1);
  });

  test('what does not fit is refused by its place, and changes nothing', () => {
    const world = new World({ pki, seed: 5 });
    const before = [world.konnektor, world.cards, world.records, world.seed];
    const text =
      'seed: 9\ninsured: [{ recordSystem: epa-as-2 }]\ncards: [{ telematikId: 9-X, organization: X }, { cardType: HBA }, { cardType: EGK, slotId: 4 }]';
    let findings: string[] = [];
    try {
      world.reset(9, readScenario(text));
    } catch (error) {
      if (error instanceof Refusal) findings = error.findings.map((one) => one.pointer);
    }
    expect(findings).toEqual(['/cards/1/slotId']);
    expect([world.konnektor, world.cards, world.records, world.seed]).toEqual(before);
  });

  test.each([
    ['an unknown member', 'sed: 3'],
    ['what is not read yet', 'steps: []'],
    ['a terminal without a name', 'terminals: [{ slots: 2 }]'],
    ['a terminal with an unknown member', 'terminals: [{ ctId: CT_2, color: red }]'],
    ['a card of a kind nobody has', 'cards: [{ cardType: KVK }]'],
    ['a card of a further DiGA without its maker', 'cards: [{ telematikId: 9-X }]'],
    ['a card with a PIN status nobody has', 'cards: [{ cardType: HBA, pinStatus: OPEN }]'],
    ['a seed that is text', 'seed: "3"'],
    ['a member twice', 'seed: 1\nseed: 2'],
    ['no insured', 'insured: []'],
    ['an insured without record system', `insured: [{ status: ACTIVATED }]`],
    ['an insured with an unknown member', 'insured: [{ recordSystem: epa-as-1, name: x }]'],
    ['a KVNR with a wrong check digit', 'insured: [{ recordSystem: epa-as-1, kvnr: X110411676 }]'],
    [
      'an insured twice',
      'insured: [{ recordSystem: epa-as-1, kvnr: X110411675 }, { recordSystem: epa-as-2, kvnr: X110411675 }]',
    ],
    ['a vendor nobody knows', 'recordSystems: { epa-as-1: other }'],
    ['a third record system', 'recordSystems: { epa-as-3: ibm }'],
    ['a word for the vendors', 'recordSystems: ibm'],
    ['broken YAML', 'seed: [1'],
    ['a list', '- 1'],
  ])('is refused for %s', (_what, text) => expect(() => readScenario(text)).toThrow(Refusal));
});
