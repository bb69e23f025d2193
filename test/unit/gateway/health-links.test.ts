// Every link of /v1/health and /admin/v1/health broken alone (MON-01): who is shown it, with which code and remedy. Two DiGAs, each with
// a Konnektor of its own and one that both share; of another DiGA's cards, clients and Konnektors nothing is told (EXP-27).
import { describe, expect, test } from 'vitest';
import type { CardView } from '../../../gateway/cards/card-views.ts';
import { type InventoryEntry, viewEntry } from '../../../gateway/certificates/entry.ts';
import { catalogue, type ErrorCode } from '../../../gateway/errors.ts';
import { createChainHealth } from '../../../gateway/exports/chain-health.ts';
import { type HealthSources, healthLinks, LINKS } from '../../../gateway/health.ts';
import { createHealthOfDiga } from '../../../gateway/health-of-diga.ts';
import { CERTIFICATE_REMEDY } from '../../../gateway/tables/certificate-remedies.ts';
import { NOON } from '../../support/gateway-fakes.ts';

const ISSUER = 'https://idp.example';
const CARD_OF_A = '80276883110000000001';

/** All well, a login of each DiGA made. */
function house(change: Partial<HealthSources> = {}, certificate?: InventoryEntry, cards: CardView[] = []) {
  const chain = createChainHealth();
  for (const diga of ['a', 'b']) chain.works({ diga, recordSystem: 'r1' });
  const settings = {
    environment: 'SIM',
    digas: [
      { id: 'a', konnektors: ['own-a', 'both'] },
      { id: 'b', konnektors: ['both', 'own-b'] },
    ],
    idp: { issuer: ISSUER, origins: [] },
    trust: { ocsp: { url: 'http://ocsp.example' } },
  } as unknown as HealthSources['settings'];
  const ids = ['own-a', 'both', 'own-b'];
  const sources: HealthSources = {
    settings,
    chain,
    konnektors: () => ids.map((id) => ({ id, reachable: true, code: null, since: null })),
    terminals: () => ids.map((konnektor) => ({ konnektor, ctId: 'CT1', code: null })),
    cards: () => ['a', 'b'].map((diga) => ({ diga, code: null, since: NOON })),
    certificates: () =>
      certificate === undefined ? [] : [viewEntry(certificate, { now: NOON, ocsp: undefined, warnDays: 30 })],
    recordSystems: () => [{ recordSystem: 'r1', state: 'ok', answered: true, code: null, since: null }],
    trustList: { state: () => ({ inForce: true, check: null, list: null }) } as unknown as HealthSources['trustList'],
    ocspFailing: () => null,
    ...change,
  };
  const ofDiga = createHealthOfDiga({
    settings,
    links: (language, diga) => healthLinks(sources, language, diga),
    cards: () => cards,
    trouble: (diga) => chain.trouble(diga),
    readiness: () => ({ ok: true, code: null }),
  });
  return {
    admin: () => healthLinks(sources, 'en').map(({ link }) => link),
    ofDiga: (diga: string, language: 'en' | 'de' = 'en') => ofDiga(diga, language).links,
  };
}

/** Ended yesterday, as the Konnektor or a file says. */
const ended = (entry: Pick<InventoryEntry, 'use' | 'holder'> & Partial<InventoryEntry>): InventoryEntry => ({
  reported: { notAfter: new Date(NOON - 86_400_000), serialNumber: '1', commonName: 'x' },
  seenAt: NOON,
  ...entry,
});
const failing = (chain: (health: ReturnType<typeof createChainHealth>) => void): Partial<HealthSources> => {
  const health = createChainHealth();
  for (const diga of ['a', 'b']) health.works({ diga, recordSystem: 'r1' });
  chain(health);
  return { chain: health };
};
const konnektorDown = (down: string): Partial<HealthSources> => ({
  konnektors: () => [{ id: down, reachable: false, code: 'KONNEKTOR_UNREACHABLE', since: null }],
});
const terminalOff = (konnektor: string): Partial<HealthSources> => ({
  terminals: () => [{ konnektor, ctId: 'CT9', code: 'TERMINAL_OFFLINE' }],
});

