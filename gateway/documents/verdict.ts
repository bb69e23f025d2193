// What is wrong with a document, in the words of the API: pointers into the request, never a value. Errors refuse it, warnings
// come with the answer (EXP-12).
import type { Finding as MioFinding } from '../../mio/error.ts';
import type { Finding } from '../exports/finding.ts';

export type Verdict = { errors: Finding[]; warnings: Finding[] };

/**
 * `pointer`: where in the request the document is. `inside`: its findings have pointers of their own below it; those of bytes
 * have a line at most.
 */
export function verdictOf(
  findings: readonly MioFinding[],
  { pointer, inside = false }: { pointer: string; inside?: boolean },
): Verdict {
  const verdict: Verdict = { errors: [], warnings: [] };
  for (const { severity, code, path, message, line, ...own } of findings) {
    const list = severity === 'error' ? verdict.errors : verdict.warnings;
    list.push({
      pointer: inside ? pointer + (own.pointer ?? '') : pointer,
      path,
      code,
      message: line === undefined ? message : `${message} (line ${line})`,
    });
  }
  return verdict;
}
