// Every way to tamper with the entries of the audit trail, done as somebody who may write everywhere but does not hold the
// gateway's key, on SQLite and PostgreSQL: each is found and named (SEC-09).
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { entryHash } from '../../../../gateway/exports/audit-chain.ts';
import type { AuditRow } from '../../../../gateway/exports/schema.ts';
import { type AuditPlace, auditStores, auditTrail, type Tampering } from '../../../support/audit-trail.ts';

let at: AuditPlace;
const { rows, twelve, verify, run, replaceTrail, renumbered, forgeFrom, expectFound } = auditTrail(() => at);

const changedColumns: Tampering[] = (
  [
    ['at', '1'],
    ['actor_kind', "'operator'"],
    ['actor', "'client-6'"],
    ['action', "'content.read'"],
    ['object_kind', "'series'"],
    ['object', "'export-6'"],
    ['object', 'NULL'],
    ['diga', "'second'"],
    ['result', "'INTERNAL'"],
    ['request_id', 'NULL'],
    ['details', `'{"n":6}'`],
  ] as const
).map(([column, value]) => [
  `${column} of an entry set to ${value}`,
  () => run(`UPDATE audit SET ${column} = ${value} WHERE seq = 5`),
  'changed',
  5,
  /^entry 5 was changed$/,
]);

const tamperings: Tampering[] = [
  ...changedColumns,
  [
    'a column of the last entry',
    () => run("UPDATE audit SET actor = 'x' WHERE seq = 12"),
    'changed',
    12,
    /^entry 12 was/,
  ],
  [
    'the hash of an entry',
    () => run(`UPDATE audit SET hash = '${'0'.repeat(64)}' WHERE seq = 5`),
    'hash-changed',
    5,
    /^the hash of entry 5/,
  ],
  [
    'the number of an entry',
    () => run('UPDATE audit SET seq = 500 WHERE seq = 5'),
    'missing',
    5,
    /^entry 5 is missing$/,
  ],
  ['the first entry deleted', () => run('DELETE FROM audit WHERE seq = 1'), 'missing', 1, /^entry 1 is missing$/],
  [
    'two in the middle deleted',
    () => run('DELETE FROM audit WHERE seq IN (5, 6)'),
    'missing',
    5,
    /^entries 5 to 6 are missing$/,
  ],
  [
    'the last two deleted',
    () => run('DELETE FROM audit WHERE seq > 10'),
    'truncated',
    11,
    /ends at entry 10, .* in the store saw entry 12/,
  ],
  ['all deleted', () => run('DELETE FROM audit'), 'truncated', 1, /ends at entry 0/],
  [
    'two neighbours swapped',
    async () => {
      const t = await rows();
      const [four, five] = [t[3], t[4]] as [AuditRow, AuditRow];
      await replaceTrail(t.with(3, { ...five, seq: 4 }).with(4, { ...four, seq: 5 }));
    },
    'moved',
    4,
    /^entry 4 was written as number 5/,
  ],
  [
    'two far apart swapped',
    async () => {
      const t = await rows();
      const [three, nine] = [t[2], t[8]] as [AuditRow, AuditRow];
      await replaceTrail(t.with(2, { ...nine, seq: 3 }).with(8, { ...three, seq: 9 }));
    },
    'moved',
    3,
    /^entry 3 was written as number 9/,
  ],
  [
    'one deleted and the rest renumbered',
    async () => replaceTrail(renumbered((await rows()).toSpliced(4, 1))),
    'foreign',
    5,
    /^entry 5 is not the one that was written here$/,
  ],
  [
    'one put in and the rest renumbered',
    async () => {
      const t = await rows();
      await replaceTrail(
        renumbered(t.toSpliced(6, 0, { ...(t[6] as AuditRow), actor: 'forged', hash: 'ab'.repeat(32) })),
      );
    },
    'foreign',
    7,
    /^entry 7 is not the one that was written here$/,
  ],
  [
    'one put in with a right hash and the rest renumbered',
    async () => {
      const t = await rows();
      const forged = { ...(t[6] as AuditRow), actor: 'forged' };
      forged.hash = entryHash(forged, t[5]?.hash ?? '');
      await replaceTrail(renumbered(t.toSpliced(6, 0, forged)));
    },
    'moved',
    8,
    /^entry 8 was written as number 7/,
  ],
  [
    'changed, and every later hash recomputed',
    () => forgeFrom(5),
    'rewritten',
    6,
    /^entry 6 or entries before it were rewritten: .* in the store/,
  ],
];

for (const { name, skipped, open } of auditStores) {
  describe.skipIf(skipped)(`the audit trail on ${name} (SEC-09)`, () => {
    beforeEach(async () => {
      at = await open();
    });
    afterEach(() => at.close());

    test.each(tamperings)('%s is found', async (_what, tamper, check, seq, says) => {
      await twelve();
      await at.disarm();
      await tamper();
      await expectFound(check, seq, says);
    });

    test('an entry taken out is told by those behind it, which were moved up', async () => {
      await twelve();
      await at.disarm();
      await replaceTrail(renumbered((await rows()).toSpliced(4, 1)));
      const { findings } = await verify();
      for (let seq = 6; seq <= 11; seq++)
        expect(findings.find((f) => f.seq === seq && f.check === 'moved')?.message).toMatch(
          new RegExp(`^entry ${seq} was written as number ${seq + 1}:`),
        );
    });
  });
}
