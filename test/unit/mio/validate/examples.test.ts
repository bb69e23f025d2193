// The published examples (../shared/mio/examples) through the validator: nothing false is found.
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { validate } from '../../../../mio/validate/validate.ts';
import { readXml } from '../../../../mio/xml-read.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';
import { core, tables } from './small-document.ts';

describeWithSchemas('the published examples', (dir) => {
  const read = (file: string) => readXml(readFileSync(file), core.shapes).resource;
  const real = (number: number) =>
    read(join(dir, `mio/examples/real/REAL_EXAMPLE_${number}_KBV_PR_MIO_DIGA_Bundle.xml`));
  const technical = globSync(join(dir, 'mio/examples/{min,max}/*.xml')).sort();

  test('real example 1 has no finding', () => expect(validate(real(1), tables)).toEqual([]));

  test('real example 2 has one: a reference of a Provenance with a UUID that was cut', () =>
    expect(validate(real(2), tables)).toEqual([
      {
        severity: 'error',
        code: 'MIO_REFERENCE_DANGLING',
        path: 'Bundle.entry[4].resource.agent[0].who.reference',
        pointer: '/entry/4/resource/agent/0/who/reference',
        message: expect.any(String),
      },
    ]));

  test('there are 56 technical examples', () => expect(technical.length).toBe(56));

  test.each(technical.map((file) => [basename(file), file]))('%s has no error', (_name, file) => {
    const findings = validate(read(file), tables, { single: true });
    expect(findings.filter((one) => one.severity === 'error')).toEqual([]);
    // Alone, it cannot say where its references lead (D26).
    expect(findings.filter((one) => one.code !== 'MIO_REFERENCE_DANGLING')).toEqual([]);
  });
});
