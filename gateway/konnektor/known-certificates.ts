// C.AUT of the cards that were seen, each read once for as long as it is plugged: a new handle may be another certificate, as where a
// module of an HSM was issued one (KON-05, KON-14).
import type { Certificate } from '../../certs/certificate.ts';

type Plugged = { iccsn: string; cardHandle: string };

export class KnownCertificates {
  readonly #known = new Map<string, { cardHandle: string; certificate: Certificate }>();

  /** Undefined: to be read, as it was not, or not since this insertion. */
  get({ iccsn, cardHandle }: Plugged): Certificate | undefined {
    const known = this.#known.get(iccsn);
    return known?.cardHandle === cardHandle ? known.certificate : undefined;
  }

  /** What this card had when it was read last: for one that cannot be asked now. */
  last(iccsn: string): Certificate | undefined {
    return this.#known.get(iccsn)?.certificate;
  }

  set({ iccsn, cardHandle }: Plugged, certificate: Certificate): void {
    this.#known.set(iccsn, { cardHandle, certificate });
  }

  all(): [iccsn: string, certificate: Certificate][] {
    return [...this.#known].map(([iccsn, { certificate }]) => [iccsn, certificate]);
  }

  delete(iccsn: string): void {
    this.#known.delete(iccsn);
  }

  clear(): void {
    this.#known.clear();
  }
}
