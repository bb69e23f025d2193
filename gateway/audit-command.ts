// `epa-gateway audit verify` (api.md section 1, D9): beside a gateway or without one, it only reads: the store of the settings,
// the checkpoint file of the data directory and the master key that opens the key of the checkpoints.
import type { Settings } from './config.ts';
import { GatewayError } from './errors.ts';
import { checkpointFileIn, readCheckpointFile } from './exports/audit-checkpoint-file.ts';
import { type AuditReport, verifyAudit } from './exports/audit-verify.ts';
import { openStoreToRead } from './exports/store.ts';
import { openAuditKeys, readMasterKey } from './vault/keys.ts';

/** STORE_BROKEN, CONFIG_INVALID: could not be verified at all. */
export async function verifyStoredAudit(settings: Settings): Promise<AuditReport> {
  const db = await openStoreToRead(settings.dataDirectory, settings.store.postgres);
  try {
    const key = await db.selectFrom('keys').select('wrapped').where('name', '=', 'audit').executeTakeFirst();
    const keys = key === undefined ? undefined : openWithEither(settings, key.wrapped);
    return await verifyAudit({ db, keys, file: readCheckpointFile(checkpointFileIn(settings.dataDirectory)) });
  } catch (thrown) {
    if (thrown instanceof GatewayError) throw thrown;
    throw new GatewayError('STORE_BROKEN', 'the audit trail cannot be read', { cause: thrown });
  } finally {
    await db.destroy();
  }
}

/** A gateway that has not been started with its new master key yet has wrapped under the one of before. */
function openWithEither({ masterKeyFile, previousMasterKeyFile }: Settings, wrapped: Uint8Array) {
  try {
    return openAuditKeys(readMasterKey(masterKeyFile), wrapped);
  } catch (thrown) {
    if (previousMasterKeyFile === undefined) throw thrown;
    return openAuditKeys(readMasterKey(previousMasterKeyFile), wrapped);
  }
}

/** For people: what is right, what is not, and where to begin. */
export function auditReportText(report: AuditReport): string {
  const { entries, head, covered, checkpoints, publicKey, findings } = report;
  const lines = [
    `${entries} entries, newest ${head.seq} with hash ${head.hash}`,
    `${checkpoints.store} checkpoints in the store, ${checkpoints.file} in the file; they vouch for entries up to ${covered}`,
    ...findings.map(({ check, message }) => `  ${check}: ${message}`),
    ...(publicKey === null ? [] : [`public key of the checkpoints:\n${publicKey.trim()}`]),
    report.ok ? 'ok: the audit trail is whole' : `BROKEN: first at entry ${report.firstBroken}`,
  ];
  return `${lines.join('\n')}\n`;
}
