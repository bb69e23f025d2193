// What a look means for alarms (KON-06, MON-03): they end when a look tells that their cause is gone, never because it could not tell, and
// never by a Konnektor that was not seen, also after a restart.
import { describe, expect, test } from 'vitest';
import { type AlarmPort, type Cause, standing, tellAlarms } from '../../../../gateway/cards/card-alarms.ts';
import type { KonnektorSight } from '../../../../gateway/cards/konnektor-watch.ts';
import { causesAt, chosenAway, untold } from '../../../../gateway/cards/sights.ts';
import type { ErrorCode } from '../../../../gateway/errors.ts';
import type { SeenCard, SeenPin, Survey } from '../../../../gateway/konnektor/survey.ts';

const TELEMATIK_ID = '9-TEST';
const digas = [{ id: 'demo', telematikId: TELEMATIK_ID, konnektors: ['k1', 'k2'] }];
const certificate = { admission: { registrationNumber: TELEMATIK_ID } } as SeenCard['certificate'];
const pin = (state: SeenPin['state']): SeenPin => ({ state, leftTries: null, code: null });
const card = (state: SeenPin['state'], more: Partial<SeenCard> = {}): SeenCard => ({
  ...{ iccsn: '1', cardType: 'SMC-B', cardHandle: 'h', ctId: 'CT1', slotId: 1, insertTime: '', cardHolderName: null },
  ...{ certificate, pin: pin(state), ...more },
});
const terminal = (connected: boolean): Survey['terminals'][number] => ({
  ...{ ctId: 'CT1', name: 'x', slots: 1, isPhysical: true, connected, workplaceIds: [], macAddress: '' },
});
const connector = (online: boolean) => ({ vpnTi: { online }, errorStates: [] }) as unknown as Survey['connector'];
const sight = (survey: Partial<Survey> | undefined, more: Partial<KonnektorSight> = {}): KonnektorSight => ({
  ...{ id: 'k1', answers: true, error: null, since: 0, lookedAt: 0, pulled: [] },
  survey: survey && { connector: connector(true), terminals: [], cards: [], ...survey },
  ...more,
});
const unseen = (id = 'k1') => sight(undefined, { id, answers: false });
const notYet = (id = 'k1') => sight(undefined, { id, answers: null });

/** What is told at each of these looks; `left`: keys that an earlier process left open. */
function told(looks: (KonnektorSight | KonnektorSight[])[], left: string[] = []): string[] {
  const said: string[] = [];
  const open = new Map(left.map((key) => [key, { key, code: codeOf(key), subject: key, diga: 'demo' }]));
  const alarms: AlarmPort = {
    raise: ({ key, code, subject }) => {
      if (!open.has(key)) said.push(`raise ${key} ${code}`);
      open.set(key, { key, code, subject, diga: 'demo' });
    },
    clear: (key) => {
      said.push(`clear ${key}`);
      open.delete(key);
    },
    open: () => [...open.values()],
  };
  let causes: ReadonlyMap<string, Cause> = new Map();
  for (const look of looks) {
    const sights = [look].flat();
    const before = standing(alarms, causes);
    const found = [...untold(sights, before), ...sights.flatMap((one) => causesAt(one, digas))];
    causes = new Map(found.map((cause) => [cause.key, cause]));
    tellAlarms(alarms, before, causes);
  }
  return said;
}
const codeOf = (key: string): ErrorCode =>
  key.startsWith('card.')
    ? 'SMCB_PIN_BLOCKED'
    : key.startsWith('terminal.')
      ? 'TERMINAL_OFFLINE'
      : 'KONNEKTOR_NOT_OPERATIONAL';

describe('an alarm stands while a look could not tell:', () => {
  test.each<[string, KonnektorSight[], string]>([
    [
      'GetPinStatus',
      [sight({ cards: [card('blocked')] }), sight({ cards: [card('unknown')] }), sight({ cards: [card('blocked')] })],
      'raise card.1.pin.k1 SMCB_PIN_BLOCKED',
    ],
    [
      'ReadCardCertificate',
      [sight({ cards: [card('blocked')] }), sight({ cards: [card('blocked', { certificate: undefined })] })],
      'raise card.1.pin.k1 SMCB_PIN_BLOCKED',
    ],
    [
      'GetCardTerminals',
      [sight({ terminals: [terminal(false)] }), sight({ terminalsUntold: true })],
      'raise terminal.k1.CT1 TERMINAL_OFFLINE',
    ],
    [
      'GetResourceInformation',
      [sight({ connector: connector(false) }), sight({ connector: undefined })],
      'raise konnektor.k1 KONNEKTOR_NOT_OPERATIONAL',
    ],
  ])('%s refused', (_what, looks, only) => expect(told(looks)).toEqual([only]));

  test.each<[string, KonnektorSight[], string]>([
    ['verified', [sight({ cards: [card('blocked')] }), sight({ cards: [card('verified')] })], 'card.1.pin.k1'],
    [
      'verified, its certificate unreadable',
      [sight({ cards: [card('blocked')] }), sight({ cards: [card('verified', { certificate: undefined })] })],
      'card.1.pin.k1',
    ],
    ['pulled', [sight({ cards: [card('blocked')] }), sight({})], 'card.1.pin.k1'],
    ['connected', [sight({ terminals: [terminal(false)] }), sight({ terminals: [terminal(true)] })], 'terminal.k1.CT1'],
    ['operational', [sight({ connector: connector(false) }), sight({})], 'konnektor.k1'],
  ])('%s it ends', (_what, looks, key) => expect(told(looks)[1]).toBe(`clear ${key}`));
});

