// The comparisons that the tables speak of (docs/mio-tables.md): fixed and pattern values, codes, when an entry belongs to a slice.
import type { ElementNode } from '../../mio/definition.ts';
import { type FhirObject, type FhirValue, isObject } from '../../mio/model.ts';
import type { ToolkitTables, ValueSet } from '../../mio/tables.ts';
import { same } from './edit.ts';

/** Types a choice may have in R4 (datatypes.html#open). */
export const TYPE_NAMES = [
  ...['base64Binary', 'boolean', 'canonical', 'code', 'date', 'dateTime', 'decimal', 'id', 'instant', 'integer'],
  ...['markdown', 'oid', 'positiveInt', 'string', 'time', 'unsignedInt', 'uri', 'url', 'uuid'],
  ...['Address', 'Age', 'Annotation', 'Attachment', 'CodeableConcept', 'Coding', 'ContactPoint', 'Count', 'Distance'],
  ...['Duration', 'HumanName', 'Identifier', 'Money', 'Period', 'Quantity', 'Range', 'Ratio', 'Reference'],
  ...['SampledData', 'Signature', 'Timing', 'ContactDetail', 'Contributor', 'DataRequirement', 'Expression'],
  ...['ParameterDefinition', 'RelatedArtifact', 'TriggerDefinition', 'UsageContext', 'Dosage', 'Meta'],
];

/** Whether the value has all that the wanted one has; `exactly`: and nothing more (ElementDefinition.fixed). */
export function contains(value: FhirValue | undefined, wanted: FhirValue, exactly: boolean): boolean {
  if (exactly) return same(value, wanted);
  if (Array.isArray(wanted)) {
    return wanted.every((one) => Array.isArray(value) && value.some((each) => contains(each, one, false)));
  }
  if (isObject(wanted)) {
    return Object.entries(wanted).every(
      ([name, one]) => one === undefined || (isObject(value) && contains(value[name], one, false)),
    );
  }
  return same(value, wanted);
}

/** True of a value set that is published nowhere: nobody can say that it has not the code. */
export function inSet(value: FhirValue | undefined, set: ValueSet | undefined): boolean {
  if (set === undefined) return true;
  if (typeof value === 'string') return set.has(value);
  if (!isObject(value)) return false;
  if (value.coding !== undefined || value.text !== undefined)
    return Array.isArray(value.coding) && value.coding.some((one) => isObject(one) && codeIn(one, set));
  return codeIn(value, set);
}

function codeIn(coding: FhirObject, set: ValueSet): boolean {
  return typeof coding.code === 'string' && typeof coding.system === 'string' && set.has(coding.code, coding.system);
}

export function belongs(
  value: FhirValue | undefined,
  type: string,
  { slice, tables }: { slice: ElementNode; tables: ToolkitTables },
): boolean {
  return slice.when.every((one) => {
    if ('type' in one) return one.type.includes(type);
    return valuesAt(value, one.at === '' ? [] : one.at.split('.')).some((found) => {
      if ('is' in one) return same(found, one.is);
      if ('like' in one) return contains(found, one.like, false);
      if ('same' in one) return contains(found, one.same, true);
      const set = tables.valueSet(one.in);
      return set === undefined ? hasSystemOf(slice, found) : inSet(found, set);
    });
  });
}

/** What belongs to a value set that is published nowhere can only be told by the system that the slice demands. */
function hasSystemOf(slice: ElementNode, value: FhirValue): boolean {
  const row = slice.children.find((one) => one.name === 'system');
  const system = row?.fixed ?? row?.pattern;
  return system !== undefined && isObject(value) && same(value.system, system);
}

/** Lists on the way count entry by entry. */
function valuesAt(value: FhirValue | undefined, names: readonly string[]): FhirValue[] {
  if (Array.isArray(value)) return value.flatMap((one) => valuesAt(one, names));
  const [name, ...rest] = names;
  if (name === undefined) return value === undefined ? [] : [value];
  return isObject(value) ? valuesAt(value[name], rest) : [];
}
