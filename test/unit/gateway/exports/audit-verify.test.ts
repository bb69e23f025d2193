// Every way to tamper with the audit trail, its checkpoints and their file, done as somebody who may write everywhere but does
// not hold the gateway's key, on SQLite and PostgreSQL: each is found and named (SEC-09). What is whole is called whole.
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { auditReportText, verifyStoredAudit } from '../../../../gateway/audit-command.ts';
import type { PostgresSettings, Settings } from '../../../../gateway/config.ts';
import { acceptExport } from '../../../../gateway/exports/accept.ts';
import { appendAudit, readAudit } from '../../../../gateway/exports/audit.ts';
import { entryHash, GENESIS } from '../../../../gateway/exports/audit-chain.ts';
import { checkpointFileIn, readCheckpointFile } from '../../../../gateway/exports/audit-checkpoint-file.ts';
import { CHECKPOINT_EVERY_MS, startAuditCheckpoints } from '../../../../gateway/exports/audit-checkpoints.ts';
import { type AuditFinding, verifyAudit } from '../../../../gateway/exports/audit-verify.ts';
import { type Database, openDatabase, openPostgres } from '../../../../gateway/exports/database.ts';
import { wrappedKeys } from '../../../../gateway/exports/key-store.ts';
import { withRowSeals } from '../../../../gateway/exports/row-seals.ts';
import type { AuditRow } from '../../../../gateway/exports/schema.ts';
import { silentLogger } from '../../../../gateway/log.ts';
import { type AuditKeys, auditKeys } from '../../../../gateway/vault/audit-keys.ts';
import { openVault } from '../../../../gateway/vault/keys.ts';
import { exportOrder, secretFile, temporaryDirectory } from '../../../support/gateway-fakes.ts';
import { hasPostgres } from '../../../support/postgres-server.ts';
import { withPostgres } from '../../../support/schemas-of-tests.ts';
import { newSchema } from '../../../support/stores.ts';

const KEYS = auditKeys(Buffer.alloc(32, 7));
const FORGER = auditKeys(Buffer.alloc(32, 8));

type Place = {
  db: Database;
  postgres?: PostgresSettings;
  path: string;
  directory: string;
  disarm: () => Promise<void>;
  close: () => Promise<void>;
};

const stores: Record<string, () => Promise<Place>> = {
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

let at: Place;
const rows = () => readAudit(at.db, { after: 0, limit: 1000 });
const append = (n: number) =>
  at.db.transaction().execute((tx) =>
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
    db: at.db,
    keys,
    directory: at.directory,
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
  verifyAudit({ db: at.db, keys, file: readCheckpointFile(at.path) });
const run = (text: string) => sql.raw(text).execute(at.db);
const lines = () => readFileSync(at.path, 'utf8').trimEnd().split('\n');
const writeLines = (all: readonly string[]) => writeFileSync(at.path, all.map((line) => `${line}\n`).join(''));

/** Puts the rows in the place of the trail, with right hashes from `from` on, as a forger would. */
const replaceTrail = async (trail: AuditRow[], from = Number.POSITIVE_INFINITY) => {
  let before = GENESIS;
  const forged = trail.map((row) => {
    before = row.seq >= from ? entryHash(row, before) : row.hash;
    return { ...row, hash: before };
  });
  await run('DELETE FROM audit');
  for (const row of forged) await at.db.insertInto('audit').values(row).execute();
};
const renumbered = (trail: AuditRow[]) => trail.map((row, index) => ({ ...row, seq: index + 1 }));
const forgeFrom = async (from: number) => {
  const trail = await rows();
  await replaceTrail(
    trail.map((row) => (row.seq === from ? { ...row, actor: 'somebody else' } : row)),
    from,
  );
};

type Tampering = [
  what: string,
  tamper: () => Promise<unknown> | unknown,
  check: AuditFinding['check'],
  seq: number,
  says: RegExp,
];

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

for (const [name, open] of Object.entries(stores)) {
  const skipped = name === 'PostgreSQL' && !hasPostgres();
  describe.skipIf(skipped)(`the audit trail on ${name}${skipped ? ' [skipped: there is none]' : ''} (SEC-09)`, () => {
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

    test.each(tamperings)('%s is found', async (_what, tamper, check, seq, says) => {
      await twelve();
      await at.disarm();
      await tamper();
      const report = await verify();
      expect(report.findings[0]).toMatchObject({ check, seq });
      expect(report.findings[0]?.message).toMatch(says);
      expect(report).toMatchObject({ ok: false, firstBroken: seq });
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

describe('checkpoints', () => {
  beforeEach(async () => {
    at = await (stores.SQLite as () => Promise<Place>)();
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
