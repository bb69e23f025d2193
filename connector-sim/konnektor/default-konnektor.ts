// The default Konnektor of D27: one physical terminal with the demo DiGA's SMC-B (PIN verified) and its own SMC-KT,
// Mandant m1, ClientSystem c1, Workplace w1; a scenario's further SMC-Bs lie in the same terminal.
import { randomInt } from 'node:crypto';
import type { FurtherCard } from '../further-digas.ts';
import type { SimPki } from '../pki.ts';
import { newCardHandle } from './cards.ts';
import type { KonnektorState, SimCard } from './model.ts';

export const CONTEXT = { mandant: 'm1', clientSystem: 'c1', workplace: 'w1' } as const;
const ctId = 'CT_SIM_0001';
const SMCKT_SLOT = 4;

/** `now` in ms of simulated time is the moment of both insertions. */
export function createDefaultKonnektor(o: {
  pki: SimPki;
  now: number;
  telematikId: string;
  further?: readonly FurtherCard[];
}): KonnektorState {
  const smcb: SimCard = {
    iccsn: o.pki.smcb.iccsn,
    cardType: 'SMC-B',
    telematikId: o.telematikId,
    holder: 'Demo DiGA GmbH TEST-ONLY',
    ctId,
    slotId: 1,
    inserted: true,
    insertedAt: o.now,
    cardHandle: newCardHandle(),
    pinState: 'VERIFIABLE',
    leftTries: 3,
    verifiedFor: new Set([CONTEXT.mandant]),
    enteredPin: 'right',
    signDelayMs: 0,
    certificates: o.pki.smcb.certificates,
  };
  const smckt: SimCard = {
    ...smcb,
    iccsn: o.pki.smcktIccsn,
    cardType: 'SMC-KT',
    telematikId: null,
    holder: null,
    slotId: SMCKT_SLOT,
    cardHandle: newCardHandle(),
    verifiedFor: new Set(),
    certificates: new Map(),
  };
  const further = (o.further ?? []).map(
    (card, index): SimCard => ({
      ...smcb,
      iccsn: card.iccsn,
      telematikId: card.telematikId,
      holder: `${card.organization} TEST-ONLY`,
      slotId: index + 2 < SMCKT_SLOT ? index + 2 : index + 3,
      cardHandle: newCardHandle(),
      verifiedFor: new Set([CONTEXT.mandant]),
      certificates: card.certificates,
    }),
  );
  const smcbs = [smcb, ...further];
  return {
    terminals: new Map([
      [
        ctId,
        {
          ctId,
          name: 'Kartenterminal der Simulation',
          macAddress: `00-0D-F8-${hexPair()}-${hexPair()}-${hexPair()}`,
          ipAddress: '10.0.0.41',
          slots: Math.max(SMCKT_SLOT, smcbs.length + 1),
          connected: true,
          workplaces: [CONTEXT.workplace],
        },
      ],
    ]),
    cards: new Map([...smcbs, smckt].map((card) => [card.iccsn, card])),
    model: {
      mandants: [
        {
          id: CONTEXT.mandant,
          clientSystems: [CONTEXT.clientSystem],
          workplaces: [CONTEXT.workplace],
          terminals: [ctId],
          smbs: smcbs.map((card) => card.iccsn),
        },
      ],
      clientSystems: new Map([[CONTEXT.clientSystem, [CONTEXT.workplace]]]),
      workplaces: new Map([[CONTEXT.workplace, { local: [ctId], remote: [] }]]),
    },
    signatureFormat: 'der',
    startedAt: o.now,
    pinEntries: new Map(),
  };
}

function hexPair(): string {
  return randomInt(256).toString(16).padStart(2, '0').toUpperCase();
}
