// The chain of the audit trail (SEC-09): each entry's hash covers every member of it and the hash before, so that no entry can
// be changed, taken out, put in or moved without every later hash telling.
import { createHash } from 'node:crypto';
import type { AuditRow } from './schema.ts';

/** What stands before the first entry. */
export const GENESIS = '0'.repeat(64);

/** In the order in which they are hashed; `hash` itself is what comes out. */
const MEMBERS = [
  'seq',
  'at',
  'actor_kind',
  'actor',
  'action',
  'object_kind',
  'object',
  'diga',
  'result',
  'request_id',
  'details',
] as const satisfies readonly Exclude<keyof AuditRow, 'hash'>[];

/** SHA-256, hexadecimal, over a label, each member with its length before it (so that no two entries are the same bytes), and `before`. */
export function entryHash(row: Omit<AuditRow, 'hash'>, before: string): string {
  const hash = createHash('sha256').update('epa-gateway audit v1\0');
  for (const member of MEMBERS) {
    const value = row[member];
    const bytes = value === null ? undefined : Buffer.from(String(value), 'utf8');
    const length = Buffer.alloc(4);
    // No text is as long as this: absent and empty differ.
    length.writeUInt32BE(bytes === undefined ? 0xff_ff_ff_ff : bytes.length);
    hash.update(length);
    if (bytes !== undefined) hash.update(bytes);
  }
  return hash.update(Buffer.from(before, 'hex')).digest('hex');
}
