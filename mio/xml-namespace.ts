// Namespaces in FHIR XML (hl7.org/fhir/R4/xml.html): everything in FHIR's but the narrative. A prefix is legal though nobody writes one.
export const FHIR_NS = 'http://hl7.org/fhir';
export const XHTML_NS = 'http://www.w3.org/1999/xhtml';
const XSI_NS = 'http://www.w3.org/2001/XMLSchema-instance';

/** The namespaces in force: of names without a prefix, and by prefix. */
export type Scope = { readonly ns: string | undefined; readonly prefixes: Readonly<Record<string, string>> };

export const NO_SCOPE: Scope = { ns: undefined, prefixes: {} };

/** The scope inside an element with these attributes: name, value, name, value … */
export function scopeOf(outer: Scope, attributes: readonly string[]): Scope {
  let scope = outer;
  for (let at = 0; at < attributes.length; at += 2) {
    const name = attributes[at] ?? '';
    if (!name.startsWith('xmlns')) continue;
    const value = attributes[at + 1] ?? '';
    // The constant itself: comparing the namespace of each element with it need not look at the text then.
    if (name === 'xmlns' || name === 'xmlns:') scope = { ...scope, ns: value === FHIR_NS ? FHIR_NS : value };
    else if (name[5] === ':') scope = { ...scope, prefixes: { ...scope.prefixes, [name.slice(6)]: value } };
  }
  return scope;
}

/** The namespace of a name with this prefix, which is '' for none. */
export function namespaceOf(prefix: string, scope: Scope): string | undefined {
  return prefix === '' ? scope.ns : scope.prefixes[prefix];
}

/** Allowed by xml.html; it says nothing about the resource. */
export function isSchemaLocation(name: string, scope: Scope): boolean {
  const [prefix = '', local] = name.split(':');
  return local === 'schemaLocation' && namespaceOf(prefix, scope) === XSI_NS;
}
