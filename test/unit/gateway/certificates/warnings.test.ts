// Levels of warning (CRT-02, CRT-03): once each, daily in the last fortnight, by the end that the certificate itself names.
import { describe, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import type { Alarm, AlarmCause } from '../../../../gateway/alarms/alarms.ts';
import type { InventoryEntry } from '../../../../gateway/certificates/entry.ts';
import { dueWarnings, stageOf, tellWarnings } from '../../../../gateway/certificates/warnings.ts';
import { alarmSettings } from '../../../support/alarm-bench.ts';

const DAY = 86_400_000;
const SMCB = [180, 90, 60, 30, 14, 3];
const OTHER = [60, 30, 14, 3];
const now = Date.parse('2026-12-01T12:00:00Z');
const root = mintRoot('A root');
const certificateTo = (end: number) =>
  mintLeaf(root, { commonName: 'x', notBefore: new Date(now - DAY), notAfter: new Date(end) }).certificate;

test('over the last 200 days of an SMC-B each level comes at its day, then every day, then the end', () => {
  const said: [number, string][] = [];
  let before: string | undefined;
  for (let left = 200; left >= -2; left--) {
    const stage = stageOf(left, SMCB, 14);
    if (stage !== undefined && stage !== before) said.push([left, stage]);
    before = stage;
  }
  expect(said).toEqual([
    [180, 'level 180'],
    [90, 'level 90'],
    [60, 'level 60'],
    [30, 'level 30'],
    ...Array.from({ length: 15 }, (_, n): [number, string] => [14 - n, `day ${14 - n}`]),
    [-1, 'ended'],
  ]);
});

test.each([
  ['181 days', 181, SMCB, undefined],
  ['180 days', 180, SMCB, 'level 180'],
  ['91 days', 91, SMCB, 'level 180'],
  ['61 days of another', 61, OTHER, undefined],
  ['60 days of another', 60, OTHER, 'level 60'],
  ['levels in any order', 100, [3, 180, 30], 'level 180'],
])('%s', (_what, left, levels, stage) => expect(stageOf(left, levels, 14)).toBe(stage));

test('without daily warnings the last levels are levels', () => {
  expect([14, 4, 3, 0, -1].map((left) => stageOf(left, SMCB, -1))).toEqual([
    'level 14',
    'level 14',
    'level 3',
    'level 3',
    'ended',
  ]);
});

const levels = alarmSettings();
const due = (entries: InventoryEntry[], at = now, inUse: (diga: string) => string | undefined = () => undefined) =>
  dueWarnings(entries, { levels, now: at, inUse });
const smcb = (iccsn: string, end: number, use: InventoryEntry['use'] = 'smcb-aut'): InventoryEntry => ({
  use,
  holder: 'demo',
  diga: 'demo',
  iccsn,
  konnektor: 'k1',
  certificate: certificateTo(end),
  seenAt: now,
});

describe('what is warned of', () => {
  test('a card once for its three certificates, by the one that ends first', () => {
    const card = [
      smcb('1', now + 100 * DAY),
      smcb('1', now + 80 * DAY, 'smcb-enc'),
      smcb('1', now + 100 * DAY, 'smcb-osig'),
    ];
    expect(due(card).due).toMatchObject([
      { key: 'certificate.smcb.1', code: 'CERTIFICATE_EXPIRES', stage: 'level 90', details: { daysLeft: 80 } },
    ]);
  });
  test('others by their own levels, also where only their end is reported', () => {
    const end = new Date(now + 50 * DAY);
    const terminal: InventoryEntry = {
      use: 'terminal-card',
      holder: 'k1/CT1',
      reported: { notAfter: end, serialNumber: '1', commonName: 'x' },
      seenAt: now,
    };
    const vau: InventoryEntry = {
      use: 'vau',
      holder: 'epa-as-1',
      certificate: certificateTo(now + 100 * DAY),
      seenAt: now,
    };
    expect(due([terminal, vau]).due).toMatchObject([{ key: 'certificate.terminal-card.k1/CT1', stage: 'level 60' }]);
  });
  test('one that has ended by another code', () => {
    expect(due([smcb('1', now - DAY)]).due).toMatchObject([{ code: 'CERTIFICATE_EXPIRED', stage: 'ended' }]);
  });
  test('nothing that was never seen', () => {
    expect(due([{ use: 'vau', holder: 'epa-as-1', seenAt: null, why: 'NOT_CONNECTED_YET' }])).toMatchObject({
      due: [],
      seen: new Set(),
    });
  });
  test('not the old card once its DiGA signs with the new one (KON-09)', () => {
    const both = [smcb('old', now + 2 * DAY), smcb('new', now + 1800 * DAY)];
    expect(due(both, now, () => 'old').due).toMatchObject([{ key: 'certificate.smcb.old' }]);
    const { due: after, seen } = due(both, now, () => 'new');
    expect(after).toEqual([]);
    expect(seen.has('certificate.smcb.old')).toBe(true);
  });
  test.each<[string, InventoryEntry]>([
    ['a reserve at another Konnektor that ends first (KON-11)', { ...smcb('reserve', now + 2 * DAY), konnektor: 'k2' }],
    ['a follow-up card that ends later than the one in use', smcb('reserve', now + 3 * DAY)],
  ])('also %s', (_what, reserve) => {
    const inUse = smcb('used', reserve.konnektor === 'k2' ? now + 1800 * DAY : now + 2 * DAY);
    const keys = due([inUse, reserve], now, () => 'used').due.map(({ key }) => key);
    expect(keys).toContain('certificate.smcb.reserve');
  });
  test('nor is one silent while the card in use cannot be seen', () => {
    expect(due([smcb('old', now + 2 * DAY)], now, () => 'new').due).toHaveLength(1);
  });
  test('no organisation, no name of a certificate stands in it', () => {
    expect(JSON.stringify(due([smcb('1', now + DAY)]).due)).not.toContain('TEST-ONLY');
  });
});

describe('telling', () => {
  const bell = (open: Pick<Alarm, 'key' | 'details'>[]) => {
    const said: string[] = [];
    return {
      said,
      open: () => open as Alarm[],
      raise: async ({ key, stage }: AlarmCause) => void said.push(`raise ${key} ${stage}`),
      clear: async (key: string) => void said.push(`clear ${key}`),
    };
  };
  const end = new Date(now + 20 * DAY).toISOString();
  test('a renewed certificate ends the alarm of the one before', async () => {
    const alarms = bell([{ key: 'certificate.vau.a', details: { end } }]);
    await tellWarnings(
      alarms,
      due([{ use: 'vau', holder: 'a', certificate: certificateTo(now + 900 * DAY), seenAt: now }]),
    );
    expect(alarms.said).toEqual(['clear certificate.vau.a']);
  });
  test('one renewed for a short time only is another alarm', async () => {
    const alarms = bell([{ key: 'certificate.vau.a', details: { end } }]);
    await tellWarnings(
      alarms,
      due([{ use: 'vau', holder: 'a', certificate: certificateTo(now + 40 * DAY), seenAt: now }]),
    );
    expect(alarms.said).toEqual(['clear certificate.vau.a', 'raise certificate.vau.a level 60']);
  });
  test('one that is not in sight after a restart keeps its alarm, and so does what is not ours', async () => {
    const alarms = bell([
      { key: 'certificate.vau.a', details: { end } },
      { key: 'card.1.pin', details: {} },
    ]);
    await tellWarnings(alarms, due([{ use: 'vau', holder: 'a', seenAt: null, why: 'NOT_CONNECTED_YET' }]));
    expect(alarms.said).toEqual([]);
  });

  const telling = async (key: string, entries: InventoryEntry[]) => {
    const alarms = bell([{ key, details: { end } }]);
    await tellWarnings(alarms, due(entries));
    return alarms.said;
  };
  const away = { use: 'smcb-aut' as const, holder: 'demo', diga: 'demo', seenAt: null, why: 'KONNEKTOR_UNREACHABLE' };
  test.each<[string, string, InventoryEntry[]]>([
    ['a card that was taken out', 'certificate.smcb.old', [smcb('new', now + 900 * DAY)]],
    [
      'a card that was taken out, beside one that cannot be read',
      'certificate.smcb.old',
      [{ ...away, iccsn: 'new', konnektor: 'k1', why: 'SMCB_ACCESS_FAILED' }],
    ],
    [
      'a card that was taken out where the Konnektor reports nothing',
      'certificate.smcb.old',
      [smcb('new', now + 900 * DAY), { ...away, use: 'konnektor-card', holder: 'k1', konnektor: 'k1' }],
    ],
    ['a client that is not in the settings any more', 'certificate.backend-client.gone', []],
    ['a Konnektor that is not in the settings any more', 'certificate.konnektor-card.gone', []],
    [
      'a listener without TLS now',
      'certificate.own-server.admin',
      [{ use: 'own-server', holder: 'admin', seenAt: null, why: 'NO_TLS' }],
    ],
  ])('%s has no alarm any more', async (_what, key, entries) =>
    expect(await telling(key, entries)).toEqual([`clear ${key}`]),
  );
  test.each<[string, string, InventoryEntry[]]>([
    ['a card while its Konnektor does not tell', 'certificate.smcb.old', [{ ...away, konnektor: 'k1' }]],
    [
      'a card while another Konnektor does not tell, and what was seen there before is shown',
      'certificate.smcb.old',
      [smcb('a', now + 900 * DAY), { ...smcb('b', now + 900 * DAY), konnektor: 'k2', why: 'KONNEKTOR_BUSY' }],
    ],
    ['a card that is there and cannot be read', 'certificate.smcb.old', [{ ...away, iccsn: 'old', konnektor: 'k1' }]],
    ["a Konnektor's own while it does not answer", 'certificate.konnektor-card.k1', [{ ...away, konnektor: 'k1' }]],
    [
      'a terminal that is not reported',
      'certificate.terminal-card.k1/CT1',
      [{ use: 'terminal-card', holder: 'k1', konnektor: 'k1', seenAt: null, why: 'NOT_REPORTED' }],
    ],
    [
      'a file that cannot be read',
      'certificate.own-server.listen',
      [{ use: 'own-server', holder: 'listen', seenAt: null, why: 'UNREADABLE' }],
    ],
  ])('%s keeps its alarm', async (_what, key, entries) => expect(await telling(key, entries)).toEqual([]));
});
