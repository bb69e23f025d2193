// The body of ITI-41: one submission set with one DiGA document, new or replacing (IHE ITI TF-3 4.2; epa-record-system.md
// 4.2–4.4, export-flow.md 5.2–5.6). A pure function of its input: the same export gives the same identifiers on every try.
// No Folder: the record system keeps the one of this DiGA and files the document by the session's Telematik-ID.
import { createHash } from 'node:crypto';
import { includeHref } from '../../wire/mtom.ts';
import { type Markup, xml } from '../../wire/xml.ts';
import { GatewayError } from '../errors.ts';
import { type Code, DIGA_CODES, IG_DIGA, OID } from './tables/ig-diga.ts';
import { ASSOCIATION, DOCUMENT_ENTRY, NS, OBJECT_TYPE, SUBMISSION_SET } from './tables/xds.ts';

/** The DiGA as author: software names instead of a person's (export-flow.md 5.4). */
export type DocumentAuthor = { telematikId: string; digaName: string; manufacturer: string };

/** What the reference leaves open: settings of the DiGA. */
export type DocumentMetadata = {
  title?: string | undefined;
  /** Code of 1.3.6.1.4.1.19376.3.276.1.5.11. */
  authorSpecialty?: string | undefined;
  /** `normal`: confidentialityCode N (unknown whether ePA 3.x wants it). */
  confidentiality: 'none' | 'normal';
  /** Added to creationTime; never above 0, for a document from the future is refused by some record systems. */
  creationTimeOffsetMinutes: number;
};

export type SubmissionSetInput = {
  kvnr: string;
  /** `urn:uuid:` and a lower-case UUID: kept by the record system, the only handle for the next RPLC. */
  entryUuid: string;
  /** OID `2.25.<decimal>`. */
  uniqueId: string;
  /** entryUUID of the newest version, or null for a first one. */
  replaces: string | null;
  mimeType: string;
  title: string;
  author: DocumentAuthor;
  creationTime: Date;
  submissionTime: Date;
  serviceStart?: Date;
  serviceStop?: Date;
  metadata?: DocumentMetadata | undefined;
  /** Content-ID of the document's MIME part. */
  contentId: string;
};

/** `ProvideAndRegisterDocumentSetRequest`. Throws GatewayError INTERNAL for identifiers of a form that could never be replaced later. */
export function provideAndRegisterRequest(input: SubmissionSetInput): Markup {
  requireForm(input);
  const setId = `urn:uuid:${derivedUuid(input.entryUuid, 'submission-set')}`;
  return xml(
    'ihe:ProvideAndRegisterDocumentSetRequest',
    { 'xmlns:ihe': NS.ihe, 'xmlns:lcm': NS.lcm, 'xmlns:rim': NS.rim, 'xmlns:xop': NS.xop },
    xml(
      'lcm:SubmitObjectsRequest',
      {},
      xml(
        'rim:RegistryObjectList',
        {},
        submissionSet(input, setId),
        documentEntry(input),
        association(input, 'has-member', ASSOCIATION.hasMember, setId, input.entryUuid),
        input.replaces === null
          ? undefined
          : association(input, 'replace', ASSOCIATION.replace, input.entryUuid, input.replaces),
      ),
    ),
    // The id ties the bytes to their ExtrinsicObject.
    xml('ihe:Document', { id: input.entryUuid }, xml('xop:Include', { href: includeHref(input.contentId) })),
  );
}

function submissionSet(input: SubmissionSetInput, setId: string): Markup {
  const object = { id: setId, seed: input.entryUuid, prefix: 'set' };
  return xml(
    'rim:RegistryPackage',
    { id: setId, objectType: OBJECT_TYPE.registryPackage },
    slot('submissionTime', dtm(input.submissionTime)),
    authorOf(object, SUBMISSION_SET.author, input),
    xml('rim:Classification', {
      id: `urn:uuid:${derivedUuid(input.entryUuid, 'set-node')}`,
      objectType: OBJECT_TYPE.classification,
      classifiedObject: setId,
      classificationNode: SUBMISSION_SET.node,
    }),
    identifier(object, SUBMISSION_SET.patientId, 'XDSSubmissionSet.patientId', patientId(input.kvnr)),
    identifier(object, SUBMISSION_SET.uniqueId, 'XDSSubmissionSet.uniqueId', uuidAsOid(setId)),
  );
}

