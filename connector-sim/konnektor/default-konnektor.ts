// The default Konnektor of D27: one physical terminal with the demo DiGA's SMC-B (PIN verified) and its own SMC-KT,
// Mandant m1, ClientSystem c1, Workplace w1.
import { randomInt } from 'node:crypto';
import type { SimPki } from '../pki.ts';
import { newCardHandle } from './cards.ts';
import type { KonnektorState, SimCard } from './model.ts';

export const CONTEXT = { mandant: 'm1', clientSystem: 'c1', workplace: 'w1' } as const;
const ctId = 'CT_SIM_0001';

/** `now` in ms of simulated time is the moment of both insertions. */
export function createDefaultKonnektor(o: { pki: SimPki; now: number; telematikId: string }): KonnektorState {
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
    slotId: 4,
    cardHandle: newCardHandle(),
    verifiedFor: new Set(),
    certificates: new Map(),
  };
  return {
    terminals: new Map([
      [
        ctId,
        {
          ctId,
          name: 'Kartenterminal der Simulation',
          macAddress: `00-0D-F8-${hexPair()}-${hexPair()}-${hexPair()}`,
          ipAddress: '10.0.0.41',
          slots: 4,
          connected: true,
          workplaces: [CONTEXT.workplace],
        },
      ],
    ]),
    cards: new Map([
      [smcb.iccsn, smcb],
      [smckt.iccsn, smckt],
    ]),
    model: {
      mandants: [
        {
          id: CONTEXT.mandant,
          clientSystems: [CONTEXT.clientSystem],
          workplaces: [CONTEXT.workplace],
          terminals: [ctId],
          smbs: [smcb.iccsn],
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
