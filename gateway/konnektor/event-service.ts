// EventService 7.2 (konnektor.md 2.1): which cards and terminals there are, and how the Konnektor is. GetCards answers
// from the Konnektor's memory and sends nothing to a terminal, so asking costs little.
import { child, childrenOf, type Markup, requireChild, textOf, type XmlElement, xml } from '../../wire/xml.ts';
import { readBoolean } from './directory.ts';
import { answerInvalid } from './faults.ts';
import type { KonnektorAnswer, KonnektorClient } from './soap-client.ts';
import { declare, NS } from './tables/namespaces.ts';

/**
 * CARD:Card without the holder's KVNR, which no card of ours has and nobody here may see. `cardHandle` dies with the
 * insertion and the Konnektor's run: a card's identity is its ICCSN (ILF 4.2.2, KON-05).
 */
export type Card = {
  cardHandle: string;
  /** SMC-B, HSM-B, HBA, EGK, SMC-KT, KVK, UNKNOWN … */
  cardType: string;
  iccsn: string | undefined;
  ctId: string;
  slotId: number;
  insertTime: string;
  cardHolderName: string | undefined;
  certificateExpirationDate: string | undefined;
};

/** CTI:CardTerminal. */
export type CardTerminal = {
  ctId: string;
  name: string;
  workplaceIds: string[];
  macAddress: string;
  slots: number;
  isPhysical: boolean;
  connected: boolean;
};

/** CONN:Connector: the tunnels into the TI and the conditions that are raised (`value` true). */
export type ConnectorState = {
  vpnTi: { online: boolean; since: string };
  vpnSis: { online: boolean; since: string };
  errorStates: { condition: string; severity: string; type: string; value: boolean; validFrom: string }[];
};

export type GetCardsFilter = { mandantWide: boolean; ctId?: string; slotId?: number; cardType?: string };
export type ResourceFilter = { ctId?: string; slotId?: number; iccsn?: string; cardHandle?: string };

/** An element that is left out where there is no value. */
export const optional = (name: string, value: string | number | undefined): Markup | undefined =>
  value === undefined ? undefined : xml(name, {}, String(value));

/** Request body; order of the XSD: Context, CtId, SlotId, CardType. */
export function getCardsRequest(context: Markup, { mandantWide, ctId, slotId, cardType }: GetCardsFilter): Markup {
  return xml(
    'EVT:GetCards',
    { ...declare('EVT', 'CONN', 'CCTX', 'CARDCMN'), 'mandant-wide': String(mandantWide) },
    context,
    optional('CARDCMN:CtId', ctId),
    optional('CARDCMN:SlotId', slotId),
    optional('CARDCMN:CardType', cardType),
  );
}

export function getCardTerminalsRequest(context: Markup, mandantWide: boolean): Markup {
  return xml(
    'EVT:GetCardTerminals',
    { ...declare('EVT', 'CONN', 'CCTX'), 'mandant-wide': String(mandantWide) },
    context,
  );
}

/** Request body; order of the XSD: Context, CtId, SlotId, Iccsn, CardHandle. */
export function getResourceInformationRequest(context: Markup, filter: ResourceFilter): Markup {
  return xml(
    'EVT:GetResourceInformation',
    declare('EVT', 'CONN', 'CCTX', 'CARDCMN'),
    context,
    optional('CARDCMN:CtId', filter.ctId),
    optional('CARDCMN:SlotId', filter.slotId),
    optional('CARDCMN:Iccsn', filter.iccsn),
    optional('CONN:CardHandle', filter.cardHandle),
  );
}

/** The cards of a workplace, or with `mandantWide` of the whole Mandant (ILF 4.2.1.1). No card is an empty list. */
export async function getCards(client: KonnektorClient, filter: GetCardsFilter): Promise<Card[]> {
  const { response } = await ask(client, 'GetCards', getCardsRequest(client.context(), filter));
  return client.reading('GetCards', () =>
    cardsIn(child(response, NS.CARD82, 'Cards') ?? requireChild(response, NS.CARD, 'Cards')).map(readCard),
  );
}

export async function getCardTerminals(client: KonnektorClient, mandantWide: boolean): Promise<CardTerminal[]> {
  const { response } = await ask(client, 'GetCardTerminals', getCardTerminalsRequest(client.context(), mandantWide));
  return client.reading('GetCardTerminals', () =>
    childrenOf(requireChild(response, NS.CTI, 'CardTerminals'), NS.CTI, 'CardTerminal').map(readCardTerminal),
  );
}

