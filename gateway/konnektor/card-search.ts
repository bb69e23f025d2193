// Looks for the cards of one Telematik-ID at one Konnektor (export-flow.md 1.4, 1.5): GetCards over the whole Mandant,
// SMC-B and HSM-B alike (KON-14), C.AUT of each, and what the terminals say when nothing is found.
import { type Certificate, readCertificate } from '../../certs/certificate.ts';
import { CertError } from '../../certs/error.ts';
import { GatewayError } from '../errors.ts';
import type { FoundCard } from './card-trust.ts';
import { readCardCertificate } from './certificate-service.ts';
import { type Card, type CardTerminal, getCards, getCardTerminals } from './event-service.ts';
import { isConnectionLoss, reactionTo } from './faults.ts';
import type { KnownCertificates } from './known-certificates.ts';
import type { KonnektorClient } from './soap-client.ts';

export type CardSearch = {
  client: KonnektorClient;
  telematikId: string;
  /** A card keeps its certificate while it is plugged, so each is read once, by whichever search comes first. */
  certificates: KnownCertificates;
  /** Terminal in which the card was seen last, if it was. */
  lastTerminal: string | undefined;
  /** Runs work with a card after what is queued for it. */
  atCard: <T>(iccsn: string, work: () => Promise<T>) => Promise<T>;
};

/** An SMC-B known by its ICCSN; a card without one cannot be remembered. */
export type SmbCard = Card & { iccsn: string };

/**
 * Every card with this Telematik-ID, at least one; nothing is judged yet. Throws SMCB_NOT_FOUND (message with ICCSNs only),
 * TERMINAL_OFFLINE, or the Konnektor's answer that hindered the search.
 */
export async function findCards(search: CardSearch): Promise<FoundCard[]> {
  try {
    return await look(search);
  } catch (thrown) {
    // A card pulled and inserted between GetCards and the next call has a new handle: look once more.
    if (reactionTo(thrown) !== 'new-handle') throw thrown;
    return look(search);
  }
}

async function look({ client, telematikId, certificates, lastTerminal, atCard }: CardSearch): Promise<FoundCard[]> {
  const cards = (await getCards(client, { mandantWide: true, cardType: 'SM-B' })).filter(isSmb);
  const { offline, refused } = await offlineTerminals(client);
  const read = async (card: SmbCard): Promise<FoundCard | GatewayError | undefined> => {
    const { iccsn, cardType, ctId, cardHandle } = card;
    if (offline.has(ctId)) {
      const known = certificates.last(iccsn)?.admission?.registrationNumber;
      return known === undefined || known === telematikId ? terminalOffline(client, ctId, iccsn) : undefined;
    }
    try {
      const certificate =
        certificates.get(card) ?? (await atCard(iccsn, () => readAuthentication(client, card, certificates)));
      return certificate?.admission?.registrationNumber === telematikId
        ? { client, iccsn, cardType, ctId, cardHandle, certificate }
        : undefined;
    } catch (thrown) {
      // A stranger's broken or silent card must not hide ours; a lost connection ends the search.
      if (!(thrown instanceof GatewayError) || isConnectionLoss(thrown)) throw thrown;
      return thrown;
    }
  };
  // Side by side, so that several silent ones take the time of one.
  const looked = (await Promise.all(cards.map(read))).filter((one) => one !== undefined);
  const found = looked.filter((one): one is FoundCard => !(one instanceof GatewayError));
  if (found.length > 0) return found;
  const hindered = looked.find((one) => one instanceof GatewayError);
  throw hindered ?? refused ?? notFound({ client, cards, offline, lastTerminal });
}

/** SMC-B and HSM-B alike (KON-14). */
export const isSmb = (card: Card): card is SmbCard =>
  (card.cardType === 'SMC-B' || card.cardType === 'HSM-B') && card.iccsn !== undefined;

/**
 * Terminals that are not connected; a virtual one of an HSM-B has no plug to pull. They only explain why a card is missing:
 * a Konnektor that does not list them (`refused`) still has its cards. Throws where the connection is lost.
 */
async function offlineTerminals(client: KonnektorClient): Promise<{ offline: Set<string>; refused?: GatewayError }> {
  let terminals: CardTerminal[];
  try {
    terminals = await getCardTerminals(client, true);
  } catch (thrown) {
    const answered =
      thrown instanceof GatewayError && (!isConnectionLoss(thrown) || thrown.foreign?.status !== undefined);
    if (!answered) throw thrown;
    client.warn('GetCardTerminals', thrown.code);
    return { offline: new Set(), refused: thrown };
  }
  return { offline: new Set(terminals.filter((one) => one.isPhysical && !one.connected).map((one) => one.ctId)) };
}

/** C.AUT, kept in `certificates`; undefined where the card has none that can be read. */
export async function readAuthentication(
  client: KonnektorClient,
  card: Pick<SmbCard, 'iccsn' | 'cardHandle'>,
  certificates: KnownCertificates,
): Promise<Certificate | undefined> {
  const der = await readCardCertificate(client, card.cardHandle);
  if (der === undefined) return undefined;
  try {
    const certificate = readCertificate(der);
    certificates.set(card, certificate);
    return certificate;
  } catch (thrown) {
    if (!(thrown instanceof CertError)) throw thrown;
    client.warn('ReadCardCertificate', thrown.code);
    return undefined;
  }
}

function terminalOffline(client: KonnektorClient, ctId: string, iccsn: string): GatewayError {
  return new GatewayError(
    'TERMINAL_OFFLINE',
    `Konnektor ${client.access.id}: terminal ${ctId} with card ${iccsn} is not connected`,
  );
}

/** With its terminal a card vanishes from GetCards: then the terminal is what somebody must look at. */
function notFound(o: {
  client: KonnektorClient;
  cards: SmbCard[];
  offline: Set<string>;
  lastTerminal: string | undefined;
}): GatewayError {
  const konnektor = `Konnektor ${o.client.access.id}`;
  const [first] = o.offline;
  const suspect = o.lastTerminal !== undefined && o.offline.has(o.lastTerminal) ? o.lastTerminal : undefined;
  const terminal = suspect ?? (o.cards.length === 0 && o.lastTerminal === undefined ? first : undefined);
  if (terminal !== undefined)
    return new GatewayError(
      'TERMINAL_OFFLINE',
      `${konnektor}: no SMC-B is there and terminal ${terminal} is not connected`,
    );
  const there = o.cards.length === 0 ? 'none' : o.cards.map((card) => card.iccsn).join(', ');
  return new GatewayError(
    'SMCB_NOT_FOUND',
    `${konnektor}: no SMC-B with the configured Telematik-ID; SMC-B there: ${there}`,
  );
}
