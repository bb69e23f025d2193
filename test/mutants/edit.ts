// Edits of a FHIR document without touching the original: each gives a new document that shares what did not change. A path is
// the list of JSON keys; it is shown the way findings show it (`Bundle.entry[3].resource.valueQuantity.unit`).
import { type FhirObject, type FhirValue, isObject } from '../../mio/model.ts';

export type Path = readonly (string | number)[];

export function at(value: FhirValue | undefined, path: Path): FhirValue | undefined {
  let here = value;
  for (const key of path) {
    if (typeof key === 'number') here = Array.isArray(here) ? here[key] : undefined;
    else here = isObject(here) ? here[key] : undefined;
  }
  return here;
}

/** The document with this value there; what is missing on the way is made. */
export function put<T extends FhirValue>(document: T, path: Path, value: FhirValue): T {
  const [key, ...rest] = path;
  if (key === undefined) return value as T;
  if (typeof key === 'number') {
    const list = Array.isArray(document) ? [...document] : [];
    while (list.length < key) list.push(null);
    list[key] = put(list[key] ?? null, rest, value);
    return list as FhirValue as T;
  }
  const object: FhirObject = isObject(document) ? { ...document } : {};
  object[key] = put(object[key] ?? null, rest, value);
  return object as FhirValue as T;
}

/** Without what is there; a list that it leaves empty goes too, an object stays and is empty. */
export function remove<T extends FhirValue>(document: T, path: Path): T {
  const above = path.slice(0, -1);
  const key = path.at(-1);
  const holder = at(document, above);
  let left: FhirValue;
  if (typeof key === 'number' && Array.isArray(holder)) left = holder.filter((_one, index) => index !== key);
  else if (typeof key === 'string' && isObject(holder)) {
    left = Object.fromEntries(Object.entries(holder).filter(([name, one]) => name !== key && one !== undefined));
  } else return document;
  return Array.isArray(left) && left.length === 0 ? remove(document, above) : put(document, above, left);
}

/** Members in another order than FHIR's would say nothing, so both are shown as one string only for comparing. */
export function same(one: FhirValue | undefined, other: FhirValue | undefined): boolean {
  return stable(one) === stable(other);
}

function stable(value: FhirValue | undefined): string {
  if (Array.isArray(value)) return `[${value.map(stable).join(',')}]`;
  if (!isObject(value)) return typeof value === 'string' ? JSON.stringify(value) : String(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${stable(value[name])}`).join(',')}}`;
}

/** `Patient.name[0].family.extension[0]`: the `_` of a sibling is not part of FHIR's path. */
export function show(root: string, path: Path): string {
  return root + path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key.replace(/^_/, '')}`)).join('');
}
