// FHIR objects to FHIR XML (hl7.org/fhir/R4/xml.html), driven by the shapes of the tables: the order of the schema whatever the
// order of the object, numbers as they are spelled, no white space of its own. The same resource always gives the same bytes.
// What cannot be written is a MioError with the path; nothing is left out.
import { MioError } from './error.ts';
import { Decimal, type FhirObject, type FhirValue, isObject, type Resource } from './model.ts';
import { narrativeFault } from './narrative.ts';
import type { Field, Shape, Shapes } from './shapes.ts';
import { FHIR_NS } from './xml-namespace.ts';
import { XmlSink } from './xml-sink.ts';

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';
/** Deeper than any resource of the toolkit; a body may be deeper than the stack. */
const MAX_DEPTH = 100;
/** Of a document that is brought into memory whole. */
const FIRST_BYTES = 65_536;

/** The whole document. MioError with a path: ELEMENT_UNKNOWN, RESOURCE_UNKNOWN, VALUE_FORM, XML_CHARACTER, XML_DEPTH, NARRATIVE_*. */
export function writeXml(resource: Resource, shapes: Shapes): string {
  return xmlBytes(resource, shapes).toString('utf8');
}

/** As writeXml, in UTF-8. */
export function xmlBytes(resource: Resource, shapes: Shapes): Buffer {
  // It grows by doubling: hundreds of pieces would make V8 collect several times for each large document.
  let whole = Buffer.allocUnsafe(FIRST_BYTES);
  let length = 0;
  writeXmlTo(resource, shapes, (piece) => {
    const needed = length + piece.length;
    if (needed > whole.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * whole.length));
      whole.copy(larger, 0, 0, length);
      whole = larger;
    }
    whole.set(piece, length);
    length = needed;
  });
  return whole.subarray(0, length);
}

/** The size of the document in UTF-8. Errors as writeXml. */
export function xmlLength(resource: Resource, shapes: Shapes): number {
  return writeXmlTo(resource, shapes, () => undefined);
}

/**
 * Gives the document away in pieces of UTF-8 and says how many bytes they were: for whoever seals, hashes or stores them at once, as
 * `give` has a piece only during the call. Errors as writeXml, then with pieces given before.
 */
export function writeXmlTo(resource: Resource, shapes: Shapes, give: (piece: Uint8Array) => void): number {
  const sink = new XmlSink(give);
  for (const _ of new Writer(shapes, sink).document(resource));
  sink.flush();
  return sink.length;
}

/** The document in pieces of UTF-8 to keep, one part of the resource at a time. */
export function* xmlPieces(resource: Resource, shapes: Shapes): Generator<Uint8Array> {
  let full: Uint8Array[] = [];
  const sink = new XmlSink((piece) => full.push(piece.slice()));
  for (const _ of new Writer(shapes, sink).document(resource)) {
    if (full.length === 0) continue;
    yield* full;
    full = [];
  }
  sink.flush();
  yield* full;
}

/** As xmlPieces, for whoever takes a stream. */
export async function* streamXml(resource: Resource, shapes: Shapes): AsyncGenerator<Uint8Array> {
  yield* xmlPieces(resource, shapes);
}

class Writer {
  readonly #shapes: Shapes;
  readonly #sink: XmlSink;
  /** Where the writer is, for messages and depth: no object for each element, nearly all of which are written without one. */
  readonly #names: string[] = [];
  readonly #indexes: number[] = [];
  #depth = 0;
  /** The members still to write, of all objects that are open: those of the innermost one last, before `top`. Never made shorter. */
  readonly #fields: Field[] = [];
  #top = 0;

  constructor(shapes: Shapes, sink: XmlSink) {
    this.#shapes = shapes;
    this.#sink = sink;
  }

  /** Stops after every member of the resource and every item of its lists, so that pieces can be taken. */
  *document(resource: Resource): Generator<void> {
    const type = this.#typeOf(resource);
    this.#enter(type, -1);
    this.#sink.markup(`${DECLARATION}<${type} xmlns="${FHIR_NS}">`);
    const mixed = this.#order(resource, this.#shapes.ofType(type));
    for (const field of this.#fields.slice(0, this.#top)) {
      const count = field.list ? this.#countOf(resource, field, mixed) : 1;
      for (let index = 0; index < count; index += 1) {
        this.#member(resource, field, mixed, field.list ? index : -1);
        yield;
      }
    }
    this.#sink.markup(`</${type}>`);
  }

