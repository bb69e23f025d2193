// Namespaces in FHIR XML (hl7.org/fhir/R4/xml.html): everything in FHIR's but the narrative. A prefix is legal though nobody writes one.
import type { Attributes } from './xml-attributes.ts';

export const FHIR_NS = 'http://hl7.org/fhir';
export const XHTML_NS = 'http://www.w3.org/1999/xhtml';
const XSI_NS = 'http://www.w3.org/2001/XMLSchema-instance';

/**
 * The namespaces in force: `ns` of names without a prefix, `prefixes` of this element and of those `outer`. Nothing is copied inwards:
 * a document made to harm may declare a hundred thousand at its root and one more in each element.
 */
export type Scope = {
  readonly ns: string | undefined;
  readonly prefixes: ReadonlyMap<string, string>;
  readonly outer: Scope | undefined;
};

export const NO_SCOPE: Scope = { ns: undefined, prefixes: new Map(), outer: undefined };

/** The scope inside an element with these attributes, at least one of which declares a namespace. */
export function scopeOf(outer: Scope, attributes: Attributes): Scope {
  let ns = outer.ns;
  const prefixes = new Map<string, string>();
  for (let at = 0; at < attributes.count; at += 1) {
    const name = attributes.name(at);
    const value = attributes.value(at);
    // The constant itself: comparing the namespace of each element with it need not look at the text then.
    if (name === 'xmlns' || name === 'xmlns:') ns = value === FHIR_NS ? FHIR_NS : value;
    else if (name.startsWith('xmlns:')) prefixes.set(name.slice(6), value);
  }
  return prefixes.size === 0 ? { ...outer, ns } : { ns, prefixes, outer };
}

/** The namespace of a name with this prefix, which is '' for none. */
export function namespaceOf(prefix: string, scope: Scope): string | undefined {
  if (prefix === '') return scope.ns;
  for (let one: Scope | undefined = scope; one !== undefined; one = one.outer) {
    const ns = one.prefixes.get(prefix);
    if (ns !== undefined) return ns;
  }
  return undefined;
}

/** Allowed by xml.html; it says nothing about the resource. */
export function isSchemaLocation(name: string, scope: Scope): boolean {
  const [prefix = '', local] = name.split(':');
  return local === 'schemaLocation' && namespaceOf(prefix, scope) === XSI_NS;
}
