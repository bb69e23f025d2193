// Stable ids (mio-diga.md section 10): UUIDv5 (RFC 9562 section 5.5) in a namespace that is secret to the installation, so
// that readers of several exports can tell known entries and nobody can find a KVNR by trying them all.
import { hash } from 'node:crypto';

/** `namespace` is a UUID; the same namespace and name give the same UUID. */
export function uuidV5(namespace: string, name: string): string {
  return uuidUnder(bytesOf(namespace), name);
}

const bytesOf = (uuid: string) => Buffer.from(uuid.replaceAll('-', ''), 'hex');

function uuidUnder(namespace: Uint8Array, name: string): string {
  const digest = hash('sha1', Buffer.concat([namespace, Buffer.from(name, 'utf8')]), 'buffer').subarray(0, 16);
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x50;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = digest.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Names of one insured at one DiGA. `patientKey` is what the installation knows the insured by, never the bare KVNR. */
export type Identify = (name: string) => string;

export function identifier(namespace: string, digaId: string, patientKey: string): Identify {
  const bytes = bytesOf(namespace);
  return (name) => uuidUnder(bytes, JSON.stringify([digaId, patientKey, name]));
}

/** The name of what the caller calls `id`; ids are unique per kind. */
export function nameOf(kind: string, id: string): string {
  return JSON.stringify([kind, id]);
}

/** As FHIR writes them: lower case. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);
}