  #below(object: FhirObject, shape: Shape): void {
    if (this.#depth > MAX_DEPTH) throw this.#fault('XML_DEPTH', 'elements are nested too deep');
    const base = this.#top;
    const mixed = this.#order(object, shape);
    const end = this.#top;
    for (let at = base; at < end; at += 1) {
      const field = this.#fields[at] as Field;
      if (field.list) {
        const count = this.#countOf(object, field, mixed);
        for (let index = 0; index < count; index += 1) this.#member(object, field, mixed, index);
      } else this.#member(object, field, mixed, -1);
    }
    this.#top = base;
  }

  /**
   * Puts the members of an object on top, in the order of the schema; attributes are written elsewhere. True where some
   * of them are `_` siblings, which few objects have and which are looked for only there.
   */
  #order(object: FhirObject, shape: Shape): boolean {
    const fields = this.#fields;
    const base = this.#top;
    let top = base;
    let mixed = false;
    let last = -1;
    let sorted = true;
    for (const name in object) {
      if (object[name] === undefined || (name === 'resourceType' && shape.resource)) continue;
      const sibling = name.charCodeAt(0) === UNDERSCORE;
      const own = sibling ? name.slice(1) : name;
      const field = shape.fields.get(own);
      if (field === undefined || (sibling && field.kind !== 'primitive' && field.kind !== 'xhtml'))
        throw this.#fault('ELEMENT_UNKNOWN', 'an element that may not stand here', own);
      if (field.attribute) {
        if (sibling) throw this.#fault('ELEMENT_UNKNOWN', 'an attribute has no extensions', own);
        continue;
      }
      if (sibling) {
        mixed = true;
        if (object[own] !== undefined) continue;
      }
      if (field.order < last) sorted = false;
      last = field.order;
      fields[top] = field;
      top += 1;
    }
    this.#top = top;
    if (!sorted) {
      const inOrder = fields.slice(base, top).sort((a, b) => a.order - b.order);
      for (const [at, field] of inOrder.entries()) fields[base + at] = field;
    }
    return mixed;
  }

  #countOf(object: FhirObject, field: Field, mixed: boolean): number {
    const values = this.#listOf(object[field.name], field);
    return mixed ? Math.max(values, this.#listOf(siblingOf(object, field), field)) : values;
  }

  #listOf(value: FhirValue | undefined, field: Field): number {
    if (value === undefined) return 0;
    if (!Array.isArray(value)) throw this.#fault('VALUE_FORM', 'not a list', field.name);
    return value.length;
  }

  /** One value of a member; `index` -1 where it is no list. */
  #member(object: FhirObject, field: Field, mixed: boolean, index: number): void {
    const value = itemOf(object[field.name], index);
    const sibling = mixed ? itemOf(siblingOf(object, field), index) : undefined;
    this.#enter(field.name, index);
    if (field.kind === 'primitive') this.#primitive(field, value ?? undefined, sibling ?? undefined);
    else if (field.kind === 'xhtml') this.#narrative(value, sibling);
    else if (!isObject(value)) throw this.#fault('VALUE_FORM', 'not an object');
    else if (field.kind === 'resource') this.#resource(field, value);
    else this.#element(field.name, value, this.#shapes.below(field), undefined);
    this.#depth -= 1;
  }

  #primitive(field: Field, value: FhirValue | undefined, sibling: FhirValue | undefined): void {
    if (sibling !== undefined && !isObject(sibling)) throw this.#fault('VALUE_FORM', 'not an object');
    if (value === undefined && sibling === undefined) throw this.#fault('ELEMENT_EMPTY', 'an element without content');
    const text = value === undefined ? undefined : this.#textOf(field, value);
    if (sibling !== undefined) {
      this.#element(field.name, sibling, this.#shapes.below(field), text);
      return;
    }
    this.#start(field.name);
    this.#attribute('value', text ?? '');
    this.#sink.markup('/>');
  }

  #element(name: string, object: FhirObject, shape: Shape, value: string | undefined): void {
    const sink = this.#sink;
    this.#start(name);
    for (let at = 0; at < shape.attributes.length; at += 1) this.#attributeOf(object, shape.attributes[at] as Field);
    if (value !== undefined) this.#attribute('value', value);
    sink.markup('>');
    const length = sink.length;
    this.#below(object, shape);
    if (sink.length === length) sink.closeEmpty();
    else this.#end(name);
  }

  #attributeOf(object: FhirObject, { name }: Field): void {
    const text = object[name];
    if (text === undefined) return;
    if (typeof text !== 'string') throw this.#fault('VALUE_FORM', 'not a text', name);
    this.#attribute(name, text);
  }

  #attribute(name: string, text: string): void {
    this.#sink.markup(' ');
    this.#sink.markup(name);
    this.#sink.markup('="');
    if (!this.#sink.value(text)) throw this.#fault('XML_CHARACTER', 'a character that XML 1.0 forbids');
    this.#sink.markup('"');
  }

  /** Of the tag only: attributes may follow. */
  #start(name: string): void {
    this.#sink.markup('<');
    this.#sink.markup(name);
  }

  #end(name: string): void {
    this.#sink.markup('</');
    this.#sink.markup(name);
    this.#sink.markup('>');
  }

  #resource(field: Field, resource: FhirObject): void {
    const type = this.#typeOf(resource);
    this.#start(field.name);
    this.#sink.markup('>');
    this.#start(type);
    this.#sink.markup('>');
    this.#below(resource, this.#shapes.ofType(type));
    this.#end(type);
    this.#end(field.name);
  }

  #typeOf({ resourceType }: FhirObject): string {
    if (typeof resourceType === 'string' && this.#shapes.isResource(resourceType)) return resourceType;
    throw this.#fault('RESOURCE_UNKNOWN', 'no resource of the toolkit');
  }

  #narrative(value: FhirValue | undefined, sibling: FhirValue | undefined): void {
    if (typeof value !== 'string' || (sibling ?? undefined) !== undefined)
      throw this.#fault('NARRATIVE_MALFORMED', NARRATIVE);
    const fault = narrativeFault(value);
    if (fault !== undefined) throw this.#fault(fault, NARRATIVE);
    this.#sink.raw(value);
  }

  #textOf(field: Field, value: FhirValue): string {
    if (typeof value === 'string') {
      if (!NUMERIC.has(field.type) && field.type !== 'boolean') return value;
    } else if (typeof value === 'boolean') {
      if (field.type === 'boolean') return String(value);
    } else if (NUMERIC.has(field.type) && (value instanceof Decimal || Number.isFinite(value))) return String(value);
    throw this.#fault('VALUE_FORM', `not a ${field.type}`);
  }

  #enter(name: string, index: number): void {
    this.#names[this.#depth] = name;
    this.#indexes[this.#depth] = index;
    this.#depth += 1;
  }

  /** At the place where the writer is, or at a member of it. */
  #fault(code: string, message: string, member?: string): MioError {
    const labels = this.#names.slice(0, this.#depth).map((name, depth) => {
      const index = this.#indexes[depth] ?? -1;
      return index < 0 ? name : `${name}[${index}]`;
    });
    if (member !== undefined) labels.push(member);
    return new MioError(code, message, { path: labels.join('.') });
  }
}

const NUMERIC: ReadonlySet<string> = new Set(['decimal', 'integer', 'positiveInt', 'unsignedInt']);
const NARRATIVE = 'a narrative that is not plain, safe xhtml';
const UNDERSCORE = 0x5f;

/** Only primitives have one. */
function siblingOf(object: FhirObject, field: Field): FhirValue | undefined {
  return field.kind === 'primitive' || field.kind === 'xhtml' ? object[`_${field.name}`] : undefined;
}

function itemOf(value: FhirValue | undefined, index: number): FhirValue | undefined {
  return index < 0 ? value : ((value as FhirValue[] | undefined)?.[index] ?? undefined);
}
