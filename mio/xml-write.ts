// FHIR objects to FHIR XML (hl7.org/fhir/R4/xml.html), driven by the shapes of the tables: the order of the schema whatever the
// order of the object, numbers as they are spelled, no white space of its own. The same resource always gives the same bytes.
// What cannot be written is a MioError with the path; nothing is left out.
import { MioError } from './error.ts';
import { Decimal, type FhirObject, type FhirValue, isObject, type Resource } from './model.ts';
import { narrativeFault } from './narrative.ts';
import type { Field, Shape, Shapes } from './shapes.ts';
import { FHIR_NS } from './xml-namespace.ts';

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';
/** Characters per piece; a single value may be longer. */
const PIECE = 65_536;
/** Deeper than any resource of the toolkit; a body may be deeper than the stack. */
const MAX_DEPTH = 100;

/** The whole document. MioError with a path: ELEMENT_UNKNOWN, RESOURCE_UNKNOWN, VALUE_FORM, XML_CHARACTER, XML_DEPTH, NARRATIVE_*. */
export function writeXml(resource: Resource, shapes: Shapes): string {
  return [...xmlPieces(resource, shapes)].join('');
}

/** The document in pieces as UTF-8, one part of the resource at a time. */
export async function* streamXml(resource: Resource, shapes: Shapes): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for (const piece of xmlPieces(resource, shapes)) yield encoder.encode(piece);
}

/** As text; a bundle never stands in memory twice. */
export function* xmlPieces(resource: Resource, shapes: Shapes): Generator<string> {
  const writer = new Writer(shapes);
  const type = resource.resourceType;
  if (typeof type !== 'string' || !shapes.isResource(type)) {
    throw new MioError('RESOURCE_UNKNOWN', 'no resource of the toolkit', { path: '' });
  }
  writer.out += `${DECLARATION}<${type} xmlns="${FHIR_NS}">`;
  for (const step of writer.below(resource, shapes.ofType(type), { above: undefined, label: type, depth: 1 })) {
    if (step && writer.out.length >= PIECE) {
      yield writer.out;
      writer.out = '';
    }
  }
  yield `${writer.out}</${type}>`;
}

/** Where the writer is, for messages; made only where something is nested. */
type At = { above: At | undefined; label: string; depth: number };

type Entry = { field: Field; value: FhirValue | undefined; sibling: FhirValue | undefined };

class Writer {
  out = '';
  readonly #shapes: Shapes;

  constructor(shapes: Shapes) {
    this.#shapes = shapes;
  }

  /** Writes what is below an element; gives a chance to empty `out` after every item of a list. */
  *below(object: FhirObject, shape: Shape, at: At): Generator<boolean> {
    for (const { field, value, sibling } of entriesOf(object, shape, at)) {
      if (field.list) {
        for (const [index, item, other] of itemsOf(value, sibling, field, at)) {
          this.#item(field, item, other, { above: at, label: `${field.name}[${index}]`, depth: at.depth + 1 });
          yield at.depth === 1;
        }
      } else {
        this.#item(field, value, sibling, { above: at, label: field.name, depth: at.depth + 1 });
      }
    }
  }

  #all(object: FhirObject, shape: Shape, at: At): void {
    if (at.depth > MAX_DEPTH) throw new MioError('XML_DEPTH', 'elements are nested too deep', { path: pathOf(at) });
    for (const _ of this.below(object, shape, at));
  }

  #item(field: Field, value: FhirValue | undefined, sibling: FhirValue | undefined, at: At): void {
    if (field.kind === 'primitive') this.#primitive(field, value ?? undefined, sibling ?? undefined, at);
    else if (field.kind === 'xhtml') this.#narrative(value, sibling, at);
    else if (!isObject(value) || sibling !== undefined)
      throw new MioError('VALUE_FORM', 'not an object', { path: pathOf(at) });
    else if (field.kind === 'resource') this.#resource(field, value, at);
    else this.#element(field.name, value, this.#shapes.below(field), { value: undefined, at });
  }

  #primitive(field: Field, value: FhirValue | undefined, sibling: FhirValue | undefined, at: At): void {
    if (sibling !== undefined && !isObject(sibling))
      throw new MioError('VALUE_FORM', 'not an object', { path: pathOf(at) });
    if (value === undefined && sibling === undefined)
      throw new MioError('ELEMENT_EMPTY', 'an element without content', { path: pathOf(at) });
    const text = value === undefined ? undefined : textOf(field, value, at);
    if (sibling !== undefined) this.#element(field.name, sibling, this.#shapes.below(field), { value: text, at });
    else this.out += `<${field.name} value="${escapeValue(text ?? '', at)}"/>`;
  }

  #element(name: string, object: FhirObject, shape: Shape, { value, at }: { value: string | undefined; at: At }): void {
    let start = `<${name}`;
    for (const field of shape.attributes) {
      const text = object[field.name];
      if (text === undefined) continue;
      if (typeof text !== 'string')
        throw new MioError('VALUE_FORM', 'not a text', { path: `${pathOf(at)}.${field.name}` });
      start += ` ${field.name}="${escapeValue(text, at)}"`;
    }
    if (value !== undefined) start += ` value="${escapeValue(value, at)}"`;
    this.out += `${start}>`;
    const length = this.out.length;
    this.#all(object, shape, at);
    if (this.out.length === length) this.out = `${this.out.slice(0, -1)}/>`;
    else this.out += `</${name}>`;
  }

  #resource(field: Field, resource: FhirObject, at: At): void {
    const type = resource.resourceType;
    if (typeof type !== 'string' || !this.#shapes.isResource(type)) {
      throw new MioError('RESOURCE_UNKNOWN', 'no resource of the toolkit', { path: pathOf(at) });
    }
    this.out += `<${field.name}><${type}>`;
    this.#all(resource, this.#shapes.ofType(type), at);
    this.out += `</${type}></${field.name}>`;
  }

  #narrative(value: FhirValue | undefined, sibling: FhirValue | undefined, at: At): void {
    const fault = typeof value !== 'string' || sibling !== undefined ? 'NARRATIVE_MALFORMED' : narrativeFault(value);
    if (fault !== undefined)
      throw new MioError(fault, 'a narrative that is not plain, safe xhtml', { path: pathOf(at) });
    this.out += value;
  }
}

