// ITI-41 as two clients in production send it (export-flow.md 5): every value, order and spelling from there, and the metadata of
// gematik's DiGA examples. Nothing of gateway/ or wire/ is used.
import { randomUUID } from 'node:crypto';

export type Submission = {
  kvnr: string;
  telematikId: string;
  entryUuid: string;
  replaces?: string;
  document: Uint8Array;
  mimeType?: string;
};
export type Packed = { contentType: string; body: Buffer };

const ACTION = 'urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b';
const OBJECT = 'urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject';
const SYSTEM = '1.3.6.1.4.1.19376.3.276.1.5';
const uuid = () => randomUUID();
const decimal = (id: string) => BigInt(`0x${id.replaceAll('-', '')}`).toString();

/** yyyyMMddHHmmss of this moment plus so many hours, UTC. */
function stamp(hours = 0): string {
  return new Date(Date.now() + hours * 3_600_000).toISOString().slice(0, 19).replace(/[-T:]/g, '');
}

type Writer = {
  slot(name: string, ...values: string[]): string;
  text(name: string, value: string): string;
  code(o: { of: string; scheme: string; code: string; system: string; display: string }): string;
  author(o: { of: string; scheme: string; slots: [string, string][]; nodeRepresentation?: string }): string;
  node(of: string): string;
  identifier(o: { of: string; scheme: string; value: string; name: string }): string;
};

/** ebRIM under one prefix ('' = default namespace); `id` names the parts. */
function writer(prefix: string, id: () => string): Writer {
  const p = prefix === '' ? '' : `${prefix}:`;
  const slot = (name: string, ...values: string[]) =>
    `<${p}Slot name="${name}">${values.length === 0 ? `<${p}ValueList/>` : `<${p}ValueList>${values.map((v) => `<${p}Value>${v}</${p}Value>`).join('')}</${p}ValueList>`}</${p}Slot>`;
  const text = (name: string, value: string) =>
    `<${p}${name}><${p}LocalizedString xml:lang="de-DE" charset="UTF-8" value="${value}"/></${p}${name}>`;
  const head = (of: string) => `id="${id()}" objectType="${OBJECT}:Classification" classifiedObject="${of}"`;
  return {
    slot,
    text,
    code: ({ of, scheme, code, system, display }) =>
      `<${p}Classification ${head(of)} classificationScheme="urn:uuid:${scheme}" nodeRepresentation="${code}">${slot('codingScheme', system)}${text('Name', display)}</${p}Classification>`,
    author: ({ of, scheme, slots, nodeRepresentation }) =>
      `<${p}Classification ${head(of)} classificationScheme="urn:uuid:${scheme}"${nodeRepresentation === undefined ? '' : ` nodeRepresentation="${nodeRepresentation}"`}>${slots.map(([name, value]) => slot(name, value)).join('')}</${p}Classification>`,
    node: (of) =>
      `<${p}Classification ${head(of)} classificationNode="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"/>`,
    identifier: ({ of, scheme, value, name }) =>
      `<${p}ExternalIdentifier id="${id()}" objectType="${OBJECT}:ExternalIdentifier" registryObject="${of}" identificationScheme="urn:uuid:${scheme}" value="${value}">${text('Name', name)}</${p}ExternalIdentifier>`,
  };
}

const ENTRY = {
  classCode: '41a5887f-8865-4c09-adf7-e362475b143a',
  typeCode: 'f0306f51-975f-434e-a61c-c59651d33983',
  formatCode: 'a09d5840-386c-46f2-b5ad-9c3699a4309d',
  facility: 'f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1',
  practice: 'cccf5598-8b07-4b77-a05e-ae952c785ead',
  event: '2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4',
  confidentiality: 'f4f85eac-e6cb-4883-b524-f2705394840f',
  author: '93606bcf-9494-43ec-9b4e-a7748d1a838d',
  patientId: '58a6f841-87b3-4a3e-92fd-a8ffeff98427',
  uniqueId: '2e82c1f6-a085-4c72-9da3-8640a32e42ab',
};
const SET = {
  author: 'a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d',
  contentType: 'aa543740-bdda-424e-8c96-df4873be8500',
  patientId: '6b5aea1a-874d-4603-a4bc-96a0a7b38446',
  uniqueId: '96fdda7c-d067-4183-912e-bf5ee74998a8',
};

