// Everything outside a gateway house, as fakes that a test programs: what they do, and what they saw.
import { GatewayError } from '../../gateway/errors.ts';
import type { OpenSession, OuterPorts, WriteOrder, WriteOutcome } from '../../gateway/exports/ports.ts';
import { KonnektorHealth } from '../../gateway/konnektor/konnektor-health.ts';
import type { KonnektorParts } from '../../gateway/konnektor-parts.ts';

export type Write = { order: WriteOrder; content: Buffer; session: OpenSession };
/** What the record system does with one write; `sent` has not been called when it throws at once. */
export type Answer = (write: Write) => WriteOutcome | Promise<WriteOutcome>;

/** A fake of everything outside; answers are taken from `answers` in order, then everything is stored. */
export class FakeOutside {
  readonly writes: Write[] = [];
  readonly answers: Answer[] = [];
  /** Thrown at acquire, in order; undefined: a session. */
  readonly sessionFaults: (GatewayError | undefined)[] = [];
  readonly locateFaults: (GatewayError | undefined)[] = [];
  /** Thrown before a byte leaves, in order. */
  readonly sendFaults: (GatewayError | undefined)[] = [];
  readonly opened: number[] = [];
  readonly forgotten: string[] = [];
  /** Where each enquiry was told to stay, and where the record is found. */
  readonly stays: (string | undefined)[] = [];
  place = (_stay: string | undefined): string => 'epa-as-1';
  /** Key sets that token issuers answer, by address; what is not there cannot be reached. */
  readonly tokenKeys = new Map<string, object>();
  readonly tokenKeysAsked: string[] = [];
  readonly fetchTokenKeys = async ({ url }: { url: string }) => {
    this.tokenKeysAsked.push(url);
    const keys = this.tokenKeys.get(url);
    if (keys === undefined) throw new GatewayError('TOKEN_KEYS_UNREACHABLE', 'away');
    return Buffer.from(JSON.stringify(keys));
  };
  readonly settled = async () => {};
  readonly recordSystems = () => [];
  /** No Konnektor to look at: cards are what `ports.cards` says. */
  readonly konnektors: KonnektorParts = noKonnektors();
  readonly listen = () => {};
  readonly #now: () => number;
  #session: OpenSession | undefined;

  #written = Promise.withResolvers<void>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Resolves with the next write that has arrived, before it is answered. */
  writing(): Promise<void> {
    return this.#written.promise;
  }

  readonly ports: OuterPorts<OpenSession> = {
    cards: {
      signerFor: async (diga) => ({
        telematikId: diga.telematikId,
        iccsn: '80276883110000000001',
        certificateDer: new Uint8Array(),
        sign: async () => new Uint8Array(64),
      }),
    },
    locator: {
      locate: async (_kvnr, _key, stay) => {
        this.stays.push(stay);
        const fault = this.locateFaults.shift();
        if (fault !== undefined) throw fault;
        return this.place(stay);
      },
      forget: (lookupKey) => {
        this.forgotten.push(lookupKey);
      },
    },
    sessions: {
      acquire: async (o) => {
        const fault = this.sessionFaults.shift();
        if (fault !== undefined) throw fault;
        const known = this.#session;
        if (known !== undefined && (o.freshAfter === undefined || known.openedAt > o.freshAfter)) return known;
        const openedAt = Math.max(this.#now(), (o.freshAfter ?? 0) + 1);
        this.opened.push(openedAt);
        this.#session = { recordSystem: o.recordSystem, telematikId: o.diga.telematikId, openedAt, release() {} };
        return this.#session;
      },
    },
    write: async (session, order) => {
      const fault = this.sendFaults.shift();
      if (fault !== undefined) throw fault;
      await order.beforeFirstByte();
      const parts: Uint8Array[] = [];
      for await (const chunk of order.content.chunks()) parts.push(chunk);
      const write = { order, session, content: Buffer.concat(parts) };
      this.writes.push(write);
      this.#written.resolve();
      this.#written = Promise.withResolvers();
      return (await this.answers.shift()?.(write)) ?? { kind: 'stored' };
    },
  };
}

function noKonnektors(): KonnektorParts {
  const away = async () => {
    throw new GatewayError('KONNEKTOR_UNREACHABLE', 'there is no Konnektor in this test');
  };
  return {
    clients: [],
    health: new KonnektorHealth(() => () => {}),
    smcb: {
      certificateOf: away,
      atCard: (_iccsn, work) => work(),
      silence: () => undefined,
      probe: () => {},
      lookAnew: () => {},
      inUse: () => undefined,
      queueLength: () => 0,
    },
    desk: {
      find: async () => undefined,
      pin: away,
      enter: away,
      requireUsable: away,
      judge: away,
      ocsp: away,
      testSignature: away,
    },
    onTrouble: () => {},
  };
}
