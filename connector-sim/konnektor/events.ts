// What a Konnektor tells its event sinks (gemSpec_Kon, konnektor.md 5): topics, type, severity, parameters. Only what
// happened; who hears of it is in subscriptions.ts, how it travels in cetp-out.ts.
import type { KonnektorState, SimCard, SimTerminal } from './model.ts';
import type { Subscription } from './subscriptions.ts';

export type KonnektorEvent = {
  /** In capitals, as the tables of the specification have it; the seed may have it spelled otherwise on the wire. */
  topic: string;
  type: 'Operation' | 'Security' | 'Infrastructure' | 'Business' | 'Other';
  severity: 'Info' | 'Warning' | 'Error' | 'Fatal';
  parameters: [key: string, value: string][];
  /** Whose business it is: only sinks whose call context reaches this terminal and this SM-B hear of it. */
  about?: { ctId: string; iccsn?: string };
  /** To every remembered address with an empty SubscriptionID, since no subscription is left (ILF 4.1.4.5). */
  toSinks?: true;
};

/** Subscriptions and who listens, part of one Konnektor's state. */
export type EventDesk = {
  subscriptions: Map<string, Subscription>;
  /** Addresses that BOOTUP_COMPLETE goes to, remembered over a restart. */
  sinks: Set<string>;
  listeners: Set<(event: KonnektorEvent) => void>;
};

export function newEventDesk(): EventDesk {
  return { subscriptions: new Map(), sinks: new Set(), listeners: new Set() };
}

export function emit(state: KonnektorState, event: KonnektorEvent): void {
  for (const listener of state.events.listeners) listener(event);
}

const operation = { type: 'Operation', severity: 'Info' } as const;

/** CARD/INSERTED and CARD/REMOVED have the same parameters; `cardHandle` is the one the card has, or had. */
function cardEvent(topic: string, card: SimCard, cardHandle: string): KonnektorEvent {
  return {
    topic,
    ...operation,
    parameters: [
      ['CardHandle', cardHandle],
      ['CardType', card.cardType],
      ['CardVersion', '4.5.0'],
      ['ICCSN', card.iccsn],
      ['CtID', card.ctId],
      ['SlotID', String(card.slotId)],
      ['InsertTime', new Date(card.insertedAt).toISOString()],
      ['CardHolderName', card.holder ?? ''],
      ['KVNR', card.kvnr ?? ''],
    ],
    about: { ctId: card.ctId, iccsn: card.iccsn },
  };
}

export function cardInserted(card: SimCard): KonnektorEvent {
  const event = cardEvent('CARD/INSERTED', card, card.cardHandle ?? '');
  const expires = card.certificates.get('C.AUT')?.certificate.notAfter;
  if (expires !== undefined) event.parameters.push(['CertExpirationDate', expires.toISOString().slice(0, 10)]);
  return event;
}

export function cardRemoved(card: SimCard, cardHandle: string): KonnektorEvent {
  return cardEvent('CARD/REMOVED', card, cardHandle);
}

export type PinAction = 'VERIFY' | 'CHANGE' | 'UNBLOCK';

/** CARD/PIN/VERIFY_STARTED and its kin; parameters beyond the topic are not established (konnektor.md 12). */
export function pinEvent(o: {
  action: PinAction;
  card: SimCard;
  pinRef: string;
  padCtId: string;
  /** PinResult; absent: the entry starts. */
  result?: string;
}): KonnektorEvent {
  return {
    topic: `CARD/PIN/${o.action}_${o.result === undefined ? 'STARTED' : 'FINISHED'}`,
    ...operation,
    parameters: [
      ['CardHandle', o.card.cardHandle ?? ''],
      ['CardType', o.card.cardType],
      ['ICCSN', o.card.iccsn],
      ['CtID', o.card.ctId],
      ['SlotID', String(o.card.slotId)],
      ['PinRef', o.pinRef],
      ['PinInputCtID', o.padCtId],
      ...(o.result === undefined ? [] : [['Result', o.result] as [string, string]]),
    ],
    about: { ctId: o.card.ctId, iccsn: o.card.iccsn },
  };
}

/** CT/CONNECTED or CT/DISCONNECTED, and the operating state that goes with it (TAB_KON_503). */
export function terminalEvents(terminal: SimTerminal): KonnektorEvent[] {
  const { ctId } = terminal;
  const isUp = terminal.connected && terminal.active;
  const about = { ctId };
  return [
    {
      topic: isUp ? 'CT/CONNECTED' : 'CT/DISCONNECTED',
      ...operation,
      parameters: [
        ['CtID', ctId],
        ['Hostname', terminal.name],
      ],
      about,
    },
    {
      topic: `OPERATIONAL_STATE/EC_CardTerminal_Not_Available(${ctId})`,
      type: 'Operation',
      severity: 'Error',
      parameters: [
        ['Value', String(!isUp)],
        ['CtID', ctId],
        ['Bedeutung', `Kartenterminal(${ctId}) ist nicht verfügbar`],
      ],
      about,
    },
  ];
}

export function bootupComplete(): KonnektorEvent {
  return { topic: 'BOOTUP/BOOTUP_COMPLETE', ...operation, parameters: [], toSinks: true };
}
