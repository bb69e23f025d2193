// Cards by their ICCSN, as an operator names them: where the card is plugged now, the state of its PIN, and an entry at the terminal
// that holds it (KON-05, KON-07). The handle is asked for anew each time; nothing here repeats what prompts a person.
import { asGatewayError, GatewayError } from '../errors.ts';
import { isSmb } from './card-search.ts';
import { changePin, type PinOutcome, unblockPin, verifyPin } from './card-service.ts';
import { verifyCertificate } from './certificate-service.ts';
import { getCards } from './event-service.ts';
import type { KonnektorHealth } from './konnektor-health.ts';
import type { SmcbCards } from './smcb.ts';
import type { KonnektorClient } from './soap-client.ts';
import { pinOf, type SeenPin } from './survey.ts';

/** A card as it is plugged now. `telematikId` null: its certificate cannot be read, as while a transport PIN is set. */
export type PluggedCard = {
  konnektor: string;
  iccsn: string;
  cardType: string;
  ctId: string;
  slotId: number;
  cardHandle: string;
  telematikId: string | null;
};

export type PinEntryKind = 'verify' | 'change' | 'unblock';

export class CardDesk {
  readonly #clients: ReadonlyMap<string, KonnektorClient>;
  readonly #cards: SmcbCards;
  readonly #health: KonnektorHealth;

  constructor(o: { konnektors: readonly KonnektorClient[]; cards: SmcbCards; health: KonnektorHealth }) {
    this.#clients = new Map(o.konnektors.map((client) => [client.access.id, client]));
    this.#cards = o.cards;
    this.#health = o.health;
  }

  /**
   * Asks the Konnektors in this order. Undefined: every one answered and none has the card. Throws what hindered the first one
   * that could not be asked, where no other has it.
   */
  async find(iccsn: string, konnektors: readonly string[]): Promise<PluggedCard | undefined> {
    let hindered: GatewayError | undefined;
    for (const konnektor of konnektors) {
      const client = this.#client(konnektor);
      try {
        this.#health.check(konnektor);
        const cards = await getCards(client, { mandantWide: true, cardType: 'SM-B' });
        const card = cards.filter(isSmb).find((one) => one.iccsn === iccsn);
        if (card === undefined) continue;
        const { cardType, ctId, slotId, cardHandle } = card;
        const telematikId = await this.#telematikIdOf(client, card);
        return { konnektor, iccsn, cardType, ctId, slotId, cardHandle, telematikId };
      } catch (thrown) {
        this.#health.failed(konnektor, thrown);
        hindered ??= asGatewayError(thrown);
      }
    }
    if (hindered !== undefined) throw hindered;
    return undefined;
  }

  /** The state of PIN.SMC, asked now. */
  pin(card: PluggedCard): Promise<SeenPin> {
    return this.#cards.atCard(card.iccsn, () => pinOf(this.#client(card.konnektor), card));
  }

  /**
   * Prompts at the terminal and waits until the entry has ended (KON-08: it is typed there and nowhere else). `mayPrompt` is awaited
   * when the card's other calls have ended, the moment before; what it throws is thrown.
   */
  enter(
    kind: PinEntryKind,
    { konnektor, iccsn, cardHandle }: PluggedCard,
    mayPrompt: () => Promise<void>,
  ): Promise<PinOutcome> {
    const client = this.#client(konnektor);
    // Exports must not wait for a person with the worker's places in their hands: they come back when the entry has ended.
    const meanwhile = new GatewayError(
      'SMCB_PIN_NOT_VERIFIED',
      `card ${iccsn}: its PIN is being entered at the terminal`,
    );
    return this.#cards.holdCard(iccsn, meanwhile, async () => {
      await mayPrompt();
      if (kind === 'verify') return verifyPin(client, cardHandle);
      if (kind === 'change') return changePin(client, cardHandle);
      return unblockPin(client, cardHandle, { setNewPin: true });
    });
  }

  /** Whether it may act for a DiGA now; throws what hinders it. */
  async requireUsable(card: PluggedCard): Promise<void> {
    await this.#cards.requireUsable({ ...card, ...(await this.#certified(card)) });
  }

  /** Whether its certificate is one that a DiGA may act with (CRT-06); throws what is wrong with it. */
  async judge(card: PluggedCard): Promise<void> {
    this.#cards.judge({ ...card, ...(await this.#certified(card)) });
  }

  /** A signature over this hash that its certificate verifies (KON-10); throws what hinders it. */
  async testSignature(card: PluggedCard, sha256: Uint8Array): Promise<void> {
    await this.#cards.signWith({ ...card, ...(await this.#certified(card)) }, sha256);
  }

  /** What the Konnektor says of its certificate, revocation included (VerifyCertificate, konnektor.md 2.4). */
  async ocsp(card: PluggedCard, at: Date): ReturnType<typeof verifyCertificate> {
    const { client, certificate } = await this.#certified(card);
    return verifyCertificate(client, certificate.der, at);
  }

  async #certified(card: PluggedCard) {
    const client = this.#client(card.konnektor);
    const certificate = await this.#cards.certificateOf(client, card);
    if (certificate === undefined) throw new GatewayError('SMCB_UNTRUSTED', `card ${card.iccsn}: no C.AUT (ECC)`);
    return { client, certificate };
  }

  async #telematikIdOf(client: KonnektorClient, card: { iccsn: string; cardHandle: string }) {
    try {
      return (await this.#cards.certificateOf(client, card))?.admission?.registrationNumber ?? null;
    } catch (thrown) {
      client.warn('ReadCardCertificate', asGatewayError(thrown).code);
      return null;
    }
  }

  #client(konnektor: string): KonnektorClient {
    const client = this.#clients.get(konnektor);
    if (client === undefined) throw new GatewayError('CONFIG_INVALID', `there is no Konnektor ${konnektor}`);
    return client;
  }
}
