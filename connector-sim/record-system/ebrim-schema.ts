// "XML against XSD" of ITI-41 without the official files (epa-record-system.md 4.7 no. 4): element order, number, attributes and
// lengths of ebRIM 3.0, lcm 3.0 and XDS.b, from our own models (tables/ebrim.ts). The conformance run judges the same by the XSDs.
import type { XmlElement } from '../../wire/xml.ts';
import { FREE_FORM_TEXT, LONG_NAME, NS, RIM_MODELS } from '../tables/ebrim.ts';

const TOP_LEVEL = new Set([
  'RegistryPackage',
  'ExtrinsicObject',
  'Association',
  'Classification',
  'ExternalIdentifier',
  'ObjectRef',
]);

/** Checks `ihe:ProvideAndRegisterDocumentSetRequest`; answers the first violation in words, or null. */
export function schemaViolation(request: XmlElement): string | null {
  if (attributeNames(request).length > 0) return 'attribute on ProvideAndRegisterDocumentSetRequest';
  const [submit, ...documents] = request.children;
  if (submit === undefined || submit.ns !== NS.lcm || submit.name !== 'SubmitObjectsRequest')
    return 'SubmitObjectsRequest is not the first child';
  for (const document of documents) {
    if (document.ns !== NS.xds || document.name !== 'Document') return `unexpected element ${document.name}`;
    if (!document.attributes.has('id')) return 'Document without id';
  }
  return submitViolation(submit) ?? null;
}

function submitViolation(submit: XmlElement): string | null {
  for (const name of attributeNames(submit))
    if (name !== 'id' && name !== 'comment') return `attribute ${name} on SubmitObjectsRequest`;
  const children = [...submit.children];
  if (children[0]?.ns === NS.rs && children[0].name === 'RequestSlotList') {
    const list = children.shift();
    for (const slot of list?.children ?? []) {
      const violation = slot.name === 'Slot' ? elementViolation(slot) : `element ${slot.name} in RequestSlotList`;
      if (violation !== null) return violation;
    }
  }
  const [list, ...rest] = children;
  if (list === undefined || list.ns !== NS.rim || list.name !== 'RegistryObjectList')
    return 'RegistryObjectList missing';
  if (rest[0] !== undefined) return `unexpected element ${rest[0].name} in SubmitObjectsRequest`;
  return objectListViolation(list);
}

function objectListViolation(list: XmlElement): string | null {
  for (const object of list.children) {
    if (object.ns !== NS.rim || !TOP_LEVEL.has(object.name))
      return `unexpected element ${object.name} in RegistryObjectList`;
    const violation = elementViolation(object);
    if (violation !== null) return violation;
  }
  return null;
}

function elementViolation(element: XmlElement): string | null {
  if (element.ns !== NS.rim) return `element ${element.name} in a foreign namespace`;
  if (element.name === 'RegistryObjectList') return objectListViolation(element);
  const model = RIM_MODELS.get(element.name);
  if (model === undefined) return `unexpected element ${element.name}`;
  return (
    attributesViolation(element, model.attributes.split(' ')) ??
    contentViolation(element, model.children) ??
    valueViolation(element)
  );
}

function attributesViolation(element: XmlElement, model: readonly string[]): string | null {
  for (const rule of model) {
    if (rule.endsWith('!') && !element.attributes.has(rule.slice(0, -1)))
      return `${element.name} without ${rule.slice(0, -1)}`;
  }
  for (const name of attributeNames(element)) {
    // xml:lang is the one qualified attribute of ebRIM
    const known =
      name === `{${NS.xml}}lang`
        ? model.includes('lang')
        : name !== 'lang' && model.some((r) => r.replace('!', '') === name);
    if (!known) return `attribute ${name} on ${element.name}`;
  }
  return null;
}

function contentViolation(element: XmlElement, model: readonly (readonly [string, number])[]): string | null {
  if (element.name === 'Slot' && element.children.length !== 1) return 'Slot without one ValueList';
  let at = 0;
  let seen = 0;
  for (const child of element.children) {
    while (at < model.length && model[at]?.[0] !== child.name) {
      at += 1;
      seen = 0;
    }
    const most = model[at]?.[1];
    if (most === undefined) return `element ${child.name} out of place in ${element.name}`;
    seen += 1;
    if (seen > most) return `more than ${most} ${child.name} in ${element.name}`;
    const violation = elementViolation(child);
    if (violation !== null) return violation;
  }
  return null;
}

function valueViolation(element: XmlElement): string | null {
  if (element.name === 'Value' ? element.text.length > LONG_NAME : element.text.trim() !== '')
    return `text of ${element.name}`;
  if (element.name === 'LocalizedString') {
    return (element.attributes.get('value') ?? '').length > FREE_FORM_TEXT ? 'LocalizedString longer than 1024' : null;
  }
  const opaque = element.attributes.get('isOpaque');
  if (opaque !== undefined && !['true', 'false', '0', '1'].includes(opaque)) return 'isOpaque is not a boolean';
  for (const name of ['nodeRepresentation', 'mimeType', 'value', 'name']) {
    if ((element.attributes.get(name) ?? '').length > LONG_NAME) return `${name} longer than 256`;
  }
  return null;
}

/** Attributes without xsi:type, xsi:schemaLocation and the like, which any element may carry. */
function attributeNames(element: XmlElement): string[] {
  return [...element.attributes.keys()].filter((name) => !name.startsWith(`{${NS.xsi}}`) && !name.startsWith('xmlns'));
}
