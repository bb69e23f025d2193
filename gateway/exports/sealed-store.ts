// The store as the gateway works with it: with the seals of its rows, every one of them there (row-seals.ts), and whoever meets a
// broken row tells log and metrics.
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Vault } from '../vault/keys.ts';
import type { Database } from './database.ts';
import { sealRowsOfBefore } from './row-audit.ts';
import { withRowSeals } from './row-seals.ts';

/** STORE_BROKEN when the seals of a store that had them are gone. */
export async function openSealed(
  store: Database,
  o: { vault: Vault; metrics: Metrics; log: Logger; now: () => number },
): Promise<Database> {
  const db = withRowSeals(store, {
    mac: o.vault.rowMac,
    broken: (kind, id) => {
      o.metrics.storeBroken(kind);
      o.log.error('store broken', { code: 'STORE_BROKEN', name: kind, ...(id !== '' && { export: id }) });
    },
  });
  const rows = await sealRowsOfBefore(db, o.now());
  if (rows > 0) o.log.info('rows sealed', { count: rows });
  return db;
}
