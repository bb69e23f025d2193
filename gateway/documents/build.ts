// From a content to the documents that are written (D4, D5): drafts, parts, Bundles with ids and versions, validated, as bytes.
// The same input gives the same bytes. Nothing is written where there is an error, and all of them are told.
import { randomUUID } from 'node:crypto';
import type { DigaApp } from '../../mio/build/app.ts';
import { assembleBundle } from '../../mio/build/bundle.ts';
import { type Digest, keyedDigest } from '../../mio/build/canonical.ts';
import { readSimple } from '../../mio/build/content.ts';
import type { Draft, PartMemory } from '../../mio/build/draft.ts';
import { bundleOfFhir } from '../../mio/build/fhir-bundle.ts';
import { readFhir } from '../../mio/build/fhir-content.ts';
import { draftsOfFhir } from '../../mio/build/fhir-resources.ts';
import { type Identify, identifier } from '../../mio/build/identity.ts';
import { readMemory, writeMemory } from '../../mio/build/memory.ts';
import { draftsOfSimple } from '../../mio/build/simple.ts';
import { type Finding, MioError } from '../../mio/error.ts';
import type { FhirObject, Resource } from '../../mio/model.ts';
import { measureXml, splitDrafts } from '../../mio/split.ts';
import type { ToolkitTables } from '../../mio/tables.ts';
import { validate } from '../../mio/validate/validate.ts';
import { xmlBytes } from '../../mio/xml-write.ts';
import { findingOf, otherInsured, periodOf } from './judge.ts';
import type { Toolkits } from './toolkits.ts';

export type BuildOrder = {
  version: string;
  /** Undefined: the settings do not describe it, so only finished bundles can be built. */
  app: DigaApp | undefined;
  kvnr: string | undefined;
  /** What ids are made of (D6). */
  ids: { namespace: string; diga: string; patientKey: string };
  digestKey: Uint8Array;
  now: number;
  documentBytes: number;
  /** Of the body that the content stands in. */
  bodyBytes?: number | undefined;
  /** Documents of before, by part. */
  before: readonly Before<Uint8Array>[];
};

/**
 * Of a document that was not built here only the version is known. Memories come and go as the text that is stored, in UTF-8: of
 * a large document that is a hundred thousand resources, and whoever asks for the work only hands them on.
 */
type Before<Memory> = { part: string } & ({ memory: Memory } | { version: number });

/** `memory`: none of a finished bundle. */
export type BuiltPart = {
  part: string;
  bytes: Uint8Array;
  memory: Uint8Array | undefined;
  period: { start: string; end: string } | undefined;
};

/**
 * `parts` in the order in which they are written (D4); empty where there is an error. Pointers are below the content. `broken`: a
 * memory is not what was given.
 */
export type Built = { findings: Finding[]; parts: BuiltPart[]; broken?: true };

type Making = {
  order: BuildOrder;
  before: readonly Before<PartMemory>[];
  tables: ToolkitTables;
  identify: Identify;
  digest: Digest;
  now: string;
  uuid: () => string;
  findings: Finding[];
};

/** `uuid`: a new one each time. */
export function buildDocuments(
  content: FhirObject,
  order: BuildOrder,
  { toolkits, uuid = randomUUID }: { toolkits: Toolkits; uuid?: () => string },
): Built {
  const before = readBefore(order.before);
  if (before === undefined) return { findings: [], parts: [], broken: true };
  const making: Making = {
    order,
    before,
    tables: toolkits.tables(order.version),
    identify: identifier(order.ids.namespace, order.ids.diga, order.ids.patientKey),
    digest: keyedDigest(order.digestKey),
    now: new Date(order.now).toISOString(),
    uuid,
    findings: [],
  };
  const parts = partsOf(content, making);
  const { findings } = making;
  return findings.some(isError) ? { findings, parts: [] } : { findings, parts };
}

function partsOf(content: FhirObject, making: Making): BuiltPart[] {
  const { tables, order, identify, findings } = making;
  const insured = { kvnr: order.kvnr };
  const finished = content.mode === 'fhir' ? readFhir(content, tables) : undefined;
  if (finished?.content !== undefined && 'bundle' in finished.content) {
    const made = bundleOfFhir(finished.content.bundle, { tables, identify });
    findings.push(...made.findings);
    return made.bundle === undefined ? [] : finishedPart(made.bundle, making);
  }
  if (order.app === undefined) {
    findings.push(APP_MISSING);
    return [];
  }
  if (finished !== undefined) {
    findings.push(...finished.findings);
    return finished.content === undefined
      ? []
      : splitParts(draftsOfFhir(finished.content, { tables, app: order.app, insured, identify }), making, true);
  }
  const simple = readSimple(content, tables);
  findings.push(...simple.findings);
  return simple.content === undefined
    ? []
    : splitParts(draftsOfSimple(simple.content, { tables, app: order.app, insured, identify }), making, false);
}

