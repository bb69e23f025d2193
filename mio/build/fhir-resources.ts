// Resources of the caller, each of a profile of the toolkit, as drafts (mio-diga.md section 13b): ids that are UUIDs, references to
// them, the identifier the profile demands, a section, a date. Patient and app are made where the caller brings none. All that was
// changed is told; a resource that cannot stand in the document is an error, for nothing is left out.
import type { Finding } from '../error.ts';
import { isObject, type Resource } from '../model.ts';
import type { ToolkitTables } from '../tables.ts';
import { APP_PROFILE, appOf, type DigaApp } from './app.ts';
import { type CodeLists, codeListsOf } from './code-lists.ts';
import { contextOf, identifierOf, PROFILE } from './context.ts';
import type { Draft } from './draft.ts';
import type { FhirResourcesContent } from './fhir-content.ts';
import { timesOf } from './fhir-dates.ts';
import { faultsBeside } from './fhir-faults.ts';
import { sectionsByProfile, URN_SYSTEM, uuidIdentifier } from './fhir-profiles.ts';
import { type Identify, isUuid, nameOf } from './identity.ts';
import type { BuildContext, Built } from './kind.ts';
import { Notes, type Place } from './notes.ts';
import { PATIENT_PROFILE, patientOf } from './patient.ts';
import { atServer, looseResolver, type Named, type Resolve, rewriteWith, withReferences } from './references.ts';
import { withoutGaps } from './simple.ts';
import { type Span, spanOf } from './span.ts';

export type FhirSetting = {
  tables: ToolkitTables;
  /** Stands in the document where the caller brings no Device_DIGA. */
  app: DigaApp;
  /** For the Patient where the caller brings none. */
  insured: { kvnr?: string | undefined };
  identify: Identify;
};

export type FhirDrafts = {
  drafts: Draft[];
  /** Undefined when it is not given and no resource has a date. */
  period: Span | undefined;
  findings: Finding[];
};

/**
 * Of a content that `readFhir` let through. Drafts are of use only where no finding is an error; then the findings have what is
 * wrong in each of the others, too, since no document will be validated.
 */
export function draftsOfFhir(content: FhirResourcesContent, setting: FhirSetting): FhirDrafts {
  const lists = codeListsOf(setting.tables);
  const notes = new Notes();
  const given = content.resources.flatMap((resource, index) => {
    const own = take(resource, ['resources', index], { notes, lists, identify: setting.identify });
    return own === undefined ? [] : [own];
  });
  refuseDoubles(given, notes);
  const context = contextOf({ lists, identify: setting.identify, entry: () => undefined, practitioner: undefined });
  const made = madeHere(given, { setting, context, notes });
  const resolve = resolverFor(given, context);
  const sections = sectionsByProfile(lists);
  const agent = agentFor(given, { context, notes });
  const drafts = given.map(({ resource, profile, place, name }) => {
    const section = sections.get(profile);
    const referring = withReferences(resource, rewriteWith(resolve, { place, notes }));
    const { from, until } = timesOf(resource);
    const complete = withIdentifier(referring, { profile, lists, place, notes, uuid: uuidOf(name) });
    return {
      resource: complete,
      profile,
      section,
      from,
      until,
      pointer: `/${place.join('/')}`,
      agent: section && agent,
    };
  });
  const all = [...made, ...drafts];
  const findings = notes.all(['resources']);
  if (findings.some(isError)) {
    const taken = new Set(given.map(({ place }) => place[1]));
    const refused = content.resources.filter((_, index) => !taken.has(index));
    findings.push(...faultsBeside(drafts, { all, refused, told: findings, tables: setting.tables }));
  }
  return { drafts: all, period: content.period ?? spanOf(all), findings };
}

const isError = ({ severity }: Finding) => severity === 'error';

type Given = { resource: Resource; profile: string; place: Place; name: Named };
type Taking = { notes: Notes; lists: CodeLists; identify: Identify };

/** With an id that is a UUID; undefined, and why, for what cannot stand in a document. */
function take(resource: Resource, place: Place, { notes, lists, identify }: Taking): Given | undefined {
  const { resourceType: type, id } = resource;
  if (type === 'Bundle' || type === 'Composition') {
    notes.error(place, 'RESOURCE_UNEXPECTED', 'is made here; a finished document is given as bundle');
    return undefined;
  }
  const profile = profileOf(resource, lists);
  if (profile === undefined) {
    const message = `must name one profile of the toolkit with its version, …|${lists.tables.index.version}`;
    notes.error([...place, 'meta', 'profile'], 'PROFILE_UNKNOWN', message);
  }
  if (typeof id !== 'string' || id === '') {
    notes.error([...place, 'id'], 'ID_MISSING', 'is needed: by it the resource is the same one in every export');
    return undefined;
  }
  if (profile === undefined) return undefined;
  const uuid = isUuid(id) ? id : isUuid(id.toLowerCase()) ? id.toLowerCase() : identify(nameOf(`fhir.${type}`, id));
  if (uuid !== id) notes.changed([...place, 'id'], 'ID_REPLACED', 'became a UUID that is the same in every export');
  const name = { type, id, fullUrl: undefined, urn: `urn:uuid:${uuid}` };
  return { resource: uuid === id ? resource : { ...resource, id: uuid }, profile, place, name };
}

