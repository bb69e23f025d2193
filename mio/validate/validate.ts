// Validates a document of the MIO DiGA Toolkit, or one resource of it (D26), against the compiled tables: everything that is
// wrong at once, each finding with its place and a stable code (codes.ts), none with a value of the document (D15).
// Where what is judged: walk.ts elements, values.ts and match.ts what they hold, slice*.ts lists, profile.ts meta.profile,
// reference.ts and bundle.ts the document, invariant.ts and fhirpath/ the rules written in FHIRPath.
import type { Finding } from '../error.ts';
import type { FhirObject, Resource } from '../model.ts';
import type { ToolkitTables } from '../tables.ts';
import { type BundleEntry, type BundleIndex, checkEntries, checkReach, indexOf } from './bundle.ts';
import { FINDING_CODES } from './codes.ts';
import type { ValuePlan } from './plan.ts';
import { Planner } from './planner.ts';
import { checkProfile } from './profile.ts';
import { checkReference, type ReferenceScope } from './reference.ts';
import { Trail } from './trail.ts';
import { checkObject, type Walk } from './walk.ts';

/** `single`: a lone resource is let through, and its unresolved references are warnings. `maxFindings`: default 1000. */
export type ValidateOptions = { single?: boolean; maxFindings?: number };

const MAX_FINDINGS = 1000;
const planners = new WeakMap<ToolkitTables, Planner>();

/** No finding of severity `error`: the document may be written. */
export function validate(resource: Resource, tables: ToolkitTables, options: ValidateOptions = {}): Finding[] {
  const max = options.maxFindings ?? MAX_FINDINGS;
  // What is no type of resource is a value of the caller (D15).
  const root = tables.core.shapes.isResource(resource.resourceType) ? resource.resourceType : 'Resource';
  const trail = new Trail(root, max);
  const planner = plannerOf(tables);
  const isBundle = resource.resourceType === 'Bundle';
  if (!isBundle && options.single !== true) trail.error('MIO_BUNDLE_EXPECTED', 'a document of the toolkit is a Bundle');
  const index = isBundle ? indexOf(resource, tables) : undefined;
  const name = checkProfile(trail, resource, { tables, inBundle: isBundle });
  if (name !== undefined)
    checkObject(walkOf(trail, { planner, root: resource, index }), resource, planner.ofDefinition(name));
  if (index !== undefined) {
    checkEntries(trail, resource);
    checkReach(trail, index);
  }
  const { findings } = trail;
  if (trail.full) {
    const path = root;
    findings.push({
      severity: 'information',
      code: 'MIO_FINDINGS_CUT',
      path,
      message: FINDING_CODES.MIO_FINDINGS_CUT,
      pointer: '',
    });
  }
  return findings;
}

function plannerOf(tables: ToolkitTables): Planner {
  const known = planners.get(tables);
  if (known !== undefined) return known;
  const planner = new Planner(tables);
  planners.set(tables, planner);
  return planner;
}

type Task = { planner: Planner; root: FhirObject; index: BundleIndex | undefined };

function walkOf(trail: Trail, { planner, root, index }: Task): Walk {
  const { tables } = planner;
  let from: BundleEntry | undefined;
  const scope: ReferenceScope = { trail, tables, index, contained: new Map(), satisfies: satisfactionOf(planner) };
  const walk: Walk = {
    trail,
    planner,
    document: root,
    resource: root,
    root,
    reference: (value, targets) => checkReference(scope, { from, root: walk.root, value, targets }),
    inner: (value) => {
      const entry = index?.byResource.get(value);
      if (entry === undefined) return plainPlan(trail, planner, value);
      from = entry;
      if (typeof value.questionnaire === 'string') {
        const questionnaire = index?.byUrl.get(value.questionnaire);
        if (questionnaire !== undefined) entry.leadsTo.add(questionnaire);
      }
      const name = checkProfile(trail, value, { tables, inBundle: true });
      return name === undefined ? undefined : planner.ofDefinition(name);
    },
  };
  return walk;
}

/** A resource that is no entry: contained in another one. */
function plainPlan(trail: Trail, planner: Planner, value: FhirObject): ValuePlan | undefined {
  const type = value.resourceType;
  if (typeof type === 'string' && planner.tables.core.shapes.isResource(type)) return planner.ofDefinition(type);
  trail.error('MIO_RESOURCE_UNKNOWN', 'not a resource of the toolkit', 'resourceType');
  return undefined;
}

/** Whether a resource satisfies a profile, asked aside and remembered. References in it are not followed. */
function satisfactionOf(planner: Planner): (resource: FhirObject, profile: string) => boolean {
  const known = new Map<FhirObject, Map<string, boolean>>();
  return (resource, profile) => {
    const answers = known.get(resource) ?? new Map<string, boolean>();
    known.set(resource, answers);
    const answer = answers.get(profile);
    if (answer !== undefined) return answer;
    const trail = new Trail('', 1);
    const inner = (value: FhirObject) => plainPlan(trail, planner, value);
    checkObject(
      { trail, planner, document: resource, resource, root: resource, reference: () => {}, inner },
      resource,
      planner.ofDefinition(profile),
    );
    answers.set(profile, trail.findings.length === 0);
    return trail.findings.length === 0;
  };
}
