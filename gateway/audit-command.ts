// `epa-gateway audit verify` (api.md section 1, D9): beside a gateway or without one, it only reads: the store of the settings,
// the checkpoint file of the data directory and the master key that opens the keys of checkpoints and row seals.
import type { Settings } from './config.ts';
import { GatewayError } from './errors.ts';
import { checkpointFileIn, readCheckpointFile } from './exports/audit-checkpoint-file.ts';
import { type AuditReport, verifyAudit } from './exports/audit-verify.ts';
import type { Database } from './exports/database.ts';
import { type RowReport, verifyRows } from './exports/row-audit.ts';
import { withRowSeals } from './exports/row-seals.ts';
import { openStoreToRead } from './exports/store.ts';
import { openAuditKeys, openRowMac, readMasterKey } from './vault/keys.ts';

export type StoredAudit = AuditReport & {
  /** The rows of exports, series, insured, idempotency keys and events against their seals (row-audit.ts). */
  rows: RowReport;
};

/** STORE_BROKEN, CONFIG_INVALID: could not be verified at all. */
export async function verifyStoredAudit(settings: Settings): Promise<StoredAudit> {
  const db = await openStoreToRead(settings.dataDirectory, settings.store.postgres);
  try {
    const held = await db.selectFrom('keys').selectAll().where('name', 'in', ['audit', 'rows']).execute();
    const open = <Key>(name: string, using: (masterKey: Uint8Array, wrapped: Uint8Array) => Key): Key | undefined => {
      const key = held.find((one) => one.name === name);
      return key === undefined ? undefined : openWithEither(settings, (masterKey) => using(masterKey, key.wrapped));
    };
    const keys = open('audit', openAuditKeys);
    const mac = open('rows', openRowMac);
    const file = readCheckpointFile(checkpointFileIn(settings.dataDirectory));
    const report = await verifyAudit({ db, keys, file });
    const rows = mac === undefined ? { rows: 0, findings: [] } : await verifyAsOfNow(db, mac);
    return { ...report, ok: report.ok && rows.findings.length === 0, rows };
  } catch (thrown) {
    if (thrown instanceof GatewayError) throw thrown;
    throw new GatewayError('STORE_BROKEN', 'the audit trail cannot be read', { cause: thrown });
  } finally {
    await db.destroy();
  }
}

/** In one snapshot: a gateway may change row and seal between two readings. */
function verifyAsOfNow(db: Database, mac: (text: string) => Uint8Array): Promise<RowReport> {
  const sealed = withRowSeals(db, { mac, broken: () => {} });
  return sealed.transaction().setIsolationLevel('repeatable read').execute(verifyRows);
}

/** A gateway that has not been started with its new master key yet has wrapped under the one of before. */
function openWithEither<Key>({ masterKeyFile, previousMasterKeyFile }: Settings, open: (masterKey: Uint8Array) => Key) {
  try {
    return open(readMasterKey(masterKeyFile));
  } catch (thrown) {
    if (previousMasterKeyFile === undefined) throw thrown;
    return open(readMasterKey(previousMasterKeyFile));
  }
}

/** For people: what is right, what is not, and where to begin. */
export function auditReportText(report: StoredAudit): string {
  const { entries, head, covered, checkpoints, publicKey, findings, rows } = report;
  const places = [
    ...(report.firstBroken === null ? [] : [`first at entry ${report.firstBroken}`]),
    ...(rows.findings.length === 0 ? [] : [`${rows.findings.length} rows`]),
  ];
  const lines = [
    `${entries} entries, newest ${head.seq} with hash ${head.hash}`,
    `${checkpoints.store} checkpoints in the store, ${checkpoints.file} in the file; they vouch for entries up to ${covered}`,
    ...findings.map(({ check, message }) => `  ${check}: ${message}`),
    `${rows.rows} rows of exports, series, insured, idempotency keys and events against their seals`,
    ...rows.findings.map(({ kind, key }) => `  row: ${kind} ${key} is not what the gateway wrote`),
    ...(publicKey === null ? [] : [`public key of the checkpoints:\n${publicKey.trim()}`]),
    report.ok ? 'ok: the audit trail is whole' : `BROKEN: ${places.join(', ')}`,
  ];
  return `${lines.join('\n')}\n`;
}
