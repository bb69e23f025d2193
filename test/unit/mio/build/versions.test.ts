// mio/build/versions.ts: what counts as another document, and which version and time every resource has then.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyedDigest } from '../../../../mio/build/canonical.ts';
import type { PartMemory, Section } from '../../../../mio/build/draft.ts';
import { type Content, nextDocument, type VersionOptions } from '../../../../mio/build/versions.ts';
import type { Resource } from '../../../../mio/model.ts';
import { CoreTables } from '../../../../mio/tables.ts';

const { shapes } = new CoreTables();
const digest = keyedDigest(Buffer.alloc(32, 1));
const PERIOD = { start: '2025-01-01T00:00:00+01:00', end: '2025-01-31T23:59:59+01:00' };

const uuid = (n: number) => `00000000-0000-5000-8000-${String(n).padStart(12, '0')}`;
const instant = (n: number) => `2025-02-01T00:00:${String(n).padStart(2, '0')}Z`;
const goal = (n: number, text: string): Resource => ({ resourceType: 'Goal', id: uuid(n), description: { text } });
const inSection = (resource: Resource, section: Section | undefined = 'ziele'): Content => ({ resource, section });

function next(contents: Content[], given: Partial<VersionOptions> = {}) {
  const options = { part: { period: PERIOD }, bundleId: uuid(900), now: instant(1), shapes, digest };
  return nextDocument({ contents, ...options, ...given });
}
const versionsOf = (memory: PartMemory) => Object.values(memory.resources).map((one) => one.version);

test('the first document and everything in it has version 1 and the time of now', () => {
  const { memory, unchanged } = next([inSection(goal(1, 'a')), inSection(goal(2, 'b'))]);
  expect(unchanged).toBe(false);
  expect(memory).toMatchObject({ version: 1, bundleId: uuid(900), timestamp: instant(1), period: PERIOD });
  expect(memory.resources[uuid(1)]).toMatchObject({ version: 1, lastUpdated: instant(1) });
});

test('a changed resource rises, its neighbour keeps version and time', () => {
  const first = next([inSection(goal(1, 'a')), inSection(goal(2, 'b'))]);
  const second = next([inSection(goal(1, 'a')), inSection(goal(2, 'c'))], { memory: first.memory, now: instant(2) });
  expect(second.unchanged).toBe(false);
  expect(second.memory).toMatchObject({ version: 2, timestamp: instant(2) });
  expect(second.memory.resources[uuid(1)]).toEqual(first.memory.resources[uuid(1)]);
  expect(second.memory.resources[uuid(2)]).toMatchObject({ version: 2, lastUpdated: instant(2) });
});

const two = [inSection(goal(1, 'a')), inSection(goal(2, 'b'))];
test.each<[string, Content[], Partial<VersionOptions>]>([
  ['time and id', two, { now: instant(9), bundleId: uuid(901) }],
  ['the order of resources', [...two].reverse(), {}],
  ['the end of the Betrachtungszeitraum', two, { part: { period: { ...PERIOD, end: '2025-02-28' } } }],
  [
    'versionId and lastUpdated that the caller stamps',
    two.map(({ resource, section }) => ({ section, resource: { ...resource, meta: { versionId: '7' } } })),
    {},
  ],
])('%s do not make another document: what was remembered comes back as it is', (_, contents, given) => {
  const memory = next(two.map((one) => ({ ...one, resource: { ...one.resource, meta: {} } }))).memory;
  const given2 = contents.map((one) => ({ ...one, resource: { meta: {}, ...one.resource } as Resource }));
  const again = next(given2, { memory, now: instant(5), ...given });
  expect(again.unchanged).toBe(true);
  expect(again.memory).toBe(memory);
});

test.each<[string, Content[], Partial<VersionOptions>]>([
  ['a resource more', [...two, inSection(goal(3, 'c'))], {}],
  ['a resource less', two.slice(1), {}],
  ['another section', two.map((one, at) => (at === 0 ? { ...one, section: 'probleme' } : one)), {}],
  ['no section any more', two.map((one, at) => (at === 0 ? { ...one, section: undefined } : one)), {}],
  ['another start', two, { part: { period: { ...PERIOD, start: '2025-01-02' } } }],
  ['another key', two, { digest: keyedDigest(Buffer.alloc(32, 2)) }],
])('%s makes another document', (_, contents, given) => {
  const { memory } = next(two);
  const again = next(contents, { memory, now: instant(5), ...given });
  expect(again.unchanged).toBe(false);
  expect(again.memory.version).toBe(2);
});

test('a resource that comes from another part keeps the version and time it has there', () => {
  const before = next([inSection(goal(1, 'a'))]).memory;
  const changed = next([inSection(goal(1, 'b'))], { memory: before, now: instant(2) }).memory;
  const moved = next([inSection(goal(1, 'b'))], { elsewhere: [before, changed], now: instant(3) });
  expect(moved.memory.resources[uuid(1)]).toEqual(changed.resources[uuid(1)]);
  const back = next([inSection(goal(1, 'a'))], { elsewhere: [before, changed], now: instant(3) });
  expect(back.memory.resources[uuid(1)]).toMatchObject({ version: 3, lastUpdated: instant(3) });
});

test('a part that is behind takes over the version of the others, and rises above them with a content of its own', () => {
  const behind = next([inSection(goal(1, 'a'))]).memory;
  const ahead = next([inSection(goal(1, 'b'))], { memory: behind, now: instant(2) }).memory;
  const options = { memory: behind, elsewhere: [ahead], now: instant(3) };
  expect(next([inSection(goal(1, 'b'))], options).memory.resources[uuid(1)]).toEqual(ahead.resources[uuid(1)]);
  expect(versionsOf(next([inSection(goal(1, 'c'))], options).memory)).toEqual([3]);
  expect(next([inSection(goal(1, 'a'))], options).unchanged).toBe(true);
});

test('versions of a part are monotone, whatever happens to its resources and in the other parts', () => {
  const content = fc.uniqueArray(fc.tuple(fc.nat(4), fc.constantFrom('a', 'b', 'c')), { selector: ([n]) => n });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1), content), { maxLength: 12 }), (steps) => {
      const parts: (PartMemory | undefined)[] = [undefined, undefined];
      steps.forEach(([part, resources], step) => {
        const memory = parts[part];
        const elsewhere = parts.filter((one, at) => at !== part && one !== undefined) as PartMemory[];
        const contents = resources.map(([n, text]) => inSection(goal(n, text)));
        const { memory: after, unchanged } = next(contents, { memory, elsewhere, now: instant(step) });
        expect(after.version).toBe((memory?.version ?? 0) + (unchanged ? 0 : 1));
        for (const [id, one] of Object.entries(after.resources)) {
          const before = memory?.resources[id];
          if (before?.digest === one.digest) expect(one).toEqual(before);
          else expect(one.version).toBeGreaterThan(before?.version ?? 0);
        }
        parts[part] = after;
      });
    }),
    { numRuns: 300 },
  );
});
