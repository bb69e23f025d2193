// Identifiers of ebXML RegRep 3.0 and IHE XDS (ITI TF-3 4.2) as ITI-41 of ePA carries them (epa-record-system.md 4.2, 4.3),
// and the content models of ebRIM 3.0 that the reader enforces in place of the official XSD.

export const NS = {
  rim: 'urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0',
  rs: 'urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0',
  lcm: 'urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0',
  query: 'urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0',
  xds: 'urn:ihe:iti:xds-b:2007',
  xop: 'http://www.w3.org/2004/08/xop/include',
  wsa: 'http://www.w3.org/2005/08/addressing',
  xml: 'http://www.w3.org/XML/1998/namespace',
  xsi: 'http://www.w3.org/2001/XMLSchema-instance',
} as const;

export const DOCUMENT_ENTRY_TYPE = 'urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1';
export const SUBMISSION_SET_NODE = 'urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd';
export const FOLDER_NODE = 'urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2';
const OBJECT_TYPE = 'urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject';
export const OBJECT_TYPES = {
  package: `${OBJECT_TYPE}:RegistryPackage`,
  classification: `${OBJECT_TYPE}:Classification`,
  externalIdentifier: `${OBJECT_TYPE}:ExternalIdentifier`,
  association: `${OBJECT_TYPE}:Association`,
} as const;

export const ASSOCIATION = {
  hasMember: 'urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember',
  replace: 'urn:ihe:iti:2007:AssociationType:RPLC',
} as const;

export const ENTRY_SCHEME = {
  classCode: 'urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a',
  typeCode: 'urn:uuid:f0306f51-975f-434e-a61c-c59651d33983',
  formatCode: 'urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d',
  healthcareFacilityTypeCode: 'urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1',
  practiceSettingCode: 'urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead',
  eventCodeList: 'urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4',
  confidentialityCode: 'urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f',
  author: 'urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d',
  patientId: 'urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427',
  uniqueId: 'urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab',
} as const;

export const SET_SCHEME = {
  author: 'urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d',
  contentTypeCode: 'urn:uuid:aa543740-bdda-424e-8c96-df4873be8500',
  patientId: 'urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446',
  uniqueId: 'urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8',
} as const;

export const KVNR_ROOT = '1.2.276.0.76.4.8';

/** Content model of one element: attributes with `!` are required; children in this order, with their greatest number. */
export type Model = { attributes: string; children: readonly (readonly [name: string, most: number])[] };
const MANY = Number.POSITIVE_INFINITY;
const REGISTRY_OBJECT = [
  ['Slot', MANY],
  ['Name', 1],
  ['Description', 1],
  ['VersionInfo', 1],
  ['Classification', MANY],
  ['ExternalIdentifier', MANY],
] as const;
const IDENTITY = 'id! home lid objectType status';

export const RIM_MODELS: ReadonlyMap<string, Model> = new Map<string, Model>([
  ['RegistryPackage', { attributes: IDENTITY, children: [...REGISTRY_OBJECT, ['RegistryObjectList', 1]] }],
  [
    'ExtrinsicObject',
    { attributes: `${IDENTITY} mimeType isOpaque`, children: [...REGISTRY_OBJECT, ['ContentVersionInfo', 1]] },
  ],
  [
    'Association',
    { attributes: `${IDENTITY} associationType! sourceObject! targetObject!`, children: REGISTRY_OBJECT },
  ],
  [
    'Classification',
    {
      attributes: `${IDENTITY} classificationScheme classifiedObject! classificationNode nodeRepresentation`,
      children: REGISTRY_OBJECT,
    },
  ],
  [
    'ExternalIdentifier',
    { attributes: `${IDENTITY} registryObject! identificationScheme! value!`, children: REGISTRY_OBJECT },
  ],
  ['ObjectRef', { attributes: 'id! home createReplica', children: [['Slot', MANY]] }],
  ['Slot', { attributes: 'name! slotType', children: [['ValueList', 1]] }],
  ['ValueList', { attributes: '', children: [['Value', MANY]] }],
  ['Value', { attributes: '', children: [] }],
  ['Name', { attributes: '', children: [['LocalizedString', MANY]] }],
  ['Description', { attributes: '', children: [['LocalizedString', MANY]] }],
  ['LocalizedString', { attributes: 'lang charset value!', children: [] }],
  ['VersionInfo', { attributes: 'versionName comment', children: [] }],
  ['ContentVersionInfo', { attributes: 'versionName comment', children: [] }],
]);

/** Longest values by ebRIM 3.0: LongName 256, FreeFormText 1024. */
export const LONG_NAME = 256;
export const FREE_FORM_TEXT = 1024;
