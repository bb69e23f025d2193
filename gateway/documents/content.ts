// A JSON body whose `content` documents are built of (mio-diga.md section 13): read so that numbers keep their spelling, and
// checked against the schema of its mode. Only the rest of the body goes on; the content is read again when it is built.
import { createHash } from 'node:crypto';
import { readSimple } from '../../mio/build/content.ts';
import { readFhir } from '../../mio/build/fhir-content.ts';
import type { Finding } from '../../mio/error.ts';
import { type JsonResult, readJson, writeJson } from '../../mio/json.ts';
import { type FhirObject, type FhirValue, isObject } from '../../mio/model.ts';
import { findingOf } from './judge.ts';
import type { Toolkits } from './toolkits.ts';

/** Modes whose documents are built here. */
export const BUILT_MODES = ['simple', 'fhir'] as const;
export type BuiltMode = (typeof BUILT_MODES)[number];

export type OpenOrder = {
  bytes: Uint8Array;
  /** The DiGA of a body that names none; null: it must. */
  diga: string | null;
  /** Versions of the toolkit by DiGA (D25); a content for a DiGA that is not among them is checked against the default. */
  versions: Readonly<Record<string, readonly string[]>>;
  defaultVersion: string;
};

export type Opened = { unreadable: Finding } | OpenedBody;

/** `value`: the body with nothing of a content that is built but `mode` and `mioVersion`. */
export type OpenedBody = { value: unknown; content: OpenedContent | undefined };

export type OpenedContent = {
  mode: BuiltMode;
  version: string;
  /** Of the canonical form: the same for the same content. */
  sha256: string;
  /** Faults against the schema; pointers below the content. */
  findings: Finding[];
};

/** Never throws for what somebody wrote. */
export function openBody(order: OpenOrder, toolkits: Toolkits): Opened {
  let read: JsonResult;
  try {
    read = readJson(order.bytes, { maxBytes: order.bytes.length });
  } catch (thrown) {
    return { unreadable: findingOf(thrown) };
  }
  return openRead(read, order, toolkits);
}

export function openRead(read: JsonResult, order: Omit<OpenOrder, 'bytes'>, toolkits: Toolkits): OpenedBody {
  const { value } = read;
  const content = isObject(value) && isObject(value.content) ? value.content : undefined;
  if (!isObject(value) || content === undefined || !isBuilt(content)) return { value, content: undefined };
  const { mode, mioVersion } = content;
  const rest = { ...value, content: { mode, ...(mioVersion !== undefined && { mioVersion }) } };
  const diga = typeof value.diga === 'string' ? value.diga : (order.diga ?? '');
  const allowed = order.versions[diga] ?? [order.defaultVersion];
  const version = allowed.find((one) => one === mioVersion) ?? allowed[0] ?? order.defaultVersion;
  // Another version is a fault of its own; the rest is checked against the default, so that all is told at once.
  const other = typeof mioVersion === 'string' && mioVersion !== version;
  const findings = checkContent(other ? { ...content, mioVersion: undefined } : content, toolkits, version);
  if (other) findings.unshift(unknownVersion(allowed));
  const told = new Set(findings.map(({ pointer, code }) => `${pointer} ${code}`));
  for (const one of read.findings) {
    const pointer = one.pointer ?? '';
    const inside = pointer.slice('/content'.length);
    if (pointer.startsWith('/content/') && !told.has(`${inside} ${one.code}`))
      findings.push({ ...one, path: one.path.replace(/^content\./, ''), pointer: inside });
  }
  return { value: rest, content: { mode, version, sha256: hashOf(content), findings } };
}

/** The versions of the toolkit are the DiGA's by its settings (D25); pointer below the content. */
export function unknownVersion(allowed: readonly string[]): Finding & { pointer: string } {
  const message = `is none of the versions of the MIO DiGA Toolkit that this DiGA may use: ${allowed.join(', ')}`;
  return { severity: 'error', code: 'MIO_VERSION_UNKNOWN', path: 'mioVersion', pointer: '/mioVersion', message };
}

/** The content of a body that `openBody` has let through. */
export function contentOf(bytes: Uint8Array): FhirObject {
  const { value } = readJson(bytes, { maxBytes: bytes.length });
  return isObject(value) && isObject(value.content) ? value.content : {};
}

/** Every fault of a content against its schema. */
export function checkContent(content: FhirObject, toolkits: Toolkits, version: string): Finding[] {
  const tables = toolkits.tables(version);
  return (content.mode === 'fhir' ? readFhir(content, tables) : readSimple(content, tables)).findings;
}

function isBuilt(content: FhirObject): content is FhirObject & { mode: BuiltMode } {
  return BUILT_MODES.some((mode) => mode === content.mode);
}

function hashOf(content: FhirObject): string {
  return createHash('sha256')
    .update(writeJson(sorted(content)))
    .digest('hex');
}

function sorted(value: FhirValue | undefined): FhirValue | undefined {
  if (Array.isArray(value)) return value.map((one) => sorted(one) ?? null);
  if (!isObject(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, sorted(value[name])]));
}
