// The metadata of ITI-41 judged by the official files: XSD, value sets, implementation guide, and the DiGA examples of ePA
// 2.6 value by value.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { SubmissionSetInput } from '../../../../gateway/record-system/submission-set.ts';
import { DIGA_CODES, IG_DIGA } from '../../../../gateway/record-system/tables/ig-diga.ts';
import { inlineXop } from '../../../../wire/mtom.ts';
import { child, childrenOf, parseXml, requireChild, type XmlElement } from '../../../../wire/xml.ts';
import { XsdJudge } from '../../../conformance/xsd.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';
import { INPUT, OLD, read, write } from './submission-reader.ts';

describeWithSchemas('judged by the official files', (dir) => {
  const epa = join(dir, 'schemas/epa');
  const content = new TextEncoder().encode('<Bundle/>');

  const EVERYTHING = {
    title: 'Tagebuch',
    authorSpecialty: '193',
    confidentiality: 'normal' as const,
    creationTimeOffsetMinutes: -180,
  };

  it.each([
    ['a first document', {}],
    ['a replacement', { replaces: OLD }],
    [
      'a PDF with everything',
      {
        mimeType: 'application/pdf',
        serviceStart: INPUT.creationTime,
        serviceStop: INPUT.creationTime,
        metadata: EVERYTHING,
      },
    ],
  ] as [string, Partial<SubmissionSetInput>][])(
    '%s is valid against XDS.b_DocumentRepository.xsd',
    (_title, change) => {
      const parts = new Map([[INPUT.contentId, { contentType: 'application/octet-stream', bytes: content }]]);
      expect(new XsdJudge(dir).judge(inlineXop(Buffer.from(write(change)), parts)).faults).toEqual([]);
    },
  );

  it('the judge sees a slot in the wrong place', () => {
    const wrong = write()
      .replace(/(<rim:Name>.*?<\/rim:Name>)/, '')
      .replace('<rim:Slot name="creationTime"', '<rim:Name/><rim:Slot name="creationTime"');
    const parts = new Map([[INPUT.contentId, { contentType: 'application/octet-stream', bytes: content }]]);
    expect(new XsdJudge(dir).judge(inlineXop(Buffer.from(wrong), parts)).faults).not.toEqual([]);
  });

  it('fixed values are those of ig-diga_V_1_1.json', () => {
    const ig = JSON.parse(readFileSync(join(epa, 'ig/ig-diga_V_1_1.json'), 'utf8'));
    const element = ig.elements[0];
    const value = (name: string) =>
      element.metadata.find((m: { name: string }) => m.name === `documentEntry.${name}`).value;
    for (const name of ['classCode', 'typeCode', 'formatCode'] as const) {
      const { code, codeSystem, displayName } = value(name);
      expect(IG_DIGA[name]).toEqual({ code, codeSystem, displayName });
    }
    expect(IG_DIGA.mimeTypes).toEqual(value('mimeType'));
    expect([IG_DIGA.maxDocumentHistory, IG_DIGA.validFromDate]).toEqual([element.maxDocumentHistory, ig.validFromDate]);
  });

  const valueSets: [file: string, codes: readonly { code: string; codeSystem: string; displayName?: string }[]][] = [
    ['vs-class-code', [IG_DIGA.classCode]],
    ['vs-type-code', [IG_DIGA.typeCode]],
    ['vs-format-code', [IG_DIGA.formatCode]],
    ['vs-healthcare-facility-type-code', [DIGA_CODES.healthcareFacilityTypeCode]],
    ['vs-practice-setting-code', [DIGA_CODES.practiceSettingCode]],
    ['vs-event-code', DIGA_CODES.eventCodeList],
    ['vs-confidentiality-code', [DIGA_CODES.confidentialityNormal]],
    ['vs-author-role', [DIGA_CODES.authorRole]],
  ];
  it.each(valueSets)('%s knows each code we send, under its system and name', (file, codes) => {
    const fhir = 'http://hl7.org/fhir';
    const valueSet = parseXml(readFileSync(join(epa, `vocabulary/value_sets/${file}.xml`)));
    const includes = childrenOf(requireChild(valueSet, fhir, 'compose'), fhir, 'include');
    const value = (of: XmlElement, name: string) => child(of, fhir, name)?.attributes.get('value');
    for (const { code, codeSystem, displayName } of codes) {
      const known = includes
        .filter((include) => value(include, 'system') === `urn:oid:${codeSystem}`)
        .flatMap((include) => childrenOf(include, fhir, 'concept'))
        .filter((concept) => value(concept, 'code') === code);
      expect(known.length).toBe(1);
      // The value set names the format code without its version; the guide and the official examples name it with.
      const display = known.map((concept) => value(concept, 'display'));
      if (displayName !== undefined) expect(display).toEqual([displayName.replace(/ v1\.1$/, '')]);
    }
  });

  it.each([
    ['request_noreplace.xml', null],
    ['request_replace.xml', OLD],
  ])('%s carries the same values, but for what belongs to ePA 2', (file, replaces) => {
    const envelope = parseXml(readFileSync(join(epa, 'examples/epa2.6-diga', file)));
    const body = envelope.children.find((e) => e.name === 'Body');
    const official = read(body?.children[0] ?? envelope);
    const ours = read(
      parseXml(
        write({
          replaces,
          metadata: { ...EVERYTHING, title: undefined, authorSpecialty: undefined },
          title: official.entry.name ?? '',
        }),
      ),
    );
    for (const { scheme, code, system, name } of official.entry.codes) {
      const same = ours.entry.codes.find((one) => one.scheme === scheme && one.code === code && one.system === system);
      // Umlauts are damaged at the source: two dots stand for one.
      expect(same?.name?.replace(/[^\x20-\x7e]/g, '..')).toBe(name);
    }
    for (const part of ['set', 'entry'] as const) {
      const schemes = (of: typeof official) => of[part].identifiers.map((id) => [id.scheme, id.name]);
      expect(schemes(ours)).toEqual(schemes(official));
      expect(ours[part].author.scheme).toBe(official[part].author.scheme);
      expect(Object.keys(ours[part].author.slots).sort()).toEqual(Object.keys(official[part].author.slots).sort());
      expect(ours[part].author.slots.authorRole).toEqual(official[part].author.slots.authorRole);
      expect(ours[part].attributes.get('objectType')).toBe(official[part].attributes.get('objectType'));
    }
    expect(ours.entry.identifiers[0]?.value).toBe(
      official.entry.identifiers[0]?.value?.replace(/^[A-Z]\d{9}/, INPUT.kvnr),
    );
    expect(ours.set.node).toBe(official.set.node);
    expect(ours.entry.slots.languageCode).toEqual(official.entry.slots.languageCode);
    expect(ours.associations.map((a) => a.get('associationType'))).toEqual(
      official.associations.map((a) => a.get('associationType')),
    );
  });
});
