// What the benchmark reads, writes and validates: a published document of 60 kB as it is, the same blown up with fresh UUIDs to
// the wanted size, and one of glucose values made by our builder. All three are valid, or nothing is measured.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FhirObject, FhirValue, Resource } from '../../mio/model.ts';
import { isObject } from '../../mio/model.ts';
import { validate } from '../../mio/validate/validate.ts';
import { readXml } from '../../mio/xml-read.ts';
import { writeXml } from '../../mio/xml-write.ts';
import { build, simple, tables } from '../support/mio-build.ts';

export type Input = {
  name: 'real' | 'large' | 'glucose';
  resource: Resource;
  xml: string;
  bytes: number;
  entries: number;
};

const REAL = 'mio/examples/real/REAL_EXAMPLE_1_KBV_PR_MIO_DIGA_Bundle.xml';
/** These stay single: what a document is about, and the app. */
const ONCE: ReadonlySet<unknown> = new Set(['Composition', 'Patient', 'Device', 'DeviceDefinition']);

export function largeInput(schemas: string, megabytes: number, newId: () => string): Input {
  return inputOf('large', blownUp(realInput(schemas).resource, megabytes * 1e6, newId));
}

export function realInput(schemas: string): Input {
  const source = readFileSync(join(schemas, REAL), 'utf8');
  return inputOf('real', readXml(Buffer.from(source), tables.core.shapes).resource, source);
}

/** `megabytes` of XML for `large` and `glucose`, `newId` gives UUIDs. */
export function benchInputs(schemas: string, megabytes: number, newId: () => string): Input[] {
  return [realInput(schemas), largeInput(schemas, megabytes, newId), inputOf('glucose', glucose(megabytes * 1e6))];
}

function inputOf(name: Input['name'], resource: Resource, xml = writeXml(resource, tables.core.shapes)): Input {
  const errors = validate(resource, tables).filter((one) => one.severity === 'error');
  if (errors.length > 0) throw new Error(`${name} is not valid: ${errors[0]?.code} at ${errors[0]?.path}`);
  return { name, resource, xml, bytes: Buffer.byteLength(xml), entries: entriesOf(resource).length };
}

function entriesOf(bundle: Resource): FhirObject[] {
  return bundle.entry as FhirObject[];
}

/** Copies of all entries but those of ONCE, each copy with its own ids, until the document has the size. */
function blownUp(bundle: Resource, bytes: number, newId: () => string): Resource {
  const copied = entriesOf(bundle).filter(({ resource }) => isObject(resource) && !ONCE.has(resource.resourceType));
  const grown = copied.map(({ resource }) => String((resource as FhirObject).id));
  const size = (entry: FhirValue[]) => Buffer.byteLength(writeXml({ ...bundle, entry }, tables.core.shapes));
  const count = Math.max(1, Math.floor(bytes / size(copied)));
  const entry: FhirValue[] = [...entriesOf(bundle)];
  const [first] = entry as FhirObject[];
  const composition = first?.resource as FhirObject;
  const sections = (composition.section as FhirObject[]).map((one) => ({
    ...one,
    entry: [...(one.entry as FhirValue[])],
  }));
  for (let copy = 1; copy < count; copy += 1) {
    const ids = new Map(grown.map((id) => [id, newId()]));
    entry.push(...copied.map((one) => withIds(one, ids)));
    for (const [index, section] of (composition.section as FhirObject[]).entries()) {
      sections[index]?.entry.push(...(section.entry as FhirValue[]).map((one) => withIds(one, ids)));
    }
  }
  entry[0] = { ...first, resource: { ...composition, section: sections } };
  return { ...bundle, entry };
}

function withIds(value: FhirValue, ids: ReadonlyMap<string, string>): FhirValue {
  if (typeof value === 'string') {
    const bare = value.startsWith('urn:uuid:') ? value.slice(9) : value;
    const id = ids.get(bare);
    return id === undefined ? value : value.slice(0, value.length - bare.length) + id;
  }
  if (Array.isArray(value)) return value.map((one) => withIds(one, ids));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, one && withIds(one, ids)]));
}

/** A value every five minutes, as a sensor gives them; what one of them takes is found out with a hundred. */
function glucose(bytes: number): Resource {
  const document = (count: number) =>
    build(
      simple(
        ...Array.from({ length: count }, (_, index) => ({
          kind: 'glucose',
          id: `g-${index}`,
          at: new Date(Date.UTC(2025, 0, 1) + index * 300_000).toISOString(),
          value: 70 + ((index * 7) % 110),
          unit: 'mg/dL',
          material: 'interstitial',
        })),
      ),
    ).bundle;
  const size = (count: number) => Buffer.byteLength(writeXml(document(count), tables.core.shapes));
  const [one, hundred] = [size(1), size(101)];
  return document(Math.max(1, Math.floor(((bytes - one) * 100) / (hundred - one))));
}
