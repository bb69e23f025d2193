// The slices that a profile cuts a list into: which one each entry belongs to, and how many each has.
import type { FhirValue } from '../model.ts';
import type { Field, SlicePlan, Slicing } from './plan.ts';
import type { Trail } from './trail.ts';

/** Counts one list while it is walked through. Slices of slices count within theirs. */
export class SliceCount {
  readonly #trail: Trail;
  readonly #field: Field;
  readonly #slicing: Slicing;
  readonly #counts: number[];
  readonly #inner = new Map<SlicePlan, SliceCount>();
  #furthest = 0;

  constructor(trail: Trail, field: Field, slicing: Slicing) {
    this.#trail = trail;
    this.#field = field;
    this.#slicing = slicing;
    this.#counts = slicing.slices.map(() => 0);
  }

  sliceOf(value: FhirValue | undefined, index: number): SlicePlan | undefined {
    const { slices, closed, ordered, last } = this.#slicing;
    const place = placeOf(value, slices);
    const slice = slices[place];
    const { name } = this.#field;
    if (slice === undefined) {
      if (closed) this.#trail.error('MIO_SLICE_CLOSED', `none of the kinds ${this.#kinds()}`, name, index);
      if (last) this.#furthest = slices.length;
      return undefined;
    }
    if ((ordered || last) && place < this.#furthest)
      this.#trail.error('MIO_SLICE_ORDER', `${slice.name} comes too late`, name, index);
    if (ordered) this.#furthest = Math.max(this.#furthest, place);
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    if (slice.inner === undefined) return slice;
    const inner = this.#inner.get(slice) ?? new SliceCount(this.#trail, this.#field, slice.inner);
    this.#inner.set(slice, inner);
    return inner.sliceOf(value, index) ?? slice;
  }

  end(): void {
    const trail = this.#trail;
    const { name, element } = this.#field;
    this.#slicing.slices.forEach((slice, place) => {
      const count = this.#counts[place] ?? 0;
      if (count < slice.min) trail.error('MIO_SLICE_MIN', `${element.name} needs an entry ${slice.name}`, name);
      if (count > slice.max) {
        const message =
          slice.max === 0 ? `an entry ${slice.name} is not allowed` : `more than ${slice.max} of ${slice.name}`;
        trail.error('MIO_SLICE_MAX', message, name);
      }
    });
    for (const inner of this.#inner.values()) inner.end();
  }

  #kinds(): string {
    return this.#slicing.slices.map((slice) => slice.name).join(', ');
  }
}

/** Patient.identifier: the slice for a KVNR of the private insurance asks what that for a customer number asks, and its system. */
function placeOf(value: FhirValue | undefined, slices: readonly SlicePlan[]): number {
  let [place, conditions] = [-1, -1];
  for (const [index, slice] of slices.entries()) {
    if (slice.conditions > conditions && slice.belongs(value)) [place, conditions] = [index, slice.conditions];
  }
  return place;
}
