// Idempotency-Key (api.md section 2): the same key with the same body names the export that stands already, with another body
// it is refused. Scope: client and DiGA; kept as long as the export. Only MACs are stored: keys and bodies may name a
// person, and the KVNR space is small enough to try them all against a bare hash (D6).
import { GatewayError } from '../errors.ts';
import type { Vault } from '../vault/keys.ts';
import type { Queries } from './database.ts';
import { readSealedIdempotency, sealIdempotency } from './row-seals-event.ts';

export type IdempotencyKey = { keyMac: Uint8Array; bodyMac: Uint8Array };
export type IdempotencyScope = { client: string; diga: string };

/** `key` as the client sent it (1–255 characters); `body` in a form in which equal bodies are equal texts. */
export function idempotencyKey(vault: Vault, key: string, body: string): IdempotencyKey {
  return { keyMac: vault.bodyMac(`key\0${key}`), bodyMac: vault.bodyMac(`body\0${body}`) };
}

/** The export that the key names, or undefined. IDEMPOTENCY_KEY_REUSED when its body was another. */
export async function replayOf(db: Queries, scope: IdempotencyScope, key: IdempotencyKey): Promise<string | undefined> {
  const row = await readSealedIdempotency(db, { ...scope, key_mac: key.keyMac });
  if (row === undefined) return undefined;
  if (Buffer.compare(row.body_mac, key.bodyMac) !== 0)
    throw new GatewayError('IDEMPOTENCY_KEY_REUSED', 'this Idempotency-Key came with another body before');
  return row.export_id;
}

/** In the transaction that stores the export: both are durable or neither (EXP-03). */
export async function rememberKey(
  tx: Queries,
  o: IdempotencyScope & { key: IdempotencyKey; exportId: string; now: number },
): Promise<void> {
  const row = {
    client: o.client,
    diga: o.diga,
    key_mac: o.key.keyMac,
    body_mac: o.key.bodyMac,
    export_id: o.exportId,
    created_at: o.now,
  };
  await tx.insertInto('idempotency').values(row).execute();
  await sealIdempotency(tx, row);
}
