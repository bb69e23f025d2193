// PIN operations (KON-07, KON-08): an operator has a person verify, change or unblock the PIN of an SMC-B at its terminal. One at
// a time for each card over all processes, only in a state that calls for it, audited, and never repeated by itself: what was cut
// off ends as not known. The PIN never passes here.
import { randomUUIDv7 } from 'node:crypto';
import { asGatewayError, type ErrorCode, GatewayError } from '../errors.ts';
import { type Asking, appendAudit } from '../exports/audit.ts';
import type { Database } from '../exports/store.ts';
import type { CardDesk, PluggedCard } from '../konnektor/card-desk.ts';
import type { SeenPin } from '../konnektor/survey.ts';
import type { Logger } from '../log.ts';
import { endOf, endOfFault, isUnknown } from './pin-ends.ts';
import {
  beginRow,
  endRow,
  giveUp,
  latestRow,
  loseRow,
  loseRowsOf,
  moveRow,
  openRow,
  type PinEnd,
  type PinKind,
  type PinRow,
  pukUsesLeft,
  readRow,
  stillOpen,
  withdrawRow,
} from './pin-rows.ts';

/** Why an operation was not begun; `pin` and `running` go into the answer. */
export class PinRefusal extends GatewayError {
  readonly pin: SeenPin | undefined;
  readonly running: PinRow | undefined;

  constructor(code: ErrorCode, message: string, more: { pin?: SeenPin; running?: PinRow; cause?: unknown } = {}) {
    super(code, message, more.cause === undefined ? {} : { cause: more.cause });
    this.pin = more.pin;
    this.running = more.running;
  }
}

export type PinOrderAsked = {
  kind: PinKind;
  iccsn: string;
  konnektor?: string | undefined;
  confirm: boolean;
  by: Asking;
};

type PinCardAsked = Pick<PinOrderAsked, 'iccsn' | 'konnektor'>;

type Digas = readonly { id: string; telematikId: string; konnektors: readonly string[] }[];

export type PinOperationsNeeds = {
  db: Database;
  desk: Pick<CardDesk, 'find' | 'pin' | 'enter'>;
  digas: Digas;
  now: () => number;
  log: Logger;
  /** Who this gateway is to others on the same store. */
  holder: string;
  /** An operation has ended: the state of the card is another now. */
  ended: (row: PinRow) => void;
};

/** Which state calls for which operation; `change` also on demand. */
const FITS: Record<PinKind, readonly SeenPin['state'][]> = {
  verify: ['verifiable'],
  unblock: ['blocked'],
  change: ['transport-pin', 'verifiable', 'verified'],
};

const fits = (kind: PinKind, pin: SeenPin): boolean => pin.none !== true && FITS[kind].includes(pin.state);

/** The Konnektor need not tell the tries left (XSD), and the last one must not be taken unknowingly (KON-07). */
export const needsConfirm = (leftTries: number | null): boolean => leftTries === null || leftTries <= 1;

export class PinOperations {
  readonly #o: PinOperationsNeeds;
  readonly #running = new Map<string, Promise<void>>();

  constructor(o: PinOperationsNeeds) {
    this.#o = o;
  }

  /** What an earlier process of this data directory left open is not known (KON-07): never begun again, and perhaps still asked for. */
  async recover(): Promise<void> {
    const { db, now, holder, log } = this.#o;
    const count = await db.transaction().execute(async (tx) => {
      const lost = await loseRowsOf(tx, { now: now(), holder });
      await giveUp(tx, { now: now() });
      return lost;
    });
    if (count > 0) log.warn('pin operations without an end', { count, code: 'PIN_OUTCOME_UNKNOWN' });
  }

  /** Whether a person is typing for this card, asked by this process. */
  busy(iccsn: string): boolean {
    return this.#running.has(iccsn);
  }

  /** Durable and begun when it answers; the entry goes on by itself. Throws PinRefusal, NOT_FOUND, CARD_NOT_REACHABLE. */
  async start(o: PinOrderAsked): Promise<PinRow> {
    try {
      return await this.#begin(o);
    } catch (thrown) {
      const { code } = asGatewayError(thrown);
      await this.#audit(o, { result: code });
      throw thrown;
    }
  }

