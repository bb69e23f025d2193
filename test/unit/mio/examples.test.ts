// Every published example (../shared/mio/examples) through our reader and writer: unchanged, and read as the npm package `fhir`
// reads it. Each difference between the two is named here with its reason.
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Fhir } from 'fhir/fhir.js';
import { expect, test } from 'vitest';
import { Decimal, type FhirValue } from '../../../mio/model.ts';
import { CoreTables } from '../../../mio/tables.ts';
import { readXml } from '../../../mio/xml-read.ts';
import { writeXml } from '../../../mio/xml-write.ts';
import { describeWithSchemas } from '../../support/schemas.ts';

const { shapes } = new CoreTables();

describeWithSchemas('the published examples', (dir) => {
  const files = globSync(join(dir, 'mio/examples/**/*.xml')).sort();

  test('are all there', () => expect(files.length).toBe(58));

  test.each(files.map((file) => [basename(file), file]))('%s is read without a finding and survives', (_name, file) => {
    const source = readFileSync(file);
    const { resource, findings } = readXml(source, shapes);
    expect(findings).toEqual([]);
    const written = writeXml(resource, shapes);
    const again = readXml(Buffer.from(written), shapes);
    expect(again).toEqual({ resource, findings: [] });
    expect(writeXml(again.resource, shapes)).toBe(written);
    expect(canonical(written)).toBe(canonical(source.toString('utf8')));
  });

  test.each(files.map((file) => [basename(file), file]))('%s is read as the package fhir reads it', (_name, file) => {
    const source = readFileSync(file, 'utf8');
    const theirs = new Fhir().xmlToObj(source) as FhirValue;
    expect(comparable(readXml(Buffer.from(source), shapes).resource)).toEqual(comparable(theirs));
  });
});

/** White space between tags and inside them, comments, and a namespace repeated on an inner resource say nothing. */
function canonical(xml: string): string {
  return xml
    .replace(/^\uFEFF?<\?xml[^>]*\?>/, '')
    .replaceAll(/<!--[\s\S]*?-->/g, '')
    .replaceAll(/(?<=<resource>\s*<\w+) xmlns="http:\/\/hl7\.org\/fhir"/g, '')
    .replaceAll(/<(\w+)((?:\s+\w+\s*=\s*"[^"]*")*)\s*>\s*<\/\1>/g, '<$1$2/>')
    .replaceAll(/>\s+</g, '><')
    .replaceAll(/\s*=\s*"/g, '="')
    .replaceAll(/\s+\/>/g, '/>')
    .trim();
}

/** Their way where it differs from the specification's, applied to both sides. */
function comparable(value: FhirValue): FhirValue {
  // They give a decimal as a JSON string, which R4's JSON forbids (json.html#primitive): the same text all the same.
  if (value instanceof Decimal || typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value)
    // They keep XML comments as a member that R4 does not have.
    .filter(([name]) => name !== 'fhir_comments')
    .map(([name, one]): [string, FhirValue | undefined] => [name, one === undefined ? undefined : comparable(one)])
    .filter(([name, one]) => !(name.startsWith('_') && JSON.stringify(one) === '{}'));
  return Object.fromEntries(members);
}
