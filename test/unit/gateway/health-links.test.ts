// Every link of /v1/health and /admin/v1/health broken alone (MON-01): who is shown it, with which code and remedy. Two DiGAs, each with
// a Konnektor of its own and one that both share; of another DiGA's cards, clients and Konnektors nothing is told (EXP-27).
import { describe, expect, test } from 'vitest';
import type { CardView } from '../../../gateway/cards/card-views.ts';
import { catalogue } from '../../../gateway/errors.ts';
import { createChainHealth } from '../../../gateway/exports/chain-health.ts';
import { LINKS } from '../../../gateway/health.ts';
import { CERTIFICATE_REMEDY } from '../../../gateway/tables/certificate-remedies.ts';
import { healthHouse } from '../../support/health-house.ts';
import { BROKEN_LINKS, type Broken, CARD_OF_A } from '../../tables/broken-links.ts';

/** Of a certificate by its use: each has somebody else who must act (CRT-01). */
const remedyOf = (broken: Pick<Broken, 'link' | 'of' | 'code'>, language: 'en' | 'de') =>
  broken.link === 'certificate'
    ? CERTIFICATE_REMEDY[broken.of.split(' ')[0] as keyof typeof CERTIFICATE_REMEDY][language]
    : catalogue[broken.code].remedy[language];

describe('each link broken alone, with code and remedy, to whom it concerns (MON-01, EXP-27)', () => {
  test('every kind of link is in the table', () => {
    expect(new Set(BROKEN_LINKS.flatMap(([, , broken]) => broken.map((one) => one.link)))).toEqual(new Set(LINKS));
  });

  test.each(BROKEN_LINKS)('%s', (_what, { admin, ofDiga }, operators, a, b) => {
    expect(admin().filter(({ ok }) => ok !== true)).toMatchObject(
      operators.map((one) => ({ ...one, ok: false, remedy: remedyOf(one, 'en') })),
    );
    for (const [diga, expected] of [
      ['a', a],
      ['b', b],
    ] as const) {
      const broken = ofDiga(diga).filter(({ ok }) => ok !== true);
      expect(broken.map((one) => `${one.link} ${one.of}`)).toEqual(expected);
      for (const { link: name, of, code, ok, remedy } of broken) {
        const same = operators.find((one) => one.link === name && one.of === of);
        expect([ok, code, remedy]).toEqual([false, same?.code, same && remedyOf(same, 'en')]);
      }
      const german = ofDiga(diga, 'de').filter(({ ok }) => ok !== true);
      expect(german.map(({ remedy }) => remedy)).toEqual(
        broken.map((one) => one.code && remedyOf({ ...one, code: one.code }, 'de')),
      );
    }
  });

  test('a record system that nothing is known of yet is not said to be well', () => {
    const { admin } = healthHouse({
      recordSystems: () => [{ recordSystem: 'r1', state: 'ok', answered: false, code: null, since: null }],
    });
    expect(admin().filter(({ ok }) => ok !== true)).toMatchObject([{ link: 'record-system', of: 'r1', ok: null }]);
  });

  test('all is well: to each DiGA its own and the shared, to operators everything', () => {
    const names = (links: { link: string; of: string }[]) => links.map((one) => `${one.link} ${one.of}`).join(', ');
    const { admin, ofDiga } = healthHouse();
    expect(admin().every(({ ok }) => ok)).toBe(true);
    const start = 'trust-list SIM, ocsp SIM';
    const end = 'idp idp.example, record-system r1';
    expect(names(ofDiga('a'))).toBe(
      `${start}, konnektor own-a, konnektor both, terminal own-a/CT1, terminal both/CT1, card a, ${end}`,
    );
    expect(names(ofDiga('b'))).toBe(
      `${start}, konnektor both, konnektor own-b, terminal both/CT1, terminal own-b/CT1, card b, ${end}`,
    );
    expect(ofDiga('no-diga-of-ours')).toEqual([]);
  });

  test('the PIN of a card is shown to its DiGA', () => {
    const card = {
      ...{ iccsn: CARD_OF_A, konnektor: 'both', diga: 'a', code: 'SMCB_PIN_BLOCKED' },
      pin: { state: 'blocked', leftTries: 0, code: null },
    } as CardView;
    const { ofDiga } = healthHouse({}, undefined, [card]);
    const pins = (diga: string) => ofDiga(diga).filter((one) => one.link === 'pin');
    const remedy = catalogue.SMCB_PIN_BLOCKED.remedy.en;
    expect(pins('a')).toMatchObject([{ of: `both/${CARD_OF_A}`, ok: false, code: 'SMCB_PIN_BLOCKED', remedy }]);
    expect(pins('b')).toEqual([]);
  });

  test('what nobody has met yet is unknown, not well', () => {
    const { admin, ofDiga } = healthHouse({
      chain: createChainHealth(),
      konnektors: () => [{ id: 'both', reachable: null, code: null, since: null }],
      cards: () => [],
    });
    const unknown = ['konnektor both', 'card a', 'card b', 'idp idp.example'];
    expect(admin().flatMap((one) => (one.ok === null ? [`${one.link} ${one.of}`] : []))).toEqual(unknown);
    expect(ofDiga('b').find((one) => one.link === 'idp')).toMatchObject({ ok: null, code: null, remedy: null });
  });
});
