// Metadata a strict record system still takes, because productive clients or gematik's examples send it, or the reference calls
// it accepted (export-flow.md 5.1 to 5.6; epa-record-system.md 4.2, 4.3): the twin of the strict table.
import { describe, expect, test } from 'vitest';
import { newDocument, provide } from '../../../support/iti41-message.ts';
import { outcome, signedOn } from '../../../support/iti41-session.ts';
import { replace } from '../tables/iti41-strict.ts';

const code = (scheme: string, value: string, system: string, display: string) =>
  `<rim:Classification id="extra-${value}" objectType="urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Classification" classifiedObject="OWNER" classificationScheme="urn:uuid:${scheme}" nodeRepresentation="${value}"><rim:Slot name="codingScheme"><rim:ValueList><rim:Value>${system}</rim:Value></rim:ValueList></rim:Slot><rim:Name><rim:LocalizedString charset="UTF-8" xml:lang="de-DE" value="${display}"/></rim:Name></rim:Classification>`;
const intoEntry = (markup: string) => (envelope: string) => {
  const id = /<rim:ExtrinsicObject id="([^"]*)"/.exec(envelope)?.[1] ?? '';
  return envelope.replace(
    /(?=<rim:ExternalIdentifier id="ei-XDSDocumentEntry\.patientId")/,
    markup.replace('OWNER', id),
  );
};
const intoSet = (markup: string) =>
  replace(
    /(?=<rim:ExternalIdentifier id="ei-XDSSubmissionSet\.patientId")/,
    markup.replaceAll('OWNER', 'SubmissionSet01'),
  );
const sourceId =
  '<rim:ExternalIdentifier id="ei-source" registryObject="OWNER" identificationScheme="urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832" value="1.2.276.0.76.3.1.1"><rim:Name><rim:LocalizedString value="XDSSubmissionSet.sourceId"/></rim:Name></rim:ExternalIdentifier>';

describe('a strict record system takes', () => {
  test.each<[string, (envelope: string) => string]>([
    [
      'a referenceIdList without a value',
      replace(
        '<rim:Slot name="URI">',
        '<rim:Slot name="urn:ihe:iti:xds:2013:referenceIdList"><rim:ValueList/></rim:Slot><rim:Slot name="URI">',
      ),
    ],
    [
      'empty comments',
      replace(
        /(<rim:Name><rim:LocalizedString[^>]*value="DiGA-Export"\/><\/rim:Name>)/,
        '$1<rim:Description><rim:LocalizedString charset="UTF-8" xml:lang="de-DE" value=""/></rim:Description>',
      ),
    ],
    [
      'no event code',
      (envelope) => envelope.replace(/<rim:Classification id="cl-2c6b8cb7.*?<\/rim:Classification>/, ''),
    ],
    [
      'a second event code E400',
      intoEntry(
        code('2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4', 'E400', '1.3.6.1.4.1.19376.3.276.1.5.16', 'Virtual Encounter'),
      ),
    ],
    [
      'a confidentialityCode N',
      intoEntry(code('f4f85eac-e6cb-4883-b524-f2705394840f', 'N', '2.16.840.1.113883.5.25', 'normal')),
    ],
    [
      'a contentTypeCode',
      intoSet(
        code(
          'aa543740-bdda-424e-8c96-df4873be8500',
          '8',
          '1.3.6.1.4.1.19376.3.276.1.5.12',
          'Veranlassung durch Patient',
        ),
      ),
    ],
    ['a sourceId', intoSet(sourceId)],
    [
      'home and status of the SubmissionSet',
      replace(
        '<rim:RegistryPackage id="SubmissionSet01"',
        '<rim:RegistryPackage home="urn:oid:1.2.276.0.76.3.1" status="urn:oasis:names:tc:ebxml-regrep:StatusType:Approved" id="SubmissionSet01"',
      ),
    ],
    [
      'SubmissionSetStatus Original',
      replace(
        /(<rim:Association [^>]*HasMember"[^>]*)\/>/,
        '$1><rim:Slot name="SubmissionSetStatus"><rim:ValueList><rim:Value>Original</rim:Value></rim:ValueList></rim:Slot></rim:Association>',
      ),
    ],
    [
      'a speciality of the author',
      replace(
        /(<rim:Slot name="authorRole">)/g,
        '<rim:Slot name="authorSpecialty"><rim:ValueList><rim:Value>25^^^&amp;1.3.6.1.4.1.19376.3.276.1.5.11&amp;ISO</rim:Value></rim:ValueList></rim:Slot>$1',
      ),
    ],
    ['an author without nodeRepresentation', replace(/ nodeRepresentation=""/g, '')],
    [
      'a uniqueId that is the entryUUID',
      (envelope) =>
        envelope.replace(
          /(id="ei-XDSDocumentEntry\.uniqueId"[^>]*) value="[^"]*"/,
          `$1 value="${/<rim:ExtrinsicObject id="([^"]*)"/.exec(envelope)?.[1]}"`,
        ),
    ],
    ['no ReplyTo', replace(/<wsa:ReplyTo>.*?<\/wsa:ReplyTo>/, '')],
    [
      'a To that names the client’s own proxy',
      replace(/<wsa:To>.*?<\/wsa:To>/, '<wsa:To>http://localhost:7777/x</wsa:To>'),
    ],
    ['addressing headers that must be understood', replace('<wsa:Action>', '<wsa:Action soap:mustUnderstand="true">')],
  ])('%s', async (_what, edit) => {
    const { channel } = await signedOn();
    const document = newDocument({ edit });
    expect(await outcome((await provide(channel, document)).response)).toEqual({ status: 'Success' });
  });
});
