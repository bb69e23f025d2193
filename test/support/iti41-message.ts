// A good ITI-41 of a DiGA, after gematik's published example (epa-record-system.md 4.2, 4.3), as text a test can break in one
// place. Written by hand for the simulator's tests; the gateway has its own writer.
import { writeMtom } from '../../wire/mtom.ts';
import { KVNR } from './sim-services.ts';
import type { TestChannel } from './vau-test-client.ts';

export const TELEMATIK_ID = '9-DEMO-DIGA-0001';
export const PATH = '/epa/xds-document/api/I_Document_Management';
const ACTION = 'urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b';
const OBJECT_TYPE = 'urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject';
let serial = 0;

export type Iti41 = {
  entryUuid: string;
  uniqueId: string;
  kvnr: string;
  replaces?: string;
  content: Uint8Array;
  /** change to the envelope before it is packed */
  edit?: (envelope: string) => string;
};

/** IDs and content no other document of the run has. */
export function newDocument(change: Partial<Iti41> = {}): Iti41 {
  serial += 1;
  const tail = String(serial).padStart(12, '0');
  return {
    entryUuid: `urn:uuid:0a0b0c0d-1111-4222-8333-${tail}`,
    uniqueId: `2.25.4896358028462221${serial}`,
    kvnr: KVNR,
    content: Buffer.from(`<Bundle xmlns="http://hl7.org/fhir"><id value="${serial}"/></Bundle>`),
    ...change,
  };
}

const slot = (name: string, ...values: string[]) =>
  `<rim:Slot name="${name}"><rim:ValueList>${values.map((v) => `<rim:Value>${v}</rim:Value>`).join('')}</rim:ValueList></rim:Slot>`;
const text = (element: string, value: string) =>
  `<rim:${element}><rim:LocalizedString charset="UTF-8" xml:lang="de-DE" value="${value}"/></rim:${element}>`;
const identifier = (o: { id: string; scheme: string; value: string; name: string }) =>
  `<rim:ExternalIdentifier id="ei-${o.name}" objectType="${OBJECT_TYPE}:ExternalIdentifier" registryObject="${o.id}" identificationScheme="urn:uuid:${o.scheme}" value="${o.value}">${text('Name', o.name)}</rim:ExternalIdentifier>`;
const code = (id: string, scheme: string, value: string, system: string, display: string) =>
  `<rim:Classification id="cl-${scheme}-${value}" objectType="${OBJECT_TYPE}:Classification" classifiedObject="${id}" classificationScheme="urn:uuid:${scheme}" nodeRepresentation="${value}">${slot('codingScheme', system)}${text('Name', display)}</rim:Classification>`;
const author = (id: string, scheme: string) =>
  `<rim:Classification id="au-${scheme}" objectType="${OBJECT_TYPE}:Classification" classifiedObject="${id}" classificationScheme="urn:uuid:${scheme}" nodeRepresentation="">${slot('authorPerson', `${TELEMATIK_ID}^Demo DiGA^Demo DiGA GmbH^^^^^^&amp;1.2.276.0.76.4.282&amp;ISO`)}${slot('authorInstitution', `Demo DiGA GmbH^^^^^&amp;1.2.276.0.76.4.188&amp;ISO^^^^${TELEMATIK_ID}`)}${slot('authorRole', '12^^^&amp;1.3.6.1.4.1.19376.3.276.1.5.13&amp;ISO')}</rim:Classification>`;
const association = (type: string, source: string, target: string) =>
  `<rim:Association id="as-${target}" associationType="${type}" sourceObject="${source}" targetObject="${target}"/>`;

