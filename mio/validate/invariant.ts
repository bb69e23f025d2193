// The invariants of the tables as rules (plan.ts). Most are taken as they are written; the exceptions are named here, each with
// its reason (mio-diga.md sections 3, 5 and 7).
import type { FhirObject, FhirValue } from '../model.ts';
import type { Shape, Shapes } from '../shapes.ts';
import type { InvariantRow } from '../table-format.ts';
import { compileExpression, type TypeNames } from './fhirpath/compile.ts';
import { type Compiled, truthOf } from './fhirpath/evaluation.ts';
import { EvaluationFault } from './fhirpath/items.ts';
import type { Rule, RuleScope } from './plan.ts';

/** Judged elsewhere, where the place can be told more exactly, or not at all. By key. */
const NOT_ASKED: ReadonlySet<string> = new Set([
  // A narrative should be there: real documents of the toolkit have none, and its status would be a fixed one.
  'dom-6',
  // narrative.ts (MIO_NARRATIVE).
  'txt-1',
  'txt-2',
  // Contained resources are not allowed in any profile (MIO_MAX); to look for references to them costs the square of the rest.
  'dom-3',
  // reference.ts (MIO_REFERENCE_DANGLING).
  'ref-1',
  // bundle.ts (MIO_FULLURL, MIO_COMPOSITION_FIRST) and profile.ts (MIO_PROFILE_UNKNOWN).
  'bdl-7',
  'bdl-11',
  'bundle-1',
]);

/** Expressions that do not say what they mean. */
const READ_AS: Readonly<Record<string, string>> = {
  // KBV's con-1 of Condition_Problem: a union is no condition.
  'Condition.onset.exists() | Condition.abatement.exists()': 'Condition.onset.exists() or Condition.abatement.exists()',
  // R4's que-7: no element is of FHIRPath's own type Boolean, and every answer would be wrong.
  "operator = 'exists' implies (answer is Boolean)": "operator = 'exists' implies (answer is boolean)",
};

/**
 * What cannot be decided breaks nothing: comparisons of 2025 and 2025-03 (R5 writes them with boundaries), the form of a name
 * that is not there.
 */
const OPEN_IS_RIGHT: ReadonlySet<string> = new Set(['per-1', 'rng-2', 'que-0']);

/** A warning of the profile that is an error for us: a KVNR that is none is nobody's. */
const ERRORS: ReadonlySet<string> = new Set(['kvid-1']);

/** Compiles each expression once. */
export class Invariants {
  readonly #shapes: Shapes;
  readonly #types: TypeNames;
  readonly #compiled = new Map<string, Compiled>();

  constructor(shapes: Shapes, types: TypeNames) {
    this.#shapes = shapes;
    this.#types = types;
  }

  /** Undefined for what is not asked. `type` and `shape` are those of the elements it will be asked about. */
  rule(key: string, row: InvariantRow, element: { type: string; shape: Shape | undefined }): Rule | undefined {
    const [name = ''] = key.split('#');
    if (NOT_ASKED.has(name)) return undefined;
    const compiled = this.compiled(row.expression);
    const shapes = this.#shapes;
    const open = OPEN_IS_RIGHT.has(name);
    return {
      key: name,
      severity: ERRORS.has(name) ? 'error' : row.severity,
      holds: (value, sibling, scope) => {
        const truth = ask(compiled, { ...element, value, sibling }, { shapes, scope });
        return truth ?? open;
      },
    };
  }

  compiled(expression: string): Compiled {
    const known = this.#compiled.get(expression);
    if (known !== undefined) return known;
    const compiled = compileExpression(READ_AS[expression] ?? expression, this.#types);
    this.#compiled.set(expression, compiled);
    return compiled;
  }
}

type Asked = { value: FhirValue | undefined; sibling: FhirObject | undefined; type: string; shape: Shape | undefined };

/** What cannot be evaluated (two where one is needed) does not hold. */
function ask(
  compiled: Compiled,
  element: Asked,
  { shapes, scope }: { shapes: Shapes; scope: RuleScope },
): boolean | undefined {
  const focus = [element];
  try {
    return truthOf(compiled(focus, { shapes, focus, resource: scope.resource, root: scope.root }));
  } catch (error) {
    if (error instanceof EvaluationFault) return false;
    throw error;
  }
}
