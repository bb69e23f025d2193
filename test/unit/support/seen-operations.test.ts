// The judge of what gateways did on record systems (EXP-01): it must notice what is not allowed, and that it saw nothing.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ALLOWED, sumOperations } from '../../support/seen-operations.ts';

const line = (o: object) => `${JSON.stringify(o)}\n`;
const ended = (by: string, seen: Record<string, number>) =>
  line({ by, started: by }) + line({ by, ended: by, seen: { 'epa-as-1': seen, 'epa-as-2': { 'ITI-41': 1 } } });

describe('the sum over the suite (EXP-01)', () => {
  test('adds up both record systems of every simulator', () => {
    const { table, faults } = sumOperations(ended('a', { 'ITI-41': 2 }) + ended('b', { certdata: 3 }), true);
    expect(faults).toEqual([]);
    expect(table).toMatch(/^what 2 simulators saw/);
    expect(table).toMatch(/^ {2}ITI-41 +4$/m);
    expect(table).toMatch(/^ {2}certdata +3$/m);
    expect(table).toMatch(/^ {2}getNonce +0$/m);
  });
  test.each(['ITI-18', 'ITI-43', 'ITI-62', 'ITI-92', 'setEntitlementPs', 'GET /somewhere/else'])(
    'one %s is a fault that names the test',
    (operation) => {
      const { faults } = sumOperations(ended('test/some.test.ts', { [operation]: 1, 'ITI-41': 5 }), true);
      expect(faults).toEqual([`${operation}: 1 times, in test/some.test.ts`]);
    },
  );
  test('a simulator that was never stopped is a fault', () => {
    const { faults } = sumOperations(ended('a', {}) + line({ by: 'test/b.test.ts', started: '2' }), true);
    expect(faults).toEqual(['a simulator of test/b.test.ts was never stopped: what it saw is not known']);
  });
  test('a whole suite of which nothing was written down is a fault, a part of it is none', () => {
    expect(sumOperations('', true).faults).toEqual(['no document was written: nothing was counted']);
    expect(sumOperations('', false).faults).toEqual([]);
  });
});

test('every test in which a gateway meets a simulator has it counted (EXP-01)', () => {
  const root = resolve(import.meta.dirname, '../../..');
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'test/*.ts'], {
    cwd: root,
    encoding: 'utf8',
  });
  const uncounted = files
    .split('\n')
    .filter((file) => file !== '' && !/^test\/(unit\/connector-sim|support\/counted-simulator)/.test(file))
    .filter((file) => /\bstartSimulator\(/.test(readFileSync(resolve(root, file), 'utf8')));
  // Each asks the simulator it starts like this with clients of its own; no gateway is near.
  const ownClients = [
    'test/foreign/clients.test.ts',
    'test/openssl-live.test.ts',
    'test/vau-peers.test.ts',
    'test/vendors.test.ts',
  ];
  expect(uncounted.filter((file) => !file.endsWith('seen-operations.test.ts')).sort()).toEqual(ownClients);
  for (const file of ownClients)
    expect(readFileSync(resolve(root, file), 'utf8')).not.toMatch(/startGateway\(|gateway\/cli\.ts/);
});

test('nothing is allowed that changes or reads a record beyond EXP-01', () => {
  expect(ALLOWED.filter((operation) => /entitle|ITI-(?!41$)|consent|device|audit/i.test(operation))).toEqual([]);
});
