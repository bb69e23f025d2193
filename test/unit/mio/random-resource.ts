// Random resources as the tables of R4 allow them: every element, type and list, ids and extensions on primitives, contained
// resources, all characters that XML can carry. Structure only; what they say makes no sense.
import fc from 'fast-check';
import { type FhirObject, type FhirValue, numberOf, type Resource } from '../../../mio/model.ts';
import type { Field, Shape, Shapes } from '../../../mio/shapes.ts';

type Gen = fc.GeneratorValue;

const text = fc
  .oneof(
    { weight: 4, arbitrary: fc.string({ minLength: 1, maxLength: 12 }) },
    { weight: 2, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('72.50', '<&>"\'', '\t a\r\n\tb ', 'ä😀', ']]>', '&amp;', '<!--', '{"a":1}', 'true'),
    },
  )
  .filter((one) => !/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u.test(one));
const integer = fc.oneof(fc.integer(), fc.constantFrom(0, 1, 2147483647));
const decimal = (exponents: string[]) =>
  fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.nat(99_999),
      fc.constantFrom('', '.0', '.50', '.123456789012345678', '.00'),
      fc.constantFrom('', ...exponents),
    )
    .map((parts) => numberOf(parts.join('')) ?? 0);
const anyDecimal = decimal(['e3', 'E-7', 'e+12']);
const plainDecimal = decimal([]);
const DIVS = [
  '<div xmlns="http://www.w3.org/1999/xhtml"/>',
  '<div xmlns="http://www.w3.org/1999/xhtml"><p>a &lt; b <b>ä😀</b></p></div>',
];

/** How often each field was made, by `Type.field`. */
export type Coverage = Map<string, number>;

/**
 * `types` to choose from; `coverage` counts what was made. `forJudge` leaves out what the npm package `fhir` reads wrongly:
 * it refuses exponents, makes an object of a uuid, loses an empty div, and does not align values and siblings of a list.
 */
export type Context = { shapes: Shapes; types: readonly string[]; coverage: Coverage; forJudge?: boolean };

export function randomResource(context: Context): fc.Arbitrary<Resource> {
  return fc.gen().map((gen) => resource(gen, context, 0));
}

function resource(gen: Gen, context: Context, depth: number): Resource {
  const type = gen(fc.constantFrom, ...context.types);
  return { resourceType: type, ...members(gen, context, { shape: context.shapes.ofType(type), depth }) };
}

function members(gen: Gen, context: Context, { shape, depth }: { shape: Shape; depth: number }): FhirObject {
  const fields = [...shape.fields.values()].filter(
    (one) => (depth < 3 || one.kind === 'primitive') && !(context.forJudge === true && one.type === 'uuid'),
  );
  const chosen = gen(fc.shuffledSubarray, fields, {
    minLength: Math.min(1, fields.length),
    maxLength: Math.min(5, fields.length),
  });
  const object: FhirObject = {};
  const choices = new Set<string>();
  for (const field of chosen) {
    if (field.choice !== undefined && choices.has(field.choice)) continue;
    if (field.choice !== undefined) choices.add(field.choice);
    const key = `${shape.type}.${field.name}`;
    context.coverage.set(key, (context.coverage.get(key) ?? 0) + 1);
    if (field.list) list(gen, context, { field, depth, object });
    else single(gen, context, { field, depth, object });
  }
  return object;
}

type Place = { field: Field; depth: number; object: FhirObject };

function single(gen: Gen, context: Context, { field, depth, object }: Place): void {
  const [value, sibling] = item(gen, context, field, depth);
  if (value !== undefined) object[field.name] = value;
  if (sibling !== undefined) object[`_${field.name}`] = sibling;
}

function list(gen: Gen, context: Context, { field, depth, object }: Place): void {
  const items = Array.from({ length: gen(fc.integer, { min: 1, max: 3 }) }, () => item(gen, context, field, depth));
  if (items.some(([value]) => value !== undefined)) object[field.name] = items.map(([value]) => value ?? null);
  if (items.some(([, sibling]) => sibling !== undefined))
    object[`_${field.name}`] = items.map(([, one]) => one ?? null);
}

function item(
  gen: Gen,
  context: Context,
  field: Field,
  depth: number,
): [value: FhirValue | undefined, sibling: FhirObject | undefined] {
  if (field.kind === 'xhtml')
    return [gen(fc.constantFrom, ...DIVS.slice(context.forJudge === true ? 1 : 0)), undefined];
  if (field.kind === 'resource') return [resource(gen, context, depth + 2), undefined];
  if (field.kind === 'complex')
    return [members(gen, context, { shape: context.shapes.below(field), depth: depth + 1 }), undefined];
  const value = primitive(gen, field.type, context.forJudge === true);
  const bare = context.forJudge === true && field.list;
  if (bare || field.attribute || depth > 1 || gen(fc.nat, 9) > 0) return [value, undefined];
  const sibling = members(gen, context, { shape: context.shapes.below(field), depth: 4 });
  return [gen(fc.boolean) ? value : undefined, sibling];
}

function primitive(gen: Gen, type: string, forJudge: boolean): FhirValue {
  if (type === 'boolean') return gen(fc.boolean);
  if (type === 'decimal') return gen(() => (forJudge ? plainDecimal : anyDecimal));
  if (type === 'integer' || type === 'positiveInt' || type === 'unsignedInt') return gen(() => integer);
  return gen(() => text);
}
