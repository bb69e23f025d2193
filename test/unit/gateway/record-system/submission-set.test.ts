// The metadata of ITI-41: every value of the references (epa-record-system.md 4.2–4.4), the forms refused, and the official
// files as judges: XSD, value sets, implementation guide and the DiGA examples of ePA 2.6, value by value.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import {
  provideAndRegisterRequest,
  type SubmissionSetInput,
} from '../../../../gateway/record-system/submission-set.ts';
import { DIGA_CODES, IG_DIGA } from '../../../../gateway/record-system/tables/ig-diga.ts';
import { DOCUMENT_ENTRY, NS, SUBMISSION_SET } from '../../../../gateway/record-system/tables/xds.ts';
import { inlineXop } from '../../../../wire/mtom.ts';
import { child, childrenOf, parseXml, requireChild, serialize, type XmlElement } from '../../../../wire/xml.ts';
import { XsdJudge } from '../../../conformance/xsd.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';

const ENTRY = 'urn:uuid:758b59c8-5175-41a7-a2f0-efb659256708';
const OLD = 'urn:uuid:a5c45ed4-f8c4-4ded-8018-cf67e3b5cf63';
const INPUT: SubmissionSetInput = {
  kvnr: 'X110425360',
  entryUuid: ENTRY,
  uniqueId: '2.25.48963580284622215826',
  replaces: null,
  mimeType: 'application/fhir+xml',
  title: 'Tagebuch <März> & "mehr"',
  author: { telematikId: '9-TEST-DIGA-0001', digaName: 'Demo DiGA', manufacturer: 'Demo GmbH' },
  creationTime: new Date('2026-11-25T09:05:07.900Z'),
  submissionTime: new Date('2026-11-25T10:00:00Z'),
  contentId: 'document.1@xds',
};

const write = (change: Partial<SubmissionSetInput> = {}) =>
  serialize(provideAndRegisterRequest({ ...INPUT, ...change }));

/** What stands in a ProvideAndRegisterDocumentSetRequest, whatever its prefixes. */
function read(request: XmlElement) {
  const list = requireChild(requireChild(request, NS.lcm, 'SubmitObjectsRequest'), NS.rim, 'RegistryObjectList');
  const [set, entry] = [requireChild(list, NS.rim, 'RegistryPackage'), requireChild(list, NS.rim, 'ExtrinsicObject')];
  return {
    set: objectOf(set),
    entry: objectOf(entry),
    list,
    associations: childrenOf(list, NS.rim, 'Association').map((a) => a.attributes),
  };
}

const slots = (of: XmlElement): Record<string, string[]> =>
  Object.fromEntries(
    childrenOf(of, NS.rim, 'Slot').map((slot) => [
      slot.attributes.get('name') ?? '',
      childrenOf(requireChild(slot, NS.rim, 'ValueList'), NS.rim, 'Value').map((value) => value.text),
    ]),
  );
const nameOf = (of: XmlElement): string | undefined => {
  const name = child(of, NS.rim, 'Name');
  return name === undefined ? undefined : requireChild(name, NS.rim, 'LocalizedString').attributes.get('value');
};

function objectOf(element: XmlElement) {
  const classifications = childrenOf(element, NS.rim, 'Classification');
  const codes = classifications
    .filter((c) => slots(c).codingScheme !== undefined)
    .map((c) => ({
      scheme: c.attributes.get('classificationScheme'),
      code: c.attributes.get('nodeRepresentation'),
      system: slots(c).codingScheme?.[0],
      name: nameOf(c),
    }));
  const author = classifications.find((c) => slots(c).authorPerson !== undefined);
  return {
    attributes: element.attributes,
    slots: slots(element),
    name: nameOf(element),
    codes,
    author: {
      scheme: author?.attributes.get('classificationScheme'),
      slots: author === undefined ? {} : slots(author),
    },
    node: classifications.map((c) => c.attributes.get('classificationNode')).find((node) => node !== undefined),
    identifiers: childrenOf(element, NS.rim, 'ExternalIdentifier').map((id) => ({
      scheme: id.attributes.get('identificationScheme'),
      name: nameOf(id),
      value: id.attributes.get('value'),
    })),
  };
}

