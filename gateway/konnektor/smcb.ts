// The SMC-B of a DiGA as an object: found by Telematik-ID over the DiGA's Konnektors, judged once, remembered, and asked
// to sign (KON-05, KON-09, KON-11, KON-13, KON-15; style.md B7 step 3). Cards are known by ICCSN; a handle lives in memory only.
import type { Certificate } from '../../certs/certificate.ts';
import type { TrustAnchors } from '../../certs/trust.ts';
import { verifyDigest } from '../../wire/ecdsa-verify.ts';
import { WireError } from '../../wire/error.ts';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { SmcbSigner } from '../smcb-signer.ts';
import { externalAuthenticate } from './auth-signature-service.ts';
import { CardQueues, type CardUse } from './card-queue.ts';
import { findCards, readAuthentication } from './card-search.ts';
import { type FoundCard, isValidAt, judgeCard } from './card-trust.ts';
import { answerInvalid, reactionTo } from './faults.ts';
import { KnownCertificates } from './known-certificates.ts';
import { KonnektorHealth } from './konnektor-health.ts';
import { mostTelling } from './most-telling.ts';
import { requirePin } from './pin-status.ts';
import { SilentCards } from './silent-cards.ts';
import type { KonnektorClient } from './soap-client.ts';

/** What the settings say of a DiGA, as far as its card goes; Konnektors in order of preference (KON-11). */
export type CardOwner = { id: string; telematikId: string; konnektors: readonly string[] };

export type { CardUse } from './card-queue.ts';

/** Whether a certificate is revoked (CRT-04); certificates/card-status.ts finds out. */
export type SmcbStatus = {
  require(certificate: Certificate): Promise<void>;
  blocked(certificate: Certificate): boolean;
};

export class SmcbCards {
  readonly #konnektors: ReadonlyMap<string, KonnektorClient>;
  readonly #anchors: () => TrustAnchors;
  readonly #now: () => number;
  readonly #health: KonnektorHealth;
  readonly #chosen: (diga: string) => string | undefined;
  readonly #status: SmcbStatus | undefined;
  readonly #certificates = new KnownCertificates();
  readonly #remembered = new Map<string, FoundCard>();
  readonly #lastSeen = new Map<string, FoundCard>();
  readonly #searching = new Map<string, Promise<FoundCard>>();
  readonly #queues: CardQueues;
  readonly #silent: SilentCards;
  /** Changes when everything known was forgotten: a search of before then remembers nothing. */
  #era = 0;

  constructor(o: {
    konnektors: Iterable<KonnektorClient>;
    anchors: () => TrustAnchors;
    now: () => number;
    observe?: (use: CardUse) => void;
    health?: KonnektorHealth;
    /** ICCSN of the card that an operator has chosen for this DiGA (KON-09). */
    chosen?: (diga: string) => string | undefined;
    status?: SmcbStatus | undefined;
  }) {
    this.#konnektors = new Map([...o.konnektors].map((client) => [client.access.id, client]));
    this.#anchors = o.anchors;
    this.#now = o.now;
    this.#health = o.health ?? new KonnektorHealth(() => () => {});
    this.#chosen = o.chosen ?? (() => undefined);
    this.#status = o.status;
    this.#queues = new CardQueues(o);
    this.#silent = new SilentCards(o.now);
  }

  /**
   * The DiGA's card, ready to sign: present, trusted, oid_diga, PIN verified. Remembered until the card refuses, so that
   * an export costs no call. Throws GatewayError SMCB_*, CERTIFICATE_EXPIRED, TERMINAL_OFFLINE, KONNEKTOR_*.
   */
  async signerFor(diga: CardOwner): Promise<SmcbSigner> {
    const { iccsn, certificate } = await this.#card(diga);
    return {
      telematikId: diga.telematikId,
      iccsn,
      certificateDer: certificate.der,
      sign: (sha256) => this.#sign(diga, iccsn, sha256),
    };
  }

  /** What is known of cards was judged by other anchors: each is looked for and judged anew when it is next needed. */
  forget(): void {
    this.#era += 1;
    this.#remembered.clear();
    this.#certificates.clear();
    this.#searching.clear();
  }

  /** The next signer of this DiGA is looked for anew: another card, or another Konnektor, is to be used from now on. */
  lookAnew(diga: string): void {
    this.#remembered.delete(diga);
    this.#searching.delete(diga);
  }

