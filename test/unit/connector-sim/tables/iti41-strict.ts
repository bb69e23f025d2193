// The strict table of ITI-41 metadata: one change in a good message per row (epa-record-system.md 4.7; test/support/iti41-message.ts).

/** One change in the text of a good message. */
export const replace = (from: string | RegExp, to: string) => (envelope: string) => {
  const changed = envelope.replace(from, to);
  if (changed === envelope) throw new Error(`nothing to replace: ${from}`);
  return changed;
};
export const metadata = 'XDSRepositoryMetadataError';
const registry = 'XDSRegistryMetadataError';
const IHE = '1.3.6.1.4.1.19376.3.276.1.5';

/** What is wrong, the change that makes it so, and the documented error and rule. */
export type Row = [what: string, edit: (envelope: string) => string, code: string, rule: string];

export const schema: Row[] = [
  [
    'a Slot behind Name',
    replace(/(<rim:Slot name="URI">.*?<\/rim:Slot>)(.*?)(<rim:Name>.*?<\/rim:Name>)/, '$2$3$1'),
    metadata,
    'xds.schema',
  ],
  ['an unknown element', replace('<rim:ValueList>', '<rim:Extra/><rim:ValueList>'), metadata, 'xds.schema'],
  ['an unknown attribute', replace('isOpaque=', 'opaque='), metadata, 'xds.schema'],
  ['an ExtrinsicObject without id', replace(/(<rim:ExtrinsicObject) id="[^"]*"/, '$1'), metadata, 'xds.schema'],
  [
    'a Slot without ValueList',
    replace(
      '<rim:Slot name="URI"><rim:ValueList><rim:Value>document.xml</rim:Value></rim:ValueList></rim:Slot>',
      '<rim:Slot name="URI"/>',
    ),
    metadata,
    'xds.schema',
  ],
  ['a value over 256 characters', replace('document.xml', 'x'.repeat(257)), metadata, 'xds.schema'],
  [
    'text between elements',
    replace('<rim:RegistryObjectList>', '<rim:RegistryObjectList><rim:Slot name="x"/>'),
    metadata,
    'xds.schema',
  ],
  [
    'no RegistryObjectList',
    replace(/<rim:RegistryObjectList>.*<\/rim:RegistryObjectList>/, ''),
    metadata,
    'xds.schema',
  ],
];

export const structure: Row[] = [
  [
    'no SubmissionSet',
    replace('urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd', 'urn:uuid:00000000-d40d-43f9-88c5-b4633d873bdd'),
    metadata,
    'xds.structure',
  ],
  [
    'no DocumentEntry',
    replace('urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1', 'urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248'),
    metadata,
    'xds.structure',
  ],
  [
    'the same Slot twice',
    replace(
      '<rim:Slot name="languageCode">',
      '<rim:Slot name="URI"><rim:ValueList><rim:Value>x</rim:Value></rim:ValueList></rim:Slot><rim:Slot name="languageCode">',
    ),
    metadata,
    'xds.structure',
  ],
  [
    'a classification of another object',
    replace(/classifiedObject="urn:uuid:[^"]*"/, 'classifiedObject="x"'),
    metadata,
    'xds.structure',
  ],
  [
    'an identifier of another object',
    replace(/registryObject="urn:uuid:[^"]*"/, 'registryObject="x"'),
    metadata,
    'xds.structure',
  ],
  ['no HasMember', replace(/<rim:Association [^>]*HasMember[^>]*>/, ''), metadata, 'xds.has-member'],
  [
    'HasMember from elsewhere',
    replace('sourceObject="SubmissionSet01"', 'sourceObject="x"'),
    metadata,
    'xds.has-member',
  ],
  [
    'an association a DiGA may not use',
    replace('urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember', 'urn:ihe:iti:2007:AssociationType:APND'),
    metadata,
    'xds.association',
  ],
  [
    'a Document of another id',
    replace(/<xds:Document id="[^"]*"/, '<xds:Document id="urn:uuid:00000000-0000-4000-8000-000000000000"'),
    'XDSMissingDocument',
    'xds.document',
  ],
  ['a home attribute of ePA 2', replace('isOpaque=', 'home="urn:oid:1.2" isOpaque='), metadata, 'xds.home-community'],
  [
    'a RequestSlotList of ePA 2',
    replace(
      '<rim:RegistryObjectList>',
      '<rs:RequestSlotList xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"/><rim:RegistryObjectList>',
    ),
    metadata,
    'xds.home-community',
  ],
  [
    'a homeCommunityBlock of ePA 2',
    replace('</soap:Header>', '<homeCommunityBlock xmlns="urn:ihe:iti:xdr:2014"/></soap:Header>'),
    metadata,
    'xds.home-community',
  ],
  [
    'an availabilityStatus',
    replace('isOpaque=', 'status="urn:oasis:names:tc:ebxml-regrep:StatusType:Approved" isOpaque='),
    metadata,
    'xds.server-set',
  ],
  [
    'a Folder',
    replace(
      '<rim:ExtrinsicObject ',
      '<rim:RegistryPackage id="f"><rim:Classification id="fn" classifiedObject="f" classificationNode="urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"/></rim:RegistryPackage><rim:ExtrinsicObject ',
    ),
    metadata,
    'xds.folder',
  ],
  [
    'a uniqueId that is no OID',
    replace(/value="2\.25\.4896[^"]*"/, 'value="document-1"'),
    metadata,
    'xds.unique-id-form',
  ],
];

export const patient: Row[] = [
  [
    'another insured in the entry',
    replace(/X110411675(?=[^"]*" *>\s*<rim:Name><rim:LocalizedString[^>]*XDSDocumentEntry)/, 'X110425360'),
    'XDSPatientIdDoesNotMatch',
    'xds.patient-id',
  ],
  [
    'another insured in the SubmissionSet',
    replace(/X110411675(?=[^"]*" *>\s*<rim:Name><rim:LocalizedString[^>]*XDSSubmissionSet)/, 'X110425360'),
    'XDSPatientIdDoesNotMatch',
    'xds.patient-id',
  ],
  ['another root', replace('1.2.276.0.76.4.8&amp;', '1.2.276.0.76.4.9&amp;'), 'XDSUnknownPatientId', 'xds.patient-id'],
  [
    'no patientId',
    replace(/<rim:ExternalIdentifier id="ei-XDSDocumentEntry.patientId".*?<\/rim:ExternalIdentifier>/, ''),
    metadata,
    'xds.patient-id',
  ],
];

export const codes: Row[] = [
  ['another classCode', replace('nodeRepresentation="DUR"', 'nodeRepresentation="BRI"'), registry, 'xds.codes'],
  ['another typeCode', replace('nodeRepresentation="PATD"', 'nodeRepresentation="ABRE"'), registry, 'xds.codes'],
  [
    'the formatCode of version 1.0',
    replace('nodeRepresentation="urn:gematik:ig:diga:v1.1"', 'nodeRepresentation="urn:gematik:ig:diga:v1.0"'),
    registry,
    'xds.codes',
  ],
  [
    'a foreign category',
    replace('nodeRepresentation="urn:gematik:ig:diga:v1.1"', 'nodeRepresentation="urn:gematik:ig:Arztbrief:r3.1"'),
    'AccessDenied',
    'xds.category',
  ],
  ['a code system with urn:oid:', replace(`>${IHE}.8<`, `>urn:oid:${IHE}.8<`), registry, 'xds.codes'],
  ['a facility of no value set', replace(`>${IHE}.3<`, `>${IHE}.2<`), registry, 'xds.codes'],
  ['a practice setting of no value set', replace(`>${IHE}.5<`, `>${IHE}.4<`), registry, 'xds.codes'],
  [
    'an event code of no value set',
    replace('nodeRepresentation="H1"', 'nodeRepresentation="H9"'),
    registry,
    'xds.codes',
  ],
  ['a code without display', replace('value="vom Patienten mitgebracht"', 'value=""'), registry, 'xds.codes'],
  ['a language of no value set', replace('>de-DE<', '>de<'), registry, 'xds.codes'],
  ['another mimeType', replace('mimeType="application/fhir+xml"', 'mimeType="text/xml"'), registry, 'xds.mime-type'],
  [
    'no title',
    replace(/<rim:Name><rim:LocalizedString[^>]*value="DiGA-Export"\/><\/rim:Name>/, ''),
    registry,
    'xds.metadata',
  ],
  ['a creationTime in the future', replace('20261130070000', '20261130080200'), registry, 'xds.time'],
  ['a creationTime that is no date', replace('20261130070000', '20261131070000'), registry, 'xds.time'],
  ['a submissionTime without seconds', replace('20261130075959', '202611300759'), registry, 'xds.time'],
  ['service times the wrong way round', replace('20261031', '20260930'), registry, 'xds.time'],
];

export const author: Row[] = [
  [
    'an institution with another Telematik-ID',
    replace('ISO^^^^9-DEMO-DIGA-0001', 'ISO^^^^9-OTHER'),
    registry,
    'xds.author',
  ],
  ['a person with another Telematik-ID', replace('9-DEMO-DIGA-0001^Demo', '9-OTHER^Demo'), registry, 'xds.author'],
  ['no authorInstitution', replace(/<rim:Slot name="authorInstitution">.*?<\/rim:Slot>/, ''), registry, 'xds.author'],
  ['no authorRole', replace(/<rim:Slot name="authorRole">.*?<\/rim:Slot>/, ''), registry, 'xds.author'],
  [
    'an ampersand escaped twice',
    replace('&amp;1.2.276.0.76.4.188&amp;ISO', '&amp;amp;1.2.276.0.76.4.188&amp;amp;ISO'),
    registry,
    'xds.author',
  ],
];
