// The computed size of a part is never below the written one, or a document would be found too large when it is too late to cut it;
// and not far above, or documents would be cut without need.
import { expect, test } from 'vitest';
import { assembleBundle } from '../../../../mio/build/bundle.ts';
import type { Draft } from '../../../../mio/build/draft.ts';
import { draftsOfFhir } from '../../../../mio/build/fhir-resources.ts';
import { KINDS } from '../../../../mio/build/kinds.ts';
import { coverOf } from '../../../../mio/split/cover.ts';
import { surveyOf } from '../../../../mio/split/survey.ts';
import { measureXml } from '../../../../mio/split.ts';
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

function sizes(drafts: readonly Draft[]): { computed: number; written: number } {
  const survey = surveyOf(drafts, measureXml(shapes));
  const all = [...survey.dated.map((one) => one.item), ...survey.undated];
  const part = { name: '2025-01-01', period: { start: NOW, end: NOW }, drafts };
  const { bundle } = assembleBundle({ part, tables, bundleId: BUNDLE_ID, now: NOW, identify, digest });
  return { computed: coverOf(all, survey).bytes, written: Buffer.byteLength(writeXml(bundle, shapes)) };
}

test('of every kind of entry, and of all together', () => {
  const all = KINDS.map(({ example }) => example);
  for (const entries of [all, ...all.map((one) => [one, ...all.filter((other) => other.kind !== one.kind)])]) {
    const { computed, written } = sizes(build(simple(...entries)).drafts);
    expect(computed).toBeGreaterThanOrEqual(written);
    expect(computed).toBeLessThan(written + 60_000);
  }
});

test('of a sensor’s values: less than a tenth above', () => {
  const { computed, written } = sizes(build(simple(...sensorValues('2025-01-01', 3))).drafts);
  expect(computed).toBeGreaterThanOrEqual(written);
  expect(computed).toBeLessThan(written * 1.1);
});

test('of resources with Provenances of their own', () => {
  const { bundle } = build(simple(...KINDS.map(({ example }) => example)));
  const resources = resourcesOf(bundle).slice(1);
  const { drafts } = draftsOfFhir({ mode: 'fhir', resources }, { tables, app, insured: { kvnr: KVNR }, identify });
  const { computed, written } = sizes(drafts);
  expect(computed).toBeGreaterThanOrEqual(written);
  expect(computed).toBeLessThan(written + 60_000);
});
