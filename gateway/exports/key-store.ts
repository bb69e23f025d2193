// The vault's side of the store: named keys, and the data keys of exports and insured as they stand this moment (D7). While
// keys rotate a row that was read before may name a generation that is gone by now; then the row says the newer one.
import { asGatewayError, GatewayError } from '../errors.ts';
import type { Vault, WrappedKeys } from '../vault/keys.ts';
import { openValue } from '../vault/seal.ts';
import { appendAudit, GATEWAY } from './audit.ts';
import { type Checkpoint, durably } from './checkpoints.ts';
import type { Database } from './database.ts';
import type { ExportRow } from './schema.ts';

/** Where the vault keeps its named keys. */
export function wrappedKeys(db: Database, o: { now: () => number; checkpoint?: Checkpoint | undefined }): WrappedKeys {
  return {
    all: () => db.selectFrom('keys').select(['name', 'wrapped']).execute(),
    insertIfAbsent: async (name, wrapped) => {
      await db
        .insertInto('keys')
        .values({ name, wrapped })
        .onConflict((c) => c.column('name').doNothing())
        .execute();
      const row = await db.selectFrom('keys').select('wrapped').where('name', '=', name).executeTakeFirst();
      return row?.wrapped ?? wrapped;
    },
    replace: (keys) =>
      durably(db, { turn: 'rekey', checkpoint: o.checkpoint }, async (tx) => {
        for (const { name, wrapped } of keys)
          await tx.updateTable('keys').set({ wrapped }).where('name', '=', name).execute();
        const details = { wrapped: keys.length };
        const object = { kind: 'key', id: 'master' } as const;
        await appendAudit(tx, { at: o.now(), actor: GATEWAY, action: 'keys.rotated', object, details });
      }),
  };
}

/** The content key of an export. CONTENT_ERASED, STORE_BROKEN, KEYS_OUTDATED. Not inside a transaction. */
export async function readContentKey(
  db: Database,
  vault: Vault,
  of: Pick<ExportRow, 'id' | 'diga'>,
): Promise<Uint8Array> {
  const read = async () =>
    (await db.selectFrom('exports').select('wrapped_key').where('id', '=', of.id).executeTakeFirst())?.wrapped_key ??
    null;
  return openCurrent(read, (wrapped) => vault.openDataKey(of.diga, `export/${of.id}`, wrapped), {
    gone: () => new GatewayError('CONTENT_ERASED', 'the content of this export is erased'),
  });
}

/** The KVNR of an export's insured, only for locating the record and addressing the write (EXP-21). Not inside a transaction. */
export async function readKvnr(
  db: Database,
  vault: Vault,
  of: Pick<ExportRow, 'lookup_key' | 'diga'>,
): Promise<string> {
  const name = `insured/${of.lookup_key}`;
  const read = () =>
    db
      .selectFrom('insured')
      .select(['wrapped_key', 'kvnr_sealed'])
      .where('lookup_key', '=', of.lookup_key)
      .executeTakeFirst();
  let sealed: Uint8Array | null = null;
  const key = await openCurrent(
    async () => {
      const row = await read();
      sealed = row?.kvnr_sealed ?? null;
      return sealed === null ? null : (row?.wrapped_key ?? null);
    },
    (wrapped) => vault.openDataKey(of.diga, name, wrapped),
    { gone: () => new GatewayError('STORE_BROKEN', 'the insured of this export is no longer held') },
  );
  return openValue(key, name, sealed ?? new Uint8Array());
}

/** Opens what `read` answers; when it does not open and stands there otherwise by now, once more. */
async function openCurrent(
  read: () => Promise<Uint8Array | null>,
  open: (wrapped: Uint8Array) => Promise<Uint8Array>,
  o: { gone: () => GatewayError },
): Promise<Uint8Array> {
  const first = await read();
  if (first === null) throw o.gone();
  try {
    return await open(first);
  } catch (thrown) {
    if (asGatewayError(thrown).code !== 'STORE_BROKEN') throw thrown;
    const again = await read();
    if (again === null) throw o.gone();
    if (Buffer.compare(first, again) === 0) throw thrown;
    return open(again);
  }
}
