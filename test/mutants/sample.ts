// The smallest value that a row of a table lets through, for putting something where nothing may stand.
import type { ElementNode } from '../../mio/definition.ts';
import { type FhirObject, type FhirValue, isObject } from '../../mio/model.ts';
import { choiceName } from '../../mio/shapes.ts';
import type { ToolkitTables } from '../../mio/tables.ts';
import { resolveRef } from './survey.ts';

const PRIMITIVES: Readonly<Record<string, FhirValue>> = {
  base64Binary: 'QUJD',
  boolean: true,
  canonical: 'https://example.org/canonical',
  code: 'x',
  date: '2021-03-04',
  dateTime: '2021-03-04T05:06:07+01:00',
  decimal: 1.5,
  id: 'a1',
  instant: '2021-03-04T05:06:07+01:00',
  integer: 3,
  markdown: 'Text',
  oid: 'urn:oid:1.2.3',
  positiveInt: 3,
  string: 'Text',
  time: '05:06:07',
  unsignedInt: 3,
  uri: 'https://example.org/uri',
  url: 'https://example.org/url',
  uuid: 'urn:uuid:0b8c6e4e-5a0d-4c7c-9d61-1f0d3c9b2a11',
  xhtml: '<div xmlns="http://www.w3.org/1999/xhtml">Text</div>',
};

export function sampleOf(row: ElementNode, type: string, tables: ToolkitTables): FhirValue {
  if (row.fixed !== undefined) return row.fixed;
  const set = row.codes === undefined ? undefined : tables.valueSet(row.codes);
  const list = set?.lists.find((one) => one.codes !== undefined);
  const code = list?.codes?.keys().next().value;
  if (type === 'code' && code !== undefined) return code;
  const primitive = PRIMITIVES[type];
  if (primitive !== undefined) return row.pattern ?? primitive;
  const coded = code === undefined ? undefined : { system: list?.system ?? '', code };
  const value = complexOf(row, type, tables);
  if (coded !== undefined && type === 'CodeableConcept') value.coding = [coded];
  if (coded !== undefined && (type === 'Coding' || type === 'Quantity')) Object.assign(value, coded);
  return merged(value, row.pattern);
}

function complexOf(row: ElementNode, type: string, tables: ToolkitTables): FhirObject {
  if (type === 'Extension' && row.children.length === 0)
    return { url: 'https://example.org/extension', valueString: 'Text' };
  if (type === 'Resource')
    return { resourceType: 'Medication', id: 'a1', meta: { security: [{ code: 'x' }] }, code: { text: 'Text' } };
  const children = row.ref === undefined ? childrenOf(row, type, tables) : resolveRef(row.ref, tables).node.children;
  const usable = children.filter((one) => one.max > 0 && one.name !== 'id' && one.name !== 'extension');
  const needed = usable.filter((one) => one.min > 0);
  const simple = usable.filter((one) => one.types.some((each) => PRIMITIVES[each.code] !== undefined));
  const object: FhirObject = {};
  for (const child of needed.length > 0 ? needed : simple.slice(0, 1)) {
    const first = child.types[0]?.code ?? 'BackboneElement';
    const value = sampleOf(child.slices.find((one) => one.min > 0) ?? child, first, tables);
    object[child.name.endsWith('[x]') ? choiceName(child.name, first) : child.name] = child.list ? [value] : value;
  }
  return object;
}

function childrenOf(row: ElementNode, type: string, tables: ToolkitTables): readonly ElementNode[] {
  return row.children.length > 0 ? row.children : (tables.core.definitions.get(type)?.root.children ?? []);
}

function merged(value: FhirObject, pattern: FhirValue | undefined): FhirValue {
  if (pattern === undefined) return value;
  return isObject(pattern) ? { ...value, ...pattern } : pattern;
}
