// The code table is put together of several files: no code stands in two of them, where the later would silently win.
import { expect, test } from 'vitest';
import { catalogue, catalogueParts } from '../../../gateway/tables/error-catalogue.ts';

test('every code of the table stands in one of its files, and in one alone', () => {
  const codes = Object.values(catalogueParts).flatMap((part) => Object.keys(part));
  expect(codes.filter((code, at) => codes.indexOf(code) !== at)).toEqual([]);
  expect(codes.toSorted()).toEqual(Object.keys(catalogue).toSorted());
});
