// FHIR XML to FHIR objects (hl7.org/fhir/R4/xml.html), driven by the shapes of the tables. What cannot be XML of a known
// resource is a MioError; what a resource may not contain is a finding with its path, and nothing is dropped without one.
import { type Finding, MioError } from './error.ts';
import type { FhirObject, FhirValue, Resource } from './model.ts';
import { narrativeFault } from './narrative.ts';
import type { Field, Shapes } from './shapes.ts';
import { alignSiblings, type Frame, frameOf, nextIndex, primitiveOf, put } from './xml-frame.ts';
import { FHIR_NS, isSchemaLocation, type Scope, scopeOf, XHTML_NS } from './xml-namespace.ts';
import { type XmlEvents, XmlSource } from './xml-source.ts';

/** A document that is wrong everywhere must not fill the memory with findings. */
export const MAX_FINDINGS = 1000;

export type ReadLimits = { maxBytes?: number; maxDepth?: number };
export type ReadResult = { resource: Resource; findings: Finding[] };

/** A whole document. MioError XML_*, MIO_TOO_LARGE, MIO_NOT_FHIR. */
export function readXml(bytes: Uint8Array, shapes: Shapes, limits: ReadLimits = {}): ReadResult {
  const reader = new XmlReader(shapes, limits);
  reader.write(bytes);
  return reader.end();
}

/** As readXml, from a stream. */
export async function readXmlStream(
  chunks: AsyncIterable<Uint8Array>,
  shapes: Shapes,
  limits: ReadLimits = {},
): Promise<ReadResult> {
  const reader = new XmlReader(shapes, limits);
  for await (const chunk of chunks) reader.write(chunk);
  return reader.end();
}

/** Takes a document in pieces; `end` gives the resource. One reader reads one document. */
export class XmlReader implements XmlEvents {
  readonly #shapes: Shapes;
  readonly #source: XmlSource;
  readonly #frames: Frame[] = [];
  readonly #findings: Finding[] = [];
  #resource: Resource | undefined;
  /** Depth inside something that was reported and is passed over, or inside a narrative. */
  #passing = 0;
  /** The element just opened is complete and has no frame. */
  #complete = false;
  #inNarrative = false;

  constructor(shapes: Shapes, limits: ReadLimits = {}) {
    this.#shapes = shapes;
    this.#source = new XmlSource(this, limits);
  }

  write(bytes: Uint8Array): void {
    this.#source.write(bytes);
  }

