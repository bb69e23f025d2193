// Checkpoints of the audit trail and their file over the life of a gateway: when they are made, what a restart goes on with, what
// ends of a process are no tampering (SEC-09), and that a store serves one environment only (OPS-05).
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { appendAudit } from '../../../../gateway/exports/audit.ts';
import { entryHash, GENESIS } from '../../../../gateway/exports/audit-chain.ts';
import { readCheckpointFile } from '../../../../gateway/exports/audit-checkpoint-file.ts';
import { verifyAudit } from '../../../../gateway/exports/audit-verify.ts';
import type { AuditRow } from '../../../../gateway/exports/schema.ts';
import { auditKeys } from '../../../../gateway/vault/audit-keys.ts';
import { type AuditPlace, auditTrail, KEYS, openSqliteTrail } from '../../../support/audit-trail.ts';

const FORGER = auditKeys(Buffer.alloc(32, 8));

let at: AuditPlace;
const { rows, append, start, twelve, verify, run } = auditTrail(() => at);

describe('checkpoints', () => {
  beforeEach(async () => {
    at = await openSqliteTrail();
  });
  afterEach(() => at.close());

  test('what stands behind the newest is not vouched for, and the report says so', async () => {
    const { checkpoints } = await start();
    for (let n = 2; n <= 4; n++) await append(n);
    expect(await verify()).toMatchObject({ ok: true, entries: 4, covered: 1 });
    await checkpoints.stop();
    expect(await verify()).toMatchObject({ ok: true, entries: 5, covered: 5 });
  });

  test('500 changes make one, and a stop, but no second one where nothing is new', async () => {
    const { checkpoints, tenMinutes } = await start();
    await append(2);
    for (let n = 0; n < 500; n++) checkpoints.changed();
    await tenMinutes();
    expect(await verify()).toMatchObject({ covered: 2, checkpoints: { store: 2, file: 2 } });
    await tenMinutes();
    expect(await verify()).toMatchObject({ covered: 2, checkpoints: { store: 2, file: 2 } });
    await checkpoints.stop();
    expect(await verify()).toMatchObject({ covered: 3, checkpoints: { store: 3, file: 3 } });
  });

  test('the file goes on after a restart, belongs to its owner only, and names the key', async () => {
    await twelve();
    await (await start()).checkpoints.stop();
    expect(await verify()).toMatchObject({ ok: true, entries: 14, checkpoints: { store: 5, file: 5 } });
    const { statSync } = await import('node:fs');
    expect(statSync(at.path).mode & 0o777).toBe(0o600);
    expect(readCheckpointFile(at.path)?.publicKey).toBe(KEYS.publicKey);
    const told = (await rows())
      .filter((row) => row.action === 'gateway.started')
      .map((row) => JSON.parse(row.details ?? ''));
    expect(told.map((details) => details.made)).toEqual(['new', 'kept']);
    expect(told[0].checkpointFile).toBe(told[1].checkpointFile);
  });

  test.each(['PU', 'TU', 'SIM'])(
    'a store that began in RU serves no %s, and the trail stays as it is (OPS-05)',
    async (other) => {
      await twelve();
      await expect(start(KEYS, other)).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        check: 'environment',
        message: 'environment: the store serves RU and can serve no other (OPS-05)',
      });
      expect(await verify()).toMatchObject({ ok: true, entries: 12 });
      await (await start()).checkpoints.stop();
      expect(await verify()).toMatchObject({ ok: true, entries: 14 });
    },
  );

  test('a store of before that names no environment takes that of its next start (OPS-05)', async () => {
    await append(1);
    await at.db.transaction().execute((tx) =>
      appendAudit(tx, {
        at: 1,
        actor: { kind: 'gateway', id: 'gateway' },
        action: 'gateway.started',
        details: { made: 'new' },
      }),
    );
    await (await start(KEYS, 'TU')).checkpoints.stop();
    await expect(start(KEYS, 'RU')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('a process that ended between file and store is no tampering, before and after the next start', async () => {
    await twelve();
    await at.disarm();
    await run('DELETE FROM audit_checkpoints WHERE seq = 12');
    expect(await verify()).toMatchObject({ ok: true, covered: 12, checkpoints: { store: 2, file: 3 } });
    await (await start()).checkpoints.stop();
    expect(await verify()).toMatchObject({ ok: true, checkpoints: { store: 5, file: 5 } });
  });

  test('a line that was being written when the power failed is neither read nor continued', async () => {
    await twelve();
    writeFileSync(at.path, `${readFileSync(at.path, 'utf8')}{"seq":13,"wri`);
    expect(await verify()).toMatchObject({ ok: true });
    await (await start()).checkpoints.stop();
    expect(await verify()).toMatchObject({ ok: true, entries: 14 });
  });

  test('a file taken away before a restart is told in the trail for ever', async () => {
    await twelve();
    rmSync(at.path);
    await (await start()).checkpoints.stop();
    expect(await verify()).toMatchObject({ ok: true, entries: 14, checkpoints: { store: 5, file: 2 } });
    const starts = (await rows()).filter((row) => row.action === 'gateway.started');
    expect(starts.map((row) => JSON.parse(row.details ?? '').made)).toEqual(['new', 'new']);
  });

  test('a store that was set back is found also after a gateway went on with it', async () => {
    await twelve();
    await at.disarm();
    await run('DELETE FROM audit WHERE seq > 6');
    await run('DELETE FROM audit_checkpoints WHERE seq > 6');
    const { checkpoints } = await start();
    for (let n = 0; n < 20; n++) await append(n);
    await checkpoints.stop();
    expect(await verify()).toMatchObject({ ok: false, firstBroken: 7 });
  });

  test('a forger who has a key of his own is not believed', async () => {
    await twelve();
    expect(await verify(FORGER)).toMatchObject({ ok: false, firstBroken: 1 });
    expect((await verify(FORGER)).findings[0]).toMatchObject({ check: 'key-missing' });
    const without = await verifyAudit({ db: at.db, keys: undefined, file: readCheckpointFile(at.path) });
    expect(without.findings).toEqual([
      { seq: 1, check: 'key-missing', message: 'the key of the checkpoints is not in the store' },
    ]);
  });

  test('100,000 entries are verified in seconds', async () => {
    let before = GENESIS;
    const template = (await (async () => {
      await append(1);
      return (await rows())[0];
    })()) as AuditRow;
    before = template.hash;
    for (let seq = 2; seq <= 100_000; ) {
      const batch: AuditRow[] = [];
      for (let n = 0; n < 2000 && seq <= 100_000; n++, seq++) {
        const row = { ...template, seq };
        before = entryHash(row, before);
        batch.push({ ...row, hash: before });
      }
      await at.db.insertInto('audit').values(batch).execute();
    }
    await (await start()).checkpoints.stop();
    const began = performance.now();
    const report = await verify();
    const seconds = (performance.now() - began) / 1000;
    process.stdout.write(`audit: ${report.entries} entries verified in ${seconds.toFixed(1)} s\n`);
    expect(report).toMatchObject({ ok: true, entries: 100_002 });
    expect(seconds).toBeLessThan(20);
  }, 120_000);
});
