// Whatever the schema of mode "simple" accepts becomes a document that the validator accepts: over all kinds, members, forms
// and codes of closed lists that the schema has. Prints what was reached.
import { expect, test } from 'vitest';
import type { z } from 'zod';
import { codeListsOf } from '../../../mio/build/code-lists.ts';
import { readSimple } from '../../../mio/build/content.ts';
import { KINDS } from '../../../mio/build/kinds.ts';
import { patientInput } from '../../../mio/build/patient.ts';
import { validate } from '../../../mio/validate/validate.ts';
import { writeXml } from '../../../mio/xml-write.ts';
import { build, tables } from '../../support/mio-build.ts';
import { allPaths, pathsOf, type Reached, randomEntries, randomValue } from './random-content.ts';
import { drawFrom } from './random-values.ts';

const lists = codeListsOf(tables);
const schemas = new Map<string, z.ZodType>([
  ['patient', patientInput(lists)],
  ...KINDS.map((kind) => [kind.kind, kind.schema(lists)] as const),
]);
const SEED = Number(process.env.MIO_SEED ?? 20_261_130);
/** Until everything is reached, at most. */
const MAX_ROUNDS = Number(process.env.MIO_ROUNDS ?? 400);

const bodyOf = (seed: number, reached: Reached) => {
  const setting = { draw: drawFrom(seed), reached: new Set(reached), lists };
  const patient = randomValue(patientInput(lists), setting, { path: 'patient', depth: 0, often: 60 });
  return { mode: 'simple', patient, entries: randomEntries(setting) };
};

test('any body that the schema accepts builds a document that the validator accepts, every kind, member and code reached', () => {
  const all = new Set([...schemas].flatMap(([kind, schema]) => allPaths(schema, kind)));
  const reached = new Set<string>();
  let rounds = 0;
  while (rounds < MAX_ROUNDS && [...all].some((path) => !reached.has(path))) {
    const content = bodyOf(SEED + rounds, reached);
    rounds += 1;
    const read = readSimple(content, tables);
    expect(read.findings, `round ${rounds}`).toEqual([]);
    const { bundle } = build(content, {});
    expect(validate(bundle, tables), `round ${rounds}`).toEqual([]);
    expect(writeXml(bundle, tables.core.shapes).length).toBeGreaterThan(0);
    for (const entry of read.content?.entries ?? []) {
      const schema = schemas.get(entry.kind);
      if (schema !== undefined) for (const path of pathsOf(entry, schema, entry.kind)) reached.add(path);
    }
    for (const path of pathsOf(read.content?.patient, patientInput(lists), 'patient')) reached.add(path);
  }
  const codes = [...all].filter((path) => path.includes('='));
  const forms = [...all].filter((path) => /\|\d+$/.test(path));
  const members = [...all].filter((path) => !codes.includes(path) && !forms.includes(path));
  const share = (paths: string[]) => `${paths.filter((path) => reached.has(path)).length} of ${paths.length}`;
  process.stdout.write(
    `${rounds} bodies, seed ${SEED}: ${share(members)} members, ${share(forms)} forms, ${share(codes)} codes of ${KINDS.length} kinds\n`,
  );
  expect([...all].filter((path) => !reached.has(path))).toEqual([]);
}, 600_000);
