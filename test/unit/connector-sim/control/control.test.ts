// The control API of api.md section 4: what each call shows and changes.
import { beforeEach, describe, expect, test } from 'vitest';
import { CALLS } from '../../../../connector-sim/control/page.ts';
import { isKvnr } from '../../../../connector-sim/kvnr.ts';
import { sha256Hex } from '../../../../connector-sim/records.ts';
import { DEMO_TELEMATIK_ID } from '../../../../connector-sim/world.ts';
import { type ControlBench, createControlBench } from '../../../support/control-bench.ts';

const NEW_KVNR = 'X110411675';

let bench: ControlBench;
beforeEach(() => {
  bench = createControlBench();
});

const first = () => bench.world.insured[0] ?? '';

describe('records', () => {
  test('a new one is created, an existing one changed member by member', async () => {
    const created = await bench.ask('PUT', `/sim/records/${NEW_KVNR}`, { recordSystem: 'epa-as-2' });
    expect([created.status, created.json]).toEqual([
      201,
      {
        kvnr: NEW_KVNR,
        recordSystem: 'epa-as-2',
        status: 'ACTIVATED',
        entitled: [],
        hidden: false,
        keepIds: true,
        documents: [],
        trimmed: [],
      },
    ]);
    const changed = await bench.ask('PUT', `/sim/records/${NEW_KVNR}`, { entitled: [DEMO_TELEMATIK_ID] });
    expect([changed.status, changed.json]).toMatchObject([
      200,
      { recordSystem: 'epa-as-2', entitled: [DEMO_TELEMATIK_ID] },
    ]);
    const suspended = await bench.ask('PUT', `/sim/records/${NEW_KVNR}`, { status: 'SUSPENDED' });
    expect(suspended.json).toMatchObject({ status: 'SUSPENDED', entitled: [DEMO_TELEMATIK_ID] });
  });

  const store = () => {
    const record = bench.world.records.get(first());
    if (record === undefined) throw new Error('no first insured');
    const one = (entryUuid: string, replaces: string | null, status: 'Approved' | 'Deprecated') => ({
      entryUuid,
      uniqueId: `2.25.${entryUuid.length}`,
      status,
      replaces,
      bytes: Buffer.from(entryUuid),
      sha256: sha256Hex(Buffer.from(entryUuid)),
      mimeType: 'application/pdf',
      classCode: 'c',
      typeCode: 't',
      formatCode: 'f',
      title: 'T',
      telematikId: DEMO_TELEMATIK_ID,
      receivedAt: '2026-01-31T00:00:00.000Z',
    });
    record.documents.push(one('urn:uuid:a', null, 'Deprecated'), one('urn:uuid:b', 'urn:uuid:a', 'Approved'));
    record.trimmed.push({ ...one('urn:uuid:0', null, 'Deprecated'), bytes: 10 });
    return record;
  };

  test('documents are listed oldest first, trimmed ones only when asked for', async () => {
    store();
    const list = (await bench.ask('GET', `/sim/records/${first()}/documents`)).json;
    const all = (await bench.ask('GET', `/sim/records/${first()}/documents?trimmed=true`)).json;
    expect(list.map((d: { entryUuid: string }) => d.entryUuid)).toEqual(['urn:uuid:a', 'urn:uuid:b']);
    expect(all.map((d: { entryUuid: string }) => d.entryUuid)).toEqual(['urn:uuid:0', 'urn:uuid:a', 'urn:uuid:b']);
    expect(list[1]).toEqual({
      entryUuid: 'urn:uuid:b',
      uniqueId: '2.25.10',
      status: 'Approved',
      replaces: 'urn:uuid:a',
      bytes: 10,
      sha256: sha256Hex(Buffer.from('urn:uuid:b')),
      mimeType: 'application/pdf',
      classCode: 'c',
      typeCode: 't',
      formatCode: 'f',
      title: 'T',
      telematikId: DEMO_TELEMATIK_ID,
      receivedAt: '2026-01-31T00:00:00.000Z',
    });
  });

  test('one document gives its bytes, is deleted, and is gone', async () => {
    store();
    const path = `/sim/records/${first()}/documents/urn%3Auuid%3Ab`;
    const got = await bench.ask('GET', path);
    expect([got.type, got.json]).toEqual(['application/pdf', 'urn:uuid:b']);
    expect((await bench.ask('DELETE', path)).status).toBe(204);
    expect((await bench.refusal('GET', path)).status).toBe(404);
  });

  test('a move keeps the entryUUIDs, or makes new ones and keeps the chain', async () => {
    const record = store();
    await bench.ask('PUT', `/sim/records/${first()}`, { recordSystem: 'epa-as-2' });
    expect(record.documents.map((d) => d.entryUuid)).toEqual(['urn:uuid:a', 'urn:uuid:b']);
    await bench.ask('PUT', `/sim/records/${first()}`, { recordSystem: 'epa-as-1', keepIds: false });
    expect(record.documents[0]?.entryUuid).toMatch(/^urn:uuid:[0-9a-f-]{36}$/);
    expect(record.documents[1]?.replaces).toBe(record.documents[0]?.entryUuid);
  });
});

