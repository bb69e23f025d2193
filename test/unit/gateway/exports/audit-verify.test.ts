// What the verification of the audit trail says of a whole one, on SQLite and PostgreSQL, and the command that asks for it (SEC-09);
// every way to tamper with it: audit-tampered-entries.test.ts and audit-tampered-checkpoints.test.ts.
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { auditReportText, verifyStoredAudit } from '../../../../gateway/audit-command.ts';
import type { Settings } from '../../../../gateway/config.ts';
import { acceptExport } from '../../../../gateway/exports/accept.ts';
import { wrappedKeys } from '../../../../gateway/exports/key-store.ts';
import { withRowSeals } from '../../../../gateway/exports/row-seals.ts';
import { openVault } from '../../../../gateway/vault/keys.ts';
import { type AuditPlace, auditStores, auditTrail, KEYS } from '../../../support/audit-trail.ts';
import { exportOrder, secretFile } from '../../../support/gateway-fakes.ts';

let at: AuditPlace;
const { rows, start, twelve, verify, run } = auditTrail(() => at);

for (const { name, skipped, open } of auditStores) {
  describe.skipIf(skipped)(`the audit trail on ${name} (SEC-09)`, () => {
    beforeEach(async () => {
      at = await open();
    });
    afterEach(() => at.close());

    test('is called whole where it is whole, and the checkpoints vouch for all of it', async () => {
      await twelve();
      const head = (await rows()).at(-1);
      expect(await verify()).toEqual({
        ok: true,
        entries: 12,
        head: { seq: 12, hash: head?.hash },
        covered: 12,
        checkpoints: { store: 3, file: 3 },
        publicKey: KEYS.publicKey,
        firstBroken: null,
        findings: [],
      });
    });

    test('the command reads the store that the settings name, with the master key that opens its key (D9)', async () => {
      const masterKey = randomBytes(32);
      const vault = await openVault({ masterKey, keys: wrappedKeys(at.db, { now: () => 0 }), digas: ['demo'] });
      await (await start(vault.audit)).checkpoints.stop();
      const settings = {
        dataDirectory: at.directory,
        masterKeyFile: secretFile(at.directory, 'master.key', masterKey),
        store: { postgres: at.postgres },
      } as Settings;
      expect(await verifyStoredAudit(settings)).toMatchObject({
        ok: true,
        entries: 2,
        covered: 2,
        rows: { findings: [] },
      });

      const db = withRowSeals(at.db, { mac: vault.rowMac, broken: () => {} });
      const { id } = await acceptExport({ db, vault, order: exportOrder(), key: null, now: 5000 });
      const held = await verifyStoredAudit(settings);
      expect(held).toMatchObject({ ok: true, entries: 3, rows: { findings: [] } });
      expect(held.rows.rows).toBeGreaterThan(2);
      await run(`UPDATE exports SET client = 'another' WHERE id = '${id}'`);
      const changed = await verifyStoredAudit(settings);
      expect(changed).toMatchObject({
        ok: false,
        firstBroken: null,
        rows: { findings: [{ kind: 'export', key: id }] },
      });
      expect(auditReportText(changed)).toMatch(
        new RegExp(`\\n {2}row: export ${id} is not what the gateway wrote\\n[\\s\\S]*\\nBROKEN: 1 rows\\n$`),
      );

      await at.disarm();
      await run("UPDATE audit SET result = 'INTERNAL' WHERE seq = 1");
      expect(await verifyStoredAudit(settings)).toMatchObject({ ok: false, firstBroken: 1 });
      secretFile(at.directory, 'master.key', randomBytes(32));
      await expect(verifyStoredAudit(settings)).rejects.toMatchObject({ code: 'STORE_BROKEN' });
    });

    test('a trail without a gateway is whole as far as it goes', async () => {
      expect(await verify(undefined)).toMatchObject({ ok: true, entries: 0, covered: 0 });
    });

    test('the database refuses what was done here until its triggers are taken away', async () => {
      await twelve();
      for (const text of [
        "UPDATE audit SET actor = 'x' WHERE seq = 5",
        'DELETE FROM audit WHERE seq = 5',
        'DELETE FROM audit_checkpoints',
      ])
        await expect(run(text)).rejects.toThrow(/append-only/);
      expect(await verify()).toMatchObject({ ok: true, entries: 12 });
    });
  });
}