  async #begin(o: PinOrderAsked): Promise<PinRow> {
    const { db, now, holder } = this.#o;
    const { kind, iccsn, by } = o;
    const { cards, diga } = await this.#plugged(o);
    const order = { id: randomUUIDv7(), kind, iccsn, konnektor: cards[0].konnektor, diga, by };
    const begun = await beginRow(db, { ...order, now: now(), holder });
    if (begun === undefined) {
      const running = await openRow(db, iccsn);
      throw new PinRefusal(
        'PIN_OPERATION_RUNNING',
        `card ${iccsn}: an entry is still open at the terminal, or may be`,
        {
          ...(running !== undefined && { running }),
        },
      );
    }
    let sight: { card: PluggedCard; pin: SeenPin };
    let row: PinRow;
    try {
      // Judged by what the card says now, while nobody else can begin.
      sight = await this.#fitting(kind, cards);
      await this.#judge(o, sight.pin);
      row = await moveRow(db, begun, sight.card.konnektor);
    } catch (thrown) {
      await withdrawRow(db, begun.id);
      throw thrown;
    }
    const { card, pin } = sight;
    await this.#audit(o, { result: 'ok', card, diga, pin });
    this.#o.log.info('pin operation begun', { iccsn, konnektor: card.konnektor, step: kind, operator: by.actor.id });
    const running = this.#run(row, card, by).then((ended) => {
      this.#running.delete(iccsn);
      this.#o.ended(ended);
    });
    this.#running.set(iccsn, running);
    return row;
  }

  /** The card where it is plugged, of a DiGA of ours or of nobody that can be told. */
  async find(o: PinCardAsked): Promise<{ card: PluggedCard; diga: string | null }> {
    const { cards, diga } = await this.#plugged({ ...o, only: 1 });
    return { card: cards[0], diga };
  }

  /** At each Konnektor that has it: the same card under several Mandanten has a PIN session for each (konnektor.md 2.2). */
  async #plugged(
    o: PinCardAsked & { only?: 1 },
  ): Promise<{ cards: [PluggedCard, ...PluggedCard[]]; diga: string | null }> {
    const { digas, desk } = this.#o;
    const all = [...new Set(digas.flatMap(({ konnektors }) => konnektors))];
    const asked = o.konnektor === undefined ? all : all.filter((id) => id === o.konnektor);
    const diga = (card: PluggedCard) => digas.find(({ telematikId }) => telematikId === card.telematikId)?.id ?? null;
    const found: PluggedCard[] = [];
    let hindered: unknown;
    for (const konnektor of asked) {
      if (found.length === o.only) break;
      try {
        const card = await desk.find(o.iccsn, [konnektor]);
        // A stranger's card in the same Mandant is none of ours (EXP-26).
        if (card !== undefined && (diga(card) !== null || card.telematikId === null)) found.push(card);
      } catch (thrown) {
        hindered ??= thrown;
      }
    }
    const [card, ...more] = found;
    if (card !== undefined) return { cards: [card, ...more], diga: diga(card) };
    if (hindered !== undefined) throw unreachable(hindered, o.iccsn);
    throw new GatewayError('NOT_FOUND', 'no Konnektor of the settings has this card, or it is not of a DiGA here');
  }

  /** Where its state calls for this; where it does so nowhere, the first that says anything. */
  async #fitting(kind: PinKind, cards: readonly PluggedCard[]): Promise<{ card: PluggedCard; pin: SeenPin }> {
    let first: { card: PluggedCard; pin: SeenPin } | undefined;
    let hindered: unknown;
    for (const card of cards) {
      try {
        const sight = { card, pin: await this.#o.desk.pin(card) };
        if (fits(kind, sight.pin)) return sight;
        first ??= sight;
      } catch (thrown) {
        hindered ??= thrown;
      }
    }
    if (first === undefined) throw unreachable(hindered, cards[0]?.iccsn ?? '');
    return first;
  }

  /** The state of the PIN, asked now: of the session at this Konnektor, or at the first that has the card. */
  async pin(o: PinCardAsked): Promise<{ card: PluggedCard; pin: SeenPin }> {
    const { card } = await this.find(o);
    if (this.busy(o.iccsn)) return { card, pin: { state: 'unknown', leftTries: null, code: 'PIN_OPERATION_RUNNING' } };
    const pin = await this.#o.desk.pin(card).catch((thrown: unknown) => {
      throw unreachable(thrown, o.iccsn);
    });
    return { card, pin };
  }

  async #judge({ kind, iccsn, confirm }: PinOrderAsked, pin: SeenPin): Promise<void> {
    if (!fits(kind, pin))
      throw new PinRefusal('PIN_STATE_UNFIT', `card ${iccsn}: the PIN is ${pin.none ? 'not there' : pin.state}`, {
        pin,
      });
    // What a blocked PIN has left counts the PUK, which only an attempt with it has told.
    const left = kind === 'unblock' ? await pukUsesLeft(this.#o.db, iccsn) : pin.leftTries;
    if (needsConfirm(left) && !confirm)
      throw new PinRefusal(
        'PIN_CONFIRM_NEEDED',
        `card ${iccsn}: ${left === null ? 'how many tries are left is not known' : `${left} try left`}`,
        { pin: { ...pin, leftTries: left } },
      );
  }

  /** Never throws. */
  async #run(row: PinRow, card: PluggedCard, by: Asking): Promise<PinRow> {
    const { db, now, log, desk } = this.#o;
    let end: PinEnd;
    try {
      // What waited at the card so long that another process may have begun prompts nobody (KON-07).
      const mayPrompt = async () => {
        if (await stillOpen(db, { id: row.id, now: now() })) return;
        throw new GatewayError('KONNEKTOR_BUSY', `card ${row.iccsn}: it was busy too long, nobody was prompted`);
      };
      end = endOf(await desk.enter(row.kind, card, mayPrompt));
    } catch (thrown) {
      end = endOfFault(asGatewayError(thrown));
    }
    const told = { iccsn: row.iccsn, konnektor: row.konnektor, step: row.kind, operator: by.actor.id };
    try {
      // Lost while somebody may be typing still: the card is held until that must be over.
      if (isUnknown(end)) await loseRow(db, row, { now: now(), by });
      else await endRow(db, row, { ...end, now: now(), by });
      log.info('pin operation ended', { ...told, ...(end.code !== null && { code: end.code }) });
    } catch (thrown) {
      // The row stays open until its lease is over: nobody begins another meanwhile.
      log.error('pin operation not stored', { ...told, code: asGatewayError(thrown).code });
    }
    return { ...row, result: end.result, left_tries: end.leftTries, code: end.code };
  }

  async #audit(
    { kind, iccsn, by }: PinOrderAsked,
    o: { result: string; card?: PluggedCard; diga?: string | null; pin?: SeenPin },
  ): Promise<void> {
    await this.#o.db.transaction().execute((tx) =>
      appendAudit(tx, {
        ...by,
        at: this.#o.now(),
        action: 'pin.asked',
        object: { kind: 'card', id: iccsn },
        ...(o.diga != null && { diga: o.diga }),
        result: o.result,
        details: { kind, konnektor: o.card?.konnektor ?? null, leftTries: o.pin?.leftTries ?? null },
      }),
    );
  }

  /** One whose lease is over without an end is told as not known. */
  async read(id: string): Promise<PinRow | undefined> {
    const row = await readRow(this.#o.db, id);
    if (row?.open !== 1) return row;
    await this.#o.db.transaction().execute((tx) => giveUp(tx, { now: this.#o.now(), iccsn: row.iccsn }));
    return readRow(this.#o.db, id);
  }

  async latest(iccsn: string): Promise<PinRow | undefined> {
    const row = await latestRow(this.#o.db, iccsn);
    return row && this.read(row.id);
  }

  /** Resolves when no entry is open that this process began. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#running.values()]);
  }
}

function unreachable(thrown: unknown, iccsn: string): GatewayError {
  const cause = asGatewayError(thrown);
  return new GatewayError('CARD_NOT_REACHABLE', `card ${iccsn}: ${cause.code}, ${cause.message}`, { cause });
}