const KVNR_CX = 'X110425360^^^&1.2.276.0.76.4.8&ISO';
const AUTHOR = {
  authorPerson: ['9-TEST-DIGA-0001^Demo DiGA^Demo GmbH^^^^^^&1.2.276.0.76.4.282&ISO'],
  authorInstitution: ['Demo GmbH^^^^^&1.2.276.0.76.4.188&ISO^^^^9-TEST-DIGA-0001'],
  authorRole: ['12^^^&1.3.6.1.4.1.19376.3.276.1.5.13&ISO'],
};

describe('a first document', () => {
  const { set, entry, associations } = read(parseXml(write()));

  it('is one DocumentEntry with the metadata of the guide', () => {
    expect(Object.fromEntries(entry.attributes)).toEqual({
      id: ENTRY,
      objectType: 'urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1',
      isOpaque: 'false',
      mimeType: 'application/fhir+xml',
    });
    expect(entry.codes.map(({ scheme, code, system }) => [scheme, code, system])).toEqual([
      [DOCUMENT_ENTRY.classCode, 'DUR', '1.3.6.1.4.1.19376.3.276.1.5.8'],
      [DOCUMENT_ENTRY.eventCodeList, 'H1', '1.3.6.1.4.1.19376.3.276.1.5.15'],
      [DOCUMENT_ENTRY.eventCodeList, 'E400', '1.3.6.1.4.1.19376.3.276.1.5.16'],
      [DOCUMENT_ENTRY.formatCode, 'urn:gematik:ig:diga:v1.1', '1.3.6.1.4.1.19376.3.276.1.5.6'],
      [DOCUMENT_ENTRY.healthcareFacilityTypeCode, 'PAT', '1.3.6.1.4.1.19376.3.276.1.5.3'],
      [DOCUMENT_ENTRY.practiceSettingCode, 'PAT', '1.3.6.1.4.1.19376.3.276.1.5.5'],
      [DOCUMENT_ENTRY.typeCode, 'PATD', '1.3.6.1.4.1.19376.3.276.1.5.9'],
    ]);
    expect(entry.slots).toEqual({
      creationTime: ['20261125090507'],
      languageCode: ['de-DE'],
      URI: ['758b59c8-5175-41a7-a2f0-efb659256708.xml'],
    });
    expect(entry.name).toBe(INPUT.title);
    expect(entry.author).toEqual({ scheme: DOCUMENT_ENTRY.author, slots: AUTHOR });
    expect(entry.identifiers).toEqual([
      { scheme: DOCUMENT_ENTRY.patientId, name: 'XDSDocumentEntry.patientId', value: KVNR_CX },
      { scheme: DOCUMENT_ENTRY.uniqueId, name: 'XDSDocumentEntry.uniqueId', value: INPUT.uniqueId },
    ]);
  });

  it('lies in one SubmissionSet of the same author and insured', () => {
    expect(set.slots).toEqual({ submissionTime: ['20261125100000'] });
    expect(set.node).toBe(SUBMISSION_SET.node);
    expect(set.author).toEqual({ scheme: SUBMISSION_SET.author, slots: AUTHOR });
    expect(set.identifiers[0]).toEqual({
      scheme: SUBMISSION_SET.patientId,
      name: 'XDSSubmissionSet.patientId',
      value: KVNR_CX,
    });
    expect(set.identifiers[1]?.value).toMatch(/^2\.25\.\d{30,39}$/);
  });

  it('is its member and replaces nothing; no Folder is sent', () => {
    expect(associations.map((a) => [a.get('associationType'), a.get('sourceObject'), a.get('targetObject')])).toEqual([
      ['urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember', set.attributes.get('id'), ENTRY],
    ]);
    expect(write()).not.toMatch(/Folder|d9d542f3|homeCommunity/);
  });

  it('names its bytes by entryUUID and Content-ID', () => {
    const document = requireChild(parseXml(write()), NS.ihe, 'Document');
    expect(document.attributes.get('id')).toBe(ENTRY);
    expect(requireChild(document, NS.xop, 'Include').attributes.get('href')).toBe('cid:document.1%40xds');
  });

  it('carries the KVNR in the two patientIds only', () => {
    expect(write().split('X110425360').length - 1).toBe(2);
  });
});

