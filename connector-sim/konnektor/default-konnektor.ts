// The default Konnektor of D27: one physical terminal with the demo DiGA's SMC-B (PIN verified) and its own SMC-KT,
// Mandant m1, ClientSystem c1, Workplace w1; a scenario's further SMC-Bs lie in the same terminal. A further Konnektor looks
// the same with a terminal and cards of its own.
import { randomInt } from 'node:crypto';
import type { CardSeed, FurtherCard } from '../further-digas.ts';
import { inventIccsn, type SimPki } from '../pki.ts';
import { KONNEKTOR_PROFILES, type KonnektorVendor } from '../tables/konnektor-profiles.ts';
import { newPin } from './card-pin.ts';
import { newCardHandle } from './cards.ts';
import { newEventDesk } from './events.ts';
import type { KonnektorState, SimCard, SimTerminal } from './model.ts';
import { DEFAULT_TRANSPORT, inventCredentials } from './transport.ts';

export const CONTEXT = { mandant: 'm1', clientSystem: 'c1', workplace: 'w1' } as const;
/** Whose the default world's SMC-B is. */
export const DEMO_CARD: CardSeed = { telematikId: '9-DEMO-DIGA-0001', organization: 'Demo DiGA GmbH' };
/** The one on N+2; the only one of the default world. */
export const FIRST_KONNEKTOR = 'k1';
const SMCKT_SLOT = 4;

/** A Konnektor and whose cards it holds. */
export type KonnektorHolder = {
  id: string;
  url: string;
  serverName: string;
  caFile: string;
  /** At a Konnektor that asks for a password (konnektor.md 7, level 3). */
  basicAuthentication?: { user: string; passwordFile: string } | undefined;
  telematikIds: readonly (string | null)[];
  /** The call context that its clients are configured for. */
  context?: { mandant: string; clientSystem: string; workplace: string } | undefined;
  /** How its events travel; TLS unless said. */
  cetp?: 'tls' | 'tcp';
};

/** Ids of those that hold a card of this Telematik-ID, the first Konnektor first. */
export const konnektorsOf = (konnektors: readonly KonnektorHolder[], telematikId: string): string[] =>
  konnektors.filter((one) => one.telematikIds.includes(telematikId)).map((one) => one.id);

/** `now` in ms of simulated time is the moment of both insertions. */
export function createDefaultKonnektor(o: {
  pki: SimPki;
  now: number;
  further?: readonly FurtherCard[];
  vendor?: KonnektorVendor | undefined;
}): KonnektorState {
  const { smcb, smcktIccsn } = o.pki;
  const demo: FurtherCard = { ...smcb, ...DEMO_CARD };
  const cards = [demo, ...(o.further ?? [])];
  return createKonnektorState({ id: FIRST_KONNEKTOR, vendor: o.vendor, now: o.now, cards, smcktIccsn, terminal: 1 });
}

/** Names of its terminal and of the virtual one that a Konnektor with an HSM has. */
export function terminalNames(terminal: number): [physical: string, virtual: string] {
  const number = String(terminal).padStart(4, '0');
  return [`CT_SIM_${number}`, `HSM_SIM_${number}`];
}

/** `terminal`: the number in the name of its terminal, which no other Konnektor of the world has. */
export function createKonnektorState(o: {
  id: string;
  vendor: KonnektorVendor | undefined;
  now: number;
  cards: readonly FurtherCard[];
  smcktIccsn?: string;
  terminal: number;
}): KonnektorState {
  const [ctId, virtual] = terminalNames(o.terminal);
  const hosted = o.vendor !== undefined && KONNEKTOR_PROFILES[o.vendor].hostedCard;
  const smcbs = o.cards.map(
    (card, index): SimCard => ({
      iccsn: card.iccsn,
      cardType: hosted ? 'HSM-B' : 'SMC-B',
      telematikId: card.telematikId,
      holder: `${card.organization} TEST-ONLY`,
      kvnr: null,
      ctId: hosted ? virtual : ctId,
      slotId: hosted || index + 1 < SMCKT_SLOT ? index + 1 : index + 2,
      inserted: true,
      insertedAt: o.now,
      cardHandle: newCardHandle(),
      ...newPin(),
      verifiedFor: new Set([CONTEXT.mandant]),
      pinQes: null,
      enteredPin: 'right',
      signDelayMs: 0,
      certificates: card.certificates,
      rsaCertificates: new Map(),
    }),
  );
  const smckt: SimCard = {
    iccsn: o.smcktIccsn ?? inventIccsn(),
    cardType: 'SMC-KT',
    telematikId: null,
    holder: null,
    kvnr: null,
    ctId,
    slotId: SMCKT_SLOT,
    inserted: true,
    insertedAt: o.now,
    cardHandle: newCardHandle(),
    ...newPin(),
    pinQes: null,
    enteredPin: 'right',
    signDelayMs: 0,
    certificates: new Map(),
    rsaCertificates: new Map(),
  };
  const terminal = (id: string, name: string, address: number): SimTerminal => ({
    ctId: id,
    name,
    macAddress: `00-0D-F8-${hexPair()}-${hexPair()}-${hexPair()}`,
    ipAddress: `10.0.0.${address}`,
    slots: Math.max(SMCKT_SLOT, smcbs.length + 1),
    physical: id === ctId,
    active: true,
    connected: true,
    workplaces: [CONTEXT.workplace],
  });
  // The keys of an HSM lie in a terminal of their own that nobody can touch (konnektor.md 8).
  const terminals = [
    terminal(ctId, 'Kartenterminal der Simulation', 40 + o.terminal),
    ...(hosted ? [terminal(virtual, 'Virtuelles Kartenterminal', 140 + o.terminal)] : []),
  ];
  return {
    id: o.id,
    vendor: o.vendor,
    manners: {},
    transport: DEFAULT_TRANSPORT,
    credentials: inventCredentials(CONTEXT.clientSystem),
    terminals: new Map(terminals.map((terminal) => [terminal.ctId, terminal])),
    cards: new Map([...smcbs, smckt].map((card) => [card.iccsn, card])),
    model: {
      mandants: [
        {
          id: CONTEXT.mandant,
          clientSystems: [CONTEXT.clientSystem],
          workplaces: [CONTEXT.workplace],
          terminals: terminals.map((terminal) => terminal.ctId),
          smbs: smcbs.map((card) => card.iccsn),
        },
      ],
      clientSystems: new Map([[CONTEXT.clientSystem, [CONTEXT.workplace]]]),
      workplaces: new Map([[CONTEXT.workplace, { local: terminals.map((terminal) => terminal.ctId), remote: [] }]]),
    },
    signatureFormat: 'der',
    startedAt: o.now,
    conditions: new Map(),
    pinEntries: new Map(),
    events: newEventDesk(),
    cetp: 'tls',
  };
}

function hexPair(): string {
  return randomInt(256).toString(16).padStart(2, '0').toUpperCase();
}
