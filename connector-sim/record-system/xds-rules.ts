// Checks 5, 6, 8 and 9 (form) of ITI-41 (epa-record-system.md 4.7): objects, associations, identifiers of one submission.
// Each rule has an id; the error codes are those of epa-record-system.md 4.5 (IHE ITI TF-3 table 4.2.4.1).
import { ASSOCIATION, ENTRY_SCHEME, KVNR_ROOT, OBJECT_TYPES, SET_SCHEME } from '../tables/ebrim.ts';
import { identifierOf, type RegistryObject, type Submission } from './xds-read.ts';

/** Why a submission was refused: the rule, and the RegistryError that says so. */
export type Refusal = { rule: string; code: string; text: string };

const METADATA = 'XDSRepositoryMetadataError';
const refusal = (rule: string, text: string, code: string = METADATA): Refusal => ({ rule, code, text });

/** No 5: one SubmissionSet, at least one DocumentEntry, HasMember for each, a Document for each, nothing else. */
export function structureRefusal(submission: Submission, documentIds: readonly string[]): Refusal | null {
  if (submission.requestSlots)
    return refusal('xds.home-community', 'RequestSlotList does not belong into an ePA 3 message');
  if (submission.unknown[0] !== undefined)
    return refusal('xds.structure', `object ${submission.unknown[0]} of unknown kind`);
  if (submission.sets.length !== 1) return refusal('xds.structure', 'exactly one SubmissionSet is required');
  if (submission.entries.length === 0) return refusal('xds.structure', 'no DocumentEntry');
  const ids = [...submission.sets, ...submission.entries].map((object) => object.id);
  if (new Set(ids).size !== ids.length) return refusal('xds.structure', 'id used twice in the submission');
  for (const object of [...submission.sets, ...submission.entries]) {
    const found = objectRefusal(object);
    if (found !== null) return found;
  }
  for (const entry of submission.entries) {
    const found = serverSetRefusal(entry);
    if (found !== null) return found;
  }
  return memberRefusal(submission) ?? documentRefusal(submission.entries, documentIds);
}

/** What only the record system sets on a DocumentEntry; on the SubmissionSet status and home are taken (export-flow.md 5.2, 5.3). */
function serverSetRefusal(entry: RegistryObject): Refusal | null {
  if (entry.attributes.has('home')) return refusal('xds.home-community', 'home does not belong into an ePA 3 message');
  return entry.attributes.has('status') || entry.slots.has('repositoryUniqueId')
    ? refusal('xds.server-set', 'availabilityStatus and repositoryUniqueId are set by the record system')
    : null;
}

function objectRefusal(object: RegistryObject): Refusal | null {
  if (object.doubledSlots[0] !== undefined)
    return refusal('xds.structure', `Slot ${object.doubledSlots[0]} stands twice`);
  for (const { object: owner, element } of object.classifications) {
    if (owner !== object.id) return refusal('xds.structure', 'classifiedObject names another object');
    if ((element.attributes.get('objectType') ?? OBJECT_TYPES.classification) !== OBJECT_TYPES.classification)
      return refusal('xds.structure', 'objectType of a Classification');
  }
  if (object.identifiers.some((i) => i.object !== object.id))
    return refusal('xds.structure', 'registryObject names another object');
  const schemes = object.identifiers.map((i) => i.scheme);
  if (new Set(schemes).size !== schemes.length) return refusal('xds.structure', 'ExternalIdentifier stands twice');
  return null;
}