/** The members of an object in the order of the schema, each with its `_` sibling; attributes are written elsewhere. */
function entriesOf(object: FhirObject, shape: Shape, at: At): Entry[] {
  const entries: Entry[] = [];
  let sorted = true;
  for (const name of Object.keys(object)) {
    const value = object[name];
    if (value === undefined || (name === 'resourceType' && shape.resource)) continue;
    const own = name.startsWith('_') ? name.slice(1) : name;
    const field = shape.fields.get(own);
    if (field === undefined || (own !== name && field.kind !== 'primitive' && field.kind !== 'xhtml')) {
      throw new MioError('ELEMENT_UNKNOWN', 'an element that may not stand here', { path: `${pathOf(at)}.${own}` });
    }
    if (field.attribute) {
      if (own !== name)
        throw new MioError('ELEMENT_UNKNOWN', 'an attribute has no extensions', { path: `${pathOf(at)}.${own}` });
      continue;
    }
    if (own !== name && object[own] !== undefined) continue;
    const last = entries.at(-1);
    if (last !== undefined && last.field.order > field.order) sorted = false;
    entries.push({
      field,
      value: object[own],
      sibling: field.kind === 'primitive' || own !== name ? object[`_${own}`] : undefined,
    });
  }
  return sorted ? entries : entries.sort((a, b) => a.field.order - b.field.order);
}

function* itemsOf(
  value: FhirValue | undefined,
  sibling: FhirValue | undefined,
  field: Field,
  at: At,
): Generator<[index: number, item: FhirValue | undefined, sibling: FhirValue | undefined]> {
  const values = listOf(value, field, at);
  const siblings = listOf(sibling, field, at);
  for (let index = 0; index < Math.max(values.length, siblings.length); index += 1) {
    yield [index, values[index] ?? undefined, siblings[index] ?? undefined];
  }
}

function listOf(value: FhirValue | undefined, field: Field, at: At): FhirValue[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new MioError('VALUE_FORM', 'not a list', { path: `${pathOf(at)}.${field.name}` });
  return value;
}

const NUMERIC: ReadonlySet<string> = new Set(['decimal', 'integer', 'positiveInt', 'unsignedInt']);

function textOf(field: Field, value: FhirValue, at: At): string {
  const numeric = value instanceof Decimal || (typeof value === 'number' && Number.isFinite(value));
  if (
    NUMERIC.has(field.type)
      ? numeric
      : field.type === 'boolean'
        ? typeof value === 'boolean'
        : typeof value === 'string'
  ) {
    return String(value);
  }
  throw new MioError('VALUE_FORM', `not a ${field.type}`, { path: pathOf(at) });
}

function pathOf(at: At): string {
  return at.above === undefined ? at.label : `${pathOf(at.above)}.${at.label}`;
}

// XML 1.0 section 2.2; with the `u` flag a lone surrogate is a character of its own, and no XML character.
const PLAIN = /^[ !#-%'-;=?-~\u{A0}-\u{D7FF}\u{E000}-\u{FFFD}]*$/u;
const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** For an attribute: white space that a reader would turn into spaces is kept as references (XML 1.0 section 3.3.3). */
function escapeValue(text: string, at: At): string {
  if (PLAIN.test(text)) return text;
  if (FORBIDDEN.test(text))
    throw new MioError('XML_CHARACTER', 'a character that XML 1.0 forbids', { path: pathOf(at) });
  return text.replace(/[&<>"\t\n\r]/g, (one) => ESCAPES[one] ?? `&#${one.charCodeAt(0)};`);
}