describe('the options of a document', () => {
  it('RPLC from the new to the newest entryUUID', () => {
    const { associations } = read(parseXml(write({ replaces: OLD })));
    expect(associations.map((a) => a.get('associationType'))).toEqual([
      'urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember',
      'urn:ihe:iti:2007:AssociationType:RPLC',
    ]);
    expect([associations[1]?.get('sourceObject'), associations[1]?.get('targetObject')]).toEqual([ENTRY, OLD]);
  });

  it('PDF, service times, confidentialityCode N', () => {
    const { entry } = read(
      parseXml(
        write({
          mimeType: 'application/pdf',
          serviceStart: new Date('2026-01-01T00:00:00Z'),
          serviceStop: new Date('2026-02-01T00:00:00Z'),
          confidentialityNormal: true,
        }),
      ),
    );
    expect(entry.attributes.get('mimeType')).toBe('application/pdf');
    expect(entry.slots).toMatchObject({
      URI: ['758b59c8-5175-41a7-a2f0-efb659256708.pdf'],
      serviceStartTime: ['20260101000000'],
      serviceStopTime: ['20260201000000'],
    });
    expect(entry.codes).toContainEqual({
      scheme: DOCUMENT_ENTRY.confidentialityCode,
      code: 'N',
      system: '2.16.840.1.113883.5.25',
      name: 'normal',
    });
  });

  it('HL7 delimiters in names stay inside their component', () => {
    const { entry } = read(parseXml(write({ author: { ...INPUT.author, manufacturer: 'A&B^C|D~E\\F' } })));
    expect(entry.author.slots.authorInstitution).toEqual([
      'A\\T\\B\\S\\C\\F\\D\\R\\E\\E\\F^^^^^&1.2.276.0.76.4.188&ISO^^^^9-TEST-DIGA-0001',
    ]);
  });
});

describe('a repeat', () => {
  it('is the same message, identifiers and all (D1)', () => {
    expect(write({ replaces: OLD })).toBe(write({ replaces: OLD }));
  });

  it('another document shares no identifier with it', () => {
    const ids = (text: string) => new Set([...text.matchAll(/ id="([^"]+)"/g)].map((m) => m[1]));
    const [one, other] = [ids(write()), ids(write({ entryUuid: OLD, uniqueId: '2.25.1' }))];
    expect([...one].filter((id) => other.has(id))).toEqual([]);
    expect(one.size).toBe([...write().matchAll(/ id="/g)].length - 1); // Document names its ExtrinsicObject
  });
});

describe('a form that could not be replaced later is our own mistake', () => {
  const cases: [string, Partial<SubmissionSetInput>][] = [
    ['an entryUUID without urn:uuid:', { entryUuid: '758b59c8-5175-41a7-a2f0-efb659256708' }],
    ['an entryUUID in capitals', { entryUuid: ENTRY.toUpperCase().replace('URN:UUID', 'urn:uuid') }],
    ['a symbolic entryUUID', { entryUuid: 'Document01' }],
    ['a target without urn:uuid:', { replaces: 'Document01' }],
    ['a document that replaces itself', { replaces: ENTRY }],
    ['a uniqueId that is no OID', { uniqueId: ENTRY }],
    ['a uniqueId with a leading zero', { uniqueId: '2.25.01' }],
    ['a uniqueId of 65 characters', { uniqueId: `2.25.${'1'.repeat(60)}` }],
    ['a mimeType outside the guide', { mimeType: 'application/fhir+json' }],
  ];
  it.each(cases)('%s', (_title, change) => {
    expect(() => write(change)).toThrow(GatewayError);
  });

  it('a title that XML cannot carry is refused', () => {
    expect(() => write({ title: 'a\u0000b' })).toThrow();
  });
});

describeWithSchemas('judged by the official files', (dir) => {
  const epa = join(dir, 'schemas/epa');
  const content = new TextEncoder().encode('<Bundle/>');

  it.each([
    ['a first document', {}],
    ['a replacement', { replaces: OLD }],
    [
      'a PDF with everything',
      {
        mimeType: 'application/pdf',
        serviceStart: INPUT.creationTime,
        serviceStop: INPUT.creationTime,
        confidentialityNormal: true,
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
    const ours = read(parseXml(write({ replaces, confidentialityNormal: true, title: official.entry.name ?? '' })));
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
