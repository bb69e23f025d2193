// Extensions that the profile does not place itself: the definition of their url decides what they hold and where they may
// stand (hl7.org/fhir/R4/defining-extensions.html#context). One that nobody here knows is let through.
import type { Definition } from '../definition.ts';
import { type FhirObject, type FhirValue, isObject } from '../model.ts';
import type { Shape } from '../shapes.ts';
import type { ToolkitTables } from '../tables.ts';
import type { Step, Trail } from './trail.ts';

export function knownExtension(value: FhirObject, tables: ToolkitTables): Definition | undefined {
  if (typeof value.url !== 'string') return undefined;
  const definition = tables.byCanonical(value.url);
  return definition?.type === 'Extension' ? definition : undefined;
}

/** `document` is what the trail leads through; the trail stands at the extension. */
export function checkContext(
  trail: Trail,
  definition: Definition,
  { document, tables }: { document: FhirObject; tables: ToolkitTables },
): void {
  if (definition.context.length === 0 || definition.context.includes('Element')) return;
  const place = contextsOf(trail.steps(), document, tables);
  if (definition.context.some((one) => place.has(one.toLowerCase()))) return;
  trail.error('MIO_EXTENSION_CONTEXT', `belongs to ${definition.context.join(', ')}`);
}

/** Everything that the owner of the extension may be called, in lower case: `patient.gender`, `humanname.family`, `code`. */
function contextsOf(steps: readonly Step[], document: FhirObject, tables: ToolkitTables): ReadonlySet<string> {
  const { shapes } = tables.core;
  const path = steps.filter((step) => typeof step === 'string').slice(0, -1);
  let contexts: string[] = [];
  let shape: Shape | undefined;
  const enter = (type: string) => {
    contexts = withBases(type, tables);
    shape = shapes.isResource(type) ? shapes.ofType(type) : undefined;
  };
  enter(String(document.resourceType));
  const resources = resourcesAlong(steps, document);
  for (const step of path) {
    const field = shape?.fields.get(step.startsWith('_') ? step.slice(1) : step);
    if (field === undefined) return new Set();
    if (field.kind === 'resource') {
      enter(resources.shift() ?? '');
      continue;
    }
    const stem = field.choice?.slice(0, -3);
    const names =
      stem === undefined ? [field.name] : [stem, field.name, `${field.choice}`, `${stem}.ofType(${field.type})`];
    contexts = [...contexts.flatMap((one) => names.map((name) => `${one}.${name}`)), ...withBases(field.type, tables)];
    shape = shapes.below(field);
  }
  return new Set(contexts.map((one) => one.toLowerCase()));
}

function withBases(type: string, tables: ToolkitTables): string[] {
  const found: string[] = [];
  for (let one: string | undefined = type; one !== undefined; one = tables.core.definitions.get(one)?.base)
    found.push(one);
  return found;
}

/** Types of the resources that the steps lead into, outermost first. */
function resourcesAlong(steps: readonly Step[], document: FhirObject): string[] {
  const found: string[] = [];
  let here: FhirValue | undefined = document;
  for (const step of steps) {
    if (typeof step === 'number') here = Array.isArray(here) ? here[step] : undefined;
    else here = isObject(here) ? here[step] : undefined;
    if (isObject(here) && typeof here.resourceType === 'string') found.push(here.resourceType);
  }
  return found;
}
