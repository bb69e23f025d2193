// Tests of one fault at a time in the small document: a change at a place of it, and what is found then.
import { expect, test } from 'vitest';
import type { FhirValue } from '../../../../mio/model.ts';
import { foundAfter } from './small-document.ts';

/** Where its resources stand. */
export const PATIENT = '/entry/1/resource';
export const WEIGHT = '/entry/5/resource';
export const FREE = '/entry/7/resource';

export const KBV = 'https://fhir.kbv.de/StructureDefinition/';

type Row = [title: string, pointer: string, value: FhirValue | undefined, found: string[]];

/** A test for each row: what is found after the change. */
export const each = (rows: Row[]) =>
  test.each(rows)('%s', (_title, pointer, value, found) => expect(foundAfter(pointer, value)).toEqual(found));
