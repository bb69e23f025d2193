// What a document carries beside its content, attribute by attribute against the DiGA examples of ePA 2.6: whatever differs stands
// in the table of docs/divergences.md with its reason, and nothing else stands there as different (EXP-09).
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { writeDocument } from '../gateway/record-system/documents.ts';
import { DOCUMENT_ENTRY, SUBMISSION_SET } from '../gateway/record-system/tables/xds.ts';
import { readMtom } from '../wire/mtom.ts';
import { parseXml, type XmlElement } from '../wire/xml.ts';
import { describeWithSchemas } from './support/schemas.ts';
import { INPUT, OLD } from './unit/gateway/record-system/submission-reader.ts';

const NAMES = new Map(
  [...Object.entries(SUBMISSION_SET), ...Object.entries(DOCUMENT_ENTRY)].map(([name, scheme]) => [
    scheme as string,
    name,
  ]),
);
/** In XDS's words, not in ebRIM's. */
const WORDS: Record<string, string> = { Name: 'title', Description: 'comments', home: 'homeCommunityId' };

type Found = Map<string, string[]>;

/** Values that belong to one message or person, as their form; the others as they are. */
function formOf(value: string): string {
  const forms: [RegExp, string][] = [
    [/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'urn:uuid:…'],
    [/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a bare UUID'],
    [/^2\.25\.\d+$/, '2.25.…'],
    [/^\d{14}$/, 'YYYYMMDDhhmmss'],
    [/^cid:.+$/, 'cid:…'],
    [/^[A-Z]\d{9}(?=\^)/, 'KVNR'],
    // The organisation's name and the Telematik-ID of its card.
    [/^[^^]+(\^{5}&1\.2\.276\.0\.76\.4\.188&ISO\^{4})9-.+$/, 'name$1Telematik-ID'],
  ];
  // Umlauts are damaged at the source: two dots stand for one.
  const written = value.replace(/[^\x20-\x7e]/g, '..');
  return forms.reduce((text, [form, named]) => text.replace(form, named), written);
}

/** Every value of a message under the name of its attribute. */
function attributesOf(envelope: XmlElement): Found {
  const found: Found = new Map();
  const add = (name: string, value: string) => {
    found.set(name, [...(found.get(name) ?? []), formOf(value.trim())].toSorted());
  };
  const [header, body] = envelope.children;
  for (const block of header?.children ?? [])
    add(block.name, block.children.length === 0 ? block.text : block.children.map(({ text }) => text).join(' '));
  const [request] = body?.children ?? [];
  for (const part of request?.children ?? []) if (part.name === 'Document') documentOf(part, add);
  const submit = request?.children.find(({ name }) => name === 'SubmitObjectsRequest');
  for (const part of submit?.children ?? []) {
    if (part.name === 'RequestSlotList') for (const slot of part.children) slotOf(slot, 'request', add);
    for (const object of part.name === 'RegistryObjectList' ? part.children : []) objectOf(object, add);
  }
  return found;
}

type Add = (name: string, value: string) => void;

function documentOf(document: XmlElement, add: Add): void {
  add('Document.id', document.attributes.get('id') ?? '');
  for (const include of document.children) add('Document.Include', include.attributes.get('href') ?? '');
}

function slotOf(slot: XmlElement, owner: string, add: Add): void {
  for (const list of slot.children)
    for (const value of list.children) add(`${owner}.${slot.attributes.get('name')}`, value.text);
}

function objectOf(object: XmlElement, add: Add): void {
  const { attributes } = object;
  if (object.name === 'Association') {
    const type = attributes.get('associationType')?.split(':').at(-1);
    add(`association.${type}`, attributes.get('targetObject') ?? '');
    return;
  }
  const owner = object.name === 'RegistryPackage' ? 'set' : 'entry';
  for (const name of ['id', 'home', 'isOpaque', 'mimeType'])
    if (attributes.has(name)) add(`${owner}.${WORDS[name] ?? name}`, attributes.get(name) ?? '');
  for (const part of object.children) {
    if (part.name === 'Slot') slotOf(part, owner, add);
    else if (part.name === 'Classification') classificationOf(part, owner, add);
    else if (part.name === 'ExternalIdentifier')
      add(`${owner}.${named(part, 'identificationScheme')}`, part.attributes.get('value') ?? '');
    else add(`${owner}.${WORDS[part.name] ?? part.name}`, localized(part));
  }
}

const named = (part: XmlElement, by: string): string => {
  const scheme = part.attributes.get(by) ?? '';
  return NAMES.get(scheme) ?? scheme;
};
const localized = (part: XmlElement | undefined) => part?.children[0]?.attributes.get('value') ?? '';

function classificationOf(part: XmlElement, owner: string, add: Add): void {
  const node = part.attributes.get('classificationNode');
  if (node !== undefined) {
    add(`${owner}.node`, node === SUBMISSION_SET.node ? 'SubmissionSet' : node);
    return;
  }
  const slots = part.children.filter(({ name }) => name === 'Slot');
  const name = named(part, 'classificationScheme');
  if (name === 'author') {
    for (const slot of slots) slotOf(slot, owner, add);
    return;
  }
  const system = slots[0]?.children[0]?.children[0]?.text;
  const display = localized(part.children.find((child) => child.name === 'Name'));
  add(`${owner}.${name}`, `${part.attributes.get('nodeRepresentation')} ${system} ${display}`);
}

/** The message that leaves for this document, headers and all. */
async function ours(replaces: string | null, mimeType = INPUT.mimeType): Promise<Found> {
  const sent = Promise.withResolvers<{ contentType: string; body: Uint8Array }>();
  const enough = new Error('nothing is answered here');
  const session = {
    origin: 'https://epa-as-1.example',
    drop: () => {},
    request: async (inner: { headers: readonly (readonly [string, string])[]; body?: unknown }) => {
      const chunks: Uint8Array[] = [];
      const { chunks: from } = inner.body as { chunks: () => AsyncIterable<Uint8Array> };
      for await (const chunk of from()) chunks.push(chunk);
      const contentType = inner.headers.find(([name]) => name === 'Content-Type')?.[1] ?? '';
      sent.resolve({ contentType, body: Buffer.concat(chunks) });
      throw enough;
    },
  };
  const content = Buffer.from('<Bundle/>');
  const order = {
    ...INPUT,
    title: 'Export Demo DiGA',
    replaces,
    mimeType,
    serviceStart: INPUT.creationTime,
    serviceStop: INPUT.creationTime,
    content: {
      length: content.length,
      chunks: async function* () {
        yield content;
      },
    },
    beforeFirstByte: () => {},
  };
  await expect(writeDocument(session, order)).rejects.toBe(enough);
  const { contentType, body } = await sent.promise;
  const { root } = await readMtom(contentType, body);
  return attributesOf(parseXml(root));
}

function compared(official: Found, sent: Found): { names: string[]; differ: string[] } {
  const names = [...new Set([...official.keys(), ...sent.keys()])].toSorted();
  const same = (name: string) => JSON.stringify(official.get(name)) === JSON.stringify(sent.get(name));
  return { names, differ: names.filter((name) => !same(name)) };
}

type Row = { attribute: string; example: string; why: string };

function tableRows(): Row[] {
  const text = readFileSync(resolve(import.meta.dirname, '../docs/divergences.md'), 'utf8');
  const section = text.split('### Metadata of a document')[1]?.split(/^##+ /m)[0] ?? '';
  const lines = section.split('\n').filter((line) => /^\| `/.test(line));
  return lines.flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    const [, attributes = '', , , , example = '', why = ''] = cells;
    return [...attributes.matchAll(/`([^`]+)`/g)].map(([, attribute = '']) => ({ attribute, example, why }));
  });
}

const rows = tableRows();

test('no attribute has two rows, and each has a reason', () => {
  const names = rows.map(({ attribute }) => attribute);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  expect(rows.filter(({ example, why }) => example === '' || why === '')).toEqual([]);
});

test('every attribute that leaves has a row', async () => {
  const sent = [...(await ours(OLD)).keys()];
  expect(sent.length).toBeGreaterThan(30);
  expect(sent.filter((name) => !rows.some(({ attribute }) => attribute === name))).toEqual([]);
});

test('a value that changes, goes or comes is a difference', async () => {
  const sent = await ours(OLD);
  expect(compared(sent, await ours(OLD)).differ).toEqual([]);
  const changed = new Map(sent).set('entry.languageCode', ['en-US']).set('entry.comments', ['']);
  changed.delete('entry.URI');
  expect(compared(sent, changed).differ).toEqual(['entry.URI', 'entry.comments', 'entry.languageCode']);
});

describeWithSchemas('against the DiGA examples of ePA 2.6, value by value', (dir) => {
  test.each([
    ['request_noreplace.xml', null, 'application/pdf'],
    ['request_replace.xml', OLD, 'application/fhir+xml'],
  ])('%s: what differs stands in docs/divergences.md, and nothing else does', async (file, replaces, mimeType) => {
    const official = attributesOf(parseXml(readFileSync(join(dir, 'schemas/epa/examples/epa2.6-diga', file))));
    const sent = await ours(replaces, mimeType);
    const { names, differ } = compared(official, sent);
    process.stdout.write(`${file}: ${names.length} attributes, ${differ.length} differ: ${differ.join(', ')}\n`);
    const told = (name: string) => rows.find(({ attribute }) => attribute === name)?.example;
    expect(names.filter((name) => told(name) === undefined)).toEqual([]);
    expect(names.filter((name) => told(name) !== 'the same')).toEqual(differ);
  });

  test('what the example does not have and we do not send is said to be the same', async () => {
    const official = attributesOf(
      parseXml(readFileSync(join(dir, 'schemas/epa/examples/epa2.6-diga/request_replace.xml'))),
    );
    const sent = await ours(OLD);
    const inNeither = rows.filter(({ attribute }) => !official.has(attribute) && !sent.has(attribute));
    expect(inNeither.filter(({ example }) => example !== 'the same' && example !== '–')).toEqual([]);
    expect(inNeither.length).toBeGreaterThan(5);
  });
});
