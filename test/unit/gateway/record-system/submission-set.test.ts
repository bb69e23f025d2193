// The metadata of ITI-41: every value of the references (epa-record-system.md 4.2–4.4) and the forms refused. The official
// files judge it in submission-set.official.test.ts.
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import type { SubmissionSetInput } from '../../../../gateway/record-system/submission-set.ts';
import { DOCUMENT_ENTRY, NS, SUBMISSION_SET } from '../../../../gateway/record-system/tables/xds.ts';
import { parseXml, requireChild } from '../../../../wire/xml.ts';
import { ENTRY, INPUT, OLD, read, write } from './submission-reader.ts';

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
          metadata: { confidentiality: 'normal', creationTimeOffsetMinutes: 0 },
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

  it('title, authorSpecialty and an earlier creationTime by the settings of the DiGA, in entry and set', () => {
    const metadata = {
      title: 'Verlauf',
      authorSpecialty: '193',
      confidentiality: 'none' as const,
      creationTimeOffsetMinutes: -180,
    };
    const { set, entry } = read(parseXml(write({ metadata })));
    expect(entry.name).toBe('Verlauf');
    expect(entry.slots.creationTime).toEqual(['20261125060507']);
    const author = { ...AUTHOR, authorSpecialty: ['193^^^&1.3.6.1.4.1.19376.3.276.1.5.11&ISO'] };
    expect([set.author.slots, entry.author.slots]).toEqual([author, author]);
    expect(entry.codes.some(({ scheme }) => scheme === DOCUMENT_ENTRY.confidentialityCode)).toBe(false);
    expect(set.slots).toEqual({ submissionTime: ['20261125100000'] });
  });

  it.each(['2023-06-30T23:59:59Z', '1970-01-01T00:00:00Z'])(
    'is not sent at %s, before the guide is valid (EXP-09)',
    (time) => {
      const early = { creationTime: new Date(time), submissionTime: new Date(time) };
      expect(() => write(early)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', check: 'metadata.valid' }));
    },
  );

  it('is sent on the first day of the guide (EXP-09)', () => {
    expect(write({ submissionTime: new Date('2023-07-01T00:00:00Z') })).toContain('20230701000000');
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