function documentEntry(input: SubmissionSetInput): Markup {
  const object = { id: input.entryUuid, seed: input.entryUuid, prefix: 'entry' };
  const code = (scheme: string, value: Code) => codeOf(object, scheme, value);
  const offsetMinutes = input.metadata?.creationTimeOffsetMinutes ?? 0;
  const extension = input.mimeType === 'application/pdf' ? 'pdf' : 'xml';
  return xml(
    'rim:ExtrinsicObject',
    { id: input.entryUuid, objectType: OBJECT_TYPE.documentEntry, isOpaque: 'false', mimeType: input.mimeType },
    // UTC (IHE DTM); a document from the future is refused by some record systems.
    slot('creationTime', dtm(new Date(input.creationTime.getTime() + offsetMinutes * 60_000))),
    slot('languageCode', DIGA_CODES.languageCode),
    slot('URI', `${input.entryUuid.slice('urn:uuid:'.length)}.${extension}`),
    input.serviceStart && slot('serviceStartTime', dtm(input.serviceStart)),
    input.serviceStop && slot('serviceStopTime', dtm(input.serviceStop)),
    xml('rim:Name', {}, localized(input.metadata?.title ?? input.title)),
    code(DOCUMENT_ENTRY.classCode, IG_DIGA.classCode),
    input.metadata?.confidentiality === 'normal'
      ? code(DOCUMENT_ENTRY.confidentialityCode, DIGA_CODES.confidentialityNormal)
      : undefined,
    ...DIGA_CODES.eventCodeList.map((value) => code(DOCUMENT_ENTRY.eventCodeList, value)),
    code(DOCUMENT_ENTRY.formatCode, IG_DIGA.formatCode),
    code(DOCUMENT_ENTRY.healthcareFacilityTypeCode, DIGA_CODES.healthcareFacilityTypeCode),
    code(DOCUMENT_ENTRY.practiceSettingCode, DIGA_CODES.practiceSettingCode),
    code(DOCUMENT_ENTRY.typeCode, IG_DIGA.typeCode),
    authorOf(object, DOCUMENT_ENTRY.author, input),
    identifier(object, DOCUMENT_ENTRY.patientId, 'XDSDocumentEntry.patientId', patientId(input.kvnr)),
    identifier(object, DOCUMENT_ENTRY.uniqueId, 'XDSDocumentEntry.uniqueId', input.uniqueId),
  );
}

/** The registry object a part belongs to; `seed` and `prefix` give the part its own constant id. */
type Owner = { id: string; seed: string; prefix: string };

/** Slots stand before Name (rim.xsd); the coding scheme is the bare OID, without `urn:oid:`. */
function codeOf(owner: Owner, scheme: string, value: Code): Markup {
  return xml(
    'rim:Classification',
    {
      id: `urn:uuid:${derivedUuid(owner.seed, `${owner.prefix}-${scheme}-${value.code}`)}`,
      objectType: OBJECT_TYPE.classification,
      classificationScheme: scheme,
      classifiedObject: owner.id,
      nodeRepresentation: value.code,
    },
    slot('codingScheme', value.codeSystem),
    xml('rim:Name', {}, localized(value.displayName)),
  );
}

function authorOf(owner: Owner, scheme: string, { author, metadata }: SubmissionSetInput): Markup {
  const { digaName, manufacturer, telematikId } = author;
  const specialty = metadata?.authorSpecialty;
  return xml(
    'rim:Classification',
    {
      id: `urn:uuid:${derivedUuid(owner.seed, `${owner.prefix}-author`)}`,
      objectType: OBJECT_TYPE.classification,
      classificationScheme: scheme,
      classifiedObject: owner.id,
      nodeRepresentation: '',
    },
    slot('authorPerson', hl7(telematikId, digaName, manufacturer, '', '', '', '', '', authority(OID.diga))),
    slot('authorInstitution', hl7(manufacturer, '', '', '', '', authority(OID.telematikId), '', '', '', telematikId)),
    slot('authorRole', hl7(DIGA_CODES.authorRole.code, '', '', authority(DIGA_CODES.authorRole.codeSystem))),
    specialty === undefined
      ? undefined
      : slot('authorSpecialty', hl7(specialty, '', '', authority(OID.authorSpecialty))),
  );
}

