// Waits for a final state: each way to end, nothing left behind, and no end missed between asking and waiting.
import { beforeEach, expect, test } from 'vitest';
import { createFinalWaits, type FinalWaits } from '../../../../gateway/exports/final-waits.ts';

let fires: Set<() => void>;
let waits: FinalWaits;
beforeEach(() => {
  fires = new Set();
  waits = createFinalWaits((_ms, fire) => {
    fires.add(fire);
    return () => fires.delete(fire);
  });
});

const open = async () => false;
const until = (id: string, gone = new AbortController().signal, isFinal = open) =>
  waits.until(id, { ms: 1000, gone, isFinal });

test('the end of one export ends its waits and no other', async () => {
  const both = [until('a'), until('a')];
  const other = until('b');
  waits.ended('a');
  await Promise.all(both);
  expect(waits.size).toBe(1);
  for (const fire of fires) fire();
  await other;
  expect([waits.size, fires.size]).toEqual([0, 0]);
});

test('a client that goes away waits no longer, one that is gone does not begin', async () => {
  const gone = new AbortController();
  const waiting = until('a', gone.signal);
  gone.abort();
  await waiting;
  await until('a', gone.signal);
  expect([waits.size, fires.size]).toEqual([0, 0]);
});

test('an export that is final already is not waited for', async () => {
  await until('a', undefined, async () => true);
  expect([waits.size, fires.size]).toEqual([0, 0]);
});

test('an end while the state is being read is not missed', async () => {
  await until('a', undefined, async () => {
    waits.ended('a');
    return false;
  });
  expect(waits.size).toBe(0);
});

test('a fault of the store leaves no wait behind', async () => {
  const fault = until('a', undefined, async () => {
    throw new Error('store');
  });
  await expect(fault).rejects.toThrow('store');
  expect([waits.size, fires.size]).toEqual([0, 0]);
});

test('stopping ends every wait, and later ones at once', async () => {
  const both = [until('a'), until('b')];
  waits.stop();
  await Promise.all(both);
  await until('c');
  expect(waits.size).toBe(0);
});
