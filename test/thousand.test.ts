// A thousand exports at once: unbroken chains in the order of acceptance (EXP-07), superseding that never loses the newest
// (D3), and insured who have not approved without cost for those who have (D11). The figures are printed.
import { afterEach, describe, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { byClients } from './support/clients.ts';
import { findsIn } from './support/marks.ts';
import { type ExportView, exportBody, type StoredDocument, TestWorld } from './support/world.ts';

const CLIENTS = 8;
const INSURED = 10;
const SERIES = ['main', 'diary'];
const VERSIONS = 50;
const LIMIT_MS = 240_000;
const SYSTEMS = ['epa-as-1', 'epa-as-2'] as const;

type Listed = ExportView & { reference: string; series: string };
/** One chain: whose, and its exports in the order of their acceptance. */
type Chain = { kvnr: string; series: string; exports: Listed[] };

let world: TestWorld;
let people: string[] = [];
afterEach(async () => {
  // Through all of this, nothing of anybody is kept or logged in the clear (SEC-07, SEC-10).
  const finds = findsIn(world, people);
  await world.stop();
  expect(finds).toEqual([]);
});

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

/** D19's limit is for a client that has lost its way, not for these. */
async function start(count: number, entitled: (index: number) => boolean = () => true): Promise<string[]> {
  world = await TestWorld.start({ settings: (given) => ({ ...given, limits: { requestsPerSecond: 100_000 } }) });
  people = await byClients(CLIENTS, numbers(count), (n) =>
    world.newInsured(30_000 + n, n % 2 === 0 ? 'epa-as-1' : 'epa-as-2', entitled(n)),
  );
  return people;
}

/** Every export, in the order of acceptance. */
async function accepted(): Promise<Listed[]> {
  const all: Listed[] = [];
  for (let after = ''; ; ) {
    const answer = await world.call('GET', `/v1/exports?limit=200${after}`);
    const { exports, next } = answer.json() as { exports: Listed[]; next: string | null };
    all.push(...exports);
    if (next === null) return all.reverse();
    after = `&after=${next}`;
  }
}

/** `count` versions of every series, posted by all clients at once: each takes the next, whosever it is. */
async function post(insured: readonly string[], queue: 'all' | 'latest', count: number, from = 0): Promise<void> {
  const work = numbers(count).flatMap((version) =>
    insured.flatMap((kvnr, index) => SERIES.map((series) => ({ kvnr, index, series, version: from + version }))),
  );
  await byClients(CLIENTS, work, async ({ kvnr, index, series, version }) => {
    const document = demoDocument(kvnr, version * SERIES.length + SERIES.indexOf(series), new Date());
    await world.post(exportBody(kvnr, document, { series, queue, reference: `insured-${index}` }));
  });
  await world.gateway.idle();
}

async function chains(insured: readonly string[]): Promise<Chain[]> {
  const all = await accepted();
  return insured.flatMap((kvnr, index) =>
    SERIES.map((series) => ({
      kvnr,
      series,
      exports: all.filter((one) => one.reference === `insured-${index}` && one.series === series),
    })),
  );
}

/** The chain of the record that ends with this document, the oldest first. */
function chainTo(record: readonly StoredDocument[], newest: string): StoredDocument[] {
  const chain: StoredDocument[] = [];
  for (let at: string | null = newest; at !== null; at = chain[0]?.replaces ?? null) {
    const found = record.find((one) => one.entryUuid === at);
    if (found === undefined) throw new Error('the chain of the record is broken');
    chain.unshift(found);
  }
  return chain;
}

/** Logins by record system, as the gateway counts them; the simulator's count stands beside them. */
async function logins(): Promise<number[]> {
  const { body } = await world.call('GET', '/metrics', { admin: true });
  return SYSTEMS.map((id) =>
    Number(body.match(new RegExp(`^epa_logins_total\\{.*"${id}".*\\} (\\d+)`, 'm'))?.[1] ?? 0),
  );
}

function print(what: string, began: number, more = ''): void {
  const {
    ExternalAuthenticate,
    'vau.handshake': handshakes,
    send_authcode_sc,
    'ITI-41': writes,
  } = world.sim.operations();
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const counts = `${ExternalAuthenticate} card signatures, ${send_authcode_sc} logins, ${handshakes} handshakes, ${writes} ITI-41`;
  process.stdout.write(`${what}: ${seconds} s, ${counts}${more}\n`);
}

const count = (statuses: readonly string[]) =>
  [...new Set(statuses)].map((status) => `${statuses.filter((one) => one === status).length} ${status}`).join(', ');

describe('1,000 exports over 20 series, posted by 8 clients at once (EXP-07)', () => {
  test('with queue "all" become 20 unbroken chains of 50 in the order of their acceptance', {
    timeout: LIMIT_MS,
  }, async () => {
    const insured = await start(INSURED);
    const began = performance.now();
    await post(insured, 'all', VERSIONS);
    print('queue all', began);

    expect(world.sim.operations()['ITI-41']).toBe(INSURED * SERIES.length * VERSIONS);
    for (const { kvnr, exports } of await chains(insured)) {
      expect(exports.map((one) => [one.status, one.attempts])).toEqual(exports.map(() => ['written', 1]));
      expect(exports.map((one) => one.document.version)).toEqual(numbers(VERSIONS).map((n) => n + 1));
      const uuids = exports.map((one) => one.document.entryUuid);
      expect(exports.map((one) => one.document.replaces)).toEqual([null, ...uuids.slice(0, -1)]);

      const whole = chainTo(await world.documents(kvnr, true), uuids.at(-1) ?? '');
      expect(whole.map((one) => one.entryUuid)).toEqual(uuids);
      expect(whole.map((one) => one.sha256)).toEqual(exports.map((one) => one.document.sha256));
      expect(whole.map((one) => one.status)).toEqual([...Array(VERSIONS - 1).fill('Deprecated'), 'Approved']);
      const kept = new Set((await world.documents(kvnr)).map((one) => one.entryUuid));
      expect(uuids.filter((uuid) => kept.has(uuid))).toEqual(uuids.slice(-11));
    }
    for (const kvnr of insured) {
      const record = await world.documents(kvnr, true);
      expect(record).toHaveLength(SERIES.length * VERSIONS);
      expect(new Set(record.map((one) => one.sha256)).size).toBe(record.length);
    }
  });

  test('with "latest" end with the newest in the record, and nobody waits behind a refused one', {
    timeout: LIMIT_MS,
  }, async () => {
    const insured = await start(INSURED);
    const began = performance.now();
    // The first write of four insured is refused for good, another's twice; the second half meets nothing.
    for (const [index, times] of [1, 1, 1, 1, 2].entries())
      await world.control('POST', '/sim/faults', {
        at: 'xds.iti41',
        kind: 'registry-error',
        times,
        match: { kvnr: insured[index * 2] },
        params: { code: 'XDSRepositoryMetadataError' },
      });
    await post(insured, 'latest', VERSIONS / 2);
    expect(await world.control('GET', '/sim/faults')).toEqual([]);
    await post(insured, 'latest', VERSIONS / 2, VERSIONS / 2);
    const all = await chains(insured);
    const statuses = all.flatMap((chain) => chain.exports.map((one) => one.status));
    print('queue latest', began, `; ${count(statuses)}`);

    expect(statuses).toHaveLength(1000);
    expect(statuses.filter((status) => status === 'refused')).toHaveLength(6);
    expect(statuses.filter((status) => !['written', 'superseded', 'refused'].includes(status))).toEqual([]);
    // Otherwise nothing here would have been superseded and the test would say nothing.
    expect(statuses.filter((status) => status === 'superseded').length).toBeGreaterThan(100);
    for (const { kvnr, exports } of all) {
      const written = exports.filter((one) => one.status === 'written');
      expect(written.at(-1)?.id).toBe(exports.at(-1)?.id);
      const uuids = written.map((one) => one.document.entryUuid);
      const whole = chainTo(await world.documents(kvnr, true), uuids.at(-1) ?? '');
      expect(whole.map((one) => one.entryUuid)).toEqual(uuids);
      expect(whole.at(-1)).toMatchObject({ status: 'Approved', sha256: exports.at(-1)?.document.sha256 });
      expect(written.map((one) => one.document.version)).toEqual(written.map((_, n) => n + 1));
      for (const one of exports.filter((two) => two.status === 'superseded')) {
        expect(one).toMatchObject({ attempts: 0, reason: { code: 'SUPERSEDED' } });
        expect(exports.indexOf(one)).toBeLessThan(exports.findIndex((two) => two.id === one.reason?.export));
      }
    }
    const documents = await Promise.all(insured.map((kvnr) => world.documents(kvnr, true)));
    expect(documents.flat()).toHaveLength(statuses.filter((status) => status === 'written').length);
  });
});

describe.each([
  ['new-session', 1000],
  ['at-once', 200],
] as const)('three of ten insured have not approved; sessions see an approval %s; %i exports', (seen, exports) => {
  test('2 extra logins per record system at most, the others undisturbed, all written in the end', {
    timeout: LIMIT_MS,
  }, async () => {
    const isLate = (n: number) => n % 10 < 3;
    const insured = await start(exports, (n) => !isLate(n));
    world.sim.world.choices.newEntitlement = seen;
    const began = performance.now();
    const posted = await byClients(CLIENTS, insured, (kvnr) =>
      world.post(exportBody(kvnr, demoDocument(kvnr, 1, new Date()))),
    );
    await world.gateway.idle();
    const first = await byClients(CLIENTS, posted, ({ id }) => world.get(id));
    print(`${seen}, first`, began, `; ${count(first.map((one) => one.status))}`);
    for (const [n, view] of first.entries()) {
      if (isLate(n))
        expect(view).toMatchObject({ status: 'waiting', reason: { code: 'RECORD_NOT_ENTITLED', who: 'insured' } });
      else {
        expect(view).toMatchObject({ status: 'written', attempts: 1, reason: null });
        expect(view.timeline.map((one) => one.step)).toEqual(first[3]?.timeline.map((one) => one.step));
      }
    }

    const late = insured.flatMap((kvnr, n) => (isLate(n) ? [{ kvnr, id: posted[n]?.id ?? '' }] : []));
    expect(late).toHaveLength(exports * 0.3);
    const entitled = [world.sim.ready.telematikId];
    await byClients(CLIENTS, late, ({ kvnr }) => world.control('PUT', `/sim/records/${kvnr}`, { entitled }));
    await byClients(CLIENTS, late, async ({ id }) => {
      expect((await world.call('POST', `/v1/exports/${id}/retry`)).status).toBe(202);
    });
    await world.gateway.idle();
    const last = await byClients(CLIENTS, posted, ({ id }) => world.get(id));
    const counted = await logins();
    print(
      `${seen}, after approval`,
      began,
      `; ${count(last.map((one) => one.status))}; logins ${counted.join(' and ')}`,
    );
    expect(last.filter((one) => one.status !== 'written')).toEqual([]);
    for (const [n, kvnr] of insured.entries())
      expect((await world.documents(kvnr)).map((one) => one.entryUuid)).toEqual([last[n]?.document.entryUuid]);
    // One login each costs any export at all; the rest is what the 300 cost.
    expect(counted.every((one) => one >= 1 && one <= 3)).toBe(true);
    expect(world.sim.operations().send_authcode_sc).toBe(counted.reduce((sum, one) => sum + one, 0));
  });
});