function profileOf({ meta, resourceType }: Resource, { tables }: CodeLists): string | undefined {
  const canonicals = isObject(meta) && Array.isArray(meta.profile) ? meta.profile : [];
  const found = canonicals.flatMap((one) => {
    const definition = typeof one === 'string' && one.includes('|') ? tables.byCanonical(one) : undefined;
    return definition?.name.startsWith(PROFILE) === true && definition.type === resourceType ? [definition.name] : [];
  });
  return found.length === 1 ? found[0] : undefined;
}

function refuseDoubles(given: readonly Given[], notes: Notes): void {
  const seen = new Set<string>();
  const patients = given.filter((one) => one.profile === PATIENT_PROFILE);
  for (const { place, name } of given) {
    if (seen.has(name.urn)) notes.error([...place, 'id'], 'ID_REPEATED', 'is the id of a resource before');
    seen.add(name.urn);
  }
  for (const { place } of patients.slice(1)) notes.error(place, 'PATIENT_REPEATED', 'a document is about one insured');
  for (const { place } of given.filter((one) => one.profile === APP_PROFILE).slice(1))
    notes.error(place, 'APP_REPEATED', 'a document has one app as its author');
}

type Making = { setting: FhirSetting; context: BuildContext; notes: Notes };

function madeHere(given: readonly Given[], { setting, context, notes }: Making): Draft[] {
  const has = (profile: string) => given.some((one) => one.profile === profile);
  const made: Built[] = [];
  if (!has(PATIENT_PROFILE)) {
    made.push({ resource: patientOf({}, setting.insured.kvnr, context), profile: PATIENT_PROFILE });
    notes.changed(['resources'], 'PATIENT_ADDED', 'has no Patient: the insured of the export was added');
  }
  if (!has(APP_PROFILE)) {
    made.push(...appOf(setting.app, context));
    notes.changed(['resources'], 'APP_ADDED', 'has no Device_DIGA: the app was added as it is configured');
  }
  return made.map(({ resource, profile }) => ({
    resource: withoutGaps(resource) as Resource,
    profile,
    section: undefined,
    from: undefined,
    until: undefined,
    pointer: '/resources',
    agent: undefined,
  }));
}

/** Where the caller brings no Patient, the one that all name is the insured. Two of them would be two people. */
function resolverFor(given: readonly Given[], context: BuildContext): Resolve {
  const references = referencesIn(given);
  const resolve = looseResolver(
    given.map((one) => one.name),
    references,
  );
  if (given.some((one) => one.profile === PATIENT_PROFILE)) return resolve;
  const patients = [...references].filter((one) => /^Patient\/[^/]+$/.test(atServer(one)?.name ?? one));
  const people = new Set(patients.map((one) => atServer(one)?.name ?? one));
  const servers = new Set(patients.map((one) => atServer(one)?.server ?? ''));
  servers.delete('');
  const insured = people.size === 1 && servers.size <= 1 ? new Set(patients) : new Set<string>();
  const subject = String(context.subject.reference);
  return (reference) => resolve(reference) ?? (insured.has(reference) ? subject : undefined);
}

function referencesIn(given: readonly Given[]): ReadonlySet<string> {
  const all = new Set<string>();
  const look = (reference: string) => {
    all.add(reference);
    return undefined;
  };
  for (const { resource } of given) withReferences(resource, look);
  return all;
}

/** The information model asks for a Provenance; where the caller brings none, it is the app that wrote all this. */
function agentFor(given: readonly Given[], { context, notes }: Omit<Making, 'setting'>): Draft['agent'] {
  if (given.some((one) => one.resource.resourceType === 'Provenance')) return undefined;
  notes.changed(['resources'], 'PROVENANCE_ADDED', 'has no Provenance: one was added that names the app as author');
  const own = given.find((one) => one.profile === APP_PROFILE)?.name.urn;
  return { type: 'author', who: own ?? String(context.app.reference) };
}

type Identifying = { profile: string; lists: CodeLists; place: Place; notes: Notes; uuid: string };

function withIdentifier(resource: Resource, { profile, lists, place, notes, uuid }: Identifying): Resource {
  const wanted = uuidIdentifier(profile, lists);
  const { identifier } = resource;
  const own = Array.isArray(identifier) ? identifier : identifier === undefined ? [] : [identifier];
  if (wanted === undefined || own.some((one) => isObject(one) && one.system === URN_SYSTEM)) return resource;
  // One that is something else stays, and the validator says so: there is room for one only.
  if (wanted === 'only' && own.length > 0) return resource;
  notes.changed(place, 'IDENTIFIER_ADDED', 'got the identifier that its profile demands');
  const added = identifierOf(uuid);
  const { list } = lists.element(profile, 'identifier');
  return { ...resource, identifier: list ? [...own, added] : added };
}

function uuidOf({ urn }: Named): string {
  return urn.slice('urn:uuid:'.length);
}