  end(): ReadResult {
    this.#source.end();
    if (this.#resource === undefined) throw new MioError('MIO_NOT_FHIR', 'the document has no resource');
    return { resource: this.#resource, findings: this.#findings };
  }

  open(name: string, attributes: readonly string[], closed: boolean): void {
    if (this.#passing > 0) {
      this.#passing += 1;
      return;
    }
    const above = this.#frames.at(-1);
    const scope = scopeOf(above?.scope ?? {}, attributes);
    const colon = name.indexOf(':');
    const local = colon === -1 ? name : name.slice(colon + 1);
    const ns = scope[colon === -1 ? '' : name.slice(0, colon)];
    if (above === undefined) this.#openRoot(local, ns, scope, attributes);
    else if (above.field?.kind === 'resource' && above.object === undefined) {
      this.#openResource(above, { local, ns, scope, attributes, closed });
    } else this.#openElement(above, { local, ns, scope, attributes, closed });
  }

  #openRoot(local: string, ns: string | undefined, scope: Scope, attributes: readonly string[]): void {
    if (ns !== FHIR_NS || !this.#shapes.isResource(local)) {
      throw new MioError('MIO_NOT_FHIR', 'the root element is no resource of the toolkit', { line: this.#source.line });
    }
    const resource: Resource = { resourceType: local };
    this.#resource = resource;
    this.#frames.push(frameOf({ object: resource, shape: this.#shapes.ofType(local), label: local, scope }));
    this.#attributes(attributes);
  }

  #openResource(above: Frame, tag: Tag): void {
    if (tag.ns !== FHIR_NS || !this.#shapes.isResource(tag.local)) {
      this.#pass('RESOURCE_UNKNOWN', 'no resource of the toolkit', '');
      return;
    }
    const resource: Resource = { resourceType: tag.local };
    const owner = this.#frames.at(-2)?.object;
    const field = above.field;
    if (owner === undefined || field === undefined) return;
    put(owner, field, resource);
    above.object = resource;
    this.#frames.push(
      frameOf({ object: resource, shape: this.#shapes.ofType(tag.local), label: '', scope: tag.scope }),
    );
    this.#attributes(tag.attributes);
  }

  #openElement(above: Frame, tag: Tag): void {
    const field = above.shape?.fields.get(tag.local);
    const wanted = field?.kind === 'xhtml' ? XHTML_NS : FHIR_NS;
    if (field === undefined || field.attribute || tag.ns !== wanted || above.field?.kind === 'resource') {
      this.#pass('ELEMENT_UNKNOWN', 'an element that may not stand here', tag.local);
      return;
    }
    if (field.order < above.lastOrder)
      this.#find('ELEMENT_ORDER', 'an element out of the order of the schema', tag.local);
    above.lastOrder = Math.max(above.lastOrder, field.order);
    above.object ??= this.#sibling(above);
    const before = above.object[field.name] ?? above.object[`_${field.name}`];
    if (before !== undefined && !field.list) {
      this.#pass('ELEMENT_REPEATED', 'an element that may stand only once', tag.local);
      return;
    }
    if (field.kind === 'primitive' && tag.closed && this.#simple(above.object, field, tag.attributes)) return;
    const index = field.list ? nextIndex(above, field) : -1;
    const frame = frameOf({ field, label: field.name, index, scope: tag.scope });
    this.#frames.push(frame);
    if (field.kind === 'xhtml') {
      this.#source.keep();
      this.#inNarrative = true;
      this.#passing = 1;
    } else if (field.kind !== 'resource') {
      frame.shape = this.#shapes.below(field);
      if (field.kind === 'complex') {
        frame.object = {};
        put(above.object, field, frame.object);
      }
      this.#attributes(tag.attributes);
    }
  }

  /** Most elements: a primitive with a value and nothing else, that needs no conversion that could fail. */
  #simple(owner: FhirObject, field: Field, attributes: readonly string[]): boolean {
    const value = attributes.length === 2 && attributes[0] === 'value' ? attributes[1] : undefined;
    const converted = value === undefined ? undefined : primitiveOf(field, value);
    if (converted === undefined) return false;
    put(owner, field, converted);
    this.#complete = true;
    return true;
  }

  close(): void {
    if (this.#complete) {
      this.#complete = false;
      return;
    }
    if (this.#passing > 0) {
      this.#passing -= 1;
      if (this.#passing === 0 && this.#inNarrative) this.#closeNarrative();
      return;
    }
    const frame = this.#frames.pop();
    const above = this.#frames.at(-1);
    if (frame?.object !== undefined && frame.siblings) alignSiblings(frame.object);
    if (frame?.field?.kind === 'primitive' && above?.object !== undefined)
      this.#closePrimitive(frame, frame.field, above.object);
    if (frame?.field?.kind === 'resource' && frame.object === undefined) {
      this.#frames.push(frame);
      this.#find('ELEMENT_EMPTY', 'an element without content', '');
      this.#frames.pop();
    }
  }

  #closePrimitive(frame: Frame, field: Field, owner: FhirObject): void {
    if (frame.value === undefined && frame.object === undefined) {
      this.#frames.push(frame);
      this.#find('ELEMENT_EMPTY', 'an element without content', '');
      this.#frames.pop();
      return;
    }
    if (field.list) put(owner, field, frame.value ?? null);
    else if (frame.value !== undefined) owner[field.name] = frame.value;
    // The sibling was put when it appeared, so that names keep the order of the document; lists are aligned at the end.
  }

  #closeNarrative(): void {
    const div = this.#source.kept();
    this.#inNarrative = false;
    const fault = narrativeFault(div);
    if (fault !== undefined) this.#find(fault, 'a narrative that is not plain, safe xhtml', '');
    this.#frames.pop();
    const owner = this.#frames.at(-1)?.object;
    if (owner !== undefined) owner.div = div;
  }

  text(): void {
    if (this.#passing === 0) this.#find('TEXT_UNKNOWN', 'text between elements', '');
  }

  /** Attributes of the element just opened. */
  #attributes(attributes: readonly string[]): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined) return;
    for (let at = 0; at < attributes.length; at += 2) {
      const name = attributes[at] ?? '';
      const value = attributes[at + 1] ?? '';
      if (name === 'value' && frame.field?.kind === 'primitive') frame.value = this.#primitive(frame.field, value);
      else if (name === 'xmlns' || name.startsWith('xmlns:')) continue;
      else if (frame.shape?.fields.get(name)?.attribute === true) {
        frame.object ??= this.#sibling(frame);
        frame.object[name] = value;
      } else if (!isSchemaLocation(name, frame.scope))
        this.#find('ATTRIBUTE_UNKNOWN', 'an attribute that may not stand here', `@${name}`);
    }
  }

  /** The object for id and extensions of a primitive, put beside its value. */
  #sibling(frame: Frame): FhirObject {
    const above = this.#frames[this.#frames.lastIndexOf(frame) - 1];
    const owner = above?.object;
    const sibling: FhirObject = {};
    if (above === undefined || owner === undefined || frame.field === undefined) return sibling;
    above.siblings = true;
    const name = `_${frame.field.name}`;
    if (!frame.field.list) {
      owner[frame.field.name] = frame.value;
      owner[name] = sibling;
      return sibling;
    }
    const list = (owner[name] ?? []) as FhirValue[];
    while (list.length < frame.index) list.push(null);
    list.push(sibling);
    owner[frame.field.name] ??= [];
    owner[name] = list;
    return sibling;
  }

  #primitive(field: Field, text: string): FhirValue {
    const value = primitiveOf(field, text);
    if (value === undefined) this.#find('VALUE_FORM', `not a valid ${field.type}`, '');
    return value ?? text;
  }

  #pass(code: string, message: string, name: string): void {
    this.#find(code, message, name);
    this.#passing = 1;
  }

  #find(code: string, message: string, name: string): void {
    if (this.#findings.length >= MAX_FINDINGS) return;
    const labels = this.#frames
      .filter((one) => one.label !== '')
      .map((one) => (one.index < 0 ? one.label : `${one.label}[${one.index}]`));
    if (name !== '') labels.push(name);
    this.#findings.push({ severity: 'error', code, path: labels.join('.'), message, line: this.#source.line });
  }
}

type Tag = {
  local: string;
  ns: string | undefined;
  scope: Scope;
  attributes: readonly string[];
  closed: boolean;
};
