// The rules of a document as a whole (mio-diga.md section 4, hl7.org/fhir/R4/documents.html): addresses of entries, what
// references lead to, the Composition first, and that everything is reached from it.
import type { Definition } from '../definition.ts';
import { type FhirObject, isObject } from '../model.ts';
import type { ToolkitTables } from '../tables.ts';
import { declaredProfile } from './profile.ts';
import type { Trail } from './trail.ts';

const UUID = /^urn:uuid:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/i;

export type BundleEntry = {
  index: number;
  resource: FhirObject;
  profile: Definition | undefined;
  /** Entries that it refers to. */
  leadsTo: Set<BundleEntry>;
};

export type BundleIndex = {
  entries: readonly BundleEntry[];
  byAddress: ReadonlyMap<string, BundleEntry>;
  byResource: ReadonlyMap<FhirObject, BundleEntry>;
  /** Questionnaires by their url: responses name them by it. */
  byUrl: ReadonlyMap<string, BundleEntry>;
};

export function indexOf(bundle: FhirObject, tables: ToolkitTables): BundleIndex {
  const entries: BundleEntry[] = [];
  const byAddress = new Map<string, BundleEntry>();
  const byResource = new Map<FhirObject, BundleEntry>();
  const byUrl = new Map<string, BundleEntry>();
  (Array.isArray(bundle.entry) ? bundle.entry : []).forEach((one, index) => {
    if (!isObject(one) || !isObject(one.resource)) return;
    const { resource } = one;
    const entry = {
      index,
      resource,
      profile: declaredProfile(resource, tables),
      leadsTo: new Set<BundleEntry>(),
    };
    entries.push(entry);
    byResource.set(resource, entry);
    if (typeof one.fullUrl === 'string' && !byAddress.has(one.fullUrl)) byAddress.set(one.fullUrl, entry);
    if (resource.resourceType === 'Questionnaire' && typeof resource.url === 'string') byUrl.set(resource.url, entry);
  });
  return { entries, byAddress, byResource, byUrl };
}

/** fullUrl and order of the entries. That they are there at all is said by the profile. */
export function checkEntries(trail: Trail, bundle: FhirObject): void {
  const seen = new Set<string>();
  const list = Array.isArray(bundle.entry) ? bundle.entry : [];
  list.forEach((entry, index) => {
    if (!isObject(entry) || typeof entry.fullUrl !== 'string') return;
    const place = ['entry', index, 'fullUrl'];
    const uuid = UUID.exec(entry.fullUrl)?.[1];
    if (uuid === undefined) trail.error('MIO_FULLURL', 'must be urn:uuid: and a UUID', ...place);
    // bdl-7; for a document one version of each resource.
    else if (seen.has(entry.fullUrl)) trail.error('MIO_FULLURL', 'used by an entry before (bdl-7)', ...place);
    else if (isObject(entry.resource) && entry.resource.id !== uuid) {
      // FHIR lets a resource go without id beside its address; section 4 asks for it, and one that differs misleads.
      const severity = entry.resource.id === undefined ? 'warning' : 'error';
      trail.report({
        severity,
        code: 'MIO_FULLURL',
        message: 'must be the id of its resource after urn:uuid:',
        below: [...place],
      });
    }
    seen.add(entry.fullUrl);
  });
  const first = list[0];
  if (isObject(first) && isObject(first.resource) && first.resource.resourceType !== 'Composition')
    trail.error('MIO_COMPOSITION_FIRST', 'the first entry must be the Composition (bdl-11)', 'entry', 0, 'resource');
}

/**
 * What nothing leads to from the Composition. Nothing leads to a Provenance: it stands beside what it names, and one that names
 * something reached leads to the rest (KBV's real example 1 has an observation that only its Provenance names). Only a
 * warning, for a reader of the document can still find the entry.
 */
export function checkReach(trail: Trail, { entries }: BundleIndex): void {
  const beside = new Map<BundleEntry, BundleEntry[]>();
  for (const entry of entries) {
    if (entry.resource.resourceType !== 'Provenance') continue;
    for (const named of entry.leadsTo) {
      const known = beside.get(named);
      if (known === undefined) beside.set(named, [entry]);
      else known.push(entry);
    }
  }
  const reached = new Set<BundleEntry>();
  const open = entries.filter((one) => one.resource.resourceType === 'Composition');
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    if (reached.has(entry)) continue;
    reached.add(entry);
    for (const next of entry.leadsTo) open.push(next);
    for (const next of beside.get(entry) ?? []) open.push(next);
    beside.delete(entry);
  }
  // Without a Composition that is said once, not of every entry.
  if (reached.size === 0) return;
  for (const entry of entries) {
    if (reached.has(entry)) continue;
    const message = 'nothing leads from the Composition to this entry';
    trail.report({ severity: 'warning', code: 'MIO_UNREACHABLE', message, below: ['entry', entry.index] });
  }
}
