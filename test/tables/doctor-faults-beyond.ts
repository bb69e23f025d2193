// First-contact faults at the Konnektor and beyond it: context, terminal, card, PIN, OCSP, IDP, record systems (OPS-06).
import {
  freePort,
  iccsn,
  inSettings,
  konnektor,
  kops,
  type PlantedFault,
  simulator,
  strangers,
} from '../support/doctor-bench.ts';

export const AT_THE_KONNEKTOR_AND_BEYOND: PlantedFault[] = [
  [
    'the IDP in the place of a record system',
    'vau',
    'vau.other-service',
    inSettings((raw) => ({
      recordSystems: raw.recordSystems.map((one, i) => (i === 0 ? { ...one, url: simulator().ready.idp } : one)),
    })),
    /is this the record system's address/,
  ],
  [
    'the clock of the responder an hour ahead of ours',
    'ocsp',
    'ocsp.clock',
    () => ({
      settings: (raw) => ({ ...raw, clock: simulator().ready.control }),
      now: () => Date.now() - 3_600_000,
    }),
    /made in the future, 3[56]\d\d s ahead of our clock/,
  ],
  [
    'an OCSP address with another path',
    'ocsp',
    'ocsp.unreachable',
    inSettings((raw) => ({ trust: { ...raw.trust, ocsp: { url: `${simulator().ocsp}/nowhere` } } })),
    /answers 404/,
    /trust\.ocsp\.url with its path/,
  ],
  [
    'roots of another PKI',
    'role',
    'role.untrusted',
    inSettings((raw) => ({
      trust: {
        rootsFile: strangers(),
        intermediatesFile: simulator().settings().trust.intermediatesFile,
        ocspSignersFile: simulator().settings().trust.ocspSignersFile,
        ocsp: raw.trust.ocsp,
      },
    })),
    /trust\.rootsFile/,
  ],
  [
    'another CA for the IDP',
    'idp',
    'idp.tls-untrusted',
    inSettings((raw) => ({ idp: { ...raw.idp, caFile: strangers() } })),
    /idp\.caFile/,
  ],
  [
    'another CA for a record system',
    'vau',
    'vau.tls-untrusted',
    inSettings((raw) => ({ recordSystems: raw.recordSystems.map((one) => ({ ...one, caFile: strangers() })) })),
    /recordSystems\[\]\.caFile/,
  ],
  [
    'a Telematik-ID that no card has',
    'card',
    'card.not-found',
    inSettings((raw) => ({ digas: raw.digas.map((diga) => ({ ...diga, telematikId: '9-SOMEBODY-ELSE' })) })),
    /\d{20} is 9-(?!SOMEBODY).*wanted 9-SOMEBODY-ELSE/,
    /digas\[\]\.telematikId/,
  ],
  [
    'a Mandant that it does not know, and which it is',
    'context',
    'context.refused',
    () => ({ settings: konnektor({ mandant: 'nobody' }) }),
    /does not know the mandant of/,
  ],
  [
    'a Clientsystem that a KOPS does not know',
    'context',
    'context.refused',
    () => ({ settings: konnektor({ clientSystem: 'cX' }), control: kops }),
    /does not know the clientSystem of/,
  ],
  [
    'a Workplace that a KOPS does not know',
    'context',
    'context.refused',
    () => ({ settings: konnektor({ workplace: 'w9' }), control: kops }),
    /does not know the workplace of/,
  ],
  [
    'a Mandant that it does not know',
    'context',
    'context.refused',
    () => ({ settings: konnektor({ mandant: 'nobody' }) }),
  ],
  [
    'a Workplace that is not assigned',
    'context',
    'context.refused',
    () => ({ settings: konnektor({ workplace: 'w9' }) }),
  ],
  [
    'the terminal off the network',
    'terminal',
    'terminal.offline',
    () => ({
      control: [
        'PATCH',
        `/sim/terminals/${[...simulator().world.konnektor.terminals.keys()][0]}`,
        { connected: false },
      ],
    }),
  ],
  ['no card', 'card', 'card.not-found', () => ({ control: ['PATCH', `/sim/cards/${iccsn()}`, { inserted: false }] })],
  [
    'the Telematik-ID of another card',
    'card',
    'card.not-found',
    () => ({
      settings: (raw) => ({ ...raw, digas: raw.digas.map((diga) => ({ ...diga, telematikId: '9-SOMEBODY-ELSE' })) }),
    }),
  ],
  [
    'a card of a practice',
    'role',
    'role.wrong',
    () => ({
      control: [
        'POST',
        '/sim/faults',
        { at: 'konnektor.ReadCardCertificate', kind: 'wrong-certificate', params: { which: 'role' } },
      ],
    }),
  ],
  [
    'a card of another PKI',
    'role',
    'role.untrusted',
    () => ({
      control: [
        'POST',
        '/sim/faults',
        { at: 'konnektor.ReadCardCertificate', kind: 'wrong-certificate', params: { which: 'root' } },
      ],
    }),
  ],
  [
    'a card that has ended',
    'certificate',
    'certificate.ended',
    () => ({
      control: [
        'POST',
        '/sim/faults',
        { at: 'konnektor.ReadCardCertificate', kind: 'wrong-certificate', params: { which: 'expired' } },
      ],
    }),
  ],
  [
    'a PIN that nobody has entered',
    'pin',
    'pin.not-verified',
    () => ({ control: ['PATCH', `/sim/cards/${iccsn()}`, { pinStatus: 'VERIFIABLE' }] }),
  ],
  [
    'a PIN that is blocked',
    'pin',
    'pin.blocked',
    () => ({ control: ['PATCH', `/sim/cards/${iccsn()}`, { pinStatus: 'BLOCKED' }] }),
  ],
  [
    'a transport PIN',
    'pin',
    'pin.transport',
    () => ({ control: ['PATCH', `/sim/cards/${iccsn()}`, { pinStatus: 'TRANSPORT_PIN' }] }),
  ],
  [
    'a card that is revoked',
    'ocsp',
    'ocsp.revoked',
    () => ({ control: ['POST', '/sim/faults', { at: 'ocsp', kind: 'revoked' }] }),
  ],
  [
    'a card that is not released yet',
    'ocsp',
    'ocsp.unknown',
    () => ({ control: ['POST', '/sim/faults', { at: 'ocsp', kind: 'unknown' }] }),
  ],
  [
    'a responder that is no responder',
    'ocsp',
    'ocsp.unreachable',
    () => ({ control: ['POST', '/sim/faults', { at: 'ocsp', kind: 'wrong-certificate' }] }),
  ],
  [
    'no responder',
    'ocsp',
    'ocsp.unreachable',
    async () => {
      const port = await freePort();
      return { settings: (raw) => ({ ...raw, trust: { ...raw.trust, ocsp: { url: `http://127.0.0.1:${port}` } } }) };
    },
  ],
  [
    'no trust-service list',
    'trust-list',
    'trust-list.unusable',
    () => ({ control: ['POST', '/sim/faults', { at: 'tsl', kind: 'wrong-signature' }] }),
  ],
  [
    'no IDP',
    'idp',
    'idp.unreachable',
    async () => {
      const port = await freePort();
      return { settings: (raw) => ({ ...raw, idp: { ...raw.idp, issuer: `https://127.0.0.1:${port}` } }) };
    },
  ],
  [
    'an IDP that is another',
    'idp',
    'idp.untrusted',
    () => ({ control: ['POST', '/sim/faults', { at: 'idp.discovery', kind: 'wrong-signature' }] }),
  ],
  [
    'a record system that is away',
    'vau',
    'vau.unreachable',
    () => ({
      control: [
        'POST',
        '/sim/faults',
        { at: 'record-system.tls', kind: 'refuse', match: { recordSystem: 'epa-as-2' } },
      ],
    }),
  ],
  [
    'a VAU that is another',
    'vau',
    'vau.untrusted',
    () => ({ control: ['POST', '/sim/faults', { at: 'certdata', kind: 'wrong-certificate' }] }),
  ],
  [
    'an insured without a record',
    'record',
    'record.not-found',
    () => ({ control: ['PUT', `/sim/records/${simulator().ready.insured[0]}`, { status: 'UNKNOWN' }] }),
  ],
];