function identifier(owner: Owner, scheme: string, name: string, value: string): Markup {
  return xml(
    'rim:ExternalIdentifier',
    {
      id: `urn:uuid:${derivedUuid(owner.seed, name)}`,
      objectType: OBJECT_TYPE.externalIdentifier,
      identificationScheme: scheme,
      registryObject: owner.id,
      value,
    },
    xml('rim:Name', {}, localized(name)),
  );
}

function association(
  input: SubmissionSetInput,
  ...[role, associationType, sourceObject, targetObject]: [string, string, string, string]
): Markup {
  const id = `urn:uuid:${derivedUuid(input.entryUuid, role)}`;
  return xml('rim:Association', { id, associationType, sourceObject, targetObject });
}

const slot = (name: string, value: string): Markup =>
  xml('rim:Slot', { name }, xml('rim:ValueList', {}, xml('rim:Value', {}, value)));

const localized = (value: string): Markup =>
  xml('rim:LocalizedString', { charset: 'UTF-8', 'xml:lang': 'de-DE', value });

/** DTM `YYYYMMDDhhmmss`, always UTC. */
const dtm = (time: Date): string => time.toISOString().slice(0, 19).replace(/[-T:]/g, '');

const patientId = (kvnr: string): string => hl7(kvnr, '', '', authority(OID.kvnr));

/** An HL7 v2 HD as subcomponents; marked so that its `&` are structure and not content. */
type Authority = { authority: string };
const authority = (oid: string): Authority => ({ authority: `&${oid}&ISO` });

/** Components joined by `^`; delimiters inside a value are written as HL7 v2.5 escape sequences (chapter 2.7). */
function hl7(...components: (string | Authority)[]): string {
  const escapes: Record<string, string> = { '\\': '\\E\\', '^': '\\S\\', '&': '\\T\\', '|': '\\F\\', '~': '\\R\\' };
  const escaped = (text: string) => text.replace(/[\\^&|~]/g, (c) => escapes[c] ?? c);
  return components.map((c) => (typeof c === 'string' ? escaped(c) : c.authority)).join('^');
}

/** A UUID (version 8, RFC 9562) fixed by the document and the part's role: a repeat carries the same ids (D1). */
function derivedUuid(entryUuid: string, role: string): string {
  const bytes = createHash('sha256').update(`${entryUuid}|${role}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** ITU-T X.667: a UUID as an OID under 2.25. */
const uuidAsOid = (urn: string): string => `2.25.${BigInt(`0x${urn.slice('urn:uuid:'.length).replaceAll('-', '')}`)}`;

const UUID_URN = /^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function requireForm(input: SubmissionSetInput): void {
  const broken = (what: string) => new GatewayError('INTERNAL', `submission set: ${what}`);
  if (!UUID_URN.test(input.entryUuid)) throw broken('entryUUID is no lower-case urn:uuid');
  if (input.replaces !== null && !UUID_URN.test(input.replaces)) throw broken('RPLC target is no lower-case urn:uuid');
  if (input.replaces === input.entryUuid) throw broken('a document cannot replace itself');
  if (!/^2\.25\.(0|[1-9]\d*)$/.test(input.uniqueId) || input.uniqueId.length > 64) throw broken('uniqueId is no OID');
  // Uploads outside the guide's time are refused by every record system: the clock is wrong, or the guide has run out.
  if (!isValid(input.submissionTime))
    throw new GatewayError('CONFIG_INVALID', 'the implementation guide of the metadata is not valid now', {
      check: 'metadata.valid',
    });
  if (!IG_DIGA.mimeTypes.some((type) => type === input.mimeType)) throw broken('mimeType outside the guide');
}

function isValid(time: Date): boolean {
  const day = time.toISOString().slice(0, 10);
  const { validFromDate, clientReadOnlyFrom } = IG_DIGA;
  return day >= validFromDate && (clientReadOnlyFrom === null || day < clientReadOnlyFrom);
}
