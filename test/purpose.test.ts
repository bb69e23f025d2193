// What the gateway is not for: the KVNR serves to find a record and to address a write (EXP-21), nothing about billing or
// activation codes exists (EXP-30), and the description does not promise what a DiGA cannot do (EXP-28).
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { describeApi } from '../gateway/api/openapi.ts';
import { describeSettings } from '../gateway/config.ts';
import { catalogue } from '../gateway/errors.ts';
import { auditActions } from '../gateway/tables/audit-actions.ts';
import { testHouse } from './support/gateway-fakes.ts';

const root = resolve(import.meta.dirname, '..');
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'gateway/*.ts'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '');
/** The code of a file without comments and texts: what it does, not what it says. */
const codeOf = (file: string) =>
  readFileSync(resolve(root, file), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '')
    .replace(/'(?:\\.|[^'\\\n])*'/g, "''");
const using = (pattern: RegExp) => files.filter((file) => pattern.test(codeOf(file)));

describe('the KVNR is used for nothing but the record and the write (EXP-21)', () => {
  test('the stored one is opened in one place, for the journey alone', () => {
    expect(using(/\breadKvnr\b/).sort()).toEqual(['gateway/exports/journey.ts', 'gateway/exports/key-store.ts']);
    expect(using(/\bkvnr_sealed\b/).filter((file) => using(/\bopenValue\(/).includes(file))).toEqual([
      'gateway/exports/key-store.ts',
    ]);
  });
  test('only the look-up, the write and the metadata of the document get to see it beyond the house', () => {
    const beyond = using(/\bkvnr\b/i).filter((file) => file.startsWith('gateway/record-system/'));
    expect(beyond.filter((file) => !file.includes('/tables/')).sort()).toEqual([
      'gateway/record-system/documents.ts',
      'gateway/record-system/locate.ts',
      'gateway/record-system/submission-set.ts',
    ]);
  });
  test.each([
    'gateway/konnektor/',
    'gateway/webhooks/',
    'gateway/admin/',
    'gateway/egress',
    'gateway/metrics',
    'gateway/exports/outbox',
    'gateway/exports/audit',
  ])('%s does not know the word', (place) => {
    expect(files.some((file) => file.startsWith(place))).toBe(true);
    expect(using(/kvnr/i).filter((file) => file.startsWith(place))).toEqual([]);
  });
});

/** Words of billing, prices and activation codes (Freischaltcode, 16 characters), in both languages. */
const BILLING =
  /billing|invoice|price|payment|reimburs|tariff|activation|freischalt|abrechn|rechnung|verg(ü|ue)t|erstatt|(^|_)(pzn|ik|iban)(_|$)/i;

describe('there is nothing of billing and activation codes (EXP-30)', () => {
  test('in no table and no column of the store', async () => {
    const h = await testHouse();
    try {
      const columns = await sql<{ name: string }>`
        SELECT m.name || '.' || c.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'
      `.execute(h.db);
      const names = columns.rows.map((row) => row.name);
      expect(names.length).toBeGreaterThan(60);
      expect(names.filter((name) => name.split(/[._]/).some((word) => BILLING.test(word)))).toEqual([]);
    } finally {
      await h.close();
    }
  });
  test('in no path, no member and no word of the description, no setting, code, audit entry or log field', () => {
    const description = JSON.stringify(describeApi({ version: '1' }));
    expect(description.length).toBeGreaterThan(10_000);
    const log =
      /export type LogFields = \{([\s\S]*?)\n\};/.exec(readFileSync(resolve(root, 'gateway/log.ts'), 'utf8'))?.[1] ??
      '';
    expect(log).toContain('export?: string');
    const words = [
      description,
      log,
      ...describeSettings().map((one) => `${one.key} ${one.description}`),
      ...Object.keys(catalogue),
      ...Object.entries(auditActions).flat(),
    ];
    expect(words.flatMap((text) => text.match(new RegExp(BILLING, 'gi')) ?? [])).toEqual([]);
  });
  test.each(['billing_code', 'Freischaltcode', 'activationCode', 'Abrechnung', 'pzn'])('%s would be noticed', (word) =>
    expect(BILLING.test(word)).toBe(true),
  );
});

test('the description of the API says that a DiGA cannot delete in the record (EXP-28)', () => {
  expect(JSON.stringify(describeApi({ version: '1' }))).toMatch(/a DiGA cannot delete/i);
});
