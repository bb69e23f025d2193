// Any history of exports against a record that can replace documents and never take one away (D4): nothing is lost, nothing stands
// twice, and what did not change is not touched.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Draft, Part } from '../../../../mio/build/draft.ts';
import type { Chain } from '../../../../mio/split/chains.ts';
import { type Split, splitDrafts } from '../../../../mio/split.ts';
import { BASE, contentOf, draft, idsOf, measure, provenance, support } from './drafts.ts';

const now = '2025-06-01T12:00:00+02:00';
const LIMIT = 300_000;

/** Days of three months around a change of clocks; a few of them often. */
const day = fc.oneof(
  fc.integer({ min: 0, max: 89 }).map((one) => new Date(Date.UTC(2025, 1, 1 + one)).toISOString().slice(0, 10)),
  fc.constantFrom('2025-03-01', '2025-03-31', '2025-03-31T22:30:00Z', '2025', '2025-03'),
);
const entry = fc.record({
  at: fc.option(day, { freq: 8, nil: undefined }),
  bytes: fc.integer({ min: 1000, max: 90_000 }),
  refers: fc.array(fc.constantFrom('patient', 'device', 'medicine', 'c0', 'c1'), { maxLength: 2 }),
});
const provenances = fc.array(
  fc.uniqueArray(
    fc.nat(11).map((n) => `c${n}`),
    { minLength: 1, maxLength: 6 },
  ),
  { maxLength: 2 },
);

/** Each export has some of the same twelve entries. */
const history = fc
  .tuple(fc.array(entry, { minLength: 12, maxLength: 12 }), provenances)
  .chain(([entries, targets]) =>
    fc
      .array(fc.tuple(fc.subarray([...entries.keys()]), fc.nat(6)), { minLength: 1, maxLength: 6 })
      .map((exports) => exports.map(([chosen, stop]) => ({ drafts: draftsOf(chosen, entries, targets), stop }))),
  );

type Entry = { at: string | undefined; bytes: number; refers: string[] };

function draftsOf(chosen: number[], entries: Entry[], targets: string[][]): Draft[] {
  const ids = new Set(chosen.map((n) => `c${n}`));
  return [
    ...BASE,
    support('device', { refers: ['medicine'] }),
    support('medicine'),
    ...chosen.map((n) => {
      const { refers = [], at, bytes } = entries[n] ?? {};
      return draft({ id: `c${n}`, at, bytes, refers: refers.filter((one) => !one.startsWith('c') || ids.has(one)) });
    }),
    ...targets.map((all, n) =>
      provenance(
        `p${n}`,
        all.filter((one) => ids.has(one)),
      ),
    ),
  ];
}

const split = (drafts: Draft[], before: Chain[] = []): Split =>
  splitDrafts(drafts, { limit: LIMIT, measure, now, before });
const contents = (parts: Iterable<Part>) => [...parts].flatMap(contentOf).toSorted();

test('every content stands in exactly one part, every reference leads to something in the same part, every part fits', () => {
  let cut = 0;
  fc.assert(
    fc.property(history, ([first]) => {
      const drafts = first?.drafts ?? [];
      const result = split(drafts);
      const parts = [...result.parts()];
      if (result.count === 0) expect(result.findings.map((one) => one.severity)).toContain('error');
      else expect(contents(parts)).toEqual(contentOf({ drafts }).toSorted());
      if (parts.length > 1) cut += 1;
      for (const part of parts) {
        const ids = idsOf(part);
        expect(new Set(ids).size).toBe(ids.length);
        for (const one of BASE) expect(ids).toContain(one.resource.id);
        for (const match of JSON.stringify(part.drafts).matchAll(/urn:uuid:(\w+)/g)) expect(ids).toContain(match[1]);
        expect(part.drafts.reduce((sum, one) => sum + measure(one), 0)).toBeLessThan(LIMIT);
      }
      const everywhere = new Set(parts.flatMap(idsOf));
      if (parts.length > 0) expect(everywhere.size).toBe(drafts.length);
    }),
    { numRuns: 300 },
  );
  expect(cut).toBeGreaterThan(20);
});

test('the order of the drafts plays no part', () => {
  const shuffled = history.chain(([first]) => {
    const drafts = first?.drafts ?? [];
    return fc.tuple(fc.constant(drafts), fc.shuffledSubarray(drafts, { minLength: drafts.length }));
  });
  fc.assert(
    fc.property(shuffled, ([drafts, other]) => {
      expect([...split(other).parts()]).toEqual([...split(drafts).parts()]);
    }),
    { numRuns: 150 },
  );
});

test('after any history of exports the record has today’s content once, also when exports ended half way', () => {
  let replaced = 0;
  fc.assert(
    fc.property(history, (exports) => {
      const record = new Map<string | null, Part>();
      const chains = (): Chain[] =>
        [...record.values()].map(({ name, stretch, period }) => ({ name, stretch, period }));
      for (const [step, { drafts, stop }] of exports.entries()) {
        const result = split(drafts, chains());
        if (result.count === 0) continue;
        const wanted = contentOf({ drafts });
        const kept = contents(record.values()).filter((one) => wanted.includes(one));
        const complete = stop > 3 || step === exports.length - 1;
        for (const part of [...result.parts()].slice(0, complete ? undefined : stop)) {
          if (record.has(part.name)) replaced += 1;
          record.set(part.name, part);
          expect(contents(record.values())).toEqual(expect.arrayContaining(kept));
        }
        if (complete) expect(contents(record.values())).toEqual(wanted.toSorted());
      }
    }),
    { numRuns: 400 },
  );
  expect(replaced).toBeGreaterThan(100);
});

test('a value more changes the part of its day, and borders in its month only', () => {
  fc.assert(
    fc.property(history, entry, ([first], more) => {
      // What has no date goes to the newest part, wherever that is.
      const drafts = (first?.drafts ?? []).filter((one) => BASE.includes(one) || one.from !== undefined);
      const before = [...split(drafts).parts()];
      if (before.length < 2 || more.at === undefined) return;
      const after = split([...drafts, draft({ id: 'more', at: more.at, bytes: more.bytes })], before);
      for (const part of before) {
        if (part.stretch === undefined || after.count === 0 || sameMonth(part, more.at)) continue;
        const same = [...after.parts()].find((one) => one.name === part.name);
        expect(same?.drafts).toEqual(part.drafts);
        expect(same?.stretch).toEqual(part.stretch);
      }
    }),
    { numRuns: 300 },
  );
});

/** 31 March, 22:30 UTC, is in April; a year is its first day. */
function sameMonth({ stretch }: Part, at: string): boolean {
  const month = at.endsWith('Z') ? '2025-04' : at === '2025' ? '2025-01' : at.slice(0, 7);
  return stretch?.first.startsWith(month) === true;
}