type Broken = { link: string; of: string; code: ErrorCode };
type Row = [what: string, sources: ReturnType<typeof house>, operators: Broken[], a: string[], b: string[]];
const link = (name: string, of: string, code: ErrorCode): Broken => ({ link: name, of, code });
const certificate = (of: string, code: ErrorCode = 'CERTIFICATE_EXPIRED') => link('certificate', of, code);

/** Of a certificate by its use: each has somebody else who must act (CRT-01). */
const remedyOf = (broken: Pick<Broken, 'link' | 'of' | 'code'>, language: 'en' | 'de') =>
  broken.link === 'certificate'
    ? CERTIFICATE_REMEDY[broken.of.split(' ')[0] as keyof typeof CERTIFICATE_REMEDY][language]
    : catalogue[broken.code].remedy[language];

const TABLE: Row[] = [
  [
    'no trust-service list in force',
    house({
      trustList: { state: () => ({ inForce: false, check: 'tsl.signature' }) } as unknown as HealthSources['trustList'],
    }),
    [link('trust-list', 'SIM', 'TRUST_LIST_UNUSABLE')],
    ['trust-list SIM'],
    ['trust-list SIM'],
  ],
  [
    'the OCSP responder is away',
    house({ ocspFailing: () => ({ at: NOON }) }),
    [link('ocsp', 'SIM', 'OCSP_UNREACHABLE')],
    ['ocsp SIM'],
    ['ocsp SIM'],
  ],
  ...(
    [
      ['own-a', true, false],
      ['both', true, true],
      ['own-b', false, true],
    ] as const
  ).flatMap(([konnektor, a, b]): Row[] => {
    const seen = (of: string) => [a ? [of] : [], b ? [of] : []] as const;
    const row = (what: string, sources: ReturnType<typeof house>, broken: Broken): Row => [
      `${what} ${konnektor}`,
      sources,
      [broken],
      ...(seen(`${broken.link} ${broken.of}`) as [string[], string[]]),
    ];
    const onCertificate = (use: InventoryEntry['use'], holder = konnektor as string) =>
      row(`the certificate ${use} of`, house({}, ended({ use, holder, konnektor })), certificate(`${use} ${holder}`));
    return [
      row('the Konnektor', house(konnektorDown(konnektor)), link('konnektor', konnektor, 'KONNEKTOR_UNREACHABLE')),
      row('a terminal of', house(terminalOff(konnektor)), link('terminal', `${konnektor}/CT9`, 'TERMINAL_OFFLINE')),
      onCertificate('konnektor-tls'),
      onCertificate('konnektor-card'),
      onCertificate('konnektor-client'),
      onCertificate('terminal-card', `${konnektor}/CT9`),
    ];
  }),
  [
    'one client certificate for two Konnektors: nobody is told of the other one',
    house(
      {},
      ended({
        use: 'konnektor-client',
        holder: 'own-a, own-b',
        holders: ['own-a', 'own-b'].map((id) => ({ name: id, konnektor: id })),
      }),
    ),
    [certificate('konnektor-client own-a'), certificate('konnektor-client own-b')],
    ['certificate konnektor-client own-a'],
    ['certificate konnektor-client own-b'],
  ],
  [
    'one certificate of the API and of a receiver of events',
    house(
      {},
      ended({
        use: 'own-server',
        holder: 'x',
        holders: [{ name: 'listen' }, { name: 'events own-b', konnektor: 'own-b' }],
      }),
    ),
    [certificate('own-server listen'), certificate('own-server events own-b')],
    ['certificate own-server listen'],
    ['certificate own-server listen', 'certificate own-server events own-b'],
  ],
  ...(['smcb-aut', 'smcb-enc', 'smcb-osig'] as const).map(
    (use): Row => [
      `the certificate ${use} of a card at the shared Konnektor`,
      house({}, ended({ use, holder: 'a', diga: 'a', konnektor: 'both', iccsn: CARD_OF_A })),
      [certificate(`${use} a`)],
      [`certificate ${use} a`],
      [],
    ],
  ),
  [
    'a certificate of a backend',
    house({}, ended({ use: 'backend-client', holder: 'client-b', diga: 'b' })),
    [certificate('backend-client client-b')],
    [],
    ['certificate backend-client client-b'],
  ],
  [
    'a certificate of an operator who has the name of a DiGA',
    house({}, ended({ use: 'operator-client', holder: 'a' })),
    [certificate('operator-client a')],
    [],
    [],
  ],
  ...(['record-system-tls', 'vau', 'idp-tls', 'idp-signer', 'tsl-signer', 'own-server'] as const).map(
    (use): Row => [
      `the certificate ${use}`,
      house({}, ended({ use, holder: 'x' })),
      [certificate(`${use} x`)],
      [`certificate ${use} x`],
      [`certificate ${use} x`],
    ],
  ),
  [
    'the card of one DiGA',
    house({
      cards: () => [
        { diga: 'a', code: 'SMCB_NOT_FOUND', since: NOON },
        { diga: 'b', code: null, since: NOON },
      ],
    }),
    [link('card', 'a', 'SMCB_NOT_FOUND')],
    ['card a'],
    [],
  ],
  [
    'the IDP, met by both',
    house(
      failing((health) => {
        for (const diga of ['a', 'b']) health.fails({ diga, recordSystem: 'r1' }, 'IDP_UNREACHABLE', null);
      }),
    ),
    [link('idp', 'idp.example', 'IDP_UNREACHABLE')],
    ['idp idp.example'],
    ['idp idp.example'],
  ],
  [
    'the IDP refuses one DiGA, which is no fault of the way of the other',
    house(failing((health) => health.fails({ diga: 'b', recordSystem: 'r1' }, 'IDP_REFUSED', null))),
    [link('idp', 'idp.example', 'IDP_REFUSED')],
    [],
    ['idp idp.example'],
  ],
  [
    'the IDP, with a card trouble before it that hides nothing',
    house(
      failing((health) => {
        health.fails({ diga: 'a', recordSystem: '' }, 'SMCB_PIN_NOT_VERIFIED', null);
        health.fails({ diga: 'a', recordSystem: 'r1' }, 'IDP_UNREACHABLE', null);
        health.fails({ diga: 'a', recordSystem: 'r1' }, 'SMCB_PIN_NOT_VERIFIED', null);
      }),
    ),
    [link('idp', 'idp.example', 'IDP_UNREACHABLE')],
    ['idp idp.example'],
    [],
  ],
  [
    'a record system',
    house({
      recordSystems: () => [{ recordSystem: 'r1', state: 'unavailable', answered: false, code: null, since: NOON }],
    }),
    [link('record-system', 'r1', 'RECORD_SYSTEM_UNREACHABLE')],
    ['record-system r1'],
    ['record-system r1'],
  ],
];

