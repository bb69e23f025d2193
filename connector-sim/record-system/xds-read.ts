// Reader of ITI-41 metadata (IHE ITI TF-3 4.2, epa-record-system.md 4.2 and 4.3): ebRIM objects to a submission set, document
// entries and associations. It names what it finds and judges nothing but what stops reading; xds-rules.ts judges.
import { child, childrenOf, type XmlElement } from '../../wire/xml.ts';
import {
  DOCUMENT_ENTRY_TYPE,
  ENTRY_SCHEME,
  FOLDER_NODE,
  NS,
  SET_SCHEME,
  SUBMISSION_SET_NODE,
} from '../tables/ebrim.ts';

export type Code = { code: string; codeSystem: string; display: string | undefined };
export type Author = { person: string[]; institution: string[]; role: string[]; specialty: string[]; slots: string[] };
export type Identifier = { scheme: string; value: string; object: string; name: string | undefined };
export type RegistryObject = {
  id: string;
  attributes: ReadonlyMap<string, string>;
  slots: ReadonlyMap<string, string[]>;
  /** Slot names that stand more than once. */
  doubledSlots: string[];
  name: string | undefined;
  description: string | undefined;
  classifications: { scheme: string | undefined; node: string | undefined; object: string; element: XmlElement }[];
  identifiers: Identifier[];
};
export type Association = { type: string; source: string; target: string; slots: ReadonlyMap<string, string[]> };
export type Submission = {
  requestSlots: boolean;
  sets: RegistryObject[];
  folders: RegistryObject[];
  entries: RegistryObject[];
  /** RegistryPackage or ExtrinsicObject of no known kind. */
  unknown: string[];
  associations: Association[];
};

/** Reads `lcm:SubmitObjectsRequest` that passed ebrim-schema.ts. */
export function readSubmission(submit: XmlElement): Submission {
  const list = child(submit, NS.rim, 'RegistryObjectList');
  const objects = list?.children ?? [];
  // a classification of the package may stand inside it or beside it in the list (IHE ITI TF-3 4.2.1.3)
  const beside = objects.filter((o) => o.name === 'Classification').map(readClassification);
  const submission: Submission = {
    requestSlots: child(submit, NS.rs, 'RequestSlotList') !== undefined,
    sets: [],
    folders: [],
    entries: [],
    unknown: [],
    associations: [],
  };
  for (const element of objects) {
    if (element.name === 'Association') submission.associations.push(readAssociation(element));
    if (element.name !== 'RegistryPackage' && element.name !== 'ExtrinsicObject') continue;
    const object = readObject(element, beside);
    const nodes = object.classifications.map((c) => c.node);
    if (element.name === 'ExtrinsicObject' && object.attributes.get('objectType') === DOCUMENT_ENTRY_TYPE)
      submission.entries.push(object);
    else if (element.name === 'RegistryPackage' && nodes.includes(SUBMISSION_SET_NODE)) submission.sets.push(object);
    else if (element.name === 'RegistryPackage' && nodes.includes(FOLDER_NODE)) submission.folders.push(object);
    else submission.unknown.push(object.id);
  }
  return submission;
}

function readObject(element: XmlElement, beside: RegistryObject['classifications']): RegistryObject {
  const id = element.attributes.get('id') ?? '';
  const names = childrenOf(element, NS.rim, 'Slot').map((slot) => slot.attributes.get('name') ?? '');
  return {
    id,
    attributes: element.attributes,
    slots: readSlots(element),
    doubledSlots: names.filter((name, at) => names.indexOf(name) !== at),
    name: localized(element, 'Name'),
    description: localized(element, 'Description'),
    classifications: [
      ...childrenOf(element, NS.rim, 'Classification').map(readClassification),
      ...beside.filter((c) => c.object === id),
    ],
    identifiers: childrenOf(element, NS.rim, 'ExternalIdentifier').map((identifier) => ({
      scheme: identifier.attributes.get('identificationScheme') ?? '',
      value: identifier.attributes.get('value') ?? '',
      object: identifier.attributes.get('registryObject') ?? '',
      name: localized(identifier, 'Name'),
    })),
  };
}

function readClassification(element: XmlElement): RegistryObject['classifications'][number] {
  const { attributes } = element;
  return {
    scheme: attributes.get('classificationScheme'),
    node: attributes.get('classificationNode'),
    object: attributes.get('classifiedObject') ?? '',
    element,
  };
}

function readAssociation(element: XmlElement): Association {
  return {
    type: element.attributes.get('associationType') ?? '',
    source: element.attributes.get('sourceObject') ?? '',
    target: element.attributes.get('targetObject') ?? '',
    slots: readSlots(element),
  };
}

/** Slot name → values, as they stand in the list. */
export function readSlots(element: XmlElement): ReadonlyMap<string, string[]> {
  return new Map(
    childrenOf(element, NS.rim, 'Slot').map((slot) => {
      const values = child(slot, NS.rim, 'ValueList');
      return [
        slot.attributes.get('name') ?? '',
        values === undefined ? [] : childrenOf(values, NS.rim, 'Value').map((v) => v.text),
      ];
    }),
  );
}

function localized(element: XmlElement, name: 'Name' | 'Description'): string | undefined {
  const holder = child(element, NS.rim, name);
  return holder === undefined ? undefined : child(holder, NS.rim, 'LocalizedString')?.attributes.get('value');
}

/** All codes an object carries under one classification scheme; codeSystem is '' where the slot codingScheme is missing. */
export function codesOf(object: RegistryObject, scheme: string): Code[] {
  return object.classifications
    .filter((c) => c.scheme === scheme)
    .map((c) => ({
      code: c.element.attributes.get('nodeRepresentation') ?? '',
      codeSystem: readSlots(c.element).get('codingScheme')?.[0] ?? '',
      display: localized(c.element, 'Name'),
    }));
}

/** Authors of a document entry or submission set (slots of the author classification). */
export function authorsOf(object: RegistryObject): Author[] {
  return object.classifications
    .filter((c) => c.scheme === ENTRY_SCHEME.author || c.scheme === SET_SCHEME.author)
    .map((c) => {
      const slots = readSlots(c.element);
      const values = (name: string): string[] => slots.get(name) ?? [];
      return {
        person: values('authorPerson'),
        institution: values('authorInstitution'),
        role: values('authorRole'),
        specialty: values('authorSpecialty'),
        slots: [...slots.keys()],
      };
    });
}

export function identifierOf(object: RegistryObject, scheme: string): Identifier | undefined {
  return object.identifiers.find((i) => i.scheme === scheme);
}