  /** The card of this certificate must not sign any more: whose it is looks for another. Answers which DiGAs. */
  stopped({ sha256 }: Certificate): string[] {
    const same = ({ certificate }: FoundCard) => Buffer.compare(certificate.sha256, sha256) === 0;
    const of = [...this.#remembered].flatMap(([diga, card]) => (same(card) ? [diga] : []));
    for (const diga of of) this.lookAnew(diga);
    return of;
  }

  /** The card that signs for this DiGA now, where one is known. */
  inUse(diga: string): { iccsn: string; konnektor: string; cardHandle: string } | undefined {
    const card = this.#remembered.get(diga);
    return card && { iccsn: card.iccsn, konnektor: card.client.access.id, cardHandle: card.cardHandle };
  }

  /** Whether this card may act for a DiGA now; throws what hinders it (card-trust.ts, pin-status.ts). */
  async requireUsable(card: FoundCard): Promise<void> {
    this.judge(card);
    await this.#status?.require(card.certificate);
    await this.atCard(card.iccsn, () => requirePin(card));
  }

  /** C.AUT of a card that was seen, read once while it is plugged. */
  async certificateOf(
    client: KonnektorClient,
    card: { iccsn: string; cardHandle: string },
  ): Promise<Certificate | undefined> {
    const known = this.#certificates.get(card);
    return known ?? this.atCard(card.iccsn, () => readAuthentication(client, card, this.#certificates));
  }

  /** Calls to this card that run or wait (KON-13). */
  queueLength(iccsn: string): number {
    return this.#queues.length(iccsn);
  }

  /** Runs work with a card after what is queued for it (KON-13). Throws at once for a card that is silent (silent-cards.ts). */
  async atCard<T>(iccsn: string, work: () => Promise<T>): Promise<T> {
    this.#silent.check(iccsn);
    return this.#queues.run(iccsn, () => {
      // It may have fallen silent while this one waited in the queue.
      this.#silent.check(iccsn);
      return this.#silent.heard(iccsn, work);
    });
  }

  /** What this card was found silent by, if it is. */
  silence(iccsn: string): GatewayError | undefined {
    return this.#silent.error(iccsn);
  }

  /** Asks a silent card by `work` all the same, and calls `back` when it answers again. */
  probe(iccsn: string, work: () => Promise<unknown>, back: () => void): void {
    void this.#silent.probe(iccsn, () => this.#queues.run(iccsn, () => this.#silent.heard(iccsn, work)), back);
  }

  /** The same while a person types at its terminal: who wants the card meanwhile is told `error` (card-queue.ts). */
  holdCard<T>(iccsn: string, error: GatewayError, work: () => Promise<T>): Promise<T> {
    return this.#queues.hold(iccsn, error, work);
  }

  /** Remembered, or found now; one search however many wait. */
  async #card(diga: CardOwner): Promise<FoundCard> {
    const known = this.#remembered.get(diga.id);
    if (known !== undefined && this.#stillGood(known, diga)) return known;
    const running = this.#searching.get(diga.id);
    if (running !== undefined) return running;
    const search = this.#find(diga).finally(() => {
      if (this.#searching.get(diga.id) === search) this.#searching.delete(diga.id);
    });
    this.#searching.set(diga.id, search);
    return search;
  }

