// An audit trail with its checkpoints and their file, on SQLite and PostgreSQL, for tests of its verification: written as a gateway
// writes it, and tampered with as somebody may who can write everywhere but does not hold the key.
import { sql } from 'kysely';
import { expect } from 'vitest';
import type { PostgresSettings } from '../../gateway/config.ts';
import { appendAudit, readAudit } from '../../gateway/exports/audit.ts';
import { entryHash, GENESIS } from '../../gateway/exports/audit-chain.ts';
import { checkpointFileIn, readCheckpointFile } from '../../gateway/exports/audit-checkpoint-file.ts';
import { CHECKPOINT_EVERY_MS, startAuditCheckpoints } from '../../gateway/exports/audit-checkpoints.ts';
import { type AuditFinding, verifyAudit } from '../../gateway/exports/audit-verify.ts';
import { type Database, openDatabase, openPostgres } from '../../gateway/exports/database.ts';
import type { AuditRow } from '../../gateway/exports/schema.ts';
import { silentLogger } from '../../gateway/log.ts';
import { type AuditKeys, auditKeys } from '../../gateway/vault/audit-keys.ts';
import { temporaryDirectory } from './gateway-fakes.ts';
import { hasPostgres } from './postgres-server.ts';
import { withPostgres } from './schemas-of-tests.ts';
import { newSchema } from './stores.ts';

export const KEYS = auditKeys(Buffer.alloc(32, 7));

export type AuditPlace = {
  db: Database;
  postgres?: PostgresSettings;
  path: string;
  directory: string;
  disarm: () => Promise<void>;
  close: () => Promise<void>;
};

const stores: Record<string, () => Promise<AuditPlace>> = {
  SQLite: async () => {
    const { path: directory, remove } = temporaryDirectory();
    const db = await openDatabase(`${directory}/gateway.db`);
    return {
      db,
      directory,
      path: checkpointFileIn(directory),
      disarm: async () => {
        for (const table of ['audit', 'audit_checkpoints'])
          for (const change of ['update', 'delete']) await sql.raw(`DROP TRIGGER ${table}_no_${change}`).execute(db);
      },
      close: async () => {
        await db.destroy();
        remove();
      },
    };
  },
  PostgreSQL: async () => {
    const { path: directory, remove } = temporaryDirectory();
    const postgres = newSchema();
    const db = await openPostgres(postgres, 'audit-verify');
    return {
      db,
      postgres,
      directory,
      path: checkpointFileIn(directory),
      disarm: async () => {
        for (const table of ['audit', 'audit_checkpoints'])
          await sql.raw(`DROP TRIGGER ${table}_append_only ON ${table}`).execute(db);
      },
      close: async () => {
        await db.destroy();
        await withPostgres(postgres.url, (client) => client.query(`DROP SCHEMA ${postgres.schema} CASCADE`));
        remove();
      },
    };
  },
};

/** Where each trail is; a store that there is not here is skipped, and its name says so. */
export const auditStores = Object.entries(stores).map(([name, open]) => {
  const skipped = name === 'PostgreSQL' && !hasPostgres();
  return { name: `${name}${skipped ? ' [skipped: there is none]' : ''}`, skipped, open };
});

export const openSqliteTrail = stores.SQLite as () => Promise<AuditPlace>;

export type Tampering = [
  what: string,
  tamper: () => Promise<unknown> | unknown,
  check: AuditFinding['check'],
  seq: number,
  says: RegExp,
];

/** What writes, tampers with and verifies the trail of `place`. */
export function auditTrail(place: () => AuditPlace) {
  const rows = () => readAudit(place().db, { after: 0, limit: 1000 });
  const append = (n: number) =>
    place()
      .db.transaction()
      .execute((tx) =>
        appendAudit(tx, {
          at: 1000 + n,
          actor: { kind: 'client', id: `client-${n}` },
          action: 'export.accepted',
          object: { kind: 'export', id: `export-${n}` },
          diga: 'demo',
          requestId: `r-${n}`,
          details: { n },
        }),
      );
  const start = async (keys = KEYS, environment = 'RU') => {
    const timers: { ms: number; fire: () => void }[] = [];
    let set = Promise.withResolvers<void>();
    const checkpoints = await startAuditCheckpoints({
      db: place().db,
      keys,
      directory: place().directory,
      settings: { some: 'settings' },
      environment,
      now: () => 5000,
      log: silentLogger,
      timer: (ms, fire) => {
        timers.push({ ms, fire });
        set.resolve();
        return () => {};
      },
    });
    return {
      checkpoints,
      tenMinutes: async () => {
        set = Promise.withResolvers();
        const last = timers.at(-1);
        expect(last?.ms).toBe(CHECKPOINT_EVERY_MS);
        last?.fire();
        await set.promise;
      },
    };
  };
  /** Entries 1 to 12, checkpoints at 1, 6 and 12, stopped. */
  const twelve = async () => {
    const { checkpoints, tenMinutes } = await start();
    for (let n = 2; n <= 6; n++) await append(n);
    await tenMinutes();
    for (let n = 7; n <= 11; n++) await append(n);
    await checkpoints.stop();
  };
  const verify = (keys: AuditKeys | undefined = KEYS) =>
    verifyAudit({ db: place().db, keys, file: readCheckpointFile(place().path) });
  const run = (text: string) => sql.raw(text).execute(place().db);
  /** Puts the rows in the place of the trail, with right hashes from `from` on, as a forger would. */
  const replaceTrail = async (trail: AuditRow[], from = Number.POSITIVE_INFINITY) => {
    let before = GENESIS;
    const forged = trail.map((row) => {
      before = row.seq >= from ? entryHash(row, before) : row.hash;
      return { ...row, hash: before };
    });
    await run('DELETE FROM audit');
    for (const row of forged) await place().db.insertInto('audit').values(row).execute();
  };
  const renumbered = (trail: AuditRow[]) => trail.map((row, index) => ({ ...row, seq: index + 1 }));
  const forgeFrom = async (from: number) => {
    const trail = await rows();
    await replaceTrail(
      trail.map((row) => (row.seq === from ? { ...row, actor: 'somebody else' } : row)),
      from,
    );
  };
  /** The first finding is this one, and the trail is broken there. */
  const expectFound = async (check: AuditFinding['check'], seq: number, says: RegExp) => {
    const report = await verify();
    expect(report.findings[0]).toMatchObject({ check, seq });
    expect(report.findings[0]?.message).toMatch(says);
    expect(report).toMatchObject({ ok: false, firstBroken: seq });
  };
  return { rows, append, start, twelve, verify, run, replaceTrail, renumbered, forgeFrom, expectFound };
}
