// References (hl7.org/fhir/R4/references.html): inside a document each leads to an entry by its fullUrl, of a kind that the
// profile allows. A lone resource leads out of itself: that is only a warning (D26).
import { type FhirObject, type FhirValue, isObject } from '../model.ts';
import type { ToolkitTables } from '../tables.ts';
import type { BundleEntry, BundleIndex } from './bundle.ts';
import type { Trail } from './trail.ts';

export type ReferenceScope = {
  trail: Trail;
  tables: ToolkitTables;
  /** Undefined for a lone resource. */
  index: BundleIndex | undefined;
  /** Ids of the contained resources of each, once they were asked for. */
  contained: Map<FhirObject, ReadonlySet<FhirValue | undefined>>;
  /** Whether a resource satisfies a profile that it does not name. */
  satisfies: (resource: FhirObject, profile: string) => boolean;
};

/** From where, and what. `root` is the resource that contained ones belong to. */
export type ReferenceUse = {
  from: BundleEntry | undefined;
  root: FhirObject;
  value: FhirObject;
  targets: ReadonlySet<string> | undefined;
};

export function checkReference(scope: ReferenceScope, use: ReferenceUse): void {
  const { trail, index } = scope;
  const { reference } = use.value;
  if (typeof reference !== 'string' || reference === '') return;
  if (reference.startsWith('#')) {
    checkContained(scope, use, reference.slice(1));
    return;
  }
  const target = index?.byAddress.get(reference);
  if (target !== undefined) {
    use.from?.leadsTo.add(target);
    checkTarget(scope, use, target);
  } else if (index === undefined) {
    const message = 'leads out of the resource, which stands alone here';
    trail.report({ severity: 'warning', code: 'MIO_REFERENCE_DANGLING', message, below: ['reference'] });
  } else if (/^[a-z][a-z0-9+.-]*:/i.test(reference)) {
    trail.error('MIO_REFERENCE_DANGLING', 'no entry has this fullUrl', 'reference');
  } else {
    trail.error('MIO_REFERENCE_RELATIVE', 'must be the fullUrl of an entry (urn:uuid:…)', 'reference');
  }
}

function checkContained({ trail, contained: known }: ReferenceScope, { root }: ReferenceUse, id: string): void {
  const contained = Array.isArray(root.contained) ? root.contained : [];
  const ids = known.get(root) ?? new Set(contained.map((one) => (isObject(one) ? one.id : undefined)));
  known.set(root, ids);
  if (id === '' || ids.has(id)) return;
  trail.error('MIO_REFERENCE_DANGLING', 'no contained resource has this id (ref-1)', 'reference');
}

function checkTarget(
  { trail, tables, satisfies }: ReferenceScope,
  { targets }: ReferenceUse,
  target: BundleEntry,
): void {
  if (targets === undefined || targets.has('Resource')) return;
  const { resource, profile } = target;
  if (typeof resource.resourceType === 'string' && targets.has(resource.resourceType)) return;
  for (let name = profile?.name; name !== undefined; name = tables.definition(name)?.base) {
    if (targets.has(name)) return;
  }
  for (const name of targets) {
    const wanted = tables.definition(name);
    if (wanted?.type !== resource.resourceType) continue;
    // Its own profile is unknown, which is a finding already; or the profile is one that nobody names in meta.profile.
    if (profile === undefined || (name.startsWith('KBV_PR_Base_') && satisfies(resource, name))) return;
  }
  trail.error('MIO_REFERENCE_TARGET', `must lead to ${[...targets].join(' or ')}`, 'reference');
}
