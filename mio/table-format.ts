// What a table file holds (docs/mio-tables.md): the snapshot of one FHIR definition as rows, one per element, in the
// order of the schema. Facts only. Written by compile.ts, read by tables.ts.
import type { FhirValue } from './model.ts';

/** A type an element may have: the bare code, or with what the profile says about it. */
export type TypeRow =
  | string
  | {
      code: string;
      /** Names of profiles the value must satisfy (any of them), not yet contained in the rows below. */
      profiles?: string[];
      /** Profiles whose rows are already merged into the rows below. */
      of?: string[];
      /** What a reference may point to (any of them): names of profiles or resource types. */
      targets?: string[];
    };

/**
 * When an element of a list belongs to a slice: all conditions hold. `at` is a path of element names below the element,
 * '' for itself, and holds when any value found there fits: `is` a primitive equal to it, `like` contains it (pattern),
 * `same` equals it (fixed), `in` a code of that value set. `type` compares the type of a choice.
 */
export type Condition =
  | { at: string; is: FhirValue }
  | { at: string; like: FhirValue }
  | { at: string; same: FhirValue }
  | { at: string; in: string }
  | { type: string[] };

export type ElementRow = {
  /** Path below the root with slice names: '' for the root, `code.coding:loinc.system`, `value[x]:valueQuantity`. */
  id: string;
  /** Default 0. */
  min?: number;
  /** Default 1; '*' for no limit. */
  max?: number | '*';
  /** The base allows several (JSON has an array), though `max` says at most one. */
  list?: true;
  types?: TypeRow[];
  /** The element is defined as another element of R4: `Questionnaire.item`. */
  ref?: string;
  /** In XML an attribute of the element above. */
  attribute?: true;
  fixed?: FhirValue;
  pattern?: FhirValue;
  /** Name of the value set that is required. */
  codes?: string;
  maxLength?: number;
  minValue?: FhirValue;
  maxValue?: FhirValue;
  /** Keys of `invariants` that the value must satisfy beyond those of its type. */
  rules?: string[];
  /** The element is a list cut into slices, which follow as rows of their own, each with `when`. */
  slicing?: { rules: 'open' | 'closed' | 'openAtEnd'; ordered?: true };
  when?: Condition[];
};

export type InvariantRow = { severity: 'error' | 'warning'; expression: string };

export type DefinitionTable = {
  /** Last segment of the canonical URL; unique in its package. */
  name: string;
  url: string;
  version: string;
  /** Type of the value: `Patient`, `Extension`, `HumanName`. */
  type: string;
  kind: 'resource' | 'complex-type' | 'primitive-type';
  /** Name of the definition this one derives from. */
  base?: string;
  abstract?: true;
  /** Where an extension may stand. */
  context?: string[];
  /** Lexical form of a primitive. */
  regex?: string;
  invariants: Record<string, InvariantRow>;
  rows: ElementRow[];
};

/** Codes by system. `codes` is absent where every code of the system is let through (system only, not checked). */
export type ValueSetTable = {
  name: string;
  url: string;
  systems: { system: string; version?: string; codes?: Record<string, string> | string }[];
};

/** `r4.json`: the types and resources of FHIR R4 that a toolkit document is made of, and their required value sets. */
export type CoreTable = {
  fhirVersion: string;
  /** The invariants of Element hold for every element, those of a `base` for what derives from it. */
  definitions: DefinitionTable[];
  valueSets: ValueSetTable[];
};

/** `index.json` of one version of the toolkit. */
export type PackageIndex = {
  package: string;
  version: string;
  packages: Record<string, string>;
  /** Name of each definition: file and type. */
  definitions: Record<string, { url: string; version: string; type: string }>;
  /** Name of each value set with a file: its URL. */
  valueSets: Record<string, string>;
  /** Value sets that are bound as required and are in none of the packages: name and URL. Nothing can check them. */
  unchecked: Record<string, string>;
};
