// What was changed in the caller's resources, told as findings of severity `information`. A sensor's values all have the same made to
// them: after some of a kind the rest is counted, not listed.
import type { Finding } from '../error.ts';
import { cutAt, findingAt, MAX_FINDINGS } from './findings.ts';

export type Place = readonly (string | number)[];

const MAX_OF_A_KIND = 100;

export class Notes {
  readonly findings: Finding[] = [];
  #errors = 0;
  readonly #counts = new Map<string, { message: string; count: number }>();

  error(place: Place, code: string, message: string): void {
    this.#errors += 1;
    if (this.#errors <= MAX_FINDINGS) this.findings.push(findingAt(place, code, message));
  }

  changed(place: Place, code: string, message: string): void {
    const kind = this.#counts.get(code) ?? { message, count: 0 };
    kind.count += 1;
    this.#counts.set(code, kind);
    if (kind.count <= MAX_OF_A_KIND) this.findings.push(findingAt(place, code, message, 'information'));
  }

  /** All, with one for those that were only counted. `place` is where they are. */
  all(place: Place): Finding[] {
    const rest = [...this.#counts].filter(([, { count }]) => count > MAX_OF_A_KIND);
    const cut = this.#errors > MAX_FINDINGS ? [cutAt()] : [];
    return [
      ...this.findings,
      ...cut,
      ...rest.map(([code, { message, count }]) =>
        findingAt(place, code, `${message}; so at ${count - MAX_OF_A_KIND} more places`, 'information'),
      ),
    ];
  }
}
