// Several Konnektors in one simulator (KON-11; api.md section 4): each with an address, terminal, cards, handles and sessions
// of its own; switched off, on and restarted; nothing of one is known to the other.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../../../connector-sim/main.ts';
import { DEMO_TELEMATIK_ID } from '../../../../connector-sim/world.ts';
import { readEnvelope } from '../../../../wire/soap.ts';
import { clientTlsOptions } from '../../../../wire/tls.ts';
import { context, find, findText } from '../../../support/konnektor-bench.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ seed: 1, pinEntryMs: 0 });
});
afterAll(() => simulator.stop());
beforeEach(async () => {
  await ask('POST', '/sim/reset', {});
});

type Konnektor = {
  id: string;
  url: string;
  running: boolean;
  profile: string;
  terminals: string[];
  cards: string[];
  access: { url: string; caFile: string; clientCertificate: string; clientKey: string; serverName: string };
  operations: Record<string, number>;
};

async function ask<T = Konnektor>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown) {
  const answer = await request(`${simulator.ready.control}${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, json: (text === '' ? null : JSON.parse(text)) as T };
}

const NS = 'http://ws.gematik.de/conn';
/** One call as its `access` describes, on a connection of its own; the answer's body element. */
async function call({ access, profile }: Konnektor, service: 'EventService' | 'CardService', op: string, more = '') {
  const read = (file: string) => readFileSync(file, 'utf8');
  const dispatcher = new Agent({
    connect: clientTlsOptions({
      ca: read(access.caFile),
      cert: read(access.clientCertificate),
      key: read(access.clientKey),
      servername: access.serverName,
    }),
  });
  const ns = service === 'EventService' ? `${NS}/EventService/v7.2` : `${NS}/CardService/v8.1`;
  const body =
    `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="${ns}" xmlns:CONN="${NS}/ConnectorCommon/v5.0"` +
    ` xmlns:CCTX="${NS}/ConnectorContext/v2.0" xmlns:CARDCMN="${NS}/CardServiceCommon/v2.0"><s:Body>` +
    `<m:${op}>${context()}${more}</m:${op}></s:Body></s:Envelope>`;
  try {
    expect(profile).toBe('secunet');
    const answer = await request(`${access.url}/ws/${service}`, {
      dispatcher,
      method: 'POST',
      headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: `"${ns}#${op}"` },
      body,
    });
    const soap = readEnvelope(await answer.body.text());
    return { soap, code: findText(soap.fault?.detail[0], 'Code') ?? null };
  } finally {
    await dispatcher.destroy();
  }
}

const cardsOf = async (konnektor: Konnektor) => {
  const { soap } = await call(konnektor, 'EventService', 'GetCards');
  const cards = find(soap.body, 'Cards')?.children ?? [];
  return cards.map((card) => ({ iccsn: findText(card, 'Iccsn'), handle: findText(card, 'CardHandle') ?? '' }));
};
const first = async () => (await ask<Konnektor[]>('GET', '/sim/konnektors')).json[0] as Konnektor;
/** Both as secunet, so that the paths are known. */
async function two() {
  await ask('PATCH', '/sim/konnektors/k1', { profile: 'secunet' });
  const { json } = await ask('POST', '/sim/konnektors', { profile: 'secunet' });
  return [await first(), json] as const;
}

describe('one more Konnektor', () => {
  test('stands on a port of its own with another SMC-B of the same Telematik-ID', async () => {
    const [k1, k2] = await two();
    expect(k2).toMatchObject({ id: 'k2', running: true, profile: 'secunet' });
    expect(k2.url).not.toBe(k1.url);
    expect(k2.access.url).toBe(k2.url);
    expect(k2.terminals).not.toEqual(k1.terminals);
    const [seen1, seen2] = [await cardsOf(k1), await cardsOf(k2)];
    expect(seen1.map((card) => card.iccsn).toSorted()).toEqual(k1.cards.toSorted());
    expect(seen2.map((card) => card.iccsn).toSorted()).toEqual(k2.cards.toSorted());
    const holders = [...simulator.world.konnektors.values()].map((k) => [...k.cards.values()][0]);
    expect(holders.map((card) => card?.telematikId)).toEqual([DEMO_TELEMATIK_ID, DEMO_TELEMATIK_ID]);
    expect(holders[0]?.iccsn).not.toBe(holders[1]?.iccsn);
  });

  test('GET /sim/settings names both for the DiGA whose card they hold', async () => {
    await two();
    const { konnektors, digas } = simulator.settings();
    expect(konnektors.map((one) => one.id)).toEqual(['k1', 'k2']);
    expect(digas.map((one) => one.konnektors)).toEqual([['k1', 'k2']]);
  });

  test('one that holds no card of the DiGA is not named for it', async () => {
    await ask('POST', '/sim/konnektors', { cards: [{ telematikId: '9-OTHER', organization: 'Other GmbH' }] });
    expect(simulator.settings().digas[0]?.konnektors).toEqual(['k1']);
  });

  test('does not know the handles of the other', async () => {
    const [k1, k2] = await two();
    const smcb = simulator.world.konnektor.cards.get(simulator.world.pki.smcb.iccsn)?.cardHandle;
    const asked = (k: Konnektor) =>
      call(
        k,
        'CardService',
        'GetPinStatus',
        `<CONN:CardHandle>${smcb}</CONN:CardHandle><CARDCMN:PinTyp>PIN.SMC</CARDCMN:PinTyp>`,
      );
    expect((await asked(k1)).code).toBeNull();
    expect((await asked(k2)).code).toBe('4101');
  });

  test('a card of the second is changed through the same calls, and the first one is not', async () => {
    const [, k2] = await two();
    const iccsn = k2.cards[0] ?? '';
    const lost = await ask<{ pinStatus: string; konnektor: string }>('PATCH', `/sim/cards/${iccsn}`, {
      pinStatus: 'VERIFIABLE',
    });
    expect(lost.json).toMatchObject({ konnektor: 'k2', pinStatus: 'VERIFIABLE' });
    expect(simulator.world.konnektor.cards.get(simulator.world.pki.smcb.iccsn)?.verifiedFor.size).toBe(1);
    const ctId = k2.terminals[0] ?? '';
    expect((await ask('PATCH', `/sim/terminals/${ctId}`, { connected: false })).json).toMatchObject({
      konnektor: 'k2',
      connected: false,
    });
    expect((await cardsOf(k2)).length).toBe(0);
  });

  test('counts and journal say whom a call was sent to', async () => {
    const [k1, k2] = await two();
    const before = (await first()).operations.GetCards ?? 0;
    await cardsOf(k2);
    expect((await first()).operations.GetCards ?? 0).toBe(before);
    await cardsOf(k1);
    expect((await first()).operations.GetCards).toBe(before + 1);
    expect(simulator.journal.entries({ service: 'konnektor' }).map((e) => e.konnektor)).toEqual(['k2', 'k1']);
  });

  test('a fault narrowed to it leaves the other alone', async () => {
    const [k1, k2] = await two();
    simulator.faults.add({ at: 'konnektor.GetCards', kind: 'soap-fault', match: { konnektor: 'k2' } });
    expect((await call(k1, 'EventService', 'GetCards')).code).toBeNull();
    expect((await call(k2, 'EventService', 'GetCards')).code).toBe('4001');
  });

  test('is gone after DELETE and after a reset; its port answers nobody', async () => {
    const [, k2] = await two();
    expect((await ask('DELETE', '/sim/konnektors/k2')).status).toBe(204);
    await expect(cardsOf(k2)).rejects.toThrow();
    const { json: again } = await ask('POST', '/sim/konnektors', { id: 'other', profile: 'secunet' });
    await ask('POST', '/sim/reset', {});
    expect((await ask<Konnektor[]>('GET', '/sim/konnektors')).json.map((one) => one.id)).toEqual(['k1']);
    await expect(cardsOf(again)).rejects.toThrow();
  });
});

describe('off, on, restarted', () => {
  test('switched off it refuses connections, the other goes on', async () => {
    const [k1, k2] = await two();
    expect((await ask('PATCH', '/sim/konnektors/k1', { running: false })).json.running).toBe(false);
    await expect(cardsOf(k1)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect((await cardsOf(k2)).length).toBe(2);
  });

  test('on again on the same port, with new handles and no PIN verified', async () => {
    const [k1] = await two();
    const before = await cardsOf(k1);
    await ask('PATCH', '/sim/konnektors/k1', { running: false });
    const back = (await ask('PATCH', '/sim/konnektors/k1', { running: true })).json;
    expect(back).toMatchObject({ running: true, url: k1.url });
    const after = await cardsOf(k1);
    expect(after.map((card) => card.iccsn)).toEqual(before.map((card) => card.iccsn));
    for (const { handle } of before) expect(after.map((card) => card.handle)).not.toContain(handle);
    expect(simulator.world.konnektor.cards.get(simulator.world.pki.smcb.iccsn)?.verifiedFor.size).toBe(0);
  });

  test('a restart ends connections, tells who listens, and changes nothing of the other', async () => {
    const [k1, k2] = await two();
    const [before1, before2] = [await cardsOf(k1), await cardsOf(k2)];
    const started: string[] = [];
    simulator.konnektors.onStart((konnektor) => started.push(konnektor.id));
    await ask('PATCH', '/sim/konnektors/k2', { restart: true });
    expect(started).toEqual(['k2']);
    expect(await cardsOf(k1)).toEqual(before1);
    expect(await cardsOf(k2)).not.toEqual(before2);
  });

  test('a reset switches on again what was off', async () => {
    await two();
    await ask('PATCH', '/sim/konnektors/k1', { running: false });
    await ask('POST', '/sim/reset', {});
    await ask('PATCH', '/sim/konnektors/k1', { profile: 'secunet' });
    expect((await cardsOf(await first())).length).toBe(2);
  });
});

describe('refused', () => {
  test.each([
    ['POST', '/sim/konnektors', { id: 'k1' }, 409],
    ['POST', '/sim/konnektors', { id: 'K 1' }, 422],
    ['POST', '/sim/konnektors', { profile: 'acme' }, 422],
    ['POST', '/sim/konnektors', { cards: [] }, 422],
    ['POST', '/sim/konnektors', { ports: 1 }, 422],
    ['PATCH', '/sim/konnektors/k9', { running: false }, 404],
    ['PATCH', '/sim/konnektors/k1', { running: 'no' }, 422],
    ['PATCH', '/sim/konnektors/k1', { restart: false }, 422],
    ['PATCH', '/sim/konnektors/k1', { manners: { faultStatus: 204 } }, 422],
    ['PATCH', '/sim/konnektors/k1', { manners: { vendorTrace: 4000 } }, 422],
    ['POST', '/sim/konnektors', { manners: { colour: 'red' } }, 422],
    ['PATCH', '/sim/konnektors/k1', { running: true, restart: true }, 422],
    ['DELETE', '/sim/konnektors/k1', undefined, 409],
    ['DELETE', '/sim/konnektors/k9', undefined, 404],
  ] as const)('%s %s %j is %i', async (method, path, body, status) => {
    expect((await ask(method, path, body)).status).toBe(status);
  });
});

test('a scenario has Konnektors, and they come back with the same cards after a reset', async () => {
  const scenario = 'konnektor: secunet\nkonnektors: [{ id: site-b, profile: secunet }]';
  await ask('POST', '/sim/reset', { scenario });
  const cards = async () => (await ask<Konnektor[]>('GET', '/sim/konnektors')).json.map((k) => [k.id, k.cards]);
  const before = await cards();
  expect(before.map(([id]) => id)).toEqual(['k1', 'site-b']);
  await ask('POST', '/sim/reset', {});
  expect(await cards()).toEqual(before);
  const twice = { scenario: 'konnektors: [{ id: k1 }]' };
  expect((await ask('POST', '/sim/reset', twice)).status).toBe(422);
  await ask('POST', '/sim/reset', { scenario: 'konnektors: []' });
  expect((await cards()).map(([id]) => id)).toEqual(['k1']);
});
