// Every way to tamper with the checkpoints of the audit trail and their file, done as somebody who may write everywhere but does
// not hold the gateway's key, on SQLite and PostgreSQL: each is found and named (SEC-09).
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { type AuditPlace, auditStores, auditTrail, KEYS, type Tampering } from '../../../support/audit-trail.ts';

let at: AuditPlace;
const { rows, twelve, run, forgeFrom, expectFound } = auditTrail(() => at);

const lines = () => readFileSync(at.path, 'utf8').trimEnd().split('\n');
const writeLines = (all: readonly string[]) => writeFileSync(at.path, all.map((line) => `${line}\n`).join(''));

const tamperings: Tampering[] = [
  [
    'recomputed, and the checkpoint in the store given the new hash',
    async () => {
      await forgeFrom(5);
      for (const seq of [6, 12])
        await run(`UPDATE audit_checkpoints SET hash = '${(await rows())[seq - 1]?.hash}' WHERE seq = ${seq}`);
    },
    'checkpoint-changed',
    6,
    /^the checkpoint at entry 6 in the store does not bear this gateway's signature$/,
  ],
  [
    'recomputed, and the checkpoints in the store deleted',
    async () => {
      await forgeFrom(5);
      await run('DELETE FROM audit_checkpoints WHERE seq > 1');
    },
    'rewritten',
    6,
    /in the file saw another hash$/,
  ],
  [
    'recomputed, and all checkpoints and the file deleted',
    async () => {
      await forgeFrom(5);
      await run('DELETE FROM audit_checkpoints');
      rmSync(at.path);
    },
    'checkpoint-missing',
    1,
    /^there is no checkpoint in the store$/,
  ],
  [
    'the store set back to an older state',
    async () => {
      await run('DELETE FROM audit WHERE seq > 6');
      await run('DELETE FROM audit_checkpoints WHERE seq > 6');
    },
    'truncated',
    7,
    /ends at entry 6, .* in the file saw entry 12/,
  ],
  [
    'a checkpoint deleted from the store',
    () => run('DELETE FROM audit_checkpoints WHERE seq = 6'),
    'checkpoint-missing',
    6,
    /no more in the store/,
  ],
  [
    'the time of a checkpoint in the store',
    () => run('UPDATE audit_checkpoints SET at = 1 WHERE seq = 6'),
    'checkpoint-changed',
    6,
    /signature/,
  ],
  ['the file taken away', () => rmSync(at.path), 'file-missing', 1, /^the checkpoint file is missing$/],
  [
    'the last line of the file cut off',
    () => writeLines(lines().slice(0, -1)),
    'file-cut',
    12,
    /entry 12 is not in the checkpoint file, which was cut/,
  ],
  [
    'a line in the middle of the file cut out',
    () => writeLines(lines().toSpliced(2, 1)),
    'file-cut',
    6,
    /entry 6 is not in the checkpoint file/,
  ],
  [
    'the file emptied',
    () => writeFileSync(at.path, ''),
    'file-changed',
    1,
    /^line 1 of the checkpoint file cannot be read$/,
  ],
  [
    'a line of the file made unreadable',
    () => writeLines(lines().with(2, '{"seq":6')),
    'file-changed',
    1,
    /^line 3 of the checkpoint file/,
  ],
  [
    'a hash in the file',
    () =>
      writeLines(lines().map((line) => (line.includes('"seq":6,') ? line.replace(/"hash":"./, '"hash":"z') : line))),
    'file-changed',
    6,
    /entry 6 in the file does not bear/,
  ],
  [
    'two lines of the file swapped',
    () =>
      writeLines(
        lines()
          .with(1, lines()[2] ?? '')
          .with(2, lines()[1] ?? ''),
      ),
    'file-changed',
    1,
    /does not stand at its place/,
  ],
  [
    'the name of the file',
    () => writeLines(lines().with(0, JSON.stringify({ writer: 'another', publicKey: KEYS.publicKey }))),
    'file-changed',
    1,
    /does not stand at its place/,
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
  });
}