describe('each link broken alone, with code and remedy, to whom it concerns (MON-01, EXP-27)', () => {
  test('every kind of link is in the table', () => {
    expect(new Set(TABLE.flatMap(([, , broken]) => broken.map((one) => one.link)))).toEqual(new Set(LINKS));
  });

  test.each(TABLE)('%s', (_what, { admin, ofDiga }, operators, a, b) => {
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
    const { admin } = house({
      recordSystems: () => [{ recordSystem: 'r1', state: 'ok', answered: false, code: null, since: null }],
    });
    expect(admin().filter(({ ok }) => ok !== true)).toMatchObject([{ link: 'record-system', of: 'r1', ok: null }]);
  });

  test('all is well: to each DiGA its own and the shared, to operators everything', () => {
    const names = (links: { link: string; of: string }[]) => links.map((one) => `${one.link} ${one.of}`).join(', ');
    const { admin, ofDiga } = house();
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
    const { ofDiga } = house({}, undefined, [card]);
    const pins = (diga: string) => ofDiga(diga).filter((one) => one.link === 'pin');
    const remedy = catalogue.SMCB_PIN_BLOCKED.remedy.en;
    expect(pins('a')).toMatchObject([{ of: `both/${CARD_OF_A}`, ok: false, code: 'SMCB_PIN_BLOCKED', remedy }]);
    expect(pins('b')).toEqual([]);
  });

  test('what nobody has met yet is unknown, not well', () => {
    const { admin, ofDiga } = house({
      chain: createChainHealth(),
      konnektors: () => [{ id: 'both', reachable: null, code: null, since: null }],
      cards: () => [],
    });
    const unknown = ['konnektor both', 'card a', 'card b', 'idp idp.example'];
    expect(admin().flatMap((one) => (one.ok === null ? [`${one.link} ${one.of}`] : []))).toEqual(unknown);
    expect(ofDiga('b').find((one) => one.link === 'idp')).toMatchObject({ ok: null, code: null, remedy: null });
  });
});
