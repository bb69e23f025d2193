// Loose resources that are more than a document: each part is valid by itself, with the Provenances of the caller divided among them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assembleBundle } from '../../../../mio/build/bundle.ts';
import type { Draft } from '../../../../mio/build/draft.ts';
import { draftsOfFhir } from '../../../../mio/build/fhir-resources.ts';
import { KINDS } from '../../../../mio/build/kinds.ts';
import type { Resource } from '../../../../mio/model.ts';
import { measureXml, splitDrafts } from '../../../../mio/split.ts';
import { validate } from '../../../../mio/validate/validate.ts';
import { writeXml } from '../../../../mio/xml-write.ts';
import {
  app,
  BUNDLE_ID,
  build,
  digest,
  identify,
  KVNR,
  NOW,
  resourcesOf,
  simple,
  tables,
} from '../../../support/mio-build.ts';
import { sensorValues } from '../../../support/mio-year.ts';

const { shapes } = tables.core;
const setting = { tables, app, insured: { kvnr: KVNR }, identify };
const draftsOf = (resources: Resource[]) => draftsOfFhir({ mode: 'fhir', resources }, setting);

/** Every kind, and four values a day for three months, from another installation, with its Provenances. */
const RESOURCES = resourcesOf(
  build(simple(...KINDS.map(({ example }) => example), ...sensorValues('2025-01-10', 90, 4))).bundle,
).slice(1);

/** As a server would have them: names of its own in each of the ways there are. */
function renamed(resources: readonly Resource[], ways: readonly number[]): Resource[] {
  const urns = new Map(
    resources.map(({ resourceType, id }, n) => [`urn:uuid:${id}`, { type: resourceType, id: `n-${n}` }]),
  );
  let used = 0;
  const text = JSON.stringify(resources, (name, value) => {
    const own = name === 'reference' ? urns.get(String(value)) : undefined;
    if (own === undefined) return value;
    const way = ways[used++ % ways.length] ?? 0;
    return [`${own.type}/${own.id}`, own.id, `urn:uuid:${own.id}`, `${own.type}/${own.id}/_history/4`][way];
  });
  return (JSON.parse(text) as Resource[]).map((one, n) => ({ ...one, id: `n-${n}` }));
}

test('each part is a valid document that fits, and the parts have every resource', () => {
  const limit = 350_000;
  const { drafts, period } = draftsOf(renamed(RESOURCES, [0]));
  const split = splitDrafts(drafts, { limit, measure: measureXml(shapes), period, now: NOW });
  const found = new Set<string>();
  let parts = 0;
  for (const part of split.parts()) {
    parts += 1;
    const { bundle } = assembleBundle({ part, tables, bundleId: BUNDLE_ID, now: NOW, identify, digest });
    expect(validate(bundle, tables).filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(Buffer.byteLength(writeXml(bundle, shapes))).toBeLessThan(limit);
    for (const { resource } of part.drafts) found.add(String(resource.id));
  }
  expect(parts).toBeGreaterThan(3);
  expect(found).toEqual(new Set(drafts.map(({ resource }) => String(resource.id))));
  expect(split.findings.map(({ code }) => code)).toContain('MIO_PROVENANCE_DIVIDED');
});

test('however the references are written the drafts are the same, and taken again they do not change', () => {
  const few = RESOURCES.slice(0, 60);
  const plain = draftsOf(renamed(few, [0]));
  const contentOf = (drafts: readonly Draft[]) => drafts.map(({ resource, section }) => ({ resource, section }));
  fc.assert(
    fc.property(fc.array(fc.nat(3), { minLength: 1, maxLength: 40 }), (ways) => {
      const once = draftsOf(renamed(few, ways));
      expect(once.drafts).toEqual(plain.drafts);
      const again = draftsOf(once.drafts.map(({ resource }) => resource));
      expect(contentOf(again.drafts)).toEqual(contentOf(once.drafts));
      expect(again.findings.filter(({ code }) => !code.endsWith('_ADDED'))).toEqual([]);
    }),
    { numRuns: 30 },
  );
});
