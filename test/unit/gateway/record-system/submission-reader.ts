// Reads a ProvideAndRegisterDocumentSetRequest back, ours or an official example, whatever its prefixes; and the input the
// tests of its metadata start from.
import {
  provideAndRegisterRequest,
  type SubmissionSetInput,
} from '../../../../gateway/record-system/submission-set.ts';
import { NS } from '../../../../gateway/record-system/tables/xds.ts';
import { child, childrenOf, requireChild, serialize, type XmlElement } from '../../../../wire/xml.ts';

export const ENTRY = 'urn:uuid:758b59c8-5175-41a7-a2f0-efb659256708';
export const OLD = 'urn:uuid:a5c45ed4-f8c4-4ded-8018-cf67e3b5cf63';
export const INPUT: SubmissionSetInput = {
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

export const write = (change: Partial<SubmissionSetInput> = {}) =>
  serialize(provideAndRegisterRequest({ ...INPUT, ...change }));

/** What stands in a ProvideAndRegisterDocumentSetRequest, whatever its prefixes. */
export function read(request: XmlElement) {
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
