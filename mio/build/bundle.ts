// The document (mio-diga.md sections 4, 5 and 10): Bundle and Composition around the drafts of one part, a Provenance for
// each who brought data, versions from what the installation remembers (versions.ts). The same input gives the same bytes.
import { type FhirObject, isObject, type Resource } from '../model.ts';
import type { ToolkitTables } from '../tables.ts';
import { APP_PROFILE } from './app.ts';
import type { Digest } from './canonical.ts';
import { type CodeLists, codeListsOf } from './code-lists.ts';
import { identifierOf, PROFILE } from './context.ts';
import type { Draft, Part, PartMemory } from './draft.ts';
import type { Identify } from './identity.ts';
import { PATIENT_PROFILE } from './patient.ts';
import { provenanceOf } from './provenance.ts';
import { COMPOSITION, sectionsOf } from './sections.ts';
import { nextDocument } from './versions.ts';

export type Assembly = {
  part: Part;
  tables: ToolkitTables;
  /** Of the last document in the part's chain, and of the other parts. */
  memory?: PartMemory | undefined;
  elsewhere?: readonly PartMemory[] | undefined;
  /** A UUID, new for each document. */
  bundleId: string;
  /** FHIR instant. */
  now: string;
  identify: Identify;
  digest: Digest;
};

export type Assembled = {
  bundle: Resource;
  memory: PartMemory;
  /** The document is the one that is remembered, byte for byte: it need not be sent. */
  unchanged: boolean;
  /** JSON pointers of the Bundle's entries, in their order; undefined where it is of our own making. */
  sources: (string | undefined)[];
};

export function assembleBundle({ part, tables, identify, ...history }: Assembly): Assembled {
  const lists = codeListsOf(tables);
  const provenance = provenanceOf(part.drafts, { lists, identify, partName: part.name });
  const { memory, unchanged } = nextDocument({
    ...history,
    contents: [...part.drafts, ...provenance.map((resource) => ({ resource, section: undefined }))],
    part,
    shapes: tables.core.shapes,
  });
  const stampOf = ({ id }: Resource) => memory.resources[String(id)] ?? UNKNOWN;
  const stamped = (resource: Resource): Resource => {
    const { version, lastUpdated } = stampOf(resource);
    return withMeta(resource, version, lastUpdated);
  };
  const { version, timestamp, bundleId, period } = memory;
  const composition = compositionOf({ ...part, period }, { lists, timestamp, identify });
  const all = [
    withMeta(composition, version, timestamp),
    ...part.drafts.map(({ resource }) => stamped(resource)),
    ...provenance.map((resource) => stamped({ ...resource, recorded: stampOf(resource).lastUpdated })),
  ];
  const bundle: Resource = {
    resourceType: 'Bundle',
    id: bundleId,
    meta: metaOf('Bundle', lists),
    identifier: identifierOf(bundleId),
    type: 'document',
    timestamp,
    entry: all.map((resource) => ({ fullUrl: urn(resource), resource })),
  };
  return {
    bundle: withMeta(bundle, version, timestamp),
    memory,
    unchanged,
    sources: [undefined, ...part.drafts.map(({ pointer }) => pointer), ...provenance.map(() => undefined)],
  };
}

/** nextDocument has one for each. */
const UNKNOWN = { version: 1, lastUpdated: '' };

type Making = { lists: CodeLists; timestamp: string; identify: Identify };

function compositionOf(part: Part, { lists, timestamp, identify }: Making): Resource {
  const fixed = (element: string) => lists.fixed(COMPOSITION, element);
  const { start, end } = part.period;
  // A part that has lost all its data replaces what the record still shows; FHIR knows no empty list.
  const section = sectionsOf(part.drafts, lists);
  return {
    resourceType: 'Composition',
    id: identify(JSON.stringify(['composition', part.name])),
    meta: metaOf('Composition', lists),
    extension: [{ url: lists.profile('KBV_EX_MIO_DIGA_Betrachtungszeitraum').url, valuePeriod: { start, end } }],
    status: fixed('status'),
    type: fixed('type'),
    subject: { reference: urn(only(part.drafts, PATIENT_PROFILE)) },
    date: timestamp,
    // The app is the author, not its maker.
    author: [{ reference: urn(only(part.drafts, APP_PROFILE)) }],
    title: fixed('title'),
    ...(section.length > 0 && { section }),
  };
}

function only(drafts: readonly Draft[], profile: string): Resource {
  const found = drafts.find((draft) => draft.profile === profile);
  if (found === undefined) throw new TypeError(`a part without ${profile}`);
  return found.resource;
}

function urn({ id }: Resource): string {
  return `urn:uuid:${String(id)}`;
}

function metaOf(name: string, lists: CodeLists): FhirObject {
  const { url, version } = lists.profile(`${PROFILE}${name}`);
  return { profile: [`${url}|${version}`] };
}

/** What a caller's resource says of itself stays. */
function withMeta(resource: Resource, version: number, lastUpdated: string): Resource {
  const meta = isObject(resource.meta) ? resource.meta : {};
  return { ...resource, meta: { versionId: String(version), lastUpdated, ...meta } };
}