describe('what an earlier process has left open', () => {
  const all = ['card.1.pin.k1', 'terminal.k1.CT1', 'konnektor.k1'];
  test('stands until its Konnektor has answered, however long it is away', () => {
    expect(told([notYet(), notYet()], all)).toEqual([]);
    expect(told([unseen(), unseen()], ['card.1.pin.k1', 'terminal.k1.CT1'])).toEqual([
      'raise konnektor.k1 KONNEKTOR_UNREACHABLE',
    ]);
  });
  test('ends with the first look that does not find it, or that finds it well', () => {
    expect(told([notYet(), sight({ cards: [card('verified')] })], all)).toEqual(all.map((key) => `clear ${key}`));
  });
  test('of a card stands while its Konnektor does not tell, and ends where the card is seen well', () => {
    expect(told([[sight({}), unseen('k2')]], ['card.1.pin.k2'])).toEqual(['raise konnektor.k2 KONNEKTOR_UNREACHABLE']);
    expect(told([[sight({ cards: [card('verified')] }), notYet('k2')]], ['card.1.pin.k2'])).toEqual([
      'clear card.1.pin.k2',
    ]);
  });
  test('of a card at two Konnektors, or of two Mandanten, each has its own', () => {
    const [well, ill] = [sight({ cards: [card('verified')] }), sight({ cards: [card('verifiable')] }, { id: 'k2' })];
    const both = [{ ...ill, id: 'k1' }, ill];
    expect(told([both, [well, ill]])).toEqual([
      'raise card.1.pin.k1 SMCB_PIN_NOT_VERIFIED',
      'raise card.1.pin.k2 SMCB_PIN_NOT_VERIFIED',
      'clear card.1.pin.k1',
    ]);
    // As it was called before each had its own.
    expect(told([[well, ill]], ['card.1.pin'])).toEqual([
      'clear card.1.pin',
      'raise card.1.pin.k2 SMCB_PIN_NOT_VERIFIED',
    ]);
  });
  test('ends at once where its Konnektor is not in the settings any more', () => {
    expect(told([notYet()], ['terminal.gone.CT1', 'konnektor.gone'])).toEqual([
      'clear terminal.gone.CT1',
      'clear konnektor.gone',
    ]);
  });
  test('is no business of this part where it is of another', () => {
    expect(told([sight({})], ['card.1.revoked', 'certificate.smcb.1', 'konnektor.k1.weak-rsa'])).toEqual([]);
  });
});

describe('the chosen card is nowhere while another one signs (KON-09)', () => {
  const [diga] = digas as [(typeof digas)[number]];
  const [both, other] = [
    sight({ cards: [card('verified'), card('verified', { iccsn: '2' })] }),
    sight({ cards: [card('verified')] }),
  ];
  const k2 = sight({ cards: [] }, { id: 'k2' });
  const cause: Cause = { key: 'diga.demo.chosen', code: 'SMCB_CHOSEN_AWAY', subject: '2 (demo)', diga: 'demo' };
  const before = new Map([[cause.key, cause]]);
  const none = new Map<string, Cause>();
  const away = (sights: KonnektorSight[], more: Partial<Parameters<typeof chosenAway>[2]> = {}) =>
    chosenAway(sights, diga, { chosen: '2', used: '1', before: none, ...more });

  test('is told, and ends when it is plugged, at whatever Konnektor', () => {
    expect(away([other, k2])).toEqual([cause]);
    expect(away([both, k2], { before })).toEqual([]);
    expect(away([other, { ...k2, survey: both.survey }], { before })).toEqual([]);
  });

  test('ends when another one is chosen, and is none where none was chosen or no card signs at all', () => {
    expect(away([other, k2], { chosen: '1', before })).toEqual([]);
    expect(away([other, k2], { chosen: undefined })).toEqual([]);
    // That has an alarm of its own.
    expect(away([other, k2], { used: undefined })).toEqual([]);
  });

  test('while a Konnektor of the DiGA does not tell nothing begins and nothing ends', () => {
    expect(away([other, unseen('k2')])).toEqual([]);
    expect(away([other, unseen('k2')], { before })).toEqual([cause]);
    expect(away([other, notYet('k2')], { before })).toEqual([cause]);
  });
});
