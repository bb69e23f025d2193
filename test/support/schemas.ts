// Where the tests find the official schemas, vectors and examples: EPA_SCHEMAS, default ../shared beside the project.
// They are never part of the project (style.md B3); what a run skips without them is said plainly.
import { describe } from 'vitest';
import { schemasDir } from './schemas-dir.ts';

/** A group of tests that needs the official files; without them it is skipped under a name that says so. */
export function describeWithSchemas(name: string, body: (dir: string) => void): void {
  const dir = schemasDir();
  if (dir === null) describe.skip(`${name} [skipped: no official files, set EPA_SCHEMAS]`, () => body(''));
  else describe(name, () => body(dir));
}
