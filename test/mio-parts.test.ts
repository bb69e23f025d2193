// D4, D5: entries that do not fit one document are parts in the record, each replaced by itself: a day later only the part that
// changed goes over the wire, and the record holds every value once. Against the simulated record system.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportBody, TestWorld } from './support/world.ts';

const LIMIT = 40_000;
let world: TestWorld;
let kvnr: string;
beforeAll(async () => {
  world = await TestWorld.start({ settings: (settings) => ({ ...settings, limits: { documentBytes: LIMIT } }) });
  kvnr = await world.newInsured(51, 'epa-as-1');
});
afterAll(() => world.stop());

const DAYS = ['09-01', '09-02', '09-03', '09-04', '09-05', '10-01', '10-02', '10-03', '10-04'];
const entriesOf = (days: readonly string[]) =>
  days.map((day) => ({
    kind: 'bodyWeight',
    id: day,
    at: `2026-${day}T07:30:00+02:00`,
    value: 72.5,
    unit: 'kg',
  }));
type Written = {
  status: string;
  documents: { part: string | null; status: string; version: number; entryUuid: string }[];
};
const send = async (days: readonly string[]): Promise<Written> => {
  const body = { ...exportBody(kvnr, Buffer.from('')), content: { mode: 'simple', entries: entriesOf(days) } };
  return (await world.write(body)) as unknown as Written;
};
type Stored = { entryUuid: string; status: string; replaces: string | null; bytes: number };
const control = (path: string) => fetch(`${world.sim.ready.control}/sim/records/${kvnr}/documents${path}`);
const inRecord = async () => (await (await control('')).json()) as Stored[];
const approved = async () => (await inRecord()).filter((one) => one.status === 'Approved');
/** Every day that an approved document tells of. */
const daysInRecord = async () => {
  const texts = await Promise.all((await approved()).map(async (one) => (await control(`/${one.entryUuid}`)).text()));
  return texts
    .flatMap((text) => [...text.matchAll(/<effectiveDateTime value="2026-(\d\d-\d\d)/g)].map(([, day]) => day))
    .sort();
};

test('two exports of parts: the second sends only the newest, and the record holds every value once', async () => {
  const first = await send(DAYS);
  expect(first.documents.map((one) => [one.part, one.status, one.version])).toEqual([
    [null, 'written', 1],
    ['2026-10-01', 'written', 1],
  ]);
  for (const { bytes } of await inRecord()) expect(bytes).toBeLessThanOrEqual(LIMIT);
  expect(await daysInRecord()).toEqual(DAYS);

  const writes = world.sim.operations()['ITI-41'] ?? 0;
  const second = await send([...DAYS, '10-05']);
  expect(second.status).toBe('written');
  expect((world.sim.operations()['ITI-41'] ?? 0) - writes).toBe(1);
  expect(second.documents.map((one) => [one.part, one.status, one.version])).toEqual([
    [null, 'unchanged', 1],
    ['2026-10-01', 'written', 2],
  ]);
  expect(second.documents[0]?.entryUuid).toBe(first.documents[0]?.entryUuid);
  const stored = await inRecord();
  expect(stored.map((one) => one.status).sort()).toEqual(['Approved', 'Approved', 'Deprecated']);
  expect(stored.at(-1)?.replaces).toBe(first.documents[1]?.entryUuid);
  expect(await daysInRecord()).toEqual([...DAYS, '10-05']);
});

test('a value that moves from one month to another is in the record once', async () => {
  const moved = [...DAYS.filter((day) => day !== '09-05'), '10-05', '10-06'];
  expect((await send(moved)).status).toBe('written');
  expect(await daysInRecord()).toEqual(moved);
});
