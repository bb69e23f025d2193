// Access checks before every operation (TUC_KON_000, gemSpec_Kon 4.1.1; konnektor.md 11): fields present (4021), IDs known
// (4004 to 4007), pairs assigned (4010 to 4020), card present (4101). The exact order inside table 514 is not established.
import type { XmlElement } from '../../wire/xml.ts';
import { cardByHandle, isSmb } from './cards.ts';
import { KonnektorFault } from './konnektor-fault.ts';
import { one, readSequence, simpleText } from './message.ts';
import type { KonnektorState, Mandant, SimCard, SimTerminal } from './model.ts';
import { NS } from './namespaces.ts';

export type CallContext = { mandantId: string; clientSystemId: string; workplaceId: string; userId: string };

/** A call that passed the checks without a card: its Mandant, and the terminals the workplace (or the Mandant) reaches. */
export type Access = {
  mandant: Mandant;
  clientSystemId: string;
  workplaceId: string;
  userId: string;
  reachable: ReadonlySet<string>;
};

/** CCTX:Context as on the wire; a missing ID is left empty here and becomes 4021 in `checkAccess`. */
export function readContext(element: XmlElement): CallContext {
  const found = readSequence(element, ['CONN:MandantId?', 'CONN:ClientSystemId?', 'CONN:WorkplaceId?', 'CONN:UserId?']);
  const text = (name: string) => {
    const e = one(found, name);
    return e === undefined ? '' : simpleText(e, { maxLength: 64 });
  };
  return {
    mandantId: text('MandantId'),
    clientSystemId: text('ClientSystemId'),
    workplaceId: text('WorkplaceId'),
    userId: text('UserId'), // ignored for an SM-B (BCH FR-152)
  };
}

/** One vendor's rule on every ID of a request's context. Throws 4000. */
export function checkIdCharacters(body: XmlElement): void {
  const context = body.children.find((e) => e.ns === NS.CCTX && e.name === 'Context');
  if (context?.children.some((id) => !/^[A-Za-z0-9_-]*$/.test(id.text)) === true)
    throw new KonnektorFault(4000, 'a character in the context');
}

/** `mandantWide`: ClientSystem and Workplace are ignored (ILF 4.2.1.1). Throws KonnektorFault. */
export function checkAccess(state: KonnektorState, context: CallContext, mandantWide = false): Access {
  const { mandantId, clientSystemId, workplaceId, userId } = context;
  if (mandantId === '' || clientSystemId === '' || workplaceId === '') throw new KonnektorFault(4021);
  const { model } = state;
  const mandant = model.mandants.find((m) => m.id === mandantId);
  if (mandant === undefined) throw new KonnektorFault(4004);
  if (mandantWide) return { mandant, clientSystemId, workplaceId, userId, reachable: new Set(mandant.terminals) };
  const workplaces = model.clientSystems.get(clientSystemId);
  if (workplaces === undefined) throw new KonnektorFault(4005);
  const workplace = model.workplaces.get(workplaceId);
  if (workplace === undefined) throw new KonnektorFault(4006);
  if (!mandant.clientSystems.includes(clientSystemId)) throw new KonnektorFault(4010);
  if (!mandant.workplaces.includes(workplaceId)) throw new KonnektorFault(4011);
  if (!workplaces.includes(workplaceId)) throw new KonnektorFault(4014);
  // What it showed was made for another ClientSystem; where nothing is asked for, nothing is bound.
  const { authentication, boundTo } = state.transport;
  if (authentication !== 'none' && boundTo !== null && clientSystemId !== boundTo) throw new KonnektorFault(4204);
  const near = [...workplace.local, ...workplace.remote].filter((ctId) => mandant.terminals.includes(ctId));
  return { mandant, clientSystemId, workplaceId, userId, reachable: new Set(near) };
}

/** The terminal named in a request. Throws 4007, 4012, 4015; mandant-wide 4020. */
export function checkTerminal(state: KonnektorState, access: Access, ctId: string, mandantWide = false): SimTerminal {
  const terminal = state.terminals.get(ctId);
  if (terminal === undefined) throw new KonnektorFault(4007);
  if (!access.mandant.terminals.includes(ctId)) throw new KonnektorFault(4012);
  if (mandantWide) {
    const places = access.mandant.workplaces.map((id) => state.model.workplaces.get(id));
    const known = places.some((w) => w !== undefined && [...w.local, ...w.remote].includes(ctId));
    if (!known) throw new KonnektorFault(4020);
  } else if (!access.reachable.has(ctId)) throw new KonnektorFault(4015);
  return terminal;
}

/** The card behind a handle, after access to its terminal and, for an SM-B, its Mandant. Throws 4101, 4012, 4015, 4009. */
export function checkCard(state: KonnektorState, access: Access, cardHandle: string): SimCard {
  const card = cardByHandle(state, cardHandle);
  if (card === undefined) throw new KonnektorFault(4101);
  return checkCardAccess(state, access, card);
}

export function checkCardAccess(state: KonnektorState, access: Access, card: SimCard): SimCard {
  checkTerminal(state, access, card.ctId);
  if (isSmb(card) && !access.mandant.smbs.includes(card.iccsn)) throw new KonnektorFault(4009);
  return card;
}

/** Whether an event about this terminal and SM-B is this call context's business; what is about no card or terminal is everybody's. */
export function sees(
  state: KonnektorState,
  context: CallContext,
  about: { ctId: string; iccsn?: string } | undefined,
): boolean {
  try {
    const access = checkAccess(state, context);
    if (about === undefined) return true;
    const card = state.cards.get(about.iccsn ?? '');
    return access.reachable.has(about.ctId) && (card === undefined || !isSmb(card) || manages(access, card));
  } catch (error) {
    if (error instanceof KonnektorFault) return false;
    throw error;
  }
}

const manages = (access: Access, card: SimCard) => access.mandant.smbs.includes(card.iccsn);

/**
 * PIN entry needs a terminal at the workplace, or a remote-PIN terminal there (KON C14/C15), with a PIN pad that works. Throws
 * 4066 (a virtual terminal), 4092, 4016, 4053, 4221, 4222.
 */
export function checkPinPad(state: KonnektorState, access: Access, card: SimCard): SimTerminal {
  if (state.terminals.get(card.ctId)?.physical === false) throw new KonnektorFault(4066);
  const workplace = state.model.workplaces.get(access.workplaceId);
  const local = workplace?.local.includes(card.ctId) === true;
  const ctId = local ? card.ctId : workplace?.remotePinTerminal;
  if (ctId === undefined) throw new KonnektorFault(4092);
  const terminal = state.terminals.get(ctId);
  if (terminal === undefined || workplace?.local.includes(ctId) !== true) throw new KonnektorFault(4016);
  if (!terminal.physical) throw new KonnektorFault(4053);
  if (!terminal.active) throw new KonnektorFault(4221);
  if (!terminal.connected) throw new KonnektorFault(4222);
  return terminal;
}