function memberRefusal({ sets, entries, associations }: Submission): Refusal | null {
  const set = sets[0]?.id;
  const known = new Set(entries.map((e) => e.id));
  for (const association of associations) {
    if (association.type === ASSOCIATION.hasMember) {
      if (association.source !== set || !known.has(association.target))
        return refusal('xds.has-member', 'HasMember does not lead from the SubmissionSet to a submitted DocumentEntry');
      const status = association.slots.get('SubmissionSetStatus');
      if (status !== undefined && status.join() !== 'Original')
        return refusal('xds.has-member', 'SubmissionSetStatus is not Original');
    } else if (association.type === ASSOCIATION.replace) {
      if (!known.has(association.source))
        return refusal('xds.association', 'RPLC does not start at a submitted DocumentEntry');
    } else return refusal('xds.association', `association type ${association.type} is not allowed`);
  }
  for (const id of known) {
    const count = (type: string, end: 'source' | 'target') =>
      associations.filter((a) => a.type === type && a[end] === id).length;
    if (count(ASSOCIATION.hasMember, 'target') !== 1)
      return refusal('xds.has-member', 'a DocumentEntry needs one HasMember');
    if (count(ASSOCIATION.replace, 'source') > 1)
      return refusal('xds.association', 'a DocumentEntry replaces more than one');
  }
  return null;
}

function documentRefusal(entries: readonly RegistryObject[], documentIds: readonly string[]): Refusal | null {
  const known = new Set(entries.map((e) => e.id));
  for (const id of known) {
    if (!documentIds.includes(id)) return refusal('xds.document', `no Document for ${id}`, 'XDSMissingDocument');
  }
  if (documentIds.some((id) => !known.has(id)) || new Set(documentIds).size !== documentIds.length)
    return refusal('xds.document', 'a Document has no DocumentEntry of its own', 'XDSMissingDocumentMetadata');
  return null;
}

/** No 6: patientId of both objects is the insured of `x-insurantid`, assigned under the root of the KVNR. */
export function patientRefusal({ sets, entries }: Submission, kvnr: string): Refusal | null {
  const expected = `${kvnr}^^^&${KVNR_ROOT}&ISO`;
  const found = [
    ...sets.map((o) => identifierOf(o, SET_SCHEME.patientId)),
    ...entries.map((o) => identifierOf(o, ENTRY_SCHEME.patientId)),
  ];
  for (const identifier of found) {
    if (identifier === undefined) return refusal('xds.patient-id', 'patientId missing');
    if (!identifier.value.endsWith(`^^^&${KVNR_ROOT}&ISO`))
      return refusal('xds.patient-id', 'patientId is not a KVNR under its root', 'XDSUnknownPatientId');
    if (identifier.value !== expected)
      return refusal('xds.patient-id', 'patientId is not the insured of this record', 'XDSPatientIdDoesNotMatch');
  }
  return null;
}

const ENTRY_UUID = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const OID = /^[0-2](\.(0|[1-9]\d*))+$/;

/** No 9, form: entryUUID is a lower-case `urn:uuid` (a symbolic id could never be replaced), uniqueIds are OIDs of at most 64. */
export function identifierRefusal({ sets, entries }: Submission): Refusal | null {
  for (const entry of entries) {
    if (!ENTRY_UUID.test(entry.id)) return refusal('xds.entry-uuid', 'entryUUID is not a lower-case urn:uuid');
    const uniqueId = identifierOf(entry, ENTRY_SCHEME.uniqueId)?.value ?? '';
    // one DiGA client in production sends urn:uuid here, and both record systems take it
    if (!ENTRY_UUID.test(uniqueId) && !isOid(uniqueId))
      return refusal('xds.unique-id-form', 'DocumentEntry.uniqueId is no OID');
  }
  for (const set of sets) {
    if (!isOid(identifierOf(set, SET_SCHEME.uniqueId)?.value ?? ''))
      return refusal('xds.unique-id-form', 'SubmissionSet.uniqueId is no OID');
  }
  return null;
}

function isOid(value: string): boolean {
  return OID.test(value) && value.length <= 64;
}

/** No 8: the record system makes and fills the DiGA folder; a client submits neither a Folder nor a membership in one. */
export function folderRefusal({ folders }: Submission): Refusal | null {
  return folders.length > 0 ? refusal('xds.folder', 'a DiGA submits no Folder') : null;
}
