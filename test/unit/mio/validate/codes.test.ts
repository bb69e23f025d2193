// The codes of findings (docs/mio-validator.md is printed from them): none is promised and never given.
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { FINDING_CODES } from '../../../../mio/validate/codes.ts';

test('every code is given somewhere', () => {
  const folder = resolve(import.meta.dirname, '../../../../mio/validate');
  const sources = globSync(join(folder, '**/*.ts')).filter((file) => !file.endsWith('codes.ts'));
  const all = sources.map((file) => readFileSync(file, 'utf8')).join('\n');
  expect(Object.keys(FINDING_CODES).filter((code) => !all.includes(`'${code}'`))).toEqual([]);
});
