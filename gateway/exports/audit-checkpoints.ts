// Regular signed checkpoints of the audit trail (SEC-09): first into the file of the data directory, then into the store, so
// that the file never tells of an entry that was not durable. Made at start and stop, every ten minutes and every 500 changes
// in which there are new entries; what lies behind the newest is only as safe as the store itself.
import { createHash } from 'node:crypto';
import { renameSync } from 'node:fs';
import { asGatewayError, GatewayError } from '../errors.ts';
import { type Logger, stackOf } from '../log.ts';
import type { AuditKeys } from '../vault/audit-keys.ts';
import { type AuditEntry, appendAudit, GATEWAY, readHead } from './audit.ts';
import {
  type AuditCheckpoint,
  appendCheckpoint,
  checkpointBytes,
  checkpointFileIn,
  dropUnfinishedLine,
  makeCheckpointFile,
  readCheckpointFile,
} from './audit-checkpoint-file.ts';
import type { Database } from './database.ts';
import type { Timer } from './worker.ts';

export const CHECKPOINT_EVERY_MS = 600_000;
const CHECKPOINT_EVERY_CHANGES = 500;

export type AuditCheckpoints = {
  /** Something may have been appended. */
  changed(): void;
  /** The last entry and the last checkpoint; call it when nothing else writes any more. */
  stop(): Promise<void>;
};

export type AuditCheckpointOptions = {
  db: Database;
  keys: AuditKeys;
  directory: string;
  /** Settings as an operator may see them: their fingerprint stands in the first entry. */
  settings: unknown;
  /** The one that this store serves, from its first start on (OPS-05). */
  environment: string;
  now: () => number;
  timer: Timer;
  log: Logger;
};

/**
 * Opens or makes the file, appends `gateway.started` and makes the first checkpoint.
 * GatewayError CONFIG_INVALID (check `environment`) where the store was begun in another environment.
 */
export async function startAuditCheckpoints(o: AuditCheckpointOptions): Promise<AuditCheckpoints> {
  await requireEnvironment(o.db, o.environment);
  const path = checkpointFileIn(o.directory);
  const { writer, made, newest } = openFile(path, o);
  if (newest !== undefined) {
    await adopt(o.db, newest);
    if (!(await agrees(o.db, newest))) o.log.error('audit trail contradicts its checkpoints', { code: 'AUDIT_BROKEN' });
  }
  await append({
    action: 'gateway.started',
    object: { kind: 'settings', id: fingerprint(o.settings) },
    // A file that is new although there was a trail was taken away, or the data directory is another.
    details: { checkpointFile: writer, made, environment: o.environment },
  });

  // The next one covers what this one would have.
  const failed = (thrown: unknown) => {
    o.log.error('audit checkpoint failed', { code: asGatewayError(thrown).code, stack: stackOf(thrown) });
  };
  let changes = 0;
  let running: Promise<void> = Promise.resolve();
  let cancel = () => {};
  const next = () => {
    running = running.then(() => makeCheckpoint(o, path, writer)).catch(failed);
    return running;
  };
  const tick = () => {
    cancel = o.timer(CHECKPOINT_EVERY_MS, () => void next().then(tick));
  };
  await makeCheckpoint(o, path, writer);
  tick();
  return {
    changed: () => {
      changes += 1;
      if (changes < CHECKPOINT_EVERY_CHANGES) return;
      changes = 0;
      void next();
    },
    stop: async () => {
      cancel();
      await append({ action: 'gateway.stopped' }).catch(failed);
      await next();
    },
  };

  function append(entry: Pick<AuditEntry, 'action' | 'object' | 'details'>): Promise<number> {
    return o.db.transaction().execute((tx) => appendAudit(tx, { ...entry, at: o.now(), actor: GATEWAY }));
  }
}

/** The newest start tells it; stores of before have it from their next start on. */
async function requireEnvironment(db: Database, environment: string): Promise<void> {
  const newest = await db
    .selectFrom('audit')
    .select('details')
    .where('action', '=', 'gateway.started')
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  const begun = /"environment":"([A-Z]{2,3})"/.exec(newest?.details ?? '')?.[1] ?? environment;
  if (begun !== environment)
    throw new GatewayError('CONFIG_INVALID', `environment: the store serves ${begun} and can serve no other (OPS-05)`, {
      check: 'environment',
    });
}

/** Signs the newest entry, unless that was done already. */
async function makeCheckpoint(o: AuditCheckpointOptions, path: string, writer: string): Promise<void> {
  const head = await readHead(o.db);
  const covered = await o.db
    .selectFrom('audit_checkpoints')
    .select('seq')
    .where('seq', '=', head.seq)
    .where('writer', '=', writer)
    .executeTakeFirst();
  if (head.seq === 0 || covered !== undefined) return;
  const unsigned = { seq: head.seq, writer, at: o.now(), hash: head.hash };
  const signature = Buffer.from(o.keys.sign(checkpointBytes(unsigned))).toString('base64');
  appendCheckpoint(path, { ...unsigned, signature });
  await adopt(o.db, { ...unsigned, signature });
}

/** Where the file holds what the store does not, the process ended between the two. */
async function adopt(db: Database, checkpoint: AuditCheckpoint): Promise<void> {
  await db
    .insertInto('audit_checkpoints')
    .values(checkpoint)
    .onConflict((c) => c.columns(['seq', 'writer']).doNothing())
    .execute();
}

async function agrees(db: Database, { seq, hash }: AuditCheckpoint): Promise<boolean> {
  const entry = await db.selectFrom('audit').select('hash').where('seq', '=', seq).executeTakeFirst();
  return entry?.hash === hash;
}

function openFile(
  path: string,
  { keys, now }: AuditCheckpointOptions,
): { writer: string; made: 'kept' | 'new' | 'anew'; newest?: AuditCheckpoint } {
  const found = readCheckpointFile(path);
  if (found === undefined) return { writer: makeCheckpointFile(path, keys.publicKey), made: 'new' };
  if (found.writer === null) {
    // Nothing can be added to it; it is left for whoever looks into what happened.
    renameSync(path, `${path}.unreadable-${now()}`);
    return { writer: makeCheckpointFile(path, keys.publicKey), made: 'anew' };
  }
  dropUnfinishedLine(path);
  const newest = found.checkpoints.findLast((c) => keys.verify(checkpointBytes(c), Buffer.from(c.signature, 'base64')));
  return { writer: found.writer, made: 'kept', ...(newest !== undefined && { newest }) };
}

const fingerprint = (settings: unknown) =>
  createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16);
