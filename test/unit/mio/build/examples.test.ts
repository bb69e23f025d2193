// The documented example of every kind (docs/mio-kinds.md) becomes its one profile in its one section, in a document
// that the validator has nothing to say about, and that reads again from its XML as it was.
import { describe, expect, test } from 'vitest';
import { KINDS } from '../../../../mio/build/kinds.ts';
import { validate } from '../../../../mio/validate/validate.ts';
import { readXml } from '../../../../mio/xml-read.ts';
import { writeXml } from '../../../../mio/xml-write.ts';
import { build, exampleOf, simple, tables } from '../../../support/mio-build.ts';

const { shapes } = tables.core;

describe.each(KINDS.map((kind) => ({ name: kind.kind, kind })))('the example of $name', ({ kind }) => {
  const named = simple(...exampleOf(kind));
  /** A Device is in the document only where something was measured with it. */
  const content = kind.section === undefined ? simple(...KINDS.map(({ example }) => example)) : named;

  test('stands in its section with its profile', () => {
    const { drafts } = build(content);
    const own = drafts.filter(({ pointer }) => pointer === `/entries/${content.entries.indexOf(kind.example)}`);
    expect(own[0]).toMatchObject({ profile: kind.profile, section: kind.section });
    expect(JSON.stringify(own[0]?.resource.meta)).toContain(`/${kind.profile}|1.1.0"`);
  });
  test('makes a document without a finding', () => {
    expect(validate(build(content).bundle, tables)).toEqual([]);
  });
  test('reads again from XML as it was written', () => {
    const { bundle } = build(content);
    const { resource, findings } = readXml(Buffer.from(writeXml(bundle, shapes)), shapes);
    expect(findings).toEqual([]);
    expect(JSON.parse(JSON.stringify(resource))).toEqual(JSON.parse(JSON.stringify(bundle)));
  });
});
