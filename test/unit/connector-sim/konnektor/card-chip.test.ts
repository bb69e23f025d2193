// A card that signs slowly (D23 signDelayMs): one command at a time, and no signature of a card that is gone by then (4045).
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { workOfChip } from '../../../../connector-sim/konnektor/card-chip.ts';
import {
  restartKonnektor,
  setConnected,
  setInserted,
  setPinStatus,
} from '../../../../connector-sim/konnektor/cards.ts';
import { addCard } from '../../../../connector-sim/konnektor/inventory.ts';
import type { SimCard } from '../../../../connector-sim/konnektor/model.ts';
import { findText, type KonnektorBench, startKonnektorBench } from '../../../support/konnektor-bench.ts';
import { messageOf } from '../../../support/konnektor-messages.ts';

let bench: KonnektorBench;
beforeEach(async () => {
  bench = await startKonnektorBench();
});
afterEach(() => bench.stop());

const konnektor = () => bench.world.konnektor;
const smcb = (): SimCard => {
  const found = konnektor().cards.get(bench.pki.smcb.iccsn);
  if (found === undefined) throw new Error('no SMC-B');
  return found;
};
const now = () => bench.world.now();
const plug = (inserted: boolean) => setInserted(konnektor(), smcb(), inserted, now());
const connect = (connected: boolean) => {
  const terminal = konnektor().terminals.get(smcb().ctId);
  if (terminal !== undefined) setConnected(konnektor(), terminal, connected, now());
};
const sign = () => bench.call('ExternalAuthenticate', messageOf(bench, 'ExternalAuthenticate'));
/** What happens when the chip begins to work on the next command, which takes it a moment. */
function whenItWorks(happens: () => void): void {
  Object.defineProperty(smcb(), 'signDelayMs', {
    configurable: true,
    get() {
      Object.defineProperty(smcb(), 'signDelayMs', { value: 1, writable: true, configurable: true });
      queueMicrotask(happens);
      return 1;
    },
  });
}

describe('while it signs', () => {
  test.each<[string, () => void, number | null]>([
    ['nothing happens', () => {}, null],
    ['it is pulled', () => plug(false), 4045],
    [
      'it is pulled and plugged again, its PIN verified',
      () => {
        plug(false);
        plug(true);
        setPinStatus(konnektor(), smcb(), 'VERIFIED');
      },
      4045,
    ],
    ['its terminal is unplugged', () => connect(false), 4045],
    ['its Konnektor starts anew', () => restartKonnektor(konnektor(), now()), 4045],
    ['a wrong PIN has been entered', () => setPinStatus(konnektor(), smcb(), 'VERIFIABLE'), 4085],
    [
      'another card is plugged',
      () => addCard(konnektor(), { cardType: 'EGK' }, { pki: bench.pki, now: now(), random: Math.random }),
      null,
    ],
  ])('%s', async (_what, happens, code) => {
    whenItWorks(happens);
    const answer = await sign();
    expect(answer.code).toBe(code);
    expect(findText(answer.soap.body, 'Base64Signature') !== undefined).toBe(code === null);
  });
});

describe('one command at a time', () => {
  /** Work that ends by hand. */
  const workByHand = () => {
    const begun: (() => void)[] = [];
    const work = () => new Promise<void>((resolve) => begun.push(resolve));
    return { begun, work };
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  test('five at once are worked on one after the other, in their order', async () => {
    smcb().signDelayMs = 1;
    const { begun, work } = workByHand();
    const done: number[] = [];
    const all = [0, 1, 2, 3, 4].map((n) => workOfChip(konnektor(), smcb(), work).then(() => done.push(n)));
    for (let n = 0; n < 5; n += 1) {
      await turn();
      expect([begun.length, done.length]).toEqual([n + 1, n]);
      begun[n]?.();
    }
    await Promise.all(all);
    expect(done).toEqual([0, 1, 2, 3, 4]);
  });

  test('two cards work side by side', async () => {
    const other = addCard(
      konnektor(),
      { cardType: 'SMC-B', telematikId: '9-X', signDelayMs: 1 },
      { pki: bench.pki, now: now(), random: Math.random },
    );
    smcb().signDelayMs = 1;
    const { begun, work } = workByHand();
    const both = [smcb(), other].map((card) => workOfChip(konnektor(), card, work));
    await turn();
    expect(begun).toHaveLength(2);
    for (const end of begun) end();
    await Promise.all(both);
  });

  test('pulled, it answers none of those that wait, without working on them; plugged again it works', async () => {
    smcb().signDelayMs = 1;
    const { begun, work } = workByHand();
    const all = [0, 1, 2].map(() => workOfChip(konnektor(), smcb(), work));
    const ended = Promise.allSettled(all);
    await turn();
    plug(false);
    plug(true);
    begun[0]?.();
    expect((await ended).map((one) => one.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(begun).toHaveLength(1);
    const again = workOfChip(konnektor(), smcb(), work);
    await turn();
    begun[1]?.();
    await again;
  });
});
