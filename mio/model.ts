// FHIR R4 as JavaScript objects (hl7.org/fhir/R4/json.html): JSON names, `_name` siblings for the id and the extensions of
// primitives, null where a list has one without the other. Numbers keep their spelling (mio-diga.md section 13): a plain
// number where JavaScript would write it the same way, otherwise a Decimal that carries the text (`72.50`, `1.0`, `1e3`).

/** A number whose spelling JavaScript would not keep. `text` is its JSON and XML form. */
export class Decimal {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Its value as a double, for comparing only. */
  valueOf(): number {
    return Number(this.text);
  }

  toString(): string {
    return this.text;
  }
}

export type FhirValue = string | number | boolean | null | Decimal | FhirObject | FhirValue[];
export type FhirObject = { [name: string]: FhirValue | undefined };
export type Resource = FhirObject & { resourceType: string };

/** JSON's grammar for numbers, which XML's decimals share in FHIR but for `+`, leading zeros and points at either end. */
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/** The number with exactly this spelling, or undefined when the text is no number. Two equal texts give equal values. */
export function numberOf(text: string): number | Decimal | undefined {
  if (!NUMBER.test(text)) return undefined;
  const value = Number(text);
  return String(value) === text ? value : new Decimal(text);
}

export function isObject(value: FhirValue | undefined): value is FhirObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Decimal);
}
