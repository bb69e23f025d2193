// Who waits for what, and who is woken (D22, MON-01).
import { beforeEach, expect, test } from 'vitest';
import { type ChainHealth, createChainHealth } from '../../../../gateway/exports/chain-health.ts';

const at = (recordSystem: string, diga = 'demo') => ({ diga, recordSystem });
let health: ChainHealth;
beforeEach(() => {
  health = createChainHealth();
});

test('a recovered record system wakes everybody who waits for it, located or not, of every DiGA, once', () => {
  health.fails(at('a'), 'RECORD_SYSTEM_UNREACHABLE', '1');
  health.fails(at('a', 'second'), 'RECORD_SYSTEM_UNREACHABLE', '2');
  health.fails(at('b'), 'RECORD_SYSTEM_UNREACHABLE', '3');
  health.unanswered(at('a'), '4');
  health.unanswered(at('a'), '1');
  health.unanswered(at('b'), '5');
  health.notLocated('6');
  health.noPlace('a', '7');
  health.noPlace('b', '8');
  const woken = health.toWake({ kind: 'recovered', recordSystem: 'a' });
  expect(woken.sort()).toEqual(['1', '2', '4', '6', '7']);
  // What is in doubt stays so until it is settled.
  expect(health.toWake({ kind: 'recovered', recordSystem: 'a' }).sort()).toEqual(['1', '4']);
  health.settled('1');
  health.settled('4');
  expect(health.toWake({ kind: 'recovered', recordSystem: 'a' })).toEqual([]);
});

test('a probe is one export at a time, another one each time', () => {
  for (const id of ['1', '2']) health.fails(at('a'), 'RECORD_SYSTEM_UNREACHABLE', id);
  const probe = () => health.toWake({ kind: 'probe', recordSystem: 'a', service: 'vau' });
  expect([probe(), probe(), probe()]).toEqual([['1'], ['2'], []]);
  health.unanswered(at('a'), '3');
  expect(probe()).toEqual(['3']);
});

test('the probe of a location is one that could not be located', () => {
  health.fails(at('a'), 'RECORD_SYSTEM_UNREACHABLE', '1');
  const probe = () => health.toWake({ kind: 'probe', recordSystem: 'a', service: 'location' });
  expect(probe()).toEqual([]);
  health.notLocated('2');
  expect([probe(), probe()]).toEqual([['2'], []]);
});

test('as many come as there are places, and only for this record system', () => {
  for (const id of ['1', '2', '3']) health.noPlace('a', id);
  health.noPlace('b', '4');
  const free = (n: number) => health.toWake({ kind: 'places', recordSystem: 'a', free: n });
  expect([free(2), free(2), free(2)]).toEqual([['1', '2'], ['3'], []]);
});

test('who has gone on meanwhile is not woken', () => {
  for (const id of ['1', '2']) {
    health.notLocated(id);
    health.noPlace('a', id);
  }
  health.goesOn('1');
  health.settled('2');
  expect(health.toWake({ kind: 'places', recordSystem: 'a', free: 9 })).toEqual([]);
  expect(health.toWake({ kind: 'recovered', recordSystem: 'a' })).toEqual([]);
});

test('what waits for a place is no trouble, what waits for a channel is', () => {
  health.noPlace('a', '1');
  health.notLocated('2');
  expect(health.trouble()).toBeNull();
  health.fails(at('a'), 'VAU_HANDSHAKE_FAILED', '3');
  expect([health.trouble(), health.trouble('demo'), health.trouble('second')]).toEqual([
    'VAU_HANDSHAKE_FAILED',
    'VAU_HANDSHAKE_FAILED',
    null,
  ]);
  expect(health.works(at('a'))).toEqual(['3']);
  expect([health.trouble(), health.works(at('a'))]).toEqual([null, []]);
});

test('the IDP is known by the last way over it, of each DiGA, and no other trouble hides it (MON-01)', () => {
  expect(health.idp()).toEqual({ ok: null, code: null });
  health.fails(at(''), 'SMCB_PIN_NOT_VERIFIED', null);
  expect(health.idp('demo')).toEqual({ ok: null, code: null });
  health.fails(at('a'), 'IDP_UNREACHABLE', '1');
  health.fails(at('a'), 'SMCB_PIN_NOT_VERIFIED', '1');
  health.works(at('a', 'second'));
  health.works(at('b'));
  const down = { ok: false, code: 'IDP_UNREACHABLE' };
  expect([health.idp(), health.idp('demo'), health.idp('second')]).toEqual([down, down, { ok: true, code: null }]);
  health.works(at('a'));
  expect([health.idp(), health.idp('demo')]).toEqual([
    { ok: true, code: null },
    { ok: true, code: null },
  ]);
});
