// FHIR XML to FHIR objects (hl7.org/fhir/R4/xml.html), driven by the shapes of the tables. What cannot be XML of a known
// resource is a MioError; what a resource may not contain is a finding with its path, and nothing is dropped without one.
import { type Finding, MioError } from './error.ts';
import type { FhirObject, FhirValue, Resource } from './model.ts';
import { narrativeFault } from './narrative.ts';
import { type Field, fieldOf, type Shapes } from './shapes.ts';
import type { Attributes } from './xml-attributes.ts';
import { alignSiblings, Frame, nextIndex, primitiveOf, put, siblingOf } from './xml-frame.ts';
import { FHIR_NS, isSchemaLocation, NO_SCOPE, namespaceOf, type Scope, scopeOf, XHTML_NS } from './xml-namespace.ts';
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
  /** One for each depth there was so far; those below `#depth` are open, the last of them is `#top`. */
  readonly #frames: Frame[] = [];
  #depth = 0;
  #top: Frame | undefined;
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

  open(name: string, attributes: Attributes, closed: boolean): void {
    if (this.#passing > 0) {
      this.#passing += 1;
      return;
    }
    const above = this.#top;
    const outer = above === undefined ? NO_SCOPE : above.scope;
    const scope = attributes.declares ? scopeOf(outer, attributes) : outer;
    const field = above?.shape === undefined ? undefined : fieldOf(above.shape, name);
    if (above !== undefined && field !== undefined && fits(field, scope.ns)) {
      this.#openElement(above, field, scope, attributes, closed);
    } else this.#openOther(name, scope, attributes, closed);
  }

  /** Resources, what has a prefix (no field has a colon in its name), and what may not stand here. */
  #openOther(name: string, scope: Scope, attributes: Attributes, closed: boolean): void {
    const colon = name.indexOf(':');
    const local = name.slice(colon + 1);
    const ns = namespaceOf(name.slice(0, Math.max(colon, 0)), scope);
    const above = this.#top;
    if (above === undefined) this.#openRoot(local, ns, scope, attributes);
    else if (above.field?.kind === 'resource' && above.object === undefined) {
      this.#openResource(above, local, ns, scope, attributes);
    } else {
      const field = above.shape?.fields.get(local);
      if (field !== undefined && fits(field, ns)) this.#openElement(above, field, scope, attributes, closed);
      else this.#pass('ELEMENT_UNKNOWN', 'an element that may not stand here', local);
    }
  }

  #openRoot(local: string, ns: string | undefined, scope: Scope, attributes: Attributes): void {
    if (ns !== FHIR_NS || !this.#shapes.isResource(local)) {
      throw new MioError('MIO_NOT_FHIR', 'the root element is no resource of the toolkit', { line: this.#source.line });
    }
    const resource: Resource = { resourceType: local };
    this.#resource = resource;
    const frame = this.#push(local, scope);
    frame.object = resource;
    frame.shape = this.#shapes.ofType(local);
    this.#attributes(frame, attributes);
  }

  #openResource(above: Frame, local: string, ns: string | undefined, scope: Scope, attributes: Attributes): void {
    if (ns !== FHIR_NS || !this.#shapes.isResource(local)) {
      this.#pass('RESOURCE_UNKNOWN', 'no resource of the toolkit', '');
      return;
    }
    const resource: Resource = { resourceType: local };
    const outer = this.#frames[this.#depth - 2];
    const field = above.field;
    if (outer?.object === undefined || field === undefined) return;
    put(outer, outer.object, field, resource, false);
    above.object = resource;
    const frame = this.#push('', scope);
    frame.object = resource;
    frame.shape = this.#shapes.ofType(local);
    this.#attributes(frame, attributes);
  }

  #openElement(above: Frame, field: Field, scope: Scope, attributes: Attributes, closed: boolean): void {
    // Of what comes later in the schema than all that came so far, the object has nothing yet.
    const first = field.order > above.lastOrder;
    if (first) above.lastOrder = field.order;
    else if (field.order < above.lastOrder) {
      this.#find('ELEMENT_ORDER', 'an element out of the order of the schema', field.name);
    }
    above.object ??= this.#sibling(above);
    const object = above.object;
    if (!first && !field.list && (object[field.name] ?? object[field.sibling]) !== undefined) {
      this.#pass('ELEMENT_REPEATED', 'an element that may stand only once', field.name);
      return;
    }
    const primitive = field.kind === 'primitive';
    // Most elements: a primitive with a value and nothing else, that needs no conversion that could fail.
    if (primitive && closed) {
      const text = attributes.onlyValue();
      const value = text === undefined ? undefined : primitiveOf(field, text);
      if (value !== undefined) {
        put(above, object, field, value, first);
        this.#complete = true;
        return;
      }
    }
    const index = field.list ? nextIndex(above, field) : -1;
    const frame = this.#push(field.name, scope);
    frame.field = field;
    frame.index = index;
    if (field.kind === 'xhtml') {
      this.#source.keep();
      this.#inNarrative = true;
      this.#passing = 1;
    } else if (field.kind !== 'resource') {
      frame.shape = this.#shapes.below(field);
      if (!primitive) {
        const complex: FhirObject = {};
        frame.object = complex;
        put(above, object, field, complex, first);
      }
      this.#attributes(frame, attributes);
    }
  }

  #push(label: string, scope: Scope): Frame {
    let frame = this.#frames[this.#depth];
    if (frame === undefined) {
      frame = new Frame();
      this.#frames.push(frame);
    }
    frame.open(label, scope);
    this.#depth += 1;
    this.#top = frame;
    return frame;
  }

  #pop(): void {
    this.#depth -= 1;
    this.#top = this.#depth === 0 ? undefined : this.#frames[this.#depth - 1];
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
    const frame = this.#top;
    if (frame === undefined) return;
    if (frame.siblings && frame.object !== undefined) alignSiblings(frame.object);
    const field = frame.field;
    if (field?.kind === 'primitive') this.#closePrimitive(frame, field);
    else if (field?.kind === 'resource' && frame.object === undefined) {
      this.#find('ELEMENT_EMPTY', 'an element without content', '');
    }
    this.#pop();
  }

  #closePrimitive(frame: Frame, field: Field): void {
    const above = this.#frames[this.#depth - 2];
    const owner = above?.object;
    if (above === undefined || owner === undefined) return;
    if (frame.value === undefined && frame.object === undefined) {
      this.#find('ELEMENT_EMPTY', 'an element without content', '');
      return;
    }
    if (field.list) put(above, owner, field, frame.value ?? null, false);
    else if (frame.value !== undefined) owner[field.name] = frame.value;
    // The sibling was put when it appeared, so that names keep the order of the document; lists are aligned at the end.
  }

  #closeNarrative(): void {
    const div = this.#source.kept();
    this.#inNarrative = false;
    const fault = narrativeFault(div);
    if (fault !== undefined) this.#find(fault, 'a narrative that is not plain, safe xhtml', '');
    this.#pop();
    const owner = this.#top?.object;
    if (owner !== undefined) owner.div = div;
  }

  text(): void {
    if (this.#passing === 0) this.#find('TEXT_UNKNOWN', 'text between elements', '');
  }

  /** Attributes of the element just opened. */
  #attributes(frame: Frame, attributes: Attributes): void {
    for (let at = 0; at < attributes.count; at += 1) {
      const name = attributes.name(at);
      const value = attributes.value(at);
      if (name === 'value' && frame.field?.kind === 'primitive') frame.value = this.#primitive(frame.field, value);
      else if (name === 'xmlns' || name.startsWith('xmlns:')) continue;
      else if (frame.shape?.fields.get(name)?.attribute === true) {
        frame.object ??= this.#sibling(frame);
        frame.object[name] = value;
      } else if (!isSchemaLocation(name, frame.scope))
        this.#find('ATTRIBUTE_UNKNOWN', 'an attribute that may not stand here', `@${name}`);
    }
  }

  #sibling(frame: Frame): FhirObject {
    return siblingOf(frame, this.#frames[this.#depth - 2]);
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
      .slice(0, this.#depth)
      .filter((one) => one.label !== '')
      .map((one) => (one.index < 0 ? one.label : `${one.label}[${one.index}]`));
    if (name !== '') labels.push(name);
    this.#findings.push({ severity: 'error', code, path: labels.join('.'), message, line: this.#source.line });
  }
}

function fits(field: Field, ns: string | undefined): boolean {
  return !field.attribute && ns === (field.kind === 'xhtml' ? XHTML_NS : FHIR_NS);
}