/** With an empty filter the Konnektor itself is meant: the health probe. */
export async function getResourceInformation(
  client: KonnektorClient,
  filter: ResourceFilter = {},
): Promise<{ card: Card | undefined; terminal: CardTerminal | undefined; connector: ConnectorState | undefined }> {
  const operation = 'GetResourceInformation';
  const { response } = await ask(client, operation, getResourceInformationRequest(client.context(), filter));
  return client.reading(operation, () => {
    const [card] = cardsIn(response);
    const terminal = child(response, NS.CTI, 'CardTerminal');
    const connector = child(response, NS.CONN, 'Connector');
    return {
      card: card && readCard(card),
      terminal: terminal && readCardTerminal(terminal),
      connector: connector && readConnector(connector),
    };
  });
}

function ask(client: KonnektorClient, operation: string, body: Markup): Promise<KonnektorAnswer> {
  return client.call({ service: 'EventService', operation, body, limit: 'short', repeat: true });
}

/**
 * The cards in an element. EventService 7.2 and CardTerminalService 1.1 import CardService 8.1; a Konnektor that has 8.2
 * alone may answer in that namespace, the content being the same.
 */
export const cardsIn = (parent: XmlElement): XmlElement[] =>
  parent.children.filter(({ ns, name }) => name === 'Card' && (ns === NS.CARD || ns === NS.CARD82));

/** CARD:Card as GetCards, GetResourceInformation and RequestCard give it. */
export function readCard(card: XmlElement): Card {
  return {
    cardHandle: nonEmpty(textOf(card, NS.CONN, 'CardHandle'), 'CardHandle'),
    cardType: nonEmpty(textOf(card, NS.CARDCMN, 'CardType'), 'CardType'),
    iccsn: optionalText(card, NS.CARDCMN, 'Iccsn'),
    ctId: textOf(card, NS.CARDCMN, 'CtId'),
    slotId: readNumber(textOf(card, NS.CARDCMN, 'SlotId')),
    insertTime: textOf(card, card.ns, 'InsertTime'),
    cardHolderName: optionalText(card, card.ns, 'CardHolderName'),
    certificateExpirationDate: optionalText(card, card.ns, 'CertificateExpirationDate'),
  };
}

function readCardTerminal(terminal: XmlElement): CardTerminal {
  const workplaces = requireChild(terminal, NS.CONN, 'WorkplaceIds');
  return {
    ctId: textOf(terminal, NS.CARDCMN, 'CtId'),
    name: textOf(terminal, NS.CTI, 'Name'),
    workplaceIds: childrenOf(workplaces, NS.CONN, 'WorkplaceId').map((id) => id.text.trim()),
    macAddress: textOf(terminal, NS.CTI, 'MacAddress'),
    slots: readNumber(textOf(terminal, NS.CTI, 'Slots')),
    isPhysical: readBoolean(textOf(terminal, NS.CTI, 'IS_PHYSICAL')),
    connected: readBoolean(textOf(terminal, NS.CTI, 'Connected')),
  };
}

function readConnector(connector: XmlElement): ConnectorState {
  const tunnel = (name: string) => {
    const status = requireChild(connector, NS.CONN, name);
    const word = textOf(status, NS.CONN, 'ConnectionStatus');
    if (word !== 'Online' && word !== 'Offline') throw answerInvalid(`${name}: neither Online nor Offline`);
    return { online: word === 'Online', since: textOf(status, NS.CONN, 'Timestamp') };
  };
  return {
    vpnTi: tunnel('VPNTIStatus'),
    vpnSis: tunnel('VPNSISStatus'),
    errorStates: childrenOf(requireChild(connector, NS.CONN, 'OperatingState'), NS.CONN, 'ErrorState').map((state) => ({
      condition: textOf(state, NS.CONN, 'ErrorCondition'),
      severity: textOf(state, NS.CONN, 'Severity'),
      type: textOf(state, NS.CONN, 'Type'),
      value: readBoolean(textOf(state, NS.CONN, 'Value')),
      validFrom: textOf(state, NS.CONN, 'ValidFrom'),
    })),
  };
}

export const optionalText = (e: XmlElement, ns: string, name: string): string | undefined =>
  child(e, ns, name)?.text.trim() || undefined;

export function nonEmpty(text: string, name: string): string {
  if (text === '') throw answerInvalid(`${name} is empty`);
  return text;
}

/** xs:nonNegativeInteger of a sensible size. */
export function readNumber(text: string): number {
  if (!/^\+?\d{1,6}$/.test(text)) throw answerInvalid('a value that must be a number is none');
  return Number(text);
}
