import { expect, test } from 'vitest';
import { moved } from '../../../../gateway/documents/moved.ts';

test('bytes go as copies that hold nothing else, and stay with who sent them', () => {
  const pool = new Uint8Array(1000).fill(7);
  const view = pool.subarray(10, 13);
  const [value, memory] = moved({ bytes: view, list: [{ memory: view }], name: 'a', none: undefined });
  expect(value).toEqual({ bytes: new Uint8Array([7, 7, 7]), list: [{ memory: new Uint8Array([7, 7, 7]) }], name: 'a' });
  expect(memory.map((one) => one.byteLength)).toEqual([3, 3]);
  const there = structuredClone(value, { transfer: memory });
  expect(there.bytes).toEqual(new Uint8Array([7, 7, 7]));
  expect(view).toEqual(new Uint8Array([7, 7, 7]));
});

test('what is no plain object, and what has no bytes, goes as it is', () => {
  const map = new Map([['a', 1]]);
  const names = ['a', 'b'];
  const [value, memory] = moved({ map, names, nothing: null });
  expect(value.map).toBe(map);
  expect(value.names).toBe(names);
  expect(value.nothing).toBeNull();
  expect(memory).toEqual([]);
});
