// Certificates that Konnektors hold (CRT-01): of every SMC-B of a DiGA at every Konnektor (AUT, ENC, OSIG), read from the card, and
// what CheckCertificateExpiration reports of cards that cannot be read: the Konnektor's own and the terminals'.
import { type Certificate, readCertificate } from '../../certs/certificate.ts';
import { CertError } from '../../certs/error.ts';
import { asGatewayError } from '../errors.ts';
import { isSmb } from '../konnektor/card-search.ts';
import { type CertRef, checkCertificateExpiration, readCardCertificates } from '../konnektor/certificate-service.ts';
import { getCards } from '../konnektor/event-service.ts';
import type { KonnektorClient } from '../konnektor/soap-client.ts';
import type { CertificateUse, InventoryEntry } from './entry.ts';

const USE_OF_REF: Record<CertRef, CertificateUse> = {
  'C.AUT': 'smcb-aut',
  'C.ENC': 'smcb-enc',
  'C.SIG': 'smcb-osig',
};
const REFS = Object.keys(USE_OF_REF) as CertRef[];

type Diga = { id: string; telematikId: string; konnektors: readonly string[] };
type OfCard = ReadonlyMap<CertRef, Certificate>;

export type CardCertificates = {
  /** One look at one Konnektor; never throws for what it answers. */
  look(client: KonnektorClient): Promise<InventoryEntry[]>;
};

export function createCardCertificates(o: {
  digas: readonly Diga[];
  now: () => number;
  /** Runs work with a card after what is queued for it (KON-13). */
  atCard: <T>(iccsn: string, work: () => Promise<T>) => Promise<T>;
}): CardCertificates {
  /** A card keeps its certificates while it is plugged: each is read once for a handle. */
  const known = new Map<string, { cardHandle: string; found: OfCard }>();
  /** ICCSNs of SMC-Bs, read or not: what the Konnektor reports beside them is a terminal's. */
  const smbs = new Set<string>();

  async function ofCard(client: KonnektorClient, card: { iccsn: string; cardHandle: string }): Promise<OfCard> {
    const before = known.get(card.iccsn);
    if (before?.cardHandle === card.cardHandle) return before.found;
    const read = await o.atCard(card.iccsn, () => readCardCertificates(client, card.cardHandle, REFS));
    const found = new Map<CertRef, Certificate>();
    for (const [ref, der] of read) {
      const certificate = certificateIn(der);
      if (certificate !== undefined) found.set(ref, certificate);
    }
    // A card whose transport PIN is set hands out nothing yet.
    if (found.size > 0) known.set(card.iccsn, { cardHandle: card.cardHandle, found });
    return found;
  }

  async function cards(client: KonnektorClient): Promise<InventoryEntry[]> {
    const { id: konnektor } = client.access;
    const found: InventoryEntry[] = [];
    const digas = o.digas.filter((one) => one.konnektors.includes(konnektor));
    for (const card of (await getCards(client, { mandantWide: true, cardType: 'SM-B' })).filter(isSmb)) {
      smbs.add(card.iccsn);
      const about = { holder: card.iccsn, konnektor, iccsn: card.iccsn };
      try {
        const certificates = await ofCard(client, card);
        const telematikId = certificates.get('C.AUT')?.admission?.registrationNumber;
        const diga = digas.find((one) => one.telematikId === telematikId);
        // A card of somebody else at the same Konnektor is nothing that we depend on.
        if (diga === undefined && certificates.size > 0) continue;
        for (const ref of REFS) {
          const certificate = certificates.get(ref);
          const line = { ...about, use: USE_OF_REF[ref], ...(diga && { holder: diga.id, diga: diga.id }) };
          found.push(
            certificate === undefined
              ? { ...line, seenAt: null, why: 'NOT_ON_CARD' }
              : { ...line, certificate, seenAt: o.now() },
          );
        }
      } catch (thrown) {
        const why = hindrance(thrown);
        for (const ref of REFS) found.push({ ...about, use: USE_OF_REF[ref], seenAt: null, why });
      }
    }
    return found;
  }

  async function reports(client: KonnektorClient): Promise<InventoryEntry[]> {
    const { id: konnektor } = client.access;
    const line = (use: CertificateUse, holder: string) => ({ use, holder, konnektor });
    try {
      const told = await checkCertificateExpiration(client);
      const ofTerminals = told.filter(({ ctId, iccsn }) => ctId !== '' && !smbs.has(iccsn));
      const own = told.find(({ cardHandle, ctId }) => cardHandle === '' && ctId === '');
      const entry = (use: CertificateUse, holder: string, one: (typeof told)[number]): InventoryEntry => ({
        ...line(use, holder),
        ...(one.iccsn !== '' && { iccsn: one.iccsn }),
        reported: { notAfter: lastMomentOf(one.validity), serialNumber: one.serialNumber, commonName: one.commonName },
        seenAt: o.now(),
      });
      const missing = (use: CertificateUse): InventoryEntry => ({
        ...line(use, konnektor),
        seenAt: null,
        why: 'NOT_REPORTED',
      });
      return [
        own === undefined ? missing('konnektor-card') : entry('konnektor-card', konnektor, own),
        ...(ofTerminals.length === 0
          ? [missing('terminal-card')]
          : ofTerminals.map((one) => entry('terminal-card', `${konnektor}/${one.ctId}`, one))),
      ];
    } catch (thrown) {
      const why = hindrance(thrown);
      return (['konnektor-card', 'terminal-card'] as const).map((use) => ({
        ...line(use, konnektor),
        seenAt: null,
        why,
      }));
    }
  }

  return {
    look: async (client) => {
      const { id: konnektor } = client.access;
      try {
        return [...(await cards(client)), ...(await reports(client))];
      } catch (thrown) {
        const why = hindrance(thrown);
        return o.digas
          .filter((one) => one.konnektors.includes(konnektor))
          .map(({ id }) => ({ use: 'smcb-aut', holder: id, diga: id, konnektor, seenAt: null, why }));
      }
    },
  };
}

/** What kept us from seeing; a broken promise of our own is none. */
function hindrance(thrown: unknown): string {
  const error = asGatewayError(thrown);
  if (error.kind === 'bug') throw error;
  return error.code;
}

/** The report names a day: the certificate is good until its end. */
const lastMomentOf = (day: Date): Date => new Date(day.getTime() + 86_400_000 - 1);

function certificateIn(der: Uint8Array): Certificate | undefined {
  try {
    return readCertificate(der);
  } catch (thrown) {
    if (thrown instanceof CertError) return undefined;
    throw thrown;
  }
}
