// What is wrong in resources of which some cannot stand in a document: there is none to validate, and all faults are told at once.
import type { Finding } from '../error.ts';
import { isObject, type Resource } from '../model.ts';
import type { ToolkitTables } from '../tables.ts';
import { validate } from '../validate/validate.ts';
import type { Draft } from './draft.ts';
import { findingAt, MAX_FINDINGS } from './findings.ts';
import { atServer, withReferences } from './references.ts';

type Beside = {
  /** Those made here, too. */
  all: readonly Draft[];
  /** May be what a reference means. */
  refused: readonly Resource[];
  told: readonly Finding[];
  tables: ToolkitTables;
};

/** Resource by resource, and what leads to none of them. */
export function faultsBeside(drafts: readonly Draft[], beside: Beside): Finding[] {
  const findings: Finding[] = [];
  const told = new Set(beside.told.map(({ pointer }) => pointer));
  for (const one of dangling(drafts, beside)) {
    if (findings.length < MAX_FINDINGS && !told.has(one.pointer)) findings.push(one);
  }
  for (const { resource, pointer } of drafts) {
    const { meta } = resource;
    const given = isObject(meta) ? meta : {};
    const stamped = { ...resource, meta: { versionId: '1', lastUpdated: '2000-01-01T00:00:00Z', ...given } };
    const maxFindings = MAX_FINDINGS - findings.length;
    if (maxFindings <= 0) break;
    // Alone, every reference leads out of the resource: that is a warning (D26).
    for (const one of validate(stamped, beside.tables, { single: true, maxFindings })) {
      if (one.severity === 'error') findings.push({ ...one, pointer: `${pointer}${one.pointer ?? ''}` });
    }
  }
  return findings;
}

/** Some of them are told already. */
const MOST = 2 * MAX_FINDINGS;

function dangling(drafts: readonly Draft[], { all, refused }: Beside): Finding[] {
  const known = new Set(all.map(({ resource }) => `urn:uuid:${resource.id}`));
  const meant = new Set(refused.flatMap(({ resourceType, id }) => [`${resourceType}/${id}`, `urn:uuid:${id}`, id]));
  const findings: Finding[] = [];
  for (const { resource, pointer } of drafts) {
    withReferences(resource, (reference, place) => {
      const leads = reference === '' || reference.startsWith('#') || known.has(reference);
      if (findings.length > MOST || leads || meant.has(atServer(reference)?.name ?? reference)) return undefined;
      const [, member = '', index] = pointer.split('/');
      const path = [member, Number(index), ...place];
      findings.push(findingAt(path, 'MIO_REFERENCE_DANGLING', 'leads to none of the resources'));
      return undefined;
    });
  }
  return findings;
}
