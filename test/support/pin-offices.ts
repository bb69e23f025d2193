// Gateways that have a PIN entered at one card, each with a desk that says of the card what the test wants.
import { PinOperations } from '../../gateway/cards/pin-operations.ts';
import { GatewayError } from '../../gateway/errors.ts';
import { readAudit } from '../../gateway/exports/audit.ts';
import type { PluggedCard } from '../../gateway/konnektor/card-desk.ts';
import type { PinOutcome } from '../../gateway/konnektor/card-service.ts';
import type { SeenPin } from '../../gateway/konnektor/survey.ts';
import { silentLogger } from '../../gateway/log.ts';
import { TELEMATIK_ID, type TestHouse } from './gateway-fakes.ts';

export const ICCSN = '80276883110000000001';
export const CARD: PluggedCard = {
  ...{ konnektor: 'k1', iccsn: ICCSN, cardType: 'SMC-B', ctId: 'CT1', slotId: 1, cardHandle: 'h1' },
  telematikId: TELEMATIK_ID,
};
const by = { actor: { kind: 'operator' as const, id: 'op' }, requestId: 'r1' };
export const VERIFIABLE: SeenPin = { state: 'verifiable', leftTries: 3, code: null };
export const verify = { kind: 'verify' as const, iccsn: ICCSN, confirm: false, by };
export const outcome = (result: PinOutcome['result'], more: Partial<PinOutcome> = {}): PinOutcome => ({
  ...{ result, leftTries: undefined, warnings: [] },
  ...more,
});

/** A gateway's PIN operations, and the entries that a person has not made yet. */
export function officeOf(
  house: TestHouse,
  o: {
    pin?: SeenPin;
    /** The same card under several Mandanten: the state of its PIN at each. */
    sessions?: Record<string, SeenPin | GatewayError>;
    card?: PluggedCard | undefined;
    holder?: string;
    queue?: Promise<void>;
  } = {},
) {
  const entries: PromiseWithResolvers<PinOutcome>[] = [];
  const prompts: string[] = [];
  const konnektors = Object.keys(o.sessions ?? { k1: VERIFIABLE });
  const prompted: string[] = [];
  const desk = {
    find: async (_iccsn: string, [konnektor = '']: readonly string[]) =>
      'card' in o ? o.card : { ...CARD, konnektor },
    pin: async ({ konnektor }: PluggedCard) => {
      const pin = o.sessions?.[konnektor] ?? o.pin ?? VERIFIABLE;
      if (pin instanceof GatewayError) throw pin;
      return pin;
    },
    enter: (kind: string, { konnektor }: PluggedCard, mayPrompt: () => Promise<void>) => {
      const entry = Promise.withResolvers<PinOutcome>();
      entry.promise.catch(() => {});
      entries.push(entry);
      return (o.queue ?? Promise.resolve()).then(mayPrompt).then(() => {
        prompts.push(kind);
        prompted.push(konnektor);
        return entry.promise;
      });
    },
  };
  const ended: string[] = [];
  const pins = new PinOperations({
    ...{ db: house.db, desk, now: house.clock.now, log: silentLogger, holder: o.holder ?? house.directory },
    digas: [{ id: 'demo', telematikId: TELEMATIK_ID, konnektors }],
    ended: ({ id }) => ended.push(id),
  });
  return { pins, entries, ended, prompts, prompted };
}

/** What the audit trail tells of them. */
export const trailOf = async (house: TestHouse) =>
  (await readAudit(house.db, { after: 0, limit: 100 }))
    .filter(({ action }) => action.startsWith('pin.'))
    .map(({ action, result }) => `${action} ${result}`);
