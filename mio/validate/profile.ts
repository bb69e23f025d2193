// Which profile a resource must satisfy: meta.profile decides (mio-diga.md section 2). Each resource of a document names
// exactly one profile of the toolkit, with its version.
import type { Definition } from '../definition.ts';
import { type FhirObject, isObject } from '../model.ts';
import type { ToolkitTables } from '../tables.ts';
import type { Trail } from './trail.ts';

/** Names of the toolkit's profiles; what they derive from is no profile for a document. */
const TOOLKIT = 'KBV_PR_MIO_DIGA_';
const PREFIX = `https://fhir.kbv.de/StructureDefinition/${TOOLKIT}`;

/** What meta.profile says, whatever is wrong with it. */
export function declaredProfile(resource: FhirObject, tables: ToolkitTables): Definition | undefined {
  for (const one of declared(resource)) {
    const definition = toolkitProfile(one, tables);
    if (definition?.type === resource.resourceType) return definition;
  }
  return undefined;
}

/**
 * The name of the definition to check a resource with, and findings about meta.profile. Without a usable profile it is the
 * only one of that type, else R4's. `inBundle`: then no other profiles may be named (bundle-1).
 */
export function checkProfile(
  trail: Trail,
  resource: FhirObject,
  context: { tables: ToolkitTables; inBundle: boolean },
): string | undefined {
  const { tables, inBundle } = context;
  const type = resource.resourceType;
  if (typeof type !== 'string' || !tables.core.shapes.isResource(type)) {
    trail.error('MIO_RESOURCE_UNKNOWN', 'not a resource of the toolkit', 'resourceType');
    return undefined;
  }
  let found: Definition | undefined;
  let faults = 0;
  declared(resource).forEach((canonical, index) => {
    const place = ['meta', 'profile', index];
    const definition = toolkitProfile(canonical, tables);
    if (definition === undefined) {
      if (!inBundle && !canonical.startsWith(PREFIX)) return;
      faults += 1;
      trail.error('MIO_PROFILE_UNKNOWN', 'no profile of the toolkit (bundle-1)', ...place);
    } else if (definition.type !== type) {
      faults += 1;
      trail.error('MIO_PROFILE_TYPE', `a profile for ${definition.type}`, ...place);
    } else if (found !== undefined) trail.error('MIO_PROFILE_SEVERAL', 'a second profile of the toolkit', ...place);
    else {
      found = definition;
      if (canonical !== `${definition.url}|${definition.version}`)
        trail.error('MIO_PROFILE_VERSION', `the version must be |${definition.version}`, ...place);
    }
  });
  if (found === undefined && faults === 0)
    trail.error('MIO_PROFILE_MISSING', 'no profile of the toolkit is named', 'meta', 'profile');
  return (found?.name ?? onlyProfileFor(type, tables)) || type;
}

function declared(resource: FhirObject): string[] {
  const profiles = isObject(resource.meta) ? resource.meta.profile : undefined;
  return Array.isArray(profiles) ? profiles.filter((one) => typeof one === 'string') : [];
}

function toolkitProfile(canonical: string, tables: ToolkitTables): Definition | undefined {
  const [url = ''] = canonical.split('|');
  return url.startsWith(PREFIX) ? tables.byCanonical(url) : undefined;
}

function onlyProfileFor(type: string, tables: ToolkitTables): string | undefined {
  const names = Object.entries(tables.index.definitions)
    .filter(([name, one]) => name.startsWith(TOOLKIT) && one.type === type)
    .map(([name]) => name);
  return names.length === 1 ? names[0] : undefined;
}