/** A finished document of the caller: written as it is. */
function finishedPart(bundle: Resource, making: Making): BuiltPart[] {
  const findings = [...validate(bundle, making.tables), ...kvnrFaults(bundle, making.order)];
  making.findings.push(...findings.map((one) => ({ ...one, pointer: `/bundle${one.pointer ?? ''}` })));
  const bytes = bytesOf(bundle, making, () => '/bundle');
  return bytes === undefined ? [] : [{ part: '', bytes, memory: undefined, period: periodOf(bundle) }];
}

/**
 * Far more than what we say ourselves in a resource, and than what of a caller's byte is said in it, escaped and several times. Were
 * it too little, the document would be refused by its size and not divided.
 */
const DRAFT_AT_MOST = 32_768;
const BYTE_AT_MOST = 40;

type Drafts = { drafts: Draft[]; period: { start: string; end: string } | undefined; findings: Finding[] };

/** `exact`: what is wrong in a resource is wrong at the same place of what the caller gave. */
function splitParts({ drafts, period, findings: made }: Drafts, making: Making, exact: boolean): BuiltPart[] {
  const { order, before, tables, now, findings, identify, digest } = making;
  findings.push(...made.map(named));
  if (made.some(isError)) return [];
  const split = splitDrafts(drafts, {
    limit: order.documentBytes,
    atMost: order.bodyBytes === undefined ? undefined : drafts.length * DRAFT_AT_MOST + order.bodyBytes * BYTE_AT_MOST,
    measure: measureXml(tables.core.shapes),
    before: before.map((one) => ({
      ...('memory' in one && one.memory),
      name: one.part === '' ? null : one.part,
    })),
    period,
    now,
  });
  findings.push(...split.findings);
  const parts: BuiltPart[] = [];
  for (const part of split.parts()) {
    const name = part.name ?? '';
    const { bundle, memory, sources } = assembleBundle({
      part,
      tables,
      memory: memoryOf(before, name),
      elsewhere: before.flatMap((one) => (one.part !== name && 'memory' in one ? [one.memory] : [])),
      bundleId: making.uuid(),
      now,
      identify,
      digest,
    });
    const source = (finding: Finding) => sourceOf(finding, { sources, exact });
    const judged = [...validate(bundle, tables), ...kvnrFaults(bundle, order)];
    findings.push(...judged.map((one) => ({ ...one, pointer: source(one) })));
    const bytes = bytesOf(bundle, making, source);
    if (bytes === undefined) continue;
    parts.push({ part: name, bytes, memory: Buffer.from(writeMemory(memory)), period: memory.period });
  }
  return parts;
}

/** Undefined, and why, for what cannot be written. */
function bytesOf(bundle: Resource, making: Making, source: (finding: Finding) => string): Uint8Array | undefined {
  const { findings, order, tables } = making;
  if (findings.some(isError)) return undefined;
  try {
    const bytes = xmlBytes(bundle, tables.core.shapes);
    if (bytes.length > order.documentBytes) findings.push(tooLarge(order.documentBytes));
    return bytes;
  } catch (thrown) {
    const finding = findingOf(thrown);
    findings.push({ ...finding, pointer: source(finding) });
    return undefined;
  }
}

const kvnrFaults = (bundle: Resource, { kvnr }: BuildOrder) => (kvnr === undefined ? [] : otherInsured(bundle, kvnr));

const APP_MISSING: Finding = {
  severity: 'error',
  code: 'APP_NOT_CONFIGURED',
  path: 'mode',
  pointer: '/mode',
  message: 'needs the app block in the settings of the DiGA',
};

const tooLarge = (limit: number): Finding => ({
  severity: 'error',
  code: 'MIO_DOCUMENT_TOO_LARGE',
  path: 'Bundle',
  pointer: '',
  message: `a document has more than ${limit} bytes`,
});

const isError = ({ severity }: Finding) => severity === 'error';

/** The API has one name for it, whatever kind of document names another insured. */
const named = (finding: Finding): Finding =>
  finding.code === 'KVNR_DIFFERS' ? { ...finding, code: 'KVNR_MISMATCH' } : finding;

/** Undefined when one of them is broken. */
function readBefore(before: BuildOrder['before']): Before<PartMemory>[] | undefined {
  try {
    return before.map((one) =>
      'memory' in one ? { part: one.part, memory: readMemory(Buffer.from(one.memory).toString('utf8')) } : one,
    );
  } catch (thrown) {
    if (thrown instanceof MioError) return undefined;
    throw thrown;
  }
}

function memoryOf(before: Making['before'], part: string): PartMemory | undefined {
  const one = before.find((other) => other.part === part);
  if (one === undefined) return undefined;
  if ('memory' in one) return one.memory;
  const { version } = one;
  return { version, bundleId: '', timestamp: '', period: { start: '', end: '' }, digest: '', resources: {} };
}

/** A finding about a document points to what the caller gave. */
function sourceOf(finding: Finding, o: { sources: readonly (string | undefined)[]; exact: boolean }): string {
  const entry = /^Bundle\.entry\[(\d+)\]/.exec(finding.path)?.[1];
  const source = entry === undefined ? undefined : o.sources[Number(entry)];
  if (source === undefined) return '';
  const [, below = ''] = /^\/entry\/\d+\/resource(\/.*)$/.exec(finding.pointer ?? '') ?? [];
  return o.exact && source.startsWith('/resources/') ? source + below : source;
}
