// What an alarm says to people: which command to run for which card, and who must act when a certificate ends (CRT-01, CRT-02, MON-03).
import { describe, expect, test } from 'vitest';
import type { Alarm } from '../../../../gateway/alarms/alarms.ts';
import { textOf, viewAlarm } from '../../../../gateway/alarms/text.ts';
import { CERTIFICATE_USES, daysLeft } from '../../../../gateway/certificates/entry.ts';
import { catalogue } from '../../../../gateway/errors.ts';
import { CERTIFICATE_REMEDY } from '../../../../gateway/tables/certificate-remedies.ts';

const ICCSN = '80276883110000000001';
const at = Date.parse('2026-12-01T10:00:00Z');
const alarm = (change: Partial<Alarm> & Pick<Alarm, 'code'>): Alarm => ({
  ...{ id: 'a1', key: `card.${ICCSN}.pin`, subject: `${ICCSN} (k1)`, diga: 'demo', stage: '', details: {} },
  ...{ remedy: catalogue[change.code].remedy, raisedAt: at, stageAt: at, clearedAt: null },
  ...change,
});

describe('of a PIN', () => {
  test.each([
    ['SMCB_PIN_NOT_VERIFIED', 'verify'],
    ['SMCB_PIN_BLOCKED', 'unblock'],
    ['SMCB_PIN_TRANSPORT', 'change'],
  ] as const)('%s names the command for this very card, and the call', (code, kind) => {
    for (const language of ['de', 'en'] as const) {
      const { remedy } = viewAlarm(alarm({ code }), language);
      expect(remedy).toContain(`\`epa-gateway pin ${kind} ${ICCSN}\``);
      expect(remedy).toContain(`/admin/v1/cards/${ICCSN}/pin/${kind}`);
      expect(remedy).not.toMatch(/[<>{}]/);
    }
  });
  test('of another key the remedy stands as the catalogue has it', () => {
    const { remedy } = viewAlarm(alarm({ code: 'SMCB_PIN_BLOCKED', key: 'diga.demo.card' }), 'en');
    expect(remedy).toBe(catalogue.SMCB_PIN_BLOCKED.remedy.en);
  });
});

describe('of a certificate', () => {
  const ends = (use: string, change: Partial<Alarm> = {}) =>
    alarm({
      code: 'CERTIFICATE_EXPIRES',
      key: `certificate.${use}.x`,
      subject: `${use} x`,
      details: { use },
      ...change,
    });

  test('who must act is told by its use, in the words of that use', () => {
    const acts = (use: string) => viewAlarm(ends(use), 'en').remedy;
    expect(acts('smcb')).toMatch(/^Order the follow-up SMC-B/);
    for (const use of ['vau', 'record-system-tls'])
      expect(acts(use)).toMatch(/^The operator of this record system must/);
    expect(acts('idp-signer')).toMatch(/^The operator of the IDP must/);
    expect(acts('konnektor-tls')).toMatch(/^The administrator of this Konnektor must/);
    expect(acts('konnektor-client')).toContain('import it');
    expect(acts('own-server')).toContain('replace the files');
    for (const use of CERTIFICATE_USES) expect(acts(use)).toBe(CERTIFICATE_REMEDY[use].en);
    expect(acts('never-heard-of')).toBe(catalogue.CERTIFICATE_EXPIRES.remedy.en);
  });
  test('one that has ended says since when: its end, not the day of the first warning', () => {
    const end = '2026-12-20T09:00:00.000Z';
    const details = { use: 'vau', end, iccsn: null };
    const ended = ends('vau', { code: 'CERTIFICATE_EXPIRED', details });
    expect(viewAlarm(ended, 'en')).toMatchObject({ since: end, raisedAt: '2026-12-01T10:00:00.000Z' });
    const text = textOf({ id: 'm1', type: 'reminded', at, alarm: ended }, 'SIM', 'de');
    expect(text).toContain(`Seit: ${end}`);
    expect(text).toContain('Der Betreiber dieses Aktensystems muss es erneuern');
    expect(text).not.toContain('null');
    expect(viewAlarm(ends('vau', { details }), 'en').since).toBe('2026-12-01T10:00:00.000Z');
  });
  test('days are whole days on both sides of the end, and below zero from its first moment', () => {
    const DAY = 86_400_000;
    const left = (days: number) => daysLeft(new Date(at + days * DAY), at);
    expect([3, 2.9, 0.1, 0, -0.001, -1, -1.9, -2, -2.1].map(left)).toEqual([3, 2, 0, 0, -1, -1, -1, -2, -2]);
  });
});
