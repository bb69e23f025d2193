// Where the walk through a document stands, and what it has found. The place is a stack of names and indices; texts of it are
// made only when there is a finding, for most documents have none and many elements.
import type { Finding } from '../error.ts';
import type { FindingCode } from './codes.ts';

export type Step = string | number;

/** JSON names with `_` lead to the id and extensions of a primitive: FHIRPath has no name of its own for them. */
export class Trail {
  readonly findings: Finding[] = [];
  readonly #root: string;
  readonly #max: number;
  readonly #steps: Step[] = [];
  readonly #known = new Set<string>();
  #depth = 0;

  constructor(root: string, max: number) {
    this.#root = root;
    this.#max = max;
  }

  push(step: Step): void {
    this.#steps[this.#depth] = step;
    this.#depth += 1;
  }

  pop(): void {
    this.#depth -= 1;
  }

  /** From the root to where it stands. */
  steps(): Step[] {
    return this.#steps.slice(0, this.#depth);
  }

  get full(): boolean {
    return this.findings.length >= this.#max;
  }

  /** `below` are steps from the present place to the one that is wrong. A place is told once for each code and message. */
  error(code: FindingCode, message: string, ...below: Step[]): void {
    this.report({ severity: 'error', code, message, below });
  }

  report(found: { severity: Finding['severity']; code: FindingCode; message: string; below?: Step[] }): void {
    const steps = [...this.steps(), ...(found.below ?? [])];
    const pointer = pointerOf(steps);
    const key = `${found.code} ${pointer} ${found.message}`;
    if (this.full || this.#known.has(key)) return;
    this.#known.add(key);
    this.findings.push({
      severity: found.severity,
      code: found.code,
      path: pathOf(this.#root, steps),
      message: found.message,
      pointer,
    });
  }
}

function pathOf(root: string, steps: readonly Step[]): string {
  let path = root;
  for (const step of steps) {
    if (typeof step === 'number') path += `[${step}]`;
    else path += `.${step.startsWith('_') ? step.slice(1) : step}`;
  }
  return path;
}

/** RFC 6901. */
function pointerOf(steps: readonly Step[]): string {
  return steps.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
