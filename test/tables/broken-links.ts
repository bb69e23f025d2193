// Each link of the health answers broken alone: how operators are told of it, and what each of the two DiGAs sees (MON-01, EXP-27).
// Played by test/unit/gateway/health-links.test.ts.
import type { InventoryEntry } from '../../gateway/certificates/entry.ts';
import type { ErrorCode } from '../../gateway/errors.ts';
import { createChainHealth } from '../../gateway/exports/chain-health.ts';
import type { HealthSources } from '../../gateway/health.ts';
import { NOON } from '../support/gateway-fakes.ts';
import { healthHouse } from '../support/health-house.ts';

export const CARD_OF_A = '80276883110000000001';

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

export type Broken = { link: string; of: string; code: ErrorCode };
type Row = [what: string, sources: ReturnType<typeof healthHouse>, operators: Broken[], a: string[], b: string[]];
const link = (name: string, of: string, code: ErrorCode): Broken => ({ link: name, of, code });
const certificate = (of: string, code: ErrorCode = 'CERTIFICATE_EXPIRED') => link('certificate', of, code);

export const BROKEN_LINKS: Row[] = [
  [
    'no trust-service list in force',
    healthHouse({
      trustList: { state: () => ({ inForce: false, check: 'tsl.signature' }) } as unknown as HealthSources['trustList'],
    }),
    [link('trust-list', 'SIM', 'TRUST_LIST_UNUSABLE')],
    ['trust-list SIM'],
    ['trust-list SIM'],
  ],
  [
    'the OCSP responder is away',
    healthHouse({ ocspFailing: () => ({ at: NOON }) }),
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
    const row = (what: string, sources: ReturnType<typeof healthHouse>, broken: Broken): Row => [
      `${what} ${konnektor}`,
      sources,
      [broken],
      ...(seen(`${broken.link} ${broken.of}`) as [string[], string[]]),
    ];
    const onCertificate = (use: InventoryEntry['use'], holder = konnektor as string) =>
      row(
        `the certificate ${use} of`,
        healthHouse({}, ended({ use, holder, konnektor })),
        certificate(`${use} ${holder}`),
      );
    return [
      row(
        'the Konnektor',
        healthHouse(konnektorDown(konnektor)),
        link('konnektor', konnektor, 'KONNEKTOR_UNREACHABLE'),
      ),
      row(
        'a terminal of',
        healthHouse(terminalOff(konnektor)),
        link('terminal', `${konnektor}/CT9`, 'TERMINAL_OFFLINE'),
      ),
      onCertificate('konnektor-tls'),
      onCertificate('konnektor-card'),
      onCertificate('konnektor-client'),
      onCertificate('terminal-card', `${konnektor}/CT9`),
    ];
  }),
  [
    'one client certificate for two Konnektors: nobody is told of the other one',
    healthHouse(
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
    healthHouse(
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
      healthHouse({}, ended({ use, holder: 'a', diga: 'a', konnektor: 'both', iccsn: CARD_OF_A })),
      [certificate(`${use} a`)],
      [`certificate ${use} a`],
      [],
    ],
  ),
  [
    'a certificate of a backend',
    healthHouse({}, ended({ use: 'backend-client', holder: 'client-b', diga: 'b' })),
    [certificate('backend-client client-b')],
    [],
    ['certificate backend-client client-b'],
  ],
  [
    'a certificate of an operator who has the name of a DiGA',
    healthHouse({}, ended({ use: 'operator-client', holder: 'a' })),
    [certificate('operator-client a')],
    [],
    [],
  ],
  ...(['record-system-tls', 'vau', 'idp-tls', 'idp-signer', 'tsl-signer', 'own-server'] as const).map(
    (use): Row => [
      `the certificate ${use}`,
      healthHouse({}, ended({ use, holder: 'x' })),
      [certificate(`${use} x`)],
      [`certificate ${use} x`],
      [`certificate ${use} x`],
    ],
  ),
  [
    'the card of one DiGA',
    healthHouse({
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
    healthHouse(
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
    healthHouse(failing((health) => health.fails({ diga: 'b', recordSystem: 'r1' }, 'IDP_REFUSED', null))),
    [link('idp', 'idp.example', 'IDP_REFUSED')],
    [],
    ['idp idp.example'],
  ],
  [
    'the IDP, with a card trouble before it that hides nothing',
    healthHouse(
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
    healthHouse({
      recordSystems: () => [{ recordSystem: 'r1', state: 'unavailable', answered: false, code: null, since: NOON }],
    }),
    [link('record-system', 'r1', 'RECORD_SYSTEM_UNREACHABLE')],
    ['record-system r1'],
    ['record-system r1'],
  ],
];
