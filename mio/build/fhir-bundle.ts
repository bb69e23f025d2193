// A finished document of the caller (mio-diga.md section 13b): written as it is once it is valid, but for addresses that cannot work
// in a document of the toolkit (section 4). Whether it is valid is the validator's to say.
import type { Finding } from '../error.ts';
import { type FhirObject, type FhirValue, isObject, type Resource } from '../model.ts';
import type { ToolkitTables } from '../tables.ts';
import { codeListsOf } from './code-lists.ts';
import { PROFILE } from './context.ts';
import { type Identify, isUuid, nameOf } from './identity.ts';
import { Notes } from './notes.ts';
import { baseOf, type Named, type Resolve, resolverOf, rewriteWith, withReferences } from './references.ts';

export type FhirBundle = {
  /** Undefined where it is refused without a look at its entries. */
  bundle: Resource | undefined;
  /** Pointers below the caller's content. */
  findings: Finding[];
};

export function bundleOfFhir(bundle: Resource, setting: { tables: ToolkitTables; identify: Identify }): FhirBundle {
  const { url, version } = codeListsOf(setting.tables).profile(`${PROFILE}Bundle`);
  const profiles = isObject(bundle.meta) ? bundle.meta.profile : undefined;
  const notes = new Notes();
  if (bundle.resourceType !== 'Bundle') {
    notes.error(
      ['bundle', 'resourceType'],
      'BUNDLE_EXPECTED',
      'must be a Bundle; single resources are given as resources',
    );
    return { bundle: undefined, findings: notes.findings };
  }
  if (!Array.isArray(profiles) || !profiles.includes(`${url}|${version}`)) {
    const message = `must name the profile of a document of the toolkit, ${url}|${version}`;
    notes.error(['bundle', 'meta', 'profile'], 'PROFILE_UNKNOWN', message);
    return { bundle: undefined, findings: notes.findings };
  }
  const entries = Array.isArray(bundle.entry) ? bundle.entry : [];
  const named = entries.map((entry) => addressOf(entry, setting.identify));
  const resolve = resolverOf(named.filter((one) => one !== undefined));
  const entry = entries.map((one, index) => {
    const own = named[index];
    return own === undefined || !isObject(one) ? one : addressed(one, own, { index, notes, resolve });
  });
  const same = entry.every((one, index) => one === entries[index]);
  return { bundle: same ? bundle : { ...bundle, entry }, findings: notes.all(['bundle']) };
}

/** A fullUrl that is a UUID, or none at all, stays: the validator says what is wrong with it. */
function addressOf(entry: FhirValue, identify: Identify): Named | undefined {
  const { fullUrl, resource } = isObject(entry) ? entry : {};
  if (!isObject(resource) || typeof resource.resourceType !== 'string' || typeof fullUrl !== 'string') return undefined;
  const { resourceType: type } = resource;
  const id = typeof resource.id === 'string' ? resource.id : undefined;
  if (fullUrl.startsWith('urn:') || id === undefined) return { type, id, fullUrl, urn: fullUrl };
  return { type, id, fullUrl, urn: `urn:uuid:${isUuid(id) ? id : identify(nameOf(`fhir.${type}`, fullUrl))}` };
}

type Making = { index: number; notes: Notes; resolve: Resolve };

/** The same object where nothing had to be changed. */
function addressed(entry: FhirObject, { id, fullUrl, urn }: Named, { index, notes, resolve }: Making): FhirObject {
  if (!isObject(entry.resource)) return entry;
  const place = ['bundle', 'entry', index, 'resource'];
  const resource = withReferences(entry.resource, rewriteWith(resolve, { place, notes, base: baseOf(fullUrl) }));
  if (fullUrl === urn) return resource === entry.resource ? entry : { ...entry, resource };
  notes.changed(
    ['bundle', 'entry', index, 'fullUrl'],
    'FULLURL_REWRITTEN',
    'became urn:uuid: and the id of its resource',
  );
  const uuid = urn.slice('urn:uuid:'.length);
  if (id === uuid) return { ...entry, fullUrl: urn, resource };
  notes.changed([...place, 'id'], 'ID_REPLACED', 'became a UUID that is the same in every export');
  return { ...entry, fullUrl: urn, resource: { ...resource, id: uuid } };
}