  /** It may expire while it is remembered: then a search may find the follow-up card (KON-09). */
  #stillGood({ certificate }: FoundCard, { telematikId }: CardOwner): boolean {
    if (this.#status?.blocked(certificate) === true) return false;
    return certificate.admission?.registrationNumber === telematikId && isValidAt(certificate, new Date(this.#now()));
  }

  /** The chosen card where it works (KON-09), else every Konnektor in order: the first usable card wins (KON-11). */
  async #find(diga: CardOwner): Promise<FoundCard> {
    const failures: GatewayError[] = [];
    const era = this.#era;
    const chosen = this.#chosen(diga.id);
    const passes = chosen === undefined || diga.konnektors.length === 1 ? [undefined] : [chosen, undefined];
    for (const only of passes)
      for (const id of diga.konnektors) {
        const client = this.#konnektors.get(id);
        if (client === undefined) throw new GatewayError('CONFIG_INVALID', `DiGA ${diga.id} names no known Konnektor`);
        try {
          this.#health.check(id);
          const card = await this.#findAt(client, diga, only);
          if (era === this.#era) this.#remembered.set(diga.id, card);
          this.#lastSeen.set(diga.id, card);
          return card;
        } catch (thrown) {
          this.#health.failed(id, thrown);
          failures.push(asGatewayError(thrown));
        }
      }
    throw mostTelling(failures);
  }

  async #findAt(client: KonnektorClient, diga: CardOwner, only: string | undefined): Promise<FoundCard> {
    const last = this.#lastSeen.get(diga.id);
    const found = await findCards({
      client,
      telematikId: diga.telematikId,
      certificates: this.#certificates,
      lastTerminal: last?.client === client ? last.ctId : undefined,
      atCard: (iccsn, work) => this.atCard(iccsn, work),
    });
    const cards = found.filter((card) => only === undefined || card.iccsn === only);
    // Old and new card of one DiGA may be plugged at the same time (KON-09): the chosen one first, then the one in use while
    // it works, then the one that ends first, which is the old one.
    const rank = ({ iccsn }: FoundCard) => (iccsn === this.#chosen(diga.id) ? 0 : iccsn === last?.iccsn ? 1 : 2);
    cards.sort((a, b) => rank(a) - rank(b) || a.certificate.notAfter.getTime() - b.certificate.notAfter.getTime());
    const failures: GatewayError[] = [];
    for (const card of cards) {
      try {
        await this.requireUsable(card);
        return card;
      } catch (thrown) {
        failures.push(asGatewayError(thrown));
      }
    }
    throw failures.length > 0
      ? mostTelling(failures)
      : new GatewayError('SMCB_NOT_FOUND', `Konnektor ${client.access.id}: the chosen SMC-B is not there`);
  }

  /** A certificate that was refused is read again at the next look: a Konnektor may have named the wrong one. */
  judge(card: FoundCard): void {
    try {
      judgeCard(card, this.#anchors(), new Date(this.#now()));
    } catch (thrown) {
      this.#certificates.delete(card.iccsn);
      throw thrown;
    }
  }

  async #sign(diga: CardOwner, iccsn: string, sha256: Uint8Array): Promise<Uint8Array> {
    const card = await this.#sameCard(diga, iccsn);
    try {
      return await this.signWith(card, sha256);
    } catch (thrown) {
      // Whatever it was (PIN lost, card gone, Konnektor away): nothing about this card is known any more (KON-05).
      this.#forget(diga, card);
      this.#health.failed(card.client.access.id, thrown);
      if (reactionTo(thrown) !== 'new-handle') throw thrown;
    }
    const again = await this.#sameCard(diga, iccsn);
    try {
      return await this.signWith(again, sha256);
    } catch (thrown) {
      this.#forget(diga, again);
      throw thrown;
    }
  }

  /** A login is made with one certificate: the card that signs must be the one it began with. */
  async #sameCard(diga: CardOwner, iccsn: string): Promise<FoundCard> {
    const card = await this.#card(diga);
    if (card.iccsn !== iccsn)
      throw new GatewayError('KONNEKTOR_BUSY', `card ${iccsn} was replaced by ${card.iccsn} during the login`);
    return card;
  }

  /** One signature, which its certificate verifies. */
  async signWith({ client, iccsn, cardHandle, certificate }: FoundCard, sha256: Uint8Array): Promise<Uint8Array> {
    const signature = await this.atCard(iccsn, () => {
      // It may have fallen silent while this one waited in the queue: those behind must not wait for its limit, too.
      this.#health.check(client.access.id);
      return externalAuthenticate(client, cardHandle, sha256);
    });
    if (!verifies(sha256, signature, certificate))
      throw answerInvalid(`Konnektor ${client.access.id}: the signature is not one of card ${iccsn} over this hash`, {
        check: 'smcb.signature',
      });
    return signature;
  }

  #forget(diga: CardOwner, card: FoundCard): void {
    if (this.#remembered.get(diga.id) === card) this.#remembered.delete(diga.id);
  }
}

/** What comes back must be a signature of this very card: a wrong one would look like a refusal by the IDP. */
function verifies(sha256: Uint8Array, signature: Uint8Array, { publicKey }: Certificate): boolean {
  try {
    return verifyDigest(sha256, signature, publicKey);
  } catch (thrown) {
    if (thrown instanceof WireError) return false;
    throw thrown;
  }
}