function codes(w: Writer, of: string): string {
  return [
    w.code({ of, scheme: ENTRY.classCode, code: 'DUR', system: `${SYSTEM}.8`, display: 'Durchführungsprotokoll' }),
    w.code({ of, scheme: ENTRY.typeCode, code: 'PATD', system: `${SYSTEM}.9`, display: 'Patienteneigene Dokumente' }),
    w.code({
      of,
      scheme: ENTRY.formatCode,
      code: 'urn:gematik:ig:diga:v1.1',
      system: `${SYSTEM}.6`,
      display: 'DiGA (gematik) v1.1',
    }),
    w.code({
      of,
      scheme: ENTRY.facility,
      code: 'PAT',
      system: `${SYSTEM}.3`,
      display: 'Patient außerhalb der Betreuung',
    }),
    w.code({
      of,
      scheme: ENTRY.practice,
      code: 'PAT',
      system: `${SYSTEM}.5`,
      display: 'Patient außerhalb der Betreuung',
    }),
  ].join('');
}

const associations = (prefix: string, o: Submission & { setId: string }) => {
  const one = (type: string, source: string, target: string) =>
    `<${prefix}Association id="${uuid()}" associationType="${type}" sourceObject="${source}" targetObject="${target}"/>`;
  return (
    one('urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember', o.setId, o.entryUuid) +
    (o.replaces === undefined ? '' : one('urn:ihe:iti:2007:AssociationType:RPLC', o.entryUuid, o.replaces))
  );
};

/** As the Java client sends it: rim as default namespace, content ids with an encoded namespace, To with http. */
export function javaMessage(o: Submission): Packed {
  const institution = 'Oviva &amp; Söhne';
  const setId = uuid();
  const w = writer('', uuid);
  const of = o.entryUuid;
  const patient = `${o.kvnr}^^^&amp;1.2.276.0.76.4.8&amp;ISO`;
  const author: [string, string][] = [
    ['authorPerson', `${o.telematikId}^${institution}^${institution}^^^^^^&amp;1.2.276.0.76.4.282&amp;ISO`],
    ['authorInstitution', `${institution}^^^^^&amp;1.2.276.0.76.4.188&amp;ISO^^^^${o.telematikId}`],
    ['authorRole', `12^^^&amp;${SYSTEM}.13&amp;ISO`],
    ['authorSpecialty', `25^^^&amp;${SYSTEM}.11&amp;ISO`],
  ];
  const set = [
    w.slot('submissionTime', stamp()),
    w.node(setId),
    w.author({ of: setId, scheme: SET.author, slots: author, nodeRepresentation: '' }),
    w.identifier({ of: setId, scheme: SET.patientId, value: patient, name: 'XDSSubmissionSet.patientId' }),
    w.identifier({
      of: setId,
      scheme: SET.uniqueId,
      value: `2.25.${decimal(uuid())}`,
      name: 'XDSSubmissionSet.uniqueId',
    }),
  ];
  const entry = [
    w.slot('creationTime', stamp(-3)),
    w.slot('languageCode', 'de-DE'),
    w.slot('URI', `Export ${institution}`),
    w.slot('urn:ihe:iti:xds:2013:referenceIdList'),
    w.text('Name', `Export ${institution}`),
    w.text('Description', ''),
    w.author({ of, scheme: ENTRY.author, slots: author, nodeRepresentation: '' }),
    codes(w, of),
    w.code({ of, scheme: ENTRY.event, code: 'E400', system: `${SYSTEM}.16`, display: 'Virtual Encounter' }),
    w.code({ of, scheme: ENTRY.event, code: 'H1', system: `${SYSTEM}.15`, display: 'vom Patienten mitgebracht' }),
    w.identifier({ of, scheme: ENTRY.patientId, value: patient, name: 'XDSDocumentEntry.patientId' }),
    w.identifier({ of, scheme: ENTRY.uniqueId, value: o.entryUuid, name: 'XDSDocumentEntry.uniqueId' }),
  ];
  const contentId = `${uuid()}-1@urn%3Aihe%3Aiti%3Axds-b%3A2007`;
  const wsa = (name: string, content: string) =>
    `<${name} xmlns="http://www.w3.org/2005/08/addressing">${content}</${name}>`;
  const envelope =
    `<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Header>` +
    wsa('Action', ACTION) +
    wsa('MessageID', `urn:uuid:${uuid()}`) +
    wsa('To', 'http://localhost:7777/epa/xds-document/api/I_Document_Management') +
    wsa('ReplyTo', '<Address>http://www.w3.org/2005/08/addressing/anonymous</Address>') +
    `</soap:Header><soap:Body><ns5:ProvideAndRegisterDocumentSetRequest xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" xmlns:ns2="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" xmlns:ns3="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0" xmlns:ns4="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" xmlns:ns5="urn:ihe:iti:xds-b:2007">` +
    `<ns3:SubmitObjectsRequest><RegistryObjectList>` +
    `<RegistryPackage id="${setId}" objectType="${OBJECT}:RegistryPackage">${set.join('')}</RegistryPackage>` +
    `<ExtrinsicObject id="${of}" mimeType="${o.mimeType ?? 'application/fhir+xml'}" isOpaque="false" objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1">${entry.join('')}</ExtrinsicObject>` +
    `${associations('', { ...o, setId })}</RegistryObjectList></ns3:SubmitObjectsRequest>` +
    `<ns5:Document id="${of}"><xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:${contentId}"/></ns5:Document>` +
    `</ns5:ProvideAndRegisterDocumentSetRequest></soap:Body></soap:Envelope>`;
  return javaPacked(envelope, contentId, o.document);
}

