// What is remembered of a part (draft.ts), as text for a store, and read back strictly: it comes from outside the process.
// Ids and digests cannot be compressed, so they stand as bytes: 16 each, then the number of a version and of a time, sorted by id.
// About 46 bytes of text a resource.
import { z } from 'zod';
import { MioError } from '../error.ts';
import type { PartMemory, ResourceMemory } from './draft.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const DATE_TIME = /^\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))?)?)?$/;
const DAY = /^\d{4}-\d\d-\d\d$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const DIGEST = /^[A-Za-z0-9_-]{22}$/;

/** Id, digest and two numbers below 2^53 at seven bits a byte. */
const MAX_ENTRY = 16 + 16 + 8 + 8;

const VERSION = z.int().positive();
const FORM = z.strictObject({
  format: z.literal(1),
  version: VERSION,
  bundleId: z.string().regex(UUID),
  timestamp: z.string().regex(INSTANT),
  period: z.strictObject({ start: z.string().regex(DATE_TIME), end: z.string().regex(DATE_TIME) }),
  stretch: z.strictObject({ first: z.string().regex(DAY), last: z.string().regex(DAY) }).optional(),
  digest: z.string().regex(DIGEST),
  times: z.array(z.string().regex(INSTANT)),
  resources: z.string().regex(BASE64),
});

/** The same memory always gives the same text. MioError MIO_MEMORY_BROKEN for an id or digest that is none of ours. */
export function writeMemory(memory: PartMemory): string {
  const { version, bundleId, timestamp, period, stretch, digest } = memory;
  const entries = Object.entries(memory.resources).sort(([a], [b]) => (a < b ? -1 : 1));
  const times = [...new Set(entries.map(([, one]) => one.lastUpdated))].sort();
  const places = new Map(times.map((time, place) => [time, place]));
  const bytes = Buffer.alloc(entries.length * MAX_ENTRY);
  let end = 0;
  for (const [id, one] of entries) {
    if (!UUID.test(id) || !DIGEST.test(one.digest)) throw broken();
    end += bytes.write(id.replaceAll('-', ''), end, 'hex');
    end += bytes.write(one.digest, end, 'base64url');
    end = putNumber(bytes, end, one.version);
    end = putNumber(bytes, end, places.get(one.lastUpdated) ?? 0);
  }
  const resources = bytes.toString('base64', 0, end);
  return JSON.stringify({
    format: 1,
    version,
    bundleId,
    timestamp,
    period: { start: period.start, end: period.end },
    ...(stretch && { stretch: { first: stretch.first, last: stretch.last } }),
    digest,
    times,
    resources,
  });
}

/** MioError MIO_MEMORY_BROKEN for anything that `writeMemory` would not have written. */
export function readMemory(text: string): PartMemory {
  const read = FORM.safeParse(parse(text));
  if (!read.success) throw broken();
  const { format: _, times, resources: packed, ...rest } = read.data;
  const memory = { ...rest, resources: unpack(Buffer.from(packed, 'base64'), times) };
  if (writeMemory(memory) !== text) throw broken();
  return memory;
}

function unpack(bytes: Buffer, times: readonly string[]): Record<string, ResourceMemory> {
  const resources: Record<string, ResourceMemory> = {};
  for (let at = 0; at < bytes.length; ) {
    const id = bytes.toString('hex', at, at + 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    const digest = bytes.toString('base64url', at + 16, at + 32);
    const version = takeNumber(bytes, at + 32);
    const time = takeNumber(bytes, version.next);
    const lastUpdated = times[time.value];
    if (lastUpdated === undefined || version.value < 1) throw broken();
    resources[id] = { version: version.value, lastUpdated, digest };
    at = time.next;
  }
  return resources;
}

/** Seven bits a byte, lowest first; the eighth says that another follows. */
function putNumber(bytes: Buffer, start: number, value: number): number {
  let [rest, at] = [value, start];
  for (; rest > 127; rest = Math.floor(rest / 128)) at = bytes.writeUInt8((rest % 128) + 128, at);
  return bytes.writeUInt8(rest, at);
}

function takeNumber(bytes: Buffer, start: number): { value: number; next: number } {
  let value = 0;
  for (let at = start, scale = 1; scale <= Number.MAX_SAFE_INTEGER; at += 1, scale *= 128) {
    const byte = bytes[at];
    if (byte === undefined) throw broken();
    value += (byte % 128) * scale;
    if (byte < 128) return { value, next: at + 1 };
  }
  throw broken();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw broken();
  }
}

function broken(): MioError {
  return new MioError('MIO_MEMORY_BROKEN', 'what was remembered of a document cannot be read');
}
