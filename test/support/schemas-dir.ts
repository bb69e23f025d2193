// Where the official schemas, vectors and examples are: EPA_SCHEMAS, default ../shared beside the project. Also for programs
// without vitest. They are never part of the project (style.md B3).
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** The folder laid out as `shared/`, or null where it is absent. */
export function schemasDir(): string | null {
  const dir = resolve(import.meta.dirname, '../..', process.env.EPA_SCHEMAS ?? '../shared');
  return existsSync(`${dir}/schemas`) ? dir : null;
}
