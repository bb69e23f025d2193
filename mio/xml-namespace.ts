// Namespaces in FHIR XML (hl7.org/fhir/R4/xml.html): everything in FHIR's but the narrative. A prefix is legal though nobody writes one.
export const FHIR_NS = 'http://hl7.org/fhir';
export const XHTML_NS = 'http://www.w3.org/1999/xhtml';
const XSI_NS = 'http://www.w3.org/2001/XMLSchema-instance';

/** Namespaces by the prefixes in force; '' is the default. */
export type Scope = Readonly<Record<string, string>>;

/** The scope inside an element with these attributes: name, value, name, value … */
export function scopeOf(outer: Scope, attributes: readonly string[]): Scope {
  let scope: Record<string, string> | undefined;
  for (let at = 0; at < attributes.length; at += 2) {
    const name = attributes[at] ?? '';
    if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue;
    scope ??= { ...outer };
    scope[name.slice(6)] = attributes[at + 1] ?? '';
  }
  return scope ?? outer;
}

/** Allowed by xml.html; it says nothing about the resource. */
export function isSchemaLocation(name: string, scope: Scope): boolean {
  const [prefix = '', local] = name.split(':');
  return local === 'schemaLocation' && scope[prefix] === XSI_NS;
}
