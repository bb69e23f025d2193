// References of the caller's resources as the document needs them (mio-diga.md section 4): the fullUrl `urn:uuid:…` of an entry, for
// `Patient/123` does not resolve against it. Rewritten where exactly one resource can be meant, and only there.
import { Decimal, type FhirObject, type FhirValue } from '../model.ts';
import type { Notes, Place } from './notes.ts';

/** A resource by the names that the caller may have for it, and the one it has in the document. */
export type Named = { type: string; id: string | undefined; fullUrl: string | undefined; urn: string };

/** The name in the document; 'ambiguous' where several resources can be meant, undefined where none can. */
export type Resolve = (reference: string, base?: string) => string | 'ambiguous' | undefined;

const ABSOLUTE = /^[a-z][a-z0-9+.-]*:/i;

export function resolverOf(resources: readonly Named[]): Resolve {
  const addresses = new Map<string, string>();
  const names = new Map<string, Set<string>>();
  for (const { type, id, fullUrl, urn } of resources) {
    for (const address of [urn, fullUrl ?? urn]) if (!addresses.has(address)) addresses.set(address, urn);
    if (id === undefined) continue;
    for (const name of [`${type}/${id}`, id, `urn:uuid:${id}`]) {
      names.set(name, (names.get(name) ?? new Set()).add(urn));
    }
  }
  const only = (key: string) => {
    // A fullUrl means its entry, whatever ids others have.
    const found = addresses.get(key) ?? names.get(key);
    if (found === undefined || typeof found === 'string') return found;
    return found.size === 1 ? [...found][0] : 'ambiguous';
  };
  return (written, base) => {
    const reference = written.replace(/\/_history\/[^/]*$/, '');
    if (reference === '' || reference.startsWith('#')) return undefined;
    if (ABSOLUTE.test(reference) || base === undefined) return only(reference);
    // The same server first (hl7.org/fhir/R4/bundle.html, section on resolving references).
    return only(base + reference) ?? only(reference);
  };
}

/** `Patient/1` and the server of `https://server/fhir/Patient/1`; undefined for what is no address of a resource. */
export function atServer(reference: string): { server: string; name: string } | undefined {
  const [, server, name] =
    /^(https?:\/\/[^?#]+\/)([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]*)?$/.exec(reference) ?? [];
  return server === undefined || name === undefined ? undefined : { server, name };
}

/**
 * Of resources that come without an address: `https://server/fhir/Patient/1` means the one Patient with that id, unless two servers
 * are named, which may have two.
 */
export function looseResolver(resources: readonly Named[], references: Iterable<string>): Resolve {
  const resolve = resolverOf(resources);
  const servers = new Map<string, string>();
  const contested = new Set<string>();
  for (const reference of references) {
    const at = atServer(reference);
    if (at === undefined) continue;
    const known = servers.get(at.name) ?? at.server;
    servers.set(at.name, known);
    if (known !== at.server) contested.add(at.name);
  }
  return (reference) => {
    const found = resolve(reference);
    const at = found === undefined ? atServer(reference) : undefined;
    if (at === undefined) return found;
    const named = resolve(at.name);
    return named !== undefined && contested.has(at.name) ? 'ambiguous' : named;
  };
}

/** `http://server/fhir/` of `http://server/fhir/Patient/1`. */
export function baseOf(fullUrl: string | undefined): string | undefined {
  return /^(https?:\/\/.*\/)[A-Za-z]+\/[^/]+$/.exec(fullUrl ?? '')?.[1];
}

/** A copy with every reference that `rewrite` has another text for; the same object where it has none. */
export function withReferences<T extends FhirValue>(
  value: T,
  rewrite: (reference: string, place: Place) => string | undefined,
): T {
  return rewritten(value, rewrite, []) as T;
}

/** `place` is one list for all of it, as large documents have a million elements. */
function rewritten(
  value: FhirValue,
  rewrite: (reference: string, place: Place) => string | undefined,
  place: (string | number)[],
): FhirValue {
  if (typeof value !== 'object' || value === null || value instanceof Decimal) return value;
  let copy: FhirValue[] | FhirObject | undefined;
  for (const [name, one] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
    if (one === undefined) continue;
    place.push(name);
    const isReference = name === 'reference' && typeof one === 'string';
    const other = isReference ? (rewrite(one, [...place]) ?? one) : rewritten(one, rewrite, place);
    place.pop();
    if (other === one) continue;
    copy ??= Array.isArray(value) ? [...value] : { ...value };
    if (Array.isArray(copy)) copy[Number(name)] = other;
    else copy[name] = other;
  }
  return copy ?? value;
}

/** For `withReferences`: what was rewritten, and what cannot be, is told. What leads nowhere is left for the validator. */
export function rewriteWith(
  resolve: Resolve,
  { place, notes, base }: { place: Place; notes: Notes; base?: string | undefined },
): (reference: string, below: Place) => string | undefined {
  return (reference, below) => {
    const found = resolve(reference, base);
    if (found === undefined || found === reference) return undefined;
    if (found === 'ambiguous') {
      const message = 'could name several resources: an address that only one of them has is needed';
      notes.error([...place, ...below], 'REFERENCE_AMBIGUOUS', message);
      return undefined;
    }
    notes.changed([...place, ...below], 'REFERENCE_REWRITTEN', 'became the fullUrl of the resource it names');
    return found;
  };
}
