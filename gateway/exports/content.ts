// The document of an export, opened again while it is kept (RET-01). Whole and proven by its hash before the first byte is
// handed on: a client never gets half a document.
import { createHash } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { Vault } from '../vault/keys.ts';
import { openContent } from '../vault/seal.ts';
import type { Database } from './database.ts';
import { readContentKey } from './key-store.ts';
import type { Part } from './ordered-document.ts';
import { newestOf, PART_DONE } from './parts.ts';
import { requireSoundExport } from './row-seals-export.ts';

/** The exact bytes as accepted; without `part` those of the newest document, as the export shows it. NOT_FOUND, CONTENT_ERASED, STORE_BROKEN. */
export async function readContent(
  o: { db: Database; vault: Vault },
  { id, diga, part }: { id: string; diga: string | undefined; part?: Part | undefined },
): Promise<{ mimeType: string; content: Uint8Array; diga: string }> {
  // One transaction: what erases content in between erases all of it or nothing.
  const { row, document, chunks } = await o.db.transaction().execute(async (tx) => {
    let query = tx.selectFrom('exports').select(['diga', 'wrapped_key']).where('id', '=', id);
    if (diga !== undefined) query = query.where('diga', '=', diga);
    const found = await query.executeTakeFirst();
    if (found === undefined) throw new GatewayError('NOT_FOUND', 'there is no such export');
    const all = await tx.selectFrom('documents').selectAll().where('export_id', '=', id).execute();
    const of = part === undefined ? newestOf(all) : all.find((one) => one.part === part);
    if (of === undefined) throw new GatewayError('NOT_FOUND', 'the export has no such part');
    await requireSoundExport(tx, id);
    const sealed = await tx
      .selectFrom('sealed_chunks')
      .select(['n', 'sealed'])
      .where('export_id', '=', id)
      .where('part', '=', of.part)
      .execute();
    return { row: found, document: of, chunks: new Map(sealed.map((c) => [c.n, c.sealed])) };
  });
  // Of a part that is written while another is not, the chunks go first.
  if (row.wrapped_key === null || PART_DONE.includes(document.status))
    throw new GatewayError('CONTENT_ERASED', 'the content of this export is erased');
  const key = await readContentKey(o.db, o.vault, { id, diga: row.diga });
  const parts: Uint8Array[] = [];
  for await (const piece of openContent(key, `${id}/${document.part}`, async (n) => chunks.get(n))) parts.push(piece);
  const content = Buffer.concat(parts);
  if (createHash('sha256').update(content).digest('hex') !== document.sha256)
    throw new GatewayError('STORE_BROKEN', 'the content is not what was accepted');
  return { mimeType: document.mime_type, content, diga: row.diga };
}