/** The SOAP envelope, good unless `edit` breaks it. */
export function envelopeOf(o: Iti41): string {
  const set = 'SubmissionSet01';
  const id = o.entryUuid;
  const patient = `${o.kvnr}^^^&amp;1.2.276.0.76.4.8&amp;ISO`;
  const ihe = '1.3.6.1.4.1.19376.3.276.1.5';
  const entry = [
    slot('creationTime', '20261130070000'),
    slot('languageCode', 'de-DE'),
    slot('URI', 'document.xml'),
    slot('serviceStartTime', '20261001'),
    slot('serviceStopTime', '20261031'),
    text('Name', 'DiGA-Export'),
    code(id, '41a5887f-8865-4c09-adf7-e362475b143a', 'DUR', `${ihe}.8`, 'Durchführungsprotokoll'),
    code(id, 'f0306f51-975f-434e-a61c-c59651d33983', 'PATD', `${ihe}.9`, 'Patienteneigene Dokumente'),
    code(id, 'a09d5840-386c-46f2-b5ad-9c3699a4309d', 'urn:gematik:ig:diga:v1.1', `${ihe}.6`, 'DiGA (gematik) v1.1'),
    code(id, 'f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1', 'PAT', `${ihe}.3`, 'Patient außerhalb der Betreuung'),
    code(id, 'cccf5598-8b07-4b77-a05e-ae952c785ead', 'PAT', `${ihe}.5`, 'Patient außerhalb der Betreuung'),
    code(id, '2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4', 'H1', `${ihe}.15`, 'vom Patienten mitgebracht'),
    author(id, '93606bcf-9494-43ec-9b4e-a7748d1a838d'),
    identifier({
      id,
      scheme: '58a6f841-87b3-4a3e-92fd-a8ffeff98427',
      value: patient,
      name: 'XDSDocumentEntry.patientId',
    }),
    identifier({
      id,
      scheme: '2e82c1f6-a085-4c72-9da3-8640a32e42ab',
      value: o.uniqueId,
      name: 'XDSDocumentEntry.uniqueId',
    }),
  ];
  const submission = [
    slot('submissionTime', '20261130075959'),
    author(set, 'a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d'),
    `<rim:Classification id="node" objectType="${OBJECT_TYPE}:Classification" classifiedObject="${set}" classificationNode="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"/>`,
    identifier({
      id: set,
      scheme: '6b5aea1a-874d-4603-a4bc-96a0a7b38446',
      value: patient,
      name: 'XDSSubmissionSet.patientId',
    }),
    identifier({
      id: set,
      scheme: '96fdda7c-d067-4183-912e-bf5ee74998a8',
      value: `${o.uniqueId}9`,
      name: 'XDSSubmissionSet.uniqueId',
    }),
  ];
  const objects = [
    `<rim:RegistryPackage id="${set}" objectType="${OBJECT_TYPE}:RegistryPackage">${submission.join('')}</rim:RegistryPackage>`,
    `<rim:ExtrinsicObject id="${id}" objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1" isOpaque="false" mimeType="application/fhir+xml">${entry.join('')}</rim:ExtrinsicObject>`,
    association('urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember', set, id),
    ...(o.replaces === undefined ? [] : [association('urn:ihe:iti:2007:AssociationType:RPLC', id, o.replaces)]),
  ];
  const envelope =
    `<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing"><soap:Header>` +
    `<wsa:Action>${ACTION}</wsa:Action><wsa:MessageID>urn:uuid:5f0d1b2c-0000-4000-8000-000000000001</wsa:MessageID>` +
    `<wsa:To>https://epa-as-1.test${PATH}</wsa:To><wsa:ReplyTo><wsa:Address>http://www.w3.org/2005/08/addressing/anonymous</wsa:Address></wsa:ReplyTo>` +
    `</soap:Header><soap:Body><xds:ProvideAndRegisterDocumentSetRequest xmlns:xds="urn:ihe:iti:xds-b:2007" xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0">` +
    `<lcm:SubmitObjectsRequest><rim:RegistryObjectList>${objects.join('')}</rim:RegistryObjectList></lcm:SubmitObjectsRequest>` +
    `<xds:Document id="${id}"><xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:document%40test"/></xds:Document>` +
    `</xds:ProvideAndRegisterDocumentSetRequest></soap:Body></soap:Envelope>`;
  return o.edit?.(envelope) ?? envelope;
}

/** Content-Type and bytes of the MTOM message; `more` are contents of further documents, `document2@test` and so on. */
export async function packed(
  envelope: string,
  content: Uint8Array,
  more: readonly Uint8Array[] = [],
): Promise<{ contentType: string; body: Uint8Array }> {
  const parts = [content, ...more].map((bytes, index) => ({
    contentId: `document${index === 0 ? '' : index + 1}@test`,
    contentType: 'application/octet-stream',
    length: bytes.length,
    bytes,
  }));
  const { contentType, body } = writeMtom({
    root: envelope,
    action: ACTION,
    boundary: 'boundary-of-the-test',
    rootContentId: 'root@test',
    parts,
  });
  return { contentType, body: Buffer.concat(await Array.fromAsync(body)) };
}

/** Sends it on a channel with `x-insurantid`. */
export async function provide(channel: TestChannel, document: Iti41, insurant = document.kvnr) {
  const { contentType, body } = await packed(envelopeOf(document), document.content);
  return post(channel, { contentType, body, insurant });
}

export function post(channel: TestChannel, o: { contentType: string; body: Uint8Array | string; insurant?: string }) {
  const headers: [string, string][] = [['Content-Type', o.contentType]];
  if (o.insurant !== undefined) headers.push(['x-insurantid', o.insurant]);
  return channel.exchange({ method: 'POST', path: PATH, headers, body: o.body });
}
