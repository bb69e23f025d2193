// mio/build/memory.ts: small, always the same text, and nothing is read that we would not have written.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PartMemory } from '../../../../mio/build/draft.ts';
import { readMemory, writeMemory } from '../../../../mio/build/memory.ts';
import { MioError } from '../../../../mio/error.ts';

const bytesOf = (n: number) => createHash('sha256').update(String(n)).digest();
const uuid = (n: number) =>
  bytesOf(n)
    .toString('hex', 0, 16)
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
const digestOf = (n: number) => bytesOf(n).toString('base64url', 16, 32);
const time = (n: number) => new Date(1_700_000_000_000 + n * 86_400_000).toISOString();

function memoryOf(resources: [id: number, version: number, day: number][], split = true): PartMemory {
  return {
    version: 3,
    bundleId: uuid(1),
    timestamp: time(9),
    period: { start: '2025-03-01T00:00:00+01:00', end: '2025-03-31' },
    ...(split && { stretch: { first: '2025-03-01', last: '2025-03-31' } }),
    digest: digestOf(1),
    resources: Object.fromEntries(
      resources.map(([id, version, day]) => [uuid(id), { version, lastUpdated: time(day), digest: digestOf(id) }]),
    ),
  };
}

test('what is written is read again, and the same memory gives the same text', () => {
  const entry = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 2 ** 40 }), fc.nat(3000));
  fc.assert(
    fc.property(fc.uniqueArray(entry, { maxLength: 20, selector: ([id]) => id }), fc.boolean(), (entries, split) => {
      const memory = memoryOf(entries, split);
      const text = writeMemory(memory);
      expect(readMemory(text)).toEqual(memory);
      expect(writeMemory(memoryOf([...entries].reverse(), split)).length).toBe(text.length);
      expect(writeMemory(readMemory(text))).toBe(text);
    }),
  );
});

test('10,000 resources take less than 47 bytes each', () => {
  const entries = Array.from({ length: 10_000 }, (_, n): [number, number, number] => [n, 1 + (n % 5), n % 60]);
  const text = writeMemory(memoryOf(entries));
  process.stdout.write(`memory of 10,000 resources: ${text.length} bytes\n`);
  expect(text.length).toBeLessThan(470_000);
  expect(Object.keys(readMemory(text).resources)).toHaveLength(10_000);
});

const good = writeMemory(memoryOf([[5, 1, 2]]));
const changed = (members: object) => JSON.stringify({ ...JSON.parse(good), ...members });
const packed = (bytes: Buffer) => changed({ resources: bytes.toString('base64') });
const entry = Buffer.from(JSON.parse(good).resources, 'base64');

test.each<[string, string]>([
  ['no text', ''],
  ['no JSON', good.slice(0, -1)],
  ['no object', '[]'],
  ['white space', `${good} `],
  ['another format', changed({ format: 2 })],
  ['a member too many', changed({ more: 1 })],
  ['a member too few', changed({ digest: undefined })],
  ['version 0', changed({ version: 0 })],
  ['half a version', changed({ version: 1.5 })],
  ['a bundle id that is no UUID', changed({ bundleId: 'x' })],
  ['a timestamp without zone', changed({ timestamp: '2025-01-01T00:00:00' })],
  ['a period without end', changed({ period: { start: '2025-01-01' } })],
  ['a stretch that is no days', changed({ stretch: { first: '2025-03', last: '2025-03' } })],
  ['a short digest', changed({ digest: 'abc' })],
  ['a time nobody has', changed({ times: [time(2), time(3)] })],
  ['no time for an entry', changed({ times: [] })],
  ['an entry cut off', packed(entry.subarray(0, -1))],
  ['a byte too many', packed(Buffer.concat([entry, Buffer.from([0])]))],
  ['an entry twice', packed(Buffer.concat([entry, entry]))],
  ['a number without end', packed(Buffer.concat([entry.subarray(0, -1), Buffer.alloc(9, 0xff)]))],
  ['a number in more bytes than it needs', packed(Buffer.concat([entry.subarray(0, -1), Buffer.from([0x80, 0])]))],
  ['version 0 of an entry', packed(Buffer.concat([entry.subarray(0, 32), Buffer.from([0, 0])]))],
  ['resources that are no base64', changed({ resources: '%' })],
])('is refused: %s', (_, text) => {
  expect(() => readMemory(text)).toThrow(MioError);
  expect(() => readMemory(text)).toThrow(expect.objectContaining({ code: 'MIO_MEMORY_BROKEN' }));
});

test('ids and digests that are none of ours are not written', () => {
  const { resources } = memoryOf([[5, 1, 2]]);
  const one = Object.values(resources)[0];
  if (one === undefined) throw new Error('no resource');
  const memory = memoryOf([]);
  expect(() => writeMemory({ ...memory, resources: { x: one } })).toThrow(MioError);
  expect(() => writeMemory({ ...memory, resources: { [uuid(5)]: { ...one, digest: 'x' } } })).toThrow(MioError);
});
