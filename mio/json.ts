// JSON as FHIR needs it (RFC 8259, hl7.org/fhir/R4/json.html): numbers keep their spelling, a name may stand once in an object,
// and characters that XML cannot carry are found here, where the caller's pointer to them is known. Strict, within limits.
import { isUtf8 } from 'node:buffer';
import type { Finding } from './error.ts';
import { JsonReader } from './json-read.ts';
import { notUtf8 } from './json-token.ts';
import { Decimal, type FhirValue } from './model.ts';

/** A body of the REST API may have 32 MiB (api.md section 2); nothing of the toolkit is nested this deep. */
export type JsonLimits = { maxBytes?: number; maxDepth?: number };
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_DEPTH = 100;

export type JsonResult = { value: FhirValue; findings: Finding[] };

/** MioError JSON_ENCODING, JSON_MALFORMED, JSON_REPEATED, JSON_DEPTH, MIO_TOO_LARGE, with a pointer where there is one. */
export function readJson(input: Uint8Array | string, limits: JsonLimits = {}): JsonResult {
  if (typeof input === 'string' && !input.isWellFormed()) throw notUtf8();
  const bytes = typeof input === 'string' ? Buffer.from(input) : input;
  const reader = readerOf(limits);
  // First: what is no text at all is told as that, wherever else it is broken.
  if (bytes.length <= (limits.maxBytes ?? MAX_BYTES) && !isUtf8(bytes)) throw notUtf8();
  reader.write(bytes);
  return { value: reader.end(), findings: reader.findings };
}

/** As readJson, from a stream: never more of the text in memory than one piece and one value. */
export async function readJsonStream(chunks: AsyncIterable<Uint8Array>, limits: JsonLimits = {}): Promise<JsonResult> {
  const reader = readerOf(limits);
  for await (const chunk of chunks) reader.write(chunk);
  return { value: reader.end(), findings: reader.findings };
}

function readerOf(limits: JsonLimits): JsonReader {
  return new JsonReader(limits.maxBytes ?? MAX_BYTES, limits.maxDepth ?? MAX_DEPTH);
}

/** Compact JSON with numbers as they are spelled. */
export function writeJson(value: FhirValue | undefined): string {
  if (value instanceof Decimal) return value.text;
  if (Array.isArray(value)) return `[${value.map((one) => writeJson(one)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${writeJson(one)}`).join(',')}}`;
}
