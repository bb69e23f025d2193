// Outages at Konnektor, terminal and card under load (KON-05, KON-11, MON-04): each is healed without a restart of the gateway, nothing is
// lost or doubled, and each within the time that docs/operations.md says. Every export signs on by itself, so each needs the card.
import { afterEach, describe, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { byClients } from './support/clients.ts';
import { exportBody, TestWorld } from './support/world.ts';

const SYSTEMS = ['epa-as-1', 'epa-as-2'] as const;
const OPERATIONS = ['GetCards', 'GetCardTerminals', 'GetResourceInformation', 'GetPinStatus', 'ExternalAuthenticate'];

let world: TestWorld;
afterEach(() => world.stop());

type SimCard = { iccsn: string; cardType: string; ctId: string; konnektor?: string };
type DigaCard = { diga: string; konnektor: string | null; code: string | null };

const smcb = async () =>
  (await world.control<SimCard[]>('GET', '/sim/cards')).find(({ cardType }) => cardType === 'SMC-B') ??
  expect.unreachable('no SMC-B');
const ofCard = async (change: object) => world.control('PATCH', `/sim/cards/${(await smcb()).iccsn}`, change);
const hang = async (konnektor: string) => {
  for (const operation of OPERATIONS)
    await world.control('POST', '/sim/faults', { at: `konnektor.${operation}`, kind: 'hang', match: { konnektor } });
};
const digaCard = async () =>
  ((await world.call('GET', '/admin/v1/cards', { admin: true })).json() as { digas: DigaCard[] }).digas[0];

class Load {
  readonly #people: string[];
  readonly ids: string[] = [];
  #next = 0;

  constructor(people: string[]) {
    this.#people = people;
  }

  static async of(size: number): Promise<Load> {
    const people = Array.from({ length: size }, (_, n) =>
      world.newInsured(80_000 + n, SYSTEMS[n % SYSTEMS.length] ?? 'epa-as-1'),
    );
    return new Load(await Promise.all(people));
  }

  /** So many exports more, four at a time, each a first document of its series. */
  async post(count: number): Promise<string[]> {
    const from = this.#next;
    this.#next += count;
    const orders = Array.from({ length: count }, (_, n) => from + n);
    const ids = await byClients(4, orders, async (n) => {
      const kvnr = this.#people[n % this.#people.length] ?? '';
      const document = demoDocument(kvnr, 1, new Date(Date.now() - n * 1000));
      return (await world.post(exportBody(kvnr, document, { series: `s${n}` }))).id;
    });
    this.ids.push(...ids);
    return ids;
  }

  async written(ids: readonly string[] = this.ids): Promise<void> {
    await Promise.all(ids.map((id) => world.settled(id, new Set(['written']))));
  }

  /** Each document lies in its record once. */
  async whole(): Promise<void> {
    const documents = (await Promise.all(this.#people.map((kvnr) => world.documents(kvnr, true)))).flat();
    expect(documents).toHaveLength(this.ids.length);
    expect(new Set(documents.map(({ sha256 }) => sha256)).size).toBe(this.ids.length);
  }
}

async function start(scenario: object = {}): Promise<void> {
  world = await TestWorld.start({
    scenario,
    settings: (s) => ({ ...s, session: { reuse: false }, limits: { requestsPerSecond: 10_000 } }),
  });
}

const tell = (what: string, ms: number, limitSeconds: number) => {
  process.stdout.write(`${what}: ${(ms / 1000).toFixed(1)} s (at most ${limitSeconds} s)\n`);
  expect(ms).toBeLessThanOrEqual(limitSeconds * 1000);
};

type Outage = {
  name: string;
  /** The code of the alarm. */
  code: string;
  breaks: () => Promise<unknown>;
  heals: () => Promise<unknown>;
  /** From the repair until everything that waited is written (docs/operations.md). */
  seconds: number;
};

const OUTAGES: Outage[] = [
  {
    name: 'the card is pulled and inserted again',
    code: 'SMCB_NOT_FOUND',
    breaks: () => ofCard({ inserted: false }),
    heals: () => ofCard({ inserted: true, pinStatus: 'VERIFIED' }),
    seconds: 60,
  },
  {
    name: 'the terminal is unplugged',
    code: 'TERMINAL_OFFLINE',
    breaks: async () => world.control('PATCH', `/sim/terminals/${(await smcb()).ctId}`, { connected: false }),
    heals: async () => {
      await world.control('PATCH', `/sim/terminals/${(await smcb()).ctId}`, { connected: true });
      await ofCard({ pinStatus: 'VERIFIED' });
    },
    seconds: 60,
  },
  {
    name: 'the Konnektor restarts, and an operator verifies the PIN',
    code: 'SMCB_PIN_NOT_VERIFIED',
    breaks: () => world.control('PATCH', '/sim/konnektors/k1', { restart: true }),
    heals: async () => {
      const asked = await world.call('POST', `/admin/v1/cards/${(await smcb()).iccsn}/pin/verify`, { admin: true });
      expect(asked.status).toBe(202);
    },
    seconds: 60,
  },
  {
    name: 'the Konnektor hangs',
    code: 'KONNEKTOR_UNREACHABLE',
    breaks: () => hang('k1'),
    heals: () => world.control('DELETE', '/sim/faults'),
    seconds: 60,
  },
];

describe('at the only Konnektor (KON-05, MON-04)', () => {
  test.each(OUTAGES)('$name', { timeout: 180_000 }, async ({ name, code, breaks, heals, seconds }) => {
    await start();
    const load = await Load.of(4);
    await load.written(await load.post(4));
    const line = world.logs.length;
    const running = load.post(8);
    const broken = performance.now();
    await breaks();
    for (let from = line; ; ) {
      const alarm = await world.logged('alarm', from);
      if (alarm.fields.code === code) break;
      from = world.logs.indexOf(alarm) + 1;
    }
    const alarmMs = performance.now() - broken;
    await running;
    expect(await digaCard()).toMatchObject({ code });
    await load.post(4);
    const repaired = performance.now();
    await heals();
    await load.written();
    tell(`${name}: alarm after ${(alarmMs / 1000).toFixed(1)} s, all written`, performance.now() - repaired, seconds);
    await load.whole();
    expect(await digaCard()).toMatchObject({ code: null, konnektor: 'k1' });
  });
});

test('the certificate of the Konnektor is replaced by another of its CA: nobody notices', {
  timeout: 120_000,
}, async () => {
  await start();
  const load = await Load.of(4);
  await load.written(await load.post(4));
  const line = world.logs.length;
  const running = load.post(8);
  const replaced = performance.now();
  await world.control('PATCH', '/sim/konnektors/k1', { renewCertificate: true });
  await running;
  await load.post(4);
  await load.written();
  tell('the certificate of the Konnektor is replaced: all written', performance.now() - replaced, 60);
  await load.whole();
  expect(world.logs.slice(line).filter(({ event }) => event === 'alarm')).toEqual([]);
});

test('metrics name Konnektor, card, PIN and queue as they were last seen, and nobody (MON-02, KON-13)', async () => {
  await start();
  await world.call('GET', '/admin/v1/cards?fresh=true', { admin: true });
  const load = await Load.of(1);
  await load.written(await load.post(1));
  const { iccsn } = await smcb();
  const lines = async () =>
    (await world.call('GET', '/metrics', { admin: true })).body
      .split('\n')
      .filter((line) => /^epa_(konnektor_up|card_(present|pin_state|queue_length))\{/.test(line));
  const at = `konnektor="k1",iccsn="${iccsn}"`;
  expect((await lines()).sort()).toEqual([
    `epa_card_pin_state{${at},state="verified"} 1`,
    `epa_card_present{${at}} 1`,
    `epa_card_queue_length{${at}} 0`,
    'epa_konnektor_up{konnektor="k1"} 1',
  ]);
  const took = (await world.call('GET', '/metrics', { admin: true })).body;
  expect(took).toMatch(new RegExp(`epa_card_call_seconds_count\\{iccsn="${iccsn}"\\} [1-9]`));
  await world.control('PATCH', '/sim/konnektors/k1', { running: false });
  await world.call('GET', '/admin/v1/konnektors?fresh=true', { admin: true });
  expect(await lines()).toContain('epa_konnektor_up{konnektor="k1"} 0');
  expect(await lines()).toContain(`epa_card_present{${at}} 0`);
});

describe('one of two Konnektors (KON-11)', () => {
  test.each([
    ['is killed', 60, () => world.control('PATCH', '/sim/konnektors/k1', { running: false })],
    ['hangs', 60, () => hang('k1')],
  ] as const)(
    '%s: the other one signs within a minute, and the preferred one again when it is well',
    {
      timeout: 240_000,
    },
    async (what, seconds, breaks) => {
      await start({ konnektors: [{ id: 'k2' }] });
      const load = await Load.of(4);
      await load.written(await load.post(4));
      expect(await digaCard()).toMatchObject({ konnektor: 'k1', code: null });
      const running = load.post(8);
      const broken = performance.now();
      await breaks();
      await running;
      await load.post(4);
      await load.written();
      tell(`one of two Konnektors ${what}: all written over the other one`, performance.now() - broken, seconds);
      expect(await digaCard()).toMatchObject({ konnektor: 'k2', code: null });

      const line = world.logs.length;
      const repaired = performance.now();
      await world.control('DELETE', '/sim/faults');
      await world.control('PATCH', '/sim/konnektors/k1', { running: true });
      await ofCard({ pinStatus: 'VERIFIED' });
      const back = await world.logged('card usable', line);
      expect(back.fields).toMatchObject({ konnektor: 'k1' });
      tell(`one of two Konnektors ${what}: back at the preferred one`, performance.now() - repaired, 60);
      await load.post(4);
      await load.written();
      await load.whole();
    },
  );
});