describe('cards and terminals', () => {
  const card = async () => (await bench.ask('GET', '/sim/cards')).json[0];

  test('are shown in the shape of the contract', async () => {
    expect(await card()).toEqual({
      konnektor: 'k1',
      iccsn: bench.pki.smcb.iccsn,
      cardType: 'SMC-B',
      telematikId: DEMO_TELEMATIK_ID,
      ctId: 'CT_SIM_0001',
      slotId: 1,
      inserted: true,
      pinStatus: 'VERIFIED',
      leftTries: 3,
      pukTries: 10,
      enteredPin: 'right',
      signDelayMs: 0,
      certificateExpires: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  test('a terminal off and on again costs the PIN session and gives new handles', async () => {
    const handle = () => bench.world.konnektor.cards.get(bench.pki.smcb.iccsn)?.cardHandle;
    const before = handle();
    await bench.ask('PATCH', '/sim/terminals/CT_SIM_0001', { connected: false });
    expect(handle()).toBeNull();
    await bench.ask('PATCH', '/sim/terminals/CT_SIM_0001', { connected: true });
    expect(handle()).not.toBe(before);
    expect(await card()).toMatchObject({ pinStatus: 'VERIFIABLE', leftTries: 3 });
  });

  test('a change of nothing changes nothing', async () => {
    const before = (await bench.ask('GET', '/sim/state')).json;
    expect((await bench.ask('PATCH', '/sim/terminals/CT_SIM_0001', {})).status).toBe(200);
    expect((await bench.ask('PATCH', bench.smcb, {})).status).toBe(200);
    expect((await bench.ask('GET', '/sim/state')).json).toEqual(before);
  });

  test('no tries left is a blocked PIN, and tries given back unblock it', async () => {
    await bench.ask('PATCH', bench.smcb, { leftTries: 0 });
    expect(await card()).toMatchObject({ pinStatus: 'BLOCKED', leftTries: 0 });
    await bench.ask('PATCH', bench.smcb, { leftTries: 1 });
    expect(await card()).toMatchObject({ pinStatus: 'VERIFIABLE', leftTries: 1 });
    await bench.ask('PATCH', bench.smcb, { pinStatus: 'VERIFIED' });
    expect(await card()).toMatchObject({ pinStatus: 'VERIFIED' });
  });

  test('an expired or other certificate is a new one, also one that ends before it would have begun', async () => {
    for (const end of ['2025-06-30T00:00:00.000Z', '2099-01-01T00:00:00.000Z']) {
      await bench.ask('PATCH', bench.smcb, { certificateExpires: end, telematikId: '9-OTHER' });
      const leaf = bench.world.konnektor.cards.get(bench.pki.smcb.iccsn)?.certificates.get('C.AUT')?.certificate;
      expect([leaf?.notAfter.toISOString(), leaf?.admission?.registrationNumber]).toEqual([end, '9-OTHER']);
      expect(leaf !== undefined && leaf.notBefore < leaf.notAfter).toBe(true);
    }
  });

  test('what GET shows can be sent back with one member changed: nothing else changes, no certificate is new', async () => {
    const state = () => [...bench.world.konnektor.cards.values()].map((one) => [one.cardHandle, one.certificates]);
    const before = state();
    for (const shown of (await bench.ask('GET', '/sim/cards')).json) {
      const path = `/sim/cards/${shown.iccsn}`;
      const sent = shown.cardType === 'SMC-B' ? { ...shown, enteredPin: 'none' } : shown;
      const answer = await bench.ask('PATCH', path, sent);
      expect([answer.status, answer.json]).toEqual([200, sent]);
    }
    expect(state()).toEqual(before);
    expect(
      state().every(([handle, certificates], i) => handle === before[i]?.[0] && certificates === before[i]?.[1]),
    ).toBe(true);
  });

  test('a card moved to a free slot is a card inserted anew', async () => {
    await bench.ask('PATCH', bench.smcb, { slotId: 2 });
    expect(await card()).toMatchObject({ slotId: 2, inserted: true, pinStatus: 'VERIFIABLE' });
  });
});

describe('the whole', () => {
  test('settings name gateway and admin on N and N+1, and the demo’s call context', async () => {
    const settings = (await bench.ask('GET', '/sim/settings')).json;
    expect(settings).toMatchObject({
      environment: 'SIM',
      listen: { host: '127.0.0.1', port: 18080 },
      admin: { port: 18081 },
      konnektors: [{ mandant: 'm1', clientSystem: 'c1', workplace: 'w1', serverName: 'konnektor.konlan' }],
      idp: { issuer: bench.idpUrl },
      digas: [{ id: 'demo', telematikId: DEMO_TELEMATIK_ID }],
    });
    expect(settings.listen.tls).toBeUndefined();
    expect((await bench.ask('GET', '/sim/settings?tls=true')).json.listen.tls.certFile).toMatch(/gateway\.pem$/);
  });

  test('the clock goes forward by the calendar and by the hand', async () => {
    expect((await bench.ask('POST', '/sim/clock', { advance: 'P1M' })).json.now).toBe('2026-02-28T00:00:00.000Z');
    expect((await bench.ask('POST', '/sim/clock', { advance: 'P1W2DT3H4M5.5S' })).json.now).toBe(
      '2026-03-09T03:04:05.500Z',
    );
    expect((await bench.ask('POST', '/sim/clock', { now: '2027-01-01T01:00:00+01:00' })).json.now).toBe(
      '2027-01-01T00:00:00.000Z',
    );
    expect((await bench.ask('GET', '/sim/state')).json.now).toBe('2027-01-01T00:00:00.000Z');
  });

  test('a reset undoes everything but time, and the same seed makes the same world', async () => {
    const fresh = (await bench.ask('GET', '/sim/state')).json;
    await bench.ask('PUT', `/sim/records/${NEW_KVNR}`, { recordSystem: 'epa-as-1' });
    await bench.ask('PATCH', bench.smcb, { pinStatus: 'BLOCKED' });
    await bench.ask('POST', '/sim/faults', { at: 'ocsp', kind: 'reset' });
    await bench.ask('POST', '/sim/clock', { advance: 'P1D' });
    bench.journal.count('ITI-41');
    expect((await bench.ask('POST', '/sim/reset')).json).toEqual({ seed: 7, insured: fresh.insured });
    expect((await bench.ask('GET', '/sim/state')).json).toEqual({ ...fresh, now: '2026-02-01T00:00:00.000Z' });
    const other = (await bench.ask('POST', '/sim/reset', { seed: 8 })).json;
    expect(other.insured).not.toEqual(fresh.insured);
    expect(other.insured.every(isKvnr)).toBe(true);
  });

  test('a reset may bring a scenario', async () => {
    const scenario = `seed: 9\ninsured:\n  - kvnr: ${NEW_KVNR}\n    recordSystem: epa-as-2\n    status: SUSPENDED\n`;
    expect((await bench.ask('POST', '/sim/reset', { scenario })).json).toEqual({ seed: 9, insured: [NEW_KVNR] });
    const same = { seed: 9, insured: [{ kvnr: NEW_KVNR, recordSystem: 'epa-as-2', status: 'SUSPENDED' }] };
    expect((await bench.ask('POST', '/sim/reset', { scenario: same })).json).toEqual({ seed: 9, insured: [NEW_KVNR] });
    expect((await bench.ask('GET', `/sim/records/${NEW_KVNR}`)).json).toMatchObject({
      recordSystem: 'epa-as-2',
      status: 'SUSPENDED',
    });
  });

  test('faults, journal and counts come and go', async () => {
    const { id } = (await bench.ask('POST', '/sim/faults', { at: 'xds.iti41', kind: 'drop-response', times: 2 })).json;
    expect((await bench.ask('GET', '/sim/faults')).json).toMatchObject([{ id, struck: 0, times: 2 }]);
    expect((await bench.ask('DELETE', `/sim/faults/${id}`)).status).toBe(204);
    await bench.ask('POST', '/sim/faults', { at: 'ocsp', kind: 'hang' });
    await bench.ask('DELETE', '/sim/faults');
    expect((await bench.ask('GET', '/sim/faults')).json).toEqual([]);
    bench.journal.record(
      'idp',
      { method: 'GET', path: '/a', query: new URLSearchParams(), headers: [], body: Buffer.of() },
      { status: 200, headers: [], body: Buffer.of(), operation: 'discovery' },
    );
    for (const query of ['?after=0&service=idp', '?service=', '?after=&service=', '']) {
      expect((await bench.ask('GET', `/sim/journal${query}`)).json).toMatchObject([{ n: 1, operation: 'discovery' }]);
    }
    expect((await bench.ask('GET', '/sim/journal?service=konnektor')).json).toEqual([]);
    expect((await bench.ask('DELETE', '/sim/journal')).status).toBe(204);
    expect((await bench.ask('GET', '/sim/journal')).json).toEqual([]);
    expect((await bench.ask('GET', '/sim/operations')).json).toEqual({ discovery: 1 });
  });

  test('the page says what this is and names no insured', async () => {
    const page = await bench.ask('GET', '/');
    expect(page.type).toBe('text/html; charset=utf-8');
    expect(page.json).toContain('/sim/settings');
    for (const kvnr of bench.world.insured) expect(page.json).not.toContain(kvnr);
  });

  test('the page says of every call what it does, and of no other', async () => {
    const { json } = await bench.ask('GET', '/');
    const shown = [
      ...String(json).matchAll(/<li><code>([A-Z]+) (?:<a[^>]*>)?(\/[^<]*)(?:<\/a>)?<\/code><span>(.*?)<\/span>/g),
    ];
    expect(shown.map(([, method, path]) => `${method} ${path}`)).toEqual(Object.keys(CALLS));
    expect(shown.filter(([, , , does]) => does === '')).toEqual([]);
  });
});