/** The multipart form of CXF; `contentId` stands in the part's header exactly as in the href. */
export function javaPacked(envelope: string, contentId: string, document: Uint8Array): Packed {
  const boundary = `uuid:${uuid()}`;
  const root = 'root.message@cxf.apache.org';
  const startInfo = `application/soap+xml; action=\\"${ACTION}\\"`;
  const body = Buffer.concat([
    Buffer.from(
      `\r\n--${boundary}\r\nContent-Type: application/xop+xml; charset=UTF-8; type="${startInfo}"\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <${root}>\r\n\r\n${envelope}` +
        `\r\n--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <${contentId}>\r\n\r\n`,
    ),
    document,
    Buffer.from(`\r\n--${boundary}--`),
  ]);
  const contentType = `multipart/related; type="application/xop+xml"; boundary="${boundary}"; start="<${root}>"; start-info="${startInfo}"`;
  return { contentType, body };
}

/** As the Python client sends it: `action` in the Content-Type, no `start`, OIDs, confidentiality N, contentTypeCode, service times. */
export function pythonMessage(o: Submission): Packed {
  const setId = `urn:uuid:${uuid()}`;
  const w = writer('rim', () => `urn:uuid:${uuid()}`);
  const of = o.entryUuid;
  const patient = `${o.kvnr}^^^&amp;1.2.276.0.76.4.8&amp;ISO`;
  const author: [string, string][] = [
    [
      'authorPerson',
      `${o.telematikId}^Muster-DiGA^Muster GmbH^Modul A^Version 2^Web^^^&amp;1.2.276.0.76.4.282&amp;ISO`,
    ],
    ['authorRole', `12^^^&amp;${SYSTEM}.13&amp;ISO`],
    ['authorInstitution', `Muster GmbH^^^^^&amp;1.2.276.0.76.4.188&amp;ISO^^^^${o.telematikId}`],
  ];
  const set = [
    w.slot('submissionTime', stamp()),
    w.author({ of: setId, scheme: SET.author, slots: author }),
    w.node(setId),
    w.code({
      of: setId,
      scheme: SET.contentType,
      code: '8',
      system: `${SYSTEM}.12`,
      display: 'Veranlassung durch Patient',
    }),
    w.identifier({ of: setId, scheme: SET.patientId, value: patient, name: 'XDSSubmissionSet.patientId' }),
    w.identifier({
      of: setId,
      scheme: SET.uniqueId,
      value: `2.25.${decimal(uuid())}`,
      name: 'XDSSubmissionSet.uniqueId',
    }),
  ];
  const entry = [
    w.slot('creationTime', stamp()),
    w.slot('languageCode', 'de-DE'),
    w.slot('URI', 'export.xml'),
    w.slot('serviceStartTime', stamp(-30 * 24)),
    w.slot('serviceStopTime', stamp(-1)),
    w.text('Name', 'Muster-DiGA Export'),
    codes(w, of),
    w.code({
      of,
      scheme: ENTRY.confidentiality,
      code: 'N',
      system: '2.16.840.1.113883.5.25',
      display: 'normal',
    }),
    w.author({ of, scheme: ENTRY.author, slots: author }),
    w.identifier({ of, scheme: ENTRY.patientId, value: patient, name: 'XDSDocumentEntry.patientId' }),
    w.identifier({
      of,
      scheme: ENTRY.uniqueId,
      value: `2.25.${decimal(o.entryUuid.slice('urn:uuid:'.length))}`,
      name: 'XDSDocumentEntry.uniqueId',
    }),
  ];
  const envelope = `<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">
  <s:Header>
    <a:Action s:mustUnderstand="1">${ACTION}</a:Action>
    <a:MessageID>urn:uuid:${uuid()}</a:MessageID>
    <a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>
    <a:To s:mustUnderstand="1">https://epa-as-1.example/epa/xds-document/api/I_Document_Management</a:To>
  </s:Header>
  <s:Body>
    <xds:ProvideAndRegisterDocumentSetRequest xmlns:xds="urn:ihe:iti:xds-b:2007" xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0" xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">
      <lcm:SubmitObjectsRequest>
        <rim:RegistryObjectList>
          <rim:RegistryPackage id="${setId}" objectType="${OBJECT}:RegistryPackage">${set.join('\n            ')}</rim:RegistryPackage>
          <rim:ExtrinsicObject id="${of}" objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1" mimeType="${o.mimeType ?? 'application/fhir+xml'}" isOpaque="false">${entry.join('\n            ')}</rim:ExtrinsicObject>
          ${associations('rim:', { ...o, setId })}
        </rim:RegistryObjectList>
      </lcm:SubmitObjectsRequest>
      <xds:Document id="${of}">
        <xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:document1"/>
      </xds:Document>
    </xds:ProvideAndRegisterDocumentSetRequest>
  </s:Body>
</s:Envelope>
`;
  const boundary = `MIMEBoundary_${uuid().replaceAll('-', '')}`;
  const body = Buffer.concat([
    Buffer.from(
      `--${boundary}\r\nContent-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <root>\r\n\r\n${envelope}` +
        `\r\n--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <document1>\r\n\r\n`,
    ),
    o.document,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  const contentType = `multipart/related;start-info="application/soap+xml";type="application/xop+xml";action="${ACTION}";boundary=${boundary}`;
  return { contentType, body };
}

/** `Success`, or the error code, of a registry answer in plain SOAP or multipart; `fault` for anything else. */
export function registryResult(body: Uint8Array): string {
  const text = Buffer.from(body).toString('utf8');
  const status = /RegistryResponse[^>]*\sstatus="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:(\w+)"/.exec(
    text,
  )?.[1];
  if (status === 'Success') return status;
  const error = /errorCode="([^"]*)"/.exec(text)?.[1];
  return error === undefined ? `fault: ${text.slice(0, 500)}` : `${error}: ${/codeContext="([^"]*)"/.exec(text)?.[1]}`;
}
