// Events whose cause the simulator does not have, sent on command (`POST /sim/konnektors/{id}/events`; konnektor.md 5): what a
// Konnektor tells of card sessions, of certificates on cards, of updates and of its own registration.
import type { KonnektorEvent } from '../konnektor/events.ts';

type OnDemand = Pick<KonnektorEvent, 'type' | 'severity'> & {
  /** About a card, whose type, number, handle and holder stand in it. */
  ofCard: 'session' | 'certificate' | false;
  /** What else stands in it, unless the command says otherwise. */
  parameters: Readonly<Record<string, string>>;
};

const operation = (severity: OnDemand['severity'], more: Partial<OnDemand> = {}): OnDemand => ({
  type: 'Operation',
  severity,
  ofCard: false,
  parameters: {},
  ...more,
});

/** Types and severities that the reference leaves open (a dash there) are ours. */
export const EVENTS_ON_DEMAND: Readonly<Record<string, OnDemand>> = {
  'CARD/SESSION/TIMEOUT': operation('Info', { ofCard: 'session', parameters: { SessionID: '1', Timer: '3600' } }),
  'CERT/CARD/EXPIRATION': operation('Warning', { ofCard: 'certificate' }),
  'CERT/CARD/STATUS': operation('Warning', {
    ofCard: 'certificate',
    parameters: { CertName: 'C.HCI.AUT', CARD_CERTSTATUS: 'Revoked' },
  }),
  'KSR/UPDATES_AVAILABLE': operation('Info'),
  'SMC_K/REGISTER/ERROR': operation('Error', { parameters: { Fail: 'No_Smcb' } }),
  'SMC_K/UPDATE/ERROR': operation('Error'),
};
