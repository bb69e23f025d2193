// The negative tables as a whole (issue 3): how many checks are broken alone on both sides, that no two rows of the gateway's
// speak of the same check, and that every rule of the simulator has a test which names it.
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FAULT_POINTS } from '../connector-sim/tables/fault-points.ts';
import { ALL_GROUPS, FRAME_BREAKS } from './tables/trust-rows.ts';
import { attestation } from './unit/connector-sim/tables/authz-strict.ts';
import { author, codes, patient, schema, structure } from './unit/connector-sim/tables/iti41-strict.ts';

const root = resolve(import.meta.dirname, '..');
const textOf = (pattern: string): string =>
  globSync(pattern, { cwd: root })
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');

const rows = ALL_GROUPS.flatMap((group) => group.rows);

test('every row of the gateway has a check of its own', () => {
  const checks = rows.map((row) => row.check);
  expect(checks.filter((check, index) => checks.indexOf(check) !== index)).toEqual([]);
});

test('no fault stands in two rows', () => {
  const faults = rows.flatMap((row) => [row.fault, ...(row.also ?? [])]).map((fault) => JSON.stringify(fault));
  expect(faults.filter((fault, index) => faults.indexOf(fault) !== index)).toEqual([]);
});

test('at least forty checks are broken alone, on either side', () => {
  const simulator = [...attestation, ...schema, ...structure, ...patient, ...codes, ...author];
  const counts = { gateway: rows.length, 'answer to ITI-41': FRAME_BREAKS.length + 1, simulator: simulator.length };
  const total = Object.values(counts).reduce((sum, count) => sum + count);
  process.stdout.write(
    `negative tables: ${Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}; ${total} rows\n`,
  );
  expect(counts.gateway).toBeGreaterThanOrEqual(40);
  expect(counts.simulator).toBeGreaterThanOrEqual(40);
});

describe('the checks of the reference at the simulator', () => {
  const sources = textOf('connector-sim/**/*.ts');
  const tests = textOf('test/{unit/connector-sim/**/*,releases.test}.ts');

  // epa-record-system.md 4.7; number 14 is no check but the storing itself.
  const iti41: [number: number, ...rules: string[]][] = [
    [1, 'xds.session', 'xds.role'],
    [2, 'record.insurant-id', 'record.unknown', 'record.status'],
    [3, 'xds.entitlement', 'xds.hidden'],
    [4, 'xds.schema', 'xds.message', 'xds.mtom'],
    [5, 'xds.structure', 'xds.has-member', 'xds.association', 'xds.document'],
    [6, 'xds.patient-id'],
    [7, 'xds.codes', 'xds.mime-type', 'xds.metadata', 'xds.time'],
    [8, 'xds.folder', 'xds.category'],
    [9, 'xds.unique-id', 'xds.unique-id-form', 'xds.entry-uuid'],
    [10, 'xds.author'],
    [11, 'xds.target-unknown', 'xds.target-not-approved'],
    [12, 'xds.size', 'xds.empty'],
    [13, 'xds.duplicate'],
  ];
  test.each(iti41)('number %i of ITI-41 (4.7) is refused by a rule that a test names', (_number, ...rules) => {
    expect(rules.filter((rule) => !sources.includes(`'${rule}'`) || !tests.includes(`'${rule}'`))).toEqual([]);
  });

  // epa-record-system.md 2.4.
  const attested: [said: string, ...rules: string[]][] = [
    ['typ JWT', 'authz.attestation-typ'],
    ['alg ES256 although the key is on brainpool', 'authz.attestation-alg'],
    ['x5c in plain base64, the rest in base64url', 'authz.attestation-x5c', 'authz.attestation-form'],
    ['C.HCI.AUT of the TI', 'authz.attestation-certificate', 'authz.role'],
    ['signature', 'authz.attestation-signature'],
    ['nonce of step 1, once', 'authz.attestation-nonce', 'authz.no-nonce', 'authz.nonce-outdated'],
    ['iat, exp = iat + 20 min, 15 s tolerance', 'authz.attestation-time', 'authz.attestation-life'],
    ['Telematik-ID as in the ID token', 'authz.telematik-id', 'authz.id-token-nonce', 'authz.code'],
  ];
  test.each(attested)('attestation (2.4), %s: refused by a rule that a test names', (_said, ...rules) => {
    expect(rules.filter((rule) => !sources.includes(`'${rule}'`) || !tests.includes(`'${rule}'`))).toEqual([]);
  });

  test('no rule of record system, IDP and VAU is without a test', () => {
    const operations = new Set([...Object.keys(FAULT_POINTS), 'idp.jwks']);
    const named = sources.matchAll(/'((?:xds|authz|record|idp|vau|inner|information|certdata)\.[a-z0-9-]+)'/g);
    const rules = new Set([...named].map(([, rule = '']) => rule).filter((rule) => !operations.has(rule)));
    expect(rules.size).toBeGreaterThan(80);
    expect([...rules].filter((rule) => !tests.includes(`'${rule}'`))).toEqual([]);
  });
});
