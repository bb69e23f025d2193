// The parts of FHIR's StructureDefinition, ValueSet and CodeSystem that become tables (hl7.org/fhir/R4/elementdefinition.html).
import type { FhirObject, FhirValue } from '../model.ts';

export type DefinitionType = {
  code: string;
  profile?: string[];
  targetProfile?: string[];
  extension?: { url: string; valueUrl?: string }[];
};

export type Slicing = {
  discriminator?: { type: string; path: string }[];
  rules: 'open' | 'closed' | 'openAtEnd';
  ordered?: boolean;
};

export type Constraint = { key: string; severity: 'error' | 'warning'; expression?: string };

/** `fixed[x]` and `pattern[x]` stand under their own names beside these. */
export type ElementDefinition = {
  id: string;
  path: string;
  sliceName?: string;
  min?: number;
  max?: string;
  base?: { path: string; min: number; max: string };
  type?: DefinitionType[];
  contentReference?: string;
  constraint?: Constraint[];
  binding?: { strength: string; valueSet?: string };
  slicing?: Slicing;
  representation?: string[];
  [name: string]: unknown;
};

export type StructureDefinition = {
  resourceType: 'StructureDefinition';
  url: string;
  version?: string;
  name: string;
  kind: 'resource' | 'complex-type' | 'primitive-type' | 'logical';
  abstract: boolean;
  type: string;
  baseDefinition?: string;
  derivation?: 'specialization' | 'constraint';
  context?: { type: string; expression: string }[];
  snapshot?: { element: ElementDefinition[] };
  differential: { element: ElementDefinition[] };
};

export type Concept = { code: string; display?: string; concept?: Concept[] };

export type CodeSystem = {
  resourceType: 'CodeSystem';
  url: string;
  version?: string;
  content: string;
  concept?: Concept[];
};

export type Include = {
  system?: string;
  version?: string;
  concept?: Concept[];
  filter?: { property: string; op: string; value: string }[];
  valueSet?: string[];
};

export type Expanded = { system?: string; version?: string; code?: string; display?: string; contains?: Expanded[] };

export type ValueSet = {
  resourceType: 'ValueSet';
  url: string;
  version?: string;
  compose?: { include: Include[]; exclude?: Include[] };
  expansion?: { contains?: Expanded[] };
};

/** Last segment of a canonical URL, without its version. */
export function nameOf(canonical: string): string {
  return withoutVersion(canonical).replace(/^.*\//, '');
}

export function withoutVersion(canonical: string): string {
  return canonical.replace(/\|.*$/, '');
}

/** `fixedUri` with 'fixed' gives its value. */
export function valueWith(
  element: ElementDefinition,
  prefix: 'fixed' | 'pattern' | 'minValue' | 'maxValue',
): FhirValue | undefined {
  const name = nameWith(element, prefix);
  return name === undefined ? undefined : (element[name] as FhirValue);
}

export function nameWith(element: ElementDefinition | FhirObject, prefix: string): string | undefined {
  return Object.keys(element).find((key) => key.startsWith(prefix) && /^[A-Z]/.test(key.slice(prefix.length)));
}
